using System.Text;
using CsCheck;
using Terway.Cni.Tests.Fixtures;

namespace Terway.Cni.Tests;

/// <summary>Random input: whatever comes, the outcome is the specification's.</summary>
public sealed class MalformedInputProperties(NodeFixture node) : CniTest(node)
{
    private static readonly Gen<byte[]> s_fragments = Gen.OneOf(
        "{", "}", "[", "]", ":", ",", "\"", "\\", "\\u", "\\ud800", "null", "true", "1e999", "-0", "\"cniVersion\"", "\"1.1.0\"", "\"name\"",
        "\"a\"", "\"prevResult\"", "{}", " ", "\0", "\u20ac").Array[0, 40].Select(parts => Encoding.UTF8.GetBytes(string.Concat(parts)));

    private static readonly Gen<byte[]> s_input = Gen.OneOf(Gen.Byte.Array[0, 300], s_fragments);

    [Fact]
    public void Parser_answers_anything_with_a_configuration_or_a_cni_error()
    {
        var valid = Encoding.UTF8.GetBytes(Config("CHECK", "1.1.0", ("runtimeConfig", new System.Text.Json.Nodes.JsonObject())));
        var mutated = Gen.Select(Gen.Int[0, valid.Length - 1], Gen.Byte, Gen.Int[0, 3], (at, value, how) => how switch
        {
            0 => [.. valid[..at], value, .. valid[(at + 1)..]],
            1 => [.. valid[..at], .. valid[(at + 1)..]],
            2 => [.. valid[..at], value, .. valid[at..]],
            _ => valid[..at],
        });
        Gen.OneOf(s_input, mutated).Sample(
            input =>
            {
                try
                {
                    NetworkConfig.Parse(input).Validate("CHECK");
                }
                catch (CniException e)
                {
                    Assert.Contains(e.Code, new[] { 1, 6, 7 });
                }
            },
            iter: 30_000);
    }

    [Fact]
    public async Task Binary_answers_random_stdin_with_an_error_object()
    {
        await s_input.SampleAsync(
            async input =>
            {
                var call = Call("STATUS");
                call.Stdin = input;
                (await call.Run(Cancel)).AssertError();
            },
            iter: 150,
            threads: 2);
    }

    [Fact]
    public async Task Binary_answers_random_environment_with_an_error_object_or_success()
    {
        var text = Gen.Char['\u0001', '\u024f'].Array[0, 20].Select(c => new string(c));
        var verb = Gen.OneOf(Gen.OneOf("ADD", "DEL", "CHECK", "STATUS", "GC", "VERSION"), text);
        await Gen.Select(verb, text, text, text, text).SampleAsync(
            async (command, id, ifName, netNs, args) =>
            {
                var call = new CniCall(Node.Binary, command).WithStdin(Config("ADD"));
                call.With("CNI_COMMAND", command).With("CNI_CONTAINERID", id).With("CNI_IFNAME", ifName).With("CNI_NETNS", netNs)
                    .With("CNI_ARGS", args).With("CNI_PATH", "/");
                var outcome = await call.Run(Cancel);
                if (outcome.ExitCode == 0)
                    Assert.True(command is "VERSION" or "DEL", outcome.ToString());
                else
                    outcome.AssertError();
            },
            iter: 150,
            threads: 2);
    }
}
