using Microsoft.Extensions.Logging;
using Terway.Host.Kernel;
using Terway.Host.Pods;
using Terway.Host.State;
using Terway.Plugin;

namespace Terway.Host.Node;

/// <summary>
/// Brings pods of another version of their datapath to what this start's version plans for them: made before the old is taken away, so that no
/// packet is lost. A plan that differs in the pod's link, or in anything inside the pod, would interrupt it: such a pod keeps what it has until it
/// is made anew. So does one whose datapath is not in the pool any more, or not in service. Runs before any call is served.
/// </summary>
internal sealed partial class PodHandover(ActivePlugins plugins, AttachmentTable table, StateStore store, INodeKernel kernel, ILogger log)
{
    /// <param name="inService">Whether a plugin, by name and version, has started.</param>
    /// <param name="cancellationToken">Ends the work between two pods. The next start goes on.</param>
    /// <returns>How many pods were handed over.</returns>
    /// <exception cref="StateException">Nothing was changed, or what was changed is journaled in part: the next start goes on.</exception>
    public async Task<int> RunAsync(Func<string, bool> inService, CancellationToken cancellationToken)
    {
        var changes = new List<Change>();
        foreach (var (record, phase) in table.All)
        {
            if (phase == AttachmentPhase.Attached && Plan(record, inService) is { } change) changes.Add(change);
        }

        if (changes.Count == 0) return 0;
        // Old and new until the old is gone: whatever happens in between, both are repaired, and taken away, as long as they exist.
        await JournalAsync(changes, static c => c.Record with { Objects = [.. c.Objects, .. c.Obsolete] }).ConfigureAwait(false);
        // The entries of all pods before the first pod's programs, which would send packets for the others another way.
        var made = await MakeAsync(changes, static o => o is KernelObject.MapEntry, cancellationToken).ConfigureAwait(false);
        made = await MakeAsync(made, static o => o is not KernelObject.MapEntry, cancellationToken).ConfigureAwait(false);

        try
        {
            await kernel.RemoveAsync([.. made.Select(static c => c.Obsolete)]).ConfigureAwait(false);
        }
        catch (PodNetworkException e)
        {
            LogNotRemoved(log, made.Count, e.Message);
            return made.Count;
        }

        await JournalAsync(made, static c => c.Record with { Objects = c.Objects, Datapath = c.Datapath }).ConfigureAwait(false);
        if (made.Count > 0) LogHandedOver(log, made.Count, string.Join(", ", made.Select(static c => $"{c.Record.Datapath} to {c.Datapath}").Distinct()));
        return made.Count;
    }

    private Change? Plan(AttachmentRecord record, Func<string, bool> inService)
    {
        if (plugins.FindDatapath(record.Datapath) is not { } datapath || datapath.Name == record.Datapath || !inService(datapath.Name)) return null;
        var attachment = record.Attachment;
        // Of an address whose family's plugin is gone the datapath knows nothing now.
        if (attachment.Allocation.Addresses.Any(a => plugins.Families.All(f => f.Family != a.Address.AddressFamily))) return null;
        List<KernelObject> objects;
        try
        {
            objects = [.. datapath.Part.Plan(attachment)];
            foreach (var stage in plugins.Stages) objects.AddRange(stage.Plan(attachment));
        }
#pragma warning disable CA1031 // plugin code; the pod keeps what it has
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogKept(log, record.Key, record.Datapath, $"{datapath.Name} cannot plan it: {e.Message}");
            return null;
        }

        // Nothing is known of what a recovered one has inside.
        if (record.IsRecovered) objects.RemoveAll(static o => o.InPod);
        var before = record.Objects.ToHashSet();
        var interrupting = objects.Where(o => !before.Contains(o)).Concat(record.Objects.Where(o => !objects.Contains(o)))
            .FirstOrDefault(static o => o.InPod || o is KernelObject.Veth or KernelObject.Nic);
        if (interrupting is null) return new Change(record, datapath.Name, objects, ObjectSlot.Obsolete(record.Objects, objects));
        LogKept(log, record.Key, record.Datapath, $"{datapath.Name} differs in {interrupting.GetType().Name} objects of the pod's own side");
        return null;
    }

    /// <returns>Those of which all was made.</returns>
    private async Task<List<Change>> MakeAsync(List<Change> changes, Func<KernelObject, bool> part, CancellationToken cancellationToken)
    {
        var made = new List<Change>();
        foreach (var change in changes)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var before = change.Record.Objects.ToHashSet();
            List<KernelObject> objects = [.. change.Objects.Where(o => !before.Contains(o) && part(o))];
            try
            {
                if (objects.Count > 0) await kernel.ApplyAsync(objects, netNsPath: null).ConfigureAwait(false);
                made.Add(change);
            }
            catch (PodNetworkException e)
            {
                // The journal says both now: the reconciler tries again, and tells.
                LogNotMade(log, change.Record.Key, change.Datapath, e.Message);
            }
        }

        return made;
    }

    private async Task JournalAsync(List<Change> changes, Func<Change, AttachmentRecord> record)
    {
        if (changes.Count == 0) return;
        var records = changes.ConvertAll(c => record(c));
        await store.WriteAsync([.. records.Select(static r => new StateWrite.PutAttachment(r, AttachmentPhase.Attached))]).ConfigureAwait(false);
        foreach (var written in records) table.Put(written, AttachmentPhase.Attached);
    }

    private sealed record Change(AttachmentRecord Record, string Datapath, IReadOnlyList<KernelObject> Objects, IReadOnlyList<KernelObject> Obsolete);

    [LoggerMessage(EventId = 6201, Level = LogLevel.Information, Message = "{Count} pods are handed over from {Versions}")]
    private static partial void LogHandedOver(ILogger log, int count, string versions);

    [LoggerMessage(EventId = 6202, Level = LogLevel.Information, Message = "{Key} keeps what {Datapath} made for it until it is made anew: {Reason}")]
    private static partial void LogKept(ILogger log, AttachmentKey key, string datapath, string reason);

    [LoggerMessage(EventId = 6203, Level = LogLevel.Warning, Message = "{Key} is not handed over to {Datapath} yet: {Reason}; it is tried again")]
    private static partial void LogNotMade(ILogger log, AttachmentKey key, string datapath, string reason);

    [LoggerMessage(EventId = 6204, Level = LogLevel.Warning, Message = "{Count} pods have what the new version of their datapath plans, and still what the old one did: {Reason}")]
    private static partial void LogNotRemoved(ILogger log, int count, string reason);
}
