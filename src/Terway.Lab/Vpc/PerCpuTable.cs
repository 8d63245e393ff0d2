using System.Runtime.InteropServices;
using Terway.Linux.Bpf;

namespace Terway.Lab.Vpc;

/// <summary>A per-CPU eBPF map of 64-bit counters; reads give the sum over all CPUs.</summary>
/// <typeparam name="TCounters">a struct of 64-bit counters only</typeparam>
internal sealed class PerCpuTable<TCounters>(BpfMap map)
    where TCounters : unmanaged
{
    private readonly int _cpus = BpfMap.PossibleCpus();

    /// <summary>Null when there is no such key.</summary>
    public TCounters? Sum(uint key)
    {
        var values = new TCounters[_cpus];
        if (!map.TryLookupPerCpu(key, values.AsSpan()))
            return null;
        TCounters sum = default;
        var words = MemoryMarshal.Cast<TCounters, ulong>(new Span<TCounters>(ref sum));
        foreach (ref var value in values.AsSpan())
        {
            var addends = MemoryMarshal.Cast<TCounters, ulong>(new Span<TCounters>(ref value));
            for (var i = 0; i < words.Length; i++)
                words[i] += addends[i];
        }

        return sum;
    }

    public void Clear(uint key) => map.Update(MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in key)), new byte[map.UserValueSize]);

    public void Remove(uint key) => map.Delete(key);
}
