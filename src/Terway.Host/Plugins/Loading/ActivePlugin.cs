using System.Composition.Hosting;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using McMaster.NETCore.Plugins;
using Terway.Plugin;

namespace Terway.Host.Plugins.Loading;

/// <summary>The loaded half of a plugin: its load context, its container, and the parts that play roles.</summary>
internal sealed class ActivePlugin(PluginLoader loader, CompositionHost container)
{
    public IReadOnlyList<IAddressProvider> Providers { get; init; } = [];

    public IReadOnlyList<IDatapath> Datapaths { get; init; } = [];

    /// <summary>Stages, with their order as it was when they were composed.</summary>
    public IReadOnlyList<(int Order, IPodStage Stage)> Stages { get; init; } = [];

    public IReadOnlyList<(AddressFamily Number, IAddressFamily Family)> Families { get; init; } = [];

    public IReadOnlyList<INodeService> Services { get; init; } = [];

    /// <summary>Ends the parts: those that end asynchronously first, since the container knows only <see cref="IDisposable"/>.</summary>
    public async Task DisposePartsAsync()
    {
        IEnumerable<object> parts = [.. Providers, .. Datapaths, .. Stages.Select(s => s.Stage), .. Families.Select(f => f.Family), .. Services];
        foreach (var part in parts.Distinct(ReferenceEqualityComparer.Instance).OfType<IAsyncDisposable>())
            await part.DisposeAsync();
        container.Dispose();
    }

    /// <summary>Lets the load context go. It is collected when nothing of the plugin runs or is referenced any more.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public WeakReference Unload()
    {
        var context = new WeakReference(loader.LoadContext);
        loader.Dispose();
        return context;
    }
}
