using System.Net;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Terway.Linux;
using Terway.Linux.Bpf;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;
using Terway.Plugins.DataPathV2.Abi;
using Terway.Plugins.DataPathV2.Configuration;
using Terway.Plugins.DataPathV2.Pins;

namespace Terway.Plugins.DataPathV2.Tests;

/// <summary>
/// A node's namespace with its own ENI (eth0, default route), a pods' ENI (eth1) and two pods' links (cali1, cali2), and the pinned programs with
/// their maps filled as the plugin's plans say. Packets meet the programs by BPF_PROG_TEST_RUN.
/// </summary>
internal sealed class DatapathBox : IDisposable
{
    public const uint Unspec = uint.MaxValue;
    public const uint Shot = 2;
    public const uint Redirect = 7;

    /// <summary>DP_MARK_SHAPED.</summary>
    public const uint ShapedMark = 0x7e570001;

    public const string PodMac1 = "02:00:00:00:01:01";
    public const string PodMac2 = "02:00:00:00:01:02";
    public const string HostMac1 = "02:00:00:00:02:01";
    public const string HostMac2 = "02:00:00:00:02:02";
    public const string EniMac = "02:00:00:00:03:01";

    public const string Pod1 = "10.0.1.11";
    public const string Pod2 = "10.0.1.12";
    public const string NodeIp = "10.0.0.10";
    public const string Remote = "10.0.2.33";
    public const string Pod1V6 = "fd00:1::11";
    public const string Pod2V6 = "fd00:1::12";
    public const string RemoteV6 = "fd00:2::33";

    public const int Mtu = 1500;

    private readonly BpfMount _mount = new();
    private readonly List<(string Name, NetNs Ns)> _namespaces = [];
    private readonly NetNsThread _thread = NetNsThread.Start();
    private readonly NetNs _node;
    private readonly NetNs _far;
    private readonly RtnlSocket _rtnl;
    private readonly Dictionary<string, BpfProgram> _programs = [];

    private DatapathBox()
    {
        _node = NewNs();
        _far = NewNs();
        _rtnl = RtnlSocket.Open(_thread, _node);
    }

    public PinnedMaps Maps { get; private set; } = null!;

    public int Eth0 { get; private set; }

    public int Eth1 { get; private set; }

    public int Cali1 { get; private set; }

    public int Cali2 { get; private set; }

    public string Folder => Path.Combine(_mount.Folder, DatapathPins.Folder);

    public static string Objects => Path.Combine(AppContext.BaseDirectory, "bpf");

    public MemoryStore Store { get; } = new();

    public static async Task<DatapathBox> CreateAsync(bool ipv6 = false, DatapathSettings? settings = null)
    {
        var box = new DatapathBox();
        try
        {
            box.MakeLinks();
            await box.LoadAsync(ipv6, settings ?? new());
            box.FillMaps();
            return box;
        }
        catch
        {
            box.Dispose();
            throw;
        }
    }

    public async Task<IReadOnlyList<string>> LoadAsync(bool ipv6, DatapathSettings settings)
    {
        Directory.CreateDirectory(Folder);
        Maps?.Dispose();
        Maps = PinnedMaps.Open(Folder, MapShape.All(settings, ipv6), static (shape, _) => Assert.Fail(shape.Name));
        var loaded = await new PinnedPrograms(Store, Folder, Objects, DatapathPins.Programs).UpdateAsync(
            Maps, [new("dp_uplink", (uint)Eth0), new("dp_ipv6", ipv6 ? 1u : 0u)], TestContext.Current.CancellationToken);
        foreach (var program in _programs.Values) program.Dispose();
        _programs.Clear();
        foreach (var name in DatapathPins.Programs) _programs[name] = BpfProgram.OpenPinned(Path.Combine(Folder, name))!;
        return loaded;
    }

    public uint FromPod(byte[] packet, int? link = null, uint gsoSize = 0) => Run(DatapathPins.FromPod, packet, link ?? Cali1, gsoSize).Verdict;

    public uint FromEni(byte[] packet) => Run(DatapathPins.FromEni, packet, Eth1, 0).Verdict;

    public uint ToPod(byte[] packet) => Run(DatapathPins.ToPod, packet, Cali1, 0).Verdict;

    /// <param name="program">Which one.</param>
    /// <param name="packet">From the Ethernet header on.</param>
    /// <param name="link">That it came by.</param>
    /// <param name="gsoSize">Payload of a segment; 0: it is none.</param>
    /// <param name="summed">As from a device that sums whole packets: fails unless the sum is right afterwards.</param>
    public (uint Verdict, byte[] Packet) Run(string program, byte[] packet, int link, uint gsoSize, bool summed = false)
    {
        // struct __sk_buff (linux/bpf.h): ifindex at 40, gso_segs at 164, gso_size at 176.
        var context = new byte[192];
        MemoryMarshal.Write(context.AsSpan(40), link);
        if (gsoSize > 0)
        {
            MemoryMarshal.Write(context.AsSpan(164), 2);
            MemoryMarshal.Write(context.AsSpan(176), gsoSize);
        }

        var output = new byte[packet.Length + 64];
        var result = _thread.Run(_node, () => _programs[program].TestRun(packet, output, context: context, summed: summed));
        return (result.ReturnValue, output[..result.DataLength]);
    }

