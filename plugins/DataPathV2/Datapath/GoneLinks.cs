using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Terway.Linux;
using Terway.Linux.Bpf;
using Terway.Linux.Netlink;
using Terway.Plugins.DataPathV2.Abi;
using Terway.Plugins.DataPathV2.Pins;

namespace Terway.Plugins.DataPathV2.Datapath;

/// <summary>
/// Takes the entries of a pod's addresses, and of the state of its limits, away as soon as its link is gone, whoever removed it. The journal does that on DEL; but a pod may die with its
/// namespace, or outlive the journal, and its address may by then be another node's: packets for it must not end at a link that is not there.
/// </summary>
internal sealed class GoneLinks(PinnedMaps maps, ILogger log) : IAsyncDisposable
{
    // As many as links may go while one walk lasts; a walk over all of them stands in for those that do not fit.
    private readonly Channel<int> _gone = Channel.CreateBounded<int>(1024);
    private readonly CancellationTokenSource _stopping = new();
    private RtnlMonitor? _monitor;
    private Task _loop = Task.CompletedTask;
    private int _overflow;
    private int _disposed;

    /// <summary>Call from the node's namespace. What is gone already is taken away when it returns.</summary>
    public void Start()
    {
        // The monitor first: what goes during the comparison is told afterwards.
        _monitor = RtnlMonitor.StartForRemovals(RtnlGroups.Links, Handle, e => Log.LinksNotWatched(log, e));
        RemoveAllGone();
        _loop = Task.Run(FollowAsync);
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _monitor?.Dispose();
        await _stopping.CancelAsync();
        await _loop;
        _stopping.Dispose();
    }

    private void Handle(RtnlEvent e)
    {
        var index = e is RtnlEvent.LinkChanged { Removed: true } change ? change.Link.Index : 0;
        if (index == 0 && e is not RtnlEvent.Resync) return;
        if (index == 0) Volatile.Write(ref _overflow, 1);
        if (!_gone.Writer.TryWrite(index)) Volatile.Write(ref _overflow, 1);
    }

    private async Task FollowAsync()
    {
        try
        {
            while (await _gone.Reader.WaitToReadAsync(_stopping.Token))
            {
                var indexes = new HashSet<uint>();
                while (_gone.Reader.TryRead(out var index)) indexes.Add((uint)index);
                try
                {
                    if (Interlocked.Exchange(ref _overflow, 0) != 0) RemoveAllGone();
                    else Remove(indexes.Contains);
                }
                catch (LinuxException e)
                {
                    Log.EntriesStay(log, e.Message);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The plugin stops.
        }
    }

    private void RemoveAllGone()
    {
        using var socket = RtnlSocket.Open();
        var there = socket.DumpLinks().Select(static l => (uint)l.Index).ToHashSet();
        Remove(index => !there.Contains(index));
    }

    private void Remove(Func<uint, bool> isGone)
    {
        Remove<uint>(maps[DatapathPins.Pods4], isGone);
        Remove<Address16>(maps[DatapathPins.Pods6], isGone);
        // The programs make them, of a limited pod's link; nobody else takes them away.
        foreach (var link in maps[DatapathPins.Paces].Keys<uint>().Where(isGone)) maps[DatapathPins.Paces].Delete(in link);
    }

    private static void Remove<TKey>(BpfMap map, Func<uint, bool> isGone)
        where TKey : unmanaged
    {
        foreach (var (key, pod) in map.Entries<TKey, Pod>())
        {
            // An index is not used twice, and an entry is written only with the index of a link that is there.
            if (isGone(pod.IfIndex)) map.Delete(in key);
        }
    }
}
