// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * The lab's VPC: one program on the clsact ingress of every port. A port is
 * the VPC's end of an ENI's veth, or of the links to the cloud's services and
 * to the NAT gateway. A packet leaves by bpf_redirect() to another port or
 * not at all; the namespace's own stack sees none.
 *
 * It lets through what a VPC would, and says why it refuses the rest. Needs
 * Linux 5.17 (bpf_loop), lab_vpc_old.bpf.c 5.10; only the lab runs it, never a
 * node.
 */
#include <linux/pkt_cls.h>

#include "lab_count.h"
#include "lab_icmp_error.h"
#include "lab_neighbour.h"
#include "lab_packet.h"
#include "lab_security_group.h"

static __always_inline const struct lab_eni *lab_eni_of(__u32 id)
{
	return bpf_map_lookup_elem(&lab_enis, &id);
}

static __always_inline const struct lab_eni *lab_sender(struct __sk_buff *skb,
							__u16 vlan)
{
	struct lab_port_key key = { .ifindex = skb->ifindex, .vlan = vlan };
	__u32 *id = bpf_map_lookup_elem(&lab_ports, &key);

	return id ? lab_eni_of(*id) : NULL;
}

static __always_inline int lab_source_is_own(const struct lab_eni *eni,
					     const struct lab_packet *p)
{
	const struct lab_route *route;

	if (!eni->flags)
		return lab_holder(p->tuple.src) == eni->id;
	/* Behind the services' and the NAT's link is whatever is routed there:
	 * their addresses are nobody's in the VPC.
	 */
	route = lab_route_to(p->tuple.src);
	return route && route->kind == LAB_ROUTE_LINK && route->eni == eni->id;
}

static __always_inline int lab_destination(const struct lab_packet *p,
					   const struct lab_eni **to)
{
	const struct lab_route *route = lab_route_to(p->tuple.dst);
	__u32 id;

	if (!route)
		return LAB_DROP_NO_ROUTE;
	id = route->kind == LAB_ROUTE_LOCAL ? lab_holder(p->tuple.dst) :
					      route->eni;
	if (!id)
		return LAB_DROP_UNKNOWN_DESTINATION;
	*to = lab_eni_of(id);
	return *to ? LAB_DROP_NONE : LAB_DROP_UNKNOWN_DESTINATION;
}

static __always_inline int lab_groups_accept(struct __sk_buff *skb,
					     const struct lab_packet *p,
					     const struct lab_eni *from,
					     const struct lab_eni *to)
{
	struct lab_query q = { .outer = &p->tuple, .flow = &p->tuple,
			       .tcp_open = p->tcp_open };
	struct lab_tuple quoted = {};

	/* The cloud's own services are outside of security groups. */
	if ((from->flags | to->flags) & LAB_ENI_SERVICES)
		return 1;
	if (p->icmp_error && !lab_quoted_flow(skb, p, &quoted))
		q.flow = &quoted;
	if (!from->flags) {
		q.eni = from->id;
		q.direction = LAB_EGRESS;
		q.peer_groups = to->groups;
		if (!lab_group_accepts(&q))
			return 0;
	}
	if (!to->flags) {
		q.eni = to->id;
		q.direction = LAB_INGRESS;
		q.peer_groups = from->groups;
		if (!lab_group_accepts(&q))
			return 0;
	}
	return 1;
}

/* A hop within one vSwitch is a switch's, any other a router's. */
static __always_inline int lab_decrement_ttl(struct __sk_buff *skb,
					     const struct lab_packet *p)
{
	__be16 old, new;
	__u8 hop_limit;

	if (p->ether_type == ETH_P_IPV6) {
		hop_limit = p->ttl - 1;
		return bpf_skb_store_bytes(skb, ETH_HLEN + 7, &hop_limit, 1, 0);
	}
	old = bpf_htons((p->ttl << 8) | p->tuple.proto);
	new = bpf_htons(((p->ttl - 1) << 8) | p->tuple.proto);
	if (bpf_l3_csum_replace(skb, ETH_HLEN + 10, old, new, 2))
		return -1;
	return bpf_skb_store_bytes(skb, ETH_HLEN + 8, &new, 1, 0);
}

static __always_inline int lab_deliver(struct __sk_buff *skb,
				       const struct lab_eni *to)
{
	__u8 macs[12], gateway[6] = LAB_GATEWAY_MAC;

	__builtin_memcpy(macs, to->mac, 6);
	__builtin_memcpy(macs + 6, gateway, 6);
	if (bpf_skb_store_bytes(skb, 0, macs, 12, 0))
		return LAB_DROP_INTERNAL;
	if (skb->vlan_present && bpf_skb_vlan_pop(skb))
		return LAB_DROP_INTERNAL;
	if (to->vlan && bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), to->vlan))
		return LAB_DROP_INTERNAL;
	return LAB_DROP_NONE;
}

/* GSO segments count, not the packet that carries them. */
static __always_inline long lab_check_mtu(struct __sk_buff *skb,
					  __u32 ifindex, __u32 *mtu)
{
#ifdef LAB_OLD_KERNEL
	(void)skb;
	(void)ifindex;
	(void)mtu;
	return 0;
#else
	return bpf_check_mtu(skb, ifindex, mtu, 0, BPF_MTU_CHK_SEGS);
#endif
}

