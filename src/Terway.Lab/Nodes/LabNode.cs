using System.Diagnostics;
using System.Net;
using Terway.Lab.Cloud;
using Terway.Lab.Vpc;
using Terway.Linux;
using Terway.Linux.Bpf;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;

namespace Terway.Lab.Nodes;

/// <summary>
/// An ECS instance: a network namespace whose NICs are ENIs, and folders of its own. Its operating system sets up the primary ENI as an
/// image's network service would, and nothing else.
/// </summary>
public sealed class LabNode : IDisposable
{
    private readonly LabNamespaces _namespaces;

    private LabNode(LabNamespaces namespaces, string name, string instanceId, NodePaths paths, NetNs ns, string? pool, string? cgroup)
    {
        _namespaces = namespaces;
        CgroupPath = cgroup;
        Processes = NetNsThread.Start();
        if (cgroup is not null)
            Processes.Run(Processes.Home, () => File.WriteAllText(Path.Combine(cgroup, "cgroup.threads"), "0"));
        Name = name;
        InstanceId = instanceId;
        Paths = paths;
        NetNs = ns;
        Pool = pool;
    }

    public string Name { get; }

    public string InstanceId { get; }

    /// <summary>Name of the pool it was made for; null when nobody said.</summary>
    public string? Pool { get; }

    public NodePaths Paths { get; }

    /// <summary>Another one after each loss of power.</summary>
    public NetNs NetNs { get; private set; }

    /// <summary>Where the namespace is bound, for nsenter.</summary>
    public string NetNsPath => NamedNetNs.PathOf(_namespaces.NameOf(Name));

    /// <summary>
    /// The cgroup that stands for the root of the node's own: processes of its pods and of itself are in it, and its daemon hooks in there. Null on a machine
    /// without cgroup2. It is made of threads, so that sockets can be the node's that this process opens.
    /// </summary>
    public string? CgroupPath { get; }

    /// <summary>Opens sockets in the node's and its pods' namespaces that belong to the node's cgroup, as those of processes there do.</summary>
    public NetNsThread Processes { get; }

    /// <summary>Null until <see cref="Boot"/>.</summary>
    public IPAddress? PrimaryIp { get; private set; }

    /// <summary>The primary ENI's IPv6 address; null when it has none.</summary>
    public IPAddress? PrimaryIpv6 { get; private set; }

    /// <summary>The node's own addresses, IPv4 first.</summary>
    public IReadOnlyList<IPAddress> Addresses => [.. new[] { PrimaryIp, PrimaryIpv6 }.OfType<IPAddress>()];

    /// <summary>The kernel objects right after <see cref="Boot"/>: what must be left when every pod is gone.</summary>
    public KernelInventory? Baseline { get; private set; }

    /// <summary>Makes the namespace and the folders. The VPC may plug ENIs from now on.</summary>
    public static LabNode Create(LabNamespaces namespaces, string name, string instanceId, string root, string? pool = null)
    {
        ArgumentNullException.ThrowIfNull(namespaces);
        var paths = new NodePaths(root);
        paths.Create();
        var ns = namespaces.Create(name);
        string? cgroup = null;
        try
        {
            cgroup = MakeCgroup(namespaces, name);
            // As pins outlive the daemon, this is the node's and not the daemon's.
            namespaces.Ledger?.RecordMount(paths.Bpf);
            BpfFileSystem.Mount(paths.Bpf);
            Loopback(namespaces, ns);
            return new LabNode(namespaces, name, instanceId, paths, ns, pool, cgroup);
        }
        catch
        {
            Unmount(namespaces, paths);
            RemoveCgroup(namespaces, cgroup);
            namespaces.Delete(name);
            throw;
        }
    }

