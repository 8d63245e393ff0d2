namespace Terway.AlibabaCloud.Credentials;

/// <summary>The access key that the ACK add-on mounts as two files, <c>access-key-id</c> and <c>access-key-secret</c>.</summary>
/// <param name="directory">Folder of the files.</param>
/// <param name="time">Null for the system's.</param>
public sealed class SecretFilesCredentialProvider(string directory = SecretFilesCredentialProvider.DefaultDirectory, TimeProvider? time = null)
    : FileCredentialProvider(time)
{
    /// <summary>Where the add-on mounts its secret.</summary>
    public const string DefaultDirectory = "/var/alibaba-addon-secret";

    /// <inheritdoc/>
    public override string Name => $"add-on secret files in {directory}";

    private protected override CloudCredential Read()
    {
        if (!Directory.Exists(directory))
            throw new CredentialUnavailableException("the folder does not exist");
        string id = File.ReadAllText(Path.Combine(directory, "access-key-id")).Trim();
        string secret = File.ReadAllText(Path.Combine(directory, "access-key-secret")).Trim();
        return id.Length > 0 && secret.Length > 0
            ? new CloudCredential(id, secret, Name)
            : throw new CredentialUnavailableException("access-key-id or access-key-secret is empty");
    }
}
