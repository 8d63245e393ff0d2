namespace Terway.Plugin;

/// <summary>
/// The Services of the cluster with their endpoints, wherever the host has them from. The host watches for them from the first
/// <see cref="WatchAsync"/> on, and not at all when no plugin asks. Thread-safe.
/// </summary>
public interface IServiceSource
{
    /// <summary>
    /// What is known now, then what changes. What changes while the reader works on an element is in the next one, each Service once in its latest form:
    /// a slow reader skips states and never lags behind a queue. Elements are immutable and come in the reader's own flow of control.
    /// </summary>
    /// <param name="cancellationToken">Ends the watch with an <see cref="OperationCanceledException"/>; nothing else does.</param>
    IAsyncEnumerable<ServiceChanges> WatchAsync(CancellationToken cancellationToken);
}
