namespace Terway.Plugins.PolicyRouting;

/// <summary>Token bucket figures as upstream computes them.</summary>
internal static class Shaping
{
    // A packet waits in the queue for at most this long at full rate.
    private const int LatencyMilliseconds = 25;

    /// <param name="link">The link whose transmissions are limited.</param>
    /// <param name="rate">Bytes per second.</param>
    /// <param name="mtu">Bytes.</param>
    public static KernelObject.TokenBucket Limit(string link, long rate, int mtu)
    {
        // A millisecond's worth, but never less than a packet and its headers.
        var burst = Math.Max((rate / 1000) + (rate % 1000 == 0 ? 0 : 1), mtu + 1500L);
        var limit = ((rate / 1000) * LatencyMilliseconds) + ((rate % 1000) * LatencyMilliseconds / 1000) + burst;
        return new(link, rate, Clamp(burst), Clamp(limit));
    }

    private static int Clamp(long value) => (int)Math.Min(value, int.MaxValue);
}