static __always_inline int lab_forward(struct __sk_buff *skb,
				       struct lab_packet *p,
				       const struct lab_eni *from,
				       int *reply, __u32 *out)
{
	const struct lab_eni *to = NULL;
	__u32 mtu = 0, len = skb->len;
	int reason, routed;

	if (!lab_source_is_own(from, p))
		return LAB_DROP_SPOOFED_SOURCE;
	reason = lab_destination(p, &to);
	if (reason || !to)
		return reason;
	if (!lab_groups_accept(skb, p, from, to))
		return LAB_DROP_SECURITY_GROUP;

	routed = from->vswitch != to->vswitch || from->flags || to->flags;
	if (routed && p->ttl <= 1) {
		if (p->ether_type == ETH_P_IP &&
		    !lab_icmp_error_v4(skb, p, from, LAB_ICMP_TIME_EXCEEDED << 8, 0))
			*reply = 1;
		if (p->ether_type == ETH_P_IPV6 &&
		    !lab_icmp_error_v6(skb, p, from, LAB_ICMP6_TIME_EXCEEDED, 0))
			*reply = 1;
		return LAB_DROP_TTL_EXCEEDED;
	}
	if (lab_check_mtu(skb, to->ifindex, &mtu) > 0) {
		if (p->ether_type == ETH_P_IP && p->dont_fragment &&
		    !lab_icmp_error_v4(skb, p, from,
				       LAB_ICMP_UNREACHABLE << 8 | LAB_ICMP_FRAG_NEEDED,
				       mtu))
			*reply = 1;
		if (p->ether_type == ETH_P_IPV6 &&
		    !lab_icmp_error_v6(skb, p, from, LAB_ICMP6_TOO_BIG, mtu))
			*reply = 1;
		return LAB_DROP_TOO_BIG;
	}
	if (routed && lab_decrement_ttl(skb, p))
		return LAB_DROP_INTERNAL;
	reason = lab_deliver(skb, to);
	if (reason)
		return reason;
	lab_count(LAB_COUNT_FORWARDED);
	lab_count_to(to, len);
	*out = to->ifindex;
	return LAB_DROP_NONE;
}

static __always_inline int lab_receive(struct __sk_buff *skb,
				       struct lab_packet *p,
				       const struct lab_eni *from,
				       int *reply, __u32 *out)
{
	__u8 gateway[6] = LAB_GATEWAY_MAC;
	int reason, mine = 0;

	if (!lab_same_mac(p->eth.h_source, from->mac))
		return LAB_DROP_SPOOFED_MAC;

	switch (p->ether_type) {
	case ETH_P_ARP:
		return lab_answer_arp(skb, p, from, reply);
	case ETH_P_IP:
		reason = lab_parse_ipv4(skb, p);
		if (reason)
			return reason;
		if (p->eth.h_dest[0] & 1) {
			lab_count(LAB_COUNT_MULTICAST);
			return LAB_DROP_NONE;
		}
		break;
	case ETH_P_IPV6:
		reason = lab_parse_ipv6(skb, p);
		if (reason)
			return reason;
		if (p->tuple.proto == IPPROTO_ICMPV6) {
			reason = lab_answer_nd(skb, p, from, &mine, reply);
			if (reason || mine)
				return reason;
		}
		/* Router solicitation, MLD and mDNS of a node's own stack. */
		if (p->eth.h_dest[0] & 1) {
			lab_count(LAB_COUNT_NOISE);
			return LAB_DROP_NONE;
		}
		break;
	default:
		if (p->eth.h_dest[0] & 1) {
			lab_count(LAB_COUNT_NOISE);
			return LAB_DROP_NONE;
		}
		return LAB_DROP_UNSUPPORTED_PROTOCOL;
	}

	if (!lab_same_mac(p->eth.h_dest, gateway))
		return LAB_DROP_UNKNOWN_MAC;
	lab_track_fragment(p);
	return lab_forward(skb, p, from, reply, out);
}

SEC("tc")
int lab_vpc(struct __sk_buff *skb)
{
	const struct lab_eni *from;
	struct lab_packet p = {};
	__u32 out = 0, id = 0;
	int reason, reply = 0;

	if (skb->vlan_present)
		p.vlan = skb->vlan_tci & 0x0fff;
	if (bpf_skb_load_bytes(skb, 0, &p.eth, ETH_HLEN)) {
		lab_count_drop(skb, &p, 0, LAB_DROP_MALFORMED);
		return TC_ACT_SHOT;
	}
	p.ether_type = bpf_ntohs(p.eth.h_proto);

	from = lab_sender(skb, p.vlan);
	if (!from) {
		reason = LAB_DROP_UNKNOWN_VLAN;
	} else {
		id = from->id;
		lab_count_from(from, skb->len);
		reason = lab_receive(skb, &p, from, &reply, &out);
	}
	if (reason)
		lab_count_drop(skb, &p, id, reason);
	if (reply)
		return bpf_redirect(skb->ifindex, 0);
	if (!reason && out)
		return bpf_redirect(out, 0);
	return TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "GPL";
