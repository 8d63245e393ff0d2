using System.Net;
using System.Net.Sockets;
using Terway.EniPool.Configuration;

namespace Terway.EniPool.Pool;

/// <summary>
/// The node's addresses: who holds which, which are free, which cool down, who waits. Everything is guarded by <see cref="Gate"/>, which is never
/// held across anything that blocks. Growing and shrinking is decided elsewhere, from what is kept here.
/// </summary>
internal sealed partial class AddressPool
{
    private readonly PoolClock _clock;
    private readonly PoolSettings _settings;
    private readonly IReadOnlyList<AddressFamily> _families;
    private readonly Action _wake;
    private readonly List<PoolEni> _enis = [];
    private readonly LinkedList<Waiter> _waiters = [];
    private readonly HeldAllocations _held = new();

    // Cool-down of addresses that are on no known ENI (yet).
    private readonly Dictionary<IPAddress, TimeSpan> _history = [];
    private string? _closed;

    public AddressPool(PoolClock clock, PoolSettings settings, NodeCapacity capacity, IReadOnlyList<AddressFamily> families, Action wake)
    {
        _clock = clock;
        _settings = settings;
        _families = families;
        _wake = wake;
        Capacity = capacity;
        if (capacity.Fixed is null)
        {
            MinIdle = Math.Min(Math.Max(settings.MinPool, settings.MinEni * capacity.PerEni), capacity.Total);
            MaxIdle = Math.Max(settings.MaxPool, MinIdle);
        }

        WarmUp = new WarmUp(capacity.Fixed is null ? Math.Min(settings.WarmUp, capacity.Total) : 0);
        LastAllocation = clock.Now;
        PoolMetrics.Show();
    }

    public Lock Gate { get; } = new();

    public NodeCapacity Capacity { get; }

    public TimeSpan Cooldown => _settings.Cooldown;

    public WarmUp WarmUp { get; }

    /// <summary>When a pod got an address last, or the pool was made.</summary>
    public TimeSpan LastAllocation { get; set; }

    /// <summary>Idle addresses to keep.</summary>
    public int MinIdle { get; }

    /// <summary>Idle addresses to keep at most.</summary>
    public int MaxIdle { get; }

    public IReadOnlyList<PoolEni> Enis => _enis;

    public LinkedList<Waiter> Waiters => _waiters;

    /// <summary>Attached ENIs, beside the primary one, that are not the pool's: they use up the instance's quota.</summary>
    public int ForeignEnis { get; set; }

    /// <summary>The cloud was asked at least once what is attached.</summary>
    public bool Inventoried { get; set; }

    /// <summary>ENIs being created that have no id yet.</summary>
    public int CreatingEnis { get; set; }

    /// <summary>Pods they will serve.</summary>
    public int CreatingSlots { get; set; }

    /// <summary>Tokens of ENIs that may have been created: neither found nor ruled out yet.</summary>
    public Dictionary<string, DateTimeOffset> UnresolvedCreates { get; } = [];

    /// <summary>Pods that came to wait, ever.</summary>
    public int Arrivals { get; private set; }

    /// <summary>Secondary ENIs that may be the pool's, beside those that others have.</summary>
    public int EniQuota => Math.Max(0, Math.Min(Capacity.MaxEnis, AttachableEnis - ForeignEnis - _enis.Count(e => e.Hold == EniHold.Excluded)));

    /// <summary>Pod addresses of the ENIs that give them to pods, or will. Caller holds the lock.</summary>
    public int Assigned => _enis.Where(e => e.State is EniState.Starting or EniState.Attaching or EniState.Ready && e.Hold == EniHold.None).Sum(e => e.Slots);

    /// <summary>Pod addresses asked for that have not come. Caller holds the lock.</summary>
    public int Pending => CreatingSlots + _enis.Sum(e => e.PendingSlots);

    /// <summary>EniQuantity without the primary one.</summary>
    public required int AttachableEnis { get; init; }

