using System.Collections.Immutable;

namespace Terway.Lab.Config;

/// <summary>Calls per minute that the account may make before <c>Throttling.User</c>.</summary>
public sealed record ThrottleConfig
{
    public int Default { get; init; } = 500;

    /// <summary>By action.</summary>
    public ImmutableSortedDictionary<string, int> PerAction { get; init; } = s_defaults;

    private static readonly ImmutableSortedDictionary<string, int> s_defaults = ImmutableSortedDictionary.CreateRange(
        StringComparer.Ordinal,
        new KeyValuePair<string, int>[]
        {
            new("DescribeNetworkInterfaces", 800),
            new("DescribeNetworkInterfaceAttribute", 2000),
            new("DetachNetworkInterface", 400),
            new("AssignPrivateIpAddresses", 400),
            new("UnassignPrivateIpAddresses", 400),
            new("AssignIpv6Addresses", 400),
            new("UnassignIpv6Addresses", 400),
            new("DescribeInstanceTypes", 400),
            new("DescribeVSwitches", 300),
        });
}
