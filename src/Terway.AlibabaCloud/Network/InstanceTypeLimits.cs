using System.Text.Json;

namespace Terway.AlibabaCloud.Network;

/// <summary>
/// What an instance type can carry: the API's figures, and the capacities that follow. A node joins a shared pool only
/// with more than 11 pods and an exclusive one only with more than 6; enforcing that is the pool's business.
/// </summary>
public sealed record InstanceTypeLimits
{
    private const int AddressesPerPrefix = 16;

    /// <summary>Type, e.g. <c>ecs.g7.4xlarge</c>.</summary>
    public required string InstanceTypeId { get; init; }

    /// <summary>ENIs, the primary one included.</summary>
    public int EniQuantity { get; init; }

    /// <summary>ENIs and member ENIs, the primary one included.</summary>
    public int EniTotalQuantity { get; init; }

    /// <summary>IPv4 addresses per ENI.</summary>
    public int EniPrivateIpAddressQuantity { get; init; }

    /// <summary>IPv6 addresses per ENI.</summary>
    public int EniIpv6AddressQuantity { get; init; }

    /// <summary>Can carry a trunk ENI.</summary>
    public bool EniTrunkSupported { get; init; }

    /// <summary>ENIs that can be eRDMA interfaces.</summary>
    public int EriQuantity { get; init; }

    /// <summary>Bandwidth in, kbit/s; 0 when unknown.</summary>
    public long InstanceBandwidthRx { get; init; }

    /// <summary>Bandwidth out, kbit/s; 0 when unknown.</summary>
    public long InstanceBandwidthTx { get; init; }

    /// <summary>Indexes of the network cards; empty where the type has no choice.</summary>
    public IReadOnlyList<int> NetworkCards { get; init; } = [];

    /// <summary>The API's own JSON.</summary>
    public JsonElement Raw { get; init; }

    /// <summary>ENIs beside the primary one, which is never ours.</summary>
    public int SecondaryEnis => Math.Max(EniQuantity - 1, 0);

    /// <summary>Pods when they share ENIs.</summary>
    public int SharedPods => SecondaryEnis * Math.Max(EniPrivateIpAddressQuantity, 0);

    /// <summary>Pods when each has an ENI.</summary>
    public int ExclusivePods => SecondaryEnis;

    /// <summary>Pods with a member ENI. Some types have the quota but cannot carry a trunk.</summary>
    public int MemberPods => EniTrunkSupported ? Math.Max(EniTotalQuantity - EniQuantity, 0) : 0;

    /// <summary>Member ENIs when the trunk is the only ordinary ENI beside the primary one.</summary>
    public int MaxMemberPods => EniTrunkSupported ? Math.Max(EniTotalQuantity - 2, 0) : 0;

    /// <summary>Prefixes per ENI: the primary address takes one of its places.</summary>
    public int PrefixesPerEni => Math.Max(EniPrivateIpAddressQuantity - 1, 0);

    /// <summary>Pods when ENIs hold IPv4 prefixes of 16 addresses.</summary>
    public int PrefixModePods => PrefixesPerEni * AddressesPerPrefix * Math.Max(EniTotalQuantity - 1, 0);

    /// <summary>ENIs that are used as eRDMA interfaces, so that enough ordinary ones remain.</summary>
    public int ErdmaEnis => EriQuantity <= 0 || EniQuantity <= 2 ? 0 : Math.Min(EniQuantity >= 8 ? 2 : 1, EriQuantity);

    /// <summary>Shared ENIs can be dual stack: as many IPv6 as IPv4 addresses.</summary>
    public bool SupportsSharedDualStack => EniIpv6AddressQuantity > 0 && EniIpv6AddressQuantity == EniPrivateIpAddressQuantity;

    /// <summary>Exclusive ENIs can be dual stack.</summary>
    public bool SupportsExclusiveDualStack => EniIpv6AddressQuantity > 0;
}
