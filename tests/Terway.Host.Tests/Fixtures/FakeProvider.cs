using System.Net;
using Terway.Plugin;

namespace Terway.Host.Tests.Fixtures;

/// <summary>A few addresses of one ENI. Strict: an address comes back only from the one that has it, and only after the kernel let go of it.</summary>
internal sealed class FakeProvider(World world, Steps steps, int addresses) : IAddressProvider
{
    private static int s_serial;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _held = [];

    /// <summary>Addresses held now.</summary>
    public IReadOnlyList<string> Held
    {
        get
        {
            lock (_lock) return [.. _held.Keys.Order(StringComparer.Ordinal)];
        }
    }

    /// <summary>Called when an address comes back.</summary>
    public Action<Allocation>? Released { get; set; }

    public ClaimStrength Claims(PodInterface pod) => ClaimStrength.Default;

    public Task RestoreAsync(
        IReadOnlyList<Allocation> live, IReadOnlyDictionary<IPAddress, DateTimeOffset> released, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            foreach (var allocation in live)
            {
                if (!_held.TryAdd(AddressOf(allocation), allocation.Vlan!.Value)) world.Violate($"the journal has {AddressOf(allocation)} twice");
            }
        }

        return Task.CompletedTask;
    }

    public async ValueTask<Allocation> AllocateAsync(PodInterface pod, CancellationToken cancellationToken)
    {
        await steps.PassAsync("allocate", cancellationToken);
        Allocation given;
        lock (_lock)
        {
            var free = Enumerable.Range(1, addresses).Select(static i => $"10.0.0.{i}").FirstOrDefault(a => !_held.ContainsKey(a))
                ?? throw new PodNetworkException("pool", "no address is free", "it comes by itself", canRetry: true);
            if (world.Carries(IPAddress.Parse(free))) world.Violate($"{free} is given away while the kernel still carries it");
            given = Samples.Allocation(free, Interlocked.Increment(ref s_serial));
            _held.Add(free, given.Vlan!.Value);
        }

        await PassHoldingAsync(given, cancellationToken);
        return given;
    }

    public void Release(Allocation allocation, bool used)
    {
        if (steps.Dead) return;
        var address = AddressOf(allocation);
        lock (_lock)
        {
            if (!_held.TryGetValue(address, out var serial)) world.Violate($"{address} is released twice");
            else if (serial != allocation.Vlan) world.Violate($"{address} is released by one that does not have it");
            else _held.Remove(address);
        }

        if (world.Carries(allocation.Addresses[0].Address)) world.Violate($"{address} is released while the kernel still carries it");
        Released?.Invoke(allocation);
    }

    public Capacity GetCapacity()
    {
        lock (_lock) return new Capacity(addresses, _held.Count, addresses - _held.Count, 0);
    }

    // The contract: nothing is held after a failure.
    private async Task PassHoldingAsync(Allocation given, CancellationToken cancellationToken)
    {
        try
        {
            await steps.PassAsync("allocated", cancellationToken);
        }
        catch
        {
            lock (_lock) _held.Remove(AddressOf(given));
            throw;
        }
    }

    private static string AddressOf(Allocation allocation) => allocation.Addresses[0].Address.ToString();
}
