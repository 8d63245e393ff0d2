using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Terway.Plugin;

/// <summary>What the host gives to a plugin. Import it in the constructor of any part. Thread-safe.</summary>
public interface IPluginHost
{
    /// <summary>The node, as far as the metadata service and the cloud describe it.</summary>
    NodeFacts Node { get; }

    /// <summary>The node pool's configuration (eni_conf, merged), with the plugin's own <c>settings</c> laid over it.</summary>
    JsonElement Settings { get; }

    /// <summary>Active address families, IPv4 first.</summary>
    IReadOnlyList<IAddressFamily> Families { get; }

    /// <summary>Signed, rate-limited calls to the cloud.</summary>
    ICloud Cloud { get; }

    /// <summary>Durable state of this plugin.</summary>
    IPluginStore Store { get; }

    /// <summary>Loggers whose output names this plugin.</summary>
    ILoggerFactory Loggers { get; }

    /// <summary>Clock and timers; tests replace it.</summary>
    TimeProvider Time { get; }

    /// <summary>
    /// Folder on the node's bpf file system that is the daemon's own. Paths of pins in <see cref="KernelObject"/> are relative to it.
    /// </summary>
    string BpfFolder => "/sys/fs/bpf/terway";

    /// <summary>
    /// Folder of the cgroup (version 2) that every process of the node's pods and of the node itself is in or below; null when the node has none.
    /// </summary>
    string? CgroupRoot => null;

    /// <summary>The cluster's Services; null when the host has neither a cluster nor a folder of manifests.</summary>
    IServiceSource? Services => null;

    /// <summary>Waits until a link with this MAC address exists on the node: an attached ENI appears some time after the cloud's answer.</summary>
    /// <exception cref="TimeoutException">It did not appear in time.</exception>
    Task<NodeLink> WaitForLinkAsync(string mac, TimeSpan timeout, CancellationToken cancellationToken);

    /// <summary>
    /// Ends when no link on the node has this MAC address (any more): somebody detached the ENI, or its device failed. Costs nothing while it waits.
    /// </summary>
    Task WaitForLinkGoneAsync(string mac, CancellationToken cancellationToken);

    /// <summary>
    /// Makes kernel objects on the node that do not belong to one pod (an ENI's routing table, say), replacing what was kept under
    /// <paramref name="key"/>. They are journaled and repaired like a pod's.
    /// </summary>
    Task EnsureNodeObjectsAsync(string key, IReadOnlyList<KernelObject> objects, CancellationToken cancellationToken);

    /// <summary>Takes away what <see cref="EnsureNodeObjectsAsync"/> made under <paramref name="key"/>. Nothing there is no error.</summary>
    Task RemoveNodeObjectsAsync(string key, CancellationToken cancellationToken);

    /// <summary>Shows a finding to the operator (log, status, node condition) until it is replaced by one with the same path or cleared.</summary>
    /// <param name="path">What it is about, such as <c>vswitch/vsw-1</c>.</param>
    /// <param name="finding">Null clears it.</param>
    void Report(string path, Finding? finding);
}
