namespace Terway.AlibabaCloud.Credentials;

/// <summary>What the providers that read files share: re-reading after 30 minutes, on refusal, and before expiry.</summary>
public abstract class FileCredentialProvider : ICredentialProvider
{
    /// <summary>Age after which files are read again; upstream's interval.</summary>
    public static readonly TimeSpan ReadInterval = TimeSpan.FromMinutes(30);

    private static readonly TimeSpan s_expiryMargin = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private CloudCredential? _cached;
    private DateTimeOffset _readAt;

    private protected FileCredentialProvider(TimeProvider? time) => _time = time ?? TimeProvider.System;

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public ValueTask<CloudCredential> GetAsync(CancellationToken ct)
    {
        // Two small local files: read in place, one reader at a time.
        lock (_gate)
        {
            DateTimeOffset now = _time.GetUtcNow();
            if (_cached is { } fresh && now - _readAt < ReadInterval && !(fresh.Expiration - now < s_expiryMargin))
                return ValueTask.FromResult(fresh);

            CloudCredential credential;
            try
            {
                credential = Read();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new CredentialUnavailableException(e.Message, e);
            }

            if (credential.Expiration <= now)
                throw new CredentialUnavailableException($"its credential expired at {credential.Expiration:u}; renew the file");
            _cached = credential;
            _readAt = now;
            return ValueTask.FromResult(credential);
        }
    }

    /// <inheritdoc/>
    public bool Invalidate(CloudCredential refused)
    {
        lock (_gate)
        {
            if (!ReferenceEquals(_cached, refused))
                return _cached is not null;
            _cached = null;
            return true;
        }
    }

    /// <summary>Reads the files now.</summary>
    private protected abstract CloudCredential Read();
}
