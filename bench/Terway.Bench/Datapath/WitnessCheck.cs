namespace Terway.Bench.Datapath;

/// <summary>Whether what was measured went the way that it is a figure of.</summary>
internal static class WitnessCheck
{
    // What the node itself says to its pods meanwhile (neighbours that it looks after).
    private const long StrayFloor = 16;
    private const long StrayShare = 1000;

    /// <summary>Adds what was counted during one slice.</summary>
    public static void Add(Dictionary<string, long> total, IReadOnlyDictionary<string, long> before, IReadOnlyDictionary<string, long> after)
    {
        foreach (var (way, count) in after)
        {
            var passed = count - before.GetValueOrDefault(way);
            if (passed != 0) total[way] = total.GetValueOrDefault(way) + passed;
        }
    }

    /// <param name="wire">whose packets they were</param>
    /// <param name="passed">packets by way</param>
    /// <param name="packets">as many as the probe knows to have caused at least</param>
    /// <exception cref="InvalidOperationException">Fewer went the expected way, or more went another than the node itself sends.</exception>
    public static void Require(Wire wire, IReadOnlyDictionary<string, long> passed, long packets)
    {
        var seen = string.Join(", ", passed.Select(static p => $"{p.Key} {p.Value}"));
        foreach (var way in wire.Witness.Expected)
        {
            if (passed.GetValueOrDefault(way) < packets)
                throw new InvalidOperationException($"{wire.Name}: at least {packets} packets should have gone {way}, seen: {seen}");
        }

        var most = Math.Max(StrayFloor, wire.Witness.Expected.Sum(passed.GetValueOrDefault) / StrayShare);
        if (passed.Keys.FirstOrDefault(way => !wire.Witness.Expected.Contains(way) && !wire.Witness.Tolerated.Contains(way) && passed[way] > most) is { } other)
            throw new InvalidOperationException($"{wire.Name}: {passed[other]} packets went {other}, seen: {seen}");
    }
}
