using NuGet.Versioning;
using Terway.Configuration.Plugins.Resolution;
using Terway.Plugin;

namespace Terway.Configuration;

/// <summary>The configuration's plugin list as the resolver takes it.</summary>
internal static class ConfigPlugins
{
    /// <summary>Entries whose version cannot be read become findings.</summary>
    public static List<PluginRequest> Requests(NodePoolConfig config, List<ConfigFinding> findings)
    {
        var requests = new List<PluginRequest>();
        foreach (var choice in config.Plugins)
        {
            VersionRange? versions = null;
            if (choice.Version is { } text && !VersionRange.TryParse(text, out versions))
            {
                findings.Add(new ConfigFinding($"{choice.Path}.version", new Finding(
                    FindingSeverity.Error, $"\"{text}\" is no version range", "write 1.2.0 for at least 1.2.0, [1.2.0] for exactly that, or [1.0,2.0)")));
                continue;
            }

            requests.Add(new PluginRequest(choice.Name) { Versions = versions, Sha256 = choice.Sha256, Settings = choice.Settings, Path = choice.Path });
        }

        return requests;
    }
}
