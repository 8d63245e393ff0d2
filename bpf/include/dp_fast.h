/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The common case, in place: a plain TCP or UDP packet to a pod of this node
 * that nothing else has a claim to. Whatever differs from that in any respect
 * is left to the thorough path, which repeats every check and knows why.
 *
 * A program that writes to the packet gets a prologue from the kernel, which
 * makes the linear part of a cloned packet its own. TCP's clones leave their
 * headers to whoever has the packet: nothing is copied.
 */
#ifndef DP_FAST_H
#define DP_FAST_H

#include "dp_ipv4.h"
#include "dp_ipv6.h"

/* No verdict: the thorough path decides. */
#define DP_THOROUGH	(-2)

#define dp_unlikely(x)	__builtin_expect(!!(x), 0)

static __always_inline int dp_is_ported(__u8 proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP;
}

static __always_inline void dp_write_macs(struct ethhdr *eth,
					  const struct dp_pod *to)
{
	__u16 *half = (__u16 *)eth;
	const __u16 *dest = (const __u16 *)to->mac;
	const __u16 *source = (const __u16 *)to->host_mac;

	half[0] = dest[0];
	half[1] = dest[1];
	half[2] = dest[2];
	half[3] = source[0];
	half[4] = source[1];
	half[5] = source[2];
}

/* A sender on the link that the packet came from. One with a limit is not
 * served here: its packets take the way through a queue.
 */
static __always_inline int dp_is_sender(const struct dp_pod *from,
					const struct __sk_buff *skb,
					const struct ethhdr *eth)
{
	return from && from->ifindex == skb->ifindex &&
	       !(from->flags & DP_POD_PACED) &&
	       dp_same_mac(eth->h_source, from->mac);
}

static __always_inline void dp_copy_mac(__u8 *to, const __u8 *from)
{
	__u16 *x = (__u16 *)to;
	const __u16 *y = (const __u16 *)from;

	x[0] = y[0];
	x[1] = y[1];
	x[2] = y[2];
}

static __always_inline __u64 dp_mac_word(const __u8 *mac)
{
	const __u16 *half = (const __u16 *)mac;

	return (__u64)half[0] << 16 | (__u64)half[1] << 32 |
	       (__u64)half[2] << 48;
}

/* Whether the link's pod may send so: asked for most packets, and answered
 * without dp_pods* for all but the first.
 */
static __always_inline int dp_may_send4(struct __sk_buff *skb,
					const struct ethhdr *eth,
					const struct iphdr *ip)
{
	__u32 link = skb->ifindex, slot = link & (DP_SENDERS - 1);
	struct dp_sender4 *known = bpf_map_lookup_elem(&dp_senders4, &slot);
	__u64 who = (__u64)link << 32 | ip->saddr;
	__u64 mac = dp_mac_word(eth->h_source) | (__u16)(link / DP_SENDERS);

	if (!known)
		return 0;
	if (known->who == who && known->mac == mac)
		return 1;
	if (!dp_is_sender(bpf_map_lookup_elem(&dp_pods4, &ip->saddr), skb, eth))
		return 0;
	*(volatile __u64 *)&known->who = who;
	*(volatile __u64 *)&known->mac = mac;
	return 1;
}

static __always_inline int dp_may_send6(struct __sk_buff *skb,
					const struct ethhdr *eth,
					const struct ipv6hdr *ip)
{
	__u32 slot = skb->ifindex & (DP_SENDERS - 1);
	struct dp_sender6 *known = bpf_map_lookup_elem(&dp_senders6, &slot);
	const __u32 *source = ip->saddr.s6_addr32;
	__u32 *addr;

	if (!known)
		return 0;
	addr = (__u32 *)known->addr;
	if (addr[3] == source[3] && addr[2] == source[2] &&
	    addr[1] == source[1] && addr[0] == source[0] &&
	    known->ifindex == skb->ifindex &&
	    dp_same_mac(eth->h_source, known->mac))
		return 1;
	if (!dp_is_sender(bpf_map_lookup_elem(&dp_pods6, &ip->saddr), skb, eth))
		return 0;
	known->ifindex = skb->ifindex;
	addr[0] = source[0];
	addr[1] = source[1];
	addr[2] = source[2];
	addr[3] = source[3];
	dp_copy_mac(known->mac, eth->h_source);
	return 1;
}

