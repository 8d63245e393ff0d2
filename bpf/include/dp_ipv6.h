/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
#ifndef DP_IPV6_H
#define DP_IPV6_H

#include <linux/ipv6.h>

#include "dp_packet.h"

#define DP_ND_FIRST	133	/* router solicitation */
#define DP_ND_LAST	137	/* redirect */

struct dp_head6 {
	__u16 pad;
	struct ethhdr eth;
	struct ipv6hdr ip;
};

struct dp_tuple6 {
	struct in6_addr src;
	struct in6_addr dst;
	__be16 sport;
	__be16 dport;
	__u8 proto;
};

static __always_inline int dp_parse6(struct __sk_buff *skb,
				     struct dp_head6 *h)
{
	if (dp_load(skb, 0, &h->eth, ETH_HLEN + sizeof(h->ip)))
		return DP_DROP_MALFORMED;
	if (h->ip.version != 6 ||
	    skb->len < ETH_HLEN + sizeof(h->ip) + bpf_ntohs(h->ip.payload_len))
		return DP_DROP_MALFORMED;
	return DP_DROP_NONE;
}

/* Packets with extension headers, fragments among them, are the stack's. */
static __always_inline int dp_is_plain6(const struct ipv6hdr *ip)
{
	return DP_FIXED_PORT_PROTO(ip->nexthdr) ||
	       ip->nexthdr == IPPROTO_ICMPV6;
}

static __always_inline int dp_is_link_local6(const struct in6_addr *addr)
{
	return addr->s6_addr[0] == 0xfe && (addr->s6_addr[1] & 0xc0) == 0x80;
}

static __always_inline int dp_is_unspecified6(const struct in6_addr *addr)
{
	return !(addr->s6_addr32[0] | addr->s6_addr32[1] | addr->s6_addr32[2] |
		 addr->s6_addr32[3]);
}

/* Unspecified, loopback, link-local, multicast: never forwarded. */
static __always_inline int dp_is_special6(const struct in6_addr *addr)
{
	return addr->s6_addr[0] == 0xff || dp_is_link_local6(addr) ||
	       !(addr->s6_addr32[0] | addr->s6_addr32[1] | addr->s6_addr32[2] |
		 (addr->s6_addr32[3] & bpf_htonl(0xfffffffe)));
}

static __always_inline int dp_is_control6(struct __sk_buff *skb,
					  const struct dp_head6 *h)
{
	__u8 type;

	return h->ip.nexthdr == IPPROTO_ICMPV6 &&
	       !bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(h->ip), &type, 1) &&
	       type >= DP_ND_FIRST && type <= DP_ND_LAST;
}

/* Errors are about a flow and open none. What is cut off counts as one. */
static __always_inline int dp_is_error6(struct __sk_buff *skb,
					const struct dp_head6 *h)
{
	__u8 type;

	return h->ip.nexthdr == IPPROTO_ICMPV6 &&
	       (bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(h->ip), &type, 1) ||
		type < 128);
}

static __always_inline int dp_quoted6(struct __sk_buff *skb, __u32 at,
				      struct dp_tuple6 *t)
{
	struct ipv6hdr ip;
	__be16 ports[2] = {};

	if (bpf_skb_load_bytes(skb, at, &ip, sizeof(ip)))
		return DP_DROP_MALFORMED;
	if (DP_FIXED_PORT_PROTO(ip.nexthdr) &&
	    bpf_skb_load_bytes(skb, at + sizeof(ip), ports, sizeof(ports)))
		return DP_DROP_MALFORMED;
	t->src = ip.daddr;
	t->dst = ip.saddr;
	t->sport = ports[1];
	t->dport = ports[0];
	t->proto = ip.nexthdr;
	return DP_DROP_NONE;
}

static __always_inline int dp_tuple6(struct __sk_buff *skb,
				     const struct dp_head6 *h,
				     struct dp_tuple6 *t)
{
	const __u32 l4 = ETH_HLEN + sizeof(h->ip);
	__be16 ports[2];

	t->src = h->ip.saddr;
	t->dst = h->ip.daddr;
	t->sport = 0;
	t->dport = 0;
	t->proto = h->ip.nexthdr;
	if (DP_FIXED_PORT_PROTO(t->proto)) {
		if (dp_load(skb, l4, ports, sizeof(ports)))
			return DP_DROP_MALFORMED;
		t->sport = ports[0];
		t->dport = ports[1];
		return DP_DROP_NONE;
	}
	return dp_is_error6(skb, h) ? dp_quoted6(skb, l4 + 8, t) :
				      DP_DROP_NONE;
}

