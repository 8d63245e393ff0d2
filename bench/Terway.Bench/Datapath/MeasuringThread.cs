using System.Runtime.ExceptionServices;
using Terway.Bench.Traffic;

namespace Terway.Bench.Datapath;

/// <summary>The client's thread: pinned, and free to move between namespaces, since it ends with its work.</summary>
internal static class MeasuringThread
{
    private const int Cpu = 0;

    public static void Run(Action work)
    {
        ExceptionDispatchInfo? error = null;
        var thread = new Thread(() =>
        {
            try
            {
                Posix.Pin(Cpu);
                work();
            }
            catch (Exception e)
            {
                error = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.Start();
        thread.Join();
        error?.Throw();
    }
}
