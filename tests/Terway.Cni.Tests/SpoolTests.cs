using System.Text.Json;
using Terway.Cni.Tests.Fixtures;
using Terway.Cni.Wire;

namespace Terway.Cni.Tests;

/// <summary>DEL while no daemon runs.</summary>
public sealed class SpoolTests(NodeFixture node) : CniTest(node)
{
    [Fact]
    public async Task Del_without_daemon_succeeds_and_leaves_the_request()
    {
        var call = Call("DEL").With("CNI_NETNS", "/run/netns/twt-gone").With("CNI_ARGS", "K8S_POD_NAME=a");
        Assert.Empty((await call.Run(Cancel)).AssertOk());

        var file = Assert.Single(Directory.GetFiles(Spool));
        Assert.Equal(CniPaths.SpoolFileName("c0ffee-1", "eth0"), Path.GetFileName(file));
        Assert.EndsWith(CniPaths.SpoolSuffix, file, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Spool));

        var request = JsonSerializer.Deserialize(await File.ReadAllBytesAsync(file, Cancel), WireJson.Default.CniRequest)!;
        Assert.Equal(
            ("DEL", "c0ffee-1", "eth0", "/run/netns/twt-gone", "K8S_POD_NAME=a", 0L),
            (request.Verb, request.ContainerId, request.IfName, request.NetNs, request.Args, request.DeadlineMs));
        using var sent = JsonDocument.Parse(call.Stdin);
        Assert.True(JsonElement.DeepEquals(sent.RootElement, request.Config));
    }

    [Fact]
    public async Task Repeated_del_keeps_one_file_and_another_interface_has_its_own()
    {
        (await Call("DEL").Run(Cancel)).AssertOk();
        (await Call("DEL").With("CNI_ARGS", "again").Run(Cancel)).AssertOk();
        var request = JsonSerializer.Deserialize(
            await File.ReadAllBytesAsync(Assert.Single(Directory.GetFiles(Spool)), Cancel), WireJson.Default.CniRequest)!;
        Assert.Equal("again", request.Args);

        (await Call("DEL").With("CNI_IFNAME", "eth1").Run(Cancel)).AssertOk();
        Assert.Equal(2, Directory.GetFiles(Spool).Length);
    }

    [Fact]
    public async Task Forty_dels_at_once_leave_forty_whole_files()
    {
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Call("DEL").With("CNI_CONTAINERID", $"c{i / 2}").Run(Cancel)));
        Assert.All(outcomes, o => o.AssertOk());
        var files = Directory.GetFiles(Spool); // each container twice
        Assert.Equal(20, files.Length);
        foreach (var file in files)
            Assert.Equal("DEL", JsonSerializer.Deserialize(await File.ReadAllBytesAsync(file, Cancel), WireJson.Default.CniRequest)!.Verb);
    }

    [Fact]
    public async Task Daemon_that_dies_over_the_del_leaves_it_spooled()
    {
        await using var daemon = new ScriptedDaemon(Socket, ScriptedDaemon.Dies);
        (await Call("DEL").Run(Cancel)).AssertOk();
        Assert.Single(Directory.GetFiles(Spool));
        Assert.Equal(2, daemon.Connections); // asked again after spooling, in case it had drained the folder before
    }

    [Fact]
    public async Task Daemon_that_is_back_after_spooling_does_the_del_and_the_file_goes()
    {
        await using var daemon = new ScriptedDaemon(Socket, ScriptedDaemon.Dies, ScriptedDaemon.Answers(CniResponse.Success()));
        (await Call("DEL").Run(Cancel)).AssertOk();
        Assert.Empty(Directory.GetFiles(Spool));
    }

    [Fact]
    public async Task Error_of_a_daemon_that_is_back_is_reported_and_the_file_stays()
    {
        await using var daemon = new ScriptedDaemon(Socket, ScriptedDaemon.Dies, ScriptedDaemon.Answers(CniResponse.Failure(11, "starting")));
        (await Call("DEL").Run(Cancel)).AssertError(11);
        Assert.Single(Directory.GetFiles(Spool));
    }

    [Fact]
    public async Task Spool_that_cannot_be_made_fails_the_del()
    {
        await File.WriteAllTextAsync(Path.Combine(Folder, "var"), "a file where a folder should be", Cancel);
        Assert.Contains(Spool, (await Call("DEL").Run(Cancel)).AssertError(5).Msg, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Full_disk_fails_the_del_and_leaves_nothing()
    {
        Directory.CreateDirectory(Spool);
        var call = Call("DEL", "1.1.0", ("pad", new string('p', 300_000)));
        call.Shell = $"exec unshare --mount sh -c 'mount -t tmpfs -o size=64k tmpfs {Spool} && \"$0\" && exit 99; code=$?; ls -A {Spool} >&2; exit $code' \"$0\"";
        (await call.Run(Cancel)).AssertError(5); // and nothing on stderr: the folder is empty
    }

    [Fact]
    public async Task Del_with_malformed_input_is_not_spooled()
    {
        (await Call("DEL").WithStdin("junk").Run(Cancel)).AssertError(6);
        (await Call("DEL", "7.0.0").Run(Cancel)).AssertError(1);
        Assert.False(Directory.Exists(Spool));
    }
}
