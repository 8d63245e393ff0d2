using Terway.Linux.Native;

namespace Terway.Linux.Netlink;

/// <summary>The units of the kernel's packet schedulers.</summary>
internal static class TbfMath
{
    /// <summary>One tick is 64 ns (PSCHED_SHIFT 6), on every kernel since 2.6.31.</summary>
    private const int NanosecondsPerTick = 64;

    private const int Cells = pkt_sched.TC_RTAB_SIZE / sizeof(uint);

    /// <summary>How many ticks <paramref name="bytes"/> take at <paramref name="rate"/> bytes per second.</summary>
    public static uint Ticks(ulong bytes, ulong rate)
    {
        var ticks = (UInt128)bytes * 1_000_000_000 / rate / NanosecondsPerTick;
        return ticks > uint.MaxValue ? uint.MaxValue : (uint)ticks;
    }

    /// <summary>The inverse of <see cref="Ticks"/>.</summary>
    public static uint Bytes(uint ticks, ulong rate)
    {
        var bytes = (UInt128)ticks * NanosecondsPerTick * rate / 1_000_000_000;
        return bytes > uint.MaxValue ? uint.MaxValue : (uint)bytes;
    }

    /// <summary>The table by packet size that tc sends along: 256 cells of 2^log bytes, enough for <paramref name="mtu"/>.</summary>
    public static byte FillRateTable(Span<uint> table, ulong rate, uint mtu)
    {
        byte log = 0;
        while (mtu >> log >= Cells)
            log++;
        for (var i = 0; i < table.Length; i++)
            table[i] = Ticks((ulong)(i + 1) << log, rate);
        return log;
    }
}
