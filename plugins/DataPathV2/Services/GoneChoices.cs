using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Terway.Linux;

namespace Terway.Plugins.DataPathV2.Services;

/// <summary>
/// Forgets whom clients met in Services that are gone. The map would drop it by age, but until then it takes the place of clients that are there. What goes
/// within a moment is taken away together, and walks over the map are seconds apart.
/// </summary>
internal sealed class GoneChoices : IAsyncDisposable
{
    // Far longer than a hook runs that chose from the set just before it went.
    private static readonly TimeSpan s_gather = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(5);

    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _stopping = new();
    private readonly IServiceMaps _maps;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Lock _lock = new();
    private readonly Task _loop;
    private HashSet<uint> _gone = [];
    private int _disposed;

    public GoneChoices(IServiceMaps maps, TimeProvider time, ILogger log)
    {
        (_maps, _time, _log) = (maps, time, log);
        _loop = Task.Run(FollowAsync);
    }

    /// <summary>These sets have no frontend any more and never will have one. Returns at once.</summary>
    public void Forget(IReadOnlySet<uint> sets)
    {
        if (sets.Count == 0) return;
        lock (_lock) _gone.UnionWith(sets);
        _signal.Writer.TryWrite(true);
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await _stopping.CancelAsync();
        await _loop;
        _stopping.Dispose();
    }

    private async Task FollowAsync()
    {
        try
        {
            while (await _signal.Reader.WaitToReadAsync(_stopping.Token))
            {
                await Task.Delay(s_gather, _time, _stopping.Token);
                _signal.Reader.TryRead(out _);
                HashSet<uint> gone;
                lock (_lock) (gone, _gone) = (_gone, []);
                try
                {
                    _maps.DeleteChoices(gone.Contains);
                }
                catch (LinuxException e)
                {
                    // They go by age, or with the next start.
                    Log.ChoicesStay(_log, e.Message);
                }

                await Task.Delay(s_pause, _time, _stopping.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The plugin stops.
        }
    }
}
