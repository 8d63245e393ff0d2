using System.Diagnostics.Metrics;
using System.Text;
using Terway.Cni.Wire;
using Terway.Host.Observability;
using Terway.Host.Pods;

namespace Terway.Host.Tests.Observability;

/// <summary>What instruments are told is what a scraper reads.</summary>
public sealed class MetricsExportTests : IDisposable
{
    private readonly Meter _meter = new($"Test.{Guid.NewGuid():N}");
    private readonly MetricsCollector _collector;

    public MetricsExportTests() => _collector = new MetricsCollector(m => m.Name == _meter.Name);

    public void Dispose()
    {
        _collector.Dispose();
        _meter.Dispose();
    }

    [Fact]
    public void Counters_end_in_total_and_add_up_by_labels_in_any_order()
    {
        var counter = _meter.CreateCounter<long>("terway.test.calls", "{call}", "Calls.");
        counter.Add(1, new("api", "A"), new("code", "OK"));
        counter.Add(2, new("code", "OK"), new("api", "A"));
        counter.Add(5, new KeyValuePair<string, object?>("api", "A"));
        counter.Add(7);
        var metric = Scrape()["terway_test_calls_total"];
        Assert.Equal(("counter", "Calls."), (metric.Type, metric.Help));
        Assert.Equal(3, metric.Samples["""terway_test_calls_total{api="A",code="OK"}"""]);
        Assert.Equal(5, metric.Samples["""terway_test_calls_total{api="A"}"""]);
        Assert.Equal(7, metric.Samples["terway_test_calls_total"]);
        Assert.Equal(3, metric.Samples.Count);
    }

    [Fact]
    public void Names_carry_base_units_and_the_prefix()
    {
        _meter.CreateHistogram<double>("terway.a.duration", "s");
        _meter.CreateUpDownCounter<int>("heap", "By");
        _meter.CreateObservableCounter("terway.cpu", static () => 1.5, "s");
        _meter.CreateObservableGauge("terway.size_bytes", static () => 1, "By");
        Assert.Equal(["terway_a_duration_seconds", "terway_cpu_seconds_total", "terway_heap_bytes", "terway_size_bytes"], Scrape().Keys);
    }

