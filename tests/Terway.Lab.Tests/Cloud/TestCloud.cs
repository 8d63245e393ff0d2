using System.Collections.Immutable;
using System.Net;
using Terway.Lab.Cloud;
using Terway.Lab.Config;

namespace Terway.Lab.Tests.Cloud;

/// <summary>A small region, served on loopback, with a recording data plane.</summary>
internal sealed class TestCloud : IAsyncDisposable
{
    public const string Zone = "cn-hangzhou-i";
    public const string OtherZone = "cn-hangzhou-k";
    public const string KeyId = "LTAItest";
    public const string Secret = "secret";

    private TestCloud(LabCloud cloud, RecordingFabric fabric, InstanceSnapshot node, TimeProvider time)
    {
        Cloud = cloud;
        Fabric = fabric;
        Node = node;
        Time = time;
        Api = Client();
    }

    public static LabConfig Config { get; } = new()
    {
        Vpc = new VpcConfig { Ipv6Cidr = IPNetwork.Parse("2408:4005:1000::/56") },
        VSwitches =
        [
            new VSwitchConfig { Id = "vsw-nodes", ZoneId = Zone, Cidr = IPNetwork.Parse("10.0.0.0/24") },
            new VSwitchConfig
            {
                Id = "vsw-pods", ZoneId = Zone, Cidr = IPNetwork.Parse("10.0.4.0/24"), Ipv6Cidr = IPNetwork.Parse("2408:4005:1000:10::/64"),
            },
            new VSwitchConfig { Id = "vsw-tiny", ZoneId = Zone, Cidr = IPNetwork.Parse("10.0.8.0/28") },
            new VSwitchConfig { Id = "vsw-far", ZoneId = OtherZone, Cidr = IPNetwork.Parse("10.0.9.0/24") },
        ],
        SecurityGroups = [new SecurityGroupConfig { Id = "sg-1" }, new SecurityGroupConfig { Id = "sg-2" }, new SecurityGroupConfig { Id = "sg-e", Enterprise = true }],
        AccessKeys = [new AccessKeyConfig { Id = KeyId, Secret = Secret }],
        Delays = DelayConfig.None,
    };

    public LabCloud Cloud { get; }

    public Region Region => Cloud.Region;

    public RecordingFabric Fabric { get; }

    public InstanceSnapshot Node { get; }

    public TimeProvider Time { get; }

    /// <summary>Signs with the account's key.</summary>
    public AcsClient Api { get; }

    public Uri Metadata => Cloud.MetadataAddresses[0];

    public Uri Control => Cloud.ControlAddresses[0];

    public static async Task<TestCloud> StartAsync(LabConfig? config = null, TimeProvider? time = null, string instanceType = "ecs.g7.xlarge")
    {
        var fabric = new RecordingFabric();
        time ??= TimeProvider.System;
        string? nodeId = null;
        var cloud = await LabCloud.StartAsync(config ?? Config, fabric, new LabCloudOptions
        {
            OpenApi = [LabListener.Loopback()],
            Metadata = [LabListener.Loopback()],
            Control = [LabListener.Loopback()],
            InstanceOf = _ => nodeId,
            Time = time,
        });
        var node = await cloud.Region.RunInstanceAsync(new InstanceRequest
        {
            Name = "node1",
            InstanceType = instanceType,
            VSwitchId = "vsw-nodes",
            SecurityGroupIds = ["sg-1"],
        });
        nodeId = node.Id;
        return new TestCloud(cloud, fabric, node, time);
    }

    public AcsClient Client(string keyId = KeyId, string secret = Secret, string? token = null) =>
        new(Cloud.OpenApiAddresses[0], keyId, secret, Time) { SecurityToken = token };

    public AcsClient RoleClient()
    {
        var role = Cloud.Credentials.IssueFor(Node.Id);
        return Client(role.AccessKeyId, role.AccessKeySecret, role.SecurityToken);
    }

    public EniSnapshot NewEni(int secondary = 0, string vSwitch = "vsw-pods", EniType type = EniType.Secondary) => Region.CreateEni(new CreateEniRequest
    {
        VSwitchId = vSwitch,
        SecurityGroupIds = ["sg-1"],
        SecondaryIpCount = secondary,
        Type = type,
    });

    public async Task<EniSnapshot> AttachedEniAsync(int secondary = 0, string vSwitch = "vsw-pods")
    {
        var eni = NewEni(secondary, vSwitch);
        Region.AttachEni(eni.Id, Node.Id);
        await IdleAsync();
        return Eni(eni.Id);
    }

    /// <summary>Waits for attaches, detaches and deletes under way.</summary>
    public Task IdleAsync() => Region.WhenIdleAsync(TestContext.Current.CancellationToken);

    public EniSnapshot Eni(string id) => Region.Enis.Single(e => e.Id == id);

    public ImmutableArray<EniSnapshot> SecondaryEnis => [.. Region.Enis.Where(static e => e.Type != EniType.Primary)];

    public int Available(string vSwitchId) => Region.VSwitches.Single(v => v.Id == vSwitchId).AvailableIpAddressCount;

    public async ValueTask DisposeAsync()
    {
        Api.Dispose();
        await Cloud.DisposeAsync();
        Assert.Empty(Fabric.Broken);
    }
}
