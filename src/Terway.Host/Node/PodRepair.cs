using Microsoft.Extensions.Logging;
using Terway.Host.Kernel;
using Terway.Host.Observability;
using Terway.Host.Pods;
using Terway.Host.State;
using Terway.Plugin;

namespace Terway.Host.Node;

/// <summary>Compares attached pods with the kernel, makes again what is missing of them, and lets go of pods that died without a DEL.</summary>
internal sealed class PodRepair(AttachmentTable table, PodDetacher detacher, INodeKernel kernel, ActivePlugins plugins, ILogger log)
{
    // Pods whose sandbox and link were gone the last time as well.
    private HashSet<AttachmentRecord> _gone = new(ReferenceEqualityComparer.Instance);

    /// <summary>One comparison of all attached pods.</summary>
    /// <param name="reclaim">
    /// Whether pods without sandbox and link count as gone; at the second time in a row they are detached. The runtime's own DEL, which may be on
    /// its way, finds nothing then and succeeds.
    /// </param>
    /// <param name="cancellationToken">Ends the work between two pods.</param>
    /// <returns>How many objects were made again, and what could not be, in words.</returns>
    public async Task<(int Repaired, IReadOnlyList<string> Failed)> RunAsync(bool reclaim, CancellationToken cancellationToken)
    {
        var attached = table.All.Where(static a => a.Phase == AttachmentPhase.Attached).Select(static a => a.Record).ToList();
        if (attached.Count == 0) return (0, []);
        var missing = await kernel.FindMissingOnNodeAsync([.. attached.Select(static r => r.Objects)]).ConfigureAwait(false);
        var repaired = 0;
        var failed = new List<string>();
        var gone = new HashSet<AttachmentRecord>(ReferenceEqualityComparer.Instance);
        for (var i = 0; i < attached.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var record = attached[i];
            if (missing[i].Count == 0) continue;
            var link = missing[i].Any(static m => m.Object is KernelObject.Veth or KernelObject.Nic);
            // The pod died with its namespace (a reboot, say): its veth is gone, its NIC back on the node. A link that is still there says that it
            // lives, and that only its path is hidden.
            if (link && !IsAlive(record)) gone.Add(record);
            else repaired += await RepairAsync(record, missing[i], link, failed, cancellationToken).ConfigureAwait(false);
        }

        if (reclaim)
        {
            foreach (var record in gone.Where(_gone.Contains)) await LetGoAsync(record).ConfigureAwait(false);
            _gone = gone;
        }

        return (repaired, failed);
    }

    private static bool IsAlive(AttachmentRecord record) => Sandbox.InodeOf(record.Attachment.Pod.NetNsPath) == record.NetNsInode;

    private async Task<int> RepairAsync(
        AttachmentRecord record, IReadOnlyList<MissingObject> missing, bool link, List<string> failed, CancellationToken cancellationToken)
    {
        var pod = record.Attachment.Pod;
        // With its link everything on it went, in the pod as well.
        IReadOnlyList<KernelObject> objects = link ? record.Objects : [.. missing.Select(static m => m.Object)];
        try
        {
            if (!await kernel.RepairAsync(objects, link ? pod.NetNsPath : null, () => IsAttached(record)).ConfigureAwait(false)) return 0;
            if (link)
            {
                foreach (var stage in plugins.Stages) await stage.AttachAsync(record.Attachment, cancellationToken).ConfigureAwait(false);
            }

            HostLog.Repaired(log, record.Key.ToString(), pod.Namespace, pod.Name, string.Join("; ", missing.Select(static m => m.Text)));
            return missing.Count;
        }
#pragma warning disable CA1031 // the kernel's refusal or a plugin's failure: one pod's must not keep the others from being repaired
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            HostLog.RepairFailed(log, record.Key.ToString(), pod.Namespace, pod.Name, e.Message);
            failed.Add($"{pod.Namespace}/{pod.Name}: {e.Message}");
            return 0;
        }
    }

    private bool IsAttached(AttachmentRecord record) =>
        table.Find(record.Key) is { Phase: AttachmentPhase.Attached } found && ReferenceEquals(found.Record, record);

    private async Task LetGoAsync(AttachmentRecord record)
    {
        var pod = record.Attachment.Pod;
        HostLog.SandboxGone(log, record.Key.ToString(), pod.Namespace, pod.Name);
        await detacher.DetachAsync(record).ConfigureAwait(false);
        ReconcileMetrics.Returned("address", record.Attachment.Allocation.Addresses.Count);
    }
}
