using Terway.Linux.Native;

namespace Terway.Linux;

/// <summary>The calling process.</summary>
public static class OwnProcess
{
    private const int SIGKILL = 9;

    /// <summary>Ends the process at once, as the out-of-memory killer would: no handler runs, nothing is flushed. Does not return.</summary>
    public static void Kill()
    {
        _ = Libc.kill(Environment.ProcessId, SIGKILL);
        // The signal is delivered before the call returns to this thread; whoever gets here was not allowed to signal itself.
        Environment.FailFast("SIGKILL to the own process was refused");
    }
}
