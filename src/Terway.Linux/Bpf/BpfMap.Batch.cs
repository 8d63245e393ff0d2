using System.Runtime.CompilerServices;
using Terway.Linux.Native;

namespace Terway.Linux.Bpf;

public sealed unsafe partial class BpfMap
{
    /// <summary>
    /// Writes many entries with few system calls; where the kernel has no batches for this type of map, one by one. Not atomic: entries
    /// before the one that failed are written.
    /// </summary>
    public void UpdateBatch<TKey, TValue>(ReadOnlySpan<TKey> keys, ReadOnlySpan<TValue> values)
        where TKey : unmanaged
        where TValue : unmanaged
    {
        if (keys.Length != values.Length)
            throw new ArgumentException($"{keys.Length} keys for {values.Length} values");
        CheckSize(Unsafe.SizeOf<TKey>(), KeySize, "key");
        CheckSize(Unsafe.SizeOf<TValue>(), UserValueSize, "value");
        if (keys.IsEmpty)
            return;
        fixed (TKey* k = keys)
        fixed (TValue* v = values)
        {
            var attributes = new bpf_attr_batch { map_fd = Fd, keys = (ulong)k, values = (ulong)v, count = (uint)keys.Length };
            var result = BpfSyscall.Call(bpf.BPF_MAP_UPDATE_BATCH, ref attributes);
            if (!Unsupported(result))
            {
                Check(result, "update a batch of");
                return;
            }
        }

        for (var i = 0; i < keys.Length; i++)
            Update(in keys[i], in values[i]);
    }

    /// <summary>Deletes many keys; those that are not there are passed over. Not atomic.</summary>
    public void DeleteBatch<TKey>(ReadOnlySpan<TKey> keys)
        where TKey : unmanaged
    {
        CheckSize(Unsafe.SizeOf<TKey>(), KeySize, "key");
        var rest = keys;
        while (!rest.IsEmpty)
        {
            fixed (TKey* k = rest)
            {
                var attributes = new bpf_attr_batch { map_fd = Fd, keys = (ulong)k, count = (uint)rest.Length };
                var result = BpfSyscall.Call(bpf.BPF_MAP_DELETE_BATCH, ref attributes);
                if (result >= 0)
                    return;
                if (Unsupported(result))
                {
                    foreach (ref readonly var key in rest)
                        Delete(in key);
                    return;
                }

                // The kernel stops at the first key that is not there and says how many it has done.
                Check(result, "delete a batch of", Errno.ENOENT);
                rest = rest[((int)attributes.count + 1)..];
            }
        }
    }

    /// <summary>All entries, as one walk found them: of a map that changes meanwhile some may be missing.</summary>
    public IReadOnlyList<KeyValuePair<TKey, TValue>> Entries<TKey, TValue>()
        where TKey : unmanaged
        where TValue : unmanaged
    {
        List<KeyValuePair<TKey, TValue>> entries = [];
        foreach (var key in Keys<TKey>())
        {
            if (TryLookup(in key, out TValue value))
                entries.Add(new(key, value));
        }

        return entries;
    }

    /// <summary>EINVAL and 524 (ENOTSUPP, the kernel's own number) mean: no batches for this type.</summary>
    private static bool Unsupported(int result) => -result is Errno.EINVAL or Errno.EOPNOTSUPP or 524;
}
