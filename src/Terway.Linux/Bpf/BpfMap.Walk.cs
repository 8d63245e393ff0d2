using Terway.Linux.Native;

namespace Terway.Linux.Bpf;

public sealed unsafe partial class BpfMap
{
    // Entries of one call: some dozen kilobytes, and a system call is nothing against reading so many.
    private const uint WalkBatch = 1024;

    /// <summary>
    /// Counts the entries, with few system calls where the kernel has batches for this type of map (hash and LRU hash since Linux 5.6), else key by key.
    /// Looking at a key of an LRU map does not count as its use. Of a map that changes meanwhile some may be missing or double.
    /// </summary>
    /// <param name="each">Given every key; it must not keep the span.</param>
    /// <returns>Entries seen, at most as many as fit into the map.</returns>
    /// <exception cref="BpfException">The kernel refused.</exception>
    public long Walk(Action<ReadOnlySpan<byte>>? each = null)
    {
        // The kernel's place in the map; for some types it is a key.
        var place = new byte[Math.Max(sizeof(ulong), KeySize)];
        var size = WalkBatch;
        var keys = new byte[size * KeySize];
        var values = new byte[size * UserValueSize];
        var seen = 0L;
        for (var first = true; ; first = false)
        {
            int result;
            uint count;
            fixed (byte* p = place, k = keys, v = values)
            {
                var attributes = new bpf_attr_batch
                {
                    map_fd = Fd,
                    in_batch = first ? 0 : (ulong)p,
                    out_batch = (ulong)p,
                    keys = (ulong)k,
                    values = (ulong)v,
                    count = size,
                };
                result = BpfSyscall.Call(bpf.BPF_MAP_LOOKUP_BATCH, ref attributes);
                count = attributes.count;
            }

            if (first && Unsupported(result))
                return WalkByKey(each);
            if (-result == Errno.ENOSPC)
            {
                // A bucket holds more: nothing of it was given, and the place is in front of it.
                size *= 2;
                keys = new byte[size * KeySize];
                values = new byte[size * UserValueSize];
                continue;
            }

            var ended = !Check(result, "walk", Errno.ENOENT);
            for (var i = 0; i < count && each is not null; i++)
                each(keys.AsSpan(i * KeySize, KeySize));
            seen += count;
            if (ended || seen >= MaxEntries)
                return Math.Min(seen, MaxEntries);
        }
    }

    private long WalkByKey(Action<ReadOnlySpan<byte>>? each)
    {
        var seen = 0L;
        var (previous, next) = (new byte[KeySize], new byte[KeySize]);
        for (ReadOnlySpan<byte> from = default; seen < MaxEntries && TryNextKey(from, next); from = previous)
        {
            each?.Invoke(next);
            next.CopyTo(previous, 0);
            seen++;
        }

        return seen;
    }
}
