using System.Diagnostics;
using System.Net.Sockets;
using Terway.Cni.Tests.Fixtures;
using Terway.Cni.Wire;

namespace Terway.Cni.Tests;

/// <summary>A daemon that is not there, comes late, dies or hangs.</summary>
public sealed class AbsentDaemonTests(NodeFixture node) : CniTest(node)
{
    [Theory]
    [InlineData("ADD", 11)]
    [InlineData("CHECK", 11)]
    [InlineData("GC", 11)]
    [InlineData("STATUS", 50)]
    public async Task Missing_socket_ends_in_the_code_of_the_verb(string verb, int code)
    {
        var error = (await Call(verb).Run(Cancel)).AssertError(code);
        Assert.Contains(Socket, error.Msg, StringComparison.Ordinal);
        Assert.Contains("doctor", error.Details, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ADD", 11)]
    [InlineData("STATUS", 50)]
    public async Task Socket_file_left_by_a_killed_daemon_is_an_absent_daemon(string verb, int code)
    {
        using (var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            socket.Bind(new UnixDomainSocketEndPoint(Socket));
            socket.Listen();
            File.Move(Socket, Socket + ".kept"); // .NET removes the file with the socket, a killed daemon does not
        }

        File.Move(Socket + ".kept", Socket);
        (await Call(verb).Run(Cancel)).AssertError(code);
    }

    [Theory]
    [InlineData("ADD")]
    [InlineData("CHECK")]
    public async Task Call_waits_for_a_daemon_that_starts(string verb)
    {
        var running = Call(verb, "1.1.0", ("daemonWaitSeconds", 15)).Run(Cancel);
        await Task.Delay(300, Cancel);
        Assert.False(running.IsCompleted);
        await using var daemon = new ScriptedDaemon(Socket, ScriptedDaemon.Answers(CniResponse.Success("{}")));
        (await running).AssertOk();
    }

    [Fact]
    public async Task Wait_of_nothing_asks_exactly_once() =>
        (await Call("ADD", "1.1.0", ("daemonWaitSeconds", 0)).Run(Cancel)).AssertError(11);

    [Fact]
    public async Task Status_does_not_wait_for_a_daemon()
    {
        var clock = Stopwatch.StartNew();
        (await Call("STATUS", "1.1.0", ("daemonWaitSeconds", 100)).Run(Cancel)).AssertError(50);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(50), "STATUS waited");
    }

    [Theory]
    [InlineData("ADD")]
    [InlineData("CHECK")]
    public async Task Call_is_repeated_when_the_daemon_dies_over_it(string verb)
    {
        await using var daemon = new ScriptedDaemon(
            Socket, ScriptedDaemon.Dies, ScriptedDaemon.AnswersBytes(40, 0, 0, 0, (byte)'{'), ScriptedDaemon.Answers(CniResponse.Success("{}")));
        (await Call(verb).Run(Cancel)).AssertOk();
        Assert.Equal(3, daemon.Requests.Count);
        Assert.Single(daemon.Requests.Select(r => (r.Verb, r.ContainerId, r.IfName)).Distinct());
    }

    [Fact]
    public async Task Daemon_that_dies_over_every_call_ends_in_try_again()
    {
        await using var daemon = new ScriptedDaemon(Socket, ScriptedDaemon.Dies);
        (await Call("ADD").Run(Cancel)).AssertError(11);
        Assert.InRange(daemon.Connections, 2, 10);
    }

    [Theory]
    [InlineData("GC", 11)]
    [InlineData("STATUS", 50)]
    public async Task Death_over_a_call_that_is_not_repeated_ends_in_its_code(string verb, int code)
    {
        await using var daemon = new ScriptedDaemon(Socket, ScriptedDaemon.Dies);
        (await Call(verb).Run(Cancel)).AssertError(code);
        Assert.Equal(1, daemon.Connections);
    }

    [Theory]
    [InlineData("ADD", 11)]
    [InlineData("DEL", 11)]
    [InlineData("GC", 11)]
    [InlineData("STATUS", 50)]
    public async Task Daemon_that_hangs_ends_at_the_deadline(string verb, int code)
    {
        await using var daemon = new ScriptedDaemon(Socket, ScriptedDaemon.Hangs);
        var error = (await Call(verb, "1.1.0", ("deadlineSeconds", 0.5)).Run(Cancel)).AssertError(code);
        Assert.Contains("in time", error.Msg, StringComparison.Ordinal);
        Assert.InRange(Assert.Single(daemon.Requests).DeadlineMs, 1, 500);
        Assert.False(Directory.Exists(Spool)); // the daemon has the DEL
    }

    [Fact]
    public async Task Daemon_that_stops_in_the_middle_of_its_answer_ends_at_the_deadline()
    {
        await using var daemon = new ScriptedDaemon(Socket, async connection =>
        {
            await connection.ReadRequest();
            await connection.Stream.WriteAsync(ScriptedDaemon.Frame("""{"ok":true}""").AsMemory(0, 9), connection.Stop);
            await Task.Delay(Timeout.Infinite, connection.Stop);
        });
        (await Call("ADD", "1.1.0", ("deadlineSeconds", 0.5)).Run(Cancel)).AssertError(11);
    }

    [Fact]
    public async Task Full_backlog_ends_at_the_deadline_and_not_in_a_hang()
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(Socket));
        listener.Listen(0); // one connection queues, nobody accepts
        using var first = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await first.ConnectAsync(new UnixDomainSocketEndPoint(Socket), Cancel);

        var error = (await Call("ADD", "1.1.0", ("deadlineSeconds", 0.5)).Run(Cancel)).AssertError(11);
        Assert.Contains("queue", error.Msg, StringComparison.Ordinal);
        (await Call("STATUS", "1.1.0", ("deadlineSeconds", 0.5)).Run(Cancel)).AssertError(50);
    }

    [Fact]
    public async Task Hundred_calls_at_once_are_all_answered()
    {
        await using var daemon = new ScriptedDaemon(Socket, ScriptedDaemon.Answers(CniResponse.Success("{}")));
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => Call("ADD").With("CNI_CONTAINERID", $"c{i}").Run(Cancel)));
        Assert.All(outcomes, o => o.AssertOk());
        Assert.Equal(100, daemon.Requests.Select(r => r.ContainerId).Distinct().Count());
    }
}
