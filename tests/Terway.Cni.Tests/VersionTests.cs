using System.Text.Json;
using Terway.Cni.Tests.Fixtures;

namespace Terway.Cni.Tests;

public sealed class VersionTests(NodeFixture node) : CniTest(node)
{
    [Theory]
    [InlineData("""{"cniVersion":"0.3.0"}""", "0.3.0")]
    [InlineData("""{"cniVersion":"0.4.0"}""", "0.4.0")]
    [InlineData("""{"cniVersion":"1.1.0"}""", "1.1.0")]
    [InlineData("""{"cniVersion":"9.0.0"}""", "1.1.0")]
    [InlineData("""{}""", "1.1.0")]
    [InlineData("", "1.1.0")]
    public async Task Version_answers_in_the_asked_version_with_all_supported_ones(string stdin, string expected)
    {
        var text = (await Call("VERSION").WithStdin(stdin).Run(Cancel)).AssertOk();

        using var json = JsonDocument.Parse(text);
        Assert.Equal(expected, json.RootElement.GetProperty("cniVersion").GetString());
        Assert.Equal(
            ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"],
            json.RootElement.GetProperty("supportedVersions").EnumerateArray().Select(v => v.GetString()!));
    }

    [Fact]
    public async Task Version_with_closed_stdin_answers()
    {
        var call = Call("VERSION");
        call.Shell = "exec \"$0\" <&-";
        Assert.Contains("supportedVersions", (await call.Run(Cancel)).AssertOk(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_with_junk_on_stdin_is_a_decoding_failure() =>
        (await Call("VERSION").WithStdin("junk").Run(Cancel)).AssertError(6);

    [Theory]
    [InlineData("ADD", "0.2.0")]
    [InlineData("ADD", "0.1.0")]
    [InlineData("DEL", "1.2.0")]
    [InlineData("ADD", "1.1")]
    [InlineData("ADD", "v1.1.0")]
    [InlineData("ADD", "")]
    [InlineData("CHECK", "0.3.0")]
    [InlineData("CHECK", "0.3.1")]
    [InlineData("STATUS", "1.0.0")]
    [InlineData("GC", "0.4.0")]
    public async Task Verb_with_a_version_that_does_not_have_it_is_incompatible(string verb, string version)
    {
        var error = (await Call(verb, version).Run(Cancel)).AssertError(1);
        if (version is "0.3.1" or "1.0.0")
            Assert.Equal(version, error.CniVersion);
    }

    [Fact]
    public async Task Config_without_version_is_incompatible() =>
        Assert.Contains("missing", (await Call("ADD", "1.1.0", ("cniVersion", null)).Run(Cancel)).AssertError(1).Msg, StringComparison.Ordinal);
}
