using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Terway.Linux.Native;

namespace Terway.Linux.Netlink;

/// <summary>Turns rtnetlink payloads into records. Returns false, and never throws, for what is too short or of another family.</summary>
internal static class RtnlParser
{
    public delegate bool Parse<T>(ReadOnlySpan<byte> payload, [MaybeNullWhen(false)] out T value);

    public static bool Link(ReadOnlySpan<byte> payload, [MaybeNullWhen(false)] out LinkInfo link)
    {
        link = null;
        if (!TryHeader(payload, out ifinfomsg header) || header.ifi_family == socket.AF_BRIDGE)
            return false;
        string name = "";
        string? kind = null, alias = null, qdisc = null;
        MacAddress? mac = null;
        int mtu = 0, peer = 0, master = 0, queue = 0;
        int? netnsId = null;
        uint group = 0;
        var attributes = AttributeReader.After<ifinfomsg>(payload);
        while (attributes.TryNext(out var a))
        {
            switch (a.Type)
            {
                case if_link.IFLA_IFNAME: name = a.Text; break;
                case if_link.IFLA_ADDRESS: mac = a.Mac; break;
                case if_link.IFLA_MTU: mtu = a.I32; break;
                case if_link.IFLA_LINK: peer = a.I32; break;
                case if_link.IFLA_LINK_NETNSID: netnsId = a.I32; break;
                case if_link.IFLA_MASTER: master = a.I32; break;
                case if_link.IFLA_QDISC: qdisc = a.Text; break;
                case if_link.IFLA_TXQLEN: queue = a.I32; break;
                case if_link.IFLA_GROUP: group = a.U32; break;
                case if_link.IFLA_IFALIAS: alias = a.Text; break;
                case if_link.IFLA_LINKINFO: kind = FindText(a.Nested, if_link.IFLA_INFO_KIND); break;
                default: break;
            }
        }

        link = new()
        {
            Index = header.ifi_index,
            Name = name,
            Mac = mac,
            Mtu = mtu,
            Flags = header.ifi_flags,
            Kind = kind,
            PeerIndex = peer,
            LinkNetNsId = netnsId,
            Group = group,
            Master = master,
            TxQueueLength = queue,
            RootQdisc = qdisc,
            Alias = alias,
        };
        return true;
    }

    public static bool Address(ReadOnlySpan<byte> payload, out LinkAddress address)
    {
        address = default;
        if (!TryHeader(payload, out ifaddrmsg header))
            return false;
        IPAddress? local = null, any = null;
        uint flags = header.ifa_flags;
        var attributes = AttributeReader.After<ifaddrmsg>(payload);
        while (attributes.TryNext(out var a))
        {
            switch (a.Type)
            {
                case if_addr.IFA_LOCAL: local = a.Address; break;
                case if_addr.IFA_ADDRESS: any = a.Address; break;
                case if_addr.IFA_FLAGS: flags = a.U32; break;
                default: break;
            }
        }

        // IPv6 has only IFA_ADDRESS; with a peer IFA_ADDRESS is the peer's.
        if (!TryPrefix(local ?? any, header.ifa_family, header.ifa_prefixlen, out var prefix))
            return false;
        address = new()
        {
            LinkIndex = (int)header.ifa_index,
            Address = prefix,
            Scope = (RouteScope)header.ifa_scope,
            Flags = (AddressFlags)flags,
        };
        return true;
    }