    /// <param name="program">Its pin.</param>
    /// <param name="packet">From the Ethernet header on.</param>
    /// <param name="wants">The departure time that the packet has already; 0 for none.</param>
    /// <param name="wireLength">Bytes on the wire, as after segmentation; 0 for those of the packet.</param>
    /// <param name="mark">The packet's mark.</param>
    public (uint Verdict, long Departure, uint Mark) Paced(string program, byte[] packet, long wants, uint wireLength, uint mark = 0)
    {
        // struct __sk_buff (linux/bpf.h): mark at 8, ifindex at 40, tstamp at 152, wire_len at 160.
        var context = new byte[192];
        var after = new byte[192];
        MemoryMarshal.Write(context.AsSpan(8), mark);
        MemoryMarshal.Write(context.AsSpan(40), Cali1);
        MemoryMarshal.Write(context.AsSpan(152), wants);
        MemoryMarshal.Write(context.AsSpan(160), wireLength);
        var result = _thread.Run(_node, () => _programs[program].TestRun(packet, context: context, contextOutput: after));
        return (result.ReturnValue, MemoryMarshal.Read<long>(after.AsSpan(152)), MemoryMarshal.Read<uint>(after.AsSpan(8)));
    }

    public long Count(PathTaken path) => Sum(Maps[DatapathPins.Paths], (uint)path);

    public long Count(DropReason reason) => Sum(Maps[DatapathPins.Drops], (uint)reason);

    /// <summary>
    /// Sends frames over the link itself, with the program attached: test runs want a whole IP header. Each must be dropped for this reason, or take
    /// this path.
    /// </summary>
    public void Send(string program, string link, IEnumerable<byte[]> frames, string counter)
    {
        var index = _rtnl.GetLink(link)!.Index;
        using var far = RtnlSocket.Open(_thread, _far);
        using var sender = new FrameSender(_thread, _far, far.GetLink($"p-{link}")!.Index);
        Do(batch =>
        {
            batch.QdiscAdd(QdiscSpec.ForClsact(index)).Ignore(Errno.EEXIST);
            batch.BpfFilterReplace(new() { LinkIndex = index, Parent = TcHandle.Ingress, Priority = 1, Handle = 1, ProgramFd = _programs[program].Fd });
        });
        foreach (var frame in frames)
        {
            var before = Counters();
            sender.Send(frame);
            // The other end's receive work may be another processor's.
            SpinWait.SpinUntil(() => Changes(before).Count > 0);
            Assert.Equal([(counter, 1)], Changes(before));
        }
    }

    /// <summary>Fails unless exactly one packet was counted, and it under this.</summary>
    public void AssertOnly(PathTaken path, Action act)
    {
        var before = Counters();
        act();
        Assert.Equal([(WireNames.Of(path), 1)], Changes(before));
    }

    /// <inheritdoc cref="AssertOnly(PathTaken, Action)"/>
    public void AssertOnly(DropReason reason, Action act)
    {
        var before = Counters();
        act();
        Assert.Equal([(WireNames.Of(reason), 1)], Changes(before));
    }

    /// <summary>From now on there may be a flow of every pod: packets take the thorough path.</summary>
    public void FillHints()
    {
        Hints all = default;
        ((Span<byte>)all.Flag).Fill(1);
        foreach (var map in (BpfMap[])[Maps[DatapathPins.Hints4], Maps[DatapathPins.Hints6]])
        {
            for (var row = 0u; row < map.MaxEntries; row++) map.Update(in row, in all);
        }
    }

    public void Put(KernelObject.MapEntry entry, int link = 0)
    {
        var value = Convert.FromHexString(entry.Value);
        if (entry.LinkName is not null) MemoryMarshal.Write(value.AsSpan(entry.LinkOffset), link);
        Maps[Path.GetFileName(entry.Map)].Update(Convert.FromHexString(entry.Key), value);
    }

    /// <summary>Runs on a thread in the node's namespace.</summary>
    public void InNode(Action act) => _thread.Run(_node, () =>
    {
        act();
        return 0;
    });

    public void Delete(KernelObject.MapEntry entry) => Maps[Path.GetFileName(entry.Map)].Delete(Convert.FromHexString(entry.Key));

    public void Do(Action<RtnlBatch> append)
    {
        using var batch = new RtnlBatch();
        append(batch);
        _rtnl.ExecuteOrThrow(batch);
    }

