using Terway.Linux;
using Terway.Linux.Bpf;

namespace Terway.Host.Kernel;

/// <summary>What plugins pin in the daemon's folder of the bpf file system, by the relative paths of their plans.</summary>
internal sealed class BpfPins(string root)
{
    /// <summary>Where it is on an installed node.</summary>
    public const string DefaultFolder = "/sys/fs/bpf/terway";

    private const string FileSystemRoot = "/sys/fs/bpf";

    /// <exception cref="ArgumentException">It leads out of the folder, and so belongs to nobody here.</exception>
    public string PathOf(string relative)
    {
        ArgumentException.ThrowIfNullOrEmpty(relative);
        if (Path.IsPathRooted(relative) || relative.Split('/').Any(static part => part is "" or "." or ".."))
            throw new ArgumentException($"{relative} is no path of a pin", nameof(relative));
        return Path.Combine(root, relative);
    }

    /// <summary>Whether the folder is there.</summary>
    public bool HasFolder(string relative) => Directory.Exists(PathOf(relative));

    /// <exception cref="InvalidOperationException">It cannot be made; the message says what the node lacks.</exception>
    public void MakeFolder(string relative)
    {
        try
        {
            Directory.CreateDirectory(PathOf(relative), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidOperationException(
                $"the folder {relative} for eBPF maps cannot be made in {root}: {e.Message}; mount a bpf file system at {FileSystemRoot}", e);
        }
    }

    /// <summary>Takes away the folder and every pin in it; a program that is attached and a map that it uses live on until it is not.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public void RemoveFolder(string relative)
    {
        try
        {
            var folder = PathOf(relative);
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LinuxException(Errno.EBUSY, $"remove the pins in {relative} ({e.Message})");
        }
    }

    /// <summary>The map pinned there; null when none is.</summary>
    public BpfMap? FindMap(string relative) => BpfMap.OpenPinned(PathOf(relative));

    /// <exception cref="InvalidOperationException">None is pinned there.</exception>
    public BpfMap Map(string relative) => FindMap(relative) ?? throw Missing("map", relative);

    /// <summary>The program pinned there; null when none is.</summary>
    public BpfProgram? FindProgram(string relative) => BpfProgram.OpenPinned(PathOf(relative));

    /// <exception cref="InvalidOperationException">None is pinned there.</exception>
    public BpfProgram Program(string relative) => FindProgram(relative) ?? throw Missing("program", relative);

    private InvalidOperationException Missing(string what, string relative) => new(
        $"no eBPF {what} is pinned at {PathOf(relative)}; the plugin that plans with it pins it when the daemon starts");
}
