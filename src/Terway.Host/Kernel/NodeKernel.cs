using System.Net;
using Terway.Linux;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;
using Terway.Plugin;

namespace Terway.Host.Kernel;

/// <summary>The node's kernel through rtnetlink and /proc/sys.</summary>
internal sealed class NodeKernel : INodeKernel, IDisposable
{
    private readonly NetNsThread _namespaces;
    private readonly NetNs _home;
    private readonly RtnlSocket _node;
    private readonly ObjectWriter _writer;
    private readonly ObjectRemover _remover;
    private readonly NicReturn _nics;
    private readonly BpfObjects _bpf;
    private readonly KernelTurn _turn;
    private readonly LinkTable _links;

    /// <summary>Call from the node's namespace.</summary>
    /// <param name="namespaces">Visits namespaces.</param>
    /// <param name="links">Kept current by a <see cref="LinkWatch"/> of the same namespace.</param>
    /// <param name="bpfFolder">On a bpf file system.</param>
    /// <param name="byTcx">Whether eBPF programs are attached to links by tcx; else by filters of a clsact, which every kernel has.</param>
    public NodeKernel(NetNsThread namespaces, LinkTable links, string bpfFolder = BpfPins.DefaultFolder, bool byTcx = false)
    {
        var pins = new BpfPins(bpfFolder);
        _namespaces = namespaces;
        _home = NetNs.OpenCurrent();
        _links = links;
        _node = RtnlSocket.Open();
        _bpf = new BpfObjects(pins, new TcxLinks(pins, namespaces, _home), byTcx);
        _writer = new ObjectWriter(_node, namespaces, _home, _bpf);
        _remover = new ObjectRemover(_node, _bpf);
        _nics = new NicReturn(_node, namespaces, _home);
        _turn = new KernelTurn();
    }

    public NodeLink? FindLink(string mac) => _links.Find(mac);

    public Task<NodeLink> WaitForLinkAsync(string mac, TimeSpan timeout, CancellationToken cancellationToken) =>
        _links.WaitAsync(mac, timeout, cancellationToken);

    public Task WaitForLinkGoneAsync(string mac, CancellationToken cancellationToken) => _links.WaitGoneAsync(mac, cancellationToken);

    public Task ApplyAsync(IReadOnlyList<KernelObject> objects, string? netNsPath) => RepairAsync(objects, netNsPath, static () => true);

    public Task<bool> RepairAsync(IReadOnlyList<KernelObject> objects, string? netNsPath, Func<bool> wanted) => _turn.RunAsync(() =>
    {
        if (!wanted()) return false;
        using var pod = netNsPath is null ? null : Sandbox.TryOpen(netNsPath) ?? throw new PodNetworkException(
            "kernel", $"{netNsPath} is no network namespace any more", "the runtime makes the sandbox again", canRetry: false);
        try
        {
            _writer.Apply(objects, pod);
        }
        catch (Exception e) when (e is LinuxException or InvalidOperationException or ArgumentException or FormatException)
        {
            throw new PodNetworkException("kernel", e.Message, "what was made is taken away; the runtime tries again", canRetry: true, e);
        }

        return true;
    });

    public async Task ReturnNicsAsync(IReadOnlyList<KernelObject.Nic> nics, string netNsPath, ulong netNsInode)
    {
        await _turn.RunAsync(() =>
        {
            using var found = Sandbox.TryOpen(netNsPath);
            // Another sandbox at the same path is none of this one's business.
            var pod = found?.Inode == netNsInode ? found : null;
            try
            {
                foreach (var nic in nics) _nics.Return(nic, pod);
            }
            catch (Exception e) when (e is LinuxException or ArgumentException or FormatException)
            {
                throw new PodNetworkException("kernel", $"the pod's NIC cannot be brought back: {e.Message}", "it is tried again", canRetry: true, e);
            }

            return 0;
        }).ConfigureAwait(false);
    }

    public async Task RemoveAsync(IReadOnlyList<IReadOnlyList<KernelObject>> plans)
    {
        await _turn.RunAsync(() =>
        {
            try
            {
                _remover.Remove(plans);
            }
            catch (LinuxException e)
            {
                throw new PodNetworkException("kernel", e.Message, "it is tried again", canRetry: true, e);
            }

            return 0;
        }).ConfigureAwait(false);
    }

