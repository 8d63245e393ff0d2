using System.Net;

namespace Terway.EniPool.Pool;

/// <summary>A vSwitch's subnet of one family.</summary>
internal sealed record EniSubnet(IPNetwork Network, IPAddress Gateway);
