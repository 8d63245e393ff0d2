using System.Diagnostics;
using System.Net;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Terway.AlibabaCloud.Errors;
using Terway.AlibabaCloud.Metadata;
using Terway.Configuration;
using Terway.Configuration.Plugins.Manifests;
using Terway.Configuration.Plugins.Resolution;
using Terway.Configuration.Validation;
using Terway.Host.Api;
using Terway.Host.Cloud;
using Terway.Host.Cni;
using Terway.Host.CrashPoints;
using Terway.Host.Kernel;
using Terway.Host.Manifests;
using Terway.Host.Node;
using Terway.Host.Observability;
using Terway.Host.Plugins;
using Terway.Host.Pods;
using Terway.Host.State;
using Terway.Linux;
using Terway.Linux.Bpf;
using Terway.Linux.Namespaces;
using Terway.Plugin;

namespace Terway.Host;

/// <summary>Puts the daemon together, runs it until it is told to stop, and takes it apart in reverse order.</summary>
internal sealed class Daemon : IAsyncDisposable
{
    private const int ExitCannotStart = 1;

    /// <summary>How long a start waits for a daemon that is still stopping.</summary>
    private static readonly TimeSpan s_lockTimeout = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan s_sweepPeriod = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan s_stateRetry = TimeSpan.FromSeconds(1);

    private readonly DaemonOptions _options;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _log;
    private readonly TimeProvider _time = TimeProvider.System;

    // Taken apart in reverse.
    private readonly Stack<object> _owned = new();

    private Daemon(DaemonOptions options, ILoggerFactory loggers, ILogger log)
    {
        _options = options;
        _loggers = loggers;
        _log = log;
    }

    /// <summary>Runs the daemon; returns the exit code of the process.</summary>
    public static async Task<int> RunAsync(DaemonOptions options, CancellationToken cancellationToken)
    {
        using var logs = new DaemonLogs(options.LogLevel, options.LogFormat);
        var log = logs.Factory.CreateLogger("Terway.Host");
        try
        {
            await using var daemon = new Daemon(options, logs.Factory, log);
            return await daemon.RunAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return 0;
        }
#pragma warning disable CA1031 // the boundary of the process: the reason must reach the operator
        catch (Exception e)
#pragma warning restore CA1031
        {
            var expected = e is StateException or MetadataException or CloudApiException or LinuxException or IOException or UnauthorizedAccessException;
            HostLog.CannotStart(log, expected ? e.Message : e.ToString());
            return ExitCannotStart;
        }
    }

    public async ValueTask DisposeAsync()
    {
        while (_owned.TryPop(out var part))
        {
            if (part is IAsyncDisposable asynchronous) await asynchronous.DisposeAsync().ConfigureAwait(false);
            else ((IDisposable)part).Dispose();
        }
    }

