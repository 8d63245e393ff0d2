using System.CommandLine;
using Terway.Configuration;

namespace Terway.Cli.Commands;

/// <summary>A configuration and, maybe, the node's own that lies over it.</summary>
internal static class ConfigFiles
{
    /// <summary>Option for the labels of the node that the configuration is for.</summary>
    public static Option<string?> NodeLabelsOption() =>
        new("--node-labels") { Description = "labels of the node as KEY=VALUE,...; k8s.aliyun.com/exclusive-mode-eni-type chooses the mode when the configuration lists no plugins" };

    /// <param name="path">The configuration. Named <c>eni_conf</c>, the other keys of an upstream ConfigMap are looked for beside it.</param>
    /// <param name="overlay">What is laid over it, or null.</param>
    /// <param name="nodeLabels">The node's labels, or null.</param>
    /// <exception cref="CannotTellException">A file or the labels cannot be read.</exception>
    public static NodePoolConfig Read(string path, string? overlay, string? nodeLabels = null)
    {
        var labels = LabelText.Parse(nodeLabels ?? "", out var problem);
        if (problem is not null) throw new CannotTellException($"--node-labels: {problem}");
        var content = ReadFile(path);
        var map = Try(path, UpstreamConfigMap.Beside);
        return overlay is null
            ? NodePoolConfig.Parse(content, path, labels, map) : NodePoolConfig.Parse(content, path, ReadFile(overlay), overlay, labels, map);
    }

    private static byte[] ReadFile(string path) => Try(path, File.ReadAllBytes);

    private static T Try<T>(string path, Func<string, T> read)
    {
        try
        {
            return read(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CannotTellException($"{path} cannot be read: {e.Message}");
        }
    }
}
