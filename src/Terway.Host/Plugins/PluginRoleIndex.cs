using Terway.Plugin;

namespace Terway.Host.Plugins;

/// <summary>The roles of all plugins in service. Immutable: a new one takes its place when a plugin comes or goes.</summary>
internal sealed class PluginRoleIndex
{
    /// <param name="plugins">All plugins in dependency order.</param>
    public PluginRoleIndex(IEnumerable<LoadedPlugin> plugins)
    {
        var active = plugins.Where(p => p.InService).Select(p => (Plugin: p, p.Active)).Where(p => p.Active is not null).ToList();
        Providers = [.. active.SelectMany(p => p.Active!.Providers.Select(r => new PluginRole<IAddressProvider>(p.Plugin, r)))];
        Datapaths = [.. active.SelectMany(p => p.Active!.Datapaths.Select(r => new PluginRole<IDatapath>(p.Plugin, r)))];
        Stages = [.. active.SelectMany(p => p.Active!.Stages.Select(s => (s.Order, new PluginRole<IPodStage>(p.Plugin, s.Stage))))
            .OrderBy(s => s.Order).Select(s => s.Item2)];
        Families = [.. active.SelectMany(p => p.Active!.Families.Select(f => new PluginRole<IAddressFamily>(p.Plugin, f.Family)))];
        Services = [.. active.SelectMany(p => p.Active!.Services.Select(r => new PluginRole<INodeService>(p.Plugin, r)))];
    }

    public IReadOnlyList<PluginRole<IAddressProvider>> Providers { get; }

    public IReadOnlyList<PluginRole<IDatapath>> Datapaths { get; }

    public IReadOnlyList<PluginRole<IPodStage>> Stages { get; }

    public IReadOnlyList<PluginRole<IAddressFamily>> Families { get; }

    public IReadOnlyList<PluginRole<INodeService>> Services { get; }
}
