using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Terway.Cni.Tests.Fixtures;
using Terway.Cni.Wire;

namespace Terway.Cni.Tests;

public sealed class StdinTests(NodeFixture node) : CniTest(node)
{
    private const int Limit = 1024 * 1024;

    [Theory]
    [InlineData("")]
    [InlineData(" \n\t")]
    [InlineData("junk")]
    [InlineData("{")]
    [InlineData("""{"cniVersion":"1.1.0",}""")]
    [InlineData("""{"cniVersion":"1.1.0"} trailing""")]
    [InlineData("""{"cniVersion":"1.1.0"}{}""")]
    [InlineData("""{'cniVersion':'1.1.0'}""")]
    [InlineData("""{"cniVersion":"1.1.0" /* no */}""")]
    [InlineData("\uFEFF{}")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    [InlineData("12")]
    [InlineData("true")]
    [InlineData("{\"a\":\"\0\"}")]
    [InlineData("\0\0\0\0")]
    [InlineData("""{"a":"\ud800"}""")]
    [InlineData("""{"\udc00":1}""")]
    [InlineData("""{"a":NaN}""")]
    [InlineData("""{"a":01}""")]
    public async Task Text_that_is_no_json_object_is_a_decoding_failure(string stdin)
    {
        foreach (var verb in new[] { "ADD", "DEL", "CHECK", "STATUS", "GC" })
            (await Call(verb).WithStdin(stdin).Run(Cancel)).AssertError(6);
    }

    public static TheoryData<string, string> WrongTypes => new()
    {
        { "cniVersion", "1" }, { "cniVersion", "null" }, { "name", "{}" }, { "type", "[]" }, { "prevResult", "[]" }, { "prevResult", "\"x\"" },
        { "runtimeConfig", "1" }, { "capabilities", "true" }, { "daemonSocket", "5" }, { "spoolDir", "null" }, { "daemonWaitSeconds", "\"8\"" },
        { "deadlineSeconds", "{}" }, { "cni.dev/valid-attachments", "{}" },
    };

    [Theory]
    [MemberData(nameof(WrongTypes))]
    public async Task Known_key_of_a_wrong_type_is_named(string key, string value)
    {
        var error = (await Call("ADD", "1.1.0", (key, JsonNode.Parse(value) ?? JsonValue.Create((string?)null))).Run(Cancel));
        if (value == "null") // a null JsonNode removes the key: write it as text
            error = await Call("ADD").WithStdin(Config("ADD").Replace("{\"", $"{{\"{key}\":null,\"", StringComparison.Ordinal)).Run(Cancel);
        Assert.Contains(key, error.AssertError(6).Msg, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> OutOfBounds => new()
    {
        { "name", "\"\"" }, { "name", "\"-x\"" }, { "name", "\"a/b\"" }, { "name", "\"\\u0000\"" }, { "daemonSocket", "\"relative.sock\"" },
        { "daemonSocket", "\"\"" }, { "daemonSocket", "\"/a\\u0000b\"" }, { "daemonSocket", "\"/" + new string('s', 107) + "\"" },
        { "spoolDir", "\"spool\"" }, { "daemonWaitSeconds", "-1" }, { "daemonWaitSeconds", "1e9" }, { "deadlineSeconds", "0" },
        { "deadlineSeconds", "1e400" },
    };

    [Theory]
    [MemberData(nameof(OutOfBounds))]
    public async Task Known_key_out_of_bounds_is_an_invalid_configuration(string key, string value)
    {
        var config = Config("ADD", "1.1.0", (key, "@@")).Replace("\"@@\"", value, StringComparison.Ordinal);
        Assert.Contains(key, (await Call("ADD").WithStdin(config).Run(Cancel)).AssertError(7).Msg, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ADD", "name")]
    [InlineData("DEL", "name")]
    [InlineData("CHECK", "prevResult")]
    [InlineData("GC", "cni.dev/valid-attachments")]
    public async Task Missing_required_key_is_an_invalid_configuration(string verb, string key) =>
        Assert.Contains(key, (await Call(verb, "1.1.0", (key, null)).Run(Cancel)).AssertError(7).Msg, StringComparison.Ordinal);

    [Fact]
    public async Task Invalid_utf8_is_a_decoding_failure()
    {
        var call = Call("ADD");
        call.Stdin = [.. """{"cniVersion":"1.1.0","name":"a"""u8, 0xff, .. "\"}"u8];
        Assert.Contains("UTF-8", (await call.Run(Cancel)).AssertError(6).Msg, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nesting_up_to_the_limit_passes_and_beyond_is_refused()
    {
        await using var daemon = new ScriptedDaemon(Socket, ScriptedDaemon.Answers(CniResponse.Success()));
        (await Call("DEL").WithStdin(Nested(NetworkConfig.MaxDepth - 1)).Run(Cancel)).AssertOk();
        (await Call("DEL").WithStdin(Nested(NetworkConfig.MaxDepth)).Run(Cancel)).AssertError(6);
        (await Call("DEL").WithStdin(Nested(200_000)).Run(Cancel)).AssertError(6);
        (await Call("DEL").WithStdin(new string('[', 900_000)).Run(Cancel)).AssertError(6);
        Assert.Single(daemon.Requests);

        string Nested(int levels) => Config("DEL").Replace(
            "{\"cni", $"{{\"deep\":{new string('[', levels)}{new string(']', levels)},\"cni", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Limit)]
    [InlineData(16 * Limit)]
    public async Task Junk_of_any_size_is_a_decoding_failure(int size)
    {
        var call = Call("ADD");
        call.Stdin = new byte[size];
        new Random(size).NextBytes(call.Stdin);
        (await call.Run(Cancel)).AssertError(6);
    }

    [Fact]
    public async Task Configuration_at_the_size_limit_arrives_whole_and_one_byte_more_is_refused()
    {
        await using var daemon = new ScriptedDaemon(Socket, ScriptedDaemon.Answers(CniResponse.Success("{}")));
        var call = Call("ADD").WithStdin(Config("ADD", "1.1.0", ("pad", "@")));
        var pad = new StringBuilder().Insert(0, "\\u20ac", (Limit - call.Stdin.Length + 1) / 6).Append('p', (Limit - call.Stdin.Length + 1) % 6);
        call.WithStdin(Config("ADD", "1.1.0", ("pad", "@")).Replace("@", pad.ToString(), StringComparison.Ordinal));
        Assert.Equal(Limit, call.Stdin.Length);

        (await call.Run(Cancel)).AssertOk();
        using var sent = JsonDocument.Parse(call.Stdin);
        Assert.True(JsonElement.DeepEquals(sent.RootElement, Assert.Single(daemon.Requests).Config));

        call.Stdin = [.. call.Stdin, (byte)' '];
        Assert.Contains("longer", (await call.Run(Cancel)).AssertError(6).Msg, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Closed_stdin_is_an_io_failure()
    {
        var call = Call("ADD");
        call.Shell = "exec \"$0\" <&-";
        (await call.Run(Cancel)).AssertError(5);
        call.Shell = "exec \"$0\" <&- 2>&-";
        (await call.Run(Cancel)).AssertError(5);
    }

    [Fact]
    public async Task Stdin_that_cannot_be_read_is_an_io_failure()
    {
        var call = Call("ADD");
        call.Shell = "exec \"$0\" </"; // a directory
        (await call.Run(Cancel)).AssertError(5);
    }

    [Fact]
    public async Task Terminal_as_stdin_is_an_io_failure_and_not_a_wait()
    {
        var call = Call("STATUS");
        call.HoldStdin = true;
        call.Shell = "exec script -qec \"$0\" /dev/null";
        var outcome = await call.Run(Cancel);
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("\"code\":5", outcome.Text, StringComparison.Ordinal);
        Assert.Contains("terminal", outcome.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stdin_that_never_ends_is_an_io_failure()
    {
        var call = Call("ADD");
        call.HoldStdin = true;
        (await call.Run(Cancel)).AssertError(5);
    }

    [Fact]
    public async Task Closed_stdout_does_not_put_the_result_into_the_daemon_socket()
    {
        await using var daemon = new ScriptedDaemon(Socket, ScriptedDaemon.Answers(CniResponse.Success("{}")));
        var call = Call("ADD");
        call.Shell = "exec \"$0\" >&- 2>&-";
        await call.Run(Cancel);
        Assert.Single(daemon.Requests); // and nothing after it, or the daemon reports a violation
    }
}
