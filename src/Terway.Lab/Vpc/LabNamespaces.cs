using Terway.Lab.Nodes;
using Terway.Linux.Namespaces;

namespace Terway.Lab.Vpc;

/// <summary>
/// The network namespaces of one lab, <c>twl-&lt;id&gt;-...</c>. Their names are in the ledger before they exist, so that a later process
/// can remove what a killed one left. Thread safe.
/// </summary>
public sealed class LabNamespaces : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, NetNs> _open = new(StringComparer.Ordinal);

    /// <param name="labId">one segment, unique on the machine</param>
    /// <param name="ledger">null: nothing is recorded, the caller's process cleans up or nobody</param>
    public LabNamespaces(string labId, LabLedger? ledger = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(labId);
        LabId = labId;
        Ledger = ledger;
        Thread = NetNsThread.Start();
    }

    public string LabId { get; }

    /// <summary>Null: nothing is recorded.</summary>
    public LabLedger? Ledger { get; }

    /// <summary>The thread that enters them.</summary>
    public NetNsThread Thread { get; }

    public string NameOf(string part) => $"twl-{LabId}-{part}";

    public NetNs Create(string part)
    {
        var name = NameOf(part);
        Ledger?.RecordNamespace(name);
        // The kernel takes its time, several at once. A name that is taken fails there.
        var ns = NamedNetNs.Create(name);
        lock (_lock) _open.Add(part, ns);
        return ns;
    }

    /// <summary>Removes the name and the lab's hold; the kernel removes the namespace when nobody else holds it.</summary>
    public void Delete(string part)
    {
        lock (_lock)
        {
            if (_open.Remove(part, out var ns))
                ns.Dispose();
            NamedNetNs.Delete(NameOf(part));
            Ledger?.ForgetNamespace(NameOf(part));
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var part in _open.Keys.ToArray())
                Delete(part);
        }

        Thread.Dispose();
    }
}
