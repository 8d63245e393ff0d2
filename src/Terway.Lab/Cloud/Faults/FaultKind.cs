namespace Terway.Lab.Cloud.Faults;

/// <summary>What goes wrong.</summary>
public enum FaultKind
{
    /// <summary>The call is refused with <see cref="FaultRule.Code"/> before anything is done.</summary>
    Error,

    /// <summary>The call is answered later.</summary>
    Latency,

    /// <summary>The call is done, then the connection is aborted without an answer.</summary>
    LostAnswer,

    /// <summary>The connection is aborted, nothing is done.</summary>
    Unreachable,

    /// <summary>The call is refused with Throttling.User and <c>x-acs-retry-after</c>.</summary>
    Throttle,

    /// <summary>AttachNetworkInterface is accepted, but the ENI goes back to Available.</summary>
    AttachRollback,

    /// <summary>The metadata service shows an earlier state.</summary>
    MetadataLag,

    /// <summary>The vSwitch has no address left.</summary>
    VSwitchExhausted,

    /// <summary>Role credentials handed out before the rule was made count as expired.</summary>
    CredentialsExpired,
}