    public static bool Route(ReadOnlySpan<byte> payload, out IpRoute route)
    {
        route = default;
        if (!TryHeader(payload, out rtmsg header) || (header.rtm_flags & rtnetlink.RTM_F_CLONED) != 0)
            return false;
        IPAddress? destination = AnyOf(header.rtm_family), gateway = null, source = null;
        var link = 0;
        uint table = header.rtm_table, priority = 0;
        var mtu = 0;
        var attributes = AttributeReader.After<rtmsg>(payload);
        while (attributes.TryNext(out var a))
        {
            switch (a.Type)
            {
                case rtnetlink.RTA_DST: destination = a.Address; break;
                case rtnetlink.RTA_GATEWAY: gateway = a.Address; break;
                case rtnetlink.RTA_PREFSRC: source = a.Address; break;
                case rtnetlink.RTA_OIF: link = a.I32; break;
                case rtnetlink.RTA_TABLE: table = a.U32; break;
                case rtnetlink.RTA_PRIORITY: priority = a.U32; break;
                case rtnetlink.RTA_METRICS: mtu = (int)FindU32(a.Nested, rtnetlink.RTAX_MTU); break;
                default: break;
            }
        }

        if (!TryPrefix(destination, header.rtm_family, header.rtm_dst_len, out var prefix))
            return false;
        route = new()
        {
            Destination = prefix,
            Gateway = gateway,
            LinkIndex = link,
            Table = table,
            Scope = (RouteScope)header.rtm_scope,
            Protocol = header.rtm_protocol,
            Type = (RouteType)header.rtm_type,
            PreferredSource = source,
            OnLink = (header.rtm_flags & rtnetlink.RTNH_F_ONLINK) != 0,
            Priority = priority,
            Mtu = mtu,
        };
        return true;
    }

    public static bool Rule(ReadOnlySpan<byte> payload, out IpRule rule)
    {
        rule = default;
        if (!TryHeader(payload, out fib_rule_hdr header) || FamilyOf(header.family) is not { } family)
            return false;
        IPAddress? from = null, to = null;
        string? input = null, output = null;
        uint table = header.table, priority = 0, mark = 0, mask = 0;
        byte protocol = 0;
        var attributes = AttributeReader.After<fib_rule_hdr>(payload);
        while (attributes.TryNext(out var a))
        {
            switch (a.Type)
            {
                case fib_rules.FRA_SRC: from = a.Address; break;
                case fib_rules.FRA_DST: to = a.Address; break;
                case fib_rules.FRA_IIFNAME: input = a.Text; break;
                case fib_rules.FRA_OIFNAME: output = a.Text; break;
                case fib_rules.FRA_PRIORITY: priority = a.U32; break;
                case fib_rules.FRA_FWMARK: mark = a.U32; break;
                case fib_rules.FRA_FWMASK: mask = a.U32; break;
                case fib_rules.FRA_TABLE: table = a.U32; break;
                case fib_rules.FRA_PROTOCOL: protocol = a.U8; break;
                default: break;
            }
        }

        rule = new()
        {
            Family = family,
            Priority = priority,
            From = TryPrefix(from, header.family, header.src_len, out var source) ? source : null,
            To = TryPrefix(to, header.family, header.dst_len, out var destination) ? destination : null,
            InputInterface = input,
            OutputInterface = output,
            Mark = mark,
            Mask = mask,
            Table = table,
            Action = (RuleAction)header.action,
            Invert = (header.flags & fib_rules.FIB_RULE_INVERT) != 0,
            Protocol = protocol,
        };
        return true;
    }

    public static bool Neighbour(ReadOnlySpan<byte> payload, out IpNeighbour neighbour)
    {
        neighbour = default;
        if (!TryHeader(payload, out ndmsg header))
            return false;
        IPAddress? address = null;
        MacAddress? mac = null;
        var attributes = AttributeReader.After<ndmsg>(payload);
        while (attributes.TryNext(out var a))
        {
            switch (a.Type)
            {
                case Native.neighbour.NDA_DST: address = a.Address; break;
                case Native.neighbour.NDA_LLADDR: mac = a.Mac; break;
                default: break;
            }
        }

        if (address is null || FamilyOf(header.ndm_family) != address.AddressFamily)
            return false;
        neighbour = new()
        {
            LinkIndex = header.ndm_ifindex,
            Address = address,
            Mac = mac,
            State = (NeighbourStates)header.ndm_state,
            Proxy = (header.ndm_flags & Native.neighbour.NTF_PROXY) != 0,
        };
        return true;
    }

