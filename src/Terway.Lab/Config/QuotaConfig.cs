namespace Terway.Lab.Config;

/// <summary>Limits of the account and of resources; limits of an instance come from its type.</summary>
public sealed record QuotaConfig
{
    /// <summary>Secondary, trunk and member ENIs of the account in the region.</summary>
    public int Enis { get; init; } = 5000;

    /// <summary>Private IPv4 addresses in the VPC, a prefix counts as 16.</summary>
    public int PrivateIpsPerVpc { get; init; } = 60_000;

    /// <summary>Private IPv4 addresses in a basic security group.</summary>
    public int PrivateIpsPerBasicGroup { get; init; } = 6000;

    /// <summary>Private IPv4 addresses in an enterprise security group.</summary>
    public int PrivateIpsPerEnterpriseGroup { get; init; } = 65_536;

    public int SecurityGroupsPerEni { get; init; } = 5;

    /// <summary>IPv4 addresses of an ENI that is not attached.</summary>
    public int PrivateIpsPerDetachedEni { get; init; } = 50;

    /// <summary>IPv6 addresses of an ENI that is not attached (ECS API, AssignIpv6Addresses).</summary>
    public int Ipv6PerDetachedEni { get; init; } = 10;
}