    public Task<IReadOnlyList<string>> FindMissingAsync(IReadOnlyList<KernelObject> objects, string? netNsPath) => _turn.RunAsync(() =>
    {
        using var pod = netNsPath is null ? null : Sandbox.TryOpen(netNsPath);
        var node = ReadNode();
        KernelView? inside = null;
        if (pod is not null)
        {
            using var socket = RtnlSocket.Open(_namespaces, pod);
            inside = KernelView.Read(socket, path => Read(() => Linux.Sysctl.Read(_namespaces, pod, path)));
        }

        return Comparing(() =>
        {
            var missing = new List<string>();
            foreach (var o in objects)
            {
                var text = o.InPod ? inside is null ? $"network namespace {netNsPath}" : inside.Missing(o, null) : MissingOnNode(o, node, inside);
                if (text is not null && !missing.Contains(text)) missing.Add(text);
            }

            return (IReadOnlyList<string>)missing;
        });
    });

    /// <summary>The global addresses of the link with this MAC address, IPv4 first; none when there is no such link.</summary>
    public IReadOnlyList<IPAddress> AddressesOf(string mac) => _links.Find(mac) is not { } link ? [] : _turn.RunAsync(() =>
        (IReadOnlyList<IPAddress>)[.. _node.DumpAddresses(link.Index).Where(static a => a.Scope == RouteScope.Universe)
            .Select(static a => a.Address.Address).OrderBy(static a => a.AddressFamily)]).GetAwaiter().GetResult();

    public Task<IReadOnlyList<IReadOnlyList<MissingObject>>> FindMissingOnNodeAsync(IReadOnlyList<IReadOnlyList<KernelObject>> plans) => _turn.RunAsync(() =>
    {
        var view = ReadNode();
        return Comparing(() => (IReadOnlyList<IReadOnlyList<MissingObject>>)[.. plans.Select(plan => MissingOf(plan, view))]);
    });

    public Task<int> RemoveUnplannedAsync(Func<IReadOnlyList<IReadOnlyList<KernelObject>>> plans) => _turn.RunAsync(() =>
    {
        var (routes, rules) = ReadNode().Unplanned(plans().SelectMany(static p => p));
        using var batch = new RtnlBatch();
        foreach (var route in routes) batch.RouteDelete(route).Ignore(Errno.ESRCH, Errno.ENODEV);
        foreach (var rule in rules) batch.RuleDelete(rule).Ignore(Errno.ENOENT);
        if (batch.Count > 0) _node.ExecuteOrThrow(batch);
        return routes.Count + rules.Count + _bpf.RemoveDead();
    });

    /// <summary>Attached pods as the node shows them.</summary>
    public Task<IReadOnlyList<PodTrace>> FindPodTracesAsync() => _turn.RunAsync(() => ReadNode().PodTraces());

    public string? ReadSysctl(string path) => Read(() => Linux.Sysctl.Read(_namespaces, _home, path));

    public void Dispose()
    {
        _turn.Dispose();
        _writer.Dispose();
        _remover.Dispose();
        _nics.Dispose();
        _node.Dispose();
        _home.Dispose();
    }

    private List<MissingObject> MissingOf(IReadOnlyList<KernelObject> plan, KernelView node)
    {
        var missing = new List<MissingObject>();
        foreach (var o in plan)
        {
            if (!o.InPod && MissingOnNode(o, node, null) is { } text) missing.Add(new MissingObject(o, text));
        }

        return missing;
    }

    // eBPF objects are no part of the dumps: they are asked for one by one, where a plan has them.
    private string? MissingOnNode(KernelObject o, KernelView node, KernelView? pod) => o switch
    {
        KernelObject.PinFolder => _bpf.Missing(o, _node, null),
        KernelObject.TcProgram program => _bpf.Missing(o, _node, node.IndexOf(program.LinkName)),
        KernelObject.MapEntry entry => _bpf.Missing(o, _node, entry.LinkName is null ? null : node.IndexOf(entry.LinkName)),
        _ => node.Missing(o, pod),
    };

    private T Comparing<T>(Func<T> compare)
    {
        try
        {
            return compare();
        }
        finally
        {
            _bpf.Close();
        }
    }

    private KernelView ReadNode() => KernelView.Read(_node, ReadSysctl);

    private static string? Read(Func<string> read)
    {
        try
        {
            return read();
        }
        catch (LinuxException)
        {
            // No such parameter: its link or its family is not there. The caller reports it as missing.
            return null;
        }
    }
}
