using System.Diagnostics;
using System.Diagnostics.Metrics;
using Terway.Cni.Wire;
using Terway.Host.Pods;

namespace Terway.Host.Observability;

/// <summary>What the runtime asked for and got. Allocates nothing: it is on every pod's way.</summary>
internal static class CniMetrics
{
    private static readonly Counter<long> s_calls = HostMeter.Meter.CreateCounter<long>(
        "terway.cni.calls", "{call}", "CNI calls answered, by command and outcome.");

    private static readonly Histogram<double> s_duration = HostMeter.Seconds(
        "terway.cni.call.duration", "Time from the request's last byte to the answer's first, by command.",
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60);

    private static readonly UpDownCounter<long> s_inFlight = HostMeter.Meter.CreateUpDownCounter<long>(
        "terway.cni.calls.in_flight", "{call}", "CNI calls being worked on.");

    private static readonly Histogram<double> s_stages = HostMeter.Seconds(
        "terway.cni.add.stage.duration", "Where the time of successful ADDs went, by stage.",
        0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30);

    private static readonly Counter<long> s_spooled = HostMeter.Meter.CreateCounter<long>(
        "terway.cni.spooled_dels", "{call}", "DELs done that the entrypoint had left in the spool folder.");

    private static readonly (AddStage Stage, string Name)[] s_stageNames =
        [.. Enum.GetValues<AddStage>().Select(static s => (s, s.ToString().ToLowerInvariant()))];

    /// <summary>A call begins; gives what <see cref="End"/> needs.</summary>
    public static long Begin()
    {
        s_inFlight.Add(1);
        return Stopwatch.GetTimestamp();
    }

    /// <summary>The call that began at <paramref name="begin"/> ends.</summary>
    /// <param name="verb">As the caller sent it.</param>
    /// <param name="begin">From <see cref="Begin"/>.</param>
    /// <param name="response">Null when the call ended without an answer.</param>
    public static void End(string verb, long begin, CniResponse? response)
    {
        s_inFlight.Add(-1);
        var command = new KeyValuePair<string, object?>("command", Known(verb));
        s_calls.Add(1, command, new("outcome", Outcome(response)));
        s_duration.Record(Stopwatch.GetElapsedTime(begin).TotalSeconds, command);
    }

    /// <summary>An ADD succeeded.</summary>
    public static void Added(AddTimes times)
    {
        foreach (var (stage, name) in s_stageNames) s_stages.Record(times[stage] / 1000, new KeyValuePair<string, object?>("stage", name));
    }

    /// <summary>A DEL of the spool folder is done.</summary>
    public static void SpooledDelDone() => s_spooled.Add(1);

    // Not as sent: a caller must not choose the names of series.
    private static string Known(string verb) => verb switch
    {
        CniVerb.Add or CniVerb.Del or CniVerb.Check or CniVerb.Status or CniVerb.Gc => verb,
        _ => "other",
    };

    private static string Outcome(CniResponse? response) => response switch
    {
        null => "aborted",
        { Ok: true } => "ok",
        _ => response.ErrorCode switch
        {
            CniErrorCode.TryAgainLater => "try_again_later",
            CniErrorCode.UnknownContainer => "unknown_container",
            CniErrorCode.IncompatibleCniVersion or CniErrorCode.UnsupportedField or CniErrorCode.InvalidEnvironmentVariables
                or CniErrorCode.DecodingFailure or CniErrorCode.InvalidNetworkConfig => "invalid_request",
            CniErrorCode.IoFailure => "io_failure",
            CniErrorCode.PluginNotAvailable or CniErrorCode.PluginNotAvailableLimitedConnectivity => "not_available",
            _ => "internal",
        },
    };
}
