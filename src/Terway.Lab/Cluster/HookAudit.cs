using System.Buffers.Binary;
using System.Net;
using Terway.Lab.Nodes;
using Terway.Linux;
using Terway.Linux.Bpf;

namespace Terway.Lab.Cluster;

/// <summary>
/// The socket hooks of a node and their maps: each hook is held by a pin, every address, backend and client's choice belongs to a Service that the node's
/// manifests have now. Peers of sockets (svc_peers) belong to sockets, of which nobody can tell the live ones; they go by age.
/// </summary>
internal static class HookAudit
{
    private const string Prefix = "services-v";

    private static readonly BpfAttachType[] s_hooks =
    [
        BpfAttachType.CgroupInet4Connect, BpfAttachType.CgroupInet6Connect, BpfAttachType.CgroupUdp4SendMsg, BpfAttachType.CgroupUdp6SendMsg,
        BpfAttachType.CgroupUdp4RecvMsg, BpfAttachType.CgroupUdp6RecvMsg, BpfAttachType.CgroupInet4GetPeerName, BpfAttachType.CgroupInet6GetPeerName,
    ];

    /// <summary>What is too much or missing, in words.</summary>
    /// <exception cref="LinuxException">The kernel refused to tell.</exception>
    public static IEnumerable<string> Find(LabNode node, JournalView journal)
    {
        var folders = Directory.EnumerateDirectories(node.Paths.Bpf, Prefix + "*").ToList();
        foreach (var text in FindHooks(node, folders)) yield return text;
        if (folders.Count == 0) yield break;
        var services = ManifestServices.Read(node, journal.WithIpv6);
        foreach (var folder in folders)
        {
            foreach (var text in FindEntries(folder, services, journal.ServicesAreWhole)) yield return text;
        }
    }

    private static IEnumerable<string> FindHooks(LabNode node, List<string> folders)
    {
        if (node.CgroupPath is not { } cgroup) yield break;
        var pinned = new HashSet<uint>();
        foreach (var path in folders.SelectMany(static f => Directory.EnumerateFiles(f, "*_link")))
        {
            using var link = BpfLink.OpenPinned(path);
            if (link is null) continue;
            pinned.Add(link.ProgramId);
            if (link.CgroupId != FileIdentity.Of(cgroup)?.Inode)
                yield return $"hook {Path.GetFileName(path)} is not attached to the node's cgroup";
        }

        foreach (var hook in s_hooks)
        {
            var attached = BpfCgroup.Programs(cgroup, hook);
            foreach (var id in attached.Where(id => !pinned.Contains(id)))
                yield return $"hook {hook} with program {id} belongs to nobody";
            if (attached.Count == 0 && folders.Count > 0)
                yield return $"hook {hook} is missing";
            if (attached.Count > 1)
                yield return $"hook {hook} has {attached.Count} programs";
        }
    }

    private static IEnumerable<string> FindEntries(string folder, ManifestServices services, bool complete)
    {
        var sets = new HashSet<uint>();
        var frontends = new HashSet<ServiceAddress>();
        foreach (var (key, value) in PinnedEntries.Of(Path.Combine(folder, "svc_frontends")))
        {
            var address = ServiceAddress.Of(key);
            frontends.Add(address);
            // struct svc_frontend: check, set, base, count.
            sets.Add(BinaryPrimitives.ReadUInt32LittleEndian(value.AsSpan(4)));
            if (!services.Addresses.Contains(address))
                yield return $"address {address} of {Path.GetFileName(folder)} is no Service's";
            foreach (var backend in BackendsOf(folder, value).Where(b => !services.Backends.Contains(b)))
                yield return $"backend {backend} of {address} is no Service's";
        }

        foreach (var address in services.Addresses.Where(a => complete && !frontends.Contains(a)))
            yield return $"address {address} is missing in {Path.GetFileName(folder)}";
        foreach (var (key, _) in PinnedEntries.Of(Path.Combine(folder, "svc_members")))
        {
            // struct svc_member: address, set, port.
            var backend = ServiceAddress.OfBackend(key.AsSpan(0, 16), key.AsSpan(20, 2));
            var set = BinaryPrimitives.ReadUInt32LittleEndian(key.AsSpan(16));
            if (!sets.Contains(set) || !services.Backends.Contains(backend))
                yield return $"backend {backend} of set {set} is no Service's";
        }

        foreach (var (key, _) in PinnedEntries.Of(Path.Combine(folder, "svc_choices")))
        {
            // struct svc_client: cookie, set, kind.
            var set = BinaryPrimitives.ReadUInt32LittleEndian(key.AsSpan(8));
            if (!sets.Contains(set))
                yield return $"a client's choice of set {set}, which is gone";
        }
    }

    private static List<ServiceAddress> BackendsOf(string folder, byte[] frontend)
    {
        using var slots = BpfMap.OpenPinned(Path.Combine(folder, "svc_slots"));
        List<ServiceAddress> backends = [];
        if (slots is null) return backends;
        var (first, count) = (BinaryPrimitives.ReadUInt32LittleEndian(frontend.AsSpan(8)), BinaryPrimitives.ReadUInt32LittleEndian(frontend.AsSpan(12)));
        var key = new byte[sizeof(uint)];
        var slot = new byte[slots.UserValueSize];
        for (var i = 0u; i < count; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(key, first + i);
            // struct svc_slot: address, port.
            if (slots.TryLookup(key, slot)) backends.Add(ServiceAddress.OfBackend(slot.AsSpan(0, 16), slot.AsSpan(16, 2)));
        }

        return backends;
    }
}

/// <summary>An address and port of a Service, with its protocol's number, or of a backend, with 0.</summary>
internal readonly record struct ServiceAddress(IPAddress Address, ushort Port, byte Protocol)
{
    /// <summary>From struct svc_address: address, port, protocol.</summary>
    public static ServiceAddress Of(ReadOnlySpan<byte> key) => OfBackend(key[..16], key.Slice(16, 2)) with { Protocol = key[18] };

    /// <param name="address">16 bytes, IPv4 mapped.</param>
    /// <param name="port">2 bytes, network order.</param>
    public static ServiceAddress OfBackend(ReadOnlySpan<byte> address, ReadOnlySpan<byte> port)
    {
        var ip = new IPAddress(address);
        return new ServiceAddress(ip.IsIPv4MappedToIPv6 ? ip.MapToIPv4() : ip, BinaryPrimitives.ReadUInt16BigEndian(port), 0);
    }

    public override string ToString() => $"{new IPEndPoint(Address, Port)}{Protocol switch { 6 => "/TCP", 17 => "/UDP", _ => "" }}";
}
