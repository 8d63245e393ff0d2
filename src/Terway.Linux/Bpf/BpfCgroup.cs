using Terway.Linux.Native;

namespace Terway.Linux.Bpf;

/// <summary>What is attached to a cgroup. Thread safe.</summary>
public static unsafe class BpfCgroup
{
    // BPF_CGROUP_MAX_PROGS of the kernel: no cgroup has more of one type.
    private const int MaxPrograms = 64;

    /// <summary>Ids of the programs attached to this very cgroup, not to those above it, in the order in which they run.</summary>
    /// <param name="cgroupPath">the cgroup's directory</param>
    /// <param name="type">one of the Cgroup types</param>
    /// <exception cref="LinuxException">There is no such cgroup, or the kernel refused.</exception>
    public static IReadOnlyList<uint> Programs(string cgroupPath, BpfAttachType type)
    {
        using var directory = new FdHandle(Libc.open(cgroupPath, fcntl.O_RDONLY | fcntl.O_CLOEXEC, 0));
        if (directory.IsInvalid)
            throw new LinuxException(Libc.Errno, $"open cgroup {cgroupPath}");
        var ids = stackalloc uint[MaxPrograms];
        var attributes = new bpf_attr_query { target_fd = directory.Fd, attach_type = (uint)type, prog_ids = (ulong)ids, prog_cnt = MaxPrograms };
        var result = BpfSyscall.Call(bpf.BPF_PROG_QUERY, ref attributes);
        return result >= 0 ? [.. new ReadOnlySpan<uint>(ids, (int)attributes.prog_cnt)] : throw new BpfException(-result, $"list the programs of cgroup {cgroupPath} as {type}");
    }
}
