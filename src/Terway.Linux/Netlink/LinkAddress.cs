namespace Terway.Linux.Netlink;

/// <summary>IFA_F_* flags.</summary>
[Flags]
public enum AddressFlags : uint
{
    None = 0,

    /// <summary>No duplicate-address detection: an IPv6 address is usable at once.</summary>
    NoDad = 0x02,

    DadFailed = 0x08,

    Deprecated = 0x20,

    /// <summary>Duplicate-address detection still runs (reported only).</summary>
    Tentative = 0x40,

    /// <summary>No end of life (reported; set by the kernel for what is added here).</summary>
    Permanent = 0x80,

    /// <summary>No route to the address's prefix is made.</summary>
    NoPrefixRoute = 0x200,
}

/// <summary>An address of a link: what is added, and what a dump reports.</summary>
public readonly record struct LinkAddress
{
    public required int LinkIndex { get; init; }

    /// <summary>The address and its prefix length.</summary>
    public required IpPrefix Address { get; init; }

    public RouteScope Scope { get; init; }

    public AddressFlags Flags { get; init; }
}
