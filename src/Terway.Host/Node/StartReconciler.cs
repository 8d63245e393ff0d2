using Microsoft.Extensions.Logging;
using Terway.Host.Kernel;
using Terway.Host.Pods;
using Terway.Host.State;
using Terway.Plugin;

namespace Terway.Host.Node;

/// <summary>Brings kernel and journal together after the daemon was away: finishes what was begun, repairs what is broken, removes what is nobody's.</summary>
internal sealed class StartReconciler(
    StateStore store, AttachmentTable table, PodDetacher detacher, INodeKernel kernel, NodeObjects nodeObjects, ILogger<StartReconciler> log)
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

        var attached = store.Initial.Attachments.Where(static a => a.Phase == AttachmentPhase.Attached).Select(static a => a.Record).ToList();
        var missing = await kernel.FindMissingOnNodeAsync([.. attached.Select(static r => r.Objects)]).ConfigureAwait(false);
        var repaired = 0;
        for (var i = 0; i < attached.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (missing[i].Count > 0) repaired += await RepairAsync(attached[i], missing[i]).ConfigureAwait(false);
        }

        var removed = await RemoveUnplannedAsync().ConfigureAwait(false);
        HostLog.Reconciled(log, attached.Count, unfinished, repaired, removed);
    }

    private async Task<int> RepairAsync(AttachmentRecord record, IReadOnlyList<string> missing)
    {
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

    private async Task<int> RemoveUnplannedAsync()
    {
        // Every plan is journaled before it is made. What no plan has stems from a state file that was lost: then pods may still use it.
        if (store.SetAside is not null) return 0;
        var ofNode = await nodeObjects.PlansAsync().ConfigureAwait(false);
        return await kernel.RemoveUnplannedAsync([.. ofNode, .. table.All.Select(static a => a.Record.Objects)]).ConfigureAwait(false);
    }
}
