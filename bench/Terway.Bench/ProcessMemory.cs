using System.Globalization;

namespace Terway.Bench;

/// <summary>What a process takes.</summary>
internal static class ProcessMemory
{
    /// <summary>VmRSS of /proc/PID/status (proc(5)), in MiB.</summary>
    public static double ResidentMib(int pid)
    {
        var line = File.ReadLines($"/proc/{pid}/status").First(static l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024.0;
    }
}
