using Microsoft.Extensions.Logging;
using Terway.AlibabaCloud.Metadata;

namespace Terway.AlibabaCloud.Credentials;

/// <summary>What the configuration says about credentials, and the chain made of it.</summary>
public sealed class CredentialSources
{
    /// <summary><c>access_key</c> of the configuration.</summary>
    public string? AccessKeyId { get; init; }

    /// <summary><c>access_secret</c> of the configuration.</summary>
    public string? AccessKeySecret { get; init; }

    /// <summary><c>credential_path</c> of the configuration; else <c>ALICLOUD_CREDENTIALS_FILE</c>.</summary>
    public string? CredentialPath { get; init; }

    /// <summary>Folder of the add-on's secret files.</summary>
    public string SecretFilesDirectory { get; init; } = SecretFilesCredentialProvider.DefaultDirectory;

    /// <summary>Name of the instance's RAM role; null: the one that the metadata service lists.</summary>
    public string? RamRole { get; init; }

    /// <summary>
    /// Add-on secret files, configured key, environment, encrypted token file (when a path is known), instance RAM role.
    /// </summary>
    public CredentialChain CreateChain(
        InstanceMetadata metadata, ILogger? logger = null, TimeProvider? time = null, Func<string, string?>? environment = null)
    {
        environment ??= Environment.GetEnvironmentVariable;
        List<ICredentialProvider> chain =
        [
            new SecretFilesCredentialProvider(SecretFilesDirectory, time),
            new StaticCredentialProvider(AccessKeyId, AccessKeySecret),
            StaticCredentialProvider.FromEnvironment(environment),
        ];
        string? path = string.IsNullOrWhiteSpace(CredentialPath) ? environment("ALICLOUD_CREDENTIALS_FILE") : CredentialPath;
        if (!string.IsNullOrWhiteSpace(path))
            chain.Add(new EncryptedFileCredentialProvider(path, time));
        chain.Add(new RamRoleCredentialProvider(metadata, RamRole, logger, time));
        return new CredentialChain(chain, time);
    }
}
