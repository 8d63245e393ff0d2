using NuGet.Versioning;
using Terway.Configuration.Plugins.Manifests;
using Terway.Plugin;

namespace Terway.Configuration.Plugins.Resolution;

/// <summary>Whether a plugin version can run on this host and node at all, whatever else is active.</summary>
internal sealed class Suitability(NodeEnvironment node, HostContract contract)
{
    /// <summary>Why it cannot, each with the way out; empty when it can.</summary>
    public List<Finding> Problems(PluginManifest plugin)
    {
        var problems = new List<Finding>();
        if (!contract.Speaks(plugin.Contract))
        {
            problems.Add(Error($"{plugin} works with contract {plugin.Contract.Show()}, this host speaks {contract}",
                plugin.Contract.MinVersion is { } min && min > new NuGetVersion(contract.Version.Major, contract.Version.Minor, 0)
                    ? "update the host, or install a version built for an older contract" : $"install a newer version of {plugin.Name}"));
        }
        if (plugin.MinKernel is { } kernel && node.Kernel < kernel)
            problems.Add(Error($"{plugin} needs kernel {kernel}, this node runs {node.Kernel}", "use a newer node image, or take the plugin out of this pool"));
        foreach (var capability in plugin.Cloud.Where(c => !node.Cloud.Contains(c)))
        {
            problems.Add(NodeEnvironment.KnownCapabilities.Contains(capability)
                ? Error($"{plugin} needs {capability}, which this instance type does not have", "use another instance type, or take the plugin out of this pool")
                : Error($"{plugin} needs {capability}, which this host does not know", $"update the host; it knows {string.Join(", ", NodeEnvironment.KnownCapabilities)}"));
        }
        return problems;
    }

    private static Finding Error(string reason, string fix) => new(FindingSeverity.Error, reason, fix);
}
