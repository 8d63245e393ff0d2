using Terway.Linux.Bpf;

namespace Terway.Linux.Tests.Bpf;

public sealed class BpfObjectTests(BpfTestObject files) : IClassFixture<BpfTestObject>
{
    /// <summary>Ethernet and an IPv4 header of this protocol.</summary>
    private static byte[] Packet(byte protocol)
    {
        var packet = new byte[64];
        (packet[12], packet[13], packet[14], packet[23]) = (0x08, 0x00, 0x45, protocol);
        return packet;
    }

    [Fact]
    public void Load_gives_maps_and_programs_that_work()
    {
        using var obj = BpfObject.Open(files.Count);
        obj.Load();
        Assert.Equal(["count_tc", "count_tcx"], obj.Programs.Keys.Order());
        var packets = obj.Maps["packets"];
        Assert.Equal((BpfMapType.Hash, 4, 8, 256u), (packets.Type, packets.KeySize, packets.ValueSize, packets.MaxEntries));

        var output = new byte[64];
        var result = obj.Programs["count_tc"].TestRun(Packet(17), output, repeat: 10);
        Assert.Equal((0u, 64), (result.ReturnValue, result.DataLength));
        Assert.Equal(Packet(17), output);
        Assert.Equal(uint.MaxValue, obj.Programs["count_tcx"].TestRun(Packet(6)).ReturnValue);

        Assert.True(packets.TryLookup(17u, out ulong udp));
        Assert.Equal(10ul, udp);
        Assert.True(packets.TryLookup(6u, out ulong tcp));
        Assert.Equal(1ul, tcp);
        var perCpu = new uint[BpfMap.PossibleCpus()];
        Assert.True(obj.Maps["total"].TryLookupPerCpu(0u, perCpu));
        Assert.Equal(11, perCpu.Sum(c => c));
    }

    [Fact]
    public void Open_from_memory_works_the_same()
    {
        using var obj = BpfObject.Open(File.ReadAllBytes(files.Count), "memory");
        obj.Load();
        Assert.Equal(0u, obj.Programs["count_tc"].TestRun(Packet(17)).ReturnValue);
    }

    [Fact]
    public void Settings_before_loading_are_in_force_after()
    {
        using var obj = BpfObject.Open(files.Count);
        obj.SetMaxEntries("packets", 5000);
        obj.SetConstant("drop_protocol", 17u);
        obj.SetConstant("wide", 100ul);
        obj.SkipProgram("count_tcx");
        obj.Load();

        Assert.Equal(5000u, obj.Maps["packets"].MaxEntries);
        Assert.Equal(["count_tc"], obj.Programs.Keys);
        Assert.Equal(2u, obj.Programs["count_tc"].TestRun(Packet(17)).ReturnValue);
        Assert.Equal(0u, obj.Programs["count_tc"].TestRun(Packet(6), repeat: 3).ReturnValue);
        Assert.True(obj.Maps["packets"].TryLookup(6u, out ulong tcp));
        Assert.Equal(201ul, tcp);
        Assert.Throws<InvalidOperationException>(() => obj.SetMaxEntries("packets", 1));
    }

    [Fact]
    public void Settings_that_do_not_fit_are_refused_with_names()
    {
        using var obj = BpfObject.Open(files.Count);
        Assert.Contains("packets", Assert.Throws<ArgumentException>(() => obj.SetMaxEntries("nope", 1)).Message, StringComparison.Ordinal);
        Assert.Contains("count_tc", Assert.Throws<ArgumentException>(() => obj.SkipProgram("nope")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => obj.SetConstant("nope", 1u));
        Assert.Throws<ArgumentException>(() => obj.SetConstant("drop_protocol", 1ul));
    }

    [Fact]
    public void ReuseMap_shares_a_map_between_objects()
    {
        using var first = BpfObject.Open(files.Count);
        first.Load();
        using var second = BpfObject.Open(files.Count);
        second.ReuseMap("packets", first.Maps["packets"]);
        second.Load();
        second.Programs["count_tc"].TestRun(Packet(17));
        Assert.Equal(first.Maps["packets"].Id, second.Maps["packets"].Id);
        Assert.True(first.Maps["packets"].TryLookup(17u, out ulong _));
    }

    [Fact]
    public void Load_of_a_refused_program_has_the_verifiers_log()
    {
        using var obj = BpfObject.Open(files.Refused);
        var error = Assert.Throws<BpfException>(obj.Load);
        Assert.Contains("invalid access to packet", error.VerifierLog, StringComparison.Ordinal);
        Assert.Contains("invalid access to packet", error.Message, StringComparison.Ordinal);
        Assert.Contains("unchecked", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_of_something_else_says_why()
    {
        Assert.Equal(Errno.ENOENT, Assert.Throws<BpfException>(() => BpfObject.Open("/nonexistent.o")).Errno);
        var error = Assert.Throws<BpfException>(() => BpfObject.Open("/proc/self/exe"));
        Assert.Contains("libbpf", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Objects_loaded_at_the_same_time_do_not_mix_their_messages() => Parallel.For(0, 16, i =>
    {
        using var obj = BpfObject.Open(i % 2 == 0 ? files.Count : files.Refused);
        if (i % 2 == 0)
            obj.Load();
        else
            Assert.Contains("unchecked", Assert.Throws<BpfException>(obj.Load).Message, StringComparison.Ordinal);
    });
}
