using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Terway.AlibabaCloud.Metadata;
using Terway.Host.Kernel;
using Terway.Host.Pods;
using Terway.Host.State;
using Terway.Plugin;

namespace Terway.Host.Node;

/// <summary>
/// Makes up for a journal that was lost, damaged or deleted: a pod whose link and routes are on the node keeps its address, so that nobody else is
/// given it. Runs whenever a state file is new, on the very first start of a node as well, where it finds nothing.
/// </summary>
internal sealed partial class StateRecovery(
    StateStore store, ActivePlugins plugins, LinkTable links, Func<string, CancellationToken, Task<MetadataEni?>> eniByMac,
    Func<CancellationToken, Task<IReadOnlyList<string>>> macs, TimeProvider time, ILogger log)
{
    /// <summary>In the state file since its pods were looked for.</summary>
    public const string DoneFact = "recovered";

    // Upstream's number, see the datapaths: the table of an ENI is this and the index of its link.
    private const int TableBase = 1000;

    /// <summary>Whether the state file knows all pods that were on the node when it was begun.</summary>
    public static bool IsDone(StateStore store) => store.Initial.Facts.ContainsKey(DoneFact);

    /// <summary>The journal's attachments with those that only the kernel knows, which are journaled by now.</summary>
    /// <param name="traces">What the kernel shows.</param>
    /// <param name="cancellationToken">Ends the work before anything is journaled.</param>
    /// <exception cref="StateException">The ENI of a pod cannot be told now: the daemon must not serve, since it could give the address away.</exception>
    public async Task<IReadOnlyList<(AttachmentRecord Record, AttachmentPhase Phase)>> RunAsync(
        IReadOnlyList<PodTrace> traces, CancellationToken cancellationToken)
    {
        var known = store.Initial.Attachments.Select(static a => a.Record.Attachment.HostLinkName).ToHashSet(StringComparer.Ordinal);
        var recovered = new List<AttachmentRecord>();
        foreach (var trace in traces.Where(t => !known.Contains(t.HostLink)))
        {
            if (await RecoverAsync(trace, cancellationToken).ConfigureAwait(false) is { } record) recovered.Add(record);
        }

        var writes = new List<StateWrite>(recovered.Select(static r => new StateWrite.PutAttachment(r, AttachmentPhase.Attached)))
        {
            new StateWrite.PutFact(DoneFact, []),
        };
        await store.WriteAsync([.. writes]).ConfigureAwait(false);
        if (recovered.Count > 0) LogRecovered(log, recovered.Count, string.Join(", ", recovered.SelectMany(static r => r.Attachment.Allocation.Addresses).Select(static a => a.Address)));
        return [.. store.Initial.Attachments, .. recovered.Select(static r => (r, AttachmentPhase.Attached))];
    }

    private async Task<AttachmentRecord?> RecoverAsync(PodTrace trace, CancellationToken cancellationToken)
    {
        (NodeLink Link, MetadataEni Eni)? found;
        try
        {
            found = await FindEniAsync(trace, cancellationToken).ConfigureAwait(false);
        }
        catch (MetadataException e)
        {
            throw new StateException(
                $"the state file was lost, {trace.HostLink} has {string.Join(", ", trace.Addresses)}, and the metadata service, which alone can tell "
                + $"of which ENI, does not answer ({e.Message}); start again when it does", e);
        }

        if (found is not ({ } eniLink, { } eni))
        {
            LogUntold(log, trace.HostLink, string.Join(", ", trace.Addresses));
            return null;
        }

        var pod = new PodInterface { ContainerId = AttachmentRecord.RecoveredPrefix + trace.HostLink, IfName = "eth0", NetNsPath = "" };
        var allocation = new Allocation
        {
            EniId = eni.NetworkInterfaceId,
            EniMac = eniLink.Mac,
            Addresses = [.. trace.Addresses.Select(a => Of(a, eni)).OfType<PodAddress>()],
        };
        return new AttachmentRecord
        {
            Attachment = new Attachment
            {
                Pod = pod,
                Allocation = allocation,
                EniLink = eniLink,
                HostLinkName = trace.HostLink,
                HostLinkMac = trace.HostMac,
                PodLinkMac = trace.PodMac,
                Mtu = trace.Mtu,
            },
            NetNsInode = 0,
            // Index 0: the link is not on the node, but in the pod.
            Objects = eniLink.Index == 0 ? Objects(trace, eniLink) : Objects(trace, TableBase + eniLink.Index),
            Provider = NameOf(() => plugins.ProviderFor(pod).Name, plugins.Providers.Count > 0 ? plugins.Providers[0].Name : ""),
            Datapath = NameOf(() => DatapathOf(plugins.DatapathFor(pod, allocation).Name, trace), ""),
            CreatedAt = time.GetUtcNow(),
        };
    }

    // By the table that the pod's rule names, or, when somebody flushed the rules, by asking for every link that may be an ENI's.
    private async Task<(NodeLink Link, MetadataEni Eni)?> FindEniAsync(PodTrace trace, CancellationToken cancellationToken)
    {
        var named = trace.Table > TableBase ? links.Find(trace.Table - TableBase) : null;
        foreach (var link in named is null ? links.All.Where(static l => !l.Name.StartsWith("cali", StringComparison.Ordinal)) : [named])
        {
            if (await eniByMac(link.Mac, cancellationToken).ConfigureAwait(false) is { } eni
                && (named is not null || trace.Addresses.Any(a => eni.PrivateIpv4s.Contains(a) || eni.Ipv6s.Contains(a))))
            {
                return (link, eni);
            }
        }

        return named is null ? await FindInPodAsync(trace, cancellationToken).ConfigureAwait(false) : null;
    }

    // A pod that has a NIC of its own: the ENI is attached, but no link on the node is its. Its name there is not known any more.
    private async Task<(NodeLink Link, MetadataEni Eni)?> FindInPodAsync(PodTrace trace, CancellationToken cancellationToken)
    {
        foreach (var mac in await macs(cancellationToken).ConfigureAwait(false))
        {
            if (links.Find(mac) is null && await eniByMac(mac, cancellationToken).ConfigureAwait(false) is { } eni
                && trace.Addresses.All(a => eni.PrivateIpv4s.Contains(a) || eni.Ipv6s.Contains(a)))
            {
                return (new NodeLink("eni" + mac.Replace(":", "", StringComparison.Ordinal), 0, mac.ToLowerInvariant(), trace.Mtu), eni);
            }
        }

        return null;
    }

    private static PodAddress? Of(IPAddress address, MetadataEni eni) => address.AddressFamily == AddressFamily.InterNetwork
        ? new PodAddress(address, eni.VSwitchCidrBlock, eni.Gateway)
        : eni is { VSwitchIpv6CidrBlock: { } cidr, Ipv6Gateway: { } gateway } ? new PodAddress(address, cidr, gateway) : null;

    // What is on the node, in the order in which datapaths make it; what is in the pod stays as it is.
    private static List<KernelObject> Objects(PodTrace trace, int table)
    {
        var objects = new List<KernelObject> { new KernelObject.Veth(trace.HostLink, "eth0", trace.HostMac, trace.PodMac, trace.Mtu) };
        foreach (var address in trace.Addresses)
        {
            var own = new IPNetwork(address, address.GetAddressBytes().Length * 8);
            if (trace.PodMac.Length > 0) objects.Add(new KernelObject.Neighbour(trace.HostLink, address, trace.PodMac));
            objects.Add(new KernelObject.Route(trace.HostLink, own));
            objects.Add(new KernelObject.Rule(512, null, own, 254));
            objects.Add(new KernelObject.Rule(2048, own, null, table));
        }

        return objects;
    }

    // The NIC comes home with its namespace, wherever that is; the names in the pod are those of the datapath.
    private static List<KernelObject> Objects(PodTrace trace, NodeLink nic)
    {
        var objects = new List<KernelObject>
        {
            new KernelObject.Nic(nic, "eth0", trace.Mtu),
            new KernelObject.Veth(trace.HostLink, "veth1", trace.HostMac, trace.PodMac, trace.Mtu),
        };
        foreach (var address in trace.Addresses)
        {
            if (trace.PodMac.Length > 0) objects.Add(new KernelObject.Neighbour(trace.HostLink, address, trace.PodMac));
            objects.Add(new KernelObject.Route(trace.HostLink, new IPNetwork(address, address.GetAddressBytes().Length * 8)));
        }

        return objects;
    }

    // Of whatever version: what its datapath plans beyond the above, programs say, comes with the handover to this start's. But a limit is not known, only
    // that there is one: a plan without it would undo it.
    private static string DatapathOf(string name, PodTrace trace) => trace.IsShaped ? name : ActivePlugins.PluginName(name).ToString();

    private static string NameOf(Func<string> choose, string fallback)
    {
        try
        {
            return choose();
        }
        catch (PodNetworkException)
        {
            // The configuration has no plugin for such a pod any more: its address is kept all the same.
            return fallback;
        }
    }

    [LoggerMessage(EventId = 1020, Level = LogLevel.Warning, Message = "The state file is new: {Count} pods were found by what the kernel holds of them and keep {Addresses}")]
    private static partial void LogRecovered(ILogger log, int count, string addresses);

    [LoggerMessage(EventId = 1021, Level = LogLevel.Error, Message = "The state file is new, and {Link} with {Addresses} belongs to no ENI of this node: it cannot reach the VPC and is left alone")]
    private static partial void LogUntold(ILogger log, string link, string addresses);
}
