using Terway.Linux.Native;

namespace Terway.Linux.Netlink;

/// <summary>Turns a multicast message into an event.</summary>
internal static class RtnlEventParser
{
    /// <summary>Null for messages of no interest or that cannot be read.</summary>
    public static RtnlEvent? Parse(in NetlinkMessage message)
    {
        var removed = (message.Type & 3) == 1;
        if ((message.Type & 3) > 1)
            return null;
        return (message.Type & ~3) switch
        {
            rtnetlink.RTM_NEWLINK when RtnlParser.Link(message.Payload, out var link) => new RtnlEvent.LinkChanged(link, removed),
            rtnetlink.RTM_NEWADDR when RtnlParser.Address(message.Payload, out var address) => new RtnlEvent.AddressChanged(address, removed),
            rtnetlink.RTM_NEWROUTE when RtnlParser.Route(message.Payload, out var route) => new RtnlEvent.RouteChanged(route, removed),
            rtnetlink.RTM_NEWRULE when RtnlParser.Rule(message.Payload, out var rule) => new RtnlEvent.RuleChanged(rule, removed),
            rtnetlink.RTM_NEWNEIGH when RtnlParser.Neighbour(message.Payload, out var n) => new RtnlEvent.NeighbourChanged(n, removed),
            rtnetlink.RTM_NEWQDISC when RtnlParser.Qdisc(message.Payload, out var qdisc) => new RtnlEvent.QdiscChanged(qdisc, removed),
            rtnetlink.RTM_NEWTFILTER when RtnlParser.Filter(message.Payload, out var filter) => new RtnlEvent.FilterChanged(filter, removed),
            _ => null,
        };
    }

    public static void Join(NetlinkSocket socket, RtnlGroups groups)
    {
        Add(RtnlGroups.Links, rtnetlink.RTNLGRP_LINK);
        Add(RtnlGroups.Addresses, rtnetlink.RTNLGRP_IPV4_IFADDR, rtnetlink.RTNLGRP_IPV6_IFADDR);
        Add(RtnlGroups.Routes, rtnetlink.RTNLGRP_IPV4_ROUTE, rtnetlink.RTNLGRP_IPV6_ROUTE);
        Add(RtnlGroups.Rules, rtnetlink.RTNLGRP_IPV4_RULE, rtnetlink.RTNLGRP_IPV6_RULE);
        Add(RtnlGroups.Neighbours, rtnetlink.RTNLGRP_NEIGH);
        Add(RtnlGroups.TrafficControl, rtnetlink.RTNLGRP_TC);

        void Add(RtnlGroups group, params ReadOnlySpan<int> numbers)
        {
            if (!groups.HasFlag(group))
                return;
            foreach (var number in numbers)
                socket.Join(number);
        }
    }
}
