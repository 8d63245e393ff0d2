using Terway.Plugin;

namespace Terway.Host.State;

/// <summary>What the journal holds of one pod interface: enough to repair it or to take it away without the plugins that made it.</summary>
public sealed record AttachmentRecord
{
    /// <summary>What was asked for and given.</summary>
    public required Attachment Attachment { get; init; }

    /// <summary>Inode of the sandbox's network namespace: a path can be reused by another sandbox.</summary>
    public required ulong NetNsInode { get; init; }

    /// <summary>Kernel objects in the order in which they are made.</summary>
    public required IReadOnlyList<KernelObject> Objects { get; init; }

    /// <summary>Plugin and version that gave the addresses, such as <c>SharedEni/1.0.0</c>.</summary>
    public required string Provider { get; init; }

    /// <summary>Plugin and version that planned the objects.</summary>
    public required string Datapath { get; init; }

    /// <summary>When the ADD came.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>
    /// Made up from the kernel after the journal was lost: the sandbox's real id is not known. No runtime makes an id that begins so
    /// (CNI 1.0: an alphanumeric character first).
    /// </summary>
    public bool IsRecovered => Attachment.Pod.ContainerId.StartsWith(RecoveredPrefix, StringComparison.Ordinal);

    /// <summary>Begins the container id of a recovered record.</summary>
    public const string RecoveredPrefix = "~";

    /// <summary>NICs of the node that are in the pod: they have to be brought back.</summary>
    public IEnumerable<KernelObject.Nic> Nics => Objects.OfType<KernelObject.Nic>();

    /// <summary>The interface it is about.</summary>
    public AttachmentKey Key => new(Attachment.Pod.ContainerId, Attachment.Pod.IfName);
}
