using Terway.Lab.Nodes;
using Terway.Linux.Bpf;
using Terway.Linux.Netlink;

namespace Terway.Lab.Cluster;

/// <summary>Compares programs on tcx hooks, and the pins that keep them there, with the links that are the journal's.</summary>
internal static class TcxAudit
{
    /// <summary>In the daemon's folder of the bpf file system; it is in no plugin's plan.</summary>
    public const string Folder = "tcx";

    /// <param name="lab">Visits the node's namespace.</param>
    /// <param name="node">Whose.</param>
    /// <param name="links">The node's, by name.</param>
    /// <param name="isOwned">Whether a link may have programs.</param>
    public static IEnumerable<string> Find(RunningLab lab, LabNode node, IReadOnlyDictionary<string, LinkInfo> links, Func<string, bool> isOwned)
    {
        var strangers = links.Values.Where(l => !isOwned(l.Name)).ToList();
        foreach (var (link, id) in lab.Namespaces.Thread.Run(node.NetNs, () => ProgramsOf(strangers)))
            yield return $"tcx program #{id} of link {link} belongs to nobody";

        var root = Path.Combine(node.Paths.Bpf, Folder);
        if (!Directory.Exists(root)) yield break;
        var folders = Directory.GetDirectories(root);
        if (folders.Length == 0) yield return $"pin {Folder} is empty";
        foreach (var folder in folders)
        {
            // No dots in names there.
            var name = Path.GetFileName(folder).Replace(':', '.');
            var pins = Directory.GetFiles(folder);
            if (pins.Length == 0) yield return $"pin {Folder}/{name} is empty";
            foreach (var pin in pins)
            {
                using var link = BpfLink.OpenPinned(pin);
                var text = $"pin {Folder}/{name}/{Path.GetFileName(pin)}";
                if (!isOwned(name)) yield return $"{text} belongs to nobody";
                else if (link is not null && link.TcxLinkIndex != links.GetValueOrDefault(name)?.Index) yield return $"{text} keeps a program on no link";
            }
        }
    }

    private static List<(string Link, uint Id)> ProgramsOf(List<LinkInfo> links)
    {
        var found = new List<(string, uint)>();
        foreach (var link in links)
        {
            foreach (var id in TcxHook.Programs(link.Index, BpfAttachType.TcxIngress)) found.Add((link.Name, id));
            foreach (var id in TcxHook.Programs(link.Index, BpfAttachType.TcxEgress)) found.Add((link.Name, id));
        }

        return found;
    }
}
