using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Terway.Host.State;
using Terway.Plugin;

namespace Terway.Host.Pods;

/// <summary>The journal's attachments in memory, by pod interface, by the name of the node's link and by address. Thread-safe.</summary>
internal sealed class AttachmentTable
{
    private readonly ConcurrentDictionary<AttachmentKey, (AttachmentRecord Record, AttachmentPhase Phase)> _byKey = new();
    private readonly ConcurrentDictionary<string, AttachmentKey> _byHostLink = new(StringComparer.Ordinal);

    private readonly ConcurrentDictionary<IPAddress, AttachmentKey> _byAddress = new();

    // By MAC address: NICs of the node that are in pods.
    private readonly ConcurrentDictionary<string, AttachmentKey> _byNic = new(StringComparer.OrdinalIgnoreCase);

    // Of recovered ones, by the MAC address of the pod's end, which is made of the sandbox's real id.
    private readonly ConcurrentDictionary<string, AttachmentKey> _recovered = new(StringComparer.Ordinal);

    /// <summary>Raised after an attachment is gone, on the thread that removed it; must be quick.</summary>
    public event Action? Removed;

    /// <summary>All, in no order.</summary>
    public IEnumerable<(AttachmentRecord Record, AttachmentPhase Phase)> All => _byKey.Values;

    /// <summary>How many there are.</summary>
    public int Count => _byKey.Count;

    public (AttachmentRecord Record, AttachmentPhase Phase)? Find(AttachmentKey key) =>
        _byKey.TryGetValue(key, out var found) ? found : null;

    /// <summary>The attachment whose link on the node has this name.</summary>
    public (AttachmentRecord Record, AttachmentPhase Phase)? FindByHostLink(string name) =>
        _byHostLink.TryGetValue(name, out var key) ? Find(key) : null;

    /// <summary>The attachment that has this address.</summary>
    public (AttachmentRecord Record, AttachmentPhase Phase)? FindByAddress(IPAddress address) =>
        _byAddress.TryGetValue(address, out var key) ? Find(key) : null;

    /// <summary>The attachment that has the NIC with this MAC address in its pod.</summary>
    public (AttachmentRecord Record, AttachmentPhase Phase)? FindByNic(string mac) => _byNic.TryGetValue(mac, out var key) ? Find(key) : null;

    /// <summary>The attachment of a sandbox's interface: under its key, or recovered without it and known by the MAC address made of it.</summary>
    public (AttachmentRecord Record, AttachmentPhase Phase)? FindAlsoRecovered(AttachmentKey key) =>
        Find(key) ?? (!_recovered.IsEmpty && _recovered.TryGetValue(LinkNaming.PodMac(key.ContainerId, key.IfName), out var other) ? Find(other) : null);

    /// <summary>Whether some pod has an address of this family. Walks over all of them.</summary>
    public bool HasFamily(AddressFamily family) => _byAddress.Any(a => a.Key.AddressFamily == family);

    /// <summary>Whether some pod uses something that is pinned in this folder. Walks over all of them.</summary>
    public bool HasPins(string folder) => _byKey.Values.Any(a => a.Record.Objects.Any(o => o switch
    {
        KernelObject.TcProgram program => IsIn(program.Program, folder),
        KernelObject.MapEntry entry => IsIn(entry.Map, folder),
        _ => false,
    }));

    public void Put(AttachmentRecord record, AttachmentPhase phase)
    {
        _byKey[record.Key] = (record, phase);
        _byHostLink[record.Attachment.HostLinkName] = record.Key;
        foreach (var nic in record.Nics) _byNic[nic.On.Mac] = record.Key;
        if (record.IsRecovered) _recovered[record.Attachment.PodLinkMac] = record.Key;
        foreach (var address in record.Attachment.Allocation.Addresses) _byAddress[address.Address] = record.Key;
    }

    public void Remove(AttachmentRecord record)
    {
        _byKey.TryRemove(record.Key, out _);
        // Only when it is still this one's: a new sandbox of the same pod has the same link name.
        _byHostLink.TryRemove(new KeyValuePair<string, AttachmentKey>(record.Attachment.HostLinkName, record.Key));
        foreach (var nic in record.Nics) _byNic.TryRemove(new KeyValuePair<string, AttachmentKey>(nic.On.Mac, record.Key));
        if (record.IsRecovered) _recovered.TryRemove(new KeyValuePair<string, AttachmentKey>(record.Attachment.PodLinkMac, record.Key));
        foreach (var address in record.Attachment.Allocation.Addresses)
        {
            _byAddress.TryRemove(new KeyValuePair<IPAddress, AttachmentKey>(address.Address, record.Key));
        }

        Removed?.Invoke();
    }

    private static bool IsIn(string path, string folder) =>
        path.Length > folder.Length && path[folder.Length] == '/' && path.StartsWith(folder, StringComparison.Ordinal);
}
