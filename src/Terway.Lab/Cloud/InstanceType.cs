namespace Terway.Lab.Cloud;

/// <summary>Network limits of an ECS instance type, with the property names of DescribeInstanceTypes.</summary>
/// <param name="Id">For example <c>ecs.g7.4xlarge</c>.</param>
/// <param name="EniQuantity">ENIs, the primary one included.</param>
/// <param name="EniTotalQuantity">ENIs with member ENIs on the trunk.</param>
/// <param name="EniPrivateIpAddressQuantity">IPv4 addresses of one ENI.</param>
/// <param name="EniIpv6AddressQuantity">IPv6 addresses of one ENI.</param>
/// <param name="EriQuantity">ENIs that may carry eRDMA.</param>
public sealed record InstanceType(
    string Id,
    int CpuCoreCount,
    double MemorySize,
    int EniQuantity,
    int EniTotalQuantity,
    int EniPrivateIpAddressQuantity,
    int EniIpv6AddressQuantity,
    bool EniTrunkSupported,
    int EriQuantity = 0,
    int BandwidthKbps = 10_000_000)
{
    /// <summary><c>ecs.g7</c> of <c>ecs.g7.4xlarge</c>.</summary>
    public string Family => Id[..Id.LastIndexOf('.')];
}
