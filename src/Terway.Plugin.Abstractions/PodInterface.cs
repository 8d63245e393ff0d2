namespace Terway.Plugin;

/// <summary>One interface of one pod sandbox, as asked for by the runtime.</summary>
public sealed record PodInterface
{
    /// <summary>CNI container id: the sandbox.</summary>
    public required string ContainerId { get; init; }

    /// <summary>Name of the interface in the pod, such as <c>eth0</c>.</summary>
    public required string IfName { get; init; }

    /// <summary>Path of the sandbox's network namespace.</summary>
    public required string NetNsPath { get; init; }

    /// <summary>Namespace of the pod; empty when the caller named none.</summary>
    public string Namespace { get; init; } = "";

    /// <summary>Name of the pod; empty when the caller named none.</summary>
    public string Name { get; init; } = "";

    /// <summary>UID of the pod; empty when unknown.</summary>
    public string Uid { get; init; } = "";

    /// <summary>Labels of the pod.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>Annotations of the pod.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();

    /// <summary>Limit towards the pod in bytes per second, from the CNI bandwidth capability or the annotation; 0 is none.</summary>
    public long IngressBytesPerSecond { get; init; }

    /// <summary>Limit from the pod in bytes per second; 0 is none.</summary>
    public long EgressBytesPerSecond { get; init; }

    /// <summary>MTU asked for by the CNI configuration; 0 is that of the ENI.</summary>
    public int Mtu { get; init; }
}
