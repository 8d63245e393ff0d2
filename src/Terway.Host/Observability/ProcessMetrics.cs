using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;

namespace Terway.Host.Observability;

/// <summary>What the process takes of the node. Read when somebody asks.</summary>
internal static class ProcessMetrics
{
    private static readonly KeyValuePair<string, object?>[][] s_generations =
        [.. Enumerable.Range(0, GC.MaxGeneration + 1).Select(static g => new KeyValuePair<string, object?>[] { new("generation", g.ToString(CultureInfo.InvariantCulture)) })];

    public static void Add(Meter meter)
    {
        meter.CreateObservableGauge("terway.process.resident_memory", static () => Environment.WorkingSet, "By", "Resident memory.");
        meter.CreateObservableGauge("terway.process.open_fds", OpenFiles, "{file}", "Open file descriptors.");
        meter.CreateObservableCounter("terway.process.cpu", static () => Environment.CpuUsage.TotalTime.TotalSeconds, "s", "Processor time used, user and system.");
        meter.CreateObservableGauge("terway.process.start_time", StartTime, "s", "When the process was started, in seconds since 1970.");
        meter.CreateObservableGauge("terway.process.gc.heap", static () => GC.GetTotalMemory(forceFullCollection: false), "By", "Managed objects, garbage not yet collected included.");
        meter.CreateObservableCounter("terway.process.gc.collections", Collections, "{collection}", "Garbage collections, by generation.");
        meter.CreateObservableCounter("terway.process.gc.pause", static () => GC.GetTotalPauseDuration().TotalSeconds, "s", "Time that garbage collections stopped all threads.");
        meter.CreateObservableGauge("terway.process.thread_pool.queue", static () => ThreadPool.PendingWorkItemCount, "{item}", "Work items that wait for a thread.");
        meter.CreateObservableGauge("terway.process.thread_pool.threads", static () => ThreadPool.ThreadCount, "{thread}", "Threads of the pool.");
    }

    private static int OpenFiles() => Directory.EnumerateFileSystemEntries("/proc/self/fd").Count();

    private static double StartTime()
    {
        using var self = Process.GetCurrentProcess();
        return (self.StartTime.ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds;
    }

    private static IEnumerable<Measurement<long>> Collections()
    {
        for (var g = 0; g <= GC.MaxGeneration; g++) yield return new Measurement<long>(GC.CollectionCount(g), s_generations[g]);
    }
}
