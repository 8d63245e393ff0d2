namespace Terway.AlibabaCloud.Metadata;

/// <summary>What an instance is and where; none of it changes while it runs, but the type after a resize.</summary>
/// <param name="InstanceId">e.g. <c>i-bp1...</c>.</param>
/// <param name="InstanceType">e.g. <c>ecs.g7.4xlarge</c>.</param>
/// <param name="RegionId">e.g. <c>cn-hangzhou</c>.</param>
/// <param name="ZoneId">e.g. <c>cn-hangzhou-i</c>.</param>
/// <param name="VpcId">VPC of the primary ENI.</param>
/// <param name="VSwitchId">vSwitch of the primary ENI.</param>
/// <param name="PrimaryMac">MAC of the primary ENI, lower case with colons.</param>
public sealed record InstanceIdentity(
    string InstanceId, string InstanceType, string RegionId, string ZoneId, string VpcId, string VSwitchId, string PrimaryMac);
