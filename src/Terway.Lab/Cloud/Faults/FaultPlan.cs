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

    /// <exception cref="ArgumentException">The rule makes no sense; the message says which field and why.</exception>
    public FaultRule Add(FaultRule rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        Check(rule);
        lock (_lock)
        {
            if (rule.Id.Length == 0)
                rule = rule with { Id = $"f{++_nextId}" };
            else if (_entries.Any(e => e.Rule.Id == rule.Id))
                throw new ArgumentException($"id: a fault '{rule.Id}' exists already; remove it first or choose another id");
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
        var latency = TimeSpan.Zero;
        CloudException? refusal = null;
        bool lose = false, unreachable = false;
        lock (_lock)
        {
            foreach (var entry in _entries)
            {
                if (!AppliesToCalls(entry.Rule, api) || !entry.Hits())
                    continue;
                switch (entry.Rule.Kind)
                {
                    case FaultKind.Latency:
                        latency += TimeSpan.FromMilliseconds(entry.Rule.LatencyMs);
                        break;
                    case FaultKind.LostAnswer:
                        lose = true;
                        break;
                    case FaultKind.Unreachable:
                        unreachable = true;
                        break;
                    default:
                        refusal ??= Refusal(entry.Rule);
                        break;
                }
            }
        }
        return new FaultOutcome(latency, refusal, lose, unreachable);
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

    public TimeSpan MetadataLag(string instanceId)
    {
        lock (_lock)
        {
            return TimeSpan.FromMilliseconds(_entries
                .Where(e => e.Rule.Kind == FaultKind.MetadataLag && (e.Rule.Target is null || e.Rule.Target == instanceId) && e.Hits())
                .Sum(static e => e.Rule.LagMs));
        }
    }

    /// <summary>Credentials issued before this instant count as expired; null: all are good.</summary>
    public DateTimeOffset? CredentialsExpiredBefore()
    {
        lock (_lock)
        {
            DateTimeOffset? newest = null;
            foreach (var entry in _entries.Where(static e => e.Rule.Kind == FaultKind.CredentialsExpired))
                newest = newest is null || entry.CreatedAt > newest ? entry.CreatedAt : newest;
            return newest;
        }
    }

    private bool Ask(FaultKind kind, string target, string otherTarget)
    {
        var hit = false;
        lock (_lock)
        {
            foreach (var entry in _entries)
            {
                if (entry.Rule.Kind == kind && (entry.Rule.Target is null || entry.Rule.Target == target || entry.Rule.Target == otherTarget))
                    hit |= entry.Hits();
            }
        }
        return hit;
    }

    private static bool AppliesToCalls(FaultRule rule, string api) =>
        rule.Kind is FaultKind.Error or FaultKind.Latency or FaultKind.LostAnswer or FaultKind.Unreachable or FaultKind.Throttle
        && (rule.Api == api || (rule.Api == "*" && api != "metadata"));

    private static CloudException Refusal(FaultRule rule)
    {
        TimeSpan? retryAfter = rule.RetryAfterMs > 0 ? TimeSpan.FromMilliseconds(rule.RetryAfterMs) : null;
        return rule.Kind == FaultKind.Throttle
            ? new CloudException(400, "Throttling.User", "Request was denied due to user flow control.") { RetryAfter = retryAfter }
            : new CloudException(rule.Status, rule.Code, rule.Message) { RetryAfter = retryAfter };
    }

    private static void Check(FaultRule rule)
    {
        if (rule.Kind == FaultKind.Latency && rule.LatencyMs <= 0)
            throw new ArgumentException("latencyMs: a latency fault needs a positive number of milliseconds");
        if (rule.Kind == FaultKind.MetadataLag && rule.LagMs <= 0)
            throw new ArgumentException("lagMs: a metadata-lag fault needs a positive number of milliseconds");
        if (rule.Kind == FaultKind.Error && rule.Status is < 400 or > 599)
            throw new ArgumentException($"status: {rule.Status} is not an HTTP error status; use 400 to 599");
        if (rule.Probability is < 0 or > 1)
            throw new ArgumentException($"probability: {rule.Probability} is not between 0 and 1");
        if (rule.Calls.Any(static c => c < 1))
            throw new ArgumentException("calls: numbers start at 1");
        if (rule.Next is < 1)
            throw new ArgumentException("next: must be at least 1");
        var selectors = (rule.Calls.IsEmpty ? 0 : 1) + (rule.Next is null ? 0 : 1) + (rule.Probability is null ? 0 : 1);
        if (selectors > 1)
            throw new ArgumentException("calls, next, probability: give one of them at most");
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
