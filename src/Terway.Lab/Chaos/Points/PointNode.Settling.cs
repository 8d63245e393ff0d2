using Grpc.Core;
using Terway.Lab.Cloud;
using Terway.Lab.Cluster;

namespace Terway.Lab.Chaos.Points;

/// <content>When a node is at rest: nothing is under way that a step set off.</content>
internal sealed partial class PointNode
{
    /// <summary>
    /// Waits until the pool has nothing left to do: whatever a step set off is done, and no other step's remains will be done in its place. ENIs and
    /// addresses that go are no longer in the pool but still in the cloud.
    /// </summary>
    public async Task WaitSettledAsync(int idle, CancellationToken ct)
    {
        // The last steps of an operation come after what the cloud and the pool show: settled is who takes no step any more.
        const int quietTicks = 4;
        await (await AfterBootAsync(ct)).WaitAsync(ct);
        var (quiet, length) = (0, -1L);
        while (quiet < quietTicks)
        {
            var now = LogLength();
            quiet = await IsAtRestAsync(idle, ct) && now == length ? quiet + 1 : 0;
            length = now;
            await Task.Delay(s_pause, ct);
        }
    }

    /// <summary>What was not at rest when it was last looked.</summary>
    public string Unrest { get; private set; } = "";

    private async Task<bool> IsAtRestAsync(int idle, CancellationToken ct)
    {
        try
        {
            var status = await NodeAgent.StatusAsync(Node.Paths.Run, ct);
            EniSnapshot[] ours = [.. _lab.Cloud.Region.Enis.Where(e => e.Type != EniType.Primary && (e.InstanceId == Node.InstanceId || e.Tags.ContainsValue(Node.InstanceId)))];
            var (v4, v6) = (ours.Sum(static e => e.PrivateIps.Length), ours.Sum(static e => e.Ipv6Addresses.Length));
            Unrest = $"{status.Detaching} detaching; pools {string.Join(", ", status.Pools.Select(static p => $"{p.Provider} {p.InUse}+{p.Idle} idle+{p.CoolingDown} cooling down"))}; "
                + $"{_pods.Count} pods; {v4} and {v6} addresses of {string.Join(", ", ours.Select(static e => $"{e.Id} {e.Status}"))}";
            var expected = _pods.Count + Math.Max(idle, Unreturnable(ours));
            return status.Pools.Count > 0 && status.Detaching == 0 && status.Pools.All(p => p.InUse == _pods.Count && p.CoolingDown == 0 && p.InUse + p.Idle == expected)
                && v4 == expected && v6 == (Dual ? expected : 0);
        }
        catch (RpcException e)
        {
            // It ended just now.
            Unrest = e.Message;
            return false;
        }
    }

    // An ENI's primary address goes only with its ENI, which stays while another of its addresses is a pod's.
    private int Unreturnable(IReadOnlyList<EniSnapshot> enis)
    {
        var held = _pods.Values.SelectMany(static p => p.Addresses).ToHashSet();
        return enis.Count(e => !held.Contains(e.PrimaryIp) && e.PrivateIps.Any(held.Contains));
    }
}
