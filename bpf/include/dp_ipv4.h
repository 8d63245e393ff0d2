/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
#ifndef DP_IPV4_H
#define DP_IPV4_H

#include <linux/ip.h>

#include "dp_packet.h"

/* <linux/icmp.h> pulls in the C library. */
#define DP_ICMP_UNREACHABLE	3
#define DP_ICMP_TIME_EXCEEDED	11
#define DP_ICMP_PARAMETER	12

#define DP_IP_FRAGMENT	0x3fff	/* more fragments, or an offset */

/* Aligned so that the addresses are; loaded from eth on. */
struct dp_head4 {
	__u16 pad;
	struct ethhdr eth;
	struct iphdr ip;
};

/* In the packet's direction; of an ICMP error, those of the flow it is about. */
struct dp_tuple4 {
	__be32 src;
	__be32 dst;
	__be16 sport;
	__be16 dport;
	__u8 proto;
};

/* 0, or why it is dropped. */
static __always_inline int dp_parse4(struct __sk_buff *skb,
				     struct dp_head4 *h)
{
	__u32 len;

	if (dp_load(skb, 0, &h->eth, ETH_HLEN + sizeof(h->ip)))
		return DP_DROP_MALFORMED;
	len = bpf_ntohs(h->ip.tot_len);
	/* A GSO packet beyond 64 KiB (BIG TCP) has no length. */
	if (!len && skb->gso_size)
		len = skb->len - ETH_HLEN;
	if (h->ip.version != 4 || h->ip.ihl < 5 ||
	    len < (__u32)h->ip.ihl * 4 || skb->len < ETH_HLEN + len)
		return DP_DROP_MALFORMED;
	return DP_DROP_NONE;
}

static __always_inline int dp_is_fragment4(const struct iphdr *ip)
{
	return ip->frag_off & bpf_htons(DP_IP_FRAGMENT);
}

/* Only the plain header of 20 bytes is forwarded here. */
static __always_inline int dp_is_plain4(const struct iphdr *ip)
{
	return ip->ihl == 5;
}

/* "This network", loopback, multicast, reserved, broadcast: never forwarded. */
static __always_inline int dp_is_special4(__be32 addr)
{
	__u8 first = bpf_ntohl(addr) >> 24;

	return first == 0 || first == 127 || first >= 224;
}

/* Errors are about a flow and open none. What is cut off counts as one. */
static __always_inline int dp_is_error4(struct __sk_buff *skb,
					const struct dp_head4 *h)
{
	__u8 type;

	if (h->ip.protocol != IPPROTO_ICMP)
		return 0;
	return bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(h->ip), &type, 1) ||
	       type == DP_ICMP_UNREACHABLE || type == DP_ICMP_TIME_EXCEEDED ||
	       type == DP_ICMP_PARAMETER;
}

static __always_inline int dp_quoted4(struct __sk_buff *skb, __u32 at,
				      struct dp_tuple4 *t)
{
	struct iphdr ip;
	__be16 ports[2] = {};

	if (bpf_skb_load_bytes(skb, at, &ip, sizeof(ip)) || ip.ihl < 5)
		return DP_DROP_MALFORMED;
	if (DP_FIXED_PORT_PROTO(ip.protocol) &&
	    bpf_skb_load_bytes(skb, at + ip.ihl * 4, ports, sizeof(ports)))
		return DP_DROP_MALFORMED;
	t->src = ip.daddr;
	t->dst = ip.saddr;
	t->sport = ports[1];
	t->dport = ports[0];
	t->proto = ip.protocol;
	return DP_DROP_NONE;
}

/* For a plain header that is no fragment. */
static __always_inline int dp_tuple4(struct __sk_buff *skb,
				     const struct dp_head4 *h,
				     struct dp_tuple4 *t)
{
	const __u32 l4 = ETH_HLEN + sizeof(h->ip);
	__be16 ports[2];

	t->src = h->ip.saddr;
	t->dst = h->ip.daddr;
	t->sport = 0;
	t->dport = 0;
	t->proto = h->ip.protocol;
	if (DP_FIXED_PORT_PROTO(t->proto)) {
		if (dp_load(skb, l4, ports, sizeof(ports)))
			return DP_DROP_MALFORMED;
		t->sport = ports[0];
		t->dport = ports[1];
		return DP_DROP_NONE;
	}
	return dp_is_error4(skb, h) ? dp_quoted4(skb, l4 + 8, t) :
				      DP_DROP_NONE;
}

static __always_inline __u32 dp_hint_of4(__be32 pod)
{
	return bpf_ntohl(pod);
}

