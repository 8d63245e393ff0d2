using System.Collections.Immutable;

namespace Terway.Lab.Cloud.Faults;

/// <summary>The faults in force. Thread-safe.</summary>
public sealed class FaultPlan(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly List<Entry> _entries = [];
    private int _nextId;

    public FaultPlan() : this(TimeProvider.System)
    {
    }

    /// <exception cref="FaultException">The rule makes no sense; the message says which field and why.</exception>
    public FaultRule Add(FaultRule rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        FaultChecks.Check(rule);
        lock (_lock)
        {
            if (rule.Id.Length == 0)
                rule = rule with { Id = $"f{++_nextId}" };
            else if (_entries.Any(e => e.Rule.Id == rule.Id))
                throw new FaultException("id", $"a fault '{rule.Id}' exists already; remove it first or choose another id");
            _entries.Add(new Entry(rule, time.GetUtcNow()));
            return rule;
        }
    }

    public bool Remove(string id)
    {
        lock (_lock)
            return _entries.RemoveAll(e => e.Rule.Id == id) > 0;
    }

    public void Clear()
    {
        lock (_lock)
            _entries.Clear();
    }

    public ImmutableArray<FaultState> List()
    {
        lock (_lock)
            return [.. _entries.Select(static e => new FaultState(e.Rule, e.CreatedAt, e.Matched, e.Hit))];
    }

    /// <summary>Counts the call in every rule for <paramref name="api"/>, and tells what is to happen to it.</summary>
    public FaultOutcome OnCall(string api)
    {
        var outcome = default(FaultOutcome);
        lock (_lock)
        {
            foreach (var entry in _entries)
            {
                if (FaultTraits.Of(entry.Rule.Kind).Covers(entry.Rule.Api, api) && entry.Hits())
                    outcome = With(outcome, entry.Rule);
            }
        }
        return outcome;
    }

    /// <summary>Asked once for each accepted attach.</summary>
    public bool RollsBackAttach(string eniId, string instanceId) => Ask(FaultKind.AttachRollback, eniId, instanceId);

    /// <summary>Asked once for each allocation from the vSwitch.</summary>
    public bool ExhaustsVSwitch(string vSwitchId) => Ask(FaultKind.VSwitchExhausted, vSwitchId, vSwitchId);

    /// <summary>Whether the vSwitch looks empty now; does not count as a call.</summary>
    public bool ShowsExhausted(string vSwitchId)
    {
        lock (_lock)
            return _entries.Any(e => e.Rule.Kind == FaultKind.VSwitchExhausted && (e.Rule.Target is null || e.Rule.Target == vSwitchId) && !e.IsSpent);
    }

    /// <summary>Asked once for each detach: how much longer than usual it takes.</summary>
    public TimeSpan DetachHang(string eniId, string instanceId)
    {
        lock (_lock)
        {
            return TimeSpan.FromMilliseconds(_entries
                .Where(e => e.Rule.Kind == FaultKind.DetachHang && Concerns(e.Rule, eniId, instanceId) && e.Hits())
                .Sum(static e => e.Rule.HangMs));
        }
    }

    /// <summary>Asked once for each attach: ENIs of the instance at most.</summary>
    public int EnisOf(string instanceId, int limit) => Reduced(static r => r.Enis, instanceId, instanceId, limit);

    /// <summary>Asked once for each change of addresses: IPv4 addresses and prefixes of the ENI at most.</summary>
    public int AddressesOf(string eniId, string? instanceId, int limit) => Reduced(static r => r.Addresses, eniId, instanceId, limit);

    public TimeSpan MetadataLag(string instanceId)
    {
        lock (_lock)
        {
            return TimeSpan.FromMilliseconds(_entries
                .Where(e => e.Rule.Kind == FaultKind.MetadataLag && (e.Rule.Target is null || e.Rule.Target == instanceId) && e.Hits())
                .Sum(static e => e.Rule.LagMs));
        }
    }

    /// <summary>Whether role credentials of that age count as expired.</summary>
    public bool ExpiresRole(DateTimeOffset issuedAt) => Expires(e => e.Rule.Target is null && issuedAt <= e.CreatedAt);

    /// <summary>Whether a long-lived access key counts as revoked.</summary>
    public bool RevokesKey(string accessKeyId) => Expires(e => e.Rule.Target == accessKeyId);

    private bool Expires(Func<Entry, bool> whose)
    {
        var hit = false;
        lock (_lock)
        {
            foreach (var entry in _entries)
            {
                if (entry.Rule.Kind == FaultKind.CredentialsExpired && whose(entry))
                    hit |= entry.Hits();
            }
        }
        return hit;
    }

    private int Reduced(Func<FaultRule, int?> limitOf, string target, string? otherTarget, int limit)
    {
        lock (_lock)
        {
            foreach (var entry in _entries)
            {
                if (entry.Rule.Kind == FaultKind.QuotaReduced && limitOf(entry.Rule) is { } reduced && Concerns(entry.Rule, target, otherTarget) && entry.Hits())
                    limit = Math.Min(limit, reduced);
            }
        }
        return limit;
    }

    private bool Ask(FaultKind kind, string target, string otherTarget)
    {
        var hit = false;
        lock (_lock)
        {
            foreach (var entry in _entries)
            {
                if (entry.Rule.Kind == kind && Concerns(entry.Rule, target, otherTarget))
                    hit |= entry.Hits();
            }
        }
        return hit;
    }

    private static bool Concerns(FaultRule rule, string target, string? otherTarget) => rule.Target is null || rule.Target == target || rule.Target == otherTarget;

    // Several rules add up; of refusals the first one counts, of limits the lowest.
    private static FaultOutcome With(FaultOutcome outcome, FaultRule rule) => rule.Kind switch
    {
        FaultKind.Latency => outcome with { Latency = outcome.Latency + TimeSpan.FromMilliseconds(rule.LatencyMs) },
        FaultKind.LostAnswer => outcome with { LoseAnswer = true },
        FaultKind.Unreachable => outcome with { Unreachable = true },
        FaultKind.BlackHole => outcome with { BlackHole = true },
        FaultKind.ClockSkew => outcome with { ClockSkew = outcome.ClockSkew + TimeSpan.FromMilliseconds(rule.SkewMs) },
        FaultKind.DescribeLag => outcome with { DescribeLag = outcome.DescribeLag + TimeSpan.FromMilliseconds(rule.LagMs) },
        FaultKind.PartialAssign => outcome with { AtMost = Math.Min(outcome.AtMost ?? int.MaxValue, rule.AtMost!.Value) },
        _ => outcome with { Refusal = outcome.Refusal ?? Refusal(rule) },
    };

    private static CloudException Refusal(FaultRule rule)
    {
        TimeSpan? retryAfter = rule.RetryAfterMs > 0 ? TimeSpan.FromMilliseconds(rule.RetryAfterMs) : null;
        return rule.Kind == FaultKind.Throttle
            ? new CloudException(400, "Throttling.User", "Request was denied due to user flow control.") { RetryAfter = retryAfter }
            : new CloudException(rule.Status, rule.Code, rule.Message) { RetryAfter = retryAfter };
    }

    private sealed class Entry(FaultRule rule, DateTimeOffset createdAt)
    {
#pragma warning disable CA5394 // A reproducible sequence is wanted, not an unpredictable one.
        private readonly Random? _random = rule.Probability is null ? null : new Random(rule.Seed);
#pragma warning restore CA5394

        public FaultRule Rule => rule;

        public DateTimeOffset CreatedAt => createdAt;

        public int Matched { get; private set; }

        public int Hit { get; private set; }

        public bool IsSpent => (rule.Next is { } next && Hit >= next) || (!rule.Calls.IsEmpty && Matched >= rule.Calls.Max());

        public bool Hits()
        {
            Matched++;
            var hit = !rule.Calls.IsEmpty ? rule.Calls.Contains(Matched)
                : rule.Next is { } next ? Matched <= next
#pragma warning disable CA5394
                : rule.Probability is not { } probability || _random!.NextDouble() < probability;
#pragma warning restore CA5394
            if (hit)
                Hit++;
            return hit;
        }
    }
}
