using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Terway.AlibabaCloud.Credentials;
using Terway.AlibabaCloud.Metadata;
using Terway.AlibabaCloud.Network;
using Terway.AlibabaCloud.Transport;
using Terway.Host.Cloud;
using Terway.Host.CrashPoints;
using Terway.Host.State;
using Terway.Plugin;

namespace Terway.Host;

/// <summary>The daemon's way to the cloud, and what it learned there about this node.</summary>
internal sealed class DaemonCloud : IDisposable
{
    private readonly InstanceMetadata _metadata;
    private readonly CredentialChain _credentials;
    private readonly OpenApiTransport _transport;

    private DaemonCloud(InstanceMetadata metadata, CredentialChain credentials, OpenApiTransport transport, ICloudNetwork network, ICloud cloud, NodeFacts node, Task confirmed)
    {
        _metadata = metadata;
        _credentials = credentials;
        _transport = transport;
        Network = network;
        Cloud = cloud;
        Node = node;
        Confirmed = confirmed;
    }

    /// <summary>Typed calls, for the host's own use.</summary>
    public ICloudNetwork Network { get; }

    /// <summary>The same transport, for plugins.</summary>
    public ICloud Cloud { get; }

    public NodeFacts Node { get; }

    /// <summary>An attached ENI as the metadata service shows it.</summary>
    public Task<MetadataEni?> FindEniAsync(string mac, CancellationToken cancellationToken) => _metadata.GetEniAsync(mac, cancellationToken);

    /// <summary>MAC addresses of the attached ENIs, as the metadata service lists them.</summary>
    public Task<IReadOnlyList<string>> GetMacsAsync(CancellationToken cancellationToken) => _metadata.GetMacsAsync(cancellationToken);

    /// <inheritdoc cref="NodeFactsSource.Confirmed"/>
    public Task Confirmed { get; }

    /// <inheritdoc cref="NodeFactsSource.GetAsync" path="/exception"/>
    public static async Task<DaemonCloud> ConnectAsync(
        DaemonOptions options, JsonElement config, StateStore store, Func<string, IReadOnlyList<IPAddress>> addressesOf, ILoggerFactory loggers,
        TimeProvider time, NodeReadiness readiness, CrashPlan? crashes, CancellationToken cancellationToken)
    {
        var metadata = new InstanceMetadata(
            new InstanceMetadataOptions { BaseAddress = options.MetadataEndpoint }, loggers.CreateLogger<InstanceMetadata>(), time);
        var credentials = new CredentialSources
        {
            AccessKeyId = Text(config, "access_key"),
            AccessKeySecret = Text(config, "access_secret"),
            CredentialPath = Text(config, "credential_path"),
        }.CreateChain(metadata, loggers.CreateLogger<CredentialChain>(), time);
        OpenApiTransport? transport = null;
        try
        {
            var region = Text(config, "region_id") ?? NodeFactsSource.Known(store)?.RegionId
                ?? await metadata.GetRegionIdAsync(cancellationToken).ConfigureAwait(false);
            transport = new OpenApiTransport(
                new OpenApiTransportOptions { Region = region, RateLimits = RateLimits(config), OnClockSkew = skew => ClockFinding.Report(readiness, skew) }, credentials, loggers.CreateLogger<OpenApiTransport>(), time);
            ICloudTransport calls = crashes is null ? transport : new CrashingTransport(transport, crashes);
            var network = new CloudNetwork(calls);
            var source = new NodeFactsSource(
                metadata, network, store, options.NodeName, addressesOf, loggers.CreateLogger<NodeFactsSource>());
            var node = await source.GetAsync(cancellationToken).ConfigureAwait(false);
            return new DaemonCloud(metadata, credentials, transport, network, new HostCloud(calls, region), node, source.Confirmed);
        }
        catch
        {
            transport?.Dispose();
            credentials.Dispose();
            metadata.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _transport.Dispose();
        _credentials.Dispose();
        _metadata.Dispose();
    }

    private static string? Text(JsonElement config, string key) =>
        config.ValueKind == JsonValueKind.Object && config.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String
        && value.GetString() is { Length: > 0 } text ? text : null;

    private static Dictionary<string, int>? RateLimits(JsonElement config)
    {
        if (config.ValueKind != JsonValueKind.Object || !config.TryGetProperty("rate_limit", out var limits) || limits.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        var result = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var limit in limits.EnumerateObject())
        {
            if (limit.Value.ValueKind == JsonValueKind.Number && limit.Value.TryGetInt32(out var perMinute) && perMinute > 0) result[limit.Name] = perMinute;
        }

        return result;
    }
}
