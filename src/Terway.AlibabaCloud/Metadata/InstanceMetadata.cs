using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Terway.AlibabaCloud.Metadata;

/// <summary>Client of the instance metadata service. Thread-safe; nothing is cached but the session token.</summary>
public sealed partial class InstanceMetadata : IDisposable
{
    private const string MetaData = "meta-data/";
    private const double DelayFactor = 1.2;

    private readonly InstanceMetadataOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly MetadataSession _session;

    /// <summary>Creates the client; nothing is sent before the first call.</summary>
    public InstanceMetadata(InstanceMetadataOptions? options = null, ILogger<InstanceMetadata>? logger = null, TimeProvider? time = null)
    {
        _options = options ?? new InstanceMetadataOptions();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(_options.MaxAttempts);
        _time = time ?? TimeProvider.System;
        _logger = logger ?? (ILogger)NullLogger.Instance;
        _session = new MetadataSession(_options, _time);
    }

    /// <summary>Reads a key below <c>/latest/meta-data/</c>, e.g. <c>zone-id</c>.</summary>
    /// <returns>The value, trimmed; null when the service does not have the key (404).</returns>
    /// <exception cref="MetadataException">The service refused, or could not be reached in several tries.</exception>
    public async Task<string?> GetAsync(string key, CancellationToken ct)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        string path = MetaData + key;
        TimeSpan delay = _options.RetryDelay;
        for (int attempt = 1; ; attempt++)
        {
            HttpStatusCode? status;
            Exception? cause = null;
            string why;
            try
            {
                (HttpStatusCode answered, string body) = await _session.GetAsync(path, ct);
                if (answered is HttpStatusCode.OK)
                    return body.Trim();
                if (answered is HttpStatusCode.NotFound)
                    return null;
                status = answered;
                why = $"HTTP {(int)answered}";
            }
            catch (HttpRequestException e)
            {
                (status, why, cause) = (null, e.Message, e);
            }
            catch (MetadataException e)
            {
                (status, why, cause) = (e.HttpStatus, e.Message, e);
            }

            bool again = status is null or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError;
            if (!again || attempt >= _options.MaxAttempts)
            {
                throw new MetadataException(path, status,
                    $"Instance metadata {path} at {_options.BaseAddress.Authority} cannot be read after {attempt} {(attempt == 1 ? "try" : "tries")}: {why.TrimEnd('.')}. "
                    + "Check that this node is an instance and that nothing on it blocks the metadata service.", cause);
            }

            LogRetry(_logger, attempt, path, why, (long)delay.TotalMilliseconds);
            await Task.Delay(delay, _time, ct);
            delay *= DelayFactor;
        }
    }

    /// <summary>Reads a key that every instance has.</summary>
    /// <exception cref="MetadataException">It is missing or empty, or the service could not be reached.</exception>
    public async Task<string> GetRequiredAsync(string key, CancellationToken ct)
    {
        string? value = await GetAsync(key, ct);
        return !string.IsNullOrEmpty(value)
            ? value
            : throw new MetadataException(MetaData + key, HttpStatusCode.NotFound, $"The metadata service at {_options.BaseAddress.Authority} has no value for {key}.");
    }

    /// <summary>Instance id.</summary>
    public Task<string> GetInstanceIdAsync(CancellationToken ct) => GetRequiredAsync("instance-id", ct);

    /// <summary>Instance type.</summary>
    public Task<string> GetInstanceTypeAsync(CancellationToken ct) => GetRequiredAsync("instance/instance-type", ct);

    /// <summary>Region id.</summary>
    public Task<string> GetRegionIdAsync(CancellationToken ct) => GetRequiredAsync("region-id", ct);

    /// <summary>Zone id.</summary>
    public Task<string> GetZoneIdAsync(CancellationToken ct) => GetRequiredAsync("zone-id", ct);

    /// <summary>VPC of the primary ENI.</summary>
    public Task<string> GetVpcIdAsync(CancellationToken ct) => GetRequiredAsync("vpc-id", ct);

    /// <summary>IPv4 range of the VPC.</summary>
    public Task<IPNetwork> GetVpcCidrBlockAsync(CancellationToken ct) => ReadAsync("vpc-cidr-block", MetadataParser.Network, ct);

    /// <summary>vSwitch of the primary ENI.</summary>
    public Task<string> GetVSwitchIdAsync(CancellationToken ct) => GetRequiredAsync("vswitch-id", ct);

    /// <summary>MAC of the primary ENI.</summary>
    public async Task<string> GetPrimaryMacAsync(CancellationToken ct) => (await GetRequiredAsync("mac", ct)).ToLowerInvariant();

    /// <summary>MACs of all attached ENIs.</summary>
    public Task<IReadOnlyList<string>> GetMacsAsync(CancellationToken ct) => ReadAsync("network/interfaces/macs/", MetadataParser.Directory, ct);

    /// <summary>What the instance is and where.</summary>
    public async Task<InstanceIdentity> GetInstanceIdentityAsync(CancellationToken ct)
    {
        Task<string> id = GetInstanceIdAsync(ct);
        Task<string> type = GetInstanceTypeAsync(ct);
        Task<string> region = GetRegionIdAsync(ct);
        Task<string> zone = GetZoneIdAsync(ct);
        Task<string> vpc = GetVpcIdAsync(ct);
        Task<string> vSwitch = GetVSwitchIdAsync(ct);
        Task<string> mac = GetPrimaryMacAsync(ct);
        await Task.WhenAll(id, type, region, zone, vpc, vSwitch, mac);
        return new InstanceIdentity(await id, await type, await region, await zone, await vpc, await vSwitch, await mac);
    }

    /// <summary>ENI id behind a MAC; null while the service does not show that MAC.</summary>
    public Task<string?> GetNetworkInterfaceIdAsync(string mac, CancellationToken ct) => GetAsync($"{EniKey(mac)}network-interface-id", ct);

    /// <summary>IPv4 addresses of the ENI with that MAC; empty while the service does not show it.</summary>
    public async Task<IReadOnlyList<IPAddress>> GetPrivateIpv4sAsync(string mac, CancellationToken ct) =>
        await ReadOptionalAsync(EniKey(mac) + "private-ipv4s", MetadataParser.Addresses, ct) ?? [];

    /// <summary>IPv6 addresses of the ENI with that MAC; empty without IPv6.</summary>
    public async Task<IReadOnlyList<IPAddress>> GetIpv6sAsync(string mac, CancellationToken ct) =>
        await ReadOptionalAsync(EniKey(mac) + "ipv6s", MetadataParser.Addresses, ct) ?? [];

    /// <summary>All there is about the ENI with that MAC; null while the service does not show it.</summary>
    public async Task<MetadataEni?> GetEniAsync(string mac, CancellationToken ct)
    {
        string key = EniKey(mac);
        if (await GetAsync(key + "network-interface-id", ct) is not { Length: > 0 } id)
            return null;
        IPNetwork cidr = await ReadAsync(key + "vswitch-cidr-block", MetadataParser.Network, ct);
        string? ipv6Cidr = await GetAsync(key + "vswitch-ipv6-cidr-block", ct);
        IPNetwork? ipv6Network = string.IsNullOrEmpty(ipv6Cidr) ? null : Parse(key + "vswitch-ipv6-cidr-block", ipv6Cidr, MetadataParser.Network);
        IReadOnlyList<IPAddress> ipv6s = await GetIpv6sAsync(mac, ct);
        IPAddress? ipv6Gateway = await ReadOptionalAsync(key + "ipv6-gateway", MetadataParser.Address, ct);
        if (ipv6Gateway is null && ipv6s.Count > 0 && ipv6Network is { } network)
            ipv6Gateway = MetadataParser.DerivedGateway(network);

        return new MetadataEni
        {
            Mac = mac,
            NetworkInterfaceId = id,
            PrimaryIPAddress = await ReadAsync(key + "primary-ip-address", MetadataParser.Address, ct),
            PrivateIpv4s = await GetPrivateIpv4sAsync(mac, ct),
            Ipv6s = ipv6s,
            Gateway = await ReadOptionalAsync(key + "gateway", MetadataParser.Address, ct) ?? MetadataParser.DerivedGateway(cidr),
            Ipv6Gateway = ipv6Gateway,
            VSwitchId = await GetRequiredAsync(key + "vswitch-id", ct),
            VSwitchCidrBlock = cidr,
            VSwitchIpv6CidrBlock = ipv6Network,
        };
    }

    /// <summary>Closes the connections.</summary>
    public void Dispose() => _session.Dispose();

    private static string EniKey(string mac)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(mac);
        return $"network/interfaces/macs/{mac.ToLowerInvariant()}/";
    }

    private async Task<T> ReadAsync<T>(string key, Func<string, T> parse, CancellationToken ct) => Parse(key, await GetRequiredAsync(key, ct), parse);

    private async Task<T?> ReadOptionalAsync<T>(string key, Func<string, T> parse, CancellationToken ct)
        where T : class =>
        await GetAsync(key, ct) is { Length: > 0 } text ? Parse(key, text, parse) : null;

    private static T Parse<T>(string key, string text, Func<string, T> parse)
    {
        try
        {
            return parse(text);
        }
        catch (FormatException e)
        {
            throw new MetadataException(MetaData + key, HttpStatusCode.OK, $"Instance metadata {key} cannot be understood: {e.Message}.", e);
        }
    }

    [LoggerMessage(3101, LogLevel.Warning, "Try {Attempt} to read metadata {Path} failed: {Why}. Next try in {DelayMilliseconds} ms.")]
    private static partial void LogRetry(ILogger logger, int attempt, string path, string why, long delayMilliseconds);
}
