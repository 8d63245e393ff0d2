using Terway.Linux.Native;

namespace Terway.Linux.Bpf;

/// <summary>The process's limit of locked memory, which before Linux 5.11 counts eBPF maps and programs.</summary>
public static class MemoryLock
{
    /// <summary>Lifts the limit. Returns false when the process may not (no CAP_SYS_RESOURCE), which only matters before Linux 5.11.</summary>
    public static unsafe bool TryUnlimit()
    {
        var unlimited = new rlimit { rlim_cur = ulong.MaxValue, rlim_max = ulong.MaxValue };
        return Libc.prlimit(0, sched.RLIMIT_MEMLOCK, &unlimited, null) == 0;
    }
}
