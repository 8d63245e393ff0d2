using Terway.Linux.Namespaces;

namespace Terway.Linux.Netlink;

/// <summary>What a link has for a queue of what it sends.</summary>
public enum RootQueue
{
    /// <summary>The kernel's own choice: whoever wants another one takes its place.</summary>
    Default,

    /// <summary>Fair queues (fq), whoever made them: departure times are kept.</summary>
    Fair,

    /// <summary>What <see cref="FairQueue.Make"/> began and did not end.</summary>
    Unfinished,

    /// <summary>Another one, which somebody put there on purpose.</summary>
    Foreign,
}

/// <summary>
/// sch_fq as what a link sends through: each packet waits for its departure time. One for the whole link, or below mq, the kernel's default for
/// hardware with several queues, one for each of them, so that CPUs go on to send beside each other. Made under a handle of its own, by which
/// it is found again.
/// </summary>
public static class FairQueue
{
    private const string Kind = "fq";
    private const string MultiQueue = "mq";
    private const ushort Major = 0x7e57;

    // Whoever gives departure times bounds what waits, by time. A packet that the queue drops in spite of that has used up its time: so the queue's own limits
    // are above that (the kernel's are 10,000 packets, and 100 of a flow, which stand for no more than a few milliseconds of a fast flow).
    private const uint LimitPackets = 65536;
    private const uint FlowLimitPackets = 16384;

    /// <summary>The handle of what <see cref="Make"/> makes, 7e57:.</summary>
    public static uint Handle => TcHandle.Of(Major, 0);

    /// <summary>
    /// Whether the running kernel has sch_fq; asked of the kernel itself, which loads the module for it, with the loopback of a new namespace: no link of
    /// anybody is touched.
    /// </summary>
    /// <exception cref="LinuxException">There can be no namespace, or the kernel refused for another reason than not to know the queue.</exception>
    public static bool IsInKernel()
    {
        using var threads = NetNsThread.Start();
        using var scratch = NetNs.CreateUnnamed();
        using var socket = RtnlSocket.Open(threads, scratch);
        using var batch = new RtnlBatch();
        batch.QdiscAdd(new QdiscSpec { LinkIndex = socket.GetLink("lo")!.Index, Kind = Kind, Parent = TcHandle.Root });
        var result = socket.Execute(batch)[0];
        return result.Errno switch
        {
            0 => true,
            Errno.ENOENT => false,
            _ => throw new NetlinkException(result.Errno, $"qdisc add {Kind} dev lo, to see whether the kernel has it", result.KernelMessage),
        };
    }

    /// <summary>What a link has now.</summary>
    /// <param name="qdiscs">Every one of the link, as <see cref="RtnlSocket.DumpQdiscs"/> lists them.</param>
    public static RootQueue Judge(IEnumerable<QdiscInfo> qdiscs)
    {
        ArgumentNullException.ThrowIfNull(qdiscs);
        var all = qdiscs as IReadOnlyCollection<QdiscInfo> ?? [.. qdiscs];
        // A link without a queue (noqueue) lists none.
        if (all.FirstOrDefault(static q => q.Parent == TcHandle.Root) is not { } root) return RootQueue.Default;
        if (root.Kind == Kind) return RootQueue.Fair;
        if (root.Kind == MultiQueue)
        {
            var children = all.Where(q => q.Parent != TcHandle.Root && q.Parent >> 16 == root.Handle >> 16).ToList();
            if (children.Count > 0 && children.TrueForAll(static c => c.Kind == Kind)) return RootQueue.Fair;
            if (root.Handle == Handle) return RootQueue.Unfinished;
        }

        // The kernel gives a handle to whatever is made by request, and none to what it makes by itself.
        return root.Handle == 0 ? RootQueue.Default : RootQueue.Foreign;
    }

    /// <summary>Makes sure of fair queues on the link. What is foreign stays.</summary>
    /// <param name="socket">Of the link's namespace.</param>
    /// <param name="link">The link.</param>
    /// <param name="superseded">Of a root that was made by request: whether it may be replaced all the same, since it is the caller's own.</param>
    /// <returns>Null when they are there; else the root that somebody put there, such as <c>htb 1:</c>.</returns>
    /// <exception cref="NetlinkException">The kernel refused. ENOENT: it has no fq.</exception>
    public static string? Make(RtnlSocket socket, LinkInfo link, Func<QdiscInfo, bool> superseded)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(link);
        ArgumentNullException.ThrowIfNull(superseded);
        using var batch = new RtnlBatch();
        var root = new FqSpec { LinkIndex = link.Index, Handle = Handle, LimitPackets = LimitPackets, FlowLimitPackets = FlowLimitPackets };
        if (link.RootQdisc != MultiQueue)
        {
            // The kernel's own judgement, and no dump: an add replaces its default, and nothing else (EEXIST).
            var add = batch.FqAdd(root).Ignore(Errno.EEXIST);
            var results = socket.Execute(batch);
            if (results[add.Index] is { Succeeded: false } refused)
                throw new NetlinkException(refused.Errno, socket.Describe(batch, add.Index), refused.KernelMessage);
            if (!results[add.Index].Ignored) return null;
            batch.Clear();
        }

        var there = socket.DumpQdiscs(link.Index);
        var judgement = Judge(there);
        if (judgement == RootQueue.Fair) return null;
        if (judgement == RootQueue.Foreign)
        {
            var other = there.First(static q => q.Parent == TcHandle.Root);
            if (!superseded(other)) return Name(other);
            batch.FqReplace(root);
            socket.ExecuteOrThrow(batch);
            return null;
        }

        if (judgement == RootQueue.Default)
        {
            batch.QdiscAdd(new QdiscSpec { LinkIndex = link.Index, Kind = MultiQueue, Handle = Handle });
            socket.ExecuteOrThrow(batch);
            batch.Clear();
        }

        foreach (var child in socket.DumpQdiscs(link.Index).Where(static q => q.Parent != TcHandle.Root && q.Parent >> 16 == Major && q.Kind != Kind))
            batch.FqReplace(root with { Parent = child.Parent, Handle = 0 });
        if (batch.Count > 0) socket.ExecuteOrThrow(batch);
        return null;
    }

    /// <summary>Appends what takes away what <see cref="Make"/> made, and nothing else: the kernel puts its default in the place.</summary>
    public static void Remove(RtnlBatch batch, int linkIndex)
    {
        ArgumentNullException.ThrowIfNull(batch);
        foreach (var kind in (ReadOnlySpan<string>)[Kind, MultiQueue])
        {
            // EINVAL: the root is of another handle, or of the other kind.
            batch.QdiscDelete(new QdiscSpec { LinkIndex = linkIndex, Kind = kind, Parent = TcHandle.Root, Handle = Handle })
                .Ignore(Errno.ENOENT, Errno.ENODEV, Errno.EINVAL);
        }
    }

    private static string Name(QdiscInfo qdisc) => $"{qdisc.Kind} {qdisc.Handle >> 16:x}:";
}
