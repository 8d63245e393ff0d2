namespace Terway.Lab.Cloud.Faults;

/// <summary>Whether a rule makes sense.</summary>
internal static class FaultChecks
{
    // What the region remembers of its past, and what a client waits for at the very most.
    public const int MaxLagMs = 600_000;
    public const int MaxHangMs = 3_600_000;
    public const int MaxSkewMs = 24 * 3_600_000;

    /// <exception cref="FaultException">Names the field and what is allowed.</exception>
    public static void Check(FaultRule rule)
    {
        CheckNumbers(rule);
        CheckApi(rule);
        CheckSelectors(rule);
    }

    private static void CheckNumbers(FaultRule rule)
    {
        switch (rule.Kind)
        {
            case FaultKind.Error when rule.Status is < 400 or > 599:
                throw new FaultException("status", $"{rule.Status} is not an HTTP error status; use 400 to 599");
            case FaultKind.Error or FaultKind.Throttle when rule.RetryAfterMs < 0:
                throw new FaultException("retryAfterMs", "must not be negative; 0 sends no header");
            case FaultKind.Latency when rule.LatencyMs <= 0:
                throw new FaultException("latencyMs", "a latency fault needs a positive number of milliseconds");
            case FaultKind.MetadataLag when rule.LagMs <= 0:
                throw new FaultException("lagMs", "a metadata-lag fault needs a positive number of milliseconds");
            case FaultKind.DescribeLag when rule.LagMs is < 1 or > MaxLagMs:
                throw new FaultException("lagMs", $"a describe-lag fault needs 1 to {MaxLagMs} milliseconds: the region remembers no more of its past");
            case FaultKind.ClockSkew when rule.SkewMs is 0 or < -MaxSkewMs or > MaxSkewMs:
                throw new FaultException("skewMs", $"a clock-skew fault needs milliseconds other than 0, from -{MaxSkewMs} to {MaxSkewMs}");
            case FaultKind.PartialAssign when rule.AtMost is null or < 0:
                throw new FaultException("atMost", "a partial-assign fault needs how many addresses are given at most, 0 or more");
            case FaultKind.QuotaReduced when rule is { Enis: null, Addresses: null }:
                throw new FaultException("enis, addresses", "a quota-reduced fault needs one of them: ENIs of an instance, or addresses of an ENI");
            case FaultKind.QuotaReduced when rule.Enis < 1:
                throw new FaultException("enis", "must be at least 1: the primary ENI counts");
            case FaultKind.QuotaReduced when rule.Addresses < 1:
                throw new FaultException("addresses", "must be at least 1: an ENI's own address counts");
            case FaultKind.DetachHang when rule.HangMs is < 1 or > MaxHangMs:
                throw new FaultException("hangMs", $"a detach-hang fault needs 1 to {MaxHangMs} milliseconds");
            default:
                break;
        }
    }

    private static void CheckApi(FaultRule rule)
    {
        var traits = FaultTraits.Of(rule.Kind);
        if (traits.Apis.Count == 0)
        {
            if (rule.Api != FaultTraits.AllActions)
                throw new FaultException("api", $"{traits.Name} is not about calls of one API; leave it out");
        }
        else if (!traits.Apis.Contains(rule.Api))
        {
            throw new FaultException("api", $"'{rule.Api}' is not one that {traits.Name} can hit; use {string.Join(", ", traits.Apis)}");
        }
    }

    private static void CheckSelectors(FaultRule rule)
    {
        if (rule.Probability is { } probability && !(probability is >= 0 and <= 1))
            throw new FaultException("probability", $"{probability} is not between 0 and 1");
        if (rule.Calls.Any(static c => c < 1))
            throw new FaultException("calls", "numbers start at 1");
        if (rule.Next is < 1)
            throw new FaultException("next", "must be at least 1");
        var selectors = (rule.Calls.IsEmpty ? 0 : 1) + (rule.Next is null ? 0 : 1) + (rule.Probability is null ? 0 : 1);
        if (selectors > 1)
            throw new FaultException("calls, next, probability", "give one of them at most");
        if (selectors > 0 && !FaultTraits.Of(rule.Kind).Selects)
            throw new FaultException("calls, next, probability", $"{FaultTraits.Of(rule.Kind).Name} is not about single calls; leave them out");
    }
}
