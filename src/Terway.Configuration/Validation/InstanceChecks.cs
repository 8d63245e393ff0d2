using System.Globalization;
using System.Text.Json;
using Terway.AlibabaCloud.Network;

namespace Terway.Configuration.Validation;

/// <summary>Whether an instance type can carry what the configuration asks for.</summary>
internal static class InstanceChecks
{
    /// <summary>A node joins a shared pool only with more pods than this.</summary>
    public const int SharedThreshold = 11;

    /// <summary>A node joins an exclusive pool only with more pods than this.</summary>
    public const int ExclusiveThreshold = 6;

    public static void Check(NodePoolConfig config, JsonElement settings, InstanceTypeLimits type, List<ConfigFinding> findings)
    {
        var mode = PoolMode.Of(config);
        if (mode.Shared) CheckShared(settings, type, findings);
        if (mode.Exclusive && type.ExclusivePods <= ExclusiveThreshold)
        {
            findings.Add(ConfigFinding.Error(
                "$", $"{type.InstanceTypeId} is too small for exclusive ENIs: EniQuantity - 1 = {type.EniQuantity} - 1 = {type.ExclusivePods} pods, and more than {ExclusiveThreshold} are needed",
                "use a larger instance type, or share ENIs"));
        }

        if (mode.DualStack && !(mode.Exclusive && !mode.Shared ? type.SupportsExclusiveDualStack : type.SupportsSharedDualStack))
        {
            findings.Add(ConfigFinding.Error(
                DualStackPath(config), $"{type.InstanceTypeId} has no dual stack: {DualStackProblem(type)}",
                "use an instance type with as many IPv6 as IPv4 addresses per ENI, or IPv4 alone"));
        }
    }

    /// <summary>Why an instance type has no dual stack on shared ENIs.</summary>
    public static string DualStackProblem(InstanceTypeLimits type) => type.EniIpv6AddressQuantity <= 0
        ? "its ENIs have no IPv6 addresses (EniIpv6AddressQuantity 0)"
        : $"each IPv4 address needs an IPv6 one, and its ENIs have {type.EniPrivateIpAddressQuantity} and {type.EniIpv6AddressQuantity} (EniPrivateIpAddressQuantity, EniIpv6AddressQuantity)";

    /// <summary>Where the configuration asks for dual stack.</summary>
    public static string DualStackPath(NodePoolConfig config) => config.Plugins.FirstOrDefault(static p => p.Name == "IPv6DualStack")?.Path ?? "$.ip_stack";

    private static void CheckShared(JsonElement settings, InstanceTypeLimits type, List<ConfigFinding> findings)
    {
        var (pods, arithmetic) = SharedPods(settings, type);
        if (pods > SharedThreshold) return;
        findings.Add(ConfigFinding.Error(
            "$", $"{type.InstanceTypeId} is too small for shared ENIs: {arithmetic} pods, and more than {SharedThreshold} are needed", "use a larger instance type, or let it have more ENIs"));
    }

    private static (int Pods, string Arithmetic) SharedPods(JsonElement settings, InstanceTypeLimits type)
    {
        var ratio = Setting(settings, "eni_cap_ratio", 1) is var r && r > 0 ? r : 1;
        var shift = Setting(settings, "eni_cap_shift", 0);
        var enis = (int)Math.Clamp(Math.Floor(type.EniQuantity * ratio) + shift - 1, 0, type.SecondaryEnis);
        var (left, numbers) = ("(EniQuantity - 1)", $"({type.EniQuantity} - 1)");
        if (ratio != 1 || shift != 0)
        {
            left = "(EniQuantity x eni_cap_ratio + eni_cap_shift - 1)";
            numbers = string.Create(CultureInfo.InvariantCulture, $"({type.EniQuantity} x {ratio} + {shift} - 1)");
        }

        if (Setting(settings, "max_eni", 0) is > 0 and var most && most < enis)
        {
            enis = (int)most;
            (left, numbers) = ($"min({left}, max_eni)", $"min({numbers}, {enis})");
        }

        if (settings.TryGetProperty("enable_ip_prefix", out var prefix) && prefix.ValueKind == JsonValueKind.True)
        {
            var pods = enis * type.PrefixesPerEni * PodCapacity.AddressesPerPrefix;
            return (pods, $"{left} x (EniPrivateIpAddressQuantity - 1) x 16 = {numbers} x {type.PrefixesPerEni} x 16 = {pods}");
        }

        var addresses = Math.Max(type.EniPrivateIpAddressQuantity, 0);
        return (enis * addresses, $"{left} x EniPrivateIpAddressQuantity = {numbers} x {addresses} = {enis * addresses}");
    }

    private static double Setting(JsonElement settings, string name, double fallback) =>
        settings.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && Math.Abs(number) <= 1000 ? number : fallback;
}
