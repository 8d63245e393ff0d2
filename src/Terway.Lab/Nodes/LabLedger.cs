using System.Globalization;
using System.Runtime.InteropServices;
using Terway.Linux;
using Terway.Linux.Namespaces;

namespace Terway.Lab.Nodes;

/// <summary>
/// What a lab has made outside its own folder, one line each, written before it is made: namespaces, processes, mounts and cgroups. Whoever comes after a
/// crash removes it with <see cref="Clean"/>. Thread safe.
/// </summary>
public sealed partial class LabLedger
{
    private const string FileName = "made";
    private const int MountDetach = 2; // MNT_DETACH
    private readonly Lock _lock = new();
    private readonly string _path;
    private readonly HashSet<string> _lines = new(StringComparer.Ordinal);

    public LabLedger(string folder)
    {
        Directory.CreateDirectory(folder);
        _path = Path.Combine(folder, FileName);
        if (File.Exists(_path))
            _lines.UnionWith(File.ReadAllLines(_path).Where(static line => line.Length > 0));
    }

    public void RecordNamespace(string name) => Change(() => _lines.Add($"netns {name}"));

    public void ForgetNamespace(string name) => Change(() => _lines.Remove($"netns {name}"));

    /// <param name="pid">recorded with its start time, so that a later process of that number is left alone</param>
    public void RecordProcess(int pid)
    {
        if (ProcessIdentity.StartTimeOf(pid) is { } start)
            Change(() => _lines.Add(string.Create(CultureInfo.InvariantCulture, $"process {pid} {start}")));
    }

    public void ForgetProcess(int pid) =>
        Change(() => _lines.RemoveWhere(line => line.StartsWith(string.Create(CultureInfo.InvariantCulture, $"process {pid} "), StringComparison.Ordinal)));

    /// <param name="target">the mount point, removed before a mount that was recorded earlier</param>
    public void RecordMount(string target) => Change(() => _lines.Add($"mount {target}"));

    /// <param name="folder">of the cgroup, removed when nothing is in it any more</param>
    public void RecordCgroup(string folder) => Change(() => _lines.Add($"cgroup {folder}"));

    public void ForgetCgroup(string folder) => Change(() => _lines.Remove($"cgroup {folder}"));

    public void ForgetMount(string target) => Change(() => _lines.Remove($"mount {target}"));

    /// <summary>Ends the processes, then removes namespaces, mounts and cgroups, that are recorded. Succeeds on what is gone already.</summary>
    /// <returns>What was removed, for people.</returns>
    public IReadOnlyList<string> Clean()
    {
        List<string> removed = [];
        lock (_lock)
        {
            foreach (var line in _lines.OrderByDescending(static line => line, StringComparer.Ordinal).ToArray())
            {
                var words = line.Split(' ', line.StartsWith("process ", StringComparison.Ordinal) ? 3 : 2);
                var gone = words switch
                {
                    ["process", var pid, var start] => ProcessIdentity.Kill(
                        int.Parse(pid, CultureInfo.InvariantCulture), ulong.Parse(start, CultureInfo.InvariantCulture)),
                    ["netns", var name] => NamedNetNs.Delete(name),
                    ["cgroup", var folder] => RemoveCgroup(folder),
                    ["mount", var target] => Unmount(target, MountDetach) == 0,
                    _ => false,
                };
                if (gone)
                    removed.Add(line);
                // One with something in it is left to the next who comes.
                if (words is not ["cgroup", var left] || !Directory.Exists(left))
                    _lines.Remove(line);
            }

            Write();
        }

        return removed;
    }

    // Those who have just been killed leave it a moment later.
    private static bool RemoveCgroup(string folder) => SpinWait.SpinUntil(() => Cgroup.Remove(folder) || !Directory.Exists(folder), TimeSpan.FromSeconds(2));

    private void Change(Action change)
    {
        lock (_lock)
        {
            change();
            Write();
        }
    }

    private void Write()
    {
        var next = _path + ".next";
        File.WriteAllLines(next, _lines);
        File.Move(next, _path, overwrite: true);
    }

    // Out of sight at once, gone with its last open file; a loop device goes with its mount.
    [LibraryImport("libc", EntryPoint = "umount2", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Unmount(string target, int flags);
}
