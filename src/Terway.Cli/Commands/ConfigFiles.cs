using Terway.Configuration;

namespace Terway.Cli.Commands;

/// <summary>A configuration and, maybe, the node's own that lies over it.</summary>
internal static class ConfigFiles
{
    /// <exception cref="CannotTellException">A file cannot be read.</exception>
    public static NodePoolConfig Read(string path, string? overlay)
    {
        var content = ReadFile(path);
        return overlay is null ? NodePoolConfig.Parse(content, path) : NodePoolConfig.Parse(content, path, ReadFile(overlay), overlay);
    }

    private static byte[] ReadFile(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CannotTellException($"{path} cannot be read: {e.Message}");
        }
    }
}
