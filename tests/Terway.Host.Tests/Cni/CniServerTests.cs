using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging.Abstractions;
using Terway.Cni.Wire;
using Terway.Host.Cni;
using Terway.Host.Pods;
using Terway.Host.Tests.Fixtures;
using Terway.Plugin;

namespace Terway.Host.Tests.Cni;

/// <summary>The real server on a real socket, in front of the pod side in memory.</summary>
public sealed partial class CniServerTests : IAsyncLifetime
{
    private const long SYS_setresuid_x64 = 117;
    private const long SYS_setresuid_arm64 = 147;

    private readonly TempFolder _folder = new();
    private PodHost _host = null!;
    private CniServer _server = null!;

    private string Path => _folder["cni.socket"];

    public async ValueTask InitializeAsync()
    {
        _host = await PodHost.StartAsync();
        var readiness = new NodeReadiness();
        readiness.Serve([new PluginPart<IAddressProvider>("Fake/1.0.0", _host.Provider)], null!);
        _server = CniServer.Start(Path, new CniHandler(_host.Network, readiness, _host.Time, NullLogger<CniHandler>.Instance), NullLogger<CniServer>.Instance);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _host.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Add_check_status_gc_and_del_go_through_the_socket()
    {
        var netNs = _host.NetNs("c1");
        Assert.True((await CallAsync(Samples.Request(CniVerb.Status)))!.Ok);
        var add = (await CallAsync(Samples.Request(CniVerb.Add, "c1", netNs)))!;
        Assert.True(add.Ok, add.ErrorMessage);
        Assert.Equal("10.0.0.1/32", Samples.Json(add.Stdout!).GetProperty("ips")[0].GetProperty("address").GetString());
        Assert.True((await CallAsync(Samples.Request(CniVerb.Check, "c1", netNs)))!.Ok);
        var gc = """{"cni.dev/valid-attachments":[{"containerID":"c1","ifname":"eth0"}]}""";
        Assert.True((await CallAsync(Samples.Request(CniVerb.Gc, config: gc)))!.Ok);
        await _host.AssertConsistentAsync("c1");
        Assert.True((await CallAsync(Samples.Request(CniVerb.Del, "c1", netNs)))!.Ok);
        await _host.AssertConsistentAsync();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path));
    }

    [Fact]
    public async Task Newer_protocol_unknown_verb_and_missing_ids_are_refused_with_their_codes()
    {
        Assert.Equal(CniErrorCode.Protocol, (await CallAsync(Samples.Request(CniVerb.Add) with { Protocol = 99 }))!.ErrorCode);
        Assert.Equal(CniErrorCode.InvalidEnvironmentVariables, (await CallAsync(Samples.Request("DANCE")))!.ErrorCode);
        foreach (var verb in new[] { CniVerb.Add, CniVerb.Del, CniVerb.Check })
        {
            Assert.Equal(CniErrorCode.InvalidEnvironmentVariables, (await CallAsync(Samples.Request(verb) with { ContainerId = null! }))!.ErrorCode);
            Assert.Equal(CniErrorCode.InvalidEnvironmentVariables, (await CallAsync(Samples.Request(verb) with { IfName = "" }))!.ErrorCode);
        }

        Assert.Equal(CniErrorCode.InvalidNetworkConfig, (await CallAsync(Samples.Request(CniVerb.Gc)))!.ErrorCode);
        await _host.AssertConsistentAsync();
    }

    [Fact]
    public async Task Exhausted_pool_is_try_again_later()
    {
        for (var i = 0; i < PodHost.Addresses; i++) await _host.AddAsync($"c{i}", $"p{i}");
        var answer = (await CallAsync(Samples.Request(CniVerb.Add, "cx", _host.NetNs("cx"), "px")))!;
        Assert.Equal(CniErrorCode.TryAgainLater, answer.ErrorCode);
        Assert.Contains("no address is free", answer.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Caller_that_hangs_up_ends_its_add()
    {
        var waiting = new TaskCompletionSource();
        _host.Steps.At = (step, token) =>
        {
            if (step != "allocate") return Task.CompletedTask;
            waiting.TrySetResult();
            return Task.Delay(Timeout.Infinite, token);
        };
        using (var socket = Connect())
        {
            await SendAsync(socket, Samples.Request(CniVerb.Add, "c1", _host.NetNs("c1")));
            await waiting.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        }

        // A DEL without overtaking would wait for ever behind an ADD that nobody ended; a CHECK does.
        var check = (await CallAsync(Samples.Request(CniVerb.Check, "c1", _host.NetNs("c1"))).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken))!;
        Assert.Equal(CniErrorCode.UnknownContainer, check.ErrorCode);
        await _host.AssertConsistentAsync();
    }

    [Theory]
    [InlineData(400)]
    [InlineData(1)]
    public async Task Add_past_its_deadline_is_answered_while_the_caller_still_listens(long deadline)
    {
        _host.Steps.At = static (step, token) => step == "allocate" ? Task.Delay(Timeout.Infinite, token) : Task.CompletedTask;
        var answer = (await CallAsync(Samples.Request(CniVerb.Add, "c1", _host.NetNs("c1")) with { DeadlineMs = deadline }).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken))!;
        Assert.Equal(CniErrorCode.TryAgainLater, answer.ErrorCode);
        await _host.AssertConsistentAsync();
    }

    [Fact]
    public async Task Endless_deadline_is_no_error() =>
        Assert.True((await CallAsync(Samples.Request(CniVerb.Add, "c1", _host.NetNs("c1")) with { DeadlineMs = long.MaxValue }))!.Ok);

    [Fact]
    public async Task Garbage_is_answered_by_hanging_up_and_the_server_goes_on()
    {
        var header = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(header, FrameStream.MaxBody + 1);
        var half = new byte[10];
        BinaryPrimitives.WriteInt32LittleEndian(half, 100);
        byte[][] garbage = [header, [0, 0, 0, 0], FrameStream.Encode("[]"u8), FrameStream.Encode("{\"verb\":1}"u8), FrameStream.Encode([0xff, 0xfe, 0]), half, []];
        foreach (var bytes in garbage)
        {
            using var socket = Connect();
            await socket.SendAsync(bytes);
            socket.Shutdown(SocketShutdown.Send);
            Assert.Equal(0, await ReceiveAsync(socket));
        }

        Assert.True((await CallAsync(Samples.Request(CniVerb.Status)))!.Ok);
    }

    [Fact]
    public async Task Three_hundred_calls_at_once_are_all_answered()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(i => CallAsync(Samples.Request(
            (i % 3) switch { 0 => CniVerb.Del, 1 => CniVerb.Status, _ => CniVerb.Check }, $"c{i}"))));
        Assert.All(answers.Where(static (_, i) => i % 3 < 2), static a => Assert.True(a!.Ok));
        Assert.All(answers.Where(static (_, i) => i % 3 == 2), static a => Assert.Equal(CniErrorCode.UnknownContainer, a!.ErrorCode));
    }

    [Fact]
    public async Task Another_user_gets_no_answer()
    {
        File.SetUnixFileMode(_folder.Path, (UnixFileMode)0x1ff);
        File.SetUnixFileMode(Path, (UnixFileMode)0x1ff);
        Socket? stranger = null;
        long refused = 0;
        // The system call changes this thread alone, which ends with it.
        var thread = new Thread(() =>
        {
            refused = syscall(RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? SYS_setresuid_arm64 : SYS_setresuid_x64, 65534, 65534, 65534);
            if (refused == 0) stranger = Connect();
        });
        thread.Start();
        thread.Join();
        Assert.Equal(0, refused);
        using (stranger)
        {
            try
            {
                await SendAsync(stranger!, Samples.Request(CniVerb.Status));
                Assert.Equal(0, await ReceiveAsync(stranger!));
            }
            catch (IOException)
            {
                // Hung up before the request was sent.
            }
        }

        Assert.True((await CallAsync(Samples.Request(CniVerb.Status)))!.Ok);
    }

    [Fact]
    public async Task Stop_ends_calls_under_way_and_undoes_them()
    {
        var waiting = new TaskCompletionSource();
        _host.Steps.At = (step, token) =>
        {
            if (step != "stage 1 attach") return Task.CompletedTask;
            waiting.TrySetResult();
            return Task.Delay(Timeout.Infinite, token);
        };
        using var socket = Connect();
        await SendAsync(socket, Samples.Request(CniVerb.Add, "c1", _host.NetNs("c1")));
        await waiting.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        await _server.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        await _host.AssertConsistentAsync();
        _server = CniServer.Start(_folder["other.socket"], null!, NullLogger<CniServer>.Instance);
    }

    private Socket Connect()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(Path));
        return socket;
    }

    private static async Task<int> ReceiveAsync(Socket socket)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        try
        {
            return await socket.ReceiveAsync(new byte[1024], patience.Token);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return 0;
        }
    }

    private static async Task SendAsync(Socket socket, CniRequest request)
    {
        await using var stream = new NetworkStream(socket, ownsSocket: false);
        await FrameStream.WriteAsync(stream, request, WireJson.Default.CniRequest, CancellationToken.None);
    }

    private async Task<CniResponse?> CallAsync(CniRequest request)
    {
        using var socket = Connect();
        await SendAsync(socket, request);
        await using var stream = new NetworkStream(socket, ownsSocket: false);
        return await FrameStream.ReadAsync(stream, WireJson.Default.CniResponse, CancellationToken.None);
    }

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial long syscall(long number, long a, long b, long c);
}