    /// <summary>Configures the primary ENI, which must be plugged, and takes the baseline.</summary>
    public void Boot(EniSnapshot primary)
    {
        ArgumentNullException.ThrowIfNull(primary);
        using var setup = new LinkSetup(_namespaces.Thread, NetNs);
        var link = LinkOf(primary.Mac) ?? throw new LinuxException(Errno.ENODEV, $"boot node {Name}: find the primary ENI {primary.Mac}");
        setup.Up(link.Name);
        setup.Address(link.Name, new IpPrefix(primary.PrimaryIp, primary.VSwitchCidr.PrefixLength));
        setup.Route(IpPrefix.AnyV4, link.Name, primary.Gateway);
        PrimaryIp = primary.PrimaryIp;
        if (primary is { Ipv6Addresses: [var ipv6, ..], VSwitchIpv6Cidr: { } cidr, Ipv6Gateway: { } gateway })
        {
            setup.Address(link.Name, new IpPrefix(ipv6, cidr.PrefixLength));
            setup.Route(IpPrefix.AnyV6, link.Name, gateway);
            PrimaryIpv6 = ipv6;
        }

        Baseline = Inventory();
    }

    /// <summary>The power goes: all that the kernel held is gone. <see cref="Boot"/> follows once the VPC plugged the ENIs again.</summary>
    internal void LosePower()
    {
        _namespaces.Delete(Name);
        BpfFileSystem.Unmount(Paths.Bpf);
        BpfFileSystem.Mount(Paths.Bpf);
        NetNs = _namespaces.Create(Name);
        Loopback(_namespaces, NetNs);
    }

    public KernelInventory Inventory() => KernelInventory.Capture(_namespaces.Thread, NetNs, Paths.Bpf);

    /// <summary>The link with that MAC, null when the node's namespace has none.</summary>
    public LinkInfo? LinkOf(string mac)
    {
        using var rtnl = RtnlSocket.Open(_namespaces.Thread, NetNs);
        var wanted = MacAddress.Parse(mac);
        return rtnl.DumpLinks().FirstOrDefault(link => link.Mac == wanted);
    }

    private static void Loopback(LabNamespaces namespaces, NetNs ns)
    {
        using var setup = new LinkSetup(namespaces.Thread, ns);
        setup.Up("lo");
    }

    /// <summary>Removes the namespace and what is pinned; the folders stay for a look at the logs.</summary>
    public void Dispose()
    {
        Processes.Dispose();
        Unmount(_namespaces, Paths);
        RemoveCgroup(_namespaces, CgroupPath);
        _namespaces.Delete(Name);
    }

    /// <summary>Writes a manifest as a source of them should: whole, by a rename.</summary>
    /// <param name="file">its name in <see cref="NodePaths.Manifests"/>, ending with .yaml or .json</param>
    /// <param name="text">null takes it away</param>
    /// <returns>When, by <see cref="Stopwatch.GetTimestamp"/>: before it could be seen.</returns>
    public long PutManifest(string file, string? text)
    {
        var path = Path.Combine(Paths.Manifests, file);
        var next = Path.Combine(Paths.Manifests, $".{file}.next");
        if (text is not null) File.WriteAllText(next, text);
        var begun = Stopwatch.GetTimestamp();
        if (text is null) File.Delete(path);
        else File.Move(next, path, overwrite: true);
        return begun;
    }

    private static string? MakeCgroup(LabNamespaces namespaces, string name)
    {
        if (Cgroup.FindOwn() is not { } own)
            return null;
        namespaces.Ledger?.RecordCgroup(Path.Combine(own, namespaces.NameOf(name)));
        return Cgroup.CreateThreaded(namespaces.NameOf(name));
    }

    private static void RemoveCgroup(LabNamespaces namespaces, string? cgroup)
    {
        if (cgroup is null)
            return;
        // Processes that have ended leave it a moment later.
        for (var attempt = 0; attempt < 100 && !Cgroup.Remove(cgroup) && Directory.Exists(cgroup); attempt++)
            Thread.Sleep(20);
        if (!Directory.Exists(cgroup))
            namespaces.Ledger?.ForgetCgroup(cgroup);
    }

    private static void Unmount(LabNamespaces namespaces, NodePaths paths)
    {
        BpfFileSystem.Unmount(paths.Bpf);
        namespaces.Ledger?.ForgetMount(paths.Bpf);
    }
}
