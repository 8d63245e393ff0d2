using System.Diagnostics;
using Grpc.Core;
using Terway.Host.Api.V1;
using Terway.Lab.Cloud;
using Terway.Lab.Nodes;

namespace Terway.Lab.Cluster;

/// <summary>Compares kernel, cloud and daemons with what the pods of a lab need.</summary>
public static class LeakAudit
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// What is too much or missing. Daemons do some work behind their answers (links removed, pools brought within their watermarks), so the audit
    /// is repeated until it is clean or <paramref name="patience"/> is over.
    /// </summary>
    public static async Task<LeakReport> FindAsync(RunningLab lab, TimeSpan patience, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(lab);
        return await RepeatAsync(() => CompareAsync(lab, ct), patience, ct);
    }

    /// <summary>The same for one node, its ENIs wherever they are.</summary>
    public static async Task<LeakReport> FindAsync(RunningLab lab, LabNode node, TimeSpan patience, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(lab);
        ArgumentNullException.ThrowIfNull(node);
        return await RepeatAsync(
            async () =>
            {
                var report = new LeakReport();
                await CompareAsync(lab, node, report, ct);
                AddUnattached(lab, report, e => e.Tags.ContainsValue(node.InstanceId));
                return report;
            },
            patience, ct);
    }

    private static async Task<LeakReport> RepeatAsync(Func<Task<LeakReport>> compare, TimeSpan patience, CancellationToken ct)
    {
        for (var begin = Stopwatch.GetTimestamp(); ;)
        {
            var report = await compare();
            if (report.IsClean || Stopwatch.GetElapsedTime(begin) >= patience)
                return report;
            await Task.Delay(s_poll, ct);
        }
    }

    private static async Task<LeakReport> CompareAsync(RunningLab lab, CancellationToken ct)
    {
        var report = new LeakReport();
        foreach (var node in lab.Nodes)
            await CompareAsync(lab, node, report, ct);
        AddUnattached(lab, report, static _ => true);
        return report;
    }

    private static void AddUnattached(RunningLab lab, LeakReport report, Func<EniSnapshot, bool> which) =>
        report.Cloud.AddRange(lab.Cloud.Region.Enis
            .Where(e => e.Type != EniType.Primary && e.InstanceId is null && which(e)).Select(static e => $"ENI {e.Id} is attached to nothing"));

    private static async Task CompareAsync(RunningLab lab, LabNode node, LeakReport report, CancellationToken ct)
    {
        var pods = lab.PodsOf(node).Count;
        if (pods == 0)
            report.Kernel.AddRange(lab.LeaksOf(node).Select(o => $"{node.Name}: {o}"));
        await CompareNodeAsync(lab, node, pods, report, ct);
    }

    private static async Task CompareNodeAsync(RunningLab lab, LabNode node, int pods, LeakReport report, CancellationToken ct)
    {
        NodeStatus status;
        JournalView journal;
        try
        {
            status = await NodeAgent.StatusAsync(node.Paths.Run, ct);
            journal = await JournalView.ReadAsync(node.Paths.Run, status, ct);
        }
        catch (RpcException e)
        {
            report.State.Add($"{node.Name}: the daemon does not answer: {e.Status.Detail}");
            return;
        }

        BpfAudit.Compare(lab, node, journal, report);
        if (status.Attachments != pods)
            report.State.Add($"{node.Name}: the daemon knows {status.Attachments} attachments, there are {pods} pods");
        var inUse = status.Pools.Sum(static p => p.InUse);
        if (inUse != pods)
            report.State.Add($"{node.Name}: {inUse} addresses are in use in the daemon's pools, there are {pods} pods");
        var spool = Path.Combine(node.Paths.State, "spool");
        if (Directory.Exists(spool))
            report.State.AddRange(Directory.EnumerateFiles(spool).Select(f => $"{node.Name}: spooled {Path.GetFileName(f)}"));

        var known = status.Pools.Sum(static p => p.InUse + p.Idle + p.CoolingDown);
        var enis = (lab.Cloud.Region.FindInstance(node.InstanceId)?.Enis ?? []).Where(static e => e.Type != EniType.Primary).ToList();
        // An ENI with prefixes keeps its own address for itself.
        var assigned = enis.Sum(static e => e.Ipv4Prefixes.IsEmpty ? e.PrivateIps.Length : e.Ipv4Prefixes.Length * Ipv4Pool.PrefixSize);
        if (known != assigned)
            report.Cloud.Add($"{node.Name}: {assigned} addresses on {enis.Count} ENIs in the cloud, {known} in the daemon's pools");
        // A prefix of IPv6 is never used up: there is one, or there is none.
        var ipv6 = enis.Sum(static e => e.Ipv6Addresses.Length);
        var pairs = status.Plugins.Any(static p => p.Name == "IPv6DualStack" && p.State is "Started" or "Degraded") ? enis.Where(static e => e.Ipv6Prefixes.IsEmpty).Sum(static e => e.PrivateIps.Length) : 0;
        if (ipv6 != pairs)
            report.Cloud.Add($"{node.Name}: {ipv6} IPv6 addresses on {enis.Count} ENIs in the cloud, {pairs} belong to pairs");
    }
}