static __always_inline __u32 dp_hint_of6(const struct in6_addr *pod)
{
	return bpf_ntohl(pod->s6_addr32[3] ^ pod->s6_addr32[2]);
}

static __always_inline int dp_sent_by_stack6(const struct dp_tuple6 *t)
{
	struct dp_flow6 key = { .pod_port = t->sport, .peer_port = t->dport,
				.proto = t->proto };

	if (!dp_hint(&dp_hints6, dp_hint_of6(&t->src)))
		return 0;
	__builtin_memcpy(key.pod, &t->src, 16);
	__builtin_memcpy(key.peer, &t->dst, 16);
	return !!bpf_map_lookup_elem(&dp_flows6, &key);
}

static __always_inline int dp_received_by_stack6(const struct dp_tuple6 *t)
{
	struct dp_flow6 key = { .pod_port = t->dport, .proto = t->proto };

	if (!dp_hint(&dp_hints6, dp_hint_of6(&t->dst)))
		return 0;
	__builtin_memcpy(key.pod, &t->dst, 16);
	return !!bpf_map_lookup_elem(&dp_flows6, &key);
}

/* @peer NULL: every peer. */
static __always_inline void dp_note_flow6(const struct in6_addr *pod,
					  __be16 pod_port,
					  const struct in6_addr *peer,
					  __be16 peer_port, __u8 proto)
{
	struct dp_flow6 key = { .pod_port = pod_port, .peer_port = peer_port,
				.proto = proto };
	__u8 value = 1;

	__builtin_memcpy(key.pod, pod, 16);
	if (peer)
		__builtin_memcpy(key.peer, peer, 16);
	dp_set_hint(&dp_hints6, dp_hint_of6(pod));
	if (!bpf_map_lookup_elem(&dp_flows6, &key))
		bpf_map_update_elem(&dp_flows6, &key, &value, BPF_ANY);
}

static __always_inline int dp_is_stacks6(const struct in6_addr *addr)
{
	struct dp_net6 key = { .bits = 128 };

	__builtin_memcpy(key.addr, addr, 16);
	return !!bpf_map_lookup_elem(&dp_stack6, &key);
}

static __always_inline int dp_is_vpcs6(struct __sk_buff *skb,
				       const struct dp_head6 *h)
{
	struct bpf_fib_lookup fib = {
		.family = 10, /* AF_INET6 */
		.l4_protocol = h->ip.nexthdr,
		.ifindex = skb->ifindex,
	};
	long ret;

	__builtin_memcpy(fib.ipv6_src, &h->ip.saddr, 16);
	__builtin_memcpy(fib.ipv6_dst, &h->ip.daddr, 16);
	ret = bpf_fib_lookup(skb, &fib, sizeof(fib), BPF_FIB_LOOKUP_DIRECT);
	return (ret == BPF_FIB_LKUP_RET_SUCCESS ||
		ret == BPF_FIB_LKUP_RET_NO_NEIGH) && fib.ifindex == dp_uplink;
}

/* IPv6 has no header checksum to make up for the change: where the device
 * summed the whole packet, the sum is corrected.
 */
static __always_inline int dp_age6(struct __sk_buff *skb,
				   const struct dp_head6 *h)
{
	__u8 hops = h->ip.hop_limit - 1;

	return bpf_skb_store_bytes(skb, ETH_HLEN + offsetof(struct ipv6hdr, hop_limit),
				   &hops, 1, BPF_F_RECOMPUTE_CSUM);
}

/* @from: the pod of this node that sent it; NULL for any other sender. */
static __always_inline int dp_deliver6(struct __sk_buff *skb,
				       const struct dp_head6 *h,
				       const struct dp_pod *from,
				       const struct dp_pod *to, __u32 path)
{
	__u8 macs[12];

	__builtin_memcpy(macs, to->mac, 6);
	__builtin_memcpy(macs + 6, to->host_mac, 6);
	if (bpf_skb_store_bytes(skb, 0, macs, sizeof(macs), 0) ||
	    dp_age6(skb, h))
		return dp_drop(DP_DROP_INTERNAL);
	return dp_hand_over(skb, to, path, dp_is_queued(from, to));
}

static __always_inline int dp_leave6(struct __sk_buff *skb,
				     const struct dp_head6 *h,
				     const struct dp_eni *eni)
{
	struct bpf_redir_neigh next = { .nh_family = 10 };

	if (dp_age6(skb, h))
		return dp_drop(DP_DROP_INTERNAL);
	__builtin_memcpy(next.ipv6_nh, eni->gateway6, 16);
	dp_count(&dp_paths, DP_PATH_POD_TO_VPC);
	return bpf_redirect_neigh(eni->ifindex, &next, sizeof(next), 0);
}

#endif
