namespace Terway.Host.State;

/// <summary>How far an attachment is. Written before the side effects it announces.</summary>
public enum AttachmentPhase
{
    /// <summary>Kernel objects may exist in part. Undone at start: the runtime was never told of success.</summary>
    Adding = 1,

    /// <summary>The runtime was or may have been told that the pod has its network.</summary>
    Attached = 2,

    /// <summary>Being taken away. Finished at start.</summary>
    Detaching = 3,
}