    private async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(_options.RunDir, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        DurableFile.CreateFolder(_options.StateDir);
        Own(await LockAsync(cancellationToken).ConfigureAwait(false));
        // Null but under test: then nothing below is wrapped.
        var crashes = CrashPlan.FromEnvironment();
        if (crashes is not null) Own(crashes);

        // Side by side: a restart counts in how long pods wait for an answer.
        var opening = OpenStateAsync(crashes);
        var discovering = Task.Run(() => PluginCatalog.Discover(_options.PluginDir), cancellationToken);

        // Threads inherit the namespace of the thread that starts them: everything here starts in the node's.
        var namespaces = Own(NetNsThread.Start());
        var links = new LinkTable();
        Own(LinkWatch.Start(links, _loggers.CreateLogger<LinkWatch>()));
        var node = Own(new NodeKernel(namespaces, links, _options.BpfDir, byTcx: _options.TcAttach == "auto" && TcxHook.IsThere()));
        var kernel = crashes is null ? node : CrashingKernel.Wrap(node, crashes);
        var readiness = new NodeReadiness();
        var observability = Own(ObservabilityServer.Start(_options.MetricsSocket, _options.MetricsListen, readiness, _loggers));
        var config = await ConfigFile.ReadAsync(_options.ConfigFile, _options.NodeLabels, cancellationToken).ConfigureAwait(false);
        var store = Own(await WaitForStateAsync(opening, crashes, readiness, cancellationToken).ConfigureAwait(false));
        var disk = Own(StateDisk.Watch(store, _options.StateFile, readiness, _time));
        var cloud = Own(await DaemonCloud.ConnectAsync(
            _options, config.Root, store, node.AddressesOf, _loggers, _time, readiness, crashes, cancellationToken).ConfigureAwait(false));
        var objects = Own(new NodeObjects(store, kernel));
        var services = _options.ManifestDir is { } manifests ? Own(Services(manifests, readiness)) : null;
        IAddressFamily ipv4 = new IPv4Family(cloud.Cloud, cloud.Network);
        var plugins = Own(await LoadPluginsAsync(
            config, await discovering.ConfigureAwait(false), cloud, ipv4, services, store, kernel, objects, readiness, crashes, cancellationToken).ConfigureAwait(false));
        var active = Active(plugins, ipv4);
        var attachments = StateRecovery.IsDone(store)
            ? store.Initial.Attachments
            : await new StateRecovery(store, active, links, cloud.FindEniAsync, cloud.GetMacsAsync, _time, _loggers.CreateLogger<StateRecovery>())
                .RunAsync(await node.FindPodTracesAsync().ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        var table = new AttachmentTable();
        foreach (var (record, phase) in attachments) table.Put(record, phase);
        objects.StillNeeded = o => o is KernelObject.PinFolder folder ? table.HasPins(folder.Path)
            : ObjectFamily.Of(o) is { } family && active.Families.All(f => f.Family != family) && table.HasFamily(family);
        await StartPluginsAsync(plugins, attachments, store, readiness, cancellationToken).ConfigureAwait(false);

        var detacher = Own(new PodDetacher(active, table, store, kernel, _time, _loggers.CreateLogger<PodDetacher>()));
        var reconciler = Own(new Reconciler(store, table, detacher, kernel, objects, active, readiness, _time, _loggers.CreateLogger<Reconciler>()));
        table.Removed += () =>
        {
            if (objects.HasOutlived) reconciler.Notice();
        };
        // The watch first: what goes during the comparison is told afterwards.
        Own(KernelWatch.Start(table, objects, links, reconciler.Notice, _loggers.CreateLogger<KernelWatch>()));
        await reconciler.RunAtStartAsync(attachments, cancellationToken).ConfigureAwait(false);
        await new PodHandover(active, table, store, kernel, _loggers.CreateLogger<PodHandover>())
            .RunAsync(name => plugins.Plugins.Any(p => p.InService && NameOf(p) == name), cancellationToken).ConfigureAwait(false);
        await objects.ReleaseOutlivedAsync(cancellationToken).ConfigureAwait(false);
        reconciler.Start();
        var tombstones = new Tombstones(store, _time);
        var attacher = new PodAttacher(active, table, store, kernel, detacher, _time, _loggers.CreateLogger<PodAttacher>());
        var network = new PodNetwork(
            active, table, new Fence<AttachmentKey>(), tombstones, attacher, detacher, kernel, new ManifestPodFacts(_options.PodDir),
            _loggers.CreateLogger<PodNetwork>());
        await cloud.Confirmed.ConfigureAwait(false);
        readiness.Serve(active.Providers, plugins);
        Own(await SpooledDels.StartAsync(_options.SpoolDir, network, _loggers.CreateLogger<SpooledDels>(), cancellationToken).ConfigureAwait(false));
        Own(CniServer.Start(
            _options.CniSocket, new CniHandler(network, readiness, _time, _loggers.CreateLogger<CniHandler>()), _loggers.CreateLogger<CniServer>()));

        observability.Attach(new ObservedNode(plugins, table, detacher, store, _options.StateFile, _options.CniSocket));
        if (readiness.RefusesAdd() is { } reason) HostLog.NotServing(_log, reason);
        else new ConflistFile(_options.CniConfDir, _options.CniSocket, _options.SpoolDir).Write();
        LogReady(cloud.Node, plugins);
        Own(ApiServer.Start(_options.ApiSocket, () => new DaemonView(cloud.Node, plugins, table, objects, detacher, readiness, cloud.Network), _loggers));

        // What the start needed and nothing needs any more goes back to the node.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, disk.Replaced);
        var abandoned = new AbandonedObjects(objects, table, plugins, _loggers.CreateLogger<AbandonedObjects>());
        table.Removed += abandoned.Notice;
        await SweepUntilStoppedAsync(new JournalSweep(tombstones, store, _time, _log), plugins, abandoned, ending.Token).ConfigureAwait(false);
        var replaced = disk.Replaced.IsCancellationRequested;
        if (replaced) HostLog.StateReplaced(_log, _options.StateFile);
        else HostLog.Stopping(_log);
        await plugins.StopAsync(CancellationToken.None).ConfigureAwait(false);
        return replaced ? ExitCannotStart : 0;
    }

    private Task<StateStore> OpenStateAsync(CrashPlan? crashes) => Task.Run(() =>
        StateStore.Open(_options.StateFile, _time, _loggers.CreateLogger<StateStore>(), crashes is null ? null : new CrashingCommits(crashes)));

    /// <summary>A disk that is read-only, full or broken is no reason to end: whoever calls meanwhile hears what is wrong instead of that nobody answers.</summary>
    private async Task<StateStore> WaitForStateAsync(Task<StateStore> opening, CrashPlan? crashes, NodeReadiness readiness, CancellationToken cancellationToken)
    {
        CniServer? refusing = null;
        try
        {
            while (true)
            {
                try
                {
                    return await opening.ConfigureAwait(false);
                }
                catch (StateException e) when (e.Disk)
                {
                    StateDisk.Report(readiness, e.Message);
                    if (refusing is null) HostLog.StateOutOfReach(_log, e.Message);
                    refusing ??= CniServer.Start(_options.CniSocket, new ClosedNode(readiness), _loggers.CreateLogger<CniServer>());
                }

                await Task.Delay(s_stateRetry, _time, cancellationToken).ConfigureAwait(false);
                opening = OpenStateAsync(crashes);
            }
        }
        finally
        {
            if (refusing is not null) await refusing.DisposeAsync().ConfigureAwait(false);
            StateDisk.Report(readiness, null);
        }
    }

    private async Task<PluginSet> LoadPluginsAsync(
        NodePoolConfig config, PluginCatalog catalog, DaemonCloud cloud, IAddressFamily ipv4, IServiceSource? services, StateStore store, INodeKernel kernel, NodeObjects objects, NodeReadiness readiness,
        CrashPlan? crashes, CancellationToken cancellationToken)
    {
        ReportFindings(config, cloud.Node, readiness);
        var requests = ConfigPlugins.Requests(config, []);

        var release = await File.ReadAllTextAsync("/proc/sys/kernel/osrelease", cancellationToken).ConfigureAwait(false);
        var resolution = PluginResolver.Resolve(
            requests, catalog, NodeEnvironment.Of(cloud.Node, release.Trim()), HostContract.Current);
        return await PluginSet.LoadAsync(
            resolution,
            (plugin, families) => new PluginHost(
                plugin.Manifest.Name, cloud.Node, EffectiveSettings.Merge(config.Root, plugin.Request?.Settings), [ipv4, .. families], cloud.Cloud,
                Records(plugin.Manifest.Name, store, crashes), _loggers, _time, kernel, objects, readiness, _options.BpfDir, _options.CgroupRoot, services),
            _loggers, _time, new PluginSetOptions { Unloadable = false }, cancellationToken).ConfigureAwait(false);
    }

    private ManifestServices Services(string folder, NodeReadiness readiness)
    {
        var log = _loggers.CreateLogger<ManifestFolder>();
        return new ManifestServices(changed => new ManifestFolder(folder, Report, changed, log));

        void Report(string path, Finding? finding)
        {
            readiness.Report(path, finding);
            if (finding is not null) HostLog.Finding(log, LogLevel.Warning, path, finding.Reason, finding.Fix);
        }
    }

    private void ReportFindings(NodePoolConfig config, NodeFacts node, NodeReadiness readiness)
    {
        var context = ValidationContext.Of(node) with
        {
            Kubernetes = DualStackChecks.ParseKubernetes(_options.KubernetesVersion),
            ControlPlane = DualStackChecks.ParseControlPlane(_options.ControlPlane),
        };
        foreach (var (path, finding) in ConfigValidator.Validate(config, context))
        {
            var level = finding.Severity switch { FindingSeverity.Error => LogLevel.Error, FindingSeverity.Warning => LogLevel.Warning, _ => LogLevel.Information };
            HostLog.Finding(_log, level, path, finding.Reason, finding.Fix);
            readiness.Block(path, finding);
        }
    }

    private static IPluginStore Records(string plugin, StateStore store, CrashPlan? crashes)
    {
        var records = new PluginRecords(plugin, store);
        return crashes is null ? records : new CrashingRecords(plugin, records, crashes);
    }

    private static async Task StartPluginsAsync(
        PluginSet plugins, IReadOnlyList<(AttachmentRecord Record, AttachmentPhase Phase)> attachments, StateStore store, NodeReadiness readiness,
        CancellationToken cancellationToken)
    {
        var released = store.Initial.Released.ToDictionary(static r => IPAddress.Parse(r.Key), static r => r.Value);
        foreach (var provider in plugins.Providers)
        {
            // By name: another version of the plugin takes over what the one before it gave.
            var own = attachments
                .Where(a => ActivePlugins.PluginName(a.Record.Provider).SequenceEqual(provider.Plugin.Manifest.Name))
                .Select(static a => a.Record.Attachment.Allocation);
            await provider.Role.RestoreAsync([.. own], released, cancellationToken).ConfigureAwait(false);
        }

        foreach (var stage in plugins.Stages)
            await stage.Role.RestoreAsync([.. attachments.Select(static a => a.Record.Attachment)], cancellationToken).ConfigureAwait(false);
        await plugins.StartAsync(cancellationToken).ConfigureAwait(false);
        foreach (var blocking in plugins.Blocking) readiness.Block(blocking.Path, blocking.Finding);
    }

    private static ActivePlugins Active(PluginSet plugins, IAddressFamily ipv4) => new(
        [.. plugins.Providers.Select(static p => new PluginPart<IAddressProvider>(NameOf(p.Plugin), p.Role))],
        [.. plugins.Datapaths.Select(static p => new PluginPart<IDatapath>(NameOf(p.Plugin), p.Role))],
        [.. plugins.Stages.Select(static p => p.Role)],
        [ipv4, .. plugins.Families.Select(static p => p.Role)]);

    private static string NameOf(LoadedPlugin plugin) => $"{plugin.Manifest.Name}/{plugin.Manifest.Version.ToNormalizedString()}";

    private async Task<FileLock> LockAsync(CancellationToken cancellationToken)
    {
        for (var begin = Stopwatch.GetTimestamp(); ;)
        {
            if (FileLock.TryAcquire(_options.LockFile) is { } held) return held;
            if (Stopwatch.GetElapsedTime(begin) > s_lockTimeout)
            {
                throw new IOException($"another terwayd holds {_options.LockFile}; there can be only one on a node: stop the other, or give this one another --run-dir");
            }

            await Task.Delay(200, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task SweepUntilStoppedAsync(
        JournalSweep sweep, PluginSet plugins, AbandonedObjects abandoned, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(s_sweepPeriod, _time);
        var following = abandoned.FollowAsync(cancellationToken);
        try
        {
            do
            {
                await sweep.RunAsync().ConfigureAwait(false);
                await plugins.CheckHealthAsync(cancellationToken).ConfigureAwait(false);
                await abandoned.RemoveAsync(cancellationToken).ConfigureAwait(false);
            }
            while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // Told to stop.
        }

        await following.ConfigureAwait(false);
    }

    private void LogReady(NodeFacts node, PluginSet plugins) => HostLog.Ready(
        _log, DaemonVersion.Text, ProcessAge.Milliseconds(), node.NodeName, node.InstanceId, node.InstanceType,
        string.Join(", ", plugins.Plugins.Where(static p => p.InService).Select(static p => p.Manifest.ToString())));

    private T Own<T>(T part) where T : notnull
    {
        _owned.Push(part);
        return part;
    }
}
