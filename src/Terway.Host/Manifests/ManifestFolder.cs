using System.Diagnostics;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Terway.Plugin;

namespace Terway.Host.Manifests;

/// <summary>
/// A folder of Kubernetes manifests that takes the cluster's place: read when it is started, and then as its files change. A file that is renamed into
/// its place counts at once; one that is written in its place when nothing has been written to it for a while. One that cannot be understood leaves what it
/// had before in force.
/// </summary>
internal sealed partial class ManifestFolder : IAsyncDisposable
{
    private const int MaxFileBytes = 256 * 1024 * 1024;
    private const int MaxPending = 4096;

    private static readonly TimeSpan s_settle = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(1);

    private readonly string _folder;
    private readonly Action<string, Finding?> _report;
    private readonly Action<IReadOnlyDictionary<ObjectKey, ManifestObject?>, bool> _changed;
    private readonly ILogger _log;
    private readonly Channel<(string? File, bool Settled)> _events = Channel.CreateBounded<(string?, bool)>(MaxPending);
    private readonly Dictionary<string, long> _settling = new(StringComparer.Ordinal);
    private readonly HashSet<string> _unread = new(StringComparer.Ordinal);
    private readonly ManifestReader _reader = new();
    private readonly ManifestSet _set = new();
    private readonly CancellationTokenSource _stopping = new();
    private FileSystemWatcher? _watcher;
    private Task _loop = Task.CompletedTask;
    private int _rescan;
    private int _disposed;

    /// <param name="folder">Made when it is not there.</param>
    /// <param name="report">Shows what is wrong with a file, by a path that names it, or clears it.</param>
    /// <param name="changed">
    /// Told of objects that are new or different, or (null) gone, and whether every file has been understood at least once. First of all objects. Called by one
    /// thread at a time.
    /// </param>
    /// <param name="log">For what is read.</param>
    public ManifestFolder(string folder, Action<string, Finding?> report, Action<IReadOnlyDictionary<ObjectKey, ManifestObject?>, bool> changed, ILogger log)
    {
        _folder = folder;
        _report = report;
        _changed = changed;
        _log = log;
    }

