using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Terway.AlibabaCloud.Metadata;

namespace Terway.AlibabaCloud.Credentials;

/// <summary>
/// The temporary key of the instance's RAM role. Renewed ahead of its end, by one request whatever the number of
/// callers; while a renewal runs or fails, callers get the old key as long as it is valid.
/// </summary>
public sealed partial class RamRoleCredentialProvider : ICredentialProvider, IDisposable
{
    private const string Key = "ram/security-credentials/";

    private static readonly TimeSpan s_renewAhead = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan s_pauseAfterFailure = TimeSpan.FromSeconds(10);

    // A key that ends while the request travels is of no use.
    private static readonly TimeSpan s_expiryMargin = TimeSpan.FromSeconds(10);

    // How long a key is used that seems to be over. Its issuer just gave it out, so it is this node's clock that must be wrong (a hardware clock in
    // local time, before the first synchronisation, is hours ahead); the API, which goes by its own clock, is left to judge.
    private static readonly TimeSpan s_unproven = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _disposed = new();
    private readonly InstanceMetadata _metadata;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly string? _role;
    private CloudCredential? _current;
    private DateTimeOffset _validUntil;
    private DateTimeOffset _renewAt;
    private DateTimeOffset _notBefore;
    private Task<CloudCredential>? _renewal;

    /// <summary>Creates the provider.</summary>
    /// <param name="metadata">Not disposed with the provider.</param>
    /// <param name="role">Role name; null: the one the metadata service lists.</param>
    /// <param name="logger">Null for none.</param>
    /// <param name="time">Null for the system's.</param>
    public RamRoleCredentialProvider(InstanceMetadata metadata, string? role = null, ILogger? logger = null, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        _metadata = metadata;
        _role = string.IsNullOrWhiteSpace(role) ? null : role.Trim();
        _logger = logger ?? NullLogger.Instance;
        _time = time ?? TimeProvider.System;
    }

    /// <inheritdoc/>
    public string Name => "instance RAM role";

    /// <inheritdoc/>
    public async ValueTask<CloudCredential> GetAsync(CancellationToken ct)
    {
        Task<CloudCredential> renewal;
        lock (_gate)
        {
            DateTimeOffset now = _time.GetUtcNow();
            bool usable = _current is not null && now + s_expiryMargin < _validUntil;
            if (usable && now < _renewAt)
                return _current!;
            if (_renewal is null && (!usable || now >= _notBefore))
                _renewal = StartRenewal();
            if (usable)
                return _current!;
            renewal = _renewal!;
        }

        // One caller's cancellation must not take the renewal away from the others.
        return await renewal.WaitAsync(ct);
    }

    /// <inheritdoc/>
    public bool Invalidate(CloudCredential refused)
    {
        lock (_gate)
        {
            if (ReferenceEquals(_current, refused))
                _current = null;
            return true;
        }
    }

    /// <summary>Ends a renewal under way.</summary>
    public void Dispose()
    {
        _disposed.Cancel();
        _disposed.Dispose();
    }

    private Task<CloudCredential> StartRenewal()
    {
        // Not awaited by everybody who causes it: its failure is logged there, and observed here.
        Task<CloudCredential> renewal = Task.Run(() => RenewAsync(_disposed.Token));
        renewal.ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return renewal;
    }

    private async Task<CloudCredential> RenewAsync(CancellationToken ct)
    {
        try
        {
            CloudCredential renewed = await FetchAsync(ct);
            lock (_gate)
            {
                DateTimeOffset now = _time.GetUtcNow();
                TimeSpan lifetime = renewed.Expiration!.Value > now ? renewed.Expiration.Value - now : s_unproven;
                TimeSpan ahead = lifetime / 4 < s_renewAhead ? lifetime / 4 : s_renewAhead;
                _current = renewed;
                _validUntil = now + lifetime;
                _renewAt = _validUntil - ahead;
                _notBefore = now + s_pauseAfterFailure;
                _renewal = null;
            }

            LogRenewed(_logger, renewed.ToString());
            return renewed;
        }
        catch (Exception e) when (e is MetadataException or CredentialUnavailableException or OperationCanceledException)
        {
            lock (_gate)
            {
                _renewal = null;
                _notBefore = _time.GetUtcNow() + s_pauseAfterFailure;
            }

            LogRenewalFailed(_logger, e.Message);
            if (e is MetadataException)
                throw new CredentialUnavailableException(e.Message, e);
            throw;
        }
    }

    private async Task<CloudCredential> FetchAsync(CancellationToken ct)
    {
        string role = _role ?? await DiscoverRoleAsync(ct);
        string json = await _metadata.GetAsync(Key + role, ct)
            ?? throw new CredentialUnavailableException($"the metadata service has no credential for role {role}");
        CloudCredential credential = Parse(json, Name);
        if (credential.Expiration <= _time.GetUtcNow())
            LogSeemsOver(_logger, credential.ToString());
        return credential;
    }

    private async Task<string> DiscoverRoleAsync(CancellationToken ct)
    {
        IReadOnlyList<string> roles = MetadataParser.Directory(await _metadata.GetAsync(Key, ct) ?? "");
        return roles.Count > 0 ? roles[0] : throw new CredentialUnavailableException("the instance has no RAM role");
    }

    /// <summary>Reads the service's answer; the message of a failure names fields, never their content.</summary>
    internal static CloudCredential Parse(string json, string source)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            JsonElement root = document.RootElement;
            if (root.ValueKind is not JsonValueKind.Object)
                throw new CredentialUnavailableException("the RAM role's credential is not a JSON object");
            if (root.TryGetProperty("Code", out JsonElement code) && !code.ValueEquals("Success"))
                throw new CredentialUnavailableException($"the metadata service answered {code} for the RAM role");
            string expiration = Text(root, "Expiration");
            return DateTimeOffset.TryParse(
                expiration, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTimeOffset end)
                ? new CloudCredential(Text(root, "AccessKeyId"), Text(root, "AccessKeySecret"), source, Text(root, "SecurityToken"), end)
                : throw new CredentialUnavailableException($"the RAM role's Expiration '{expiration}' is not a date");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new CredentialUnavailableException("the RAM role's credential cannot be read as JSON");
        }
    }

    private static string Text(JsonElement root, string field) =>
        root.TryGetProperty(field, out JsonElement value) && value.ValueKind is JsonValueKind.String && !string.IsNullOrWhiteSpace(value.GetString())
            ? value.GetString()!
            : throw new CredentialUnavailableException($"the RAM role's credential lacks {field}");

    [LoggerMessage(3201, LogLevel.Information, "RAM role credential renewed: {Credential}.")]
    private static partial void LogRenewed(ILogger logger, string credential);

    [LoggerMessage(3203, LogLevel.Warning, "RAM role credential is over by this node's clock, which may be ahead: {Credential}. Used all the same; the API judges by its own clock.")]
    private static partial void LogSeemsOver(ILogger logger, string credential);

    [LoggerMessage(3202, LogLevel.Warning, "RAM role credential could not be renewed: {Reason}")]
    private static partial void LogRenewalFailed(ILogger logger, string reason);
}
