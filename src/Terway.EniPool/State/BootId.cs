namespace Terway.EniPool.State;

/// <summary>Which boot of the machine this is (random(4), /proc/sys/kernel/random/boot_id).</summary>
internal static class BootId
{
    /// <summary>The same until the machine is booted again.</summary>
    public static string Current { get; } = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
}
