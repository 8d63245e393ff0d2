using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Terway.Linux;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;
using Terway.Plugins.DataPathV2.Configuration;
using Terway.Plugins.DataPathV2.Pins;
using Terway.Plugins.DataPathV2.Services;

namespace Terway.Plugins.DataPathV2.Tests.Services;

/// <summary>
/// The hooks on a cgroup of the test's own, a table that fills their maps, and namespaces of pods and node whose sockets meet them. Every namespace has the
/// backends' addresses on its loopback, and servers that answer with the address that they were reached by.
/// </summary>
internal sealed class HookBox : IDisposable
{
    public const string Node = "node-a";
    public const string Zone = "zone-a";
    public const ushort ServerPort = 8080;
    public const string NodeIp = "10.9.0.1";
    public const string NodeIp6 = "fd00:9::1";

    private readonly BpfMount _mount = new();
    private readonly NetNsThread _thread = NetNsThread.Start();
    private readonly List<(string Name, NetNs Ns)> _namespaces = [];
    private readonly List<BackendServer> _servers = [];
    private readonly string _cgroup;
    private readonly bool _withIpv6;

    private HookBox(bool withIpv6)
    {
        _withIpv6 = withIpv6;
        _cgroup = Cgroup.CreateThreaded("dpt-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6)));
        _thread.Run(_thread.Home, () => File.WriteAllText(Path.Combine(_cgroup, "cgroup.threads"), "0"));
    }

    public static IReadOnlyList<string> Backends4 { get; } = ["10.1.0.1", "10.1.0.2", "10.1.0.3"];

    public static IReadOnlyList<string> Backends6 { get; } = ["fd00:1::1", "fd00:1::2", "fd00:1::3"];

    public ServiceTable Table { get; private set; } = null!;

    public PinnedMaps Maps { get; private set; } = null!;

    public NetNs Pod { get; private set; } = null!;

    public NetNs OtherPod { get; private set; } = null!;

    public NetNs OnNode { get; private set; } = null!;

    public string Folder => Path.Combine(_mount.Folder, ServicePins.Folder);

    public string CgroupFolder => _cgroup;

    public MemoryStore Store { get; } = new();

    public static async Task<HookBox> CreateAsync(bool withIpv6 = true, DatapathSettings? settings = null)
    {
        var box = new HookBox(withIpv6);
        try
        {
            box.Pod = box.NewNs();
            box.OtherPod = box.NewNs();
            box.OnNode = box.NewNs();
            await box.LoadAsync(settings);
            return box;
        }
        catch
        {
            box.Dispose();
            throw;
        }
    }

    /// <summary>As a start of the plugin does it.</summary>
    public async Task<IReadOnlyList<string>> LoadAsync(DatapathSettings? settings = null)
    {
        Directory.CreateDirectory(Folder);
        Maps?.Dispose();
        Maps = PinnedMaps.Open(Folder, MapShape.OfServices(settings ?? new()), static (shape, _) => Assert.Fail(shape.Name));
        var cookie = BitConverter.ToUInt64(Cookie(OnNode));
        var loaded = await new PinnedPrograms(Store, Folder, DatapathBox.Objects, ServicePins.Programs).UpdateAsync(
            Maps, [new("svc_ipv6", _withIpv6 ? 1u : 0u), new("svc_node", cookie, IsLong: true)], TestContext.Current.CancellationToken);
        Table = ServiceTable.Open(
            new PinnedServiceMaps(Maps), new NodeView(Node, Zone, _withIpv6, _withIpv6 ? [IPAddress.Parse(NodeIp), IPAddress.Parse(NodeIp6)] : [IPAddress.Parse(NodeIp)]));
        SocketHooks.Attach(Folder, _cgroup);
        return loaded;
    }

    public void Set(params Service[] services) => Apply(services);

    public IReadOnlySet<Abi.SvcAddress> Apply(params Service[] services) => Table.Apply(new ServiceChanges { Changed = services, Removed = [], Complete = true });

    public string PathOf(NetNs ns) => NamedNetNs.PathOf(_namespaces.Single(n => n.Ns == ns).Name);

    public void Remove(ServiceName name) => Table.Apply(new ServiceChanges { Changed = [], Removed = [name], Complete = true });

    public Socket Open(NetNs ns, AddressFamily family, SocketType type)
    {
        var socket = NetNsSocket.Create(_thread, ns, family, type, type == SocketType.Stream ? ProtocolType.Tcp : ProtocolType.Udp);
        socket.ReceiveTimeout = 5000;
        return socket;
    }

    /// <summary>A socket connected to a Service: whom it reached, as that says, and whom it believes to talk to.</summary>
    public (string Reached, string Peer) Connect(NetNs ns, string address, ushort port, SocketType type = SocketType.Stream, bool mapped = false)
    {
        using var socket = Dial(ns, address, port, type, mapped);
        return (Ask(socket), $"{PeerOf(socket)}");
    }

    public Socket Dial(NetNs ns, string address, ushort port, SocketType type, bool mapped = false)
    {
        var ip = mapped ? IPAddress.Parse(address).MapToIPv6() : IPAddress.Parse(address);
        var socket = Open(ns, ip.AddressFamily, type);
        try
        {
            if (mapped) socket.DualMode = true;
            socket.Connect(new IPEndPoint(ip, port));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Sends what makes the server say its name.</summary>
    public static string Ask(Socket socket)
    {
        var buffer = new byte[64];
        socket.Send("?"u8);
        var length = socket.Receive(buffer);
        return System.Text.Encoding.ASCII.GetString(buffer, 0, length);
    }

    /// <summary>A datagram of a socket that is not connected: who answered, and from whom the answer seems to come.</summary>
    public static (string Reached, string From) AskBy(Socket socket, string address, ushort port)
    {
        var ip = IPAddress.Parse(address);
        if (socket.AddressFamily == AddressFamily.InterNetworkV6 && ip.AddressFamily == AddressFamily.InterNetwork) ip = ip.MapToIPv6();
        socket.SendTo("?"u8.ToArray(), new IPEndPoint(ip, port));
        EndPoint from = new IPEndPoint(socket.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        var buffer = new byte[64];
        var length = socket.ReceiveFrom(buffer, ref from);
        return (System.Text.Encoding.ASCII.GetString(buffer, 0, length), Plain((IPEndPoint)from));
    }

    public static string PeerOf(Socket socket) => Plain(SocketNames.Peer(socket));

    public void Dispose()
    {
        foreach (var server in _servers) server.Dispose();
        _thread.Dispose();
        Maps?.Dispose();
        _mount.Dispose();
        foreach (var (name, ns) in _namespaces)
        {
            ns.Dispose();
            NamedNetNs.Delete(name);
        }

        // The thread leaves it as it ends, which the kernel may tell a moment later.
        SpinWait.SpinUntil(() => Cgroup.Remove(_cgroup), TimeSpan.FromSeconds(5));
        Assert.False(Directory.Exists(_cgroup));
    }

    private static string Plain(IPEndPoint end) => new IPEndPoint(end.Address.IsIPv4MappedToIPv6 ? end.Address.MapToIPv4() : end.Address, end.Port).ToString();

    private byte[] Cookie(NetNs ns)
    {
        using var socket = Open(ns, AddressFamily.InterNetwork, SocketType.Dgram);
        var cookie = new byte[sizeof(ulong)];
        socket.GetRawSocketOption(1, 71, cookie);
        return cookie;
    }

    private NetNs NewNs()
    {
        var name = "dpt-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6));
        var ns = NamedNetNs.Create(name);
        _namespaces.Add((name, ns));
        using var rtnl = RtnlSocket.Open(_thread, ns);
        using var batch = new RtnlBatch();
        batch.LinkSet(new() { Index = 1, Up = true });
        foreach (var address in Backends4) batch.AddressAdd(new() { LinkIndex = 1, Address = IpPrefix.Parse($"{address}/32") });
        foreach (var address in Backends6) batch.AddressAdd(new() { LinkIndex = 1, Address = IpPrefix.Parse($"{address}/128"), Flags = AddressFlags.NoDad });
        rtnl.ExecuteOrThrow(batch);
        foreach (var address in Backends4.Concat(Backends6)) _servers.Add(new BackendServer(_thread, ns, IPAddress.Parse(address), ServerPort));
        return ns;
    }
}
