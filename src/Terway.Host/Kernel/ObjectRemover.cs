using Terway.Linux;
using Terway.Linux.Netlink;
using Terway.Plugin;

namespace Terway.Host.Kernel;

/// <summary>Takes plans away from the node. What is not there is no error. One caller at a time.</summary>
internal sealed class ObjectRemover(RtnlSocket node, BpfObjects bpf) : IDisposable
{
    private readonly RtnlBatch _batch = new();

    /// <summary>
    /// Links first, all in one step: the kernel waits once for its readers (RCU) instead of once a link. Only then the rules, so that a pod's
    /// last packets never leave by the node's own ENI, where the VPC would count them as spoofed.
    /// </summary>
    /// <exception cref="LinuxException">The kernel refused to remove an object.</exception>
    public void Remove(IReadOnlyList<IReadOnlyList<KernelObject>> plans)
    {
        _batch.Clear();
        var doomed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var plan in plans)
        {
            foreach (var o in plan)
            {
                if (o is not KernelObject.Veth veth || doomed.Contains(veth.Name)) continue;
                try
                {
                    _batch.LinkSet(new LinkChange { Name = veth.Name, Group = OwnMarks.DoomedGroup }).Ignore(Errno.ENODEV);
                    doomed.Add(veth.Name);
                }
                catch (ArgumentException)
                {
                    // No link can have this name.
                }
            }
        }

        if (doomed.Count > 0) _batch.LinkDeleteGroup(OwnMarks.DoomedGroup).Ignore(Errno.ENODEV);
        var links = new Dictionary<string, int?>(StringComparer.Ordinal);
        foreach (var plan in plans)
        {
            for (var i = plan.Count - 1; i >= 0; i--)
            {
                if (plan[i].InPod) continue;
                try
                {
                    Append(plan[i], doomed, links);
                }
                catch (Exception e) when (e is ArgumentException or FormatException)
                {
                    // It cannot be put into words for the kernel (a name too long, a rule without a prefix), so it was never made either.
                }
            }
        }

        try
        {
            if (_batch.Count > 0) node.ExecuteOrThrow(_batch);
        }
        finally
        {
            _batch.Clear();
        }

        RemoveBpf(plans, doomed, links);
    }

    public void Dispose() => _batch.Dispose();

    // After the links: a program that still runs must not meet a map without its pod. Folders last, since the others are found by them.
    private void RemoveBpf(IReadOnlyList<IReadOnlyList<KernelObject>> plans, HashSet<string> doomed, Dictionary<string, int?> links)
    {
        try
        {
            foreach (var o in plans.SelectMany(static plan => plan.Reverse()).OrderBy(static o => o is KernelObject.PinFolder))
            {
                try
                {
                    if (o is KernelObject.MapEntry entry) bpf.Remove(entry);
                    else if (o is KernelObject.TcProgram program) bpf.Remove(program, node, Find(program.LinkName, doomed, links));
                    else if (o is KernelObject.PinFolder folder) bpf.Remove(folder);
                }
                catch (Exception e) when (e is ArgumentException or FormatException)
                {
                    // Likewise never made.
                }
            }
        }
        finally
        {
            bpf.Close();
        }
    }

    private void Append(KernelObject o, HashSet<string> doomed, Dictionary<string, int?> links)
    {
        switch (o)
        {
            case KernelObject.Rule rule:
                _batch.RuleDelete(ObjectMessages.Of(rule)).Ignore(Errno.ENOENT);
                break;
            case KernelObject.Refusal refusal:
                // By the link's name: it is there also when the link is not.
                _batch.RuleDelete(ObjectMessages.Of(refusal)).Ignore(Errno.ENOENT);
                break;
            case KernelObject.Route route when Find(route.LinkName, doomed, links) is { } link:
                _batch.RouteDelete(ObjectMessages.Of(route, link)).Ignore(Errno.ESRCH, Errno.ENODEV);
                break;
            case KernelObject.Address address when Find(address.LinkName, doomed, links) is { } link:
                _batch.AddressDelete(ObjectMessages.Of(address, link)).Ignore(Errno.EADDRNOTAVAIL, Errno.ENODEV);
                break;
            case KernelObject.Neighbour neighbour when Find(neighbour.LinkName, doomed, links) is { } link:
                _batch.NeighbourDelete(ObjectMessages.Of(neighbour, link)).Ignore(Errno.ENOENT, Errno.ENODEV);
                break;
            case KernelObject.TokenBucket bucket when Find(bucket.LinkName, doomed, links) is { } link:
                _batch.QdiscDelete(new QdiscSpec { LinkIndex = link, Kind = "tbf", Parent = TcHandle.Root, Handle = TcHandle.Of(1, 0) })
                    .Ignore(Errno.ENOENT, Errno.ENODEV, Errno.EINVAL);
                break;
            case KernelObject.FairQueue queue when Find(queue.LinkName, doomed, links) is { } link:
                FairQueue.Remove(_batch, link);
                break;
            default:
                // A link stays up; a sysctl is put back by its owner, who knows the old value; the rest went with its link.
                break;
        }
    }

    // Null for a link that is gone or goes now: everything on it goes along.
    private int? Find(string name, HashSet<string> doomed, Dictionary<string, int?> links)
    {
        if (doomed.Contains(name)) return null;
        if (!links.TryGetValue(name, out var index)) links.Add(name, index = node.GetLink(name)?.Index);
        return index;
    }
}
