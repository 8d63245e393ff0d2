using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Terway.EndToEnd.Tests.Fixtures;
using Terway.Lab;
using Terway.Lab.Cluster;
using Terway.Lab.Config;
using Terway.Lab.Nodes;
using Terway.Lab.Probing;
using Terway.Linux.Namespaces;

namespace Terway.EndToEnd.Tests;

/// <summary>Services of both families on a shared pool with dual stack: through a daemon that is away, and with backends that go under clients.</summary>
public sealed class DualStackServiceTests
{
    private static readonly IPEndPoint[] s_services = [new(IPAddress.Parse("172.21.0.10"), 80), new(IPAddress.Parse("fd00:21::10"), 80)];

    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(10);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Services_of_both_families_live_through_a_daemon_that_is_away_and_take_up_what_changed_meanwhile()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        await using var nodes = await StartAsync();
        var (a, b) = (nodes.Lab.Nodes[0], nodes.Lab.Nodes[1]);
        var client = await nodes.Cluster.AddPodAsync(a, "client", Token);
        var local = await nodes.Cluster.AddPodAsync(a, "local", Token);
        var remote = await nodes.Cluster.AddPodAsync(b, "remote", Token);
        a.PutManifest("echo.yaml", Manifest(local, remote));
        await InForceAsync(nodes, a);

        var streams = new List<SequencedStream>();
        try
        {
            foreach (var service in s_services)
            {
                for (var i = 0; i < 8; i++)
                    streams.Add(await SequencedStream.OpenAsync(a.Processes, client.Sandbox.NetNs, service, TimeSpan.FromMilliseconds(5), TimeProvider.System, Token));
            }

            await nodes.Cluster.Daemon(a).KillAsync(Token);
            await ProceedAsync(streams);
            // The hooks serve new clients, and each sees the pod's own address.
            foreach (var service in s_services) await AssertServedAsync(client, service);

            // What changes now is in force when the daemon is back: one backend only.
            a.PutManifest("echo.yaml", Manifest(remote));
            await nodes.Cluster.StartDaemonAsync(a, Token);
            await ProceedAsync(streams);
            var before = (Datagrams(nodes, local), Datagrams(nodes, remote));
            foreach (var service in s_services)
            {
                for (var i = 0; i < 10; i++) await AssertServedAsync(client, service);
            }

            Assert.Equal(before.Item1, Datagrams(nodes, local));
            Assert.True(Datagrams(nodes, remote) >= before.Item2 + 20);
        }
        finally
        {
            foreach (var stream in streams) await stream.DisposeAsync();
        }

