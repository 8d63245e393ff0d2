using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Terway.Host.Plugins;
using Terway.Host.Pods;
using Terway.Host.State;
using Terway.Plugin;

namespace Terway.Host.Node;

/// <summary>
/// Takes away what a plugin made on the node when the pool has the plugin no more and the last pod that it served is gone; what is right only while the
/// plugin tends it, at once. A pool whose plugins cannot be resolved says nothing about which ones it wants: then everything stays.
/// </summary>
internal sealed partial class AbandonedObjects(NodeObjects objects, AttachmentTable table, PluginSet plugins, ILogger<AbandonedObjects> log)
{
    private readonly Channel<bool> _noticed = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private volatile bool _waits;

    /// <summary>A pod is gone, and may have been the last one. Returns at once, and costs nothing when nothing waits for that. Thread-safe.</summary>
    public void Notice()
    {
        if (_waits) _noticed.Writer.TryWrite(true);
    }

    /// <summary>Looks after each <see cref="Notice"/>, until it is cancelled.</summary>
    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (await _noticed.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
            {
                _noticed.Reader.TryRead(out _);
                await RemoveAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The daemon stops.
        }
    }

    /// <summary>Looks once. What cannot be removed now is tried again at the next look.</summary>
    public async Task RemoveAsync(CancellationToken cancellationToken)
    {
        if (plugins.Plugins.Count == 0) return;
        // Before the table is read: a pod that goes from now on is noticed.
        _waits = true;
        var wanted = plugins.Plugins.Select(static p => p.Manifest.Name).ToHashSet(StringComparer.Ordinal);
        var tended = wanted.ToHashSet(StringComparer.Ordinal);
        foreach (var (record, _) in table.All)
        {
            wanted.Add(ActivePlugins.PluginName(record.Provider).ToString());
            wanted.Add(ActivePlugins.PluginName(record.Datapath).ToString());
        }

        foreach (var (plugin, key) in objects.Kept.Where(k => !wanted.Contains(k.Plugin) || (!tended.Contains(k.Plugin) && objects.IsTended(k.Plugin, k.Key))))
        {
            try
            {
                await objects.RemoveAsync(plugin, key, cancellationToken).ConfigureAwait(false);
                LogRemoved(log, plugin, key);
            }
            catch (Exception e) when (e is PodNetworkException or StateException)
            {
                LogNotRemoved(log, plugin, key, e.Message);
            }
        }

        _waits = objects.Kept.Any(k => !tended.Contains(k.Plugin));
    }

    [LoggerMessage(EventId = 6101, Level = LogLevel.Information, Message = "Plugin {Plugin} is not in use on this node any more: its objects of {Key} are taken away")]
    private static partial void LogRemoved(ILogger log, string plugin, string key);

    [LoggerMessage(EventId = 6102, Level = LogLevel.Warning, Message = "Plugin {Plugin} is not in use on this node any more, but its objects of {Key} stay: {Reason}")]
    private static partial void LogNotRemoved(ILogger log, string plugin, string key, string reason);
}
