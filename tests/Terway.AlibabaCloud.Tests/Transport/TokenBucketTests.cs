using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Terway.AlibabaCloud.Tests.Servers;
using Terway.AlibabaCloud.Transport;

namespace Terway.AlibabaCloud.Tests.Transport;

public sealed class TokenBucketTests
{
    private static readonly TimeSpan s_ever = TimeSpan.FromDays(1);

    private readonly FakeTimeProvider _time = Clock.Create();

    [Fact]
    public void TryReserve_within_the_burst_is_free_and_then_queues_in_order()
    {
        TokenBucket bucket = new(60, _time);
        for (int i = 0; i < 60; i++)
        {
            Assert.True(bucket.TryReserve(s_ever, out TimeSpan free));
            Assert.Equal(TimeSpan.Zero, free);
        }

        Assert.True(bucket.TryReserve(s_ever, out TimeSpan first));
        Assert.True(bucket.TryReserve(s_ever, out TimeSpan second));
        Assert.Equal(1, first.TotalSeconds, 0.01);
        Assert.Equal(2, second.TotalSeconds, 0.01);
    }

    [Fact]
    public void TryReserve_beyond_the_longest_wait_takes_nothing()
    {
        TokenBucket bucket = new(60, _time);
        Drain(bucket, 60);
        Assert.False(bucket.TryReserve(TimeSpan.FromMilliseconds(500), out _));
        Assert.True(bucket.TryReserve(TimeSpan.FromSeconds(2), out TimeSpan wait));
        Assert.Equal(1, wait.TotalSeconds, 0.01);
    }

    [Fact]
    public void Return_gives_the_place_to_the_next()
    {
        TokenBucket bucket = new(60, _time);
        Drain(bucket, 61);
        bucket.Return();
        Assert.True(bucket.TryReserve(s_ever, out TimeSpan wait));
        Assert.Equal(1, wait.TotalSeconds, 0.01);
    }

    [Fact]
    public void OnThrottled_halves_once_per_interval_and_the_rate_recovers()
    {
        TokenBucket bucket = new(160, _time);
        bucket.OnThrottled();
        bucket.OnThrottled();
        Assert.Equal(80, bucket.CurrentRate, 0.01);
        Assert.True(bucket.TryReserve(s_ever, out _));
        Assert.True(bucket.TryReserve(s_ever, out TimeSpan wait));
        Assert.True(wait > TimeSpan.Zero, "What had been saved is not given out after a throttle.");

        _time.Advance(TokenBucket.DecreaseInterval);
        bucket.OnThrottled();
        Assert.InRange(bucket.CurrentRate, 40, 41);
        for (int i = 0; i < 20; i++)
        {
            _time.Advance(TokenBucket.DecreaseInterval);
            bucket.OnThrottled();
        }

        Assert.InRange(bucket.CurrentRate, 10, 12);
        _time.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(160, bucket.CurrentRate, 0.01);
    }

    [Fact]
    public void TryReserve_over_any_pattern_of_arrivals_keeps_to_the_limit() =>
        Gen.Select(Gen.Int[1, 600], Gen.Int[0, 2000].Array[1, 300]).Sample((limit, gapsMs) =>
        {
            FakeTimeProvider time = Clock.Create();
            TokenBucket bucket = new(limit, time);
            List<double> starts = [];
            double now = 0;
            foreach (int gap in gapsMs)
            {
                time.Advance(TimeSpan.FromMilliseconds(gap));
                now += gap / 1000.0;
                Assert.True(bucket.TryReserve(s_ever, out TimeSpan wait));
                starts.Add(now + wait.TotalSeconds);
            }

            // In any minute: what was saved up (at most the limit) and what came in (at most the limit).
            for (int i = 0, j = 0; i < starts.Count; i++)
            {
                while (starts[i] - starts[j] > 60)
                    j++;
                Assert.True(i - j + 1 <= (2 * limit) + 1, $"{i - j + 1} calls within a minute at a limit of {limit}.");
            }

            Assert.Equal(starts.Order(), starts);
        }, iter: 200);

    [Fact]
    public void For_override_wins_over_standard_over_default()
    {
        Dictionary<string, int> own = new() { ["DescribeVSwitches"] = 7 };
        Assert.Equal(7, ApiRateLimits.For("DescribeVSwitches", own));
        Assert.Equal(800, ApiRateLimits.For("DescribeNetworkInterfaces", own));
        Assert.Equal(500, ApiRateLimits.For("SomethingElse", own));
        Assert.Equal(300, ApiRateLimits.For("DescribeVSwitches", null));
    }

    private static void Drain(TokenBucket bucket, int count)
    {
        for (int i = 0; i < count; i++)
            Assert.True(bucket.TryReserve(s_ever, out _));
    }
}
