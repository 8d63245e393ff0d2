using System.Diagnostics;

namespace Terway.AlibabaCloud.Credentials;

/// <summary>An access key, permanent or temporary. Deliberately not a record: its text must never hold the secret.</summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class CloudCredential
{
    /// <summary>Creates a credential.</summary>
    /// <param name="accessKeyId">Access key id.</param>
    /// <param name="accessKeySecret">Access key secret.</param>
    /// <param name="source">Where it came from, for messages.</param>
    /// <param name="securityToken">STS token of a temporary key.</param>
    /// <param name="expiration">When a temporary key ends.</param>
    public CloudCredential(
        string accessKeyId, string accessKeySecret, string source, string? securityToken = null, DateTimeOffset? expiration = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(accessKeyId);
        ArgumentException.ThrowIfNullOrWhiteSpace(accessKeySecret);
        AccessKeyId = accessKeyId;
        AccessKeySecret = accessKeySecret;
        Source = source;
        SecurityToken = securityToken;
        Expiration = expiration;
    }

    /// <summary>Access key id.</summary>
    public string AccessKeyId { get; }

    /// <summary>Access key secret.</summary>
    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    public string AccessKeySecret { get; }

    /// <summary>STS token; null for a permanent key.</summary>
    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    public string? SecurityToken { get; }

    /// <summary>End of a temporary key; null for a permanent one.</summary>
    public DateTimeOffset? Expiration { get; }

    /// <summary>Where it came from, for messages.</summary>
    public string Source { get; }

    /// <summary>First characters of the id and the source; no secret.</summary>
    public override string ToString()
    {
        string id = AccessKeyId.Length <= 6 ? "***" : $"{AccessKeyId[..6]}***";
        return Expiration is { } end ? $"{id} from {Source}, until {end:u}" : $"{id} from {Source}";
    }
}
