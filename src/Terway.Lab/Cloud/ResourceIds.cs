namespace Terway.Lab.Cloud;

/// <summary>
/// Ids and MAC addresses that are unique in the region and the same in every run, in the cloud's format. Thread-safe.
/// </summary>
internal sealed class ResourceIds
{
    private const string Alphabet = "0123456789abcdefghijklmnopqrstuvwxyz";
    private long _counter;
    private int _macs;

    public string Next(string kind)
    {
        // An odd multiplier permutes the 64-bit numbers: no two counters collide, and neighbours do not look alike.
        var value = (ulong)Interlocked.Increment(ref _counter) * 0x9E37_79B9_7F4A_7C15UL;
        Span<char> text = stackalloc char[13];
        for (var i = text.Length - 1; i >= 0; i--)
        {
            text[i] = Alphabet[(int)(value % 36)];
            value /= 36;
        }
        return $"{kind}-bp1lab{text}";
    }

    /// <summary>In the range 00:16:3e that ECS uses.</summary>
    public string NextMac()
    {
        var n = Interlocked.Increment(ref _macs);
        return $"00:16:3e:{(n >> 16) & 0x3f:x2}:{(n >> 8) & 0xff:x2}:{n & 0xff:x2}";
    }
}
