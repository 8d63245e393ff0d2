using System.Globalization;
using System.Net;
using System.Text;
using Terway.EndToEnd.Tests.Fixtures;
using Terway.Lab.Cluster;
using Terway.Lab.Nodes;
using Terway.Lab.Runtime;
using Terway.Linux.Bpf;

namespace Terway.EndToEnd.Tests;

/// <summary>Plain maps that are full: what finds no room is refused and says so, what is there goes on, and all is well when there is room.</summary>
public sealed class FullMapTests
{
    private const int Room = 64;

    private static readonly string s_conf = PoolConfig.AcceleratedWith(
        4, 12, """{ "max_pod_addresses": 16, "max_service_addresses": 64, "max_service_backends": 64 }""");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("dp_pods4", 16)]
    [InlineData("dp_enis", 256)]
    public async Task A_pod_that_finds_no_room_is_refused_with_the_maps_name(string map, int size)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        await using var nodes = await AcceleratedNodes.StartAsync(s_conf, Token);
        var node = nodes.Lab.Nodes[0];
        using (var full = BpfMap.OpenPinned(Path.Combine(AcceleratedNodes.PinsOf(node), map))!)
        {
            // Others' entries, of links that are there.
            var keys = Enumerable.Range(0, size).Select(i => (byte[])[203, 0, (byte)(113 + (i >> 8)), (byte)i, .. new byte[full.KeySize - 4]]).ToList();
            byte[] value = [1, .. new byte[full.UserValueSize - 1]];
            foreach (var key in keys) full.Update(key, value);
            var refused = await Assert.ThrowsAsync<CniCallException>(() => nodes.Cluster.AddPodAsync(node, "late", Token));
            Assert.Contains($"the eBPF map datapath-v1/{map} is full ({size} entries)", refused.Message, StringComparison.Ordinal);
            foreach (var key in keys) Assert.True(full.Delete(key));
        }

        await nodes.Cluster.AddPodAsync(node, "late", Token);
        await nodes.AssertMatrixAsync(Token);
        await nodes.RemovePodsAsync(Token);
        await nodes.AssertCleanAsync(Token);
    }

    [Theory]
    [InlineData("svc_frontends")]
    [InlineData("svc_slots")]
    public async Task A_service_that_finds_no_room_is_left_out_with_a_finding(string map)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        await using var nodes = await AcceleratedNodes.StartAsync(s_conf, Token);
        var node = nodes.Lab.Nodes[0];
        // As many Services as there are addresses, or one that takes all slots.
        node.PutManifest("many.yaml", map == "svc_frontends" ? Services(0, Room, endpoints: 1) : Services(0, 1, endpoints: Room));
        await UntilAsync(() => FindingAsync(node), static f => f is null);
        node.PutManifest("late.yaml", Services(200, 1, endpoints: 1));
        var finding = await UntilAsync(() => FindingAsync(node), static f => f is not null);
        Assert.Contains("default/s200", finding, StringComparison.Ordinal);
        Assert.Contains($"the eBPF map {map} ", finding, StringComparison.Ordinal);
        node.PutManifest("many.yaml", null);
        await UntilAsync(() => FindingAsync(node), static f => f is null);
        node.PutManifest("late.yaml", null);
        await nodes.AssertCleanAsync(Token);
    }

    private static async Task<string?> FindingAsync(LabNode node) =>
        (await NodeAgent.StatusAsync(node.Paths.Run, Token)).Findings.FirstOrDefault(static f => f.Path == "DataPathV2/services")?.Reason;

    private static async Task<string?> UntilAsync(Func<Task<string?>> look, Func<string?, bool> done)
    {
        for (var i = 0; ; i++)
        {
            var found = await look();
            // What is there now may be from before the change was read.
            if (done(found) && i > 10) return found;
            Assert.True(i < 400, $"it did not come about: {found}");
            await Task.Delay(50, Token);
        }
    }

    private static string Services(int first, int count, int endpoints)
    {
        var text = new StringBuilder();
        foreach (var n in Enumerable.Range(first, count))
        {
            var addresses = string.Join(", ", Enumerable.Range(1, endpoints).Select(e => string.Create(CultureInfo.InvariantCulture, $"{{ addresses: [\"10.50.{n}.{e}\"], conditions: {{ ready: true }} }}")));
            text.Append(CultureInfo.InvariantCulture, $$"""
                apiVersion: v1
                kind: Service
                metadata: { name: s{{n}}, namespace: default }
                spec: { clusterIP: {{new IPAddress([172, 21, 1, (byte)n])}}, clusterIPs: ["{{new IPAddress([172, 21, 1, (byte)n])}}"], ports: [{ protocol: TCP, port: 80 }] }
                ---
                apiVersion: discovery.k8s.io/v1
                kind: EndpointSlice
                metadata: { name: s{{n}}-1, namespace: default, labels: { kubernetes.io/service-name: s{{n}} } }
                addressType: IPv4
                endpoints: [{{addresses}}]
                ports: [{ protocol: TCP, port: 80 }]
                ---

                """);
        }

        return text.ToString();
    }
}
