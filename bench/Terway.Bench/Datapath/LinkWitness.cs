using System.Globalization;
using Terway.Bench.Traffic;
using Terway.Linux.Namespaces;

namespace Terway.Bench.Datapath;

/// <summary>What a namespace's link has sent and received: of a bare pair there is nothing else to see.</summary>
internal sealed class LinkWitness(NetNs ns, string link) : IWitness
{
    private const string Passed = "link";

    public IReadOnlyList<string> Expected { get; } = [Passed];

    public IReadOnlyList<string> Tolerated { get; } = [];

    public IReadOnlyDictionary<string, long> Read()
    {
        Posix.Enter(ns.Fd);
        var fields = File.ReadLines("/proc/thread-self/net/dev").First(l => l.TrimStart().StartsWith($"{link}:", StringComparison.Ordinal))
            .Split(':')[1].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        var (received, sent) = (long.Parse(fields[1], CultureInfo.InvariantCulture), long.Parse(fields[9], CultureInfo.InvariantCulture));
        return new Dictionary<string, long>(StringComparer.Ordinal) { [Passed] = received + sent };
    }
}
