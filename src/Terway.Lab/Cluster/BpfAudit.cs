using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Terway.Lab.Nodes;
using Terway.Linux;
using Terway.Linux.Bpf;
using Terway.Linux.Netlink;

namespace Terway.Lab.Cluster;

/// <summary>
/// Compares what DataPathV2 has in a node's kernel with what the daemon's journal, the node's links and its manifests say should be there: pins, filters,
/// entries of maps, hooks of sockets. Works with running pods as well as without.
/// </summary>
internal sealed class BpfAudit
{
    private const string DatapathFolder = "datapath-v";
    private const string ServicesFolder = "services-v";

    private readonly LabNode _node;
    private readonly JournalView _journal;
    private readonly LeakReport _report;
    private readonly Dictionary<string, LinkInfo> _links;
    private readonly RtnlSocket _rtnl;

    private BpfAudit(LabNode node, JournalView journal, LeakReport report, RtnlSocket rtnl)
    {
        _node = node;
        _journal = journal;
        _report = report;
        _rtnl = rtnl;
        _links = rtnl.DumpLinks().ToDictionary(static l => l.Name, StringComparer.Ordinal);
    }

    /// <summary>Adds what is too much or missing to the report. What goes away meanwhile may be reported: the caller looks again.</summary>
    public static void Compare(RunningLab lab, LabNode node, JournalView journal, LeakReport report)
    {
        using var rtnl = RtnlSocket.Open(lab.Namespaces.Thread, node.NetNs);
        var audit = new BpfAudit(node, journal, report, rtnl);
        try
        {
            audit.ComparePins();
            audit.CompareFilters();
            audit.CompareEntries();
            foreach (var text in HookAudit.Find(node, journal)) audit.Leak(text);
            foreach (var text in TcxAudit.Find(lab, node, audit._links, name => audit.Expected && journal.Links.Contains(name))) audit.Leak(text);
        }
        catch (Exception e) when (e is LinuxException or IOException)
        {
            audit.Leak($"eBPF objects could not be compared: {e.Message}");
        }
    }

    // Without the plugin and its pods nothing may be left, whatever the journal says.
    private bool Expected => _journal.HasPlugin || _journal.Pods.Count > 0;

    private void Leak(string text) => _report.Kernel.Add($"{_node.Name}: {text}");

    private void ComparePins()
    {
        var owned = _journal.Folders.ToHashSet(StringComparer.Ordinal);
        foreach (var path in Directory.EnumerateFileSystemEntries(_node.Paths.Bpf))
        {
            var name = Path.GetFileName(path);
            // The kernel's own (maps.debug, progs.debug): nobody else's name may have a dot.
            if (name.Contains('.', StringComparison.Ordinal) || name == TcxAudit.Folder) continue;
            if (!Expected || !owned.Contains(name))
                Leak($"pin {name} belongs to nobody");
            else if (Directory.Exists(path))
                CompareFolder(path, name.StartsWith(ServicesFolder, StringComparison.Ordinal) ? "svc_" : "dp_");
        }

        foreach (var name in owned.Where(n => !Directory.Exists(Path.Combine(_node.Paths.Bpf, n))))
            Leak($"pin {name} is missing");
    }

    private void CompareFolder(string folder, string prefix)
    {
        foreach (var pin in Directory.EnumerateFileSystemEntries(folder))
        {
            var name = Path.GetFileName(pin);
            // One in the place of another is made beside it first.
            if (!name.StartsWith(prefix, StringComparison.Ordinal) || name.EndsWith("_new", StringComparison.Ordinal))
                Leak($"pin {Path.GetFileName(folder)}/{name} belongs to nobody");
        }
    }

    private void CompareFilters()
    {
        var owned = _journal.Links;
        foreach (var (name, link) in _links.Where(l => !Expected || !owned.Contains(l.Key)))
        {
            foreach (var parent in (uint[])[TcHandle.Ingress, TcHandle.Egress])
            {
                foreach (var filter in _rtnl.DumpFilters(link.Index, parent).Where(static f => f.Handle != 0 && f.Name?.StartsWith("dp_", StringComparison.Ordinal) == true))
                    Leak($"filter {filter.Name} of link {name} belongs to nobody");
            }
        }

        foreach (var qdisc in _rtnl.DumpQdiscs().Where(static q => q.Kind == "clsact"))
        {
            var link = _links.Values.FirstOrDefault(l => l.Index == qdisc.LinkIndex);
            // Of a link that is gone by now it is gone as well.
            if (link is not null && (!Expected || !owned.Contains(link.Name)))
                Leak($"clsact of link {link.Name} belongs to nobody");
        }
    }

    private void CompareEntries()
    {
        foreach (var folder in Directory.EnumerateDirectories(_node.Paths.Bpf, DatapathFolder + "*"))
        {
            ComparePods(folder, "dp_pods4", AddressFamily.InterNetwork);
            ComparePods(folder, "dp_pods6", AddressFamily.InterNetworkV6);
            foreach (var map in (string[])["dp_enis", "dp_stack4", "dp_stack6"]) CompareKept(folder, map);
        }
    }

    private void ComparePods(string folder, string map, AddressFamily family)
    {
        var expected = _journal.Pods
            .SelectMany(static p => p.Addresses.Select(a => (Pod: p, Address: IPAddress.Parse(a))))
            .Where(p => p.Address.AddressFamily == family).ToDictionary(static p => p.Address, static p => p.Pod);
        var found = new HashSet<IPAddress>();
        foreach (var (key, value) in PinnedEntries.Of(Path.Combine(folder, map)))
        {
            var address = new IPAddress(key);
            found.Add(address);
            var index = BinaryPrimitives.ReadUInt32LittleEndian(value);
            if (!expected.TryGetValue(address, out var pod))
                Leak($"entry {address} of {Path.GetFileName(folder)}/{map} is no pod's");
            else if (_links.GetValueOrDefault(pod.HostLink)?.Index != index)
                Leak($"entry {address} of {Path.GetFileName(folder)}/{map} leads to link #{index}, its pod is behind {pod.HostLink}");
        }

        foreach (var (address, pod) in expected.Where(e => e.Value.Phase == "Attached" && !found.Contains(e.Key)))
            Leak($"pod {pod.Name} has no entry {address} in {Path.GetFileName(folder)}/{map}");
    }

    // What is the node's and no pod's: the journal names each entry; an ENI's must be of a link that is there.
    private void CompareKept(string folder, string map)
    {
        var pin = $"{Path.GetFileName(folder)}/{map}";
        var kept = _journal.Kept.Where(o => o.Kind == "MapEntry" && o.Pin == pin).ToDictionary(static o => o.Entry, StringComparer.OrdinalIgnoreCase);
        var found = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (key, _) in PinnedEntries.Of(Path.Combine(folder, map)))
        {
            var text = Convert.ToHexStringLower(key);
            found.Add(text);
            if (!kept.TryGetValue(text, out var owner))
                Leak($"entry {text} of {pin} belongs to nobody");
            else if (owner.Link.Length > 0 && !_links.ContainsKey(owner.Link))
                Leak($"entry {text} of {pin} is about link {owner.Link}, which is gone");
        }

        foreach (var text in kept.Keys.Where(k => !found.Contains(k)))
            Leak($"entry {text} of {pin} is missing");
    }
}
