namespace Terway.AlibabaCloud.Network;

/// <summary>What an ENI is attached to.</summary>
/// <param name="InstanceId">Instance; empty when none.</param>
/// <param name="TrunkNetworkInterfaceId">Trunk ENI of a member ENI; else empty.</param>
/// <param name="DeviceIndex">VLAN id of a member ENI; null where the answer has none. Zero is a value.</param>
/// <param name="NetworkCardIndex">Network card of the instance; null where the answer has none.</param>
/// <param name="MemberNetworkInterfaceIds">Member ENIs of a trunk ENI.</param>
public sealed record EniAttachment(
    string InstanceId, string TrunkNetworkInterfaceId, int? DeviceIndex, int? NetworkCardIndex, IReadOnlyList<string> MemberNetworkInterfaceIds);
