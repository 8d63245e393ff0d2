namespace Terway.AlibabaCloud.Credentials;

/// <summary>A place credentials come from. Implementations cache and are thread-safe.</summary>
public interface ICredentialProvider
{
    /// <summary>Short name for messages, e.g. "instance RAM role".</summary>
    string Name { get; }

    /// <summary>A credential that is valid now.</summary>
    /// <exception cref="CredentialUnavailableException">There is none here; the message says why.</exception>
    ValueTask<CloudCredential> GetAsync(CancellationToken ct);

    /// <summary>
    /// The service refused <paramref name="refused"/>: forget it if it is what the cache holds.
    /// </summary>
    /// <returns>True when the next <see cref="GetAsync"/> may give another one, so that a retry makes sense.</returns>
    bool Invalidate(CloudCredential refused);
}