    public static bool Qdisc(ReadOnlySpan<byte> payload, [MaybeNullWhen(false)] out QdiscInfo qdisc)
    {
        qdisc = null;
        if (!TryHeader(payload, out tcmsg header))
            return false;
        var kind = "";
        ReadOnlySpan<byte> options = default;
        var attributes = AttributeReader.After<tcmsg>(payload);
        while (attributes.TryNext(out var a))
        {
            if (a.Type == rtnetlink.TCA_KIND)
                kind = a.Text;
            else if (a.Type == rtnetlink.TCA_OPTIONS)
                options = a.Value;
        }

        ulong rate = 0;
        uint burst = 0, limit = 0;
        if (kind == "tbf")
            TbfOptions(options, out rate, out burst, out limit);
        qdisc = new()
        {
            LinkIndex = header.tcm_ifindex,
            Kind = kind,
            Handle = header.tcm_handle,
            Parent = header.tcm_parent,
            RateBytesPerSecond = rate,
            BurstBytes = burst,
            LimitBytes = limit,
        };
        return true;
    }

    public static bool Filter(ReadOnlySpan<byte> payload, [MaybeNullWhen(false)] out FilterInfo filter)
    {
        filter = null;
        if (!TryHeader(payload, out tcmsg header))
            return false;
        var kind = "";
        ReadOnlySpan<byte> options = default;
        var attributes = AttributeReader.After<tcmsg>(payload);
        while (attributes.TryNext(out var a))
        {
            if (a.Type == rtnetlink.TCA_KIND)
                kind = a.Text;
            else if (a.Type == rtnetlink.TCA_OPTIONS)
                options = a.Value;
        }

        string? name = null;
        uint id = 0, flags = 0;
        var nested = new AttributeReader(kind == "bpf" ? options : default);
        while (nested.TryNext(out var a))
        {
            switch (a.Type)
            {
                case pkt_cls.TCA_BPF_NAME: name = a.Text; break;
                case pkt_cls.TCA_BPF_ID: id = a.U32; break;
                case pkt_cls.TCA_BPF_FLAGS: flags = a.U32; break;
                default: break;
            }
        }

        filter = new()
        {
            LinkIndex = header.tcm_ifindex,
            Kind = kind,
            Parent = header.tcm_parent,
            Priority = (ushort)(header.tcm_info >> 16),
            Handle = header.tcm_handle,
            Name = name,
            ProgramId = id,
            DirectAction = (flags & pkt_cls.TCA_BPF_FLAG_ACT_DIRECT) != 0,
        };
        return true;
    }

    internal static AddressFamily? FamilyOf(byte family) => family switch
    {
        socket.AF_INET => AddressFamily.InterNetwork,
        socket.AF_INET6 => AddressFamily.InterNetworkV6,
        _ => null,
    };

    private static bool TryHeader<T>(ReadOnlySpan<byte> payload, out T header)
        where T : unmanaged => MemoryMarshal.TryRead(payload, out header);

    private static IPAddress? AnyOf(byte family) => family switch
    {
        socket.AF_INET => IPAddress.Any,
        socket.AF_INET6 => IPAddress.IPv6Any,
        _ => null,
    };

    private static bool TryPrefix(IPAddress? address, byte family, byte length, out IpPrefix prefix)
    {
        prefix = default;
        if (address is null || FamilyOf(family) != address.AddressFamily || length > (family == socket.AF_INET6 ? 128 : 32))
            return false;
        prefix = new(address, length);
        return true;
    }

    private static void TbfOptions(ReadOnlySpan<byte> options, out ulong rate, out uint burst, out uint limit)
    {
        rate = 0;
        tc_tbf_qopt parameters = default;
        var attributes = new AttributeReader(options);
        while (attributes.TryNext(out var a))
        {
            if (a.Type == pkt_sched.TCA_TBF_PARMS && a.Value.Length >= Unsafe.SizeOf<tc_tbf_qopt>())
                parameters = MemoryMarshal.Read<tc_tbf_qopt>(a.Value);
            else if (a.Type == pkt_sched.TCA_TBF_RATE64)
                rate = a.U64;
        }

        if (rate == 0)
            rate = parameters.rate.rate;
        limit = parameters.limit;
        burst = TbfMath.Bytes(parameters.buffer, rate);
    }

    private static string? FindText(AttributeReader attributes, ushort type)
    {
        while (attributes.TryNext(out var a))
        {
            if (a.Type == type)
                return a.Text;
        }

        return null;
    }

    private static uint FindU32(AttributeReader attributes, ushort type)
    {
        while (attributes.TryNext(out var a))
        {
            if (a.Type == type)
                return a.U32;
        }

        return 0;
    }
}
