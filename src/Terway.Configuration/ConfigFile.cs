namespace Terway.Configuration;

/// <summary>Reads the node pool's configuration from its file.</summary>
internal static class ConfigFile
{
    /// <summary>Never throws for what is in the file or that it is missing: that becomes a finding, and running pods are still served.</summary>
    public static async Task<NodePoolConfig> ReadAsync(
        string path, IReadOnlyDictionary<string, string> labels, CancellationToken cancellationToken)
    {
        try
        {
            return NodePoolConfig.Parse(await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false), path, labels);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return NodePoolConfig.Unreadable(path, e.Message);
        }
    }
}
