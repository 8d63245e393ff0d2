namespace Terway.Plugin;

/// <summary>Work around a pod's attachment that is not its datapath, such as policy. Members may be called concurrently for different pods.</summary>
public interface IPodStage
{
    /// <summary>Stages attach in ascending order and detach in descending order.</summary>
    int Order { get; }

    /// <summary>Further kernel objects, made after those of the datapath and of lower stages.</summary>
    IReadOnlyList<KernelObject> Plan(Attachment attachment) => [];

    /// <summary>Told once, before any service of a plugin starts, of the attachments that an earlier life of the daemon left.</summary>
    Task RestoreAsync(IReadOnlyList<Attachment> attachments, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Runs when the attachment's kernel objects exist and before the runtime is told that the pod has a network. Idempotent.</summary>
    Task AttachAsync(Attachment attachment, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Runs before the kernel objects go. Idempotent; also called for an attachment whose <see cref="AttachAsync"/> never ran or failed.</summary>
    Task DetachAsync(Attachment attachment, CancellationToken cancellationToken) => Task.CompletedTask;
}