    public static Attachment PodAttachment(int number, long ingress = 0, int mtu = Mtu, long egress = 0) => new()
    {
        Pod = new PodInterface { ContainerId = $"c{number}", IfName = "eth0", NetNsPath = "/n", IngressBytesPerSecond = ingress, EgressBytesPerSecond = egress },
        Allocation = new Allocation
        {
            EniId = "eni-1",
            EniMac = EniMac,
            Addresses =
            [
                new(IPAddress.Parse(number == 1 ? Pod1 : Pod2), IPNetwork.Parse("10.0.1.0/24"), IPAddress.Parse("10.0.1.253")),
                new(IPAddress.Parse(number == 1 ? Pod1V6 : Pod2V6), IPNetwork.Parse("fd00:1::/64"), IPAddress.Parse("fd00:1::1")),
            ],
        },
        EniLink = new NodeLink("eth1", 3, EniMac, Mtu),
        HostLinkName = $"cali{number}",
        HostLinkMac = number == 1 ? HostMac1 : HostMac2,
        PodLinkMac = number == 1 ? PodMac1 : PodMac2,
        Mtu = mtu,
    };

    public KernelObject.MapEntry EniEntry(int mtu = Mtu) => Entries.Of(
        new NodeLink("eth1", Eth1, EniMac, mtu), [IPAddress.Parse("10.0.1.253"), IPAddress.Parse("fd00:1::1")]);

    public void Dispose()
    {
        foreach (var program in _programs.Values) program.Dispose();
        Maps?.Dispose();
        _rtnl.Dispose();
        foreach (var (name, ns) in _namespaces)
        {
            ns.Dispose();
            NamedNetNs.Delete(name);
        }

        _thread.Dispose();
        _mount.Dispose();
    }

    private static long Sum(BpfMap map, uint index)
    {
        var values = new ulong[BpfMap.PossibleCpus()];
        Assert.True(map.TryLookupPerCpu(in index, values));
        return (long)values.Aggregate(0ul, static (a, b) => a + b);
    }

    private Dictionary<string, long> Counters() => Enum.GetValues<PathTaken>().Select(p => (Name: WireNames.Of(p), Count: Count(p)))
        .Concat(Enum.GetValues<DropReason>().Where(static r => r != DropReason.None).Select(r => (Name: WireNames.Of(r), Count: Count(r))))
        .ToDictionary(static c => c.Name, static c => c.Count);

    private List<(string, long)> Changes(Dictionary<string, long> before) =>
        [.. Counters().Where(c => c.Value != before[c.Key]).Select(c => (c.Key, c.Value - before[c.Key]))];

    private NetNs NewNs()
    {
        var name = "dpt-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6));
        var ns = NamedNetNs.Create(name);
        _namespaces.Add((name, ns));
        return ns;
    }

    private void MakeLinks()
    {
        // It would send what nobody here asked for.
        Sysctl.Write(_thread, _far, "net/ipv6/conf/default/disable_ipv6", "1");
        Eth0 = Veth("eth0", "02:00:00:00:04:01");
        Eth1 = Veth("eth1", EniMac);
        Cali1 = Veth("cali1", HostMac1);
        Cali2 = Veth("cali2", HostMac2);
        Sysctl.Write(_thread, _node, "net/ipv4/ip_forward", "1");
        Sysctl.Write(_thread, _node, "net/ipv6/conf/all/forwarding", "1");
        Do(batch =>
        {
            batch.AddressAdd(new() { LinkIndex = Eth0, Address = IpPrefix.Parse($"{NodeIp}/24") });
            batch.AddressAdd(new() { LinkIndex = Eth0, Address = IpPrefix.Parse("fd00:0::10/64"), Flags = AddressFlags.NoDad });
            batch.RouteAdd(new() { Destination = IpPrefix.AnyV4, LinkIndex = Eth0, Gateway = IPAddress.Parse("10.0.0.253") });
            batch.RouteAdd(new() { Destination = IpPrefix.Parse("::/0"), LinkIndex = Eth0, Gateway = IPAddress.Parse("fd00:0::1") });
        });
    }

    private int Veth(string name, string mac)
    {
        Do(batch => batch.VethAdd(new()
        {
            Link = new() { Name = name, Mac = MacAddress.Parse(mac), Mtu = Mtu, Up = true },
            Peer = new() { Name = $"p-{name}", NetNs = _far },
        }));
        using (var far = RtnlSocket.Open(_thread, _far))
        using (var batch = new RtnlBatch())
        {
            batch.LinkSet(new LinkChange { Name = $"p-{name}", Up = true });
            far.ExecuteOrThrow(batch);
        }

        return _rtnl.GetLink(name)!.Index;
    }

    private void FillMaps()
    {
        for (var number = 1; number <= 2; number++)
        {
            var attachment = PodAttachment(number);
            foreach (var address in attachment.Allocation.Addresses) Put(Entries.Of(attachment, address.Address), number == 1 ? Cali1 : Cali2);
        }

        Put(EniEntry(), Eth1);
        foreach (var network in (string[])[$"{NodeIp}/32", "169.254.0.0/16", "172.20.0.0/16", "fd00::10/128", "fd00:f::/64"]) Put(Entries.Of(IPNetwork.Parse(network)));
    }
}
