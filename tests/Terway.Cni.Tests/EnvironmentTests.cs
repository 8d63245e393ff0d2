using Terway.Cni.Tests.Fixtures;
using Terway.Cni.Wire;

namespace Terway.Cni.Tests;

public sealed class EnvironmentTests(NodeFixture node) : CniTest(node)
{
    [Theory]
    [InlineData("ADD", "CNI_CONTAINERID")]
    [InlineData("ADD", "CNI_NETNS")]
    [InlineData("ADD", "CNI_IFNAME")]
    [InlineData("ADD", "CNI_PATH")]
    [InlineData("CHECK", "CNI_CONTAINERID")]
    [InlineData("CHECK", "CNI_NETNS")]
    [InlineData("CHECK", "CNI_IFNAME")]
    [InlineData("DEL", "CNI_CONTAINERID")]
    [InlineData("DEL", "CNI_IFNAME")]
    [InlineData("DEL", "CNI_COMMAND")]
    public async Task Missing_variable_is_named(string verb, string variable)
    {
        var error = (await Call(verb).With(variable, null).Run(Cancel)).AssertError(4);
        Assert.Contains(variable, error.Msg, StringComparison.Ordinal);
        error = (await Call(verb).With(variable, "").Run(Cancel)).AssertError(4);
        Assert.Contains(variable, error.Msg, StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_missing_variables_are_named_at_once()
    {
        var error = (await new CniCall(Node.Binary, "STATUS").With("CNI_COMMAND", "ADD").Run(Cancel)).AssertError(4);
        foreach (var name in new[] { "CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH" })
            Assert.Contains(name, error.Msg, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("add")]
    [InlineData("UPDATE")]
    [InlineData("ADD ")]
    [InlineData("\u0007")]
    public async Task Unknown_verb_is_refused(string verb) =>
        (await new CniCall(Node.Binary, verb).WithStdin(Config("ADD")).Run(Cancel)).AssertError(4);

    [Theory]
    [InlineData("-leading")]
    [InlineData(".leading")]
    [InlineData("../../etc/passwd")]
    [InlineData("a b")]
    [InlineData("a/b")]
    [InlineData("a\nb")]
    [InlineData("ä")]
    [InlineData("a;rm")]
    public async Task Container_id_outside_of_the_rule_is_refused(string id)
    {
        (await Call("ADD").With("CNI_CONTAINERID", id).Run(Cancel)).AssertError(4);
        (await Call("DEL").With("CNI_CONTAINERID", id).Run(Cancel)).AssertError(4);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("0")]
    [InlineData("A_b.c-9")]
    public async Task Container_id_within_the_rule_is_passed_on(string id)
    {
        await using var daemon = new ScriptedDaemon(Socket, ScriptedDaemon.Answers(CniResponse.Success()));
        (await Call("DEL").With("CNI_CONTAINERID", id).Run(Cancel)).AssertOk();
        Assert.Equal(id, Assert.Single(daemon.Requests).ContainerId);
    }

    [Fact]
    public async Task Container_id_of_great_length_is_passed_on_and_spooled()
    {
        var id = new string('x', 100_000);
        (await Call("DEL").With("CNI_CONTAINERID", id).Run(Cancel)).AssertOk();
        Assert.Single(Directory.GetFiles(Spool));
    }

    [Theory]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("a:b")]
    [InlineData("a b")]
    [InlineData("a\tb")]
    [InlineData("a\u00a0b")]
    [InlineData("sixteen-bytes-xx")]
    [InlineData("ääääääää")]
    public async Task Interface_name_outside_of_the_rule_is_refused(string name) =>
        (await Call("ADD").With("CNI_IFNAME", name).Run(Cancel)).AssertError(4);

    [Fact]
    public async Task Interface_name_of_15_bytes_is_accepted()
    {
        await using var daemon = new ScriptedDaemon(Socket, ScriptedDaemon.Answers(CniResponse.Success("{}")));
        (await Call("ADD").With("CNI_IFNAME", "fifteen-bytes-x").Run(Cancel)).AssertOk();
    }

    [Fact]
    public async Task Environment_that_is_not_utf8_is_refused()
    {
        var call = Call("ADD");
        call.Shell = "CNI_IFNAME=$(printf 'eth\\377') exec \"$0\"";
        (await call.Run(Cancel)).AssertError(4);
        call.Shell = "CNI_CONTAINERID=$(printf 'a\\300\\200') exec \"$0\"";
        (await call.Run(Cancel)).AssertError(4);
    }

    [Fact]
    public async Task Huge_arguments_arrive_whole()
    {
        await using var daemon = new ScriptedDaemon(Socket, ScriptedDaemon.Answers(CniResponse.Success("{}")));
        var args = string.Concat(Enumerable.Range(0, 8000).Select(i => $"K{i}=\"\u20ac\";"));
        (await Call("ADD").With("CNI_ARGS", args).Run(Cancel)).AssertOk();
        Assert.Equal(args, Assert.Single(daemon.Requests).Args);
    }

    [Fact]
    public async Task Namespace_that_cannot_hold_a_pod_is_refused()
    {
        var file = Path.Combine(Folder, "file");
        await File.WriteAllTextAsync(file, "", Cancel);
        var fifo = Path.Combine(Folder, "fifo");
        using (var mkfifo = System.Diagnostics.Process.Start("mkfifo", fifo))
            await mkfifo.WaitForExitAsync(Cancel);

        string[] paths =
        [
            "/run/netns/twt-does-not-exist", "relative", file, fifo, Folder, "/dev/null", "/proc/self/ns/mnt", "/proc/self/ns/net",
            "/" + new string('x', 5000),
        ];
        foreach (var path in paths)
        {
            var error = (await Call("ADD").With("CNI_NETNS", path).Run(Cancel)).AssertError(4);
            Assert.Contains("CNI_NETNS", error.Msg, StringComparison.Ordinal);
            (await Call("CHECK").With("CNI_NETNS", path).Run(Cancel)).AssertError(4);
        }
    }

    [Theory]
    [InlineData("/run/netns/twt-long-gone")]
    [InlineData("")]
    [InlineData(null)]
    public async Task Del_does_not_need_the_namespace(string? netNs)
    {
        await using var daemon = new ScriptedDaemon(Socket, ScriptedDaemon.Answers(CniResponse.Success()));
        Assert.Empty((await Call("DEL").With("CNI_NETNS", netNs).With("CNI_PATH", null).Run(Cancel)).AssertOk());
        Assert.Equal(netNs ?? "", Assert.Single(daemon.Requests).NetNs);
    }
}
