namespace Terway.EniPool.State;

/// <summary>What is kept on disk about an ENI.</summary>
internal sealed record EniRecord
{
    public const string Attaching = "attaching";
    public const string InUse = "inuse";
    public const string Deleting = "deleting";

    public required string Id { get; init; }

    public required string Mac { get; init; }

    public required string VSwitch { get; init; }

    /// <summary>Made by us.</summary>
    public required bool Owned { get; init; }

    public required string State { get; init; }

    /// <summary>Its tags exclude it: only the pods on it keep it here.</summary>
    public bool? Excluded { get; init; }

    /// <summary>Routing tables that lead out by it; another boot numbers links, and with them tables, afresh.</summary>
    public IReadOnlyList<int>? Tables { get; init; }

    /// <summary>The boot that <see cref="Tables"/> are of (/proc/sys/kernel/random/boot_id).</summary>
    public string? Boot { get; init; }

    public required IReadOnlyList<EniFamilyRecord> Families { get; init; }
}

/// <summary>An ENI's addresses of one family.</summary>
/// <param name="Family">Name of the address family.</param>
/// <param name="Subnet">CIDR of the vSwitch; null until known.</param>
/// <param name="Gateway">Gateway of the vSwitch; null until known.</param>
/// <param name="Primary">The ENI's own address, if it has one of this family.</param>
/// <param name="Addresses">All single ones, the primary one included; without it on an ENI that gives addresses of prefixes.</param>
/// <param name="Leaving">Those of <paramref name="Addresses"/> and <paramref name="Prefixes"/> that are being given back: they may be gone.</param>
/// <param name="Prefixes">CIDRs of all prefixes; null when there is none.</param>
internal sealed record EniFamilyRecord(
    string Family,
    string? Subnet,
    string? Gateway,
    string? Primary,
    IReadOnlyList<string> Addresses,
    IReadOnlyList<string>? Leaving = null,
    IReadOnlyList<string>? Prefixes = null);
