namespace Terway.Plugins.DataPathV2.Services;

/// <summary>Gives ranges of slots, sizes being powers of two, and joins free neighbours again (a buddy allocator). One caller at a time.</summary>
internal sealed class RangeAllocator
{
    private const int Orders = 32;

    // The lowest free range first, so that the same history gives the same layout.
    private readonly SortedSet<uint>[] _free = [.. Enumerable.Range(0, Orders).Select(static _ => new SortedSet<uint>())];
    private readonly uint _size;

    /// <param name="size">How many slots there are, a power of two or not.</param>
    public RangeAllocator(uint size)
    {
        _size = size;
        var at = 0u;
        for (var order = Orders - 1; order >= 0; order--)
        {
            if ((size & (1u << order)) == 0) continue;
            _free[order].Add(at);
            at += 1u << order;
        }
    }

    /// <summary>Slots that are given away.</summary>
    public uint Used { get; private set; }

    /// <summary>False when there is no such range free.</summary>
    public bool TryTake(int order, out BackendRange range)
    {
        for (var from = order; from < Orders; from++)
        {
            if (_free[from].Count == 0) continue;
            var at = _free[from].Min;
            _free[from].Remove(at);
            for (var half = from - 1; half >= order; half--) _free[half].Add(at + (1u << half));
            range = new BackendRange(at, order);
            Used += range.Size;
            return true;
        }

        range = default;
        return false;
    }

    /// <summary>Takes a certain range. False when it is none, or part of it is given away already.</summary>
    public bool TryTake(BackendRange range)
    {
        if (range.Order is < 0 or >= Orders || (range.Base & (range.Size - 1)) != 0 || range.Base >= _size || range.Size > _size - range.Base) return false;
        for (var order = range.Order; order < Orders; order++)
        {
            var at = range.Base & ~((1u << order) - 1);
            if (!_free[order].Remove(at)) continue;
            for (var half = order - 1; half >= range.Order; half--)
            {
                var bit = 1u << half;
                var ours = range.Base & ~(bit - 1);
                _free[half].Add(ours ^ bit);
            }

            Used += range.Size;
            return true;
        }

        return false;
    }

    public void Return(BackendRange range)
    {
        Used -= range.Size;
        var (at, order) = (range.Base, range.Order);
        while (order < Orders - 1 && _free[order].Remove(at ^ (1u << order)))
        {
            at &= ~(1u << order);
            order++;
        }

        _free[order].Add(at);
    }
}
