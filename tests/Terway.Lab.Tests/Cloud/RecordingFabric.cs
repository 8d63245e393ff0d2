using System.Collections.Concurrent;
using System.Net;
using Terway.Lab.Cloud;

namespace Terway.Lab.Tests.Cloud;

/// <summary>
/// A data plane that remembers what it was told, and objects when the region breaks a promise: overlapping calls for one ENI,
/// a plug of a plugged ENI, an address on two ports.
/// </summary>
internal sealed class RecordingFabric : IVpcFabric
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, EniSnapshot> _plugged = new(StringComparer.Ordinal);
    private readonly HashSet<string> _busy = new(StringComparer.Ordinal);

    public ConcurrentQueue<string> Calls { get; } = new();

    public ConcurrentQueue<string> Broken { get; } = new();

    /// <summary>Awaited inside each call, to hold one open.</summary>
    public Func<string, Task> During { get; set; } = static _ => Task.CompletedTask;

    public IReadOnlyCollection<EniSnapshot> Plugged
    {
        get
        {
            lock (_lock)
                return [.. _plugged.Values];
        }
    }

    public Task PlugAsync(EniSnapshot eni, string instanceId, CancellationToken ct) => RunAsync("plug", eni.Id, () =>
    {
        if (!_plugged.TryAdd(eni.Id, eni))
            Broken.Enqueue($"{eni.Id} plugged twice");
        CheckUnique();
    });

    public Task UnplugAsync(string eniId, CancellationToken ct) => RunAsync("unplug", eniId, () => _plugged.Remove(eniId));

    public Task UpdateEniAsync(EniSnapshot eni, CancellationToken ct) => RunAsync("update", eni.Id, () =>
    {
        if (!_plugged.ContainsKey(eni.Id))
            Broken.Enqueue($"{eni.Id} updated but not plugged");
        _plugged[eni.Id] = eni;
        CheckUnique();
    });

    public Task RemoveEniAsync(string eniId, CancellationToken ct) => RunAsync("remove", eniId, () =>
    {
        if (_plugged.ContainsKey(eniId))
            Broken.Enqueue($"{eniId} removed while plugged");
    });

    public Task UpdateSecurityGroupAsync(SecurityGroupSnapshot securityGroup, CancellationToken ct) =>
        RunAsync("group", securityGroup.Id, static () => { });

    private async Task RunAsync(string verb, string id, Action action)
    {
        Calls.Enqueue($"{verb} {id}");
        lock (_lock)
        {
            if (!_busy.Add(id))
                Broken.Enqueue($"{verb} {id} overlaps another call");
        }
        try
        {
            await During($"{verb} {id}");
            lock (_lock)
                action();
        }
        finally
        {
            lock (_lock)
                _busy.Remove(id);
        }
    }

    private void CheckUnique()
    {
        var seen = new HashSet<IPAddress>();
        foreach (var ip in _plugged.Values.SelectMany(static e => e.PrivateIps.Concat(e.Ipv6Addresses)))
        {
            if (!seen.Add(ip))
                Broken.Enqueue($"{ip} is on two plugged ENIs");
        }
    }
}