static __always_inline int dp_has_flow4(__be32 pod, __be16 pod_port,
					__be32 peer, __be16 peer_port,
					__u8 proto)
{
	struct dp_flow4 key = { .pod = pod, .peer = peer, .pod_port = pod_port,
				.peer_port = peer_port, .proto = proto };

	return dp_hint(&dp_hints4, dp_hint_of4(pod)) &&
	       bpf_map_lookup_elem(&dp_flows4, &key);
}

/* Whether the stack carries the flow, as seen from its sender. */
static __always_inline int dp_sent_by_stack4(const struct dp_tuple4 *t)
{
	return dp_has_flow4(t->src, t->sport, t->dst, t->dport, t->proto);
}

/* The same from its receiver: to whom it had sent is not known here, since
 * the stack may have put another address in the place of the peer's.
 */
static __always_inline int dp_received_by_stack4(const struct dp_tuple4 *t)
{
	return dp_has_flow4(t->dst, t->dport, 0, 0, t->proto);
}

static __always_inline void dp_note_flow4(__be32 pod, __be16 pod_port,
					  __be32 peer, __be16 peer_port,
					  __u8 proto)
{
	struct dp_flow4 key = { .pod = pod, .peer = peer, .pod_port = pod_port,
				.peer_port = peer_port, .proto = proto };
	__u8 value = 1;

	dp_set_hint(&dp_hints4, dp_hint_of4(pod));
	/* A write takes a lock; most packets find their flow. */
	if (!bpf_map_lookup_elem(&dp_flows4, &key))
		bpf_map_update_elem(&dp_flows4, &key, &value, BPF_ANY);
}

static __always_inline int dp_is_stacks4(__be32 addr)
{
	struct dp_net4 key = { .bits = 32, .addr = addr };

	return !!bpf_map_lookup_elem(&dp_stack4, &key);
}

/*
 * Whether the main table sends packets to @dst out by the node's own ENI:
 * only then are they the VPC's, and go out by the pod's ENI instead. Anything
 * else is something on this node: a pod of another datapath, a bridge, ...
 */
static __always_inline int dp_is_vpcs4(struct __sk_buff *skb,
				       const struct dp_head4 *h)
{
	struct bpf_fib_lookup fib = {
		.family = 2, /* AF_INET */
		.l4_protocol = h->ip.protocol,
		.ipv4_src = h->ip.saddr,
		.ipv4_dst = h->ip.daddr,
		.ifindex = skb->ifindex,
	};
	long ret = bpf_fib_lookup(skb, &fib, sizeof(fib), BPF_FIB_LOOKUP_DIRECT);

	return (ret == BPF_FIB_LKUP_RET_SUCCESS ||
		ret == BPF_FIB_LKUP_RET_NO_NEIGH) && fib.ifindex == dp_uplink;
}

static __always_inline void dp_age4(struct iphdr *ip)
{
	__u32 check = ip->check + bpf_htons(0x0100);

	ip->check = check + (check >= 0xffff);
	ip->ttl--;
}

/* @from: the pod of this node that sent it; NULL for any other sender. */
static __always_inline int dp_deliver4(struct __sk_buff *skb,
				       struct dp_head4 *h,
				       const struct dp_pod *from,
				       const struct dp_pod *to, __u32 path)
{
	__builtin_memcpy(h->eth.h_dest, to->mac, 6);
	__builtin_memcpy(h->eth.h_source, to->host_mac, 6);
	dp_age4(&h->ip);
	/* Up to and with the checksum: its change makes up for the TTL's. */
	if (bpf_skb_store_bytes(skb, 0, &h->eth,
				ETH_HLEN + offsetof(struct iphdr, saddr), 0))
		return dp_drop(DP_DROP_INTERNAL);
	return dp_hand_over(skb, to, path, dp_is_queued(from, to));
}

static __always_inline int dp_leave4(struct __sk_buff *skb, struct dp_head4 *h,
				     const struct dp_eni *eni)
{
	struct bpf_redir_neigh next = { .nh_family = 2 };

	dp_age4(&h->ip);
	if (bpf_skb_store_bytes(skb, ETH_HLEN + offsetof(struct iphdr, ttl),
				&h->ip.ttl, 4, 0))
		return dp_drop(DP_DROP_INTERNAL);
	next.ipv4_nh = eni->gateway4;
	dp_count(&dp_paths, DP_PATH_POD_TO_VPC);
	/* With the next hop given the kernel asks no table and no rule. */
	return bpf_redirect_neigh(eni->ifindex, &next, sizeof(next), 0);
}

#endif
