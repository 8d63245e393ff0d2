using System.Globalization;
using Terway.Lab.Nodes;
using Terway.Lab.Runtime;

namespace Terway.Lab.Chaos.Points;

/// <summary>The pieces of a node's life that are tried, quick ones first. The pool is that of <see cref="PointRun"/>: one idle address.</summary>
internal static class PointScenarios
{
    /// <summary>More than an ENI of the nodes' type carries.</summary>
    private const int Burst = 7;

    private static int s_number;

    public static IReadOnlyList<PointScenario> All { get; } =
    [
        new()
        {
            Name = "add",
            Prepare = static (node, ct) => PodsAsync(node, 1, ct),
            Act = AddAsync,
        },
        new()
        {
            Name = "del",
            Prepare = static (node, ct) => PodsAsync(node, 2, ct),
            Act = DeleteAsync,
        },
        new()
        {
            // The kernel refuses the pod's link, so all that was done before is undone.
            Name = "failed-add",
            Prepare = static (node, ct) => PodsAsync(node, 1, ct),
            Act = FailedAddAsync,
        },
        new()
        {
            Name = "same-name",
            Prepare = static (node, ct) => PodsAsync(node, 1, ct),
            Act = static async (node, ct) =>
            {
                var name = node.Pods[0].Name;
                await node.LoseSandboxAsync(name);
                await node.AddAsync(name, ct);
                await SettledAsync(node, ct);
            },
        },
        new()
        {
            Name = "gc",
            Prepare = static (node, ct) => PodsAsync(node, 2, ct),
            Act = static async (node, ct) =>
            {
                await node.LoseSandboxAsync(node.Pods[0].Name);
                await node.CollectGarbageAsync(ct);
                await SettledAsync(node, ct);
            },
        },
        new()
        {
            Name = "spool",
            Prepare = SpoolAsync,
            Act = StartAsync,
        },
        new()
        {
            Name = "repair",
            Prepare = static async (node, ct) =>
            {
                await PodsAsync(node, 2, ct);
                await node.KillDaemonAsync(ct);
                // What a network service that knows nothing of pods does to them, and what it leaves.
                node.Harmed = true;
                await node.ExecAsync(ct, "ip", "rule", "del", "to", node.Pods[0].Address.ToString());
                await node.ExecAsync(ct, "ip", "route", "del", node.Pods[1].Address.ToString());
            },
            Act = static async (node, ct) =>
            {
                await node.StartDaemonAsync(ct);
                await node.WaitReadyAsync(ct);
                node.Harmed = false;
                await SettledAsync(node, ct);
            },
        },
        new()
        {
            // The same while the daemon runs: it hears of it.
            Name = "live-repair",
            Prepare = static (node, ct) => PodsAsync(node, 2, ct),
            Act = static async (node, ct) =>
            {
                node.Harmed = true;
                await node.ExecAsync(ct, "ip", "rule", "flush", "priority", "2048");
                await node.ExecAsync(ct, "ip", "route", "flush", "proto", "201");
                await node.CheckAsync(ct);
                // CHECK is content with the pods' own objects; the ENI's route may have been flushed after the daemon had looked at it.
                await SettledAsync(node, ct);
                node.Harmed = false;
            },
        },
        new()
        {
            Name = "lost-journal",
            Prepare = static async (node, ct) =>
            {
                await PodsAsync(node, 2, ct);
                await node.KillDaemonAsync(ct);
                foreach (var file in Directory.EnumerateFiles(node.Node.Paths.State, "state.db*")) File.Delete(file);
            },
            Act = static async (node, ct) =>
            {
                await node.StartDaemonAsync(ct);
                await node.WaitReadyAsync(ct);
                await SettledAsync(node, ct);
                await node.CollectGarbageAsync(ct);
                await node.DeleteAsync(node.Pods[0].Name, ct);
                await SettledAsync(node, ct);
            },
        },
        new()
        {
            Name = "recover-add",
            FirstEnd = "state/set-phase-attached#1:before",
            Prepare = static (node, ct) => PodsAsync(node, 1, ct),
            Act = AddAsync,
        },
        new()
        {
            Name = "recover-del",
            FirstEnd = "kernel/remove#1:half",
            Prepare = static (node, ct) => PodsAsync(node, 2, ct),
            Act = DeleteAsync,
        },
        new()
        {
            Name = "first-start",
            Fresh = true,
            Act = FirstStartAsync,
        },
        new() { Name = "grow", Prepare = static (node, ct) => PodsAsync(node, 1, ct), Act = GrowAsync },
        new() { Name = "recover-assign", FirstEnd = "cloud/AssignPrivateIpAddresses#1:after", Prepare = static (node, ct) => PodsAsync(node, 1, ct), Act = GrowAsync },
        new() { Name = "recover-create", FirstEnd = "cloud/CreateNetworkInterface#1:after", Prepare = static (node, ct) => PodsAsync(node, 1, ct), Act = GrowAsync },
        new() { Name = "shrink", Prepare = static (node, ct) => PodsAsync(node, Burst, ct), Act = ShrinkAsync },
        new()
        {
            Name = "recover-unassign", FirstEnd = "cloud/UnassignPrivateIpAddresses#1:after",
            Prepare = static (node, ct) => PodsAsync(node, Burst, ct), Act = ShrinkAsync,
        },
        new()
        {
            Name = "recover-delete", FirstEnd = "cloud/DetachNetworkInterface#1:after",
            Prepare = static (node, ct) => PodsAsync(node, Burst, ct), Act = ShrinkAsync,
        },

        // Pods with an ENI each: the NIC has to be on the node or in its pod, whatever ends in between.
        new()
        {
            Name = "exclusive-add", Exclusive = true,
            Prepare = static (node, ct) => PodsAsync(node, 1, ct),
            Act = AddAsync,
        },
        new()
        {
            Name = "exclusive-del", Exclusive = true,
            Prepare = static (node, ct) => PodsAsync(node, 2, ct),
            Act = DeleteAsync,
        },
        new()
        {
            Name = "exclusive-failed-add", Exclusive = true,
            Prepare = static (node, ct) => PodsAsync(node, 1, ct),
            Act = FailedAddAsync,
        },
        new()
        {
            Name = "exclusive-gc", Exclusive = true,
            Prepare = static (node, ct) => PodsAsync(node, 2, ct),
            Act = static async (node, ct) =>
            {
                await node.LoseSandboxAsync(node.Pods[0].Name);
                await node.CollectGarbageAsync(ct);
                await SettledAsync(node, ct);
            },
        },
        new()
        {
            Name = "exclusive-spool", Exclusive = true,
            Prepare = SpoolAsync,
            Act = StartAsync,
        },
        new()
        {
            Name = "exclusive-live-repair", Exclusive = true,
            Prepare = static (node, ct) => PodsAsync(node, 2, ct),
            Act = static async (node, ct) =>
            {
                node.Harmed = true;
                await node.TakeNicAsync(node.Pods[0].Name, ct);
                await node.CheckAsync(ct);
                node.Harmed = false;
                await SettledAsync(node, ct);
            },
        },
        new()
        {
            Name = "exclusive-recover-add", Exclusive = true,
            FirstEnd = "state/set-phase-attached#1:before",
            Prepare = static (node, ct) => PodsAsync(node, 1, ct),
            Act = AddAsync,
        },
        new()
        {
            Name = "exclusive-recover-del", Exclusive = true,
            FirstEnd = "kernel/return-nics#1:after",
            Prepare = static (node, ct) => PodsAsync(node, 2, ct),
            Act = DeleteAsync,
        },

        // The same pieces, with the node's power instead of the daemon only.
        new() { Name = "power-loss-add", LosesPower = true, Prepare = static (node, ct) => PodsAsync(node, 2, ct), Act = AddAsync },
        new() { Name = "power-loss-del", LosesPower = true, Prepare = static (node, ct) => PodsAsync(node, 2, ct), Act = DeleteAsync },
        new() { Name = "power-loss-spool", LosesPower = true, Prepare = SpoolAsync, Act = StartAsync },
        new() { Name = "power-loss-first-start", LosesPower = true, Fresh = true, Act = FirstStartAsync },
        new() { Name = "power-loss-grow", LosesPower = true, Prepare = static (node, ct) => PodsAsync(node, 1, ct), Act = GrowAsync },
        new() { Name = "power-loss-shrink", LosesPower = true, Prepare = static (node, ct) => PodsAsync(node, Burst, ct), Act = ShrinkAsync },
        // The boot brings every NIC back to the node, whatever the journal says of it.
        new() { Name = "power-loss-exclusive-add", LosesPower = true, Exclusive = true, Prepare = static (node, ct) => PodsAsync(node, 2, ct), Act = AddAsync },
        new() { Name = "power-loss-exclusive-del", LosesPower = true, Exclusive = true, Prepare = static (node, ct) => PodsAsync(node, 2, ct), Act = DeleteAsync },

        // The second family: the same steps with twice the objects, and the cloud's calls of its own.
        new() { Name = "dual-add", Dual = true, Prepare = static (node, ct) => PodsAsync(node, 1, ct), Act = AddAsync },
        new()
        {
            Name = "dual-repair", Dual = true, Prepare = static (node, ct) => PodsAsync(node, 2, ct),
            Act = static async (node, ct) =>
            {
                node.Harmed = true;
                await node.ExecAsync(ct, "ip", "-6", "rule", "flush", "priority", "2048");
                await node.ExecAsync(ct, "ip", "-6", "route", "flush", "table", "all", "proto", "201");
                await node.CheckAsync(ct);
                // CHECK is content with the pods' own objects; the ENI's route may have been flushed after the daemon had looked at it.
                await SettledAsync(node, ct);
                node.Harmed = false;
            },
        },
        new() { Name = "dual-grow", Dual = true, Prepare = static (node, ct) => PodsAsync(node, 1, ct), Act = GrowAsync },
        new() { Name = "dual-shrink", Dual = true, Prepare = static (node, ct) => PodsAsync(node, Burst, ct), Act = ShrinkAsync },
        new()
        {
            // One family has its addresses, the other has not.
            Name = "dual-recover-half", Dual = true, FirstEnd = "cloud/AssignIpv6Addresses#1:before",
            Prepare = static (node, ct) => PodsAsync(node, 1, ct), Act = GrowAsync,
        },
        new()
        {
            Name = "dual-recover-assign", Dual = true, FirstEnd = "cloud/AssignIpv6Addresses#1:after",
            Prepare = static (node, ct) => PodsAsync(node, 1, ct), Act = GrowAsync,
        },
        new()
        {
            Name = "dual-recover-unassign", Dual = true, FirstEnd = "cloud/UnassignIpv6Addresses#1:after",
            Prepare = static (node, ct) => PodsAsync(node, Burst, ct), Act = ShrinkAsync,
        },
    ];

