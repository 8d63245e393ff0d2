namespace Terway.Host.State;

/// <summary>A pod interface as CNI names it: the runtime may give several interfaces to one sandbox.</summary>
public readonly record struct AttachmentKey(string ContainerId, string IfName)
{
    /// <inheritdoc/>
    public override string ToString() => $"{ContainerId}/{IfName}";
}
