namespace Terway.Bench.Datapath;

/// <summary>Counters that tell which way packets take. Read on the measuring thread, which it may move to another namespace.</summary>
internal interface IWitness
{
    /// <summary>Packets since ever, by the way they took. Ways that nothing took may be missing.</summary>
    IReadOnlyDictionary<string, long> Read();

    /// <summary>The ways that a packet of this wire takes, each of them.</summary>
    IReadOnlyList<string> Expected { get; }

    /// <summary>Ways that packets which are none of ours may take meanwhile (neighbour discovery).</summary>
    IReadOnlyList<string> Tolerated { get; }
}
