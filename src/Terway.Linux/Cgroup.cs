namespace Terway.Linux;

/// <summary>Control groups of version 2, as files show them.</summary>
public static class Cgroup
{
    /// <summary>Where the cgroup2 file system is mounted (its root, not a part of it bound elsewhere); null when it is not.</summary>
    public static string? FindMount()
    {
        // 36 35 98:0 /root /mount/point options - type source options (proc_pid_mountinfo(5))
        foreach (var line in File.ReadLines("/proc/self/mountinfo"))
        {
            var words = line.Split(' ');
            var dash = Array.IndexOf(words, "-");
            if (dash > 0 && words.Length > dash + 1 && words[dash + 1] == "cgroup2" && words[3] == "/") return MountInfo.Unescape(words[4]);
        }

        return null;
    }

    /// <summary>The folder of the cgroup that this process is in; null when there is no cgroup2.</summary>
    public static string? FindOwn()
    {
        if (FindMount() is not { } mount) return null;
        var path = File.ReadLines("/proc/self/cgroup").FirstOrDefault(static line => line.StartsWith("0::", StringComparison.Ordinal));
        return path is null ? null : Path.Join(mount, path[3..]);
    }

    /// <summary>
    /// Makes a cgroup whose members are threads and not whole processes, below the one of this process. A thread joins it by writing 0 to its
    /// cgroup.threads, a process by writing 0 to its cgroup.procs; a socket belongs to the cgroup of the thread that opened it.
    /// </summary>
    /// <returns>Its folder.</returns>
    /// <exception cref="LinuxException">There is no cgroup2, or the name is taken.</exception>
    public static string CreateThreaded(string name)
    {
        var folder = Path.Combine(FindOwn() ?? throw new LinuxException(Errno.ENOENT, "find a mounted cgroup2"), name);
        if (Directory.Exists(folder)) throw new LinuxException(Errno.EEXIST, $"make cgroup {folder}");
        try
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(Path.Combine(folder, "cgroup.type"), "threaded");
            return folder;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Remove(folder);
            throw new LinuxException(Errno.EACCES, $"make cgroup {folder} ({e.Message})");
        }
    }

    /// <summary>Takes the cgroup away. False when something is still in it, or it is not there.</summary>
    public static bool Remove(string folder)
    {
        try
        {
            // Its files go with it; only rmdir can do that.
            Directory.Delete(folder);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
