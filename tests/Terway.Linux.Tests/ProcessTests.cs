using System.Diagnostics;
using System.Net.Sockets;

namespace Terway.Linux.Tests;

public sealed class ProcessTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("twt-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void FileLock_is_held_once_and_free_after_dispose()
    {
        var path = Path.Combine(_directory, "lock");
        using (var held = FileLock.TryAcquire(path))
        {
            Assert.NotNull(held);
            Assert.Null(FileLock.TryAcquire(path));
            // Not by File.ReadAllText: .NET takes a shared flock of what it opens.
            using var cat = Process.Start(new ProcessStartInfo("cat", [path]) { RedirectStandardOutput = true })!;
            Assert.Equal($"{Environment.ProcessId}\n", cat.StandardOutput.ReadToEnd());
        }

        using var again = FileLock.TryAcquire(path);
        Assert.NotNull(again);
        Assert.Equal(Errno.ENOENT, Assert.Throws<LinuxException>(() => FileLock.TryAcquire(Path.Combine(_directory, "no", "lock"))).Errno);
    }

    [Fact]
    public void FileLock_of_another_process_is_respected_and_ends_with_it()
    {
        var path = Path.Combine(_directory, "lock");
        using var other = Process.Start(new ProcessStartInfo("flock", ["-x", path, "-c", "echo held; exec sleep 60"]) { RedirectStandardOutput = true })!;
        Assert.Equal("held", other.StandardOutput.ReadLine());
        Assert.Null(FileLock.TryAcquire(path));
        other.Kill(entireProcessTree: true);
        other.WaitForExit();
        FileLock? mine = null;
        Assert.True(SpinWait.SpinUntil(() => (mine = FileLock.TryAcquire(path)) is not null, TimeSpan.FromSeconds(10)));
        mine!.Dispose();
    }

    [Fact]
    public void PeerCredentials_of_a_unix_socket_are_the_connecting_process()
    {
        var end = new UnixDomainSocketEndPoint(Path.Combine(_directory, "s"));
        using var server = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        server.Bind(end);
        server.Listen();
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(end);
        using var accepted = server.Accept();
        var peer = PeerCredentials.Of(accepted);
        Assert.Equal((Environment.ProcessId, 0u, 0u), (peer.ProcessId, peer.UserId, peer.GroupId));
    }

    [Fact]
    public void PeerCredentials_of_another_kind_of_socket_are_an_error()
    {
        using var tcp = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        Assert.Throws<LinuxException>(() => PeerCredentials.Of(tcp));
    }
}
