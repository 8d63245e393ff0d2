using Terway.Bench.Traffic;

namespace Terway.Bench.Datapath;

/// <summary>Slices of all wires in turn, round after round, on one pinned thread.</summary>
internal static class Rounds
{
    /// <param name="wires">what is compared; each round begins with another one</param>
    /// <param name="count">rounds, after one that does not count</param>
    /// <param name="probe">one slice; runs in the client's namespace</param>
    /// <param name="ct">ends it between slices</param>
    /// <returns>As many series as wires, in their order.</returns>
    /// <exception cref="InvalidOperationException">A probe failed, or packets went another way than the wire's.</exception>
    public static IReadOnlyList<Series> Run(IReadOnlyList<Wire> wires, int count, Func<Wire, Slice> probe, CancellationToken ct)
    {
        var series = wires.Select(static _ => new Series()).ToList();
        var passed = wires.Select(static _ => new Dictionary<string, long>(StringComparer.Ordinal)).ToList();
        for (var round = -1; round < count; round++)
        {
            for (var i = 0; i < wires.Count; i++)
            {
                ct.ThrowIfCancellationRequested();
                // Every other round the other way round: none has always the same one before it.
                var turn = (i + Math.Max(round, 0)) % wires.Count;
                if (round % 2 == 1) turn = wires.Count - 1 - turn;
                var wire = wires[turn];
                var before = wire.Witness.Read();
                ThreadCgroup.Enter(wire.Cgroup);
                Posix.Enter(wire.Client.Fd);
                var slice = probe(wire);
                var after = wire.Witness.Read();
                if (round < 0) continue;
                series[turn].Add(slice);
                WitnessCheck.Add(passed[turn], before, after);
            }
        }

        for (var i = 0; i < wires.Count; i++) WitnessCheck.Require(wires[i], passed[i], series[i].Packets);
        return series;
    }
}
