using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;

namespace Terway.Linux.Tests.Namespaces;

public sealed class NetNsTests : IDisposable
{
    private readonly Sandbox _box = new();

    public void Dispose() => _box.Dispose();

    [Fact]
    public void Create_makes_a_namespace_that_ip_knows_and_Delete_removes_it()
    {
        var name = Sandbox.NewName();
        using (var ns = NamedNetNs.Create(name))
        {
            using var home = NetNs.OpenCurrent();
            Assert.NotEqual(home.Inode, ns.Inode);
            Assert.True(NetNs.Exists(NamedNetNs.PathOf(name)));
            Assert.Contains(name, NamedNetNs.List());
            Assert.Equal(Errno.EEXIST, Assert.Throws<LinuxException>(() => NamedNetNs.Create(name)).Errno);
            using var again = NetNs.Open(NamedNetNs.PathOf(name));
            Assert.Equal(ns.Inode, again.Inode);
        }

        Assert.True(NamedNetNs.Delete(name));
        Assert.False(NamedNetNs.Delete(name));
        Assert.False(NetNs.Exists(NamedNetNs.PathOf(name)));
        Assert.DoesNotContain(name, NamedNetNs.List());
    }

    [Theory]
    [InlineData("../x")]
    [InlineData("..")]
    [InlineData("a/b")]
    public void Names_that_leave_the_directory_are_refused(string name) => Assert.Throws<ArgumentException>(() => NamedNetNs.PathOf(name));

    [Fact]
    public void Open_of_something_else_says_what_is_wrong()
    {
        Assert.Equal(Errno.ENOENT, Assert.Throws<LinuxException>(() => NetNs.Open("/run/netns/twt-missing")).Errno);
        var plain = Assert.Throws<LinuxException>(() => NetNs.Open("/proc/self/status"));
        Assert.Equal(Errno.EINVAL, plain.Errno);
        Assert.Contains("not a network namespace", plain.Message, StringComparison.Ordinal);
        Assert.Throws<LinuxException>(() => NetNs.Open("/proc/self/ns/mnt"));
        Assert.False(NetNs.Exists("/proc/self/ns/mnt"));
        Assert.False(NetNs.Exists("/proc/self/status/x"));
    }

    [Fact]
    public void Run_works_inside_and_comes_back()
    {
        var ns = _box.NewNs();
        var inside = _box.Thread.Run(ns, () =>
        {
            using var current = NetNs.OpenCurrent();
            return current.Inode;
        });
        Assert.Equal(ns.Inode, inside);
        var error = Assert.Throws<InvalidDataException>(() => _box.Thread.Run<int>(ns, () => throw new InvalidDataException("inside")));
        Assert.Equal("inside", error.Message);
        Assert.Equal(_box.Thread.Home.Inode, _box.Thread.Run(_box.Thread.Home, () =>
        {
            using var current = NetNs.OpenCurrent();
            return current.Inode;
        }));
    }

    [Fact]
    public void Run_from_the_thread_itself_is_refused_not_deadlocked()
    {
        var ns = _box.NewNs();
        Assert.Throws<InvalidOperationException>(() => _box.Thread.Run(ns, () => _box.Thread.Run(ns, () => 1)));
    }

    [Fact]
    public void Disposed_namespaces_and_threads_say_so()
    {
        var ns = NetNs.OpenCurrent();
        ns.Dispose();
        Assert.Throws<ObjectDisposedException>(() => _box.Thread.Run(ns, () => 1));
        var thread = NetNsThread.Start();
        thread.Dispose();
        using var home = NetNs.OpenCurrent();
        Assert.Throws<ObjectDisposedException>(() => thread.Run(home, () => 1));
    }

    [Fact]
    public async Task Sockets_stay_in_their_namespace_also_when_used_asynchronously()
    {
        var (a, b) = (_box.NewNs(), _box.NewNs());
        foreach (var ns in new[] { a, b })
        {
            using var rtnl = RtnlSocket.Open(_box.Thread, ns);
            using var batch = new RtnlBatch();
            batch.LinkSet(new() { Index = 1, Up = true });
            rtnl.ExecuteOrThrow(batch);
        }

        // The same port in both: they can only be two sockets of two namespaces.
        using var serverA = Listen(a, 7000);
        using var serverB = Listen(b, 7000);
        Assert.Equal("A", await Ask(a));
        Assert.Equal("B", await Ask(b));

        Socket Listen(NetNs ns, int port)
        {
            var server = NetNsSocket.Create(_box.Thread, ns, AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            server.Bind(new IPEndPoint(IPAddress.Loopback, port));
            server.Listen();
            return server;
        }

        async Task<string> Ask(NetNs ns)
        {
            using var client = NetNsSocket.Create(_box.Thread, ns, AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            var server = ns == a ? serverA : serverB;
            var accept = server.AcceptAsync(TestContext.Current.CancellationToken);
            await client.ConnectAsync(new IPEndPoint(IPAddress.Loopback, 7000), TestContext.Current.CancellationToken);
            using var accepted = await accept;
            await accepted.SendAsync(Encoding.ASCII.GetBytes(ns == a ? "A" : "B"), TestContext.Current.CancellationToken);
            var buffer = new byte[8];
            var length = await client.ReceiveAsync(buffer, TestContext.Current.CancellationToken);
            return Encoding.ASCII.GetString(buffer, 0, length);
        }
    }

    [Fact]
    public async Task No_thread_is_ever_left_in_a_foreign_namespace()
    {
        var namespaces = Enumerable.Range(0, 8).Select(_ => _box.NewNs()).ToArray();
        var outside = new ConcurrentBag<ThreadNetNs>();
        using var stop = new CancellationTokenSource();
        var work = Enumerable.Range(0, 64).Select(i => Task.Run(async () =>
        {
            var ns = namespaces[i % namespaces.Length];
            for (var round = 0; round < 40; round++)
            {
                using (var rtnl = RtnlSocket.Open(_box.Thread, ns))
                    Assert.NotNull(rtnl.GetLink(1));
                Sysctl.Write(_box.Thread, ns, "net/ipv4/ip_forward", round % 2 == 0 ? "1" : "0");
                using (NetNsSocket.Create(_box.Thread, ns, AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp))
                    await Task.Delay(1, TestContext.Current.CancellationToken);
                // The pool is made to grow while visits go on.
                if (round % 10 == 0)
                    Thread.Sleep(5);
                if (round % 20 == 0)
                    GC.Collect(2, GCCollectionMode.Forced, blocking: false);
            }
        })).ToArray();
        var audit = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                foreach (var thread in NetNsAudit.ThreadsOutside(_box.Thread.Home))
                    outside.Add(thread);
            }
        });
        audit.Start();
        await Task.WhenAll(work);
        await stop.CancelAsync();
        audit.Join();

        // During the run only the visiting thread may have been seen; now not even that. Other tests have namespaces of their own.
        var ours = namespaces.Select(n => n.Inode).ToHashSet();
        Assert.DoesNotContain(outside, t => ours.Contains(t.Inode) && t.Name != "netns");
        Assert.DoesNotContain(NetNsAudit.ThreadsOutside(_box.Thread.Home), t => ours.Contains(t.Inode));
    }

    [Fact]
    public void Audit_sees_a_thread_that_is_astray()
    {
        var ns = _box.NewNs();
        var found = _box.Thread.Run(ns, () => NetNsAudit.ThreadsOutside(_box.Thread.Home));
        Assert.Contains(found, t => t.Inode == ns.Inode && t.Name == "netns");
    }
}
