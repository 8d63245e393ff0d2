using Terway.Lab.Nodes;
using Terway.Linux.Bpf;

namespace Terway.Bench.Datapath;

/// <summary>What DataPathV2 counts on nodes, as terway_datapath_packets_total and terway_datapath_drops_total.</summary>
internal sealed class DatapathWitness : IWitness, IDisposable
{
    // dp_abi.h, DP_PATHS.
    private static readonly string[] s_ways =
    [
        "pod-to-pod", "pod-to-vpc", "vpc-to-pod", Control, "stack-cidr", "stack-route", "stack-flow", "stack-fragment", "stack-header", "stack-ttl",
        "stack-mtu", "stack-eni", "stack-node", "stack-family", "stack-to-pod",
    ];

    private const string Control = "stack-control";
    private readonly List<BpfMap> _paths = [];
    private readonly List<BpfMap> _drops = [];
    private readonly ulong[] _values = new ulong[BpfMap.PossibleCpus()];

    public DatapathWitness(IReadOnlyList<LabNode> nodes, params string[] expected)
    {
        Expected = expected;
        foreach (var node in nodes)
        {
            _paths.Add(Open(node, "dp_paths"));
            _drops.Add(Open(node, "dp_drops"));
        }
    }

    public IReadOnlyList<string> Expected { get; }

    // Neighbour entries age, and the VPC's gateway asks.
    public IReadOnlyList<string> Tolerated { get; } = [Control];

    public IReadOnlyDictionary<string, long> Read()
    {
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        for (var i = 0; i < s_ways.Length; i++) counts[s_ways[i]] = _paths.Sum(map => Sum(map, (uint)i));
        counts["dropped"] = _drops.Sum(map => Enumerable.Range(0, (int)map.MaxEntries).Sum(i => Sum(map, (uint)i)));
        return counts;
    }

    public void Dispose()
    {
        foreach (var map in _paths.Concat(_drops)) map.Dispose();
    }

    private static BpfMap Open(LabNode node, string map) => BpfMap.OpenPinned(Path.Combine(node.Paths.Bpf, "datapath-v1", map))
        ?? throw new InvalidOperationException($"node {node.Name} has no map {map}");

    private long Sum(BpfMap map, uint index) => map.TryLookupPerCpu(in index, _values) ? (long)_values.Aggregate(0ul, static (a, b) => a + b) : 0;
}
