using Terway.EniPool.Operations;
using Terway.EniPool.Pool;

namespace Terway.EniPool.Scaling;

/// <summary>Operations that one decision asks for. Collected under the pool's lock, started outside of it.</summary>
internal sealed class WorkList(PoolContext context, CancellationToken stopping)
{
    private readonly List<Func<Task>> _work = [];

    public CancellationToken Stopping => stopping;

    public void Add(Func<Task> operation) => _work.Add(operation);

    /// <summary>An operation on an ENI: no other begins before it has ended.</summary>
    public void Occupy(PoolEni eni, Func<CancellationToken, Task> operation)
    {
        eni.Busy = true;
        eni.Version++;
        _work.Add(async () =>
        {
            try
            {
                await operation(stopping);
            }
            finally
            {
                lock (context.Pool.Gate)
                {
                    eni.Busy = false;
                    eni.PendingSlots = 0;
                    eni.Version++;
                }
            }
        });
    }

    public void StartAll(OperationSet operations)
    {
        foreach (var operation in _work)
        {
            operations.Start(operation);
        }
    }
}
