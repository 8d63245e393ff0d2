using System.Net;

namespace Terway.EniPool.Cloud;

/// <summary>Where a vSwitch's gateway is.</summary>
internal static class SubnetGateway
{
    /// <summary>The third-last address of the subnet (.253 of a /24), for both families: Alibaba Cloud's convention.</summary>
    public static IPAddress Of(IPNetwork subnet)
    {
        var bytes = subnet.BaseAddress.GetAddressBytes();
        for (var bit = subnet.PrefixLength; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] |= (byte)(0x80 >> (bit % 8));
        }

        // All ones less two: the last byte ends in 11 in any subnet of at least four addresses.
        bytes[^1] -= 2;
        return new IPAddress(bytes);
    }
}
