using Terway.Linux;
using Terway.Linux.Netlink;
using Terway.Plugins.DataPathV2.Configuration;

namespace Terway.Plugins.DataPathV2.Datapath;

/// <summary>
/// Decides how limits of bandwidth are kept: by departure times (EDT), for which what the packets leave by must be a fair queue, or by token buckets.
/// Thread-safe.
/// </summary>
/// <param name="byTime">Whether departure times are in force on this node.</param>
/// <param name="rootOf">What a link of the node has for a queue, and its name.</param>
/// <param name="report">Tells a finding, by its path.</param>
internal sealed class Pacing(bool byTime, Func<NodeLink, (RootQueue Root, string Name)> rootOf, Action<string, Finding?> report)
{
    private const string FindingPath = "bandwidth";

    /// <summary>No departure times.</summary>
    public static Pacing None { get; } = new(byTime: false, static _ => default, static (_, _) => { });

    /// <summary>Whether departure times are in force on this node. Then every pod's link has a fair queue: a limited pod may send to any of them.</summary>
    public bool IsByTime => byTime;

    /// <summary>Decides for the node, once a life of the daemon: asks the kernel whether it has fair queues.</summary>
    /// <param name="mode">What the settings say.</param>
    /// <param name="isInKernel">As <see cref="FairQueue.IsInKernel"/>.</param>
    /// <param name="report">Tells a finding, by its path.</param>
    public static Pacing Choose(BandwidthMode mode, Func<bool> isInKernel, Action<string, Finding?> report)
    {
        var lack = mode == BandwidthMode.Tbf ? null : Lack(isInKernel);
        report(FindingPath, mode == BandwidthMode.Edt && lack is not null
            ? new Finding(
                FindingSeverity.Warning, $"bandwidth_mode is edt, but {lack}: limits of pods are kept by token buckets (TBF)",
                "load the module sch_fq, or a kernel with CONFIG_NET_SCH_FQ, and restart the daemon; or set bandwidth_mode to auto or tbf")
            : null);
        return new Pacing(mode != BandwidthMode.Tbf && lack is null, RootOf, report);
    }

    /// <summary>What of a pod's limits is kept by departure times. The rest is left to token buckets.</summary>
    /// <remarks>Looks at the ENI of a pod with an egress limit, and at no other.</remarks>
    public PodLimits LimitsOf(Attachment attachment) => byTime
        ? new(attachment.Pod.EgressBytesPerSecond > 0 && CanPace(attachment.EniLink) ? attachment.Pod.EgressBytesPerSecond : 0, attachment.Pod.IngressBytesPerSecond)
        : default;

    private static string? Lack(Func<bool> isInKernel)
    {
        try
        {
            return isInKernel() ? null : "the kernel has no fair queue (sch_fq)";
        }
        catch (LinuxException e)
        {
            return $"whether the kernel has fair queues (sch_fq) cannot be found out: {e.Message}";
        }
    }

    private static (RootQueue, string) RootOf(NodeLink link)
    {
        using var socket = RtnlSocket.Open();
        var qdiscs = socket.DumpQdiscs(link.Index);
        return (FairQueue.Judge(qdiscs), qdiscs.FirstOrDefault(static q => q.Parent == TcHandle.Root)?.Kind ?? "noqueue");
    }

    private bool CanPace(NodeLink eni)
    {
        var (root, name) = rootOf(eni);
        report($"{FindingPath}/{eni.Mac}", root == RootQueue.Foreign
            ? new Finding(
                FindingSeverity.Warning,
                $"link {eni.Name} has the queueing discipline {name}, which somebody put there: egress limits of its pods are kept by token buckets (TBF)",
                $"with 'tc qdisc del dev {eni.Name} root' pods that are made from then on have departure times")
            : null);
        return root != RootQueue.Foreign;
    }
}
