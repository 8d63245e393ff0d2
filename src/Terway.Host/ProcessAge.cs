using System.Globalization;

namespace Terway.Host;

/// <summary>How long this process has existed, the runtime's own start included.</summary>
internal static class ProcessAge
{
    // Clock ticks of /proc are 100 a second on every Linux that .NET runs on (sysconf(_SC_CLK_TCK)).
    private const double TicksPerSecond = 100;

    /// <summary>Milliseconds since exec, to 10 ms (proc(5): /proc/pid/stat field 22, /proc/uptime); 0 when /proc says nothing.</summary>
    public static double Milliseconds()
    {
        try
        {
            var stat = File.ReadAllText("/proc/self/stat");
            // The second field is a name in parentheses that may hold spaces.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            var uptime = File.ReadAllText("/proc/uptime").Split(' ')[0];
            var started = double.Parse(fields[19], CultureInfo.InvariantCulture) / TicksPerSecond;
            return Math.Max(0, (double.Parse(uptime, CultureInfo.InvariantCulture) - started) * 1000);
        }
        catch (Exception e) when (e is IOException or FormatException or IndexOutOfRangeException)
        {
            return 0;
        }
    }
}
