using System.Buffers.Binary;
using System.Net;
using Terway.EndToEnd.Tests.Fixtures;
using Terway.Lab;
using Terway.Lab.Cluster;
using Terway.Lab.Nodes;
using Terway.Lab.Probing;
using Terway.Linux.Bpf;
using Terway.Linux.Netlink;

namespace Terway.EndToEnd.Tests;

/// <summary>The audit itself: it finds every kind of eBPF object that is left or lost, each made by hand beside a pod and a Service that are right.</summary>
public sealed class LeakAuditTests
{
    private const string ServiceIp = "172.21.0.10";
    private const string Nobody = "10.99.99.99";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_ebpf_object_that_is_left_or_lost_is_found_and_nothing_else()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        await using var nodes = await AcceleratedNodes.StartAsync(AcceleratedNodes.Conf, Token);
        var node = nodes.Lab.Nodes[0];
        var pod = await nodes.Cluster.AddPodAsync(node, "pod", Token);
        node.PutManifest("echo.yaml", Manifest(pod.Address));
        // When it is clean, the Service is there as well. Of datagrams the client's choice is remembered.
        await CleanAsync(nodes, node);
        Assert.True((await Probe.UdpAsync(node.Processes, pod.Sandbox.NetNs, new IPEndPoint(IPAddress.Parse(ServiceIp), 80), TimeSpan.FromSeconds(10), ct: Token)).Ok);
        await CleanAsync(nodes, node);

        var datapath = AcceleratedNodes.PinsOf(node);
        var services = Path.Combine(node.Paths.Bpf, "services-v1");
        var frontend = Frontend(Nobody, 80, 6);
        using var program = BpfProgram.OpenPinned(Path.Combine(datapath, "dp_from_eni"))!;
        using var hook = BpfProgram.OpenPinned(Path.Combine(services, "svc_connect4"))!;
        using var stranger = BpfMap.Create(BpfMapType.Array, 4, 4, 1);

        // Pins: a folder, and a file in a folder that is right.
        await FoundAsync(nodes, node, "pin datapath-v9 belongs to nobody",
            () => Directory.CreateDirectory(Path.Combine(node.Paths.Bpf, "datapath-v9")), () => Directory.Delete(Path.Combine(node.Paths.Bpf, "datapath-v9")));
        await FoundAsync(nodes, node, "pin datapath-v1/dp_pods4_new belongs to nobody",
            () => stranger.Pin(Path.Combine(datapath, "dp_pods4_new")), () => File.Delete(Path.Combine(datapath, "dp_pods4_new")));

        // Filters: on a link that is no pod's and no pool's.
        await FoundAsync(nodes, node, "filter dp_from_eni of link lo belongs to nobody", () => Attach(nodes, node, program), () => Detach(nodes, node));
        await FoundAsync(nodes, node, "clsact of link lo belongs to nobody", () => Attach(nodes, node, null), () => Detach(nodes, node));

        // By tcx: on such a link, kept by a pin or not; and a pin of ours that keeps nothing.
        if (TcxHook.IsThere())
        {
            BpfLink? tcx = null;
            void OnLoopback() => nodes.Lab.Namespaces.Thread.Run(node.NetNs, () =>
            {
                tcx = BpfLink.AttachTcx(program, 1, BpfAttachType.TcxIngress);
            });

            await FoundAsync(nodes, node, $"tcx program #{program.Id} of link lo belongs to nobody", OnLoopback, () => tcx!.Dispose());
            var folder = Path.Combine(node.Paths.Bpf, "tcx", "lo");
            await FoundAsync(
                nodes, node, "pin tcx/lo/ingress belongs to nobody",
                () =>
                {
                    Directory.CreateDirectory(folder);
                    OnLoopback();
                    tcx!.Pin(Path.Combine(folder, "ingress"));
                    tcx.Detach();
                },
                () =>
                {
                    tcx!.Dispose();
                    Directory.Delete(folder, recursive: true);
                });
            var own = Path.Combine(Directory.GetDirectories(Path.Combine(node.Paths.Bpf, "tcx"), "eth*").Single(), "ingress-00001-x");
            await FoundAsync(
                nodes, node, $"pin tcx/{Path.GetFileName(Path.GetDirectoryName(own))}/ingress-00001-x keeps a program on no link",
                () =>
                {
                    OnLoopback();
                    tcx!.Pin(own);
                    tcx.Detach();
                },
                () =>
                {
                    tcx!.Dispose();
                    File.Delete(own);
                });
        }

