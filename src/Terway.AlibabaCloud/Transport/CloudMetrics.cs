using System.Diagnostics.Metrics;

namespace Terway.AlibabaCloud.Transport;

/// <summary>Instruments of the transport; the meter lives and dies with it.</summary>
internal sealed class CloudMetrics : IDisposable
{
    public const string MeterName = "Terway.AlibabaCloud";

    private static readonly InstrumentAdvice<double> s_callBounds = new() { HistogramBucketBoundaries = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20] };
    private static readonly InstrumentAdvice<double> s_waitBounds = new() { HistogramBucketBoundaries = [0, 0.1, 0.5, 1, 5, 10, 30, 60] };

    private readonly Meter _meter;
    private readonly Counter<long> _calls;
    private readonly Histogram<double> _latency;
    private readonly Histogram<double> _rateLimitWait;
    private readonly Counter<long> _retries;
    private readonly bool _ownsMeter;

    public CloudMetrics(IMeterFactory? factory)
    {
        _ownsMeter = factory is null;
        _meter = factory?.Create(new MeterOptions(MeterName)) ?? new Meter(MeterName);
        _calls = _meter.CreateCounter<long>("terway.cloud.calls", "{call}", "HTTP requests to the cloud API by api and code; code is OK on success.");
        _latency = _meter.CreateHistogram("terway.cloud.call.duration", "s", "Time of one HTTP request to the cloud API.", tags: null, s_callBounds);
        _rateLimitWait = _meter.CreateHistogram("terway.cloud.ratelimit.wait", "s", "Time a call waited for the client's own rate limit.", tags: null, s_waitBounds);
        _retries = _meter.CreateCounter<long>("terway.cloud.call.retries", "{call}", "Requests sent again after a failure, by api and the failure's code.");
    }

    public void Called(string action, string code, TimeSpan took)
    {
        _calls.Add(1, new("api", action), new("code", code));
        _latency.Record(took.TotalSeconds, new KeyValuePair<string, object?>("api", action));
    }

    public void Retried(string action, string code) => _retries.Add(1, new("api", action), new("code", code));

    public void Waited(string action, TimeSpan wait) =>
        _rateLimitWait.Record(wait.TotalSeconds, new KeyValuePair<string, object?>("api", action));

    public void Dispose()
    {
        // A factory owns the meters it made.
        if (_ownsMeter)
            _meter.Dispose();
    }
}
