using System.Threading.Channels;

namespace Terway.EniPool.Scaling;

/// <summary>Wakes the worker: any number of calls before it looks are one. Thread-safe.</summary>
internal sealed class WakeSignal
{
    private readonly Channel<bool> _channel =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private long _raised;

    /// <summary>How often it was raised.</summary>
    public long Raised => Interlocked.Read(ref _raised);

    public void Raise()
    {
        Interlocked.Increment(ref _raised);
        _channel.Writer.TryWrite(true);
    }

    /// <summary>Ends when it was raised since the last time.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken) => await _channel.Reader.ReadAsync(cancellationToken);
}
