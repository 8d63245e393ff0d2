using Terway.Plugin;

namespace Terway.Host.State;

/// <summary>All that the state file held when it was opened.</summary>
internal sealed record StateSnapshot
{
    public required IReadOnlyList<(AttachmentRecord Record, AttachmentPhase Phase)> Attachments { get; init; }

    public required IReadOnlyDictionary<AttachmentKey, DateTimeOffset> Tombstones { get; init; }

    public required IReadOnlyDictionary<string, DateTimeOffset> Released { get; init; }

    public required IReadOnlyDictionary<(string Plugin, string Key), IReadOnlyList<KernelObject>> NodeObjects { get; init; }

    public required IReadOnlyDictionary<(string Plugin, string Key), byte[]> PluginRecords { get; init; }

    public required IReadOnlyDictionary<string, byte[]> Facts { get; init; }
}
