using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Terway.Lab.Cluster;
using Terway.Lab.Nodes;
using Terway.Lab.Probing;
using Terway.Lab.Runtime;

namespace Terway.Lab;

/// <summary>A pod that the cluster runs, with what its CNI ADD returned.</summary>
public sealed record ClusterPod(LabPod Sandbox, LabNode Node, CniConfigList Network, CniAttachment Attachment, JsonObject Result)
{
    public string Name => Sandbox.Identity.Name;

    /// <summary>The first address of the result.</summary>
    public IPAddress Address => Addresses.Count > 0 ? Addresses[0] : throw new InvalidOperationException($"pod {Name}: the CNI result has no address: {Result.ToJsonString()}");

    /// <summary>All addresses of the result, in its order.</summary>
    public IReadOnlyList<IPAddress> Addresses { get; } = CniRuntime.AddressesOf(Result);

    /// <summary>The IPv6 address; null for a pod without one.</summary>
    public IPAddress? Ipv6 => Addresses.FirstOrDefault(static a => a.AddressFamily == AddressFamily.InterNetworkV6);
}

/// <summary>
/// Nodes that run terwayd, and pods made through it as a kubelet and its runtime would: sandbox, CNI ADD, application; CNI DEL, sandbox
/// gone. Thread safe for different nodes and pods. Owns the daemons, not the lab.
/// </summary>
public sealed class LabCluster(RunningLab lab, TerwaydOptions options) : IAsyncDisposable
{
    private static readonly TimeSpan s_ready = TimeSpan.FromSeconds(30) * LabPatience.Factor;
    private readonly ConcurrentDictionary<string, TerwaydProcess> _daemons = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, ClusterPod> _pods = new(StringComparer.Ordinal);

    public IReadOnlyList<ClusterPod> Pods => [.. _pods.Values.OrderBy(static pod => pod.Name, StringComparer.Ordinal)];

    /// <summary>The node's daemon, started or not.</summary>
    public TerwaydProcess Daemon(LabNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return _daemons.GetOrAdd(node.Name, static (_, args) => new TerwaydProcess(args.node, args.options, args.lab.Ledger), (node, options: OptionsOf(node), lab));
    }

    private TerwaydOptions OptionsOf(LabNode node) =>
        node.Pool is { } pool ? options with { EniConf = PoolConfig.ByName[pool] } : options;

    /// <summary>Starts the daemon and waits until the node is ready.</summary>
    /// <returns>From exec to ready.</returns>
    public async Task<TimeSpan> StartDaemonAsync(LabNode node, CancellationToken ct)
    {
        var daemon = Daemon(node);
        daemon.Start();
        return await daemon.WaitReadyAsync(s_ready, ct);
    }

    /// <summary>Sandbox, CNI ADD, echo server on port 7. After a failed ADD the runtime's DEL follows and nothing stays.</summary>
    /// <exception cref="CniCallException">The ADD failed.</exception>
    public async Task<ClusterPod> AddPodAsync(LabNode node, string name, CancellationToken ct, JsonObject? capabilityArgs = null)
    {
        var daemon = Daemon(node);
        var network = daemon.Network;
        var sandbox = lab.AddSandbox(node, name);
        var attachment = new CniAttachment(sandbox.Identity, sandbox.NetNsPath) { CapabilityArgs = capabilityArgs };
        try
        {
            var result = await daemon.Runtime.AddAsync(network, attachment, ct);
            var pod = new ClusterPod(sandbox, node, network, attachment, result);
            lab.Serve(sandbox);
            _pods[name] = pod;
            return pod;
        }
        catch
        {
            try
            {
                await daemon.Runtime.DeleteAsync(network, attachment, CancellationToken.None);
            }
            catch (CniCallException)
            {
                // The ADD's error is the one to report; a runtime would try this DEL again later.
            }

            await lab.RemoveSandboxAsync(sandbox);
            throw;
        }
    }

    /// <summary>CNI DEL, then the sandbox goes.</summary>
    /// <exception cref="CniCallException">The DEL failed; the pod is still there, as a runtime would keep it to try again.</exception>
    public async Task RemovePodAsync(string name, CancellationToken ct)
    {
        var pod = _pods.GetValueOrDefault(name) ?? throw new KeyNotFoundException($"there is no pod {name}");
        await Daemon(pod.Node).Runtime.DeleteAsync(pod.Network, pod.Attachment, ct);
        _pods.TryRemove(name, out _);
        await lab.RemoveSandboxAsync(pod.Sandbox);
    }

    /// <summary>Pods and nodes in every family they have and, as a destination, the outside host.</summary>
    public Task<IReadOnlyList<ConnectivityCell>> MatrixAsync(TimeSpan timeout, CancellationToken ct)
    {
        List<Endpoint> endpoints =
        [
            .. Pods.SelectMany(static pod => pod.Addresses.Select(a => new Endpoint(pod.Name, pod.Sandbox.NetNs, a))),
            .. lab.Nodes.SelectMany(static node => node.Addresses.Select(a => new Endpoint(node.Name, node.NetNs, a))),
        ];
        if (lab.Nat is { } nat)
            endpoints.Add(new Endpoint("outside", nat.Outside, Vpc.Infrastructure.OutsideHost, Talks: false));
        return ConnectivityMatrix.RunAsync(lab.Namespaces.Thread, endpoints, timeout, ct);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var daemon in _daemons.Values)
            await daemon.DisposeAsync();
    }
}