        // Entries of pods, ENIs and networks.
        using (var pods = BpfMap.OpenPinned(Path.Combine(datapath, "dp_pods4"))!)
        {
            var (mine, value) = (pod.Address.GetAddressBytes(), new byte[pods.UserValueSize]);
            await FoundAsync(nodes, node, $"entry {Nobody} of datapath-v1/dp_pods4 is no pod's",
                () => pods.Update(IPAddress.Parse(Nobody).GetAddressBytes(), new byte[pods.UserValueSize]), () => pods.Delete(IPAddress.Parse(Nobody).GetAddressBytes()));
            Assert.True(pods.TryLookup(mine, value));
            await FoundAsync(nodes, node, $"entry {pod.Address} of datapath-v1/dp_pods4 leads to link #9999", () => pods.Update(mine, [0x0f, 0x27, 0, 0, .. value[4..]]), () => pods.Update(mine, value));
            await FoundAsync(nodes, node, $"pod pod has no entry {pod.Address} in datapath-v1/dp_pods4", () => pods.Delete(mine), () => pods.Update(mine, value));
        }

        await EntryAsync(nodes, node, datapath, "dp_enis", [2, 0, 0, 0, 0, 9, 0, 0]);
        await EntryAsync(nodes, node, datapath, "dp_stack4", [32, 0, 0, 0, .. IPAddress.Parse(Nobody).GetAddressBytes()]);
        await EntryAsync(nodes, node, datapath, "dp_stack6", [128, 0, 0, 0, .. IPAddress.Parse("fd00::99").GetAddressBytes()]);

        // Hooks, and the entries of Services.
        BpfLink? link = null;
        await FoundAsync(nodes, node, "hook CgroupInet4Connect has 2 programs", () => link = BpfLink.AttachCgroup(hook, node.CgroupPath!, BpfAttachType.CgroupInet4Connect), () => link!.Dispose());
        var pin = Path.Combine(services, "svc_connect4_link");
        await FoundAsync(
            nodes, node, "hook CgroupInet4Connect is missing",
            () =>
            {
                using var held = BpfLink.OpenPinned(pin)!;
                held.Detach();
            },
            () =>
            {
                File.Delete(pin);
                using var again = BpfLink.AttachCgroup(hook, node.CgroupPath!, BpfAttachType.CgroupInet4Connect);
                again.Pin(pin);
            });
        await ServiceEntryAsync(nodes, node, services, "svc_frontends", frontend, $"address {Nobody}:80/TCP of services-v1 is no Service's");
        await ServiceEntryAsync(nodes, node, services, "svc_members", [.. frontend[..16], 0xff, 0xff, 0, 0, 0, 80, 0, 0], $"backend {Nobody}:80 of set 65535 is no Service's");
        await ServiceEntryAsync(nodes, node, services, "svc_choices", [1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0], "a client's choice of set 65535, which is gone");
        using (var frontends = BpfMap.OpenPinned(Path.Combine(services, "svc_frontends"))!)
        {
            var (right, value) = (Frontend(ServiceIp, 80, 17), new byte[frontends.UserValueSize]);
            Assert.True(frontends.TryLookup(right, value));
            await FoundAsync(nodes, node, $"address {ServiceIp}:80/UDP is missing in services-v1", () => frontends.Delete(right), () => frontends.Update(right, value));
        }

