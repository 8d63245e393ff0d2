using CsCheck;
using Terway.Host.State;
using Terway.Host.Tests.Fixtures;

namespace Terway.Host.Tests.Pods;

/// <summary>Random histories of a node: ADDs and DELs of a few sandboxes of fewer pods, side by side, with kills between them.</summary>
public sealed class PodProperties
{
    private enum Act
    {
        Add,
        Del,
        LateAdd,
        Wait,
        Kill,
    }

    [Fact]
    public void Whatever_happens_no_address_is_held_twice_or_lost_and_acknowledged_calls_stand()
    {
        var act = Gen.Frequency((6, Gen.Const(Act.Add)), (5, Gen.Const(Act.Del)), (1, Gen.Const(Act.LateAdd)), (4, Gen.Const(Act.Wait)), (1, Gen.Const(Act.Kill)));
        Gen.Select(act, Gen.Int[0, 4], Gen.Int[0, 3]).Array[1, 40].Sample(
            history => PlayAsync(history).GetAwaiter().GetResult(), iter: 120, threads: 1, print: static h => string.Join(", ", h.Select(static a => $"{a.Item1} c{a.Item2} ~{a.Item3}")));
    }

    private static async Task PlayAsync((Act Act, int Container, int Pause)[] history)
    {
        await using var host = await PodHost.StartAsync();
        var calls = new List<Call>();
        var life = 0;
        Slow(host);
        foreach (var (act, container, pause) in history)
        {
            host.Time.Advance(TimeSpan.FromMilliseconds(2));
            var pod = $"p{container % 3}";
            // Taken now: a call that starts to run only after a kill is still a call of the life before.
            var network = host.Network;
            var quiet = calls.Where(c => c.Pod == pod).All(c => c.Task.IsCompleted || c.Life < life);
            switch (act)
            {
                case Act.Add or Act.LateAdd:
                    var started = host.Time.GetUtcNow() - (act == Act.LateAdd ? TimeSpan.FromMilliseconds(5) : TimeSpan.Zero);
                    calls.Add(new Call(true, $"c{container}", pod, quiet, life, Task.Run(() => (Task)host.AddAsync($"c{container}", pod, started: started, on: network))));
                    break;
                case Act.Del:
                    calls.Add(new Call(false, $"c{container}", pod, quiet, life, Task.Run(() => host.DelAsync($"c{container}", network))));
                    break;
                case Act.Wait:
                    await Task.WhenAll(calls.Where(c => c.Life == life).Select(static c => Quietly(c.Task)));
                    break;
                case Act.Kill:
                    foreach (var call in calls.Where(c => c.Life == life)) call.Acknowledged = call.Task.IsCompletedSuccessfully;
                    host.Kill();
                    life++;
                    await host.StartAgainAsync();
                    Slow(host);
                    break;
            }

            for (var i = 0; i < pause; i++) await Task.Yield();
        }

        await Task.WhenAll(calls.Where(c => c.Life == life).Select(static c => Quietly(c.Task)));
        foreach (var call in calls.Where(c => c.Life == life)) call.Acknowledged = call.Task.IsCompletedSuccessfully;
        await host.IdleAsync();

        Assert.Empty(host.World.Violations);
        var attached = host.Table.All.ToList();
        Assert.All(attached, static a => Assert.Equal(AttachmentPhase.Attached, a.Phase));
        host.AssertAgreement(attached);
        Assert.Equal(attached.Count, attached.Select(static a => a.Record.Attachment.Pod.Name).Distinct().Count());
        var present = attached.Select(static a => a.Record.Key.ContainerId).ToHashSet();
        foreach (var last in calls.GroupBy(static c => c.Container).Select(static g => g.Last()).Where(static c => !c.IsAdd && c.Acknowledged))
        {
            Assert.DoesNotContain(last.Container, present);
        }

        foreach (var last in calls.GroupBy(static c => c.Pod).Select(static g => g.Last()).Where(static c => c.IsAdd && c.Acknowledged && c.Quiet))
        {
            Assert.Contains(last.Container, present);
        }

        // Disk says the same.
        Assert.Equal(present.Order(StringComparer.Ordinal), host.RowsOnDisk().Select(static r => r.Container).Order(StringComparer.Ordinal));
    }

    private static void Slow(PodHost host) => host.Steps.At = static async (_, _) => await Task.Yield();

    private static Task Quietly(Task task) => task.ContinueWith(static _ => { }, TaskScheduler.Default).WaitAsync(TimeSpan.FromSeconds(20));

    private sealed record Call(bool IsAdd, string Container, string Pod, bool Quiet, int Life, Task Task)
    {
        public bool Acknowledged { get; set; }
    }
}
