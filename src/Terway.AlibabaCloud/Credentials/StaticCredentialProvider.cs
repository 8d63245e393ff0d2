namespace Terway.AlibabaCloud.Credentials;

/// <summary>An access key from the configuration or the environment.</summary>
public sealed class StaticCredentialProvider : ICredentialProvider
{
    private readonly CloudCredential? _credential;
    private readonly string _missing;

    /// <summary>The key of the configuration; either part missing makes the provider say so when asked.</summary>
    public StaticCredentialProvider(string? accessKeyId, string? accessKeySecret)
        : this("configured access key", accessKeyId, accessKeySecret, "access_key", "access_secret")
    {
    }

    private StaticCredentialProvider(string name, string? id, string? secret, string idField, string secretField)
    {
        Name = name;
        bool hasId = !string.IsNullOrWhiteSpace(id);
        bool hasSecret = !string.IsNullOrWhiteSpace(secret);
        if (hasId && hasSecret)
            _credential = new CloudCredential(id!.Trim(), secret!.Trim(), name);
        _missing = hasId == hasSecret ? $"{idField} and {secretField} are not set" : $"{(hasId ? secretField : idField)} is not set, the other is";
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>The key in <c>ALICLOUD_ACCESS_KEY</c> and <c>ALICLOUD_SECRET_KEY</c>.</summary>
    public static StaticCredentialProvider FromEnvironment(Func<string, string?>? environment = null)
    {
        environment ??= Environment.GetEnvironmentVariable;
        return new StaticCredentialProvider(
            "environment", environment("ALICLOUD_ACCESS_KEY"), environment("ALICLOUD_SECRET_KEY"), "ALICLOUD_ACCESS_KEY", "ALICLOUD_SECRET_KEY");
    }

    /// <inheritdoc/>
    public ValueTask<CloudCredential> GetAsync(CancellationToken ct) =>
        _credential is not null ? ValueTask.FromResult(_credential) : throw new CredentialUnavailableException(_missing);

    /// <inheritdoc/>
    public bool Invalidate(CloudCredential refused) => false;
}
