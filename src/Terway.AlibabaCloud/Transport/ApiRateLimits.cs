namespace Terway.AlibabaCloud.Transport;

/// <summary>Calls per minute this client allows itself, by API name.</summary>
public static class ApiRateLimits
{
    /// <summary>Calls per minute for an API without an own entry.</summary>
    public const int Default = 500;

    /// <summary>
    /// Upstream Terway's ceilings. They are those of a whole account, so the client also lowers an API's rate when the
    /// service throttles it; see <see cref="TokenBucket"/>.
    /// </summary>
    public static IReadOnlyDictionary<string, int> Standard { get; } = new Dictionary<string, int>(StringComparer.Ordinal)
    {
        ["CreateNetworkInterface"] = 500,
        ["AttachNetworkInterface"] = 500,
        ["DeleteNetworkInterface"] = 500,
        ["DetachNetworkInterface"] = 400,
        ["DescribeNetworkInterfaces"] = 800,
        ["DescribeNetworkInterfaceAttribute"] = 2000,
        ["AssignPrivateIpAddresses"] = 400,
        ["UnassignPrivateIpAddresses"] = 400,
        ["AssignIpv6Addresses"] = 400,
        ["UnassignIpv6Addresses"] = 400,
        ["DescribeInstanceTypes"] = 400,
        ["DescribeVSwitches"] = 300,
    };

    /// <summary>Limit of <paramref name="action"/>: the override, else the standard, else <see cref="Default"/>.</summary>
    public static int For(string action, IReadOnlyDictionary<string, int>? overrides) =>
        overrides is not null && overrides.TryGetValue(action, out int own) ? own
        : Standard.TryGetValue(action, out int standard) ? standard
        : Default;
}
