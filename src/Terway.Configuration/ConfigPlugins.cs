using NuGet.Versioning;
using Terway.Configuration.Plugins.Manifests;
using Terway.Configuration.Plugins.Resolution;

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
            if (choice.Version is { } text && !VersionRangeText.TryParse(text, out versions, out var problem))
            {
                var separator = problem.IndexOf(';', StringComparison.Ordinal);
                findings.Add(ConfigFinding.Error($"{choice.Path}.version", problem[..separator], problem[(separator + 2)..]));
                continue;
            }

            requests.Add(new PluginRequest(choice.Name) { Versions = versions, Sha256 = choice.Sha256, Settings = choice.Settings, Path = choice.Path, Because = choice.Because });
        }

        return requests;
    }
}
