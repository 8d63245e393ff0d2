using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Terway.Configuration.Plugins.Resolution;
using Terway.Plugin;

namespace Terway.Host.Tests.Plugins;

/// <summary>A host without a node: plugin loading needs none.</summary>
internal sealed class FakeHost(ResolvedPlugin plugin, IReadOnlyList<IAddressFamily> families) : IPluginHost
{
    public ConcurrentDictionary<string, Finding?> Reports { get; } = new();

    public NodeFacts Node => TestNode.Facts();

    public JsonElement Settings => plugin.Request?.Settings ?? JsonDocument.Parse("{}").RootElement;

    public IReadOnlyList<IAddressFamily> Families => families;

    public ICloud Cloud => throw new NotSupportedException();

    public IPluginStore Store => throw new NotSupportedException();

    public ILoggerFactory Loggers => NullLoggerFactory.Instance;

    public TimeProvider Time => TimeProvider.System;

    public Task<NodeLink> WaitForLinkAsync(string mac, TimeSpan timeout, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task WaitForLinkGoneAsync(string mac, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task EnsureNodeObjectsAsync(string key, IReadOnlyList<KernelObject> objects, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task RemoveNodeObjectsAsync(string key, CancellationToken cancellationToken) => throw new NotSupportedException();

    public void Report(string path, Finding? finding) => Reports[path] = finding;
}

internal static class TestNode
{
    public static NodeFacts Facts(bool trunk = true) => new()
    {
        NodeName = "n1",
        InstanceId = "i-1",
        InstanceType = "ecs.g7.4xlarge",
        RegionId = "cn-hangzhou",
        ZoneId = "cn-hangzhou-i",
        VpcId = "vpc-1",
        VSwitchId = "vsw-1",
        PrimaryMac = "00:16:3e:00:00:01",
        Addresses = [IPAddress.Parse("192.168.0.1")],
        EniQuantity = 8,
        EniTotalQuantity = 8,
        EniPrivateIpAddressQuantity = 30,
        EniIpv6AddressQuantity = 30,
        EniTrunkSupported = trunk,
    };

    public static NodeEnvironment Environment(string kernel = "5.10.134-16.al8.x86_64", bool trunk = true) => NodeEnvironment.Of(Facts(trunk), kernel);
}
