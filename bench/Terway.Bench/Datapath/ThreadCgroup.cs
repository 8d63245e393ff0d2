using Terway.Linux;

namespace Terway.Bench.Datapath;

/// <summary>The cgroup of the calling thread, one of our own: what it opens is under that cgroup's socket hooks.</summary>
internal static class ThreadCgroup
{
    [ThreadStatic]
    private static string? t_current;

    /// <param name="cgroup">a threaded one below this process's; null for the process's own</param>
    public static void Enter(string? cgroup)
    {
        if (cgroup == t_current) return;
        var folder = cgroup ?? Cgroup.FindOwn() ?? throw new InvalidOperationException("no cgroup2 is mounted");
        File.WriteAllText(Path.Combine(folder, "cgroup.threads"), "0");
        t_current = cgroup;
    }
}
