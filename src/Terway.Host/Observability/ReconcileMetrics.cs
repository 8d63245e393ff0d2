using System.Diagnostics.Metrics;

namespace Terway.Host.Observability;

/// <summary>What had to be put right. Kinds are few and constant: <c>pod</c>, <c>node</c>, <c>unplanned</c>, <c>address</c>, <c>eni</c>.</summary>
internal static class ReconcileMetrics
{
    private static readonly Counter<long> s_actions = HostMeter.Meter.CreateCounter<long>(
        "terway.reconcile.actions", "{object}", "Objects that were not as they should be and were put right, by kind and action.");

    /// <summary>Objects that were missing are there again.</summary>
    public static void Repaired(string kind, int count) => Count(kind, "repaired", count);

    /// <summary>Objects of ours that belong to nobody are gone.</summary>
    public static void Removed(string kind, int count) => Count(kind, "removed", count);

    /// <summary>What was held and used by nobody went back to where it came from.</summary>
    public static void Returned(string kind, int count) => Count(kind, "returned", count);

    private static void Count(string kind, string action, int count)
    {
        if (count > 0) s_actions.Add(count, new KeyValuePair<string, object?>("kind", kind), new KeyValuePair<string, object?>("action", action));
    }
}
