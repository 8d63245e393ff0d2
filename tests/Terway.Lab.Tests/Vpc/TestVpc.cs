using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Terway.Lab.Cloud;
using Terway.Lab.Nodes;
using Terway.Lab.Probing;
using Terway.Lab.Vpc;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;

namespace Terway.Lab.Tests.Vpc;

/// <summary>A VPC 10.0.0.0/16 with two vSwitches on the kernel of this machine, driven as the region drives it.</summary>
internal sealed class TestVpc : IAsyncDisposable
{
    public static readonly TimeSpan Answer = TimeSpan.FromSeconds(10);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("terway-vpc-");
    private readonly List<IAsyncDisposable> _servers = [];
    private readonly List<IDisposable> _nodes = [];
    private readonly List<IDisposable> _links = [];
    private int _macs;

    public TestVpc(int mtu = 1500, bool forOldKernel = false)
    {
        Namespaces = new LabNamespaces("t" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4)));
        Fabric = VpcFabric.Create(Namespaces, new VpcOptions { Cidrs = [Cidr, IPNetwork.Parse("fd00:10::/56")], Mtu = mtu, ForOldKernel = forOldKernel });
        Group("sg-open", new SecurityGroupRule { Direction = RuleDirection.Ingress, PeerCidr = IPNetwork.Parse("10.0.0.0/16") });
    }

    public static IPNetwork Cidr { get; } = IPNetwork.Parse("10.0.0.0/16");

    public LabNamespaces Namespaces { get; }

    public VpcFabric Fabric { get; }

    public NetNsThread Thread => Namespaces.Thread;

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Group(string id, params SecurityGroupRule[] rules) =>
        Group(new SecurityGroupSnapshot { Id = id, VpcId = "vpc-t", Rules = [.. rules], IntraGroupAccept = false });

    public void Group(SecurityGroupSnapshot group) => Fabric.UpdateSecurityGroupAsync(group, Token).GetAwaiter().GetResult();

    public EniSnapshot Eni(string id, string ip, EniType type = EniType.Secondary, string group = "sg-open", params string[] more)
    {
        var address = IPAddress.Parse(ip);
        var third = address.GetAddressBytes()[2];
        return new EniSnapshot
        {
            Id = id,
            Mac = string.Create(CultureInfo.InvariantCulture, $"00:16:3e:00:00:{++_macs:x2}"),
            Type = type,
            Status = EniStatus.InUse,
            ZoneId = "zone-a",
            VpcId = "vpc-t",
            VSwitchId = $"vsw-{third}",
            VSwitchCidr = IPNetwork.Parse($"10.0.{third}.0/24"),
            Gateway = IPAddress.Parse($"10.0.{third}.253"),
            VSwitchIpv6Cidr = IPNetwork.Parse("fd00:10::/64"),
            Ipv6Gateway = IPAddress.Parse("fd00:10::ffff:ffff:ffff:fffd"),
            PrimaryIp = address,
            PrivateIps = [address, .. more.Select(IPAddress.Parse)],
            SecurityGroupIds = [group],
            CreationTime = DateTimeOffset.UnixEpoch,
        };
    }

    /// <summary>A node with its primary ENI, booted, with an echo server.</summary>
    public async Task<LabNode> NodeAsync(string name, string ip, string group = "sg-open")
    {
        var node = LabNode.Create(Namespaces, name, $"i-{name}", Path.Combine(_folder.FullName, name));
        _nodes.Add(node);
        Fabric.AddInstance(node.InstanceId, node.NetNs);
        var primary = Eni($"eni-{name}", ip, EniType.Primary, group);
        await Fabric.PlugAsync(primary, node.InstanceId, Token);
        node.Boot(primary);
        Serve(node.NetNs);
        return node;
    }

    public void Serve(NetNs ns, int port = EchoServer.DefaultPort) => _servers.Add(EchoServer.Start(Thread, ns, port));

    /// <summary>A second server for IPv6; an IPv6 socket would take the IPv4 one's port too, unless it is told not to.</summary>
    public void Serve(NetNs ns, AddressFamily family) => _servers.Add(EchoServer.Start(Thread, ns, EchoServer.DefaultPort, family));

    public CloudServicesLink Services()
    {
        var services = CloudServicesLink.Create(Namespaces, Fabric);
        _links.Add(services);
        return services;
    }

    public async Task<NatGateway> NatAsync()
    {
        var nat = await NatGateway.CreateAsync(Namespaces, Fabric, [Cidr], Token);
        _links.Add(nat);
        return nat;
    }

    public Task<ProbeResult> TcpAsync(
        LabNode from, string to, string? source = null, int port = EchoServer.DefaultPort, int payload = 64, CancellationToken? ct = null) =>
        Probe.TcpAsync(Thread, from.NetNs, new IPEndPoint(IPAddress.Parse(to), port), Answer, source is null ? null : IPAddress.Parse(source), payload, ct ?? Token);

    public Task<ProbeResult> UdpAsync(LabNode from, string to, int payload = 64, CancellationToken? ct = null) =>
        Probe.UdpAsync(Thread, from.NetNs, new IPEndPoint(IPAddress.Parse(to), EchoServer.DefaultPort), Answer, null, payload, ct ?? Token);

    public Task AssertTcpDroppedAsync(LabNode from, string to, string reason, string? source = null, int port = EchoServer.DefaultPort) =>
        AssertDroppedAsync(ct => TcpAsync(from, to, source, port, ct: ct), reason);

    public Task AssertUdpDroppedAsync(LabNode from, string to, string reason) =>
        AssertDroppedAsync(ct => UdpAsync(from, to, ct: ct), reason);

    public void Configure(NetNs ns, Action<RtnlSocket, RtnlBatch> change)
    {
        using var rtnl = RtnlSocket.Open(Thread, ns);
        using var batch = new RtnlBatch();
        change(rtnl, batch);
        rtnl.ExecuteOrThrow(batch);
    }

    public string MacOf(LabNode node, string link)
    {
        using var rtnl = RtnlSocket.Open(Thread, node.NetNs);
        return rtnl.GetLink(link)!.Mac!.Value.ToString();
    }

    /// <summary>Reasons that occurred.</summary>
    public Dictionary<string, long> Drops() => Fabric.Drops().Where(static pair => pair.Value > 0).ToDictionary();

    public void AssertOk(ProbeResult result) =>
        Assert.True(result.Ok, $"{result.Error}; drops: {string.Join("; ", Fabric.LastDrops())}; counters: {string.Join(", ", Fabric.Counters())}");

    /// <summary>Nothing comes through, and the VPC says that it drops for this reason and no other. Takes as long as the first drop does.</summary>
    private async Task AssertDroppedAsync(Func<CancellationToken, Task<ProbeResult>> probe, string reason)
    {
        var before = Fabric.Drops()[reason];
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var attempt = probe(enough.Token);
        while (!attempt.IsCompleted && Fabric.Drops()[reason] == before)
            await Task.Delay(10, Token);
        // A packet that should not have come through would be answered by now.
        await Task.WhenAny(attempt, Task.Delay(100, Token));
        await enough.CancelAsync();
        var answered = await attempt.ContinueWith(static t => t.IsCompletedSuccessfully && t.Result.Ok, TaskScheduler.Default);

        Assert.False(answered, "the packet came through");
        var drops = Drops();
        Assert.True(
            drops.Count == 1 && drops.GetValueOrDefault(reason) > before,
            $"expected drops for {reason} only; drops: {string.Join("; ", Fabric.LastDrops())}; counters: {string.Join(", ", Fabric.Counters())}");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
            await server.DisposeAsync();
        foreach (var link in _links)
            link.Dispose();
        Fabric.Dispose();
        foreach (var node in _nodes)
            node.Dispose();
        Namespaces.Dispose();
        _folder.Delete(recursive: true);
    }
}
