/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * ARP and neighbour discovery. The VPC answers both itself, with the
 * gateway's MAC for every address; a request never reaches another ENI.
 */
#ifndef LAB_NEIGHBOUR_H
#define LAB_NEIGHBOUR_H

#include "lab_count.h"

#define LAB_GATEWAY_MAC	{ 0xee, 0xff, 0xff, 0xff, 0xff, 0xff }

#define LAB_ARP_ETHERNET	1
#define LAB_ARP_REQUEST		1
#define LAB_ARP_REPLY		2

struct lab_arp {
	__be16 hardware;
	__be16 protocol;
	__u8 hardware_len;
	__u8 protocol_len;
	__be16 op;
	__u8 sender_mac[6];
	__u8 sender_ip[4];
	__u8 target_mac[6];
	__u8 target_ip[4];
};

struct lab_nd {
	__u8 type;
	__u8 code;
	__sum16 csum;
	__be32 flags;
	__u8 target[16];
	__u8 option_type;
	__u8 option_len;
	__u8 option_mac[6];
};

struct lab_nd_pseudo {
	__u8 src[16];
	__u8 dst[16];
	__be32 len;
	__be32 next;
};

/* Who holds @addr; 0 when nobody does. */
static __always_inline __u32 lab_holder(const __u8 *addr)
{
	struct lab_prefix key = { .bits = 128 };
	__u32 *eni;

	__builtin_memcpy(key.addr, addr, 16);
	eni = bpf_map_lookup_elem(&lab_addresses, &key);
	return eni ? *eni : 0;
}

static __always_inline const struct lab_route *lab_route_to(const __u8 *addr)
{
	struct lab_prefix key = { .bits = 128 };

	__builtin_memcpy(key.addr, addr, 16);
	return bpf_map_lookup_elem(&lab_routes, &key);
}

static __always_inline int lab_is_local(const __u8 *addr)
{
	const struct lab_route *route = lab_route_to(addr);

	return route && route->kind == LAB_ROUTE_LOCAL;
}

static __always_inline __sum16 lab_fold(__s64 csum)
{
	__u32 sum = csum;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline int lab_reflect(struct __sk_buff *skb,
				       const struct lab_packet *p)
{
	__u8 macs[12], gateway[6] = LAB_GATEWAY_MAC;

	__builtin_memcpy(macs, p->eth.h_source, 6);
	__builtin_memcpy(macs + 6, gateway, 6);
	if (bpf_skb_store_bytes(skb, 0, macs, 12, 0))
		return LAB_DROP_INTERNAL;
	return LAB_DROP_NONE;
}

/* Returns a reason, or LAB_DROP_NONE with *reply set when the packet now is
 * an answer to its sender.
 */
static __always_inline int lab_answer_arp(struct __sk_buff *skb,
					  struct lab_packet *p,
					  const struct lab_eni *eni, int *reply)
{
	__u8 gateway[6] = LAB_GATEWAY_MAC;
	struct lab_arp arp, answer;
	__be32 target, sender;
	__u32 holder;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &arp, sizeof(arp)))
		return LAB_DROP_MALFORMED;
	if (arp.hardware != bpf_htons(LAB_ARP_ETHERNET) ||
	    arp.protocol != bpf_htons(ETH_P_IP) || arp.hardware_len != 6 ||
	    arp.protocol_len != 4)
		return LAB_DROP_MALFORMED;
	__builtin_memcpy(&target, arp.target_ip, 4);
	__builtin_memcpy(&sender, arp.sender_ip, 4);
	lab_map_ipv4(p->tuple.src, sender);
	lab_map_ipv4(p->tuple.dst, target);
	if (!lab_same_mac(arp.sender_mac, eni->mac))
		return LAB_DROP_SPOOFED_MAC;

	/* Announcements, unsolicited replies and probes for one's own address
	 * must stay unanswered: an answer would look like a conflict.
	 */
	if (arp.op != bpf_htons(LAB_ARP_REQUEST) || target == sender) {
		lab_count(LAB_COUNT_NOISE);
		return LAB_DROP_NONE;
	}
	if (!eni->flags) {
		if (!lab_is_local(p->tuple.dst))
			return LAB_DROP_UNKNOWN_DESTINATION;
		holder = lab_holder(p->tuple.dst);
		if (holder == eni->id) {
			lab_count(LAB_COUNT_NOISE);
			return LAB_DROP_NONE;
		}
	}

	answer = arp;
	answer.op = bpf_htons(LAB_ARP_REPLY);
	__builtin_memcpy(answer.sender_mac, gateway, 6);
	__builtin_memcpy(answer.sender_ip, arp.target_ip, 4);
	__builtin_memcpy(answer.target_mac, arp.sender_mac, 6);
	__builtin_memcpy(answer.target_ip, arp.sender_ip, 4);
	if (bpf_skb_store_bytes(skb, ETH_HLEN, &answer, sizeof(answer), 0))
		return LAB_DROP_INTERNAL;
	lab_count(LAB_COUNT_ARP_REPLY);
	*reply = 1;
	return lab_reflect(skb, p);
}

