namespace Terway.EniPool.Pool;

/// <summary>A pod that waits for an address. Guarded by the pool's lock, but for its task.</summary>
internal sealed class Waiter(PodInterface pod, TimeSpan since, TimeSpan deadline)
{
    private readonly TaskCompletionSource<Allocation> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public PodInterface Pod { get; } = pod;

    public TimeSpan Since { get; } = since;

    public TimeSpan Deadline { get; } = deadline;

    /// <summary>The first thing that went wrong while it waited: later failures are often only its consequence.</summary>
    public PoolFailure? FirstFailure { get; set; }

    public Task<Allocation> Task => _source.Task;

    public void Serve(Allocation allocation) => _source.SetResult(allocation);

    public void Fail(Exception exception) => _source.SetException(exception);

    public void Cancel(CancellationToken cancellationToken) => _source.SetCanceled(cancellationToken);
}
