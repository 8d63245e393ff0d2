using Microsoft.Extensions.Logging;
using Terway.Configuration.Plugins;
using Terway.Configuration.Plugins.Resolution;
using Terway.Host.Plugins.Loading;
using Terway.Plugin;

namespace Terway.Host.Plugins;

/// <summary>
/// The plugins of this node, from loading to unloading. No failure of a plugin comes out of here as an exception: it is that plugin's state.
/// Lists may be read at any time from any thread; <see cref="StartAsync"/>, <see cref="StopAsync"/> and <see cref="DisposeAsync"/> are called in
/// that order, once.
/// </summary>
internal sealed partial class PluginSet : IAsyncDisposable
{
    private readonly PluginResolution _resolution;
    private readonly PluginSetOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly DateTimeOffset _discovered;
    private readonly Lock _indexLock = new();
    private volatile PluginRoleIndex _roles = new([]);

    private PluginSet(PluginResolution resolution, ILoggerFactory loggers, TimeProvider time, PluginSetOptions options)
    {
        _resolution = resolution;
        _options = options;
        _time = time;
        _logger = loggers.CreateLogger(typeof(PluginSet).Namespace!);
        _discovered = time.GetUtcNow();
        Plugins = [.. resolution.Plugins.Select(p => new LoadedPlugin(p, time, OnChanged))];
    }

    /// <summary>Raised after each change of a plugin's state, on the thread that caused it.</summary>
    public event Action<PluginStatus>? Changed;

    /// <summary>The plugins of the set, each after those it requires, whatever their state.</summary>
    public IReadOnlyList<LoadedPlugin> Plugins { get; }

    /// <summary>Address providers in service, in dependency order.</summary>
    public IReadOnlyList<PluginRole<IAddressProvider>> Providers => _roles.Providers;

    /// <summary>Datapaths in service, in dependency order.</summary>
    public IReadOnlyList<PluginRole<IDatapath>> Datapaths => _roles.Datapaths;

    /// <summary>Stages in service, in the order of attaching.</summary>
    public IReadOnlyList<PluginRole<IPodStage>> Stages => _roles.Stages;

    /// <summary>Address families that plugins add to the host's own.</summary>
    public IReadOnlyList<PluginRole<IAddressFamily>> Families => _roles.Families;

    /// <summary>Services in service, in dependency order.</summary>
    public IReadOnlyList<PluginRole<INodeService>> Services => _roles.Services;

    /// <summary>
    /// Every plugin version there is: those of the set, then those that lie in the folder unused, then folders that cannot be used.
    /// </summary>
    public IReadOnlyList<PluginStatus> Status
    {
        get
        {
            var chosen = _resolution.Plugins.Select(p => p.Plugin.Folder).ToHashSet(StringComparer.Ordinal);
            return
            [
                .. Plugins.Select(p => p.Status),
                .. _resolution.Catalog.Plugins.Where(p => !chosen.Contains(p.Folder)).Select(p => new PluginStatus(
                    p.Manifest.Name, p.Manifest.Version.ToNormalizedString(), PluginState.Discovered, "", "", false, p.Manifest.Provides, _discovered)),
                .. _resolution.Catalog.Rejected.Select(r => new PluginStatus(
                    r.Name, r.Version, PluginState.Rejected, string.Join(" | ", r.Reasons), "", false, [], _discovered)),
            ];
        }
    }

    /// <summary>What keeps the node from serving new pods: findings of the resolution, failed plugins that are required, errors of health.</summary>
    public IReadOnlyList<PluginFinding> Blocking =>
    [
        .. _resolution.Findings.Where(f => f.Finding.Severity == FindingSeverity.Error),
        .. Plugins.SelectMany(p => BlockingOf(p).Select(f => new PluginFinding($"plugin/{p.Manifest.Name}/{p.Manifest.Version}", f))),
    ];

    /// <summary>
    /// Loads and composes the plugins of a resolution; those of an invalid one stay unloaded, so that the host can run and show why.
    /// Plugins that export address families come first.
    /// </summary>
    public static async Task<PluginSet> LoadAsync(
        PluginResolution resolution,
        PluginHostFactory hostFactory,
        ILoggerFactory loggers,
        TimeProvider time,
        PluginSetOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        var set = new PluginSet(resolution, loggers, time, options ?? new PluginSetOptions());
        foreach (var plugin in resolution.Plugins)
            PluginLog.Chosen(set._logger, plugin.Manifest.ToString(), plugin.Why);
        foreach (var finding in resolution.Findings)
            PluginLog.Finding(set._logger, finding.ToString());
        foreach (var rejected in resolution.Catalog.Rejected)
            PluginLog.FolderRejected(set._logger, $"{rejected.Name}/{rejected.Version}".Trim('/'), string.Join(" | ", rejected.Reasons));
        try
        {
            await set.LoadPluginsAsync(hostFactory, cancellationToken);
        }
        catch
        {
            await set.DisposeAsync();
            throw;
        }
        return set;
    }

    private static IEnumerable<Finding> BlockingOf(LoadedPlugin plugin) => plugin.State switch
    {
        PluginState.Rejected or PluginState.Faulted when plugin.Resolved.Required => plugin.Findings,
        PluginState.Degraded => plugin.Findings.Where(f => f.Severity == FindingSeverity.Error),
        _ => [],
    };

    private void OnChanged(LoadedPlugin plugin, PluginState before)
    {
        var status = plugin.Status;
        if (status.Reason.Length == 0)
            PluginLog.Changed(_logger, plugin.Manifest.ToString(), before, status.State);
        else
            PluginLog.ChangedBadly(_logger, plugin.Manifest.ToString(), before, status.State, status.Reason);
        lock (_indexLock)
            _roles = new PluginRoleIndex(Plugins);
        Changed?.Invoke(status);
    }
}
