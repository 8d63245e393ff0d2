namespace Terway.Lab.Chaos;

/// <summary>Time by pods begun: moments that do not depend on the machine's speed. Thread safe.</summary>
internal sealed class PodClock
{
    private readonly Lock _lock = new();
    private readonly PriorityQueue<TaskCompletionSource, int> _waiting = new();
    private int _now;

    /// <returns>The number of the pod that begins, from 1.</returns>
    public int Begin()
    {
        lock (_lock)
        {
            _now++;
            while (_waiting.TryPeek(out var first, out var moment) && moment <= _now)
            {
                _waiting.Dequeue();
                first.SetResult();
            }

            return _now;
        }
    }

    /// <summary>Completes when that pod begins, or has begun.</summary>
    public Task ReachAsync(int moment, CancellationToken ct)
    {
        lock (_lock)
        {
            if (moment <= _now)
                return Task.CompletedTask;
            // Whoever waits goes on elsewhere: the one who begins a pod has that to do.
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue(reached, moment);
            return reached.Task.WaitAsync(ct);
        }
    }
}
