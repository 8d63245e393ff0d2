using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Terway.Lab.Nodes;

/// <summary>A process by number and start time: the number alone may have gone to another process meanwhile.</summary>
internal static class ProcessIdentity
{
    /// <summary>Clock ticks after boot, field 22 of /proc/pid/stat (proc(5)); null when there is no such process.</summary>
    public static ulong? StartTimeOf(int pid)
    {
        try
        {
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            // The second field, the name, is in brackets and may hold blanks and brackets.
            var rest = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return rest[0] == "Z" ? null : ulong.Parse(rest[19], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>SIGKILL, when it still is that process; waits until it is gone.</summary>
    public static bool Kill(int pid, ulong startTime)
    {
        if (StartTimeOf(pid) != startTime)
            return false;
        try
        {
            using var process = Process.GetProcessById(pid);
            process.Kill();
            process.WaitForExit(TimeSpan.FromSeconds(5));
            return true;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or Win32Exception)
        {
            return false;
        }
    }
}
