using Terway.AlibabaCloud.Network;
using Terway.EniPool.Configuration;
using Terway.EniPool.Pool;
using Terway.EniPool.Scaling;

namespace Terway.EniPool.Cloud;

/// <summary>What is known about vSwitches, and which one the next ENI goes to.</summary>
internal sealed class VSwitchCatalog(
    EniCloud cloud,
    IReadOnlyList<IAddressFamily> families,
    NodeFacts node,
    PoolSettings settings,
    AddressPool pool,
    Backoffs backoffs,
    FindingBoard findings,
    PoolClock clock) : IDisposable
{
    private static readonly TimeSpan s_blocked = TimeSpan.FromMinutes(10);

    // For "most": other nodes take addresses as well. Picks of one burst share an answer, less what each of them takes.
    private static readonly TimeSpan s_fresh = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _one = new(1);
    private readonly Dictionary<string, VSwitchInfo> _known = [];

    public void Dispose() => _one.Dispose();

    /// <summary>The vSwitch; subnets never change, so that the answer may be of any age.</summary>
    /// <exception cref="CloudException">The cloud refused or could not be reached.</exception>
    public async Task<VSwitchInfo?> GetAsync(string id, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            return _known.GetValueOrDefault(id) ?? await AskAsync(id, cancellationToken);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Asks how many addresses are left.</summary>
    public async Task<long> AskAvailableAsync(string id, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            return (await AskAsync(id, cancellationToken))?.Available ?? 0;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Picks the vSwitch for a new ENI and counts its addresses as taken.</summary>
    /// <exception cref="CloudException">The cloud refused or could not be reached.</exception>
    /// <exception cref="PodNetworkException">None can be used.</exception>
    public async Task<VSwitchInfo> PickAsync(int count, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            foreach (var id in await OrderAsync(cancellationToken))
            {
                if (_known.GetValueOrDefault(id) is not { } info || (info.Available < count && info.AskedAt != clock.Now))
                {
                    info = await AskAsync(id, cancellationToken);
                }

                if (Refusal(id, info) is { } refusal)
                {
                    Block(id, refusal);
                    continue;
                }

                _known[id] = info! with { Available = Math.Max(0, info.Available - count) };
                return info;
            }
        }
        finally
        {
            _one.Release();
        }

        throw new PodNetworkException(
            "pool", $"none of the vSwitches {string.Join(", ", settings.VSwitches)} in zone {node.ZoneId} can be used now",
            "they are tried again every 10 min; add a vSwitch of this zone to vswitches", canRetry: true);
    }

    private async Task<IReadOnlyList<string>> OrderAsync(CancellationToken cancellationToken)
    {
        string[] open;
        lock (pool.Gate)
        {
            open = [.. settings.VSwitches.Where(id => !backoffs.IsBlocked(Backoffs.VSwitch(id)))];
        }

        switch (settings.VSwitchPolicy)
        {
            case VSwitchPolicy.Random:
                Random.Shared.Shuffle(open);
                return open;
            case VSwitchPolicy.Most when open.Length > 1:
                foreach (var id in open)
                {
                    if (_known.GetValueOrDefault(id) is not { } info || clock.Now - info.AskedAt > s_fresh)
                    {
                        await AskAsync(id, cancellationToken);
                    }
                }

                return [.. open.OrderByDescending(id => _known.GetValueOrDefault(id)?.Available ?? -1)];
            default:
                return open;
        }
    }

    private string? Refusal(string id, VSwitchInfo? info)
    {
        if (info is null)
        {
            return $"vSwitch {id} does not exist";
        }

        if (info.ZoneId != node.ZoneId)
        {
            return $"vSwitch {id} is in zone {info.ZoneId}, the node in {node.ZoneId}";
        }

        for (var f = 0; f < families.Count; f++)
        {
            if (info.Subnets[f] is null)
            {
                return $"vSwitch {id} has no {families[f].Family} subnet";
            }
        }

        return null;
    }

    private void Block(string id, string refusal)
    {
        lock (pool.Gate)
        {
            backoffs.Block(Backoffs.VSwitch(id), s_blocked, new InvalidOperationException(refusal));
        }

        _known.Remove(id);
        findings.Set(Backoffs.VSwitch(id), new(FindingSeverity.Warning, refusal, "remove it from vswitches or give one of the node's zone and families"));
    }

    private async Task<VSwitchInfo?> AskAsync(string id, CancellationToken cancellationToken)
    {
        if (await cloud.DescribeVSwitchAsync(id, cancellationToken) is not { } vSwitch)
        {
            return null;
        }

        var info = new VSwitchInfo(id, vSwitch.ZoneId, [.. families.Select(f => Subnet(f, vSwitch))], vSwitch.AvailableIpAddressCount, clock.Now);
        return _known[id] = info;
    }

    private static EniSubnet? Subnet(IAddressFamily family, VSwitch vSwitch) =>
        family.ReadSubnet(vSwitch.Raw) is { } subnet ? new(subnet, SubnetGateway.Of(subnet)) : null;
}