        // The Service goes, and what its client met goes with it.
        node.PutManifest("echo.yaml", null);
        await CleanAsync(nodes, node);
        await nodes.RemovePodsAsync(Token);
        await nodes.AssertCleanAsync(Token);
    }

    [Fact]
    public async Task After_the_last_pod_and_the_plugin_there_is_no_pin_no_hook_and_no_filter()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        await using var nodes = await AcceleratedNodes.StartAsync(AcceleratedNodes.Conf, Token);
        var node = nodes.Lab.Nodes[0];
        var pod = await nodes.Cluster.AddPodAsync(node, "pod", Token);
        node.PutManifest("echo.yaml", Manifest(pod.Address));
        await CleanAsync(nodes, node);
        nodes.Cluster.Daemon(node).EniConf = PoolConfig.SharedWith(4, 12);
        Assert.True(await nodes.Cluster.Daemon(node).StopAsync(Token));
        await nodes.Cluster.StartDaemonAsync(node, Token);
        // The pod keeps its own path, Services are gone already.
        await CleanAsync(nodes, node);
        Assert.Equal(["datapath-v1"], AcceleratedNodes.PinFolders(node));
        // Held, the program and its maps outlive their pins, and would be a leak if they were still attached.
        using var program = BpfProgram.OpenPinned(Path.Combine(AcceleratedNodes.PinsOf(node), "dp_from_eni"))!;
        await nodes.RemovePodsAsync(Token);
        await CleanAsync(nodes, node);
        Assert.Empty(Directory.EnumerateDirectories(node.Paths.Bpf));
        Assert.Empty(nodes.Programs(node));
        Assert.All(Enum.GetValues<BpfAttachType>().Where(static t => t < BpfAttachType.TcxIngress), hook => Assert.Empty(BpfCgroup.Programs(node.CgroupPath!, hook)));

        // What is left then is found though no pod, plugin or journal speaks of it.
        await FoundAsync(nodes, node, "filter dp_from_eni of link lo belongs to nobody", () => Attach(nodes, node, program), () => Detach(nodes, node));
        await FoundAsync(nodes, node, "pin datapath-v1 belongs to nobody",
            () => Directory.CreateDirectory(AcceleratedNodes.PinsOf(node)), () => Directory.Delete(AcceleratedNodes.PinsOf(node)));
        await nodes.AssertCleanAsync(Token);
    }

    // One leak, and no other, in the audit's first look; none when it is undone.
    private static async Task FoundAsync(AcceleratedNodes nodes, LabNode node, string text, Action make, Action undo)
    {
        make();
        try
        {
            var report = await LeakAudit.FindAsync(nodes.Lab, node, TimeSpan.Zero, Token);
            Assert.Contains(report.Kernel, k => k.StartsWith($"{node.Name}: {text}", StringComparison.Ordinal));
            // A hook of two and a filter with its clsact are told twice; without pods the boot's inventory tells them once more.
            Assert.InRange(report.All.Count(), 1, 4);
        }
        finally
        {
            undo();
        }

        await CleanAsync(nodes, node);
    }

    private static async Task CleanAsync(AcceleratedNodes nodes, LabNode node) =>
        Assert.Empty((await LeakAudit.FindAsync(nodes.Lab, node, TimeSpan.FromSeconds(15), Token)).All);

    private static async Task EntryAsync(AcceleratedNodes nodes, LabNode node, string folder, string map, byte[] key)
    {
        using var opened = BpfMap.OpenPinned(Path.Combine(folder, map))!;
        await FoundAsync(nodes, node, $"entry {Convert.ToHexStringLower(key)} of datapath-v1/{map} belongs to nobody",
            () => opened.Update(key, new byte[opened.UserValueSize]), () => opened.Delete(key));
    }

    private static async Task ServiceEntryAsync(AcceleratedNodes nodes, LabNode node, string folder, string map, byte[] key, string text)
    {
        using var opened = BpfMap.OpenPinned(Path.Combine(folder, map))!;
        await FoundAsync(nodes, node, text, () => opened.Update(key, new byte[opened.UserValueSize]), () => opened.Delete(key));
    }

    // struct svc_address
    private static byte[] Frontend(string address, ushort port, byte protocol)
    {
        byte[] key = [.. IPAddress.Parse(address).MapToIPv6().GetAddressBytes(), 0, 0, protocol, 0];
        BinaryPrimitives.WriteUInt16BigEndian(key.AsSpan(16), port);
        return key;
    }

    private static void Attach(AcceleratedNodes nodes, LabNode node, BpfProgram? program)
    {
        using var rtnl = RtnlSocket.Open(nodes.Lab.Namespaces.Thread, node.NetNs);
        using var batch = new RtnlBatch();
        var lo = rtnl.GetLink("lo")!.Index;
        batch.QdiscAdd(QdiscSpec.ForClsact(lo));
        if (program is not null)
            batch.BpfFilterReplace(new() { LinkIndex = lo, Parent = TcHandle.Ingress, Priority = 25000, Handle = 1, ProgramFd = program.Fd, Name = "dp_from_eni" });
        rtnl.ExecuteOrThrow(batch);
    }

    private static void Detach(AcceleratedNodes nodes, LabNode node)
    {
        using var rtnl = RtnlSocket.Open(nodes.Lab.Namespaces.Thread, node.NetNs);
        using var batch = new RtnlBatch();
        batch.QdiscDelete(QdiscSpec.ForClsact(rtnl.GetLink("lo")!.Index));
        rtnl.ExecuteOrThrow(batch);
    }

    private static string Manifest(IPAddress endpoint) => $$"""
        apiVersion: v1
        kind: Service
        metadata: { name: echo, namespace: default }
        spec:
          type: NodePort
          clusterIP: {{ServiceIp}}
          clusterIPs: ["{{ServiceIp}}"]
          externalIPs: ["203.0.113.7"]
          ports:
          - { name: tcp, protocol: TCP, port: 80, targetPort: 7, nodePort: 30080 }
          - { name: udp, protocol: UDP, port: 80, targetPort: 7, nodePort: 30081 }
        ---
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: { name: echo-1, namespace: default, labels: { kubernetes.io/service-name: echo } }
        addressType: IPv4
        endpoints: [{ addresses: ["{{endpoint}}"], conditions: { ready: true } }]
        ports:
        - { name: tcp, protocol: TCP, port: 7 }
        - { name: udp, protocol: UDP, port: 7 }
        """;
}