    public void Restore(IReadOnlyList<Allocation> live, IReadOnlyDictionary<IPAddress, DateTimeOffset> released)
    {
        lock (Gate)
        {
            foreach (var allocation in live)
            {
                _held.Add(allocation);
            }

            foreach (var (ip, at) in released)
            {
                // A wall clock that was set back must not make an address cool for longer than the whole period.
                var age = _clock.UtcNow - at;
                _history[ip] = _clock.Now - (age < TimeSpan.Zero ? TimeSpan.Zero : age);
            }
        }
    }

    /// <summary>Has the worker look again.</summary>
    public void Wake() => _wake();

    public ValueTask<Allocation> AllocateAsync(PodInterface pod, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<Allocation>(cancellationToken);
        }

        Waiter waiter;
        lock (Gate)
        {
            if (_closed is { } reason)
            {
                return ValueTask.FromException<Allocation>(
                    new PodNetworkException("pool", reason, "the runtime tries again", canRetry: true));
            }

            var now = _clock.Now;
            if (_waiters.Count == 0 && TryTake(now) is { } allocation)
            {
                _wake();
                return ValueTask.FromResult(allocation);
            }

            var limit = Math.Max(256, Capacity.Total);
            if (_waiters.Count >= limit)
            {
                return ValueTask.FromException<Allocation>(new PodNetworkException(
                    "pool", $"{limit} pods wait for an address already", "the runtime tries again", canRetry: true));
            }

            waiter = new Waiter(pod, now, now + _settings.WaitLimit);
            _waiters.AddLast(waiter);
            Arrivals++;
        }

