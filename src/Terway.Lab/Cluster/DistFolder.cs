using Terway.Lab.Nodes;

namespace Terway.Lab.Cluster;

/// <summary>What a build produced, laid out as it is installed.</summary>
/// <param name="Root">The folder.</param>
public sealed record DistFolder(string Root)
{
    /// <summary>The daemon.</summary>
    public string Daemon => Path.Combine(Root, "host", "terwayd");

    /// <summary>The folder with the CNI entrypoint.</summary>
    public string CniBin => Path.Combine(Root, "cni");

    /// <summary>Plugins.</summary>
    public string Plugins => Path.Combine(Root, "plugins");

    /// <summary>Finds the folder: as given, from TERWAY_DIST, or <c>dist</c> in a folder above this program's.</summary>
    /// <exception cref="FileNotFoundException">There is none with a daemon in it.</exception>
    public static DistFolder Find(string? given = null)
    {
        var named = given ?? Environment.GetEnvironmentVariable("TERWAY_DIST");
        if (named is not null) return Check(new DistFolder(Path.GetFullPath(named)));
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            foreach (var candidate in new[] { folder.FullName, Path.Combine(folder.FullName, "dist") })
            {
                var dist = new DistFolder(candidate);
                if (File.Exists(dist.Daemon)) return dist;
            }
        }

        throw new FileNotFoundException("no dist/ folder found above this program; run ./build.sh or name it with --dist");
    }

    /// <summary>How to run a node's daemon from here.</summary>
    /// <param name="eniConf">Configuration of the node's pool.</param>
    public TerwaydOptions Options(string eniConf) => new()
    {
        Program = Daemon,
        PluginDir = Plugins,
        CniBinDirs = [CniBin],
        EniConf = eniConf,
        MetadataEndpoint = RunningLab.MetadataEndpoint,
        OpenApiEndpoint = RunningLab.OpenApiEndpoint,
    };

    private static DistFolder Check(DistFolder dist) => File.Exists(dist.Daemon)
        ? dist
        : throw new FileNotFoundException($"{dist.Root} is no dist/ folder: {dist.Daemon} is missing; run ./build.sh");
}
