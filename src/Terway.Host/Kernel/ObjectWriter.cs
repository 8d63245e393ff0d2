using Terway.Linux;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;
using Terway.Plugin;

namespace Terway.Host.Kernel;

/// <summary>Makes the objects of one plan, in order, with as few round trips as the order allows. One caller at a time.</summary>
internal sealed class ObjectWriter(RtnlSocket node, NetNsThread namespaces, NetNs home, BpfObjects bpf) : IDisposable
{
    private readonly RtnlBatch _batch = new();

    /// <exception cref="LinuxException">The kernel refused an object.</exception>
    /// <exception cref="InvalidOperationException">The plan asks for a link that is not there.</exception>
    public void Apply(IReadOnlyList<KernelObject> objects, NetNs? pod)
    {
        RtnlSocket? podSocket = null;
        try
        {
            var nodeLinks = new LinkIndexes(node, "node");
            LinkIndexes? podLinks = null;
            var inPod = false;
            var made = new HashSet<string>(StringComparer.Ordinal);
            _batch.Clear();
            foreach (var o in objects)
            {
                // Objects are made in the plan's order: a change of namespace ends the batch.
                if (o.InPod != inPod) Flush(inPod ? podSocket! : node);
                inPod = o.InPod;
                if (inPod && podSocket is null)
                {
                    podSocket = RtnlSocket.Open(namespaces, pod ?? throw new InvalidOperationException("the plan has objects in a pod, but there is none"));
                    podLinks = new LinkIndexes(podSocket, "pod");
                }

                switch (o)
                {
                    case KernelObject.Veth veth:
                        Flush(node);
                        podSocket ??= RtnlSocket.Open(namespaces, pod ?? throw new InvalidOperationException("the plan has a veth, but there is no pod"));
                        podLinks ??= new LinkIndexes(podSocket, "pod");
                        if (MakeVeth(veth, pod!, podSocket)) made.Add(veth.Name);
                        // The kernel does not bring a peer up as it makes it: that goes with whatever comes next in the pod.
                        _batch.LinkSet(new LinkChange { Index = podLinks[veth.PodName], Up = true });
                        inPod = true;
                        break;
                    case KernelObject.Nic nic:
                        Flush(inPod ? podSocket! : node);
                        podSocket ??= RtnlSocket.Open(namespaces, pod ?? throw new InvalidOperationException("the plan has a NIC for a pod, but there is none"));
                        podLinks ??= new LinkIndexes(podSocket, "pod");
                        MoveNic(nic, pod!, podSocket);
                        _batch.LinkSet(new LinkChange { Index = podLinks[nic.PodName], Up = true, Mtu = nic.Mtu });
                        inPod = true;
                        break;
                    case KernelObject.Sysctl sysctl:
                        Flush(inPod ? podSocket! : node);
                        Linux.Sysctl.Write(namespaces, inPod ? pod! : home, sysctl.Path, sysctl.Value);
                        break;
                    case KernelObject.PinFolder folder:
                        bpf.Make(folder);
                        break;
                    case KernelObject.FairQueue queue:
                        Flush(inPod ? podSocket! : node);
                        FairQueues.Make(queue, inPod ? podSocket! : node);
                        break;
                    case KernelObject.MapEntry entry:
                        // Not before the routes and neighbours that the plan put in front of it.
                        Flush(node);
                        bpf.Make(entry, entry.LinkName is null ? 0 : nodeLinks[entry.LinkName]);
                        break;
                    case KernelObject.TcProgram program:
                        // Not before what the plan put in front of it.
                        if (bpf.AttachesAtOnce) Flush(node);
                        bpf.Make(program, nodeLinks[program.LinkName], _batch);
                        break;
                    default:
                        Append(o, inPod ? podLinks! : nodeLinks);
                        break;
                }
            }

            Flush(inPod ? podSocket! : node);
            // A link that this plan makes has nothing of an earlier life.
            foreach (var program in objects.OfType<KernelObject.TcProgram>().Where(p => !made.Contains(p.LinkName)))
                bpf.RemoveOther(program, node, nodeLinks[program.LinkName]);
        }
        finally
        {
            podSocket?.Dispose();
            bpf.Close();
        }
    }

    public void Dispose() => _batch.Dispose();

