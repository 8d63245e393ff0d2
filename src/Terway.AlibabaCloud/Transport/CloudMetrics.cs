using System.Diagnostics.Metrics;

namespace Terway.AlibabaCloud.Transport;

/// <summary>Instruments of the transport; the meter lives and dies with it.</summary>
internal sealed class CloudMetrics : IDisposable
{
    public const string MeterName = "Terway.AlibabaCloud";

    private readonly Meter _meter;
    private readonly Counter<long> _calls;
    private readonly Histogram<double> _latency;
    private readonly Histogram<double> _rateLimitWait;
    private readonly bool _ownsMeter;

    public CloudMetrics(IMeterFactory? factory)
    {
        _ownsMeter = factory is null;
        _meter = factory?.Create(new MeterOptions(MeterName)) ?? new Meter(MeterName);
        _calls = _meter.CreateCounter<long>("terway.cloud.calls", "{call}", "HTTP requests to the cloud API by api and code; code is OK on success.");
        _latency = _meter.CreateHistogram<double>("terway.cloud.call.duration", "s", "Time of one HTTP request to the cloud API.");
        _rateLimitWait = _meter.CreateHistogram<double>("terway.cloud.ratelimit.wait", "s", "Time a call waited for the client's own rate limit.");
    }

    public void Called(string action, string code, TimeSpan took)
    {
        _calls.Add(1, new("api", action), new("code", code));
        _latency.Record(took.TotalSeconds, new KeyValuePair<string, object?>("api", action));
    }

    public void Waited(string action, TimeSpan wait) =>
        _rateLimitWait.Record(wait.TotalSeconds, new KeyValuePair<string, object?>("api", action));

    public void Dispose()
    {
        // A factory owns the meters it made.
        if (_ownsMeter)
            _meter.Dispose();
    }
}
