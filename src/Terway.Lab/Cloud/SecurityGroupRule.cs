using System.Net;

namespace Terway.Lab.Cloud;

public enum RuleDirection
{
    Ingress,
    Egress,
}

public enum RulePolicy
{
    Accept,
    Drop,
}

public enum RuleProtocol
{
    All,
    Tcp,
    Udp,
    Icmp,
    IcmpV6,
}

/// <summary>
/// One rule. Lower <see cref="Priority"/> (1 to 100) wins; at the same priority Drop wins. The peer is either a CIDR or the
/// members of another group, never both.
/// </summary>
public sealed record SecurityGroupRule
{
    public required RuleDirection Direction { get; init; }

    public RulePolicy Policy { get; init; } = RulePolicy.Accept;

    public int Priority { get; init; } = 1;

    public RuleProtocol Protocol { get; init; } = RuleProtocol.All;

    /// <summary>Inclusive destination ports; 0 to 65535 for protocols without ports.</summary>
    public int FromPort { get; init; }

    public int ToPort { get; init; } = 65535;

    public IPNetwork? PeerCidr { get; init; }

    public string? PeerGroupId { get; init; }
}
