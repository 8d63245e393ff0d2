using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Terway.Plugins.DataPathV2.Abi;

namespace Terway.Plugins.DataPathV2.Datapath;

/// <summary>
/// The objects of ENIs: the program on what they receive, and the entry by which packets of pods find the way out. Made with an ENI's first
/// accelerated pod, kept while its link is there. A pod whose ENI has none is served by the node's stack. Thread-safe.
/// </summary>
internal sealed class EniAccess(IPluginHost host, EniPacing pacing, ILogger log) : IDisposable
{
    // A detached ENI is attached again within seconds, or never.
    private static readonly TimeSpan s_returnLimit = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<string, EniState> _enis = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();
    private int _disposed;

    /// <summary>Takes up what an earlier life knew, and the ENIs of pods that it left: of a life whose records are lost nothing else tells.</summary>
    /// <param name="pods">The pods that are there.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task RestoreAsync(IReadOnlyList<Attachment> pods, CancellationToken cancellationToken)
    {
        foreach (var (key, value) in host.Store.Load(EniRecord.Prefix))
        {
            if (EniRecord.Read(key, value) is not { } record) continue;
            try
            {
                var link = await host.WaitForLinkAsync(record.Mac, TimeSpan.Zero, cancellationToken);
                await EnsureAsync(link, record, cancellationToken);
                await FollowPacingAsync(link, cancellationToken);
            }
            catch (TimeoutException)
            {
                await ForgetAsync(record, cancellationToken);
            }
        }

        foreach (var onEni in pods.Where(static p => p.Allocation.Vlan is null).GroupBy(static p => p.EniLink.Mac, StringComparer.Ordinal).Where(g => !_enis.ContainsKey(g.Key)))
        {
            var record = onEni.Aggregate(new EniRecord(onEni.Key, []), static (r, pod) => r.With(pod.Allocation.Addresses));
            try
            {
                // The link may have another name by now than when the pods were attached.
                var link = await host.WaitForLinkAsync(record.Mac, TimeSpan.Zero, cancellationToken);
                await EnsureAsync(link, record, cancellationToken);
                await FollowPacingAsync(link, cancellationToken);
            }
            catch (TimeoutException)
            {
                // Its pods have no way out; the next one on it makes sure of it.
            }
        }
    }

    /// <summary>Makes sure of the ENI of a pod. Costs nothing when it is known in the same form.</summary>
    public Task EnsureAsync(Attachment attachment, CancellationToken cancellationToken)
    {
        var link = attachment.EniLink;
        var known = _enis.GetValueOrDefault(link.Mac);
        var record = (known?.Record ?? new EniRecord(link.Mac, [])).With(attachment.Allocation.Addresses);
        return known is not null && known.Link == link && record.Equals(known.Record) ? Task.CompletedTask : EnsureAsync(link, record, cancellationToken);
    }

    /// <summary>Ends the watches. Objects stay.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private async Task EnsureAsync(NodeLink link, EniRecord record, CancellationToken cancellationToken)
    {
        // An array: the host keeps what it is given longer than this plugin, and a list's type would be of this assembly.
        KernelObject[] objects =
        [
            new KernelObject.TcProgram(link.Name, Ingress: true, DatapathPins.PathOf(DatapathPins.FromEni), DatapathPins.FilterPriority),
            Entries.Of(link, record.Gateways),
        ];
        await host.Store.WriteAsync([new(record.Key, record.ToBytes())], cancellationToken);
        await host.EnsureNodeObjectsAsync(record.Key, objects, cancellationToken);
        var state = new EniState(link, record);
        if (_enis.TryAdd(link.Mac, state)) _ = WatchAsync(record.Mac, _stopping.Token);
        else _enis[link.Mac] = state;
        Log.EniReady(log, link.Name, link.Mac);
    }

    // Once for each ENI that is known.
    private async Task WatchAsync(string mac, CancellationToken stopping)
    {
        try
        {
            await host.WaitForLinkGoneAsync(mac, stopping);
            if (!_enis.TryRemove(mac, out var gone)) return;
            Log.EniGone(log, gone.Link.Name, mac);
            await host.RemoveNodeObjectsAsync(gone.Record.Key, stopping);
            await pacing.ForgetAsync(mac, stopping);
            try
            {
                var link = await host.WaitForLinkAsync(mac, s_returnLimit, stopping);
                // Its pods go on: their addresses are still its own. A new pod may have been first.
                if (!_enis.ContainsKey(mac)) await EnsureAsync(link, gone.Record, stopping);
                await FollowPacingAsync(link, stopping);
            }
            catch (TimeoutException)
            {
                if (!_enis.ContainsKey(mac)) await ForgetAsync(gone.Record, stopping);
            }
        }
        catch (OperationCanceledException)
        {
            // The plugin stops.
        }
        catch (Exception e) when (e is PodNetworkException or ObjectDisposedException)
        {
            Log.EniFailed(log, mac, e.Message);
        }
    }

    // What is there is accelerated all the same; the host tries again what is missing, and tells.
    private async Task FollowPacingAsync(NodeLink link, CancellationToken cancellationToken)
    {
        try
        {
            await pacing.FollowAsync(link, cancellationToken);
        }
        catch (PodNetworkException e)
        {
            Log.EniNotPaced(log, link.Name, link.Mac, e.Message);
        }
    }

    private async Task ForgetAsync(EniRecord record, CancellationToken cancellationToken)
    {
        await pacing.ForgetAsync(record.Mac, cancellationToken);
        await host.RemoveNodeObjectsAsync(record.Key, cancellationToken);
        await host.Store.WriteAsync([new(record.Key, null)], cancellationToken);
    }

    private sealed record EniState(NodeLink Link, EniRecord Record);
}
