namespace Terway.Bench.Traffic;

/// <summary>What one probe saw in one short run over one wire.</summary>
/// <param name="Value">The figure: median latency in microseconds, connections per second, Gbit/s.</param>
/// <param name="Packets">As many packets must at least have gone over the wire, both ways together.</param>
/// <param name="Cpu">CPU milliseconds per Gbit, senders, receivers and softirq; null where not asked for.</param>
/// <param name="Samples">Single latencies in microseconds.</param>
internal sealed record Slice(double Value, long Packets, double? Cpu = null, double[]? Samples = null);
