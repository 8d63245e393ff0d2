using Microsoft.Extensions.Logging;
using Terway.Host.Kernel;
using Terway.Host.Pods;
using Terway.Host.State;
using Terway.Plugin;

namespace Terway.Host.Node;

/// <summary>Brings kernel and journal together after the daemon was away: finishes what was begun, repairs what is broken, removes what is nobody's.</summary>
internal sealed class StartReconciler(
    StateStore store, AttachmentTable table, PodDetacher detacher, NodeKernel kernel, NodeObjects nodeObjects, ILogger<StartReconciler> log)
{
    /// <summary>Before any call is served, and after the plugins made their node objects again.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var (record, phase) in store.Initial.Attachments) table.Put(record, phase);
        var unfinished = 0;
        foreach (var (record, phase) in store.Initial.Attachments)
        {
            if (phase == AttachmentPhase.Attached) continue;
            unfinished++;
            // Adding: the runtime heard no success and makes a new sandbox. Detaching: it heard success.
            detacher.Resume(record);
        }

        var view = await kernel.ViewAsync().ConfigureAwait(false);
        var repaired = 0;
        foreach (var (record, phase) in store.Initial.Attachments)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (phase == AttachmentPhase.Attached) repaired += await RepairAsync(record, view).ConfigureAwait(false);
        }

        var removed = await RemoveForeignRemainsAsync(view).ConfigureAwait(false);
        HostLog.Reconciled(log, table.Count - unfinished, unfinished, repaired, removed);
    }

    private async Task<int> RepairAsync(AttachmentRecord record, KernelView view)
    {
        var missing = record.Objects.Where(static o => !o.InPod).Select(o => view.Missing(o, null)).OfType<string>().ToList();
        if (missing.Count == 0) return 0;
        var pod = record.Attachment.Pod;
        // The pod died with its namespace (a reboot, say): its DEL or the runtime's next sandbox cleans up.
        if (Sandbox.InodeOf(pod.NetNsPath) != record.NetNsInode) return 0;
        try
        {
            await kernel.ApplyAsync(record.Objects, pod.NetNsPath).ConfigureAwait(false);
            HostLog.Repaired(log, record.Key.ToString(), pod.Namespace, pod.Name, string.Join("; ", missing));
            return missing.Count;
        }
        catch (PodNetworkException e)
        {
            HostLog.RepairFailed(log, record.Key.ToString(), pod.Namespace, pod.Name, e.Message);
            return 0;
        }
    }

    /// <summary>
    /// Routes and rules with our mark that no plan has. Every plan is journaled before it is made, so they stem from a state file that was lost:
    /// then pods may still use them, and they stay.
    /// </summary>
    private async Task<int> RemoveForeignRemainsAsync(KernelView view)
    {
        if (store.SetAside is not null) return 0;
        var plans = (await nodeObjects.PlansAsync().ConfigureAwait(false)).Concat(table.All.Select(static a => a.Record.Objects)).SelectMany(static p => p).ToList();
        var rules = plans.OfType<KernelObject.Rule>().Select(static r => (r.Priority, From: r.From?.ToString(), To: r.To?.ToString(), r.Table)).ToHashSet();
        var routes = plans.OfType<KernelObject.Route>().Where(static r => !r.InPod)
            .Select(static r => (r.LinkName, Destination: r.Destination.ToString(), r.Table)).ToHashSet();
        var names = view.Links.Values.ToDictionary(static l => l.Index, static l => l.Name);
        var lostRules = view.OwnRules
            .Where(r => !rules.Contains(((int)r.Priority, r.From?.ToString(), r.To?.ToString(), (int)r.Table))).ToList();
        var lostRoutes = view.OwnRoutes
            .Where(r => !routes.Contains((names.GetValueOrDefault(r.LinkIndex, ""), r.Destination.ToString(), (int)r.Table))).ToList();
        if (lostRules.Count + lostRoutes.Count > 0) await kernel.RemoveOwnAsync(lostRoutes, lostRules).ConfigureAwait(false);
        return lostRules.Count + lostRoutes.Count;
    }
}
