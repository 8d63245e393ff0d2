using System.Collections.Immutable;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Terway.Linux;

namespace Terway.Plugins.DataPathV2.Pins;

/// <summary>
/// Counts the entries of maps once a minute, in the background, and says when one has too little room. A map that forgets is full on every node that is up
/// for long: sockets and flows end without a word, and their entries stay until somebody needs the place. So being full is no finding there; but when entries
/// are replaced so quickly that what is idle for minutes is forgotten, live flows are among it. Figures can be read by anybody at any time.
/// </summary>
internal sealed class MapPressure : IAsyncDisposable
{
    private static readonly TimeSpan s_period = TimeSpan.FromMinutes(1);

    // What translates keeps an idle UDP flow for up to three minutes; live TCP connections are silent for longer, most of them not for this long.
    private static readonly TimeSpan s_shortestMemory = TimeSpan.FromMinutes(10);

    private readonly IPluginHost _host;
    private readonly ILogger _log;
    private readonly IReadOnlyList<(WatchedMap Map, MapTurnover Turnover)> _maps;
    private readonly HashSet<string> _reported = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();
    private ImmutableArray<(string Name, long Used, long Size)> _figures = [];
    private Task _loop = Task.CompletedTask;
    private int _disposed;

    /// <param name="host">Hears of maps that are full.</param>
    /// <param name="maps">They stay open until this is disposed.</param>
    /// <param name="log">For what cannot be counted.</param>
    public MapPressure(IPluginHost host, IEnumerable<WatchedMap> maps, ILogger log)
    {
        (_host, _log) = (host, log);
        _maps = [.. maps.Select(static m => (m, new MapTurnover(m.Map)))];
    }

    /// <summary>Name, entries in use at the last look, and entries that fit.</summary>
    public IReadOnlyList<(string Name, long Used, long Size)> Figures => _figures;

    /// <summary>Looks for the first time soon, and then once a minute. Returns at once.</summary>
    public void Start() => _loop = Task.Run(FollowAsync);

    /// <summary>Counts now.</summary>
    /// <param name="elapsed">Since the last call.</param>
    public void Look(TimeSpan elapsed)
    {
        var figures = ImmutableArray.CreateBuilder<(string, long, long)>(_maps.Count);
        foreach (var (map, turnover) in _maps)
        {
            try
            {
                var (used, gone) = turnover.Look();
                figures.Add((map.Name, used, map.Map.MaxEntries));
                Judge(map, used, gone is { } share and > 0 ? elapsed / share : TimeSpan.MaxValue);
            }
            catch (LinuxException e)
            {
                Log.NotCounted(_log, map.Name, e.Message);
            }
        }

        _figures = figures.ToImmutable();
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
        using var timer = new PeriodicTimer(s_period, _host.Time);
        try
        {
            var last = _host.Time.GetTimestamp();
            Look(TimeSpan.Zero);
            while (await timer.WaitForNextTickAsync(_stopping.Token))
            {
                var now = _host.Time.GetTimestamp();
                Look(_host.Time.GetElapsedTime(last, now));
                last = now;
            }
        }
        catch (OperationCanceledException)
        {
            // The plugin stops.
        }
    }

    // memory: how long what is not used stays, if it goes on like this.
    private void Judge(WatchedMap map, long used, TimeSpan memory)
    {
        var path = $"map/{map.Name}/full";
        if (used < map.Full || (map.Forgets && memory > s_shortestMemory))
        {
            if (_reported.Remove(path)) _host.Report(path, null);
            return;
        }

        // Told once: the host writes each report to its log.
        if (!_reported.Add(path)) return;
        var reason = map.Forgets
            ? string.Create(CultureInfo.InvariantCulture, $"is full ({map.Map.MaxEntries} entries) and forgets what was not used for {memory.TotalMinutes:F1} minutes")
            : string.Create(CultureInfo.InvariantCulture, $"is full ({map.Map.MaxEntries} entries)");
        _host.Report(path, new Finding(
            FindingSeverity.Warning, $"the eBPF map {map.Name} {reason}: {map.Consequence}",
            map.Setting is { } setting ? $"raise {setting} and restart the daemon" : "spread the pods over more nodes"));
    }
}
