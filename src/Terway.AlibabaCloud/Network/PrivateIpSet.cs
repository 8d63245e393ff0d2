using System.Net;

namespace Terway.AlibabaCloud.Network;

/// <summary>An IPv4 address of an ENI.</summary>
/// <param name="PrivateIpAddress">The address.</param>
/// <param name="Primary">The ENI's own address, which cannot be unassigned.</param>
public sealed record PrivateIpSet(IPAddress PrivateIpAddress, bool Primary);
