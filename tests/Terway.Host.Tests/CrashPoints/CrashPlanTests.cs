using System.Reflection;
using Microsoft.Extensions.Logging.Abstractions;
using Terway.Host.CrashPoints;
using Terway.Host.Kernel;
using Terway.Host.State;
using Terway.Host.Tests.Fixtures;
using Terway.Plugin;

namespace Terway.Host.Tests.CrashPoints;

/// <summary>Where the daemon ends itself under test.</summary>
public sealed class CrashPlanTests
{
    private int _ends;

    [Fact]
    public void Ends_at_the_given_passing_and_moment_only()
    {
        using var plan = new CrashPlan("cloud/A#2:after", null, () => _ends++);
        plan.Pass("cloud/A", CrashMoment.Before);
        plan.Pass("cloud/A", CrashMoment.After);
        plan.Pass("cloud/B", CrashMoment.After);
        Assert.Equal(0, _ends);
        plan.Pass("cloud/A", CrashMoment.After);
        plan.Pass("cloud/A", CrashMoment.After);
        Assert.Equal(1, _ends);
    }

    [Fact]
    public void A_file_is_read_at_every_passing_and_counts_from_its_change()
    {
        using var folder = new TempFolder();
        var file = Path.Combine(folder.Path, "at");
        using var plan = new CrashPlan("@" + file, null, () => _ends++);
        plan.Pass("cloud/A", CrashMoment.Before);
        File.WriteAllText(file, "cloud/A#1:before\n");
        plan.Pass("cloud/A", CrashMoment.Before);
        Assert.Equal(1, _ends);
        File.Delete(file);
        plan.Pass("cloud/A", CrashMoment.Before);
        Assert.Equal(1, _ends);
    }

    [Theory]
    [InlineData("cloud/A")]
    [InlineData("cloud/A#0:before")]
    [InlineData("cloud/A#1:never")]
    [InlineData("#1:before")]
    public void What_is_no_target_is_refused_with_the_way_to_write_it(string text)
    {
        var e = Assert.Throws<FormatException>(() => new CrashPlan(text, null, () => _ends++));
        Assert.Contains(text, e.Message, StringComparison.Ordinal);
        Assert.Contains("POINT#N:before", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_kind_of_journal_write_and_every_change_of_the_kernel_is_a_known_point()
    {
        var known = PointNames.Known().ToHashSet();
        foreach (var kind in typeof(StateWrite).GetNestedTypes())
        {
            Assert.Contains(known, k => k.Replace("-", "", StringComparison.Ordinal).StartsWith("state/" + kind.Name.ToLowerInvariant(), StringComparison.Ordinal));
        }

        // What only looks is named here, so that a new method is a step unless somebody says otherwise in two places.
        string[] looks = ["FindLink", "WaitForLinkAsync", "WaitForLinkGoneAsync", "FindMissingAsync", "FindMissingOnNodeAsync", "ReadSysctl"];
        foreach (var method in typeof(INodeKernel).GetMethods().Where(m => !looks.Contains(m.Name)))
        {
            Assert.True(PointNames.HasEffect(method), $"{method.Name} is taken for a look");
        }
    }

    [Fact]
    public async Task A_commit_passes_its_points_around_its_effect()
    {
        using var folder = new TempFolder();
        var path = Path.Combine(folder.Path, "state.db");
        var log = Path.Combine(folder.Path, "log");
        using (var plan = new CrashPlan("state/put-fact#1:before", log, static () => throw new InvalidOperationException("the end")))
        {
            var store = StateStore.Open(path, TimeProvider.System, NullLogger.Instance, new CrashingCommits(plan));
            await Assert.ThrowsAnyAsync<Exception>(() => store.WriteAsync(new StateWrite.PutFact("a", [1])));
        }

        Assert.Equal("state/put-fact:before", File.ReadAllLines(log)[^1]);
    }

    [Fact]
    public async Task Half_a_plan_is_made_and_then_the_process_ends()
    {
        var kernel = DispatchProxy.Create<INodeKernel, Recorder>();
        using var plan = new CrashPlan("kernel/apply-node#1:half", null, () => _ends++);
        var crashing = CrashingKernel.Wrap(kernel, plan);
        KernelObject[] objects = [.. Enumerable.Range(0, 4).Select(static i => new KernelObject.Sysctl($"net/{i}", "1"))];
        await crashing.ApplyAsync(objects, netNsPath: null);
        Assert.Equal(1, _ends);
        Assert.Equal(objects[..2], Assert.Single(((Recorder)(object)kernel).Applied));
    }

    [Fact]
    public async Task Results_and_errors_of_the_kernel_come_through()
    {
        var kernel = DispatchProxy.Create<INodeKernel, Recorder>();
        using var plan = new CrashPlan(null, null, () => _ends++);
        var crashing = CrashingKernel.Wrap(kernel, plan);
        Assert.Equal(7, await crashing.RemoveUnplannedAsync(static () => []));
        Assert.Equal("1", crashing.ReadSysctl("net/x"));
        await Assert.ThrowsAsync<PodNetworkException>(() => crashing.RemoveAsync([]));
    }

#pragma warning disable CA1852 // the proxy is a generated subclass
    internal class Recorder : DispatchProxy
#pragma warning restore CA1852
    {
        public List<IReadOnlyList<KernelObject>> Applied { get; } = [];

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            switch (targetMethod!.Name)
            {
                case nameof(INodeKernel.ApplyAsync):
                    Applied.Add((IReadOnlyList<KernelObject>)args![0]!);
                    return Task.CompletedTask;
                case nameof(INodeKernel.RemoveAsync):
                    return Task.FromException(new PodNetworkException("kernel", "refused", "again", canRetry: true));
                case nameof(INodeKernel.RemoveUnplannedAsync):
                    return Task.FromResult(7);
                default:
                    return "1";
            }
        }
    }
}
