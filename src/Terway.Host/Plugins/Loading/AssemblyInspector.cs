using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Terway.Configuration.Plugins.Manifests;
using Terway.Configuration.Plugins.Resolution;
using Terway.Plugin;

namespace Terway.Host.Plugins.Loading;

/// <summary>
/// Reads the assemblies of a plugin's folder as data, before anything is loaded: the loader library falls back silently where this speaks up.
/// </summary>
internal static class AssemblyInspector
{
    /// <summary>Everything that keeps the plugin from being loaded; empty when nothing does.</summary>
    public static List<Finding> Inspect(DiscoveredPlugin plugin, HostContract contract)
    {
        var findings = new List<Finding>();
        var entryPath = Path.Combine(plugin.Folder, plugin.Manifest.Assembly);
        if (!File.Exists(entryPath))
        {
            findings.Add(Error($"{plugin}: entry assembly '{plugin.Manifest.Assembly}' is not in the plugin's folder",
                "correct 'assembly' in plugin.json, or copy the whole build output"));
        }

        var here = new Dictionary<string, Identity>(StringComparer.OrdinalIgnoreCase);
        Identity? entry = null;
        foreach (var path in Directory.EnumerateFiles(plugin.Folder, "*.dll", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            var shown = Path.GetRelativePath(plugin.Folder, path);
            var identity = Read(path);
            if (path == entryPath && (entry = identity) is null)
                findings.Add(Error($"{plugin}: entry assembly '{shown}' is not a .NET assembly", "build the plugin as a class library for net10.0"));
            if (identity is null)
                continue;
            here.TryAdd(identity.Name.Name!, identity);
            if (SharedAssemblies.ByName.ContainsKey(identity.Name.Name!))
                findings.Add(Ships(plugin, shown, identity));
            else
                findings.AddRange(identity.References.Select(r => Shared(plugin, shown, r, contract)).OfType<Finding>());
        }
        if (entry is not null)
            findings.AddRange(EntryFindings(plugin, entry, here));
        return findings;
    }

    private static IEnumerable<Finding> EntryFindings(DiscoveredPlugin plugin, Identity entry, Dictionary<string, Identity> here)
    {
        var contract = SharedAssemblies.Contract.GetName().Name!;
        if (!entry.References.Any(r => r.Name == contract))
            yield return Error($"{plugin}: entry assembly '{plugin.Manifest.Assembly}' does not use {contract}", "name the assembly that exports the plugin's parts as 'assembly'");

        // Compilers write only references that are used: one that cannot be resolved fails sooner or later.
        var runtime = RuntimeAssemblies();
        foreach (var reference in entry.References.Where(r => !here.ContainsKey(r.Name!) && !SharedAssemblies.ByName.ContainsKey(r.Name!)))
        {
            if (!runtime.TryGetValue(reference.Name!, out var path))
            {
                yield return Error($"{plugin}: '{plugin.Manifest.Assembly}' needs {reference.Name} {reference.Version}, which is neither in the plugin's folder nor part of .NET",
                    "publish the plugin with all its dependencies ('dotnet publish' with EnableDynamicLoading) and install the whole output");
            }
            else if (reference.Name == "System.Runtime" && AssemblyName.GetAssemblyName(path).Version is { } version && reference.Version > version)
            {
                yield return Error($"{plugin}: '{plugin.Manifest.Assembly}' is built for .NET {reference.Version!.ToString(2)}, this host runs on .NET {version.ToString(2)}",
                    "build the plugin for the host's .NET version, or update the host");
            }
        }
    }

    private static Finding Ships(DiscoveredPlugin plugin, string file, Identity identity) =>
        Error($"{plugin}: the plugin's folder contains '{file}' ({identity.Name.Name} {identity.Name.Version}), which is the host's to give; "
            + "with a copy of its own the plugin's types would not be those of the host",
            $"reference {identity.Name.Name} with <Private>false</Private> and <ExcludeAssets>runtime</ExcludeAssets>, and remove the file");

    private static Finding? Shared(DiscoveredPlugin plugin, string file, AssemblyName reference, HostContract contract)
    {
        if (!SharedAssemblies.ByName.TryGetValue(reference.Name!, out var shared))
            return null;
        var version = reference.Version!;
        if (shared == SharedAssemblies.Contract)
        {
            if (contract.Speaks(version))
                return null;
            return version > contract.Version
                ? Error($"{plugin}: '{file}' is built against contract {version.ToString(2)}, this host speaks {contract}", $"update the host, or build the plugin against {reference.Name} {contract.Version.ToString(2)}")
                : Error($"{plugin}: '{file}' is built against contract {version.ToString(2)}, this host speaks {contract}", $"install a newer version of {plugin.Manifest.Name}");
        }
        var own = shared.GetName().Version!;
        return version <= own ? null
            : Error($"{plugin}: '{file}' is built against {reference.Name} {version.ToString(3)}, this host has {own.ToString(3)}", $"build the plugin against {reference.Name} {own.ToString(3)} or older, or update the host");
    }

    /// <summary>An assembly's name and references; null when the file is none (a native library, or damaged).</summary>
    private static Identity? Read(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            using var image = new PEReader(file);
            if (!image.HasMetadata)
                return null;
            var metadata = image.GetMetadataReader();
            if (!metadata.IsAssembly)
                return null;
            return new Identity(metadata.GetAssemblyDefinition().GetAssemblyName(),
                [.. metadata.AssemblyReferences.Select(r => metadata.GetAssemblyReference(r).GetAssemblyName())]);
        }
        catch (BadImageFormatException)
        {
            return null;
        }
    }

    private static Dictionary<string, string> RuntimeAssemblies()
    {
        var paths = (AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES") as string ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        var byName = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var path in paths)
            byName.TryAdd(Path.GetFileNameWithoutExtension(path), path);
        return byName;
    }

    private static Finding Error(string reason, string fix) => new(FindingSeverity.Error, reason, fix);

    private sealed record Identity(AssemblyName Name, IReadOnlyList<AssemblyName> References);
}
