using System.Globalization;
using Terway.Linux.Bpf;

namespace Terway.Cli.Doctor;

/// <summary>
/// The bpf file system that DataPathV2 pins its maps and programs in, and the kernel that runs them. What it lacks is a failure on a node whose pool asks for
/// DataPathV2, and a warning on others. Nothing is written.
/// </summary>
internal static class BpfChecks
{
    private const string Name = "bpf file system";
    private const string FileSystemRoot = "/sys/fs/bpf";

    // All maps at their default sizes, the flows of both families and of Services being the largest, and the programs.
    private const long LeastFree = 128L << 20;

    private static readonly Version s_oldest = new(5, 10);

    // Before it maps are locked memory of whoever makes them.
    private static readonly Version s_unlimited = new(5, 11);
    private static readonly string[] s_ours = ["datapath-v", "services-v"];

    // What keeps programs on links, by the daemon itself.
    private const string Tcx = "tcx";

    /// <summary>Checks.</summary>
    /// <param name="folder">The daemon's, below a mounted bpf file system.</param>
    /// <param name="version">The kernel's.</param>
    /// <param name="wanted">Whether the pool asks for DataPathV2.</param>
    /// <param name="find">The mount that a path is on; null when it is on no bpf file system.</param>
    /// <param name="available">Bytes of memory that can be had, null when that is not known.</param>
    public static IEnumerable<Check> Run(string folder, Version version, bool wanted, Func<string, BpfMountPoint?> find, long? available)
    {
        Check Wrong(string name, string reason, string fix) => wanted ? Check.Fail(name, reason, fix) : Check.Warn(name, $"{reason}; this pool does not use DataPathV2", fix);

        yield return version >= s_oldest
            ? Check.Ok("kernel for eBPF", version < s_unlimited ? $"{version}: eBPF maps count as locked memory, whose limit the daemon lifts" : $"{version}")
            : Wrong("kernel for eBPF", $"{version} is older than {s_oldest}: it refuses DataPathV2's programs", $"use an image with kernel {s_oldest} or newer, or take DataPathV2 out of the pool's plugins");
        if (find(folder) is not { } mount)
        {
            yield return Wrong(
                Name, $"{folder} is on no bpf file system: programs and maps cannot outlive the daemon",
                $"mount -t bpf bpf {FileSystemRoot}, and give the daemon's container that folder with mountPropagation HostToContainer");
            yield break;
        }

        yield return mount.IsWritable
            ? Check.Ok(Name, $"{mount.MountPoint} is mounted and writable")
            : Wrong(Name, $"{mount.MountPoint} is mounted read-only: nothing can be pinned", $"mount -o remount,rw {mount.MountPoint}; in a container, mount the folder without readOnly");
        if (Pins(folder, Wrong) is { } pins) yield return pins;
        if (Room(available) is { } room) yield return room;
    }

    /// <summary>Bytes of memory that can be had without swapping; null when the kernel does not say.</summary>
    public static long? AvailableMemory()
    {
        const string field = "MemAvailable:";
        var line = File.ReadLines("/proc/meminfo").FirstOrDefault(static l => l.StartsWith(field, StringComparison.Ordinal));
        return line is not null && long.TryParse(line[field.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture, out var kilobytes) ? kilobytes << 10 : null;
    }

    // Names that the daemon's plugins need must not be somebody else's, and what else lies there nobody takes away.
    private static Check? Pins(string folder, Func<string, string, string, Check> wrong)
    {
        const string name = "eBPF pins";
        if (File.Exists(folder)) return wrong(name, $"{folder} is a pin and no folder", "remove it, and name another folder with --bpf-dir if it is somebody else's");
        if (!Directory.Exists(folder)) return Check.Ok(name, $"{folder} is free");
        // The kernel's own (maps.debug, progs.debug) are in the root of each mount; nobody else may have a dot in a name.
        string[] entries = [.. Directory.EnumerateFileSystemEntries(folder).Select(static e => Path.GetFileName(e)).Where(static e => !e.Contains('.', StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        string[] taken = [.. entries.Where(e => IsOurs(e) && !Directory.Exists(Path.Combine(folder, e)))];
        if (taken.Length > 0) return wrong(name, $"{string.Join(", ", taken)} in {folder} should be a folder", "remove it and restart the daemon");
        string[] foreign = [.. entries.Where(static e => !IsOurs(e))];
        return foreign.Length == 0
            ? Check.Ok(name, entries.Length == 0 ? $"{folder} is empty" : $"{folder} has {string.Join(", ", entries)}")
            : Check.Warn(name, $"{string.Join(", ", foreign)} in {folder} is nobody's that is known here", "find out who pins there, and give it a folder of its own; a plugin of another build removes its own");
    }

    private static bool IsOurs(string name) => name == Tcx || s_ours.Any(o => name.StartsWith(o, StringComparison.Ordinal));

    // The file system has no size: pins cost memory, as what they hold does.
    private static Check? Room(long? available) => available is not { } bytes ? null
        : bytes >= LeastFree
            ? Check.Ok("memory for eBPF maps", $"{bytes >> 20} MiB can be had")
            : Check.Warn("memory for eBPF maps", $"{bytes >> 20} MiB can be had: DataPathV2's maps take up to {LeastFree >> 20} MiB when they are made", "free memory, or lower max_stack_flows and max_service_flows");
}
