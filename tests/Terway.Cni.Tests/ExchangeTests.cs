using System.Text.Json;
using System.Text.Json.Nodes;
using Terway.Cni.Tests.Fixtures;
using Terway.Cni.Wire;

namespace Terway.Cni.Tests;

/// <summary>What goes to the daemon, and what is made of its answers.</summary>
public sealed class ExchangeTests(NodeFixture node) : CniTest(node)
{
    public static TheoryData<string, string> VerbsAndVersions
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var verb in new[] { "ADD", "DEL", "CHECK", "STATUS", "GC" })
            {
                foreach (var version in SpecVersion.Supported)
                {
                    if (SpecVersion.Knows(version, verb))
                        data.Add(verb, version);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(VerbsAndVersions))]
    public async Task Request_carries_everything_the_runtime_gave(string verb, string version)
    {
        await using var daemon = new ScriptedDaemon(Socket, ScriptedDaemon.Answers(CniResponse.Success("{\"x\":1}")));
        var call = Call(
            verb,
            version,
            ("prevResult", JsonNode.Parse("""{"cniVersion":"1.0.0","interfaces":[{"name":"eth0"}],"ips":[{"address":"10.1.2.3/32"}]}""")),
            ("runtimeConfig", JsonNode.Parse("""{"bandwidth":{"ingressRate":1000000}}""")),
            ("unknown", JsonNode.Parse("""{"kept":["\u00e4","\ud83d\ude00",1e3,null]}""")));
        if (verb is "ADD" or "DEL" or "CHECK")
            call.With("CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAMESPACE=a;K8S_POD_NAME=b \"c\"");

        Assert.Equal("{\"x\":1}", (await call.Run(Cancel)).AssertOk());

        var request = Assert.Single(daemon.Requests);
        Assert.Equal(verb, request.Verb);
        Assert.Equal(call.Env.GetValueOrDefault("CNI_CONTAINERID", ""), request.ContainerId);
        Assert.Equal(call.Env.GetValueOrDefault("CNI_NETNS", ""), request.NetNs);
        Assert.Equal(call.Env.GetValueOrDefault("CNI_IFNAME", ""), request.IfName);
        Assert.Equal(call.Env.GetValueOrDefault("CNI_ARGS", ""), request.Args);
        Assert.Equal(call.Env.GetValueOrDefault("CNI_PATH", ""), request.Path);
        Assert.InRange(request.DeadlineMs, 1, 20_000);
        using var sent = JsonDocument.Parse(call.Stdin);
        Assert.True(JsonElement.DeepEquals(sent.RootElement, request.Config), request.Config.GetRawText());
    }

    [Fact]
    public async Task Result_is_printed_byte_for_byte()
    {
        const string result = "{ \"cniVersion\" : \"1.1.0\",\n\t\"ips\":[ ], \"text\":\"\u20ac \\u0000 \\\" <&>'\" }\n\n";
        await using var daemon = new ScriptedDaemon(Socket, ScriptedDaemon.Answers(CniResponse.Success(result)));
        Assert.Equal(result, (await Call("ADD").Run(Cancel)).AssertOk());
    }

    [Fact]
    public async Task Result_longer_than_a_pipe_is_printed_whole()
    {
        var result = "\"" + new string('r', 1_500_000) + "\"";
        await using var daemon = new ScriptedDaemon(Socket, ScriptedDaemon.Answers(CniResponse.Success(result)));
        Assert.Equal(result, (await Call("ADD").Run(Cancel)).AssertOk());
    }

    [Theory]
    [InlineData("DEL")]
    [InlineData("CHECK")]
    [InlineData("STATUS")]
    [InlineData("GC")]
    public async Task Success_without_result_prints_nothing(string verb)
    {
        await using var daemon = new ScriptedDaemon(Socket, ScriptedDaemon.Answers(CniResponse.Success()));
        Assert.Empty((await Call(verb).Run(Cancel)).AssertOk());
    }

    [Theory]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(11)]
    [InlineData(50)]
    [InlineData(51)]
    [InlineData(142)]
    public async Task Error_of_the_daemon_is_printed_as_it_is(int code)
    {
        await using var daemon = new ScriptedDaemon(
            Socket, ScriptedDaemon.Answers(CniResponse.Failure(code, "no address left in vsw-1", "RequestId 7\n\"quoted\"")));
        foreach (var verb in new[] { "ADD", "DEL", "STATUS" })
        {
            var error = (await Call(verb).Run(Cancel)).AssertError(code);
            Assert.Equal(("1.1.0", "no address left in vsw-1", "RequestId 7\n\"quoted\""), (error.CniVersion, error.Msg, error.Details));
        }

        Assert.False(Directory.Exists(Spool));
    }

    [Fact]
    public async Task Error_carries_the_version_of_the_configuration()
    {
        await using var daemon = new ScriptedDaemon(Socket, ScriptedDaemon.Answers(CniResponse.Failure(11, "later")));
        Assert.Equal("0.3.1", (await Call("ADD", "0.3.1").Run(Cancel)).AssertError(11).CniVersion);
    }

    [Fact]
    public async Task Answer_with_members_of_a_later_release_is_understood()
    {
        await using var daemon = new ScriptedDaemon(
            Socket, ScriptedDaemon.AnswersBytes(ScriptedDaemon.Frame("""{"later":[{}],"ok":true,"stdout":"{}","x":{"y":1}}""")));
        Assert.Equal("{}", (await Call("ADD").Run(Cancel)).AssertOk());
    }

    [Fact]
    public async Task Answer_in_single_bytes_is_put_together()
    {
        await using var daemon = new ScriptedDaemon(Socket, async connection =>
        {
            await connection.ReadRequest();
            foreach (var b in ScriptedDaemon.Frame("""{"ok":true,"stdout":"{}"}"""))
            {
                await connection.Stream.WriteAsync(new[] { b }, connection.Stop);
                await Task.Delay(1, connection.Stop);
            }
        });
        Assert.Equal("{}", (await Call("ADD").Run(Cancel)).AssertOk());
    }

    public static TheoryData<string, byte[]> NoFrames => new()
    {
        { "length above the limit", [0x01, 0x00, 0x40, 0x00] },
        { "length of 4 GiB", [0xff, 0xff, 0xff, 0xff] },
        { "length of nothing", [0, 0, 0, 0] },
        { "a web server", "HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray() },
        { "no JSON", ScriptedDaemon.Frame("junk") },
        { "null", ScriptedDaemon.Frame("null") },
        { "an array", ScriptedDaemon.Frame("[1]") },
        { "a wrong type", ScriptedDaemon.Frame("""{"ok":"yes"}""") },
        { "no UTF-8", [4, 0, 0, 0, (byte)'"', 0xff, 0xfe, (byte)'"'] },
        { "half a surrogate pair", ScriptedDaemon.Frame("""{"ok":true,"stdout":"\ud800"}""") },
    };

    [Theory]
    [MemberData(nameof(NoFrames))]
    public async Task Answer_that_is_no_frame_is_a_protocol_error(string what, byte[] bytes)
    {
        Assert.NotEmpty(what);
        await using var daemon = new ScriptedDaemon(Socket, ScriptedDaemon.AnswersBytes(bytes));
        foreach (var verb in new[] { "ADD", "DEL" })
            (await Call(verb).Run(Cancel)).AssertError(CniErrorCode.Protocol);
    }

    [Fact]
    public async Task Add_reported_as_done_without_result_is_a_protocol_error()
    {
        await using var daemon = new ScriptedDaemon(Socket, ScriptedDaemon.Answers(CniResponse.Success()));
        (await Call("ADD").Run(Cancel)).AssertError(CniErrorCode.Protocol);
    }

    [Fact]
    public async Task Error_without_code_and_message_still_is_a_complete_error_object()
    {
        await using var daemon = new ScriptedDaemon(Socket, ScriptedDaemon.AnswersBytes(ScriptedDaemon.Frame("{}")));
        (await Call("ADD").Run(Cancel)).AssertError(CniErrorCode.Internal);
    }

    [Fact]
    public async Task Refusal_before_the_request_was_read_is_printed()
    {
        await using var daemon = new ScriptedDaemon(Socket, async connection =>
            await FrameStream.WriteAsync(
                connection.Stream, CniResponse.Failure(11, "draining"), WireJson.Default.CniResponse, connection.Stop));
        var call = Call("ADD", "1.1.0", ("pad", new string('p', 900_000))); // more than the socket buffers: sending fails on the way
        Assert.Equal("draining", (await call.Run(Cancel)).AssertError(11).Msg);
    }
}
