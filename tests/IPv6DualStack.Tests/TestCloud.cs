using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Terway.AlibabaCloud.Credentials;
using Terway.AlibabaCloud.Errors;
using Terway.AlibabaCloud.Transport;
using Terway.Lab.Cloud;
using Terway.Lab.Cloud.Faults;
using Terway.Lab.Config;
using CloudException = Terway.Plugin.CloudException;

namespace Terway.Plugins.IPv6DualStack.Tests;

/// <summary>A region without a data plane, reached through the real OpenAPI as the host reaches it.</summary>
internal sealed class TestCloud : ICloud, IAsyncDisposable
{
    private readonly LabCloud _lab;
    private readonly OpenApiTransport _transport;

    private TestCloud(LabCloud lab, InstanceSnapshot instance)
    {
        _lab = lab;
        Instance = instance;
        _transport = new OpenApiTransport(
            new OpenApiTransportOptions
            {
                Region = "cn-hangzhou",
                EcsEndpoint = lab.OpenApiAddresses[0].ToString(),
                VpcEndpoint = lab.OpenApiAddresses[0].ToString(),
                // Each failure reaches the plugin: the harder case.
                Retry = new RetryOptions { MaxAttempts = 1 },
            },
            new StaticCredentialProvider("LTAItest", "secret"));
    }

    public static LabConfig Config { get; } = LabConfig.DualStack with
    {
        Nodes = [],
        Nat = false,
        Delays = DelayConfig.None,
        VSwitches = [.. LabConfig.DualStack.VSwitches, LabConfig.DualStack.VSwitches[1] with { Id = "vsw-v4", Cidr = IPNetwork.Parse("10.0.32.0/24"), Ipv6Cidr = null }],
        AccessKeys = [new AccessKeyConfig { Id = "LTAItest", Secret = "secret" }],
        Throttles = new ThrottleConfig { Default = 1_000_000 },
    };

    public Region Region => _lab.Region;

    public FaultPlan Faults => _lab.Region.Faults;

    public InstanceSnapshot Instance { get; }

    public List<string> Calls { get; } = [];

    public static async Task<TestCloud> StartAsync(LabConfig? config = null)
    {
        var lab = await LabCloud.StartAsync(config ?? Config, new NoFabric(), new LabCloudOptions { OpenApi = [LabListener.Loopback()] });
        var instance = await lab.Region.RunInstanceAsync(
            new InstanceRequest { Name = "node1", InstanceType = "ecs.g7.4xlarge", VSwitchId = "vsw-lab-nodes", SecurityGroupIds = ["sg-lab-cluster"] });
        return new TestCloud(lab, instance);
    }

    public async Task<byte[]> InvokeAsync(
        string product, string action, IReadOnlyList<KeyValuePair<string, string>> parameters, CancellationToken cancellationToken)
    {
        lock (Calls) Calls.Add(action);
        try
        {
            return await _transport.InvokeAsync(product, action, parameters, cancellationToken);
        }
        catch (CloudApiException e)
        {
            throw new CloudException(action, e.Code, e.Reason, e.RequestId, e.OutcomeUnknown, e);
        }
    }

    /// <summary>Creates an ENI as a pool does; the element is what the API answered.</summary>
    public async Task<(string Id, JsonElement Answer)> CreateAsync(IReadOnlyList<KeyValuePair<string, string>> parameters, string vSwitch = "vsw-lab-pods")
    {
        var body = await InvokeAsync(
            "ecs", "CreateNetworkInterface",
            [
                new("RegionId", "cn-hangzhou"), new("VSwitchId", vSwitch), new("SecurityGroupId", "sg-lab-cluster"),
                new("ClientToken", Guid.NewGuid().ToString()), .. parameters,
            ],
            default);
        using var document = JsonDocument.Parse(body);
        var root = document.RootElement.Clone();
        return (root.GetProperty("NetworkInterfaceId").GetString()!, root);
    }

    /// <summary>Attaches an ENI, so that it can have more than ten addresses.</summary>
    public async Task AttachAsync(string eniId)
    {
        await InvokeAsync(
            "ecs", "AttachNetworkInterface", [new("RegionId", "cn-hangzhou"), new("NetworkInterfaceId", eniId), new("InstanceId", Instance.Id)], default);
        while (Eni(eniId).Status != EniStatus.InUse) await Task.Delay(5);
    }

