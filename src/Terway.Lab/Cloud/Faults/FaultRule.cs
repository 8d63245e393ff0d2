using System.Collections.Immutable;

namespace Terway.Lab.Cloud.Faults;

/// <summary>
/// One fault and the calls it hits. With none of <see cref="Calls"/>, <see cref="Next"/> and <see cref="Probability"/> it hits
/// every matching call until it is removed.
/// </summary>
public sealed record FaultRule
{
    /// <summary>Empty: made by the plan.</summary>
    public string Id { get; init; } = "";

    public required FaultKind Kind { get; init; }

    /// <summary>An action such as <c>AssignPrivateIpAddresses</c>, <c>*</c> for all of them, <c>metadata</c> for the metadata service.</summary>
    public string Api { get; init; } = "*";

    /// <summary>Of an error.</summary>
    public string Code { get; init; } = "InternalError";

    /// <summary>HTTP status of an error.</summary>
    public int Status { get; init; } = 500;

    public string Message { get; init; } = "The request processing has failed due to some unknown error.";

    public int LatencyMs { get; init; }

    /// <summary>Of Throttle and Error; 0: no header.</summary>
    public int RetryAfterMs { get; init; }

    /// <summary>Of MetadataLag and DescribeLag: the age of what is shown.</summary>
    public int LagMs { get; init; }

    /// <summary>Of ClockSkew: the service's clock minus the time; negative when it is behind.</summary>
    public int SkewMs { get; init; }

    /// <summary>Of PartialAssign: addresses or prefixes given at most, 0 included.</summary>
    public int? AtMost { get; init; }

    /// <summary>Of QuotaReduced: ENIs of an instance, the primary one included; null: as the type says.</summary>
    public int? Enis { get; init; }

    /// <summary>Of QuotaReduced: IPv4 addresses of an ENI, its own included, each prefix counted as one; null: as the type says.</summary>
    public int? Addresses { get; init; }

    /// <summary>Of DetachHang: how much longer an ENI is Detaching.</summary>
    public int HangMs { get; init; }

    /// <summary>
    /// A vSwitch (VSwitchExhausted), an ENI or an instance (AttachRollback, DetachHang, QuotaReduced), an instance (MetadataLag), an access key
    /// (CredentialsExpired); null: all.
    /// </summary>
    public string? Target { get; init; }

    /// <summary>1-based numbers of the matching calls since the rule was made.</summary>
    public ImmutableArray<int> Calls { get; init; } = [];

    /// <summary>The next N matching calls.</summary>
    public int? Next { get; init; }

    /// <summary>0 to 1 for each matching call, from a generator seeded with <see cref="Seed"/>.</summary>
    public double? Probability { get; init; }

    public int Seed { get; init; } = 1;
}
