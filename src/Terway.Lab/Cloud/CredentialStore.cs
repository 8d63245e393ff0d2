using System.Collections.Frozen;
using System.Security.Cryptography;
using Terway.Lab.Cloud.Faults;
using Terway.Lab.Config;

namespace Terway.Lab.Cloud;

/// <summary>The account's access keys, and the temporary credentials that instances get for their role. Thread-safe.</summary>
public sealed class CredentialStore(LabConfig config, FaultPlan faults, TimeProvider time)
{
    private const int MaxRemembered = 4096;

    private readonly Lock _lock = new();
    private readonly FrozenDictionary<string, string> _keys =
        config.AccessKeys.ToFrozenDictionary(static k => k.Id, static k => k.Secret, StringComparer.Ordinal);
    private readonly Dictionary<string, RoleCredentials> _current = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RoleCredentials> _byAccessKey = new(StringComparer.Ordinal);
    private readonly Queue<string> _order = new();

    /// <summary>What the metadata service hands out: the same set until a tenth of its life is left, then a new one.</summary>
    public RoleCredentials IssueFor(string instanceId)
    {
        var now = time.GetUtcNow();
        var lifetime = config.RamRole.CredentialLifetime;
        lock (_lock)
        {
            if (_current.TryGetValue(instanceId, out var current) && current.Expiration - now > lifetime / 10 && !IsExpired(current))
                return current;
            var issued = new RoleCredentials(
                instanceId,
                "STS." + Token(12),
                Token(22),
                Token(96),
                now,
                now + lifetime);
            _current[instanceId] = issued;
            _byAccessKey.Add(issued.AccessKeyId, issued);
            _order.Enqueue(issued.AccessKeyId);
            if (_order.Count > MaxRemembered)
                _byAccessKey.Remove(_order.Dequeue());
            return issued;
        }
    }

    /// <summary>The secret of a long-lived key; null when there is no such key.</summary>
    internal string? FindSecret(string accessKeyId) => _keys.GetValueOrDefault(accessKeyId);

    /// <summary>Temporary credentials, expired ones too.</summary>
    internal RoleCredentials? FindRole(string accessKeyId)
    {
        lock (_lock)
            return _byAccessKey.GetValueOrDefault(accessKeyId);
    }

    internal bool IsExpired(RoleCredentials credentials) =>
        credentials.Expiration <= time.GetUtcNow() || faults.ExpiresRole(credentials.IssuedAt);

    /// <summary>Whether a long-lived key was revoked.</summary>
    internal bool IsRevoked(string accessKeyId) => faults.RevokesKey(accessKeyId);

    private static string Token(int bytes) => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(bytes));
}
