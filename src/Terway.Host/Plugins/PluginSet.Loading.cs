using System.Net.Sockets;
using Terway.Configuration.Plugins.Manifests;
using Terway.Configuration.Plugins.Resolution;
using Terway.Host.Plugins.Loading;
using Terway.Plugin;

namespace Terway.Host.Plugins;

internal sealed partial class PluginSet
{
    private readonly Lock _hostFactoryLock = new();

    // Two waves, because providers ask for the families in their constructors. Within a wave a plugin waits only for those that it requires: one
    // that hangs costs the others nothing.
    private async Task LoadPluginsAsync(PluginHostFactory hostFactory, CancellationToken cancellationToken)
    {
        var early = new HashSet<string>(StringComparer.Ordinal);
        foreach (var plugin in Plugins.Reverse())
        {
            if (plugin.Manifest.Provides.Contains(PluginRoles.AddressFamily) || early.Contains(plugin.Manifest.Name))
                early.UnionWith([plugin.Manifest.Name, .. plugin.Manifest.Requires.Keys]);
        }
        await LoadWaveAsync([.. Plugins.Where(p => early.Contains(p.Manifest.Name))], hostFactory, cancellationToken);
        RejectDuplicateFamilies();
        await LoadWaveAsync([.. Plugins.Where(p => !early.Contains(p.Manifest.Name))], hostFactory, cancellationToken);
    }

    private Task LoadWaveAsync(IReadOnlyList<LoadedPlugin> wave, PluginHostFactory hostFactory, CancellationToken cancellationToken) =>
        InDependencyOrderAsync(wave, plugin => LoadAsync(plugin, hostFactory, cancellationToken));

    private async Task LoadAsync(LoadedPlugin plugin, PluginHostFactory hostFactory, CancellationToken cancellationToken)
    {
        if (FailedRequirement(plugin) is { } missing)
        {
            plugin.Become(PluginState.Rejected, missing);
            return;
        }
        var activator = new PluginActivator(plugin.Resolved, HostContract.Current, _options.Unloadable);
        try
        {
            plugin.Active = await BoundedCall.RunAsync(
                $"load {plugin.Manifest.Name}",
                _ =>
                {
                    activator.Check();
                    return activator.Activate(CreateHost(plugin, hostFactory));
                },
                _options.Compose, _time, late: End, cancellationToken);
            plugin.Become(PluginState.Loaded);
        }
        catch (PluginRefusedException e)
        {
            plugin.Become(e.State, e.Findings);
        }
        catch (CallTimeoutException e)
        {
            plugin.Become(PluginState.Faulted, new Finding(FindingSeverity.Error, $"{plugin.Manifest}: {activator.Step} {e.Message}",
                "constructors should only keep what they import: move long work to INodeService.StartAsync or to the background. "
                + "The hanging thread stays until the daemon restarts"));
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            PluginLog.Detail(_logger, plugin.Manifest.ToString(), e.ToString());
            plugin.Become(PluginState.Rejected, new Finding(FindingSeverity.Error, $"{plugin.Manifest}: {activator.Step} failed: {PluginFault.Describe(e)}",
                "reinstall the plugin; if that does not help, report the message to its author"));
        }
    }

    private IPluginHost CreateHost(LoadedPlugin plugin, PluginHostFactory hostFactory)
    {
        lock (_hostFactoryLock)
            return hostFactory(plugin.Resolved, [.. Families.Select(f => f.Role)]);
    }

    private void RejectDuplicateFamilies()
    {
        var owners = new Dictionary<AddressFamily, string> { [AddressFamily.InterNetwork] = "the host" };
        foreach (var plugin in Plugins)
        {
            foreach (var (number, _) in plugin.Active?.Families ?? [])
            {
                if (owners.TryAdd(number, plugin.Manifest.ToString()))
                    continue;
                plugin.Become(PluginState.Faulted, new Finding(FindingSeverity.Error,
                    $"{plugin.Manifest}: exports the address family {number}, which {owners[number]} has already", "remove one of the two from the pool's list"));
                break;
            }
        }
    }

    private Finding? FailedRequirement(LoadedPlugin plugin)
    {
        var failed = Plugins.FirstOrDefault(p => plugin.Manifest.Requires.ContainsKey(p.Manifest.Name) && !p.InService);
        return failed is null ? null : new Finding(FindingSeverity.Error,
            $"{plugin.Manifest}: requires {failed.Manifest}, which is {failed.State}{(failed.Reason.Length > 0 ? $": {failed.Reason}" : "")}",
            $"repair {failed.Manifest.Name} first");
    }

    // Runs an action for each plugin once those that it requires (of the same list) are done.
    private static async Task InDependencyOrderAsync(IReadOnlyList<LoadedPlugin> plugins, Func<LoadedPlugin, Task> action)
    {
        var tasks = new Dictionary<string, Task>(StringComparer.Ordinal);
        foreach (var plugin in plugins)
            tasks[plugin.Manifest.Name] = After([.. plugin.Manifest.Requires.Keys.Where(tasks.ContainsKey).Select(r => tasks[r])], plugin);
        await Task.WhenAll(tasks.Values);

        async Task After(Task[] requirements, LoadedPlugin plugin)
        {
            await Task.WhenAll(requirements);
            await action(plugin);
        }
    }
}
