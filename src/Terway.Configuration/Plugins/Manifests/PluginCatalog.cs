namespace Terway.Configuration.Plugins.Manifests;

/// <summary>What lies in the plugin folder: <c>Name/Version/plugin.json</c>. A snapshot; nothing is loaded.</summary>
internal sealed class PluginCatalog
{
    private const string ManifestName = "plugin.json";
    private const int MaxManifestBytes = 1 << 20;

    private readonly Dictionary<string, List<DiscoveredPlugin>> _byName = new(StringComparer.Ordinal);

    internal PluginCatalog(string folder, IEnumerable<DiscoveredPlugin> plugins, IEnumerable<RejectedFolder> rejected)
    {
        Folder = folder;
        Plugins = [.. plugins.OrderBy(p => p.Manifest.Name, StringComparer.Ordinal).ThenByDescending(p => p.Manifest.Version)];
        Rejected = [.. rejected.OrderBy(r => r.Name, StringComparer.Ordinal).ThenBy(r => r.Version, StringComparer.Ordinal)];
        foreach (var plugin in Plugins)
        {
            if (!_byName.TryGetValue(plugin.Manifest.Name, out var versions))
                _byName[plugin.Manifest.Name] = versions = [];
            versions.Add(plugin);
        }
    }

    /// <summary>The folder that was looked into.</summary>
    public string Folder { get; }

    /// <summary>Usable plugins by name, newest version first.</summary>
    public IReadOnlyList<DiscoveredPlugin> Plugins { get; }

    /// <summary>Folders that cannot be used, and why.</summary>
    public IReadOnlyList<RejectedFolder> Rejected { get; }

    /// <summary>Names with at least one usable version.</summary>
    public IReadOnlyCollection<string> Names => _byName.Keys;

    /// <summary>Versions of one plugin, newest first.</summary>
    public IReadOnlyList<DiscoveredPlugin> VersionsOf(string name) => _byName.TryGetValue(name, out var versions) ? versions : [];

    /// <summary>Looks through a plugin folder. Never throws for what is in it: that becomes a <see cref="RejectedFolder"/>.</summary>
    public static PluginCatalog Discover(string folder)
    {
        folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        var plugins = new List<DiscoveredPlugin>();
        var rejected = new List<RejectedFolder>();
        if (!Directory.Exists(folder))
            return new PluginCatalog(folder, plugins, [new RejectedFolder("", "", [$"the plugin folder '{folder}' does not exist; install the plugins there"])]);
        if (Attempt(() => FolderGuard.CheckParent($"{folder}/.") ?? "", out var unreadable) is not "" and var writable)
            return new PluginCatalog(folder, plugins, [new RejectedFolder("", "", [writable ?? unreadable!])]);

        foreach (var outer in Children(folder))
        {
            var name = Path.GetFileName(outer);
            var versions = Attempt(() => FolderGuard.CheckParent(outer) is { } problem ? throw new IOException(problem) : Children(outer), out var error);
            if (versions is not { Length: > 0 })
                rejected.Add(new RejectedFolder(name, "", [error ?? "no version inside; the layout is <name>/<version>/plugin.json"]));
            foreach (var inner in versions ?? [])
            {
                var version = Path.GetFileName(inner);
                if (Examine(inner, name, version, out var reasons) is { } plugin)
                    plugins.Add(plugin);
                else
                    rejected.Add(new RejectedFolder(name, version, reasons));
            }
        }
        return new PluginCatalog(folder, plugins, rejected);
    }

    private static DiscoveredPlugin? Examine(string folder, string name, string version, out IReadOnlyList<string> reasons)
    {
        var problems = FolderGuard.Check(folder);
        reasons = problems;
        if (problems.Count > 0)
            return null;

        var path = Path.Combine(folder, ManifestName);
        if (!File.Exists(path))
        {
            problems.Add($"{ManifestName} is missing; copy it beside the entry assembly");
            return null;
        }
        var content = Attempt(() => new FileInfo(path).Length > MaxManifestBytes
            ? throw new IOException($"is larger than {MaxManifestBytes} bytes") : File.ReadAllBytes(path), out var error);
        if (content is null)
        {
            problems.Add($"{ManifestName}: {error}");
            return null;
        }
        var manifest = ManifestReader.Read(content, out var wrong);
        problems.AddRange(wrong.Select(w => $"{ManifestName}: {w}"));
        if (manifest is null)
            return null;
        if (manifest.Name != name)
            problems.Add($"the folder is called '{name}', the manifest says '{manifest.Name}'; rename one of them");
        if (manifest.Version.ToNormalizedString() != version)
            problems.Add($"the folder is called '{version}', the manifest says '{manifest.Version}'; rename one of them");
        return problems.Count == 0 ? new DiscoveredPlugin(folder, manifest) : null;
    }

    private static string[] Children(string folder)
    {
        var children = Directory.GetDirectories(folder);
        Array.Sort(children, StringComparer.Ordinal);
        return children;
    }

    private static T? Attempt<T>(Func<T> read, out string? error) where T : class
    {
        error = null;
        try
        {
            return read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            error = e.Message;
            return null;
        }
    }
}