    [Fact]
    public void Histograms_are_cumulative_with_advised_bounds_included_in_their_bucket()
    {
        var histogram = _meter.CreateHistogram(
            "terway.test.time", "s", "Time.", null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 1, 10] });
        foreach (var value in (double[])[0.1, 0.2, 1, 5, 100, double.NaN]) histogram.Record(value, new KeyValuePair<string, object?>("stage", "pool"));
        var samples = Scrape()["terway_test_time_seconds"].Samples;
        Assert.Equal(1, samples["""terway_test_time_seconds_bucket{le="0.1",stage="pool"}"""]);
        Assert.Equal(3, samples["""terway_test_time_seconds_bucket{le="1",stage="pool"}"""]);
        Assert.Equal(4, samples["""terway_test_time_seconds_bucket{le="10",stage="pool"}"""]);
        Assert.Equal(5, samples["""terway_test_time_seconds_bucket{le="+Inf",stage="pool"}"""]);
        Assert.Equal(5, samples["""terway_test_time_seconds_count{stage="pool"}"""]);
        Assert.Equal(106.3, samples["""terway_test_time_seconds_sum{stage="pool"}"""], 9);
    }

    [Fact]
    public void Labels_and_help_survive_whatever_is_in_them()
    {
        const string nasty = "a\\b\"c\nd{e}=,\u00e4\u20ac\U0001F680 ";
        _meter.CreateCounter<long>("terway.nasty", null, "Help with \\ and \n and \"quotes\".").Add(1, new("v", nasty), new("le", "x"), new("a-b.c", "y"), new("1x", "z"), new("__r", "w"), new("none", ""));
        var metric = Scrape()["terway_nasty_total"];
        Assert.Equal("Help with \\ and \n and \"quotes\".", metric.Help);
        Assert.Equal($"terway_nasty_total{{_1x=\"z\",a_b_c=\"y\",le_=\"x\",v=\"{nasty}\",x__r=\"w\"}}", Assert.Single(metric.Samples).Key);
    }

    [Fact]
    public void Numbers_are_written_as_a_scraper_reads_them()
    {
        var values = new[] { 0, -1.5, 1e300, 1e-7, double.MaxValue, double.PositiveInfinity, double.NegativeInfinity, double.NaN };
        _meter.CreateObservableGauge("terway.n", () => values.Select(static (v, i) => new Measurement<double>(v, new KeyValuePair<string, object?>("i", i))));
        var samples = Scrape()["terway_n"].Samples;
        for (var i = 0; i < values.Length; i++) Assert.Equal(values[i], samples[$"terway_n{{i=\"{i}\"}}"]);
    }

    [Fact]
    public void Series_are_bounded_and_what_is_over_the_bound_is_still_counted()
    {
        var counter = _meter.CreateCounter<long>("terway.many");
        for (var i = 0; i < 10_000; i++) counter.Add(1, new KeyValuePair<string, object?>("code", $"c{i}"));
        // Cut off alike: one series, however many.
        for (var i = 0; i < 10_000; i++) counter.Add(1, new KeyValuePair<string, object?>("code", new string('x', 200) + i));
        var samples = Scrape()["terway_many_total"].Samples;
        Assert.Equal(MetricFamily.MaxSeries + 1, samples.Count);
        Assert.Equal(20_000, samples.Values.Sum());
        Assert.Equal(20_000 - MetricFamily.MaxSeries, samples["""terway_many_total{overflow="true"}"""]);
    }

    [Fact]
    public void Long_values_are_one_series_when_they_differ_only_in_what_is_cut_off()
    {
        var counter = _meter.CreateCounter<long>("terway.long");
        for (var i = 0; i < 5000; i++) counter.Add(1, new KeyValuePair<string, object?>("code", new string('x', 200) + i));
        Assert.Equal(5000, Assert.Single(Scrape()["terway_long_total"].Samples).Value);
    }

    [Fact]
    public void Observed_values_are_those_of_the_moment_and_what_is_gone_is_gone()
    {
        var states = new List<string> { "Loaded" };
        _meter.CreateObservableGauge("terway.state", () => states.Select(static s => new Measurement<int>(1, new KeyValuePair<string, object?>("state", s))));
        Assert.Equal("""terway_state{state="Loaded"}""", Assert.Single(Scrape()["terway_state"].Samples).Key);
        states[0] = "Started";
        Assert.Equal("""terway_state{state="Started"}""", Assert.Single(Scrape()["terway_state"].Samples).Key);
    }

    [Fact]
    public void Callback_that_throws_costs_nobody_else_their_numbers()
    {
        _meter.CreateObservableGauge("terway.a", Throw);
        _meter.CreateObservableGauge("terway.b", static () => 2);
        var metrics = Scrape();
        Assert.Empty(metrics["terway_a"].Samples);
        Assert.Equal(2, metrics["terway_b"].Samples["terway_b"]);

        static int Throw() => throw new InvalidOperationException("a plugin's");
    }

    [Fact]
    public void Second_meter_goes_on_with_the_numbers_of_the_first_unless_the_type_is_another()
    {
        _meter.CreateCounter<long>("terway.calls").Add(1);
        using (var second = new Meter(_meter.Name)) second.CreateCounter<long>("terway.calls").Add(2);
        using var third = new Meter(_meter.Name);
        third.CreateUpDownCounter<long>("terway.calls.total").Add(100);
        Assert.Equal(3, Assert.Single(Scrape()["terway_calls_total"].Samples).Value);
    }

    [Fact]
    public async Task Nothing_is_lost_between_threads_and_every_scrape_is_consistent()
    {
        const int threads = 4, rounds = 20_000;
        var counter = _meter.CreateCounter<long>("terway.c");
        var histogram = _meter.CreateHistogram("terway.h", null, null, null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [1, 2, 3] });
        var gauge = _meter.CreateUpDownCounter<long>("terway.g");
        var work = Enumerable.Range(0, threads).Select(t => Task.Run(() =>
        {
            for (var i = 0; i < rounds; i++)
            {
                counter.Add(1, new KeyValuePair<string, object?>("k", i % 50));
                histogram.Record(i % 5, new KeyValuePair<string, object?>("k", i % 3));
                gauge.Add(t % 2 == 0 ? 1 : -1);
            }
        })).ToArray();
        // The parser refuses histograms that contradict themselves.
        while (!Task.WhenAll(work).IsCompleted) Scrape();
        await Task.WhenAll(work);
        var metrics = Scrape();
        Assert.Equal(threads * rounds, metrics["terway_c_total"].Samples.Values.Sum());
        Assert.Equal(50, metrics["terway_c_total"].Samples.Count);
        Assert.Equal(threads * rounds, metrics["terway_h"].Samples.Where(static s => s.Key.StartsWith("terway_h_count", StringComparison.Ordinal)).Sum(static s => s.Value));
        Assert.Equal(0, Assert.Single(metrics["terway_g"].Samples).Value);
    }

    [Fact]
    public void Counting_an_add_allocates_nothing()
    {
        using var collector = new MetricsCollector(MetricsCollector.IsTerway);
        var times = new AddTimes();
        var ok = CniResponse.Success();
        Count();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) Count();
        // Not exactly zero: the runtime may compile again on this thread.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 * 1024);

        void Count()
        {
            var begin = CniMetrics.Begin();
            CniMetrics.Added(times);
            JournalMetrics.Committed(begin, 1, ok: true);
            CniMetrics.End(CniVerb.Add, begin, ok);
        }
    }

    [Theory]
    [InlineData(0, "ok")]
    [InlineData(CniErrorCode.TryAgainLater, "try_again_later")]
    [InlineData(CniErrorCode.InvalidNetworkConfig, "invalid_request")]
    [InlineData(CniErrorCode.PluginNotAvailable, "not_available")]
    [InlineData(CniErrorCode.Internal, "internal")]
    [InlineData(4711, "internal")]
    public void Calls_are_counted_by_command_and_outcome(int code, string outcome)
    {
        using var collector = new MetricsCollector(MetricsCollector.IsTerway);
        var key = $"terway_cni_calls_total{{command=\"CHECK\",outcome=\"{outcome}\"}}";
        CniMetrics.End(CniVerb.Check, CniMetrics.Begin(), code == 0 ? CniResponse.Success() : CniResponse.Failure(code, "x"));
        CniMetrics.End("'; DROP", CniMetrics.Begin(), null);
        var metrics = Scrape(collector);
        // Other tests of this process make calls too.
        Assert.InRange(metrics["terway_cni_calls_total"].Samples[key], 1, double.MaxValue);
        Assert.Contains("""terway_cni_calls_total{command="other",outcome="aborted"}""", metrics["terway_cni_calls_total"].Samples.Keys);
        Assert.DoesNotContain(metrics["terway_cni_calls_total"].Samples.Keys, static k => k.Contains("DROP", StringComparison.Ordinal));
    }

    private Dictionary<string, ParsedMetric> Scrape() => Scrape(_collector);

    private static Dictionary<string, ParsedMetric> Scrape(MetricsCollector collector) =>
        PrometheusParser.Parse(Encoding.UTF8.GetString(PrometheusText.Write(collector.Collect()).Span));
}
