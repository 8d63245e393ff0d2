using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Terway.Cni.Wire;
using Terway.Host.Cni;
using Terway.Host.Tests.Fixtures;

namespace Terway.Host.Tests.Cni;

public sealed class SpooledDelsTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private string Spool => _folder["spool"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Dels_of_the_time_without_a_daemon_are_done_before_the_start_is_over()
    {
        await using var host = await PodHost.StartAsync();
        await host.AddAsync("c1", "a");
        await host.AddAsync("c2", "b");
        await host.AddAsync("c3", "c");
        Put("c1");
        Put("c2");
        using var spooled = await StartAsync(host);
        Assert.Empty(Directory.GetFiles(Spool));
        await host.AssertConsistentAsync("c3");
    }

    [Fact]
    public async Task Del_that_is_spooled_while_the_daemon_runs_is_done()
    {
        await using var host = await PodHost.StartAsync();
        await host.AddAsync();
        using var spooled = await StartAsync(host);
        Put("c1");
        await EmptyAsync();
        await host.AssertConsistentAsync();
    }

    [Theory]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"containerId":null,"ifName":"eth0"}""")]
    [InlineData("""{"containerId":"c1","ifName":7}""")]
    public async Task File_that_cannot_be_read_is_put_aside_and_stops_no_other(string content)
    {
        await using var host = await PodHost.StartAsync();
        await host.AddAsync();
        Directory.CreateDirectory(Spool);
        await File.WriteAllTextAsync(Path.Combine(Spool, "0000" + CniPaths.SpoolSuffix), content, TestContext.Current.CancellationToken);
        Put("c1");
        using var spooled = await StartAsync(host);
        Assert.Equal(["0000" + CniPaths.SpoolSuffix + ".unreadable"], Directory.GetFiles(Spool).Select(Path.GetFileName));
        await host.AssertConsistentAsync();
    }

    [Fact]
    public async Task Unfinished_files_of_the_entrypoint_are_left_alone()
    {
        await using var host = await PodHost.StartAsync();
        Directory.CreateDirectory(Spool);
        await File.WriteAllTextAsync(Path.Combine(Spool, "half.tmp"), "{", TestContext.Current.CancellationToken);
        using var spooled = await StartAsync(host);
        Assert.Equal(["half.tmp"], Directory.GetFiles(Spool).Select(Path.GetFileName));
    }

    private Task<SpooledDels> StartAsync(PodHost host) =>
        SpooledDels.StartAsync(Spool, host.Network, NullLogger<SpooledDels>.Instance, TestContext.Current.CancellationToken);

    // As the entrypoint does: written beside, then renamed.
    private void Put(string container)
    {
        Directory.CreateDirectory(Spool);
        var name = Path.Combine(Spool, CniPaths.SpoolFileName(container, "eth0"));
        File.WriteAllBytes(name + ".tmp", JsonSerializer.SerializeToUtf8Bytes(Samples.Request(CniVerb.Del, container, ""), WireJson.Default.CniRequest));
        File.Move(name + ".tmp", name);
    }

    private async Task EmptyAsync()
    {
        for (var i = 0; Directory.GetFiles(Spool).Length > 0; i++)
        {
            Assert.True(i < 1000, "the spooled DEL is not done");
            await Task.Delay(10);
        }
    }
}
