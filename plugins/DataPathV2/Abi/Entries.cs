using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Terway.Plugins.DataPathV2.Datapath;

namespace Terway.Plugins.DataPathV2.Abi;

/// <summary>Map entries as kernel objects.</summary>
internal static class Entries
{
    /// <param name="attachment">The pod.</param>
    /// <param name="address">One of its addresses.</param>
    /// <param name="limits">Of it that are kept by departure times.</param>
    public static KernelObject.MapEntry Of(Attachment attachment, IPAddress address, PodLimits limits = default)
    {
        var pod = new Pod
        {
            Mtu = (uint)attachment.Mtu,
            Mac = Mac(attachment.PodLinkMac),
            HostMac = Mac(attachment.HostLinkMac),
            EniMac = Mac(attachment.Allocation.EniMac),
            Flags = (attachment.Pod.IngressBytesPerSecond > 0 ? PodFlags.Shaped : PodFlags.None) | (limits.Egress > 0 ? PodFlags.Paced : PodFlags.None),
        };
        var map = address.AddressFamily == AddressFamily.InterNetwork ? DatapathPins.Pods4 : DatapathPins.Pods6;
        return new(DatapathPins.PathOf(map), Convert.ToHexStringLower(address.GetAddressBytes()), Hex(in pod), attachment.HostLinkName, Pod.LinkOffset);
    }

    /// <summary>What limits a pod under one of its addresses.</summary>
    public static KernelObject.MapEntry Of(PodLimits limits, IPAddress address, string hostLink)
    {
        var key = KeyOf(address);
        var limit = new Limit { Egress = (ulong)limits.Egress, Ingress = (ulong)limits.Ingress };
        return new(DatapathPins.PathOf(DatapathPins.Limits), Hex(in key), Hex(in limit), hostLink, Limit.LinkOffset);
    }

    public static LimitKey KeyOf(IPAddress address)
    {
        var key = default(LimitKey);
        address.MapToIPv6().GetAddressBytes().CopyTo(key.Addr);
        return key;
    }

    /// <param name="link">The ENI's link on the node.</param>
    /// <param name="gateways">Of the ENI's vSwitch, at most one of each family.</param>
    public static KernelObject.MapEntry Of(NodeLink link, IEnumerable<IPAddress> gateways)
    {
        var key = new EniKey { Mac = Mac(link.Mac) };
        var eni = new Eni { Mtu = (uint)link.Mtu };
        foreach (var gateway in gateways)
        {
            if (gateway.AddressFamily == AddressFamily.InterNetwork) eni.Gateway4 = MemoryMarshal.Read<uint>(gateway.GetAddressBytes());
            else gateway.GetAddressBytes().CopyTo(eni.Gateway6);
        }

        return new(DatapathPins.PathOf(DatapathPins.Enis), Hex(in key), Hex(in eni), link.Name, Eni.LinkOffset);
    }

    /// <summary>A network that the node's own stack takes.</summary>
    public static KernelObject.MapEntry Of(IPNetwork network)
    {
        var address = network.BaseAddress.GetAddressBytes();
        if (network.BaseAddress.AddressFamily == AddressFamily.InterNetwork)
        {
            var key = new Net4 { Bits = (uint)network.PrefixLength, Addr = MemoryMarshal.Read<uint>(address) };
            return new(DatapathPins.PathOf(DatapathPins.Stack4), Hex(in key), Hex(1u));
        }

        var key6 = new Net6 { Bits = (uint)network.PrefixLength };
        address.CopyTo(key6.Addr);
        return new(DatapathPins.PathOf(DatapathPins.Stack6), Hex(in key6), Hex(1u));
    }

    /// <exception cref="FormatException">Not six bytes with colons between them.</exception>
    public static Mac6 Mac(string text)
    {
        Mac6 mac = default;
        var parts = text.Split(':');
        if (parts.Length != 6) throw new FormatException($"{text} is no MAC address");
        for (var i = 0; i < parts.Length; i++) mac[i] = byte.Parse(parts[i], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return mac;
    }

    private static string Hex<T>(in T value) where T : unmanaged => Convert.ToHexStringLower(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));
}
