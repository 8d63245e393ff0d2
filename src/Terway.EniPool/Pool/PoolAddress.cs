using System.Net;

namespace Terway.EniPool.Pool;

/// <summary>An address of an ENI. Guarded by the pool's lock.</summary>
internal sealed class PoolAddress(IPAddress ip, int family, bool primary)
{
    public IPAddress Ip { get; } = ip;

    /// <summary>Index of its family.</summary>
    public int Family { get; } = family;

    /// <summary>The ENI's own address, which cannot be taken from it.</summary>
    public bool Primary { get; } = primary;

    public AddressState State { get; set; } = AddressState.Idle;

    /// <summary>When a pod gave it back, on the pool's clock; null when no pod had it.</summary>
    public TimeSpan? ReleasedAt { get; set; }

    /// <summary>A pod holds it although the cloud does not list it: it is dropped when the pod goes.</summary>
    public bool Missing { get; set; }
}
