using System.Text.Json;
using Microsoft.Extensions.Logging;
using Terway.Cni.Wire;
using Terway.Host.Observability;
using Terway.Host.Pods;
using Terway.Host.State;
using Terway.Linux;

namespace Terway.Host.Cni;

/// <summary>
/// DELs that the entrypoint left in the spool folder because nobody answered. Done at start, and for as long as the daemon runs whenever one
/// appears: an entrypoint may have found the socket closed just before it opened.
/// </summary>
internal sealed partial class SpooledDels : IDisposable
{
    private readonly string _folder;
    private readonly PodNetwork _network;
    private readonly ILogger _log;
    private readonly FileSystemWatcher _watcher;
    private readonly SemaphoreSlim _one = new(1, 1);
    private readonly CancellationTokenSource _stop = new();

    private static readonly TimeSpan s_retryDelay = TimeSpan.FromSeconds(5);

    private SpooledDels(string folder, PodNetwork network, ILogger log)
    {
        _folder = folder;
        _network = network;
        _log = log;
        // The entrypoint syncs what it makes; a folder that it finds it takes for durable.
        DurableFile.CreateFolder(folder);
        // Files are renamed into place when they are complete.
        _watcher = new FileSystemWatcher(folder) { NotifyFilter = NotifyFilters.FileName };
        _watcher.Renamed += (_, _) => _ = DrainQuietlyAsync();
        _watcher.Created += (_, _) => _ = DrainQuietlyAsync();
        _watcher.Error += (_, _) => _ = DrainQuietlyAsync();
    }

    /// <summary>Does what lies in the folder, and goes on watching it.</summary>
    public static async Task<SpooledDels> StartAsync(string folder, PodNetwork network, ILogger<SpooledDels> log, CancellationToken cancellationToken)
    {
        var spooled = new SpooledDels(folder, network, log);
        spooled._watcher.EnableRaisingEvents = true;
        await spooled.DrainAsync(cancellationToken).ConfigureAwait(false);
        return spooled;
    }

    public void Dispose()
    {
        _watcher.Dispose();
        _stop.Cancel();
    }

    private async Task DrainQuietlyAsync()
    {
        try
        {
            await DrainAsync(_stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Stopping: the files stay for the next start.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or StateException)
        {
            LogFailed(_log, e, _folder);
            RetryLater();
        }
    }

    private void RetryLater() => _ = Task.Delay(s_retryDelay, _stop.Token).ContinueWith(
        _ => DrainQuietlyAsync(), _stop.Token, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);

    private async Task DrainAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            foreach (var file in Directory.EnumerateFiles(_folder, "*" + CniPaths.SpoolSuffix))
            {
                if (Read(file) is { } request)
                {
                    await _network.DeleteAsync(new AttachmentKey(request.ContainerId, request.IfName), cancellationToken).ConfigureAwait(false);
                    CniMetrics.SpooledDelDone();
                    LogDone(_log, request.ContainerId, request.IfName);
                }

                File.Delete(file);
            }
        }
        finally
        {
            _one.Release();
        }
    }

    private CniRequest? Read(string file)
    {
        var reason = "it names no container and interface";
        try
        {
            var request = JsonSerializer.Deserialize(File.ReadAllBytes(file), WireJson.Default.CniRequest);
            if (!string.IsNullOrEmpty(request?.ContainerId) && !string.IsNullOrEmpty(request.IfName)) return request;
        }
        catch (JsonException e)
        {
            reason = e.Message;
        }

        // Written whole or not at all: this is no file of the entrypoint. The runtime's next GC or the reconciler finds what it was about.
        LogUnreadable(_log, file, reason);
        File.Move(file, file + ".unreadable", overwrite: true);
        return null;
    }

    [LoggerMessage(EventId = 4020, Level = LogLevel.Information, Message = "Spooled DEL {ContainerId}/{IfName} done")]
    private static partial void LogDone(ILogger log, string containerId, string ifName);

    [LoggerMessage(EventId = 4021, Level = LogLevel.Warning, Message = "Spooled DEL {File} cannot be read ({Reason}); renamed")]
    private static partial void LogUnreadable(ILogger log, string file, string reason);

    [LoggerMessage(EventId = 4022, Level = LogLevel.Error, Message = "Spool folder {Folder} cannot be worked off")]
    private static partial void LogFailed(ILogger log, Exception e, string folder);
}
