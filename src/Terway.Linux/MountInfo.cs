namespace Terway.Linux;

/// <summary>The text of /proc/self/mountinfo (proc_pid_mountinfo(5)).</summary>
internal static class MountInfo
{
    /// <summary>A path as it is: the kernel writes blanks and backslashes of paths in octal.</summary>
    public static string Unescape(string text) => text.Contains('\\', StringComparison.Ordinal)
        ? text.Replace("\\040", " ", StringComparison.Ordinal).Replace("\\011", "\t", StringComparison.Ordinal).Replace("\\012", "\n", StringComparison.Ordinal)
            .Replace("\\134", "\\", StringComparison.Ordinal)
        : text;
}
