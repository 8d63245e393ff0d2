using System.Collections.Frozen;
using Terway.Lab.Cloud.Api;

namespace Terway.Lab.Cloud.Faults;

/// <summary>What a kind of fault is called, what it can be told, and what it can hit.</summary>
/// <param name="Name">In JSON and YAML.</param>
/// <param name="Fields">Fields of the kind's own, beside those that every rule has.</param>
/// <param name="Apis">The APIs a rule may name; empty: the kind is not about calls, and a rule names none.</param>
/// <param name="Selects">Whether calls can be selected by number, count or probability.</param>
internal sealed record FaultTraits(FaultKind Kind, string Name, string[] Fields, IReadOnlyList<string> Apis, bool Selects = true)
{
    /// <summary>All actions but the metadata service.</summary>
    public const string AllActions = "*";

    /// <summary>The metadata service, whatever the path.</summary>
    public const string Metadata = "metadata";

    private static readonly string[] s_any = [AllActions, Metadata, .. OpenApiServer.ActionNames];
    private static readonly string[] s_describes = [AllActions, .. OpenApiServer.ActionNames.Where(static n => n.StartsWith("Describe", StringComparison.Ordinal))];
    private static readonly string[] s_assigns = [AllActions, "AssignPrivateIpAddresses", "AssignIpv6Addresses", "CreateNetworkInterface"];

    public static IReadOnlyList<FaultTraits> All { get; } =
    [
        new(FaultKind.Error, "error", ["code", "status", "message", "retryAfterMs"], s_any),
        new(FaultKind.Latency, "latency", ["latencyMs"], s_any),
        new(FaultKind.LostAnswer, "lost-answer", [], s_any),
        new(FaultKind.Unreachable, "unreachable", [], s_any),
        new(FaultKind.Throttle, "throttle", ["retryAfterMs"], s_any),
        new(FaultKind.AttachRollback, "attach-rollback", ["target"], []),
        new(FaultKind.MetadataLag, "metadata-lag", ["lagMs", "target"], []),
        new(FaultKind.VSwitchExhausted, "vswitch-exhausted", ["target"], []),
        new(FaultKind.CredentialsExpired, "credentials-expired", ["target"], [], Selects: false),
        new(FaultKind.BlackHole, "black-hole", [], s_any),
        new(FaultKind.ClockSkew, "clock-skew", ["skewMs"], s_any),
        new(FaultKind.DescribeLag, "describe-lag", ["lagMs"], s_describes),
        new(FaultKind.PartialAssign, "partial-assign", ["atMost"], s_assigns),
        new(FaultKind.QuotaReduced, "quota-reduced", ["enis", "addresses", "target"], []),
        new(FaultKind.DetachHang, "detach-hang", ["hangMs", "target"], []),
    ];

    private static readonly FrozenDictionary<FaultKind, FaultTraits> s_byKind = All.ToFrozenDictionary(static t => t.Kind);
    private static readonly FrozenDictionary<string, FaultTraits> s_byName = All.ToFrozenDictionary(static t => t.Name, StringComparer.Ordinal);

    public static FaultTraits Of(FaultKind kind) => s_byKind[kind];

    public static FaultTraits? Find(string name) => s_byName.GetValueOrDefault(name);

    /// <summary>Fields a rule of this kind may have, in the order they are told.</summary>
    public IEnumerable<string> AllFields =>
    [
        "kind", "id",
        .. Apis.Count > 0 ? (string[])["api"] : [],
        .. Fields,
        .. Selects ? (string[])["calls", "next", "probability", "seed"] : [],
    ];

    /// <summary>Whether a rule for <paramref name="ruleApi"/> hears of a call of <paramref name="api"/>.</summary>
    public bool Covers(string ruleApi, string api) =>
        Apis.Count > 0 && (ruleApi == api || (ruleApi == AllActions && api != Metadata && (Apis.Contains(api) || ReferenceEquals(Apis, s_any))));
}
