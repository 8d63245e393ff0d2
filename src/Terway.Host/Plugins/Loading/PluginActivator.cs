using System.Composition.Hosting;
using System.Reflection;
using System.Runtime.Loader;
using McMaster.NETCore.Plugins;
using Terway.Configuration.Plugins.Manifests;
using Terway.Configuration.Plugins.Resolution;
using Terway.Plugin;

namespace Terway.Host.Plugins.Loading;

/// <summary>Takes one plugin from its folder to composed parts. Blocks, and runs the plugin's constructors: call it bounded.</summary>
internal sealed class PluginActivator(ResolvedPlugin plugin, HostContract contract, bool unloadable)
{
    private const string Reinstall = "reinstall the plugin with its whole build output";

    private readonly PluginManifest _manifest = plugin.Manifest;
    private volatile string _step = "its check";

    /// <summary>What it is busy with, for the message when that does not end.</summary>
    public string Step => _step;

    /// <summary>Checks the folder without loading anything.</summary>
    /// <exception cref="PluginRefusedException">It must not be loaded.</exception>
    public void Check()
    {
        _step = "its check";
        try
        {
            if (FolderGuard.Check(plugin.Plugin.Folder) is { Count: > 0 } problems)
                throw new PluginRefusedException(PluginState.Rejected, [.. problems.Select(p => new Finding(FindingSeverity.Error, $"{_manifest}: {p}", Reinstall))]);
            if (plugin.Request?.Sha256 is { } pin && PluginDigest.Compute(plugin.Plugin.Folder) is var digest && !pin.Equals(digest, StringComparison.OrdinalIgnoreCase))
            {
                throw Refused($"the pool pins SHA-256 {pin}, the plugin's folder has {digest}",
                    "reinstall the plugin from where it came, or pin the new digest if the change is meant");
            }
            if (AssemblyInspector.Inspect(plugin.Plugin, contract) is { Count: > 0 } findings)
                throw new PluginRefusedException(PluginState.Rejected, findings);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw Refused($"its folder cannot be read: {e.Message}", Reinstall);
        }
    }

    /// <summary>Loads the assembly and composes the parts.</summary>
    /// <param name="host">What the plugin's parts import.</param>
    /// <exception cref="PluginRefusedException">It cannot be used. Nothing of it stays behind, except threads of its own that it does not end.</exception>
    public ActivePlugin Activate(IPluginHost host)
    {
        _step = "loading its assemblies";
        var loader = CreateLoader();
        CompositionHost? container = null;
        try
        {
            var inspector = PartInspector.Inspect(_manifest, LoadTypes(loader));
            container = CreateContainer(inspector.Parts, host);
            return Compose(loader, container, inspector.Parts);
        }
        catch
        {
            container?.Dispose();
            loader.Dispose();
            throw;
        }
    }

    private PluginLoader CreateLoader()
    {
        try
        {
            return PluginLoader.CreateFromAssemblyFile(
                Path.Combine(plugin.Plugin.Folder, _manifest.Assembly), isUnloadable: unloadable, SharedAssemblies.Types,
                config => config.DefaultContext = AssemblyLoadContext.GetLoadContext(SharedAssemblies.Contract)!);
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or ArgumentException)
        {
            // The host's resolver reads <assembly>.deps.json and wants every file that it lists.
            throw Refused($"'{Path.ChangeExtension(_manifest.Assembly, ".deps.json")}' does not agree with the plugin's folder: {PluginFault.Describe(e)}", Reinstall);
        }
    }

    private Type[] LoadTypes(PluginLoader loader)
    {
        try
        {
            var assembly = loader.LoadDefaultAssembly();
            AssertIdentity(loader, assembly);
            return assembly.GetTypes();
        }
        catch (ReflectionTypeLoadException e)
        {
            var causes = e.LoaderExceptions.OfType<Exception>().Select(PluginFault.Describe).Distinct().ToList();
            throw Refused($"types of '{_manifest.Assembly}' cannot be loaded: {string.Join("; ", causes)}", Reinstall);
        }
        catch (Exception e) when (e is IOException or BadImageFormatException or TypeLoadException)
        {
            throw Refused($"'{_manifest.Assembly}' cannot be loaded: {PluginFault.Describe(e)}", Reinstall);
        }
    }

    // The loader library falls back to another copy without a word when the host's does not fit.
    private void AssertIdentity(PluginLoader loader, Assembly assembly)
    {
        foreach (var reference in assembly.GetReferencedAssemblies())
        {
            if (SharedAssemblies.ByName.TryGetValue(reference.Name!, out var shared) && loader.LoadContext.LoadFromAssemblyName(reference) is var seen && seen != shared)
                throw Refused($"it sees {seen.FullName} instead of the host's {shared.FullName}", $"remove {reference.Name} from the plugin and build it against the host's version");
        }
    }

    private CompositionHost CreateContainer(IReadOnlyList<Type> parts, IPluginHost host)
    {
        _step = "composing its parts";
        try
        {
            return new ContainerConfiguration().WithParts(parts, new PartAttributes()).WithExport(host).CreateContainer();
        }
        catch (Exception e)
        {
            throw Refused($"its parts cannot be composed: {PluginFault.Describe(e)}", "correct the exports and imports of its parts");
        }
    }

    private ActivePlugin Compose(PluginLoader loader, CompositionHost container, IReadOnlyList<Type> parts) => new(loader, container)
    {
        Providers = Create<IAddressProvider, IAddressProvider>(container, parts, p => p),
        Datapaths = Create<IDatapath, IDatapath>(container, parts, d => d),
        Stages = Create<IPodStage, (int, IPodStage)>(container, parts, s => (s.Order, s)),
        Families = Create<IAddressFamily, (System.Net.Sockets.AddressFamily, IAddressFamily)>(container, parts, f => (f.Family, f)),
        Services = Create<INodeService, INodeService>(container, parts, s => s),
    };

    private List<T> Create<TRole, T>(CompositionHost container, IReadOnlyList<Type> parts, Func<TRole, T> read)
    {
        List<Lazy<TRole, PartName>> exports;
        try
        {
            exports = [.. container.GetExports<Lazy<TRole, PartName>>().OrderBy(e => e.Metadata.Part, StringComparer.Ordinal)];
        }
        catch (Exception e)
        {
            throw Refused($"its parts cannot be composed: {PluginFault.Describe(e)}", "correct the exports and imports of its parts");
        }
        var roles = new List<T>();
        foreach (var export in exports)
        {
            _step = $"the constructor of part '{export.Metadata.Part}' ({typeof(TRole).Name})";
            try
            {
                roles.Add(read(export.Value));
            }
            catch (Exception e)
            {
                throw new PluginRefusedException(PluginState.Faulted,
                    $"{_manifest}: the constructor of part '{PluginFault.FailedPart(e, parts) ?? export.Metadata.Part}' failed: {PluginFault.Describe(e)}",
                    "see the message; constructors should only keep what they import, everything that can fail belongs into INodeService.StartAsync");
            }
        }
        return roles;
    }

    private PluginRefusedException Refused(string reason, string fix) => new(PluginState.Rejected, $"{_manifest}: {reason}", fix);
}