    private static string NewName(PointNode node) =>
        string.Create(CultureInfo.InvariantCulture, $"{node.Node.Name}-{Interlocked.Increment(ref s_number)}");

    /// <summary>A node at rest, with this many pods.</summary>
    private static async Task PodsAsync(PointNode node, int count, CancellationToken ct)
    {
        await node.StartDaemonAsync(ct);
        await node.WaitReadyAsync(ct);
        await SettledAsync(node, ct);
        await Task.WhenAll(Enumerable.Range(0, count - node.Pods.Count).Select(_ => node.AddAsync(NewName(node), ct)));
        await SettledAsync(node, ct);
    }

    private static Task SettledAsync(PointNode node, CancellationToken ct) => node.WaitSettledAsync(PointRun.IdlePool, ct);

    private static async Task AddAsync(PointNode node, CancellationToken ct)
    {
        await node.AddAsync(NewName(node), ct);
        await SettledAsync(node, ct);
    }

    private static async Task DeleteAsync(PointNode node, CancellationToken ct)
    {
        await node.DeleteAsync(node.Pods[0].Name, ct);
        await SettledAsync(node, ct);
    }

    private static async Task SpoolAsync(PointNode node, CancellationToken ct)
    {
        await PodsAsync(node, 2, ct);
        await node.KillDaemonAsync(ct);
        await node.DeleteAsync(node.Pods[0].Name, ct);
    }

