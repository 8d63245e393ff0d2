using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Terway.Plugins.DataPathV2.Services;

namespace Terway.Plugins.DataPathV2.Tests.Services;

/// <summary>Connected UDP sockets when their backend goes.</summary>
public sealed class StaleFlowTests
{
    [Theory]
    [InlineData(Some.Ip, false)]
    [InlineData(Some.Ip, true)]
    [InlineData(Some.Ip6, false)]
    public async Task A_socket_whose_backend_is_gone_is_told_and_others_are_left_alone(string ip, bool mapped)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var box = await HookBox.CreateAsync();
        await using var stale = new StaleFlows(new FakeHost(), box.Maps[ServicePins.Peers], () => [box.PathOf(box.Pod)], (a, b) => box.Table.Serves(a, b), NullLogger.Instance);
        ServiceEndpoint[] both = [.. HookBox.Backends4.Concat(HookBox.Backends6).Select(static b => Some.Endpoint(b))];
        box.Set(Some.Service(both, ip6: Some.Ip6));
        using var socket = box.Dial(box.Pod, ip, 80, SocketType.Dgram, mapped);
        var backend = HookBox.Ask(socket);
        // Somebody whom no hook sent there, and one who is with another backend.
        using var direct = box.Dial(box.Pod, backend, HookBox.ServerPort, SocketType.Dgram);
        var other = box.Dial(box.Pod, ip, 80, SocketType.Dgram, mapped);
        for (; HookBox.Ask(other) == backend; other = box.Dial(box.Pod, ip, 80, SocketType.Dgram, mapped)) other.Dispose();

        stale.Cut(box.Apply(Some.Service(both.Where(e => !e.Address.Equals(IPAddress.Parse(backend))), ip6: Some.Ip6)));
        // As an application that waits for an answer hears it.
        var e = Assert.Throws<SocketException>(() => socket.Receive(new byte[16]));
        Assert.Equal(SocketError.ConnectionAborted, e.SocketErrorCode);
        Assert.Equal(backend, HookBox.Ask(direct));
        Assert.NotEqual(backend, HookBox.Ask(other));
        other.Dispose();
        using var anew = box.Dial(box.Pod, ip, 80, SocketType.Dgram, mapped);
        Assert.NotEqual(backend, HookBox.Ask(anew));
    }
}
