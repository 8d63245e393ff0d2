using Terway.Host.Plugins.Loading;
using Terway.Plugin;

namespace Terway.Host.Plugins;

internal sealed partial class PluginSet
{
    private readonly HashSet<LoadedPlugin> _askedForHealth = [];
    private readonly List<(string Plugin, WeakReference Context)> _unloading = [];

    /// <summary>
    /// Load contexts that were let go and are still in memory: a plugin that left a thread, a timer or a static event handler behind.
    /// </summary>
    public IReadOnlyList<string> StillInMemory => [.. _unloading.Where(u => u.Context.IsAlive).Select(u => u.Plugin)];

    /// <summary>Starts the services of all loaded plugins, each plugin after those it requires. Returns when each has started or failed.</summary>
    public Task StartAsync(CancellationToken cancellationToken) =>
        InDependencyOrderAsync([.. Plugins.Where(p => p.State == PluginState.Loaded)], plugin => StartAsync(plugin, cancellationToken));

    /// <summary>Asks all running plugins for their health, and moves them between Started and Degraded. Call it every few seconds.</summary>
    public async Task CheckHealthAsync(CancellationToken cancellationToken)
    {
        var running = Plugins.Where(p => p.State is PluginState.Started or PluginState.Degraded).ToList();
        await Task.WhenAll(running.Select(plugin => CheckHealthAsync(plugin, cancellationToken)));
    }

    /// <summary>Stops the services of all running plugins, each plugin before those it requires.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        var tasks = new Dictionary<LoadedPlugin, Task>();
        foreach (var plugin in Plugins.Reverse().Where(p => p.InService))
        {
            var users = tasks.Where(t => t.Key.Manifest.Requires.ContainsKey(plugin.Manifest.Name)).Select(t => t.Value).ToArray();
            tasks[plugin] = StopAfterAsync(users, plugin, cancellationToken);
        }
        await Task.WhenAll(tasks.Values);
    }

    /// <summary>Ends and unloads all plugins. What still runs is stopped first.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        foreach (var plugin in Plugins.Reverse())
        {
            if (plugin.Active is not { } active)
                continue;
            plugin.Active = null;
            await EndAsync(plugin, "the disposal of its parts", _ => active.DisposePartsAsync(), CancellationToken.None);
            _unloading.Add((plugin.Manifest.ToString(), active.Unload()));
        }
        lock (_indexLock)
            _roles = new PluginRoleIndex([]);
    }

    private async Task StartAsync(LoadedPlugin plugin, CancellationToken cancellationToken)
    {
        if (FailedRequirement(plugin) is { } missing)
        {
            plugin.Become(PluginState.Faulted, missing);
            return;
        }
        var started = new Stack<INodeService>();
        foreach (var service in plugin.Active!.Services)
        {
            if (await TryStartAsync(plugin, service, cancellationToken) is { } finding)
            {
                foreach (var running in started)
                    await EndAsync(plugin, $"the stop of '{running.GetType().FullName}'", running.StopAsync, cancellationToken);
                plugin.Become(PluginState.Faulted, finding);
                return;
            }
            started.Push(service);
        }
        plugin.Become(PluginState.Started);
    }

    private async Task<Finding?> TryStartAsync(LoadedPlugin plugin, INodeService service, CancellationToken cancellationToken)
    {
        var part = service.GetType().FullName;
        try
        {
            await BoundedCall.RunAsync($"start {plugin.Manifest.Name}", service.StartAsync, _options.Start, _time, cancellationToken);
            return null;
        }
        catch (CallTimeoutException e)
        {
            return new Finding(FindingSeverity.Error, $"{plugin.Manifest}: StartAsync of part '{part}' {e.Message}",
                "return as soon as pods can be served or will be, and do the rest in the background");
        }
        catch (PodNetworkException e)
        {
            return new Finding(FindingSeverity.Error, $"{plugin.Manifest}: {e.Message}", "correct the configuration, then restart the daemon");
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            PluginLog.Detail(_logger, plugin.Manifest.ToString(), e.ToString());
            return new Finding(FindingSeverity.Error, $"{plugin.Manifest}: StartAsync of part '{part}' failed: {PluginFault.Describe(e)}",
                "see the message; the daemon tries again when it restarts");
        }
    }

    private async Task CheckHealthAsync(LoadedPlugin plugin, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_askedForHealth)
        {
            // One that still owes an answer is not asked again: each question costs a thread until it is answered.
            if (!_askedForHealth.Add(plugin))
                return;
        }
        Finding[] findings;
        try
        {
            var services = plugin.Active!.Services;
            findings = await BoundedCall.RunAsync(
                $"health {plugin.Manifest.Name}", _ => Ask(plugin, services), _options.Health, _time, late: null, cancellationToken);
        }
        catch (CallTimeoutException e)
        {
            findings = [new Finding(FindingSeverity.Error, $"{plugin.Manifest}: INodeService.Health {e.Message}", "Health must answer from memory; restart the daemon")];
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            findings = [new Finding(FindingSeverity.Error, $"{plugin.Manifest}: INodeService.Health failed: {PluginFault.Describe(e)}", "see the message")];
        }
        if (plugin.State is PluginState.Started or PluginState.Degraded)
            plugin.Become(findings.Length == 0 ? PluginState.Started : PluginState.Degraded, findings);
    }

    private Finding[] Ask(LoadedPlugin plugin, IReadOnlyList<INodeService> services)
    {
        try
        {
            return [.. services.Select(s => s.Health).OfType<Finding>()];
        }
        finally
        {
            lock (_askedForHealth)
                _askedForHealth.Remove(plugin);
        }
    }

    private async Task StopAfterAsync(Task[] users, LoadedPlugin plugin, CancellationToken cancellationToken)
    {
        await Task.WhenAll(users);
        if (plugin.State is PluginState.Started or PluginState.Degraded)
        {
            foreach (var service in plugin.Active!.Services.Reverse())
                await EndAsync(plugin, $"the stop of '{service.GetType().FullName}'", service.StopAsync, cancellationToken);
        }
        plugin.Become(PluginState.Stopped);
    }

    private async Task EndAsync(LoadedPlugin plugin, string what, Func<CancellationToken, Task> end, CancellationToken cancellationToken)
    {
        try
        {
            await BoundedCall.RunAsync($"stop {plugin.Manifest.Name}", end, _options.Stop, _time, cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            PluginLog.EndFailed(_logger, plugin.Manifest.ToString(), what, PluginFault.Describe(e));
        }
    }

    // A plugin whose constructors ended after they were given up.
    private void End(ActivePlugin active)
    {
        _ = active.DisposePartsAsync().ContinueWith(t => t.Exception, TaskScheduler.Default);
        active.Unload();
    }
}
