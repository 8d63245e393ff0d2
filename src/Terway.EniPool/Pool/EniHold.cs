namespace Terway.EniPool.Pool;

/// <summary>Why an ENI gets no new pods and no new addresses, although it could; the pods on it stay.</summary>
internal enum EniHold
{
    None,

    /// <summary>Its tags say that it is not to be managed: nothing is asked of it, and it is forgotten with its last pod.</summary>
    Excluded,

    /// <summary>It carries addresses where prefixes are wanted now, or prefixes where addresses are: it is returned with its last pod.</summary>
    OtherKind,
}
