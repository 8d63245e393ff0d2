using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Terway.Plugins.DataPathV2.Tests;

/// <summary>The host's side of the contract as far as ENIs go: links that come and go, objects that are made and removed.</summary>
internal sealed class FakeHost : IPluginHost
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, NodeLink> _links = new(StringComparer.Ordinal);
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What is kept under each key now.</summary>
    public ConcurrentDictionary<string, IReadOnlyList<KernelObject>> Objects { get; } = new(StringComparer.Ordinal);

    /// <summary>What fails, by key, and why.</summary>
    public ConcurrentDictionary<string, string> Refused { get; } = new(StringComparer.Ordinal);

    /// <summary>How often objects were asked for.</summary>
    public int Ensured { get; private set; }

    public NodeFacts Node => throw new NotSupportedException();

    public JsonElement Settings => default;

    public IReadOnlyList<IAddressFamily> Families => [];

    public ICloud Cloud => throw new NotSupportedException();

    public IPluginStore Store { get; init; } = new MemoryStore();

    public ILoggerFactory Loggers => NullLoggerFactory.Instance;

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>What was reported and not taken back, by its path.</summary>
    public ConcurrentDictionary<string, Finding> Findings { get; } = new(StringComparer.Ordinal);

    public void SetLink(string mac, NodeLink? link)
    {
        lock (_lock)
        {
            if (link is null) _links.Remove(mac);
            else _links[mac] = link;
            _changed.SetResult();
            _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public async Task<NodeLink> WaitForLinkAsync(string mac, TimeSpan timeout, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (_links.TryGetValue(mac, out var link)) return link;
                changed = _changed.Task;
            }

            await changed.WaitAsync(timeout, cancellationToken);
        }
    }

    public async Task WaitForLinkGoneAsync(string mac, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (!_links.ContainsKey(mac)) return;
                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    public Task EnsureNodeObjectsAsync(string key, IReadOnlyList<KernelObject> objects, CancellationToken cancellationToken)
    {
        if (Refused.TryGetValue(key, out var reason)) throw new PodNetworkException("kernel", reason, "none", canRetry: true);
        Objects[key] = objects;
        Ensured++;
        return Task.CompletedTask;
    }

    public Task RemoveNodeObjectsAsync(string key, CancellationToken cancellationToken)
    {
        Objects.TryRemove(key, out _);
        return Task.CompletedTask;
    }

    public void Report(string path, Finding? finding)
    {
        if (finding is null) Findings.TryRemove(path, out _);
        else Findings[path] = finding;
    }
}
