namespace Terway.AlibabaCloud.Network;

/// <summary>Values of an ENI's status. The service may add others, so they are text.</summary>
public static class EniStatus
{
    /// <summary>Attached to nothing.</summary>
    public const string Available = "Available";

    /// <summary>Being attached.</summary>
    public const string Attaching = "Attaching";

    /// <summary>Attached.</summary>
    public const string InUse = "InUse";

    /// <summary>Being detached.</summary>
    public const string Detaching = "Detaching";

    /// <summary>Being deleted.</summary>
    public const string Deleting = "Deleting";

    /// <summary>Being created.</summary>
    public const string Creating = "Creating";
}
