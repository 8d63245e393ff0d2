using Terway.Linux;
using Terway.Linux.Netlink;
using Terway.Plugin;

namespace Terway.Host.Kernel;

/// <summary>Fair queues of plans.</summary>
internal static class FairQueues
{
    /// <exception cref="InvalidOperationException">There is no such link, its root is somebody else's, or the kernel has no fq.</exception>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static void Make(KernelObject.FairQueue queue, RtnlSocket socket)
    {
        var link = socket.GetLink(queue.LinkName) ?? throw new InvalidOperationException($"there is no link {queue.LinkName}");
        try
        {
            if (FairQueue.Make(socket, link, root => IsOwnBucket(link, root)) is not { } other) return;
            throw new InvalidOperationException(
                $"link {queue.LinkName} has the queueing discipline {other}, which somebody put there; with 'tc qdisc del dev {queue.LinkName} root' it gets fq");
        }
        catch (NetlinkException e) when (e.Errno == Errno.ENOENT)
        {
            throw new InvalidOperationException("the kernel has no fair queue (sch_fq, CONFIG_NET_SCH_FQ) any more: load its module, or set bandwidth_mode to tbf", e);
        }
    }

    // What the token bucket of an earlier plan left on a pod's link, which nobody else has a business with.
    private static bool IsOwnBucket(LinkInfo link, QdiscInfo root) => link.Kind == "veth" && root is { Kind: "tbf" } && root.Handle == TcHandle.Of(1, 0);
}
