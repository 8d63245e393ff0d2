using System.Net;
using System.Net.Sockets;
using Terway.Plugins.DataPathV2.Abi;
using Terway.Plugins.DataPathV2.Configuration;
using Terway.Plugins.DataPathV2.Services;

namespace Terway.Plugins.DataPathV2.Tests.Services;

/// <summary>Real sockets that meet the hooks.</summary>
public sealed class HookTests
{
    private const int Often = 60;

    [Theory]
    [InlineData(SocketType.Stream, false)]
    [InlineData(SocketType.Stream, true)]
    [InlineData(SocketType.Dgram, false)]
    [InlineData(SocketType.Dgram, true)]
    public async Task A_connected_socket_reaches_every_backend_and_believes_to_talk_to_the_service(SocketType type, bool mapped)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var box = await HookBox.CreateAsync(withIpv6: false);
        box.Set(Some.Service([.. HookBox.Backends4]));
        var met = Enumerable.Range(0, Often).Select(_ => box.Connect(box.Pod, Some.Ip, 80, type, mapped)).ToList();
        Assert.All(met, static m => Assert.Equal($"{Some.Ip}:80", m.Peer));
        Assert.Equal(HookBox.Backends4, met.Select(static m => m.Reached).Distinct().Order());
    }

    [Theory]
    [InlineData(SocketType.Stream)]
    [InlineData(SocketType.Dgram)]
    public async Task The_same_over_ipv6(SocketType type)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var box = await HookBox.CreateAsync();
        box.Set(Some.Service(HookBox.Backends4.Concat(HookBox.Backends6).Select(static b => Some.Endpoint(b)), ip6: Some.Ip6));
        var met = Enumerable.Range(0, Often).Select(_ => box.Connect(box.Pod, Some.Ip6, 80, type)).ToList();
        Assert.All(met, static m => Assert.Equal($"[{Some.Ip6}]:80", m.Peer));
        Assert.Equal(HookBox.Backends6, met.Select(static m => m.Reached).Distinct().Order());
        Assert.Contains(box.Connect(box.Pod, Some.Ip, 80, type).Reached, HookBox.Backends4);
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork, Some.Ip)]
    [InlineData(AddressFamily.InterNetworkV6, Some.Ip6)]
    [InlineData(AddressFamily.InterNetworkV6, Some.Ip)]
    public async Task Datagrams_of_one_socket_stay_with_their_backend_and_answers_come_from_the_service(AddressFamily family, string ip)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var box = await HookBox.CreateAsync();
        box.Set(Some.Service(HookBox.Backends4.Concat(HookBox.Backends6).Select(static b => Some.Endpoint(b)), ip6: Some.Ip6));
        var reached = new HashSet<string>();
        for (var i = 0; i < Often; i++)
        {
            using var socket = box.Open(box.Pod, family, SocketType.Dgram);
            if (family == AddressFamily.InterNetworkV6) socket.DualMode = true;
            var first = HookBox.AskBy(socket, ip, 80);
            Assert.Equal(new IPEndPoint(IPAddress.Parse(ip), 80).ToString(), first.From);
            Assert.All(Enumerable.Range(0, 5), _ => Assert.Equal(first, HookBox.AskBy(socket, ip, 80)));
            reached.Add(first.Reached);
        }

        Assert.Equal(3, reached.Count);
    }

    [Fact]
    public async Task What_a_socket_reaches_without_a_service_has_its_own_name()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var box = await HookBox.CreateAsync();
        var backend = HookBox.Backends4[0];
        box.Set(Some.Service(backend));
        using var socket = box.Open(box.Pod, AddressFamily.InterNetwork, SocketType.Dgram);
        Assert.Equal((backend, $"{Some.Ip}:80"), HookBox.AskBy(socket, Some.Ip, 80));
        Assert.Equal((backend, $"{backend}:8080"), HookBox.AskBy(socket, backend, HookBox.ServerPort));
        Assert.Equal((backend, $"{Some.Ip}:80"), HookBox.AskBy(socket, Some.Ip, 80));
        Assert.Equal((backend, $"{backend}:8080"), box.Connect(box.Pod, backend, HookBox.ServerPort));
    }

    [Theory]
    [InlineData(Some.Ip, SocketType.Stream, false)]
    [InlineData(Some.Ip, SocketType.Stream, true)]
    [InlineData(Some.Ip6, SocketType.Stream, false)]
    [InlineData(Some.Ip, SocketType.Dgram, false)]
    [InlineData(Some.Ip, SocketType.Dgram, true)]
    [InlineData(Some.Ip6, SocketType.Dgram, false)]
    public async Task A_service_without_endpoints_refuses(string ip, SocketType type, bool mapped)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var box = await HookBox.CreateAsync();
        box.Set(Some.Service([], ip6: Some.Ip6));
        var e = Assert.Throws<SocketException>(() => box.Connect(box.Pod, ip, 80, type, mapped));
        // Linux sends what such a socket sends by its IPv4 code, which asks for a port before anything else.
        Assert.Equal(type == SocketType.Dgram && mapped ? SocketError.InvalidArgument : SocketError.ConnectionRefused, e.SocketErrorCode);
    }

    [Fact]
    public async Task A_datagram_to_a_service_without_endpoints_fails_and_later_ones_go_when_there_are_some()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var box = await HookBox.CreateAsync();
        box.Set(Some.Service([], ip6: Some.Ip6));
        using var socket = box.Open(box.Pod, AddressFamily.InterNetwork, SocketType.Dgram);
        Assert.Throws<SocketException>(() => HookBox.AskBy(socket, Some.Ip, 80));
        box.Set(Some.Service([.. HookBox.Backends4]));
        Assert.Contains(HookBox.AskBy(socket, Some.Ip, 80).Reached, HookBox.Backends4);
    }

    [Fact]
    public async Task Datagrams_go_elsewhere_when_their_backend_goes()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var box = await HookBox.CreateAsync();
        box.Set(Some.Service([.. HookBox.Backends4]));
        using var socket = box.Open(box.Pod, AddressFamily.InterNetwork, SocketType.Dgram);
        var first = HookBox.AskBy(socket, Some.Ip, 80).Reached;
        var left = HookBox.Backends4.Where(b => b != first).ToArray();
        box.Set(Some.Service(left));
        var second = HookBox.AskBy(socket, Some.Ip, 80).Reached;
        Assert.Contains(second, left);
        // Back again: the flow stays where it is now.
        box.Set(Some.Service([.. HookBox.Backends4]));
        Assert.All(Enumerable.Range(0, 20), _ => Assert.Equal(second, HookBox.AskBy(socket, Some.Ip, 80).Reached));
    }

    [Fact]
    public async Task With_affinity_a_pod_meets_the_same_backend_until_the_time_is_over()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var box = await HookBox.CreateAsync();
        var hour = TimeSpan.FromHours(1);
        box.Set(Some.Service([.. HookBox.Backends4]) with { Affinity = hour });
        var first = box.Connect(box.Pod, Some.Ip, 80).Reached;
        for (var i = 0; i < 10; i++)
        {
            // Not yet over, and begun anew by each connection.
            Age(box, 0.9 * hour);
            Assert.Equal(first, box.Connect(box.Pod, Some.Ip, 80).Reached);
        }

        // Each of three is as likely after the time: all of thirty the same would be no chance.
        var seen = new HashSet<string>();
        for (var i = 0; i < 30; i++)
        {
            Age(box, 1.1 * hour);
            seen.Add(box.Connect(box.Pod, Some.Ip, 80).Reached);
        }

        Assert.True(seen.Count > 1);
        // Other pods are other clients, and a backend that goes is not waited for.
        box.Set(Some.Service([.. HookBox.Backends4]) with { Affinity = TimeSpan.FromHours(1) });
        var own = box.Connect(box.Pod, Some.Ip, 80).Reached;
        box.Set(Some.Service(HookBox.Backends4.Where(b => b != own).ToArray()) with { Affinity = TimeSpan.FromHours(1) });
        var next = box.Connect(box.Pod, Some.Ip, 80).Reached;
        Assert.NotEqual(own, next);
        box.Set(Some.Service([.. HookBox.Backends4]) with { Affinity = TimeSpan.FromHours(1) });
        Assert.All(Enumerable.Range(0, 20), _ => Assert.Equal(next, box.Connect(box.Pod, Some.Ip, 80).Reached));
        Assert.Equal(1, box.Maps[ServicePins.Choices].Keys<SvcClient>().Count(c => c.Kind == 0));
        box.Connect(box.OtherPod, Some.Ip, 80);
        Assert.Equal(2, box.Maps[ServicePins.Choices].Keys<SvcClient>().Count(c => c.Kind == 0));
    }

    // As if that time had gone by since the only client's last connection.
    private static void Age(HookBox box, TimeSpan by)
    {
        var choices = box.Maps[ServicePins.Choices];
        var client = Assert.Single(choices.Keys<SvcClient>());
        Assert.True(choices.TryLookup(in client, out SvcChoice choice));
        // The kernel counts modulo 2^64 too: its clock may be younger than that.
        choice.Seen = unchecked(choice.Seen - ((ulong)by.TotalMicroseconds * 1000));
        choices.Update(in client, in choice);
    }

    [Fact]
    public async Task Node_ports_lead_to_backends_by_the_nodes_addresses_and_on_the_node_by_loopback()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var box = await HookBox.CreateAsync();
        box.Set(Some.Service(HookBox.Backends4.Concat(HookBox.Backends6).Select(static b => Some.Endpoint(b)), nodePort: 30080, ip6: Some.Ip6));
        foreach (var ns in new[] { box.Pod, box.OnNode })
        {
            Assert.Contains(box.Connect(ns, HookBox.NodeIp, 30080).Reached, HookBox.Backends4);
            Assert.Contains(box.Connect(ns, HookBox.NodeIp6, 30080, SocketType.Dgram).Reached, HookBox.Backends6);
        }

        Assert.Contains(box.Connect(box.OnNode, "127.0.0.1", 30080).Reached, HookBox.Backends4);
        Assert.Contains(box.Connect(box.OnNode, "::1", 30080).Reached, HookBox.Backends6);
        // A pod's loopback is its own.
        Assert.Throws<SocketException>(() => box.Connect(box.Pod, "127.0.0.1", 30080));
    }

    [Fact]
    public async Task External_addresses_lead_to_all_backends_whatever_the_policies()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var box = await HookBox.CreateAsync();
        var endpoints = HookBox.Backends4.Select((b, i) => Some.Endpoint(b) with { Node = i == 0 ? HookBox.Node : "node-b" });
        box.Set(Some.Service(endpoints) with { ExternalAddresses = [IPAddress.Parse("203.0.113.7")], InternalLocal = true, ExternalLocal = true });
        Assert.Equal(HookBox.Backends4, Enumerable.Range(0, Often).Select(_ => box.Connect(box.Pod, "203.0.113.7", 80).Reached).Distinct().Order());
        Assert.Equal([HookBox.Backends4[0]], Enumerable.Range(0, Often).Select(_ => box.Connect(box.Pod, Some.Ip, 80).Reached).Distinct());
    }

    [Fact]
    public async Task A_pod_that_is_its_own_backend_reaches_itself()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var box = await HookBox.CreateAsync();
        box.Set(Some.Service(HookBox.Backends4[0]));
        using var socket = box.Open(box.Pod, AddressFamily.InterNetwork, SocketType.Stream);
        socket.Bind(new IPEndPoint(IPAddress.Parse(HookBox.Backends4[0]), 0));
        socket.Connect(IPAddress.Parse(Some.Ip), 80);
        Assert.Equal(HookBox.Backends4[0], HookBox.Ask(socket));
    }

    [Fact]
    public async Task A_restart_and_another_build_leave_no_moment_without_hooks()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        var small = new DatapathSettings { MaxServiceBackends = 128, MaxServiceAddresses = 128, MaxServiceFlows = 1024 };
        using var box = await HookBox.CreateAsync(settings: small);
        box.Set(Some.Service([.. HookBox.Backends4]));
        using var stop = new CancellationTokenSource();
        var connected = 0;
        var clients = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                Assert.Contains(box.Connect(box.Pod, Some.Ip, 80).Reached, HookBox.Backends4);
                connected++;
            }
        }, TestContext.Current.CancellationToken);
        var ids = Links(box);
        Assert.Empty(await box.LoadAsync(small));
        Assert.Equal(ids, Links(box));
        // Other sizes: other maps, other programs, on the same links.
        Assert.Equal(ServicePins.Programs, await box.LoadAsync(new()));
        Assert.All(ids.Zip(Links(box)), static pair => Assert.NotEqual(pair.First, pair.Second));
        box.Set(Some.Service([.. HookBox.Backends4]));
        var before = connected;
        Assert.True(SpinWait.SpinUntil(() => clients.IsCompleted || connected > before + 20, TimeSpan.FromSeconds(10)));
        await stop.CancelAsync();
        await clients;
        Assert.DoesNotContain(Directory.EnumerateFiles(box.Folder), static f => f.EndsWith("_new", StringComparison.Ordinal));
    }

    [Fact]
    public async Task With_the_pins_the_hooks_go()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var box = await HookBox.CreateAsync();
        box.Set(Some.Service([]));
        Assert.Equal(SocketError.ConnectionRefused, Assert.Throws<SocketException>(() => box.Connect(box.Pod, Some.Ip, 80)).SocketErrorCode);
        foreach (var pin in Directory.EnumerateFiles(box.Folder)) File.Delete(pin);
        Assert.Equal(SocketError.NetworkUnreachable, Assert.Throws<SocketException>(() => box.Connect(box.Pod, Some.Ip, 80)).SocketErrorCode);
    }

    private static uint[] Links(HookBox box) => [.. ServicePins.Programs.Select(name =>
    {
        using var link = Terway.Linux.Bpf.BpfLink.OpenPinned(Path.Combine(box.Folder, ServicePins.LinkOf(name)))!;
        return link.ProgramId;
    })];
}
