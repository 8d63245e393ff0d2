using System.Net.Sockets;

namespace Terway.Linux.Netlink;

/// <summary>FR_ACT_*.</summary>
public enum RuleAction : byte
{
    /// <summary>Lookup when adding; any when deleting.</summary>
    Unspecified = 0,
    Lookup = 1,
    Goto = 2,
    Nop = 3,
    Blackhole = 6,
    Unreachable = 7,
    Prohibit = 8,
}

/// <summary>
/// A policy-routing rule: what is added or deleted, and what a dump reports. When deleting, members at their default match anything, and
/// the kernel deletes the first rule that matches: give the priority.
/// </summary>
public readonly record struct IpRule
{
    /// <summary>InterNetwork or InterNetworkV6.</summary>
    public required AddressFamily Family { get; init; }

    /// <summary>Lower is tried first. 0 when adding lets the kernel choose one before the first.</summary>
    public uint Priority { get; init; }

    /// <summary>Source; null for any.</summary>
    public IpPrefix? From { get; init; }

    /// <summary>Destination; null for any.</summary>
    public IpPrefix? To { get; init; }

    /// <summary>Name of the incoming link; <c>lo</c> means the node's own packets.</summary>
    public string? InputInterface { get; init; }

    public string? OutputInterface { get; init; }

    public uint Mark { get; init; }

    /// <summary>Bits of <see cref="Mark"/> that count; 0 with a mark means all.</summary>
    public uint Mask { get; init; }

    public uint Table { get; init; }

    public RuleAction Action { get; init; }

    /// <summary>Matches what the selector does not.</summary>
    public bool Invert { get; init; }

    /// <summary>Who made it (FRA_PROTOCOL); 0 means boot (3) when adding and any when deleting.</summary>
    public byte Protocol { get; init; }
}
