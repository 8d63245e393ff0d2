using Terway.Lab.Vpc.Abi;

namespace Terway.Lab.Vpc;

/// <summary>Packets of one ENI since it was plugged first, as the VPC counted them.</summary>
/// <param name="Drops">of packets that the ENI sent, only reasons that occurred</param>
public sealed record EniTraffic(long FromPackets, long FromBytes, long ToPackets, long ToBytes, IReadOnlyDictionary<string, long> Drops)
{
    internal static EniTraffic From(EniCounters counters)
    {
        var drops = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var reason in Enum.GetValues<DropReason>())
        {
            if (counters.Drops[(int)reason] > 0)
                drops[WireNames.Of(reason)] = (long)counters.Drops[(int)reason];
        }

        return new((long)counters.FromPackets, (long)counters.FromBytes, (long)counters.ToPackets, (long)counters.ToBytes, drops);
    }
}
