namespace Terway.Plugins.SharedEni.Tests;

/// <summary>The clock as the transport has it: counts the pauses it makes, as told from the time limits that it sets.</summary>
internal sealed class CallTime(ManualTime time) : TimeProvider
{
    private int _pauses;

    /// <summary>Pauses that only the clock ends.</summary>
    public int Pauses => Volatile.Read(ref _pauses);

    public override long TimestampFrequency => time.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => time.GetUtcNow();

    public override long GetTimestamp() => time.GetTimestamp();

    // A delay is a task that its timer ends; a time limit ends something else.
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        state is Task && dueTime != Timeout.InfiniteTimeSpan ? new Pause(this, callback, state, dueTime, period) : time.CreateTimer(callback, state, dueTime, period);

    private sealed class Pause : ITimer
    {
        private readonly CallTime _owner;
        private readonly ITimer _timer;
        private int _over;

        public Pause(CallTime owner, TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _owner = owner;
            Interlocked.Increment(ref owner._pauses);
            _timer = owner.Time.CreateTimer(
                s =>
                {
                    End();
                    callback(s);
                },
                state, dueTime, period);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) => _timer.Change(dueTime, period);

        public void Dispose()
        {
            End();
            _timer.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void End()
        {
            if (Interlocked.Exchange(ref _over, 1) == 0)
            {
                Interlocked.Decrement(ref _owner._pauses);
            }
        }
    }

    private ManualTime Time => time;
}