        _wake();
        return new ValueTask<Allocation>(WaitAsync(waiter, cancellationToken));
    }

    public void Release(Allocation allocation, bool used)
    {
        lock (Gate)
        {
            if (!_held.Remove(allocation))
            {
                return;
            }

            var now = _clock.Now;
            foreach (var address in allocation.Addresses)
            {
                ReleaseAddress(address.Address, used, now);
            }

            ServeWaiters(now);
        }

        _wake();
    }

    public Capacity GetCapacity(string? exhausted)
    {
        lock (Gate)
        {
            var now = _clock.Now;
            int idle = 0, cooling = 0;
            foreach (var eni in _enis)
            {
                if (eni.IsOpen)
                {
                    var usable = eni.Usable(now, Cooldown);
                    idle += usable;
                    cooling += eni.Idle - usable;
                }
            }

            return new(Math.Min(EniQuota * Capacity.PerEni, Capacity.Total), _held.Count, idle, cooling, idle > 0 ? null : exhausted);
        }
    }

    /// <summary>Refuses further pods, and those that wait, from now on.</summary>
    public void Close(string reason)
    {
        lock (Gate)
        {
            _closed = reason;
            FailWaiters(_ => true, _ => new PodNetworkException("pool", reason, "the runtime tries again", canRetry: true));
        }
    }

    /// <summary>Gives addresses to those who wait, first come first served. Caller holds the lock.</summary>
    public void ServeWaiters(TimeSpan now)
    {
        while (_waiters.First is { } first && TryTake(now) is { } allocation)
        {
            _waiters.RemoveFirst();
            first.Value.Serve(allocation);
        }
    }

    /// <summary>Serves the first waiter with the address that has cooled the longest. Caller holds the lock.</summary>
    /// <returns>The address and how long it had cooled; null when none is idle.</returns>
    public (Allocation Allocation, TimeSpan Cooled)? YieldCooldown(TimeSpan now)
    {
        PoolEni? best = null;
        TimeSpan oldest = default;
        foreach (var eni in _enis)
        {
            if (eni.IsOpen && eni.OldestRelease() is { } released && (best is null || released < oldest))
            {
                (best, oldest) = (eni, released);
            }
        }

        if (best is null || _waiters.First is not { } first)
        {
            return null;
        }

        var allocation = Take(best, now);
        _waiters.RemoveFirst();
        first.Value.Serve(allocation);
        return (allocation, now - oldest);
    }

    /// <summary>Caller holds the lock.</summary>
    public void FailWaiters(Func<Waiter, bool> which, Func<Waiter, PodNetworkException> why)
    {
        for (var node = _waiters.First; node is not null;)
        {
            var next = node.Next;
            if (which(node.Value))
            {
                _waiters.Remove(node);
                node.Value.Fail(why(node.Value));
            }

            node = next;
        }
    }

    /// <summary>Tells those who wait what went wrong; each keeps the first.</summary>
    public void NoteFailure(PoolFailure failure)
    {
        lock (Gate)
        {
            foreach (var waiter in _waiters)
            {
                waiter.FirstFailure ??= failure;
            }
        }
    }

    /// <summary>Pods that can be served at once. Caller holds the lock.</summary>
    public int Usable(TimeSpan now) => _enis.Where(e => e.IsOpen).Sum(e => e.Usable(now, Cooldown));

    /// <summary>ENIs in the order in which they give and get addresses. Caller holds the lock.</summary>
    public IEnumerable<PoolEni> InPolicyOrder(EniState state)
    {
        var enis = _enis.Where(e => e.State == state && e.Hold == EniHold.None);
        return _settings.EniPolicy == EniPolicy.MostIps ? enis.OrderByDescending(e => e.Slots) : enis.OrderBy(e => e.Slots);
    }

    private async Task<Allocation> WaitAsync(Waiter waiter, CancellationToken cancellationToken)
    {
        await using var registration = cancellationToken.UnsafeRegister(
            static (state, token) =>
            {
                var (pool, waiter) = ((AddressPool, Waiter))state!;
                lock (pool.Gate)
                {
                    if (pool._waiters.Remove(waiter))
                    {
                        waiter.Cancel(token);
                    }
                }
            },
            (this, waiter));
        return await waiter.Task;
    }

    private Allocation? TryTake(TimeSpan now)
    {
        PoolEni? best = null;
        var bestSlots = 0;
        foreach (var eni in _enis)
        {
            if (!eni.IsOpen || !eni.CanServe(now, Cooldown))
            {
                continue;
            }

            var slots = eni.Slots;
            if (best is null || (_settings.EniPolicy == EniPolicy.MostIps ? slots > bestSlots : slots < bestSlots))
            {
                (best, bestSlots) = (eni, slots);
            }
        }

        return best is null ? null : Take(best, now);
    }

    private Allocation Take(PoolEni eni, TimeSpan now)
    {
        LastAllocation = now;
        var taken = eni.Take(now, Cooldown);
        var addresses = new PodAddress[taken.Length];
        for (var f = 0; f < taken.Length; f++)
        {
            addresses[f] = new(taken[f].Ip, eni.Subnets[f].Network, eni.Subnets[f].Gateway);
        }

        var allocation = new Allocation { EniId = eni.Id, EniMac = eni.Mac, Addresses = addresses };
        _held.Add(allocation);
        PoolMetrics.Reused(taken, _clock.Now);
        return allocation;
    }

    private void ReleaseAddress(IPAddress ip, bool used, TimeSpan now)
    {
        var found = false;
        foreach (var eni in _enis)
        {
            if (eni.Find(ip) is not { State: AddressState.InUse } address)
            {
                continue;
            }

            if (used)
            {
                address.ReleasedAt = now;
                eni.ReleasedAt = now;
            }

            if (address.Missing)
            {
                eni.Remove(address);
            }
            else
            {
                found = true;
                eni.MakeIdle(address);
            }
        }

        if (found)
        {
            _history.Remove(ip);
        }
        else if (used)
        {
            _history[ip] = now;
        }

        if (_history.Count > 1024)
        {
            foreach (var old in _history.Where(h => now - h.Value > Cooldown).Select(h => h.Key).ToArray())
            {
                _history.Remove(old);
            }
        }
    }
}
