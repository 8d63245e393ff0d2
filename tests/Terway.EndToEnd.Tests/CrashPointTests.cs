using Terway.Lab.Chaos.Points;

namespace Terway.EndToEnd.Tests;

/// <summary>
/// The daemon's process ends before and after every step of some pieces of a node's life, and goes on; <c>./test.sh chaos --points</c> tries all
/// pieces, and of the longest ones, of which each second or third step is tried here, every step.
/// </summary>
public sealed class CrashPointTests
{
    [Theory]
    [InlineData("add", 12)]
    [InlineData("del", 8)]
    [InlineData("live-repair", 2)]
    [InlineData("exclusive-del", 8, false, 2)]
    [InlineData("add", 12, true)]
    [InlineData("del", 8, true)]
    [InlineData("live-repair", 2, true)]
    [InlineData("power-loss-add", 12)]
    [InlineData("power-loss-spool", 8, false, 3)]
    public async Task Every_step_survives_its_end_there(string scenario, int least, bool accelerated = false, int every = 1)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        var folder = Directory.CreateTempSubdirectory("terway-points-");
        var words = new StringWriter();
        var result = await new PointRun(new PointOptions(Dist: null, folder.FullName, Only: scenario, Parallel: 4, Quick: true, accelerated, every), TextWriter.Synchronized(words))
            .RunAsync(folder.FullName, TestContext.Current.CancellationToken);
        Assert.True(result.Ok, $"{words}\nlogs of the daemons: {folder.FullName}/nodes/*/logs");
        Assert.True(result.Passed >= least, $"{result.Passed} crashes\n{words}\nnot reached: {string.Join(", ", result.Unreached)}");
        TestContext.Current.TestOutputHelper?.WriteLine($"{scenario}: {result.Passed} crashes, {result.Seconds} s");
        folder.Delete(recursive: true);
    }
}