    public EniSnapshot Eni(string id) => Region.Enis.Single(e => e.Id == id);

    /// <summary>The ENI as DescribeNetworkInterfaces shows it.</summary>
    public async Task<JsonElement> DescribeAsync(string eniId)
    {
        var body = await InvokeAsync("ecs", "DescribeNetworkInterfaces", [new("RegionId", "cn-hangzhou"), new("NetworkInterfaceId.1", eniId)], default);
        using var document = JsonDocument.Parse(body);
        return document.RootElement.GetProperty("NetworkInterfaceSets").GetProperty("NetworkInterfaceSet")[0].Clone();
    }

    public async ValueTask DisposeAsync()
    {
        _transport.Dispose();
        await _lab.DisposeAsync();
    }

    private sealed class NoFabric : IVpcFabric
    {
        public Task PlugAsync(EniSnapshot eni, string instanceId, CancellationToken ct) => Task.CompletedTask;

        public Task UnplugAsync(string eniId, CancellationToken ct) => Task.CompletedTask;

        public Task UpdateEniAsync(EniSnapshot eni, CancellationToken ct) => Task.CompletedTask;

        public Task RemoveEniAsync(string eniId, CancellationToken ct) => Task.CompletedTask;

        public Task UpdateSecurityGroupAsync(SecurityGroupSnapshot securityGroup, CancellationToken ct) => Task.CompletedTask;
    }
}

/// <summary>The host as this plugin sees it.</summary>
internal sealed class TestHost(ICloud cloud, NodeFacts node, string settings = "{}", TimeProvider? time = null) : IPluginHost
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Finding> _findings = new(StringComparer.Ordinal);

    /// <summary>The primary ENI's link; null when it is not there.</summary>
    public string? PrimaryLink { get; init; } = "eth0";

    public NodeFacts Node => node;

    public JsonElement Settings { get; } = JsonDocument.Parse(settings).RootElement.Clone();

    public IReadOnlyList<IAddressFamily> Families => [];

    public ICloud Cloud => cloud;

    public IPluginStore Store => throw new NotSupportedException("this plugin keeps nothing");

    public ILoggerFactory Loggers => NullLoggerFactory.Instance;

    public TimeProvider Time => time ?? TimeProvider.System;

    public IReadOnlyDictionary<string, Finding> Findings
    {
        get
        {
            lock (_gate) return new Dictionary<string, Finding>(_findings, StringComparer.Ordinal);
        }
    }

    public static NodeFacts Facts(string instanceId = "i-1", int ipv6 = 30) => new()
    {
        NodeName = "node1",
        InstanceId = instanceId,
        InstanceType = "ecs.g7.4xlarge",
        RegionId = "cn-hangzhou",
        ZoneId = "cn-hangzhou-i",
        VpcId = "vpc-lab",
        VSwitchId = "vsw-lab-nodes",
        PrimaryMac = "00:16:3e:00:00:01",
        Addresses = [IPAddress.Parse("10.0.0.7")],
        EniQuantity = 8,
        EniTotalQuantity = 60,
        EniPrivateIpAddressQuantity = 30,
        EniIpv6AddressQuantity = ipv6,
        EniTrunkSupported = true,
    };

    public Task<NodeLink> WaitForLinkAsync(string mac, TimeSpan timeout, CancellationToken cancellationToken) =>
        PrimaryLink is { } name && mac == node.PrimaryMac
            ? Task.FromResult(new NodeLink(name, 2, mac, 1500))
            : Task.FromException<NodeLink>(new TimeoutException());

    public Task WaitForLinkGoneAsync(string mac, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task EnsureNodeObjectsAsync(string key, IReadOnlyList<KernelObject> objects, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task RemoveNodeObjectsAsync(string key, CancellationToken cancellationToken) => throw new NotSupportedException();

    public void Report(string path, Finding? finding)
    {
        lock (_gate)
        {
            if (finding is null) _findings.Remove(path);
            else _findings[path] = finding;
        }
    }
}
