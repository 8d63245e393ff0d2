namespace Terway.Linux.Bpf;

/// <summary>The bpf file system that a path is on.</summary>
/// <param name="MountPoint">Where it is mounted.</param>
/// <param name="IsWritable">False when it is mounted read-only.</param>
public sealed record BpfMountPoint(string MountPoint, bool IsWritable)
{
    /// <summary>The mount that a path, there already or to be made, is on; null when that is no bpf file system.</summary>
    /// <param name="path">absolute</param>
    /// <exception cref="IOException">/proc is not there.</exception>
    public static BpfMountPoint? Find(string path) => Find(path, File.ReadLines("/proc/self/mountinfo"));

    // 36 35 98:0 /root /mount/point options - type source super-options (proc_pid_mountinfo(5)). Of mounts on one point the last counts.
    internal static BpfMountPoint? Find(string path, IEnumerable<string> mounts)
    {
        var full = Path.GetFullPath(path);
        (string Point, bool IsBpf, bool IsWritable)? nearest = null;
        foreach (var words in mounts.Select(static line => line.Split(' ')))
        {
            var dash = Array.IndexOf(words, "-");
            if (dash < 6 || words.Length < dash + 4) continue;
            var point = MountInfo.Unescape(words[4]);
            if (!IsBelow(full, point) || (nearest is { } known && point.Length < known.Point.Length)) continue;
            var writable = !words[5].Split(',').Contains("ro") && !words[dash + 3].Split(',').Contains("ro");
            nearest = (point, words[dash + 1] == "bpf", writable);
        }

        return nearest is { IsBpf: true } found ? new BpfMountPoint(found.Point, found.IsWritable) : null;
    }

    private static bool IsBelow(string path, string point) =>
        point == "/" || path == point || (path.StartsWith(point, StringComparison.Ordinal) && path[point.Length] == '/');
}