    private static async Task StartAsync(PointNode node, CancellationToken ct)
    {
        await node.StartDaemonAsync(ct);
        await node.WaitReadyAsync(ct);
        await SettledAsync(node, ct);
    }

    private static async Task FirstStartAsync(PointNode node, CancellationToken ct)
    {
        await node.StartDaemonAsync(ct);
        await node.WaitReadyAsync(ct);
        await node.AddAsync(NewName(node), ct);
        await SettledAsync(node, ct);
    }

    private static async Task GrowAsync(PointNode node, CancellationToken ct)
    {
        await Task.WhenAll(Enumerable.Range(0, Burst).Select(_ => node.AddAsync(NewName(node), ct)));
        await SettledAsync(node, ct);
    }

    private static async Task ShrinkAsync(PointNode node, CancellationToken ct)
    {
        await Task.WhenAll(node.Pods.Select(p => node.DeleteAsync(p.Name, ct)));
        await SettledAsync(node, ct);
    }

    private static async Task FailedAddAsync(PointNode node, CancellationToken ct)
    {
        var sandbox = node.AddSandbox(NewName(node));
        var attachment = new CniAttachment(sandbox.Identity, sandbox.NetNsPath);
        var made = await NamespaceCommand.RunAsync(
            sandbox.NetNsPath, "ip", ["link", "add", attachment.IfName, "type", "veth", "peer", "name", "other"], null, null, ct);
        if (made.ExitCode != 0) throw new InvalidOperationException($"a link in the sandbox: {made.Error.Trim()}");
        try
        {
            await node.Runtime.AddAsync(node.Network, attachment, ct);
            node.Problem($"ADD into a sandbox that has {attachment.IfName} already succeeded");
        }
        catch (CniCallException e) when (e.Code != 0)
        {
            // As it must; a daemon that ended in the middle says "try again later".
        }

        await node.DeleteAsync(attachment, ct);
        await node.RemoveSandboxAsync(sandbox);
        await SettledAsync(node, ct);
    }
}
