using System.Security.Cryptography;
using Terway.Lab.Vpc;
using Terway.Linux.Namespaces;

namespace Terway.Lab.Nodes;

/// <summary>A pod sandbox as a container runtime makes it: a network namespace with a loopback, and the names that CNI gets.</summary>
public sealed class LabPod : IDisposable
{
    private readonly LabNamespaces _namespaces;
    private readonly string _part;

    private LabPod(LabNamespaces namespaces, string part, NetNs ns, PodIdentity identity)
    {
        _namespaces = namespaces;
        _part = part;
        NetNs = ns;
        Identity = identity;
    }

    public PodIdentity Identity { get; }

    public NetNs NetNs { get; }

    public string NetNsPath => NamedNetNs.PathOf(_namespaces.NameOf(_part));

    /// <param name="number">unique in the lab; the namespace is twl-&lt;id&gt;-p&lt;number&gt;</param>
    public static LabPod Create(LabNamespaces namespaces, int number, string name, string podNamespace = "default")
    {
        ArgumentNullException.ThrowIfNull(namespaces);
        var part = $"p{number}";
        var ns = namespaces.Create(part);
        try
        {
            using var setup = new LinkSetup(namespaces.Thread, ns);
            setup.Up("lo");
            return new LabPod(namespaces, part, ns, PodIdentity.New(name, podNamespace));
        }
        catch
        {
            namespaces.Delete(part);
            throw;
        }
    }

    public void Dispose() => _namespaces.Delete(_part);
}

/// <summary>What a runtime says of a pod.</summary>
/// <param name="ContainerId">of the sandbox, 64 hex digits</param>
public sealed record PodIdentity(string Name, string Namespace, string Uid, string ContainerId)
{
    public static PodIdentity New(string name, string podNamespace) =>
        new(name, podNamespace, Guid.NewGuid().ToString(), Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));
}
