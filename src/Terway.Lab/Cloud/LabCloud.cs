using Terway.Lab.Cloud.Api;
using Terway.Lab.Cloud.Control;
using Terway.Lab.Cloud.Faults;
using Terway.Lab.Cloud.Metadata;
using Terway.Lab.Config;

namespace Terway.Lab.Cloud;

/// <summary>A region with its OpenAPI, metadata and control servers.</summary>
public sealed class LabCloud : IAsyncDisposable
{
    private readonly LabHttpServer?[] _servers = new LabHttpServer?[3];

    private LabCloud(Region region, CredentialStore credentials)
    {
        Region = region;
        Credentials = credentials;
    }

    public Region Region { get; }

    public CredentialStore Credentials { get; }

    public FaultPlan Faults => Region.Faults;

    public CallLog Calls { get; } = new();

    /// <summary>Base addresses of the TCP listeners, with the ports that were picked.</summary>
    public IReadOnlyList<Uri> OpenApiAddresses => _servers[0]?.Addresses ?? [];

    public IReadOnlyList<Uri> MetadataAddresses => _servers[1]?.Addresses ?? [];

    public IReadOnlyList<Uri> ControlAddresses => _servers[2]?.Addresses ?? [];

    /// <summary>Builds the region of a valid configuration and serves it. Starts no instance.</summary>
    public static async Task<LabCloud> StartAsync(LabConfig config, IVpcFabric fabric, LabCloudOptions options, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(options);
        var faults = new FaultPlan(options.Time);
        var region = await Region.CreateAsync(config, fabric, faults, options.Time, ct);
        var credentials = new CredentialStore(config, faults, options.Time);
        var cloud = new LabCloud(region, credentials);
        try
        {
            var api = new OpenApiServer(region, credentials, cloud.Calls, options.Time);
            var metadata = new MetadataServer(region, credentials, options.InstanceOf ?? region.FindInstanceId, options.Time);
            var control = new ControlServer(region, cloud.Calls);
            if (options.OpenApi.Count > 0)
                cloud._servers[0] = await LabHttpServer.StartAsync(options.OpenApi, api.HandleAsync, ct);
            if (options.Metadata.Count > 0)
                cloud._servers[1] = await LabHttpServer.StartAsync(options.Metadata, metadata.HandleAsync, ct);
            if (options.Control.Count > 0)
                cloud._servers[2] = await LabHttpServer.StartAsync(options.Control, control.HandleAsync, ct);
            return cloud;
        }
        catch
        {
            await cloud.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
        {
            if (server is not null)
                await server.DisposeAsync();
        }
        await Region.DisposeAsync();
    }
}
