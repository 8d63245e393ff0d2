using Terway.Linux.Namespaces;

namespace Terway.Linux.Netlink;

/// <summary>What to change on an existing link; null leaves as it is. All in one message, but the kernel does not undo a part that succeeded.</summary>
public readonly record struct LinkChange
{
    /// <summary>The link, by index, or 0 when <see cref="Name"/> says which.</summary>
    public int Index { get; init; }

    /// <summary>The link, by name, when <see cref="Index"/> is 0.</summary>
    public string? Name { get; init; }

    /// <summary>Renaming needs <see cref="Index"/>, and before Linux 6.2 a link that is down. With <see cref="NetNs"/> the name in the new namespace.</summary>
    public string? NewName { get; init; }

    public bool? Up { get; init; }

    /// <summary>Bytes.</summary>
    public int? Mtu { get; init; }

    public MacAddress? Mac { get; init; }

    /// <summary>Moves the link. It arrives down, without addresses.</summary>
    public NetNs? NetNs { get; init; }

    public uint? Group { get; init; }

    /// <summary>Index of a bridge; 0 takes the link out of its bridge.</summary>
    public int? Master { get; init; }

    /// <summary>Packets.</summary>
    public int? TxQueueLength { get; init; }

    /// <summary>Free text, at most 255 bytes; empty removes it.</summary>
    public string? Alias { get; init; }
}
