namespace Terway.Lab.Cloud;

/// <summary>
/// State of an ENI. Available -> Attaching -> InUse -> Detaching -> Available -> Deleting -> gone. An attach that the cloud
/// rolls back goes from Attaching to Available.
/// </summary>
public enum EniStatus
{
    Available,
    Attaching,
    InUse,
    Detaching,
    Deleting,
}