    /// <summary>Begins to read and watch, in the background.</summary>
    public void Start() => _loop = Task.Run(RunAsync);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _watcher?.Dispose();
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            Volatile.Write(ref _rescan, 1);
            for (var first = true; ; first = false)
            {
                if (Interlocked.Exchange(ref _rescan, 0) != 0)
                {
                    if (!Scan(first))
                    {
                        Volatile.Write(ref _rescan, 1);
                        await Task.Delay(s_retry, _stopping.Token).ConfigureAwait(false);
                        continue;
                    }
                }
                else
                {
                    Update(Due());
                }

                await WaitAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The daemon stops.
        }
    }

    // Until something is due.
    private async Task WaitAsync()
    {
        if (Volatile.Read(ref _rescan) != 0) return;
        if (_settling.Count == 0)
        {
            await _events.Reader.WaitToReadAsync(_stopping.Token).ConfigureAwait(false);
            return;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        var left = s_settle - Stopwatch.GetElapsedTime(_settling.Values.Min());
        limit.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        try
        {
            await _events.Reader.WaitToReadAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!_stopping.IsCancellationRequested)
        {
            // A file has settled.
        }
    }

    private HashSet<string> Due()
    {
        var due = new HashSet<string>(StringComparer.Ordinal);
        while (_events.Reader.TryRead(out var e))
        {
            if (e.File is null)
            {
                continue;
            }

            if (e.Settled)
            {
                _settling.Remove(e.File);
                due.Add(e.File);
            }
            else if (!due.Contains(e.File))
            {
                _settling[e.File] = Stopwatch.GetTimestamp();
            }
        }

        foreach (var (file, since) in _settling.ToList())
        {
            if (Stopwatch.GetElapsedTime(since) < s_settle) continue;
            _settling.Remove(file);
            due.Add(file);
        }

        return due;
    }

    // False when the folder cannot be looked at now.
    private bool Scan(bool first)
    {
        try
        {
            Watch();
            var there = Directory.EnumerateFiles(_folder).Select(static f => Path.GetFileName(f)).Where(IsManifest).ToHashSet(StringComparer.Ordinal);
            _settling.Clear();
            there.UnionWith(_set.Files);
            there.UnionWith(_unread);
            Update(there, always: first);
            _report("manifests", null);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _report("manifests", new Finding(FindingSeverity.Warning, $"the folder of manifests {_folder} cannot be watched: {e.Message}", "correct it; it is tried again every second"));
            return false;
        }
    }

    private void Watch()
    {
        _watcher?.Dispose();
        Directory.CreateDirectory(_folder);
        _watcher = new FileSystemWatcher(_folder) { InternalBufferSize = 64 * 1024, NotifyFilter = NotifyFilters.FileName | NotifyFilters.LastWrite | NotifyFilters.DirectoryName };
        _watcher.Created += (_, e) => Notice(e.Name, settled: false);
        _watcher.Changed += (_, e) => Notice(e.Name, settled: false);
        // What goes may be on its way to be replaced.
        _watcher.Deleted += (_, e) => Notice(e.Name, settled: false);
        _watcher.Renamed += (_, e) =>
        {
            Notice(e.OldName, settled: false);
            Notice(e.Name, settled: true);
        };
        _watcher.Error += (_, _) => Rescan();
        _watcher.EnableRaisingEvents = true;
    }

    private void Notice(string? file, bool settled)
    {
        // A mounted ConfigMap is exchanged as a whole, by a link of which its files are links into.
        if (file is null || file.StartsWith("..", StringComparison.Ordinal)) Rescan();
        else if (IsManifest(file) && !_events.Writer.TryWrite((file, settled))) Rescan();
    }

    private void Rescan()
    {
        Volatile.Write(ref _rescan, 1);
        _events.Writer.TryWrite((null, true));
    }

    private void Update(HashSet<string> files, bool always = false)
    {
        if (files.Count == 0 && !always) return;
        var wasComplete = _unread.Count == 0 && !always;
        var changed = new Dictionary<ObjectKey, ManifestObject?>();
        foreach (var file in files.Order(StringComparer.Ordinal)) Update(file, changed);
        if (changed.Count == 0 && wasComplete == (_unread.Count == 0)) return;
        LogRead(_log, files.Count, changed.Count, _set.Count);
        _changed(changed, _unread.Count == 0);
    }

    private void Update(string file, Dictionary<ObjectKey, ManifestObject?> changed)
    {
        var path = $"manifests/{file}";
        try
        {
            var objects = Read(file);
            var second = _set.Replace(file, objects, changed);
            _unread.Remove(file);
            _report(path, second.Count == 0 ? null : new Finding(
                FindingSeverity.Warning,
                $"{second.Count} objects of {file} are described elsewhere too, {second[0].Kind} {second[0].Namespace}/{second[0].Name} among them: the first file by name counts",
                "describe each object once"));
        }
        catch (Exception e) when (e is ManifestException or IOException or UnauthorizedAccessException)
        {
            var before = _set.Has(file);
            if (!before) _unread.Add(file);
            _report(path, new Finding(
                FindingSeverity.Warning, $"{Path.Combine(_folder, file)}, {e.Message}",
                before ? "correct it; what it said before stays in force" : "correct it; until then no Service that an earlier life of the daemon knew is given up"));
        }
    }

    private IReadOnlyList<ManifestObject> Read(string file)
    {
        try
        {
            var path = Path.Combine(_folder, file);
            if (new FileInfo(path) is { Exists: true, Length: > MaxFileBytes }) throw new ManifestException(1, $"the file has more than {MaxFileBytes >> 20} MiB");
            return _reader.Read(File.ReadAllBytes(path));
        }
        catch (FileNotFoundException)
        {
            return [];
        }
    }

    private static bool IsManifest(string file) =>
        file[0] != '.' && (file.EndsWith(".yaml", StringComparison.Ordinal) || file.EndsWith(".yml", StringComparison.Ordinal) || file.EndsWith(".json", StringComparison.Ordinal));

    [LoggerMessage(EventId = 6301, Level = LogLevel.Information, Message = "Manifests: {Files} files read, {Changed} objects changed, {Count} known")]
    private static partial void LogRead(ILogger log, int files, int changed, int count);
}
