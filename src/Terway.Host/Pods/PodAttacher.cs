using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Terway.Host.Kernel;
using Terway.Host.State;
using Terway.Plugin;

namespace Terway.Host.Pods;

/// <summary>
/// Gives a pod interface its network: address, journal, kernel, stages, journal. Whatever fails on the way, or is overtaken by a DEL, is undone
/// before the caller hears of it.
/// </summary>
internal sealed partial class PodAttacher(
    ActivePlugins plugins, AttachmentTable table, StateStore store, INodeKernel kernel, PodDetacher detacher, TimeProvider time, ILogger<PodAttacher> log)
{
    /// <summary>How long an attached ENI's link may take to show up on the node.</summary>
    private static readonly TimeSpan s_linkTimeout = TimeSpan.FromSeconds(10);

    private readonly Fence<string> _hostLinks = new();

    /// <summary>Attaches <paramref name="pod"/>. The caller holds its fence.</summary>
    /// <exception cref="PodNetworkException">It has no network, and nothing is left of the attempt.</exception>
    /// <exception cref="OperationCanceledException">Likewise.</exception>
    public async Task<AttachmentRecord> AttachAsync(PodInterface pod, ulong netNsInode, AddTimes times, CancellationToken caller)
    {
        var provider = plugins.ProviderFor(pod);
        var hostLink = LinkNaming.HostLink(pod);
        // Sandboxes of the same pod have different fences but the same link: the newer one ends the older one's ADD before it goes on. Nobody
        // takes a pod interface's fence while holding this one.
        using var holding = await _hostLinks.EnterAsync(hostLink, overtake: true, caller).ConfigureAwait(false);
        using var call = CancellationTokenSource.CreateLinkedTokenSource(caller, holding.Overtaken);
        var cancellationToken = call.Token;
        await SupersedeAsync(hostLink, cancellationToken).ConfigureAwait(false);

        var allocation = await provider.Part.AllocateAsync(pod, cancellationToken).ConfigureAwait(false);
        times.Mark(AddStage.Pool);
        AttachmentRecord record;
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            record = await PlanAsync(pod, netNsInode, allocation, provider.Name, hostLink, cancellationToken).ConfigureAwait(false);
            await store.WriteAsync(new StateWrite.PutAttachment(record, AttachmentPhase.Adding)).ConfigureAwait(false);
        }
        catch
        {
            // Nothing was made yet: no packet ever left from the address.
            provider.Part.Release(allocation, used: false);
            throw;
        }

        table.Put(record, AttachmentPhase.Adding);
        times.Mark(AddStage.Commit);
        try
        {
            await kernel.ApplyAsync(record.Objects, pod.NetNsPath).ConfigureAwait(false);
            times.Mark(AddStage.Kernel);
            foreach (var stage in plugins.Stages)
            {
                cancellationToken.ThrowIfCancellationRequested();
                await stage.AttachAsync(record.Attachment, cancellationToken).ConfigureAwait(false);
            }

            times.Mark(AddStage.Stages);
            cancellationToken.ThrowIfCancellationRequested();
            await store.WriteAsync(new StateWrite.SetPhase(record.Key, AttachmentPhase.Attached)).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            LogUndo(log, record.Key, pod.Namespace, pod.Name, e.Message);
            await detacher.UndoAsync(record).ConfigureAwait(false);
            throw;
        }

        table.Put(record, AttachmentPhase.Attached);
        times.Mark(AddStage.Commit);
        return record;
    }

    /// <summary>
    /// The node's link of a pod carries the pod's name. A second sandbox of the same pod therefore waits until the first one is gone, or takes it
    /// away: the cluster knows only one pod of that name, so the first sandbox is dead.
    /// </summary>
    private async Task SupersedeAsync(string hostLink, CancellationToken cancellationToken)
    {
        if (table.FindByHostLink(hostLink) is not { } old) return;
        if (old.Phase != AttachmentPhase.Detaching) LogSuperseded(log, hostLink, old.Record.Key);
        await detacher.DetachAsync(old.Record).ConfigureAwait(false);
        await detacher.WaitGoneAsync(old.Record, cancellationToken).ConfigureAwait(false);
    }

    private async Task<AttachmentRecord> PlanAsync(
        PodInterface pod, ulong netNsInode, Allocation allocation, string provider, string hostLink, CancellationToken cancellationToken)
    {
        var link = kernel.FindLink(allocation.EniMac);
        if (link is null)
        {
            try
            {
                link = await kernel.WaitForLinkAsync(allocation.EniMac, s_linkTimeout, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException e)
            {
                throw new PodNetworkException(
                    "kernel", $"no link with MAC {allocation.EniMac} (ENI {allocation.EniId}) on this node",
                    "check that the ENI is attached and that no other program moved or removed its link", canRetry: true, e);
            }
        }

        var attachment = new Attachment
        {
            Pod = pod,
            Allocation = allocation,
            EniLink = link,
            HostLinkName = hostLink,
            HostLinkMac = LinkNaming.Mac(pod, "node"),
            PodLinkMac = LinkNaming.Mac(pod, "pod"),
            Mtu = pod.Mtu > 0 ? Math.Min(pod.Mtu, link.Mtu) : link.Mtu,
        };
        var datapath = plugins.DatapathFor(pod, allocation);
        var objects = new List<KernelObject>(datapath.Part.Plan(attachment));
        foreach (var stage in plugins.Stages) objects.AddRange(stage.Plan(attachment));
        return new AttachmentRecord
        {
            Attachment = attachment,
            NetNsInode = netNsInode,
            Objects = objects,
            Provider = provider,
            Datapath = datapath.Name,
            CreatedAt = time.GetUtcNow(),
        };
    }

    [LoggerMessage(EventId = 3001, Level = LogLevel.Warning, Message = "ADD of {Key} ({Namespace}/{Name}) is undone: {Reason}")]
    private static partial void LogUndo(ILogger log, AttachmentKey key, string @namespace, string name, string reason);

    [LoggerMessage(EventId = 3002, Level = LogLevel.Warning, Message = "Link {Link} still belongs to sandbox {Key} of the same pod, which is taken away")]
    private static partial void LogSuperseded(ILogger log, string link, AttachmentKey key);
}
