using System.Net;
using Microsoft.Extensions.Logging;
using Terway.Host.Node;
using Terway.Host.Pods;
using Terway.Host.State;
using Terway.Linux.Netlink;
using Terway.Plugin;

namespace Terway.Host.Kernel;

/// <summary>
/// Notices when somebody takes away what a journaled plan holds: rules, routes, addresses, queueing disciplines, links. What the daemon removes
/// itself is in no plan by then, and what it makes does not wake this thread.
/// </summary>
internal sealed partial class KernelWatch : IDisposable
{
    private const RtnlGroups Groups = RtnlGroups.Rules | RtnlGroups.Routes | RtnlGroups.Addresses | RtnlGroups.TrafficControl;

    private readonly AttachmentTable _table;
    private readonly NodeObjects _objects;
    private readonly LinkTable _links;
    private readonly Action _missing;
    private readonly ILogger _log;
    private readonly RtnlMonitor _monitor;

    private KernelWatch(AttachmentTable table, NodeObjects objects, LinkTable links, Action missing, ILogger log)
    {
        _table = table;
        _objects = objects;
        _links = links;
        _missing = missing;
        _log = log;
        _monitor = RtnlMonitor.StartForRemovals(Groups, Handle, e => LogFailed(_log, e));
        _links.Removed += HandleLink;
        _links.Down += HandleLink;
    }

    /// <summary>Starts watching the calling thread's namespace.</summary>
    /// <param name="table">The pods' plans.</param>
    /// <param name="objects">The plugins' plans.</param>
    /// <param name="links">Kept current by a <see cref="LinkWatch"/> of the same namespace.</param>
    /// <param name="missing">Called, on a thread of the kernel's notifications, when a plan lacks something; must be quick.</param>
    /// <param name="log">Where the end of the watch is told.</param>
    public static KernelWatch Start(AttachmentTable table, NodeObjects objects, LinkTable links, Action missing, ILogger<KernelWatch> log) =>
        new(table, objects, links, missing, log);

    public void Dispose()
    {
        _links.Removed -= HandleLink;
        _links.Down -= HandleLink;
        _monitor.Dispose();
    }

    private void Handle(RtnlEvent e)
    {
        if (Concerns(e)) _missing();
    }

    private void HandleLink(NodeLink link)
    {
        if (OfPod(link.Name) || _objects.Uses(link.Name) || IsHome(link)) _missing();
    }

    private bool Concerns(RtnlEvent e) => e switch
    {
        RtnlEvent.Resync => true,
        RtnlEvent.RuleChanged { Removed: true, Rule.Protocol: OwnMarks.RouteProtocol } change =>
            (change.Rule.From ?? change.Rule.To) is not { } prefix || Planned(prefix),
        RtnlEvent.RouteChanged { Removed: true, Route.Protocol: OwnMarks.RouteProtocol } change => Planned(change.Route.Destination),
        RtnlEvent.AddressChanged { Removed: true } change => _links.Find(change.Address.LinkIndex) is { } link && _objects.Uses(link.Name),
        RtnlEvent.QdiscChanged { Removed: true, Qdisc.Kind: "tbf" } change => _links.Find(change.Qdisc.LinkIndex) is { } link && OfPod(link.Name),
        RtnlEvent.QdiscChanged { Removed: true, Qdisc.Kind: "clsact" or "fq" or "mq" } change => IsPlanned(change.Qdisc.LinkIndex),
        RtnlEvent.FilterChanged { Removed: true, Filter.Kind: "bpf" } change => IsPlanned(change.Filter.LinkIndex),
        _ => false,
    };

    private bool IsPlanned(int index) => _links.Find(index) is { } link && (OfPod(link.Name) || _objects.Uses(link.Name));

    // A host prefix is a pod's; any other, such as a default route, is the node's.
    private bool Planned(IpPrefix prefix) =>
        prefix.Length != prefix.Address.GetAddressBytes().Length * 8 || _table.FindByAddress(prefix.Address) is { Phase: AttachmentPhase.Attached };

    // A NIC that a pod has and that is on the node: its namespace died, or somebody took it out. It arrives down. On its way into the pod it leaves.
    private bool IsHome(NodeLink link) => _table.FindByNic(link.Mac) is { Phase: AttachmentPhase.Attached } && _links.Find(link.Index) is not null;

    private bool OfPod(string link) => _table.FindByHostLink(link) is { Phase: AttachmentPhase.Attached };

    [LoggerMessage(EventId = 6002, Level = LogLevel.Critical, Message = "The node's rules and routes are not watched any more: what others remove comes back only with the periodic comparison; restart the daemon")]
    private static partial void LogFailed(ILogger log, Exception e);
}
