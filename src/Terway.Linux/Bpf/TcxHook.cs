using System.Globalization;
using Terway.Linux.Native;

namespace Terway.Linux.Bpf;

/// <summary>
/// The tcx hooks of network links, since Linux 6.6 (CONFIG_NET_XGRESS): programs there run before the filters of a clsact, without a classifier
/// around them.
/// </summary>
public static unsafe class TcxHook
{
    private const int Loopback = 1; // in every namespace
    private const int Limit = 64; // BPF_MPROG_MAX

    /// <summary>Whether the kernel has them.</summary>
    public static bool IsThere()
    {
        var attributes = new bpf_attr_query { target_fd = Loopback, attach_type = (uint)BpfAttachType.TcxIngress };
        // An older kernel does not know the type of attachment (EINVAL); one that does has no programs there (ENOENT), or some.
        return BpfSyscall.Call(bpf.BPF_PROG_QUERY, ref attributes) is >= 0 or -Errno.ENOENT;
    }

    /// <summary>Ids of the programs of a link's side in the order in which they run; empty too when there is no such link, or no tcx.</summary>
    /// <param name="linkIndex">in the calling thread's namespace</param>
    /// <param name="type">TcxIngress or TcxEgress</param>
    /// <exception cref="BpfException">The kernel refused for another reason.</exception>
    public static IReadOnlyList<uint> Programs(int linkIndex, BpfAttachType type)
    {
        Span<uint> ids = stackalloc uint[Limit];
        fixed (uint* p = ids)
        {
            var attributes = new bpf_attr_query { target_fd = linkIndex, attach_type = (uint)type, prog_ids = (ulong)p, prog_cnt = Limit };
            var result = BpfSyscall.Call(bpf.BPF_PROG_QUERY, ref attributes);
            if (result >= 0) return ids[..(int)attributes.prog_cnt].ToArray();
            if (-result is Errno.ENOENT or Errno.ENODEV or Errno.EINVAL) return [];
            throw new BpfException(-result, string.Create(CultureInfo.InvariantCulture, $"list the programs of link #{linkIndex}"));
        }
    }
}
