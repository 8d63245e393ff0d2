using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Terway.Plugin;

namespace Terway.Host.Manifests;

/// <summary>Services of a folder of manifests. The folder is looked at from the first watch on. Thread-safe.</summary>
internal sealed class ManifestServices : IServiceSource, IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Func<Action<IReadOnlyDictionary<ObjectKey, ManifestObject?>, bool>, ManifestFolder> _open;
    private readonly Dictionary<ServiceName, ServiceManifest> _services = [];
    private readonly Dictionary<ObjectKey, EndpointSliceManifest> _slices = [];
    private readonly Dictionary<ServiceName, SortedSet<string>> _slicesOf = [];
    private readonly List<Watch> _watches = [];
    private ManifestFolder? _folder;
    private bool _read;
    private bool _complete;
    private bool _disposed;

    /// <param name="open">Makes the folder's watch, not started yet, that tells its argument.</param>
    public ManifestServices(Func<Action<IReadOnlyDictionary<ObjectKey, ManifestObject?>, bool>, ManifestFolder> open) => _open = open;

    public async IAsyncEnumerable<ServiceChanges> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var watch = Begin();
        try
        {
            while (await watch.Signal.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
            {
                watch.Signal.Reader.TryRead(out _);
                if (Take(watch) is { } changes) yield return changes;
            }
        }
        finally
        {
            lock (_lock) _watches.Remove(watch);
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    public ValueTask DisposeAsync()
    {
        ManifestFolder? folder;
        lock (_lock)
        {
            _disposed = true;
            (folder, _folder) = (_folder, null);
        }

        return folder?.DisposeAsync() ?? ValueTask.CompletedTask;
    }

    private Watch Begin()
    {
        var watch = new Watch();
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _watches.Add(watch);
            if (_folder is null)
            {
                _folder = _open(Apply);
                _folder.Start();
            }

            if (_read)
            {
                watch.Dirty.UnionWith(_services.Keys);
                watch.Signal.Writer.TryWrite(true);
            }
        }

        return watch;
    }

    private ServiceChanges? Take(Watch watch)
    {
        lock (_lock)
        {
            var changed = new List<Service>();
            var removed = new List<ServiceName>();
            foreach (var name in watch.Dirty)
            {
                if (_services.TryGetValue(name, out var manifest) && ServiceResolver.Resolve(name, manifest, SlicesOf(name)) is { } service)
                {
                    watch.Told.Add(name);
                    changed.Add(service);
                }
                else if (watch.Told.Remove(name))
                {
                    removed.Add(name);
                }
            }

            watch.Dirty.Clear();
            // The first element comes also when there is nothing, and so does the news that nothing is missing.
            if (changed.Count + removed.Count == 0 && watch.Complete == _complete) return null;
            watch.Complete = _complete;
            return new ServiceChanges { Changed = changed, Removed = removed, Complete = _complete };
        }
    }

    private IEnumerable<EndpointSliceManifest> SlicesOf(ServiceName name) =>
        _slicesOf.TryGetValue(name, out var slices) ? slices.Select(slice => _slices[new(ManifestKind.EndpointSlice, name.Namespace, slice)]) : [];

    private void Apply(IReadOnlyDictionary<ObjectKey, ManifestObject?> changed, bool complete)
    {
        lock (_lock)
        {
            var touched = new HashSet<ServiceName>();
            foreach (var (key, o) in changed)
            {
                if (key.Kind == ManifestKind.Service) Put(key, (ServiceManifest?)o?.Value, touched);
                else Put(key, (EndpointSliceManifest?)o?.Value, touched);
            }

            _read = true;
            _complete = complete;
            foreach (var watch in _watches)
            {
                watch.Dirty.UnionWith(touched);
                watch.Signal.Writer.TryWrite(true);
            }
        }
    }

    private void Put(ObjectKey key, ServiceManifest? service, HashSet<ServiceName> touched)
    {
        var name = new ServiceName(key.Namespace, key.Name);
        if (service is null) _services.Remove(name);
        else _services[name] = service;
        touched.Add(name);
    }

    private void Put(ObjectKey key, EndpointSliceManifest? slice, HashSet<ServiceName> touched)
    {
        if (_slices.Remove(key, out var old) && OwnerOf(key, old) is { } before && _slicesOf.TryGetValue(before, out var slices))
        {
            slices.Remove(key.Name);
            if (slices.Count == 0) _slicesOf.Remove(before);
            touched.Add(before);
        }

        if (slice is null || OwnerOf(key, slice) is not { } owner) return;
        _slices[key] = slice;
        if (!_slicesOf.TryGetValue(owner, out var own)) _slicesOf.Add(owner, own = new(StringComparer.Ordinal));
        own.Add(key.Name);
        touched.Add(owner);
    }

    private static ServiceName? OwnerOf(ObjectKey key, EndpointSliceManifest slice) =>
        slice.Metadata?.Labels?.ServiceName is { Length: > 0 } name ? new ServiceName(key.Namespace, name) : null;

    private sealed class Watch
    {
        public Channel<bool> Signal { get; } = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

        public HashSet<ServiceName> Dirty { get; } = [];

        public HashSet<ServiceName> Told { get; } = [];

        /// <summary>As the reader was told last; null before the first element.</summary>
        public bool? Complete { get; set; }
    }
}
