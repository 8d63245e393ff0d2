namespace Terway.Plugins.IPv6DualStack;

/// <summary>Kernel parameters of the node as they are; the daemon's threads are in the node's network namespace.</summary>
internal static class NodeSysctl
{
    /// <summary>The value; null when there is no such parameter.</summary>
    public static string? Read(string path)
    {
        try
        {
            return File.ReadAllText($"/proc/sys/{path}").TrimEnd('\n');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
