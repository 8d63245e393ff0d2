using System.Composition;
using System.Net;
using Terway.EniPool;
using Terway.EniPool.Configuration;
using Terway.EniPool.Pool;

namespace Terway.Plugins.ExclusiveEni;

/// <summary>Gives each pod an ENI of its own, and keeps some attached ahead of need.</summary>
[Export(typeof(IAddressProvider))]
[Export(typeof(INodeService))]
[Shared]
public sealed class ExclusiveEniProvider : IAddressProvider, INodeService
{
    private readonly PoolProvider _pool;

    /// <summary>Made by the composition.</summary>
    [ImportingConstructor]
    public ExclusiveEniProvider(IPluginHost host)
    {
        ArgumentNullException.ThrowIfNull(host);
        _pool = new PoolProvider(host, Kind);
    }

    /// <inheritdoc/>
    public Finding? Health => _pool.Health;

    internal static PoolKind Kind { get; } = new()
    {
        Plugin = "ExclusiveEni",
        Tag = "exclusive",
        Description = "One pod's at a time, on this node; managed by Terway.NET",
        JoinThreshold = 6,
        PodsPerEni = 1,
        LinkGoesToPod = true,
    };

    /// <summary>For tests: nothing happens any more by itself.</summary>
    internal bool IsSettled => _pool.IsSettled;

    internal AddressPool? Pool => _pool.Pool;

    /// <inheritdoc/>
    public ClaimStrength Claims(PodInterface pod) => ClaimStrength.Default;

    /// <inheritdoc/>
    public Task RestoreAsync(
        IReadOnlyList<Allocation> live, IReadOnlyDictionary<IPAddress, DateTimeOffset> released, CancellationToken cancellationToken) =>
        _pool.RestoreAsync(live, released);

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => _pool.StartAsync(cancellationToken);

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => _pool.StopAsync(cancellationToken);

    /// <inheritdoc/>
    public ValueTask<Allocation> AllocateAsync(PodInterface pod, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(pod);
        return _pool.AllocateAsync(pod, cancellationToken);
    }

    /// <inheritdoc/>
    public void Release(Allocation allocation, bool used)
    {
        ArgumentNullException.ThrowIfNull(allocation);
        _pool.Release(allocation, used);
    }

    /// <inheritdoc/>
    public Capacity GetCapacity() => _pool.GetCapacity();
}