/* The gateway's link-local address, fe80:: with the EUI-64 of its MAC. */
static __always_inline int lab_is_gateway_ll(const __u8 *addr)
{
	static const __u8 ll[16] = { 0xfe, 0x80, 0, 0, 0, 0, 0, 0,
				     0xec, 0xff, 0xff, 0xff,
				     0xfe, 0xff, 0xff, 0xff };
	int i;

	for (i = 0; i < 16; i++)
		if (addr[i] != ll[i])
			return 0;
	return 1;
}

static __always_inline int lab_is_link_local(const __u8 *addr)
{
	return addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80;
}

static __always_inline int lab_is_unspecified(const __u8 *addr)
{
	int i;

	for (i = 0; i < 16; i++)
		if (addr[i])
			return 0;
	return 1;
}

/* Called for ICMPv6 only. *mine: the packet is neighbour discovery, or other
 * link-local chatter, and ends here.
 */
static __always_inline int lab_answer_nd(struct __sk_buff *skb,
					 struct lab_packet *p,
					 const struct lab_eni *eni,
					 int *mine, int *reply)
{
	__u8 gateway[6] = LAB_GATEWAY_MAC, addresses[32], target[16];
	struct lab_nd_pseudo pseudo = {};
	struct lab_nd nd = {};
	__be16 len = bpf_htons(sizeof(nd));
	__u8 hop_limit = 255;
	__s64 csum;

	if (p->icmp_type != 135) {
		*mine = lab_is_link_local(p->tuple.src) ||
			lab_is_link_local(p->tuple.dst) ||
			(p->icmp_type >= 133 && p->icmp_type <= 137);
		if (*mine)
			lab_count(LAB_COUNT_NOISE);
		return LAB_DROP_NONE;
	}
	*mine = 1;
	if (p->ttl != 255 || bpf_skb_load_bytes(skb, p->l4 + 8, target, 16))
		return LAB_DROP_MALFORMED;
	/* Duplicate address detection stays unanswered, as does a question for
	 * an address of the asking ENI.
	 */
	if (lab_is_unspecified(p->tuple.src) || lab_holder(target) == eni->id ||
	    !(lab_is_gateway_ll(target) || lab_is_local(target))) {
		lab_count(LAB_COUNT_NOISE);
		return LAB_DROP_NONE;
	}

	nd.type = 136;
	nd.flags = bpf_htonl(0xe0000000);	/* router, solicited, override */
	__builtin_memcpy(nd.target, target, 16);
	nd.option_type = 2;
	nd.option_len = 1;
	__builtin_memcpy(nd.option_mac, gateway, 6);
	__builtin_memcpy(pseudo.src, target, 16);
	__builtin_memcpy(pseudo.dst, p->tuple.src, 16);
	pseudo.len = bpf_htonl(sizeof(nd));
	pseudo.next = bpf_htonl(IPPROTO_ICMPV6);
	csum = bpf_csum_diff(NULL, 0, (__be32 *)&pseudo, sizeof(pseudo), 0);
	csum = bpf_csum_diff(NULL, 0, (__be32 *)&nd, sizeof(nd), csum);
	nd.csum = lab_fold(csum);

	__builtin_memcpy(addresses, target, 16);
	__builtin_memcpy(addresses + 16, p->tuple.src, 16);
	if (bpf_skb_change_tail(skb, p->l4 + sizeof(nd), 0) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN + 4, &len, 2, 0) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN + 7, &hop_limit, 1, 0) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN + 8, addresses, 32, 0) ||
	    bpf_skb_store_bytes(skb, p->l4, &nd, sizeof(nd), 0))
		return LAB_DROP_INTERNAL;
	lab_count(LAB_COUNT_ND_REPLY);
	*reply = 1;
	return lab_reflect(skb, p);
}

#endif