    private void Append(KernelObject o, LinkIndexes links)
    {
        switch (o)
        {
            case KernelObject.Link link:
                _batch.LinkSet(new LinkChange { Index = links[link.Name], Up = true, Mtu = link.Mtu > 0 ? link.Mtu : null });
                break;
            case KernelObject.Address address:
                _batch.AddressReplace(ObjectMessages.Of(address, links[address.LinkName]));
                break;
            case KernelObject.Route route:
                _batch.RouteReplace(ObjectMessages.Of(route, links[route.LinkName]));
                break;
            case KernelObject.Rule rule:
                // The kernel finds an equal rule by itself (NLM_F_EXCL): no dump is needed to stay idempotent.
                _batch.RuleAdd(ObjectMessages.Of(rule)).Ignore(Errno.EEXIST);
                break;
            case KernelObject.Refusal refusal:
                _batch.RuleAdd(ObjectMessages.Of(refusal)).Ignore(Errno.EEXIST);
                break;
            case KernelObject.Neighbour neighbour:
                _batch.NeighbourReplace(ObjectMessages.Of(neighbour, links[neighbour.LinkName]));
                break;
            case KernelObject.TokenBucket bucket:
                _batch.TbfReplace(ObjectMessages.Of(bucket, links[bucket.LinkName]));
                break;
            default:
                throw new InvalidOperationException($"this daemon cannot make a {o.GetType().Name}");
        }
    }

    private void Flush(RtnlSocket socket)
    {
        if (_batch.Count == 0) return;
        try
        {
            socket.ExecuteOrThrow(_batch);
        }
        finally
        {
            _batch.Clear();
        }
    }

    private void MoveNic(KernelObject.Nic nic, NetNs pod, RtnlSocket podSocket)
    {
        if (podSocket.GetLink(nic.PodName) is { } there)
        {
            // The plan is made again: a repair, or a repeated ADD.
            if (NicReturn.IsIt(there, nic)) return;
            throw new InvalidOperationException(
                $"the sandbox already has an interface {nic.PodName}; another plugin made it, or its namespace is shared");
        }

        // By its name, which costs no dump; by its MAC address when somebody renamed it meanwhile.
        var link = node.GetLink(nic.On.Name) is { } named && NicReturn.IsIt(named, nic) ? named : NicReturn.Find(node, nic);
        if (link is null)
        {
            throw new InvalidOperationException($"no link with MAC {nic.On.Mac} is on the node: the ENI was detached, or something else took its link");
        }

        // One message: it arrives down, without addresses, and gets its name there.
        _batch.LinkSet(new LinkChange { Index = link.Index, NetNs = pod, NewName = nic.PodName });
        Flush(node);
    }

    // False when it was there.
    private bool MakeVeth(KernelObject.Veth veth, NetNs pod, RtnlSocket podSocket)
    {
        try
        {
            AddVeth(veth, pod);
            return true;
        }
        catch (NetlinkException e) when (e.Errno == Errno.EEXIST)
        {
            var existing = node.GetLink(veth.Name);
            var inPod = podSocket.GetLink(veth.PodName);
            if (existing is not null && inPod is not null
                && existing.Mac?.ToString() == veth.Mac && inPod.Mac?.ToString() == veth.PodMac && existing.PeerIndex == inPod.Index)
            {
                // The plan is made again: a repair, or a repeated ADD.
                _batch.LinkSet(new LinkChange { Index = existing.Index, Up = true, Mtu = veth.Mtu });
                Flush(node);
                _batch.LinkSet(new LinkChange { Index = inPod.Index, Mtu = veth.Mtu });
                Flush(podSocket);
                return false;
            }

            // The kernel says only that one of the two names is taken.
            if (inPod is not null && (existing is null || existing.PeerIndex != inPod.Index))
            {
                throw new InvalidOperationException(
                    $"the sandbox already has an interface {veth.PodName}; another plugin made it, or its namespace is shared", e);
            }

            if (existing is null) throw;

            // A link of that name that no journal knows: a left-over of another CNI or of a lost state file. Its pod is gone or superseded.
            _batch.LinkDelete(veth.Name);
            Flush(node);
            AddVeth(veth, pod);
            return true;
        }
    }

    private void AddVeth(KernelObject.Veth veth, NetNs pod)
    {
        _batch.VethAdd(new VethSpec
        {
            Link = new LinkSpec { Name = veth.Name, Mac = MacAddress.Parse(veth.Mac), Mtu = veth.Mtu, Up = true },
            Peer = new LinkSpec { Name = veth.PodName, Mac = MacAddress.Parse(veth.PodMac), Mtu = veth.Mtu, NetNs = pod },
        });
        Flush(node);
    }

    /// <summary>Indexes of links by name, asked for once a plan.</summary>
    private sealed class LinkIndexes(RtnlSocket socket, string where)
    {
        private readonly Dictionary<string, int> _known = new(StringComparer.Ordinal);

        public int this[string name]
        {
            get
            {
                if (!_known.TryGetValue(name, out var index))
                {
                    var link = socket.GetLink(name) ?? throw new InvalidOperationException($"there is no link {name} on the {where}");
                    _known.Add(name, index = link.Index);
                }

                return index;
            }
        }
    }
}
