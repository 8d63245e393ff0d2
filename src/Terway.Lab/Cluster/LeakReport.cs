namespace Terway.Lab.Cluster;

/// <summary>What is there and should not be, or the other way round; one text each.</summary>
public sealed class LeakReport
{
    /// <summary>
    /// On nodes without pods: links, addresses, routes, rules, neighbours, qdiscs beyond those right after boot. On every node: pins, filters, entries of eBPF
    /// maps and socket hooks that no journal, pod, ENI or Service has, or that they have and the kernel has not.
    /// </summary>
    public List<string> Kernel { get; } = [];

    /// <summary>ENIs and addresses in the cloud that no daemon knows, or the other way round.</summary>
    public List<string> Cloud { get; } = [];

    /// <summary>Journal rows and spooled calls without a pod.</summary>
    public List<string> State { get; } = [];

    public bool IsClean => Kernel.Count + Cloud.Count + State.Count == 0;

    /// <summary>All, for people.</summary>
    public IEnumerable<string> All =>
        Kernel.Select(static k => "kernel: " + k).Concat(Cloud.Select(static c => "cloud: " + c)).Concat(State.Select(static s => "state: " + s));
}
