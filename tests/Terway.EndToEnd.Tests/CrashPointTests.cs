using Terway.Lab.Chaos.Points;

namespace Terway.EndToEnd.Tests;

/// <summary>Every step of the daemon survives the end of the process before and after it: each point once; <c>./test.sh chaos --points</c> tries them all.</summary>
public sealed class CrashPointTests
{
    [Fact]
    public async Task Every_step_of_the_daemon_survives_its_end_there()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        var folder = Directory.CreateTempSubdirectory("terway-points-");
        var words = new StringWriter();
        var result = await new PointRun(new PointOptions(Dist: null, folder.FullName, Only: null, Quick: true), TextWriter.Synchronized(words))
            .RunAsync(folder.FullName, TestContext.Current.CancellationToken);
        Assert.True(result.Ok, $"{words}\nlogs of the daemons: {folder.FullName}/nodes/*/logs");
        Assert.True(result.Passed >= result.Distinct, $"{result.Passed} crashes at {result.Distinct} points\n{words}");
        folder.Delete(recursive: true);
    }
}
