using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Terway.Linux.Native;

namespace Terway.Linux.Namespaces;

/// <summary>A thread of this process and the namespace it is in.</summary>
public readonly record struct ThreadNetNs(int ThreadId, string Name, ulong Inode);

/// <summary>Looks for threads of this process that are in another network namespace than they should be.</summary>
public static class NetNsAudit
{
    /// <summary>
    /// Threads whose namespace is not <paramref name="home"/>: none, except the <see cref="NetNsThread"/> during a visit.
    /// Costs about 10 us per thread; for health checks and tests.
    /// </summary>
    public static unsafe IReadOnlyList<ThreadNetNs> ThreadsOutside(NetNs home)
    {
        ArgumentNullException.ThrowIfNull(home);
        List<ThreadNetNs> found = [];
        foreach (var task in Directory.EnumerateDirectories("/proc/self/task"))
        {
            statx_buf stat;
            fixed (byte* path = NetNsVisit.CString($"{task}/ns/net"))
            {
                if (Libc.statx(fcntl.AT_FDCWD, path, 0, sched.STATX_INO, &stat) != 0)
                    continue; // the thread ended meanwhile
            }

            if (stat.stx_ino != home.Inode)
                found.Add(new(int.Parse(Path.GetFileName(task), CultureInfo.InvariantCulture), NameOf(task), stat.stx_ino));
        }

        return found;
    }

    private static string NameOf(string task)
    {
        try
        {
            return File.ReadAllText($"{task}/comm").TrimEnd();
        }
        catch (IOException)
        {
            return "(ended)";
        }
    }
}
