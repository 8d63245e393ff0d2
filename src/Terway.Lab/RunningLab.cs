using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Terway.Lab.Cloud;
using Terway.Lab.Config;
using Terway.Lab.Nodes;
using Terway.Lab.Probing;
using Terway.Lab.Runtime;
using Terway.Lab.Vpc;

namespace Terway.Lab;

/// <summary>
/// A whole region on this machine: cloud, VPC, services, NAT, nodes, pods. Everything outside the lab's folder is in its ledger, and goes
/// with <see cref="DisposeAsync"/> or, after a crash, with the next start on the same folder. Thread safe unless said otherwise.
/// </summary>
public sealed class RunningLab : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly LabConfig _config;
    private readonly List<IDisposable> _sockets = [];
    private readonly SortedDictionary<string, LabNode> _nodes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, EchoServer> _echo = new(StringComparer.Ordinal);
    private readonly Dictionary<string, LabNode> _nodeOfPod = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, LabPod> _pods = new(StringComparer.Ordinal);
    private LabCloud? _cloud;
    private CloudServicesLink? _services;
    private NatGateway? _nat;
    private int _podNumber;

    private RunningLab(LabConfig config, string folder, LabNamespaces namespaces, LabLedger ledger, VpcFabric vpc)
    {
        _config = config;
        Folder = folder;
        Namespaces = namespaces;
        Ledger = ledger;
        Vpc = vpc;
    }

    public string Folder { get; }

    public LabNamespaces Namespaces { get; }

    public LabLedger Ledger { get; }

    public VpcFabric Vpc { get; }

    public LabCloud Cloud => _cloud ?? throw new InvalidOperationException("the lab is not started");

    /// <summary>Null when the VPC has no NAT gateway.</summary>
    public NatGateway? Nat => _nat;

    /// <summary>For nodes: instance metadata, at the address that it has everywhere.</summary>
    public static Uri MetadataEndpoint { get; } = new($"http://{Infrastructure.MetadataAddress}/");

    /// <summary>For nodes: ECS and VPC OpenAPI.</summary>
    public static Uri OpenApiEndpoint { get; } = new($"http://{Infrastructure.OpenApiAddress}/");

    public IReadOnlyList<LabNode> Nodes
    {
        get
        {
            lock (_lock)
                return [.. _nodes.Values];
        }
    }

    public IReadOnlyList<LabPod> Pods
    {
        get
        {
            lock (_lock)
                return [.. _pods.Values];
        }
    }

    /// <summary>Removes what an earlier lab left in this folder, then brings up the region and the configured nodes.</summary>
    /// <param name="id">part of the namespaces' names, unique on the machine, short</param>
    /// <param name="extraControl">where else <c>/lab/...</c> is served, e.g. a unix socket</param>
    public static async Task<RunningLab> StartAsync(
        LabConfig config, string id, string folder, IReadOnlyList<LabListener>? extraControl = null, TimeProvider? time = null, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(config);
        var ledger = new LabLedger(folder);
        ledger.Clean();
        var namespaces = new LabNamespaces(id, ledger);
        RunningLab? lab = null;
        try
        {
            ImmutableArray<IPNetwork> cidrs = config.Vpc.Ipv6Cidr is { } ipv6 ? [config.Vpc.Cidr, ipv6] : [config.Vpc.Cidr];
            lab = new RunningLab(config, folder, namespaces, ledger, VpcFabric.Create(namespaces, new VpcOptions { Cidrs = cidrs }));
            await lab.StartAsync(cidrs, extraControl ?? [], time ?? TimeProvider.System, ct);
            return lab;
        }
        catch
        {
            if (lab is not null)
                await lab.DisposeAsync();
            else
                namespaces.Dispose();
            throw;
        }
    }

    /// <summary>Starts an instance and boots it, with an echo server on port 7.</summary>
    public async Task<LabNode> AddNodeAsync(NodeConfig node, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(node);
        var instanceId = Cloud.Region.NewInstanceId();
        var made = LabNode.Create(Namespaces, node.Name, instanceId, Path.Combine(Folder, "nodes", node.Name));
        Vpc.AddInstance(instanceId, made.NetNs);
        try
        {
            var instance = await Cloud.Region.RunInstanceAsync(
                new InstanceRequest
                {
                    InstanceId = instanceId,
                    Name = node.Name,
                    InstanceType = node.InstanceType,
                    VSwitchId = node.VSwitchId,
                    SecurityGroupIds = node.SecurityGroupIds,
                    Tags = node.Tags,
                },
                ct);
            made.Boot(instance.PrimaryEni);
            lock (_lock)
            {
                _nodes.Add(node.Name, made);
                _echo.Add(node.Name, EchoServer.Start(Namespaces.Thread, made.NetNs));
            }

            return made;
        }
        catch
        {
            Vpc.RemoveInstance(instanceId);
            made.Dispose();
            throw;
        }
    }

    public LabNode Node(string name)
    {
        lock (_lock)
            return _nodes.GetValueOrDefault(name) ?? throw new KeyNotFoundException($"there is no node {name}; there are {string.Join(", ", _nodes.Keys)}");
    }

    public LabPod Pod(string name)
    {
        lock (_lock)
            return _pods.GetValueOrDefault(name) ?? throw new KeyNotFoundException($"there is no pod {name}");
    }

    public LabNode NodeOf(LabPod pod)
    {
        ArgumentNullException.ThrowIfNull(pod);
        lock (_lock)
            return _nodeOfPod[pod.Identity.Name];
    }

    /// <summary>Those of one node.</summary>
    public IReadOnlyList<LabPod> PodsOf(LabNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        lock (_lock)
            return [.. _pods.Values.Where(pod => _nodeOfPod[pod.Identity.Name] == node)];
    }

    /// <summary>Makes a sandbox, without network: the runtime's part. The caller does the CNI calls.</summary>
    public LabPod AddSandbox(LabNode node, string name, string podNamespace = "default")
    {
        int number;
        lock (_lock)
        {
            if (!_nodeOfPod.TryAdd(name, node))
                throw new InvalidOperationException($"there is a pod {name} already");
            number = ++_podNumber;
        }

        LabPod? pod = null;
        try
        {
            // Outside the lock: it takes the kernel longer than everything else here.
            return pod = LabPod.Create(Namespaces, number, name, podNamespace);
        }
        finally
        {
            lock (_lock)
            {
                if (pod is null)
                    _nodeOfPod.Remove(name);
                else
                    _pods.Add(name, pod);
            }
        }
    }

    /// <summary>Starts the pod's echo server, its "application".</summary>
    public void Serve(LabPod pod)
    {
        ArgumentNullException.ThrowIfNull(pod);
        lock (_lock)
            _echo.TryAdd(PodKey(pod), EchoServer.Start(Namespaces.Thread, pod.NetNs));
    }

    /// <summary>Ends the node's echo server and its connections.</summary>
    public async Task StopServingAsync(LabNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        EchoServer? echo;
        lock (_lock)
            _echo.Remove(node.Name, out echo);
        if (echo is not null)
            await echo.DisposeAsync();
    }

    /// <summary>Removes the sandbox, after the CNI calls or, to try what then happens, without.</summary>
    public async Task RemoveSandboxAsync(LabPod pod)
    {
        ArgumentNullException.ThrowIfNull(pod);
        EchoServer? echo = null;
        lock (_lock)
        {
            // Another one may have the name of one that was removed before.
            if (_pods.GetValueOrDefault(pod.Identity.Name) == pod)
            {
                _echo.Remove(PodKey(pod), out echo);
                _pods.Remove(pod.Identity.Name);
                _nodeOfPod.Remove(pod.Identity.Name);
            }
        }

        if (echo is not null)
            await echo.DisposeAsync();
        pod.Dispose();
    }

    /// <summary>
    /// The node loses power and boots: sandboxes, links, rules and routes are gone without a call to anybody, ENIs stay attached. Its daemon and every
    /// other process of it must have ended; its disk is the caller's, see <see cref="PowerDisk"/>.
    /// </summary>
    public async Task LosePowerAsync(LabNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        foreach (var pod in PodsOf(node))
            await RemoveSandboxAsync(pod);
        await StopServingAsync(node);
        node.LosePower();
        Vpc.RestartInstance(node.InstanceId, node.NetNs);
        var instance = Cloud.Region.FindInstance(node.InstanceId) ?? throw new InvalidOperationException($"node {node.Name} is no instance of the region");
        node.Boot(instance.PrimaryEni);
        lock (_lock)
            _echo.Add(node.Name, EchoServer.Start(Namespaces.Thread, node.NetNs));
    }

    /// <summary>What is too much in a node's kernel once all its pods are gone; ENIs that are attached may stay.</summary>
    public IReadOnlyList<KernelObject> LeaksOf(LabNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        var enis = Cloud.Region.FindInstance(node.InstanceId)?.Enis ?? [];
        var secondary = enis.Where(static eni => eni.Type != EniType.Primary).ToArray();
        return node.Inventory().LeaksSince(
            node.Baseline ?? throw new InvalidOperationException($"node {node.Name} was never booted"),
            [.. secondary.Select(static eni => eni.Mac)]);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var pod in Pods)
            await RemoveSandboxAsync(pod);
        foreach (var echo in _echo.Values)
            await echo.DisposeAsync();
        if (_cloud is not null)
            await _cloud.DisposeAsync();
        _nat?.Dispose();
        _services?.Dispose();
        foreach (var socket in _sockets)
            socket.Dispose();
        Vpc.Dispose();
        foreach (var node in Nodes)
            node.Dispose();
        Namespaces.Dispose();
    }

    private static string PodKey(LabPod pod) => $"pod/{pod.Identity.Name}";

    private async Task StartAsync(ImmutableArray<IPNetwork> cidrs, IReadOnlyList<LabListener> extraControl, TimeProvider time, CancellationToken ct)
    {
        _services = CloudServicesLink.Create(Namespaces, Vpc);
        if (_config.Nat)
        {
            _nat = await NatGateway.CreateAsync(Namespaces, Vpc, cidrs, ct);
            _echo.Add("outside", EchoServer.Start(Namespaces.Thread, _nat.Outside));
        }

        _cloud = await LabCloud.StartAsync(
            _config,
            Vpc,
            new LabCloudOptions
            {
                OpenApi = [LabListener.On(Open(Infrastructure.OpenApiAddress))],
                Metadata = [LabListener.On(Open(Infrastructure.MetadataAddress))],
                Control = extraControl,
                Time = time,
            },
            ct);
        foreach (var node in _config.Nodes)
            await AddNodeAsync(node, ct);
    }

    private Socket Open(IPAddress address)
    {
        var socket = _services!.Listen(address, 80);
        _sockets.Add(socket);
        return socket;
    }
}