        a.PutManifest("echo.yaml", null);
        await nodes.RemovePodsAsync(Token);
        await nodes.AssertCleanAsync(Token);
    }

    [Fact]
    public async Task A_udp_client_whose_backend_goes_is_moved_to_another_and_the_gone_one_gets_no_packet()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        await using var nodes = await StartAsync();
        var (a, b) = (nodes.Lab.Nodes[0], nodes.Lab.Nodes[1]);
        var client = await nodes.Cluster.AddPodAsync(a, "client", Token);
        var backends = new[] { await nodes.Cluster.AddPodAsync(a, "first", Token), await nodes.Cluster.AddPodAsync(b, "second", Token) };
        a.PutManifest("echo.yaml", Manifest(backends[0]));
        await InForceAsync(nodes, a);

        var clients = s_services.SelectMany(s => new[] { new UdpClientOf(client, s, connected: true), new UdpClientOf(client, s, connected: false) }).ToList();
        try
        {
            // To and fro: the backend that is new is once on another node and once on the client's own.
            foreach (var (stays, goes) in new[] { (backends[0], backends[1]), (backends[1], backends[0]), (backends[0], backends[1]) })
            {
                // The first round begins with what is there already.
                a.PutManifest("echo.yaml", Manifest(stays));
                await InForceAsync(nodes, a);
                foreach (var each in clients.Where(static c => c.Connected && c.Asked)) await each.WaitEndedAsync();
                var before = (Stays: Datagrams(nodes, stays), Goes: Datagrams(nodes, goes));
                for (var i = 0; i < 5; i++)
                {
                    foreach (var each in clients) each.Ask();
                }

                Assert.Equal((before.Stays + (5 * clients.Count), before.Goes), (Datagrams(nodes, stays), Datagrams(nodes, goes)));
            }
        }
        finally
        {
            foreach (var each in clients) each.Dispose();
        }

        // The last backend goes: there is nobody to be moved to, and nobody is sent anything.
        a.PutManifest("echo.yaml", Manifest());
        await InForceAsync(nodes, a);
        foreach (var service in s_services)
        {
            using var late = new UdpClientOf(client, service, connected: false);
            Assert.Throws<SocketException>(late.Ask);
        }

        a.PutManifest("echo.yaml", null);
        await nodes.RemovePodsAsync(Token);
        await nodes.AssertCleanAsync(Token);
    }

    private static Task<AcceleratedNodes> StartAsync() => AcceleratedNodes.StartAsync(PoolConfig.Dual(AcceleratedNodes.Conf), Token, region: LabConfig.DualStack);

    // The audit compares the manifests with the maps, backends included.
    private static async Task InForceAsync(AcceleratedNodes nodes, LabNode node) =>
        Assert.Empty((await LeakAudit.FindAsync(nodes.Lab, node, TimeSpan.FromSeconds(20), Token)).All);

    private static async Task AssertServedAsync(ClusterPod client, IPEndPoint service)
    {
        var own = service.AddressFamily == AddressFamily.InterNetwork ? client.Address : client.Ipv6;
        var tcp = await Probe.TcpAsync(client.Node.Processes, client.Sandbox.NetNs, service, s_timeout, ct: Token);
        var udp = await Probe.UdpAsync(client.Node.Processes, client.Sandbox.NetNs, service, s_timeout, ct: Token);
        Assert.True(tcp.Ok && udp.Ok, $"{service}: {tcp.Error} {udp.Error}");
        Assert.Equal((own, own), (tcp.SeenAs?.Address, udp.SeenAs?.Address));
    }

    // Datagrams that came to a pod, for whatever port, of both families.
    private static long Datagrams(AcceleratedNodes nodes, ClusterPod pod) => nodes.Lab.Namespaces.Thread.Run(pod.Sandbox.NetNs, static () =>
    {
        var lines = File.ReadAllLines("/proc/thread-self/net/snmp").Where(static l => l.StartsWith("Udp: ", StringComparison.Ordinal)).Select(static l => l.Split(' ')).ToList();
        var v6 = File.ReadAllLines("/proc/thread-self/net/snmp6").Select(static l => l.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).ToDictionary(static l => l[0], static l => Number(l[1]));
        return Number(lines[1][Array.IndexOf(lines[0], "InDatagrams")]) + Number(lines[1][Array.IndexOf(lines[0], "NoPorts")]) + v6["Udp6InDatagrams"] + v6["Udp6NoPorts"];
    });

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static async Task ProceedAsync(IReadOnlyList<SequencedStream> streams)
    {
        var goals = streams.Select(static s => s.Messages + 20).ToList();
        for (var clock = Stopwatch.StartNew(); streams.Where((s, i) => !s.Interrupted && s.Messages < goals[i]).Any(); await Task.Delay(20, Token))
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), "a stream stands still");
        Assert.All(streams, static s => Assert.Null(s.Failure));
    }

    private static string Manifest(params ClusterPod[] backends) => $$"""
        apiVersion: v1
        kind: Service
        metadata: { name: echo, namespace: default }
        spec:
          clusterIP: {{s_services[0].Address}}
          clusterIPs: ["{{s_services[0].Address}}", "{{s_services[1].Address}}"]
          ipFamilies: [IPv4, IPv6]
          ipFamilyPolicy: RequireDualStack
          ports:
          - { name: tcp, protocol: TCP, port: 80, targetPort: 7 }
          - { name: udp, protocol: UDP, port: 80, targetPort: 7 }
        {{Slice("IPv4", backends.Select(static b => b.Address))}}
        {{Slice("IPv6", backends.Select(static b => b.Ipv6!))}}
        """;

    private static string Slice(string family, IEnumerable<IPAddress> endpoints) => $$"""
        ---
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: { name: echo-{{family.ToLowerInvariant()}}, namespace: default, labels: { kubernetes.io/service-name: echo } }
        addressType: {{family}}
        endpoints: [{{string.Join(", ", endpoints.Select(static e => $"{{ addresses: [\"{e}\"], conditions: {{ ready: true }} }}"))}}]
        ports:
        - { name: tcp, protocol: TCP, port: 7 }
        - { name: udp, protocol: UDP, port: 7 }
        """;

    /// <summary>A socket that asks a Service by datagrams, and goes on asking it whatever becomes of its backend.</summary>
    private sealed class UdpClientOf : IDisposable
    {
        private readonly IPEndPoint _service;
        private readonly Socket _socket;
        private readonly IPAddress _own;

        public UdpClientOf(ClusterPod pod, IPEndPoint service, bool connected)
        {
            _service = service;
            _own = service.AddressFamily == AddressFamily.InterNetwork ? pod.Address : pod.Ipv6!;
            Connected = connected;
            _socket = NetNsSocket.Create(pod.Node.Processes, pod.Sandbox.NetNs, service.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            _socket.ReceiveTimeout = (int)s_timeout.TotalMilliseconds;
            if (connected) _socket.Connect(service);
        }

        public bool Connected { get; }

        public bool Asked { get; private set; }

        /// <summary>Waits until the plugin ended the connection, as an application hears it, and connects the same socket anew.</summary>
        public async Task WaitEndedAsync()
        {
            const int ConnectionAborted = 103;
            for (var clock = Stopwatch.StartNew(); ; await Task.Delay(10, Token))
            {
                Assert.True(clock.Elapsed < s_timeout, $"the socket to {_service} is still with its backend");
                var error = new byte[sizeof(int)];
                _socket.GetRawSocketOption(1, 4, error); // SOL_SOCKET, SO_ERROR
                if (BitConverter.ToInt32(error) == ConnectionAborted) break;
            }

            _socket.Connect(_service);
        }

        /// <summary>One datagram, and its answer, which comes from the Service.</summary>
        public void Ask()
        {
            Asked = true;
            var question = Guid.NewGuid().ToByteArray();
            var buffer = new byte[256];
            int length;
            if (Connected)
            {
                _socket.Send(question);
                length = _socket.Receive(buffer);
            }
            else
            {
                _socket.SendTo(question, _service);
                EndPoint from = new IPEndPoint(_service.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
                length = _socket.ReceiveFrom(buffer, ref from);
                Assert.Equal(_service, from);
            }

            // A line with whom the server sees, then the question.
            Assert.Equal(_own, IPEndPoint.Parse(Encoding.ASCII.GetString(buffer, 0, Array.IndexOf(buffer, (byte)'\n'))).Address);
            Assert.Equal(question, buffer[(length - question.Length)..length]);
        }

        public void Dispose() => _socket.Dispose();
    }
}
