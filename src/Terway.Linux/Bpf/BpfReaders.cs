using System.Runtime.InteropServices;
using Terway.Linux.Native;

namespace Terway.Linux.Bpf;

/// <summary>Programs that look into maps while user space writes them.</summary>
public static class BpfReaders
{
    private const int MembarrierGlobal = 1; // MEMBARRIER_CMD_GLOBAL (linux/membarrier.h): waits for an RCU grace period

    // Far longer than any program may run; for kernels that cannot wait for certain.
    private static readonly TimeSpan s_substitute = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// Returns when every program that ran at the time of the call has ended: what it saw before a write it cannot see any more. Blocks for some 10 ms.
    /// </summary>
    public static void Wait()
    {
        nint number = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 283 : 324;
        // With one processor, and with some isolated ones (nohz_full), the kernel does not wait.
        if (Environment.ProcessorCount == 1 || Libc.syscall(number, MembarrierGlobal, 0, 0) != 0) Thread.Sleep(s_substitute);
    }
}
