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
            var json = await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false);
            return NodePoolConfig.Parse(json, path, labels, UpstreamConfigMap.Beside(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return NodePoolConfig.Unreadable(path, e.Message);
        }
    }
}