/*
 * @verify: whether the sender is a pod, and has to be one of this link.
 * @strange: set when the destination is no pod of this node.
 */
static __always_inline int dp_fast4(struct __sk_buff *skb, const int verify,
				    __u32 path, int *strange)
{
	const __u32 l4 = ETH_HLEN + sizeof(struct iphdr);
	void *data = (void *)(long)skb->data;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + ETH_HLEN;
	const struct dp_pod *to;
	__u32 len;

	if (dp_unlikely(data + l4 + 4 > (void *)(long)skb->data_end))
		return DP_THOROUGH;
	len = bpf_ntohs(ip->tot_len);
	if (dp_unlikely(*(__u8 *)ip != 0x45 || len < sizeof(*ip) + 4 ||
			skb->len < ETH_HLEN + len || ip->ttl <= 1 ||
			ip->frag_off & bpf_htons(DP_IP_FRAGMENT) ||
			!dp_is_ported(ip->protocol)))
		return DP_THOROUGH;
	to = bpf_map_lookup_elem(&dp_pods4, &ip->daddr);
	if (!to) {
		*strange = 1;
		return DP_THOROUGH;
	}
	if (dp_unlikely(verify && !dp_may_send4(skb, eth, ip)))
		return DP_THOROUGH;
	if ((verify && dp_hint(&dp_hints4, dp_hint_of4(ip->saddr))) ||
	    dp_hint(&dp_hints4, dp_hint_of4(ip->daddr)) ||
	    dp_too_big(skb, l4, ip->protocol, to->mtu))
		return DP_THOROUGH;
	dp_write_macs(eth, to);
	dp_age4(ip);
	return dp_enter_pod(skb, to, path);
}

static __always_inline int dp_fast6(struct __sk_buff *skb, const int verify,
				    __u32 path, int *strange)
{
	const __u32 l4 = ETH_HLEN + sizeof(struct ipv6hdr);
	void *data = (void *)(long)skb->data;
	struct ethhdr *eth = data;
	struct ipv6hdr *ip = data + ETH_HLEN;
	const struct dp_pod *to;

	if (dp_unlikely(data + l4 + 4 > (void *)(long)skb->data_end))
		return DP_THOROUGH;
	if (dp_unlikely((*(__u8 *)ip & 0xf0) != 0x60 || ip->hop_limit <= 1 ||
			skb->len < l4 + bpf_ntohs(ip->payload_len) ||
			!dp_is_ported(ip->nexthdr)))
		return DP_THOROUGH;
	to = bpf_map_lookup_elem(&dp_pods6, &ip->daddr);
	if (!to) {
		*strange = 1;
		return DP_THOROUGH;
	}
	if (dp_unlikely(verify && !dp_may_send6(skb, eth, ip)))
		return DP_THOROUGH;
	if ((verify && dp_hint(&dp_hints6, dp_hint_of6(&ip->saddr))) ||
	    dp_hint(&dp_hints6, dp_hint_of6(&ip->daddr)) ||
	    dp_too_big(skb, l4, ip->nexthdr, to->mtu))
		return DP_THOROUGH;
	dp_write_macs(eth, to);
	ip->hop_limit--;
	/* No header checksum makes up for it: where the device summed the
	 * whole packet, its sum is corrected. Elsewhere this does nothing.
	 */
	bpf_csum_update(skb, ~(__u32)bpf_htons(1));
	return dp_enter_pod(skb, to, path);
}

#endif
