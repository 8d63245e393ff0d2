using Microsoft.Extensions.Logging;
using Terway.Cni.Wire;
using Terway.Host.Cni;
using Terway.Host.Kernel;
using Terway.Host.State;
using Terway.Plugin;

namespace Terway.Host.Pods;

/// <summary>What CNI asks for, behind the fence of each pod interface.</summary>
internal sealed partial class PodNetwork(
    ActivePlugins plugins, AttachmentTable table, Fence<AttachmentKey> fence, Tombstones tombstones, PodAttacher attacher, PodDetacher detacher, INodeKernel kernel,
    IPodFacts facts, ILogger<PodNetwork> log)
{
    public IReadOnlyList<IAddressFamily> Families => plugins.Families;

    /// <summary>ADD. A repeated one gives the same answer.</summary>
    public async Task<AttachmentRecord> AddAsync(
        CniRequest request, CniNetConf conf, DateTimeOffset started, AddTimes times, CancellationToken cancellationToken)
    {
        var key = new AttachmentKey(request.ContainerId, request.IfName);
        using var holding = await fence.EnterAsync(key, overtake: false, cancellationToken).ConfigureAwait(false);
        using var call = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, holding.Overtaken);
        if (tombstones.Covers(key, started))
        {
            throw new CniException(
                CniErrorCode.UnknownContainer, $"sandbox {key} was deleted after this ADD was started; a new sandbox gets a network of its own");
        }

        if (Sandbox.InodeOf(request.NetNs) is not { } inode)
        {
            throw new CniException(
                CniErrorCode.InvalidEnvironmentVariables, $"CNI_NETNS {request.NetNs} is no network namespace (any more); the sandbox has to be made again");
        }

        if (table.FindAlsoRecovered(key) is { } existing)
        {
            if (existing.Phase == AttachmentPhase.Attached && existing.Record.NetNsInode == inode
                && existing.Record.Attachment.Pod.NetNsPath == request.NetNs
                && (await kernel.FindMissingAsync(existing.Record.Objects, request.NetNs).ConfigureAwait(false)).Count == 0)
            {
                return existing.Record;
            }

            // The same container in a new namespace, or with a network that somebody broke: the old one goes first.
            await detacher.DetachAsync(existing.Record).ConfigureAwait(false);
            await detacher.WaitGoneAsync(existing.Record, call.Token).ConfigureAwait(false);
        }

        var pod = await DescribeAsync(request, conf, call.Token).ConfigureAwait(false);
        times.Mark(AddStage.Queue);
        return await attacher.AttachAsync(pod, inode, times, call.Token).ConfigureAwait(false);
    }

    /// <summary>DEL. Succeeds on whatever is already gone.</summary>
    public async Task DeleteAsync(AttachmentKey key, CancellationToken cancellationToken)
    {
        using var holding = await fence.EnterAsync(key, overtake: true, cancellationToken).ConfigureAwait(false);
        // Also when something was attached: a second ADD of the sandbox may be on its way still.
        if (table.FindAlsoRecovered(key) is { } existing)
        {
            await detacher.DetachAsync(existing.Record, tombstones.Add(key)).ConfigureAwait(false);
            await detacher.WaitNicsBackAsync(existing.Record).ConfigureAwait(false);
        }
        else
        {
            await tombstones.AddAsync(key).ConfigureAwait(false);
        }
    }

    /// <summary>CHECK.</summary>
    /// <exception cref="CniException">The pod's network is not as ADD left it; the message lists what is missing.</exception>
    public async Task CheckAsync(CniRequest request, CancellationToken cancellationToken)
    {
        var key = new AttachmentKey(request.ContainerId, request.IfName);
        using var holding = await fence.EnterAsync(key, overtake: false, cancellationToken).ConfigureAwait(false);
        if (table.FindAlsoRecovered(key) is not { Phase: AttachmentPhase.Attached } existing)
        {
            throw new CniException(CniErrorCode.UnknownContainer, $"no network was given to {key}");
        }

        var missing = await kernel.FindMissingAsync(existing.Record.Objects, request.NetNs).ConfigureAwait(false);
        if (missing.Count > 0)
        {
            throw new CniException(
                CniErrorCode.Internal, $"the network of {key} is broken: missing {string.Join("; ", missing)}",
                "the sandbox has to be made again, or the daemon restarted, which repairs what is on the node");
        }
    }

    /// <summary>GC: takes away every attachment that the runtime does not know.</summary>
    /// <param name="valid">Those it knows.</param>
    /// <param name="started">When it made that list, at the latest.</param>
    /// <param name="cancellationToken">Ends the call between two attachments.</param>
    public async Task CollectGarbageAsync(HashSet<AttachmentKey> valid, DateTimeOffset started, CancellationToken cancellationToken)
    {
        foreach (var (record, phase) in table.All.ToList())
        {
            // One added meanwhile is not garbage; it is in the next list or gets a DEL.
            if (valid.Contains(record.Key) || IsValidRecovered(record, valid) || phase == AttachmentPhase.Adding || record.CreatedAt >= started) continue;
            using var holding = await fence.EnterAsync(record.Key, overtake: false, cancellationToken).ConfigureAwait(false);
            if (table.Find(record.Key) is { } found && ReferenceEquals(found.Record, record))
            {
                // One that goes already has been told of.
                if (found.Phase == AttachmentPhase.Attached) LogGarbage(log, record.Key, record.Attachment.Pod.Namespace, record.Attachment.Pod.Name);
                await detacher.DetachAsync(record).ConfigureAwait(false);
            }
        }
    }

    // One that cannot be told from others is nobody's to remove: it goes with its namespace.
    private static bool IsValidRecovered(AttachmentRecord record, HashSet<AttachmentKey> valid) => record.IsRecovered
        && (record.Attachment.PodLinkMac.Length == 0 || valid.Any(k => LinkNaming.PodMac(k.ContainerId, k.IfName) == record.Attachment.PodLinkMac));

    private async Task<PodInterface> DescribeAsync(CniRequest request, CniNetConf conf, CancellationToken cancellationToken)
    {
        var args = CniArgs.Parse(request.Args);
        var ns = args.GetValueOrDefault("K8S_POD_NAMESPACE", "");
        var name = args.GetValueOrDefault("K8S_POD_NAME", "");
        var known = await facts.FindAsync(ns, name, cancellationToken).ConfigureAwait(false);
        Bandwidth bandwidth;
        try
        {
            bandwidth = Bandwidth.Read(conf.Raw, known.Annotations);
        }
        catch (FormatException e)
        {
            throw new CniException(CniErrorCode.InvalidNetworkConfig, e.Message, inner: e);
        }

        return new PodInterface
        {
            ContainerId = request.ContainerId,
            IfName = request.IfName,
            NetNsPath = request.NetNs,
            Namespace = ns,
            Name = name,
            Uid = args.GetValueOrDefault("K8S_POD_UID", known.Uid),
            Labels = known.Labels,
            Annotations = known.Annotations,
            IngressBytesPerSecond = bandwidth.Ingress,
            EgressBytesPerSecond = bandwidth.Egress,
            Mtu = conf.Mtu,
        };
    }

    [LoggerMessage(EventId = 4030, Level = LogLevel.Warning, Message = "GC takes away {Key} ({Namespace}/{Name}), which the runtime does not know")]
    private static partial void LogGarbage(ILogger log, AttachmentKey key, string @namespace, string name);
}
