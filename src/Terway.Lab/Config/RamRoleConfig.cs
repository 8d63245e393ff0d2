using System.Collections.Immutable;

namespace Terway.Lab.Config;

/// <summary>The RAM role of every instance, whose temporary credentials the metadata service hands out.</summary>
public sealed record RamRoleConfig
{
    public string Name { get; init; } = "TerwayLabRole";

    /// <summary>Life of one set of credentials; the metadata service rotates them when a tenth of it is left.</summary>
    public TimeSpan CredentialLifetime { get; init; } = TimeSpan.FromHours(6);

    /// <summary>Allowed actions as <c>product:Action</c>, <c>*</c> as last character allowed; everything else is Forbidden.RAM.</summary>
    public ImmutableArray<string> Allow { get; init; } =
    [
        "ecs:CreateNetworkInterface", "ecs:DescribeNetworkInterfaces", "ecs:DescribeNetworkInterfaceAttribute",
        "ecs:AttachNetworkInterface", "ecs:DetachNetworkInterface", "ecs:DeleteNetworkInterface",
        "ecs:ModifyNetworkInterfaceAttribute", "ecs:DescribeInstanceAttribute", "ecs:DescribeInstanceTypes", "ecs:DescribeInstances",
        "ecs:AssignPrivateIpAddresses", "ecs:UnassignPrivateIpAddresses", "ecs:AssignIpv6Addresses", "ecs:UnassignIpv6Addresses",
        "vpc:DescribeVSwitches",
    ];
}
