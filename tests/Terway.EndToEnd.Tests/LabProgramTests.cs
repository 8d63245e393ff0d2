using System.Diagnostics;
using System.Text.Json;
using Terway.Lab.Cluster;

namespace Terway.EndToEnd.Tests;

/// <summary>The programs that ./demo.sh and ./test.sh chaos run, as they run them.</summary>
public sealed class LabProgramTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Demo_shows_full_connectivity_and_leaves_nothing()
    {
        using var facts = await RunAsync("demo", "--json");
        var root = facts.RootElement;
        Assert.Equal(12, root.GetProperty("pods").GetArrayLength());
        Assert.Equal(["dual", "exclusive", "shared"], root.GetProperty("pods").EnumerateArray().Select(static p => p.GetProperty("pool").GetString()!).Distinct().Order());
        // 12 pods and 6 nodes each reach the 17 others and the host beyond the VPC; over IPv6 4 pods and 2 nodes the 5 others.
        Assert.Equal((18 * 18) + (6 * 5), root.GetProperty("connectivity").GetArrayLength());
        Assert.All(root.GetProperty("connectivity").EnumerateArray(), static cell => Assert.True(cell.GetProperty("ok").GetBoolean(), cell.GetRawText()));
        Assert.Equal(0, root.GetProperty("vpc_drops").GetInt64());
        foreach (var place in (string[])["kernel", "cloud", "state"])
            Assert.Equal(0, root.GetProperty("leaks").GetProperty(place).GetInt32());
        Assert.False(root.GetProperty("stream_interrupted").GetBoolean());
        Assert.True(root.GetProperty("stream_messages").GetInt64() > 10);
    }

    [Fact]
    public async Task Chaos_leaves_nothing_and_explains_every_error()
    {
        using var result = await RunAsync("chaos", "--ops", "80", "--kills", "10", "--seed", "7");
        var root = result.RootElement;
        Assert.Equal(80, root.GetProperty("ops").GetInt32());
        Assert.Equal(10, root.GetProperty("kills").GetInt32());
        foreach (var count in (string[])["leaks", "duplicates", "unexplained"])
            Assert.True(root.GetProperty(count).GetInt32() == 0, root.GetRawText());
    }

    private static async Task<JsonDocument> RunAsync(params string[] arguments)
    {
        var dist = DistFolder.Find();
        var start = new ProcessStartInfo(Path.Combine(dist.Root, "lab", "terway-lab")) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(Token);
        var output = await process.StandardOutput.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        Assert.True(process.ExitCode == 0, $"exit code {process.ExitCode}: {output}{await errors}");
        return JsonDocument.Parse(output.Split('\n').Last(static line => line.StartsWith('{')));
    }
}
