using System.Net;
using Terway.Bench.Datapath;
using Terway.Linux.Namespaces;

namespace Terway.Bench.Tests;

/// <summary>A figure cannot come from another way than the one that it is said to be of.</summary>
public sealed class WitnessTests : IDisposable
{
    private const long Packets = 100_000;
    private readonly NetNs _anywhere = NetNs.OpenCurrent();

    public void Dispose() => _anywhere.Dispose();

    [Fact]
    public void The_expected_way_and_a_few_packets_of_the_node_itself_pass() =>
        Require(new() { ["pod-to-pod"] = Packets + 7, ["stack-control"] = 5000, ["stack-to-pod"] = 40 });

    [Fact]
    public void Too_few_on_the_expected_way_are_refused()
    {
        var refused = Assert.Throws<InvalidOperationException>(() => Require(new() { ["pod-to-pod"] = Packets - 1 }));
        Assert.Contains("should have gone pod-to-pod", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("stack-flow")]
    [InlineData("stack-cidr")]
    [InlineData("dropped")]
    public void Another_way_beside_the_expected_one_is_refused(string way) =>
        Assert.Contains($"went {way}", Assert.Throws<InvalidOperationException>(() => Require(new() { ["pod-to-pod"] = Packets, [way] = 200 })).Message, StringComparison.Ordinal);

    [Fact]
    public void Only_what_was_counted_during_a_slice_counts()
    {
        var total = new Dictionary<string, long>();
        WitnessCheck.Add(total, new Dictionary<string, long> { ["a"] = 5, ["b"] = 9 }, new Dictionary<string, long> { ["a"] = 7, ["b"] = 9, ["c"] = 1 });
        WitnessCheck.Add(total, new Dictionary<string, long> { ["a"] = 100 }, new Dictionary<string, long> { ["a"] = 103 });
        Assert.Equal(new Dictionary<string, long> { ["a"] = 5, ["c"] = 1 }, total);
    }

    private void Require(Dictionary<string, long> passed)
    {
        var nobody = new IPEndPoint(IPAddress.Loopback, 1);
        WitnessCheck.Require(new Wire("a wire", _anywhere, nobody, nobody, new Fake()), passed, Packets);
    }

    private sealed class Fake : IWitness
    {
        public IReadOnlyList<string> Expected { get; } = ["pod-to-pod"];

        public IReadOnlyList<string> Tolerated { get; } = ["stack-control"];

        public IReadOnlyDictionary<string, long> Read() => new Dictionary<string, long>();
    }
}
