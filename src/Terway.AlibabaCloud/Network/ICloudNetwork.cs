using Terway.AlibabaCloud.Errors;

namespace Terway.AlibabaCloud.Network;

/// <summary>
/// The ECS and VPC operations a CNI needs, named as in AlibabaCloud.SDK.Ecs20140526 so that the SDK can take this
/// interface's place. Thread-safe. Every method throws <see cref="CloudApiException"/> when the API refuses or cannot be
/// reached, and <see cref="ArgumentException"/> for a request that the API could only refuse.
/// </summary>
public interface ICloudNetwork
{
    /// <summary>Creates an ENI.</summary>
    Task<CreateNetworkInterfaceResponse> CreateNetworkInterfaceAsync(CreateNetworkInterfaceRequest request, CancellationToken ct);

    /// <summary>Begins to attach an ENI. Attaching can still roll back: describe until InUse.</summary>
    Task<AcknowledgedResponse> AttachNetworkInterfaceAsync(AttachNetworkInterfaceRequest request, CancellationToken ct);

    /// <summary>Begins to detach an ENI. An ENI or instance that is gone counts as done.</summary>
    Task<AcknowledgedResponse> DetachNetworkInterfaceAsync(DetachNetworkInterfaceRequest request, CancellationToken ct);

    /// <summary>Begins to delete an ENI. One that is gone counts as done.</summary>
    Task<AcknowledgedResponse> DeleteNetworkInterfaceAsync(DeleteNetworkInterfaceRequest request, CancellationToken ct);

    /// <summary>Finds ENIs, all pages.</summary>
    Task<DescribeNetworkInterfacesResponse> DescribeNetworkInterfacesAsync(DescribeNetworkInterfacesRequest request, CancellationToken ct);

    /// <summary>Gives an ENI more IPv4 addresses. They may answer only a second or two later.</summary>
    Task<AssignPrivateIpAddressesResponse> AssignPrivateIpAddressesAsync(AssignPrivateIpAddressesRequest request, CancellationToken ct);

    /// <summary>
    /// Takes IPv4 addresses from an ENI. An ENI that is gone counts as done. The API refuses a whole request when one of
    /// its addresses is not assigned; the rest is then taken by a second request, so that none is left behind.
    /// </summary>
    Task<AcknowledgedResponse> UnassignPrivateIpAddressesAsync(UnassignPrivateIpAddressesRequest request, CancellationToken ct);

    /// <summary>Gives an ENI more IPv6 addresses.</summary>
    Task<AssignIpv6AddressesResponse> AssignIpv6AddressesAsync(AssignIpv6AddressesRequest request, CancellationToken ct);

    /// <summary>Takes IPv6 addresses from an ENI; as <see cref="UnassignPrivateIpAddressesAsync"/>.</summary>
    Task<AcknowledgedResponse> UnassignIpv6AddressesAsync(UnassignIpv6AddressesRequest request, CancellationToken ct);

    /// <summary>Limits of instance types, all pages.</summary>
    Task<DescribeInstanceTypesResponse> DescribeInstanceTypesAsync(DescribeInstanceTypesRequest request, CancellationToken ct);

    /// <summary>Finds vSwitches, all pages.</summary>
    Task<DescribeVSwitchesResponse> DescribeVSwitchesAsync(DescribeVSwitchesRequest request, CancellationToken ct);
}
