using Terway.Linux.Bpf;
using Terway.Plugins.DataPathV2.Abi;
using Terway.Plugins.DataPathV2.Pins;

namespace Terway.Plugins.DataPathV2.Datapath;

/// <summary>
/// Empties the slots of who sends on which link (dp_senders*) once a minute: the programs fill them again with the next packet, from the pods' entries. What a
/// slot says is true as long as its link lives, but for one thing: a pod that is handed over may get its limit kept another way, and has to be seen by its entry then.
/// </summary>
internal sealed class KnownSenders : IAsyncDisposable
{
    private static readonly TimeSpan s_period = TimeSpan.FromMinutes(1);
    private static readonly uint[] s_slots = [.. Enumerable.Range(0, DpLimits.Senders).Select(static i => (uint)i)];

    private readonly PinnedMaps _maps;
    private readonly PeriodicTimer _timer;
    private readonly Task _loop;

    /// <param name="host">Its clock.</param>
    /// <param name="maps">They stay open until this is disposed.</param>
    public KnownSenders(IPluginHost host, PinnedMaps maps)
    {
        _maps = maps;
        _timer = new PeriodicTimer(s_period, host.Time);
        _loop = FollowAsync();
    }

    /// <summary>Empties them now. Thread-safe, also against the programs.</summary>
    /// <exception cref="Linux.LinuxException">The kernel refused.</exception>
    public static void Forget(PinnedMaps maps)
    {
        maps[DatapathPins.Senders4].UpdateBatch<uint, Sender4>(s_slots, new Sender4[s_slots.Length]);
        var map = maps[DatapathPins.Senders6];
        var nobody = new byte[map.UserValueSize];
        foreach (var slot in s_slots) map.Update(BitConverter.GetBytes(slot), nobody);
    }

    public async ValueTask DisposeAsync()
    {
        _timer.Dispose();
        await _loop;
    }

    private async Task FollowAsync()
    {
        while (await _timer.WaitForNextTickAsync())
        {
            try
            {
                Forget(_maps);
            }
            catch (BpfException)
            {
                // For want of memory; the next one comes.
            }
        }
    }
}
