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

    /// <summary>
    /// Role credentials handed out before the rule was made count as expired; with <see cref="FaultRule.Target"/>, the id of a long-lived access key,
    /// that key counts as revoked instead.
    /// </summary>
    CredentialsExpired,

    /// <summary>The connection is accepted and the request read, but nothing is done and no answer ever comes.</summary>
    BlackHole,

    /// <summary>The service's clock is off: requests are judged, and answers dated, by the shifted time.</summary>
    ClockSkew,

    /// <summary>Describe calls show the state as it was some time ago.</summary>
    DescribeLag,

    /// <summary>Fewer addresses are given than were asked for, and the call counts as done.</summary>
    PartialAssign,

    /// <summary>An instance takes fewer ENIs, or its ENIs fewer addresses, than its type says.</summary>
    QuotaReduced,

    /// <summary>A detached ENI stays Detaching for longer.</summary>
    DetachHang,
}
