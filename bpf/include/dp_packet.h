/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What both address families share: verdicts, headers, sizes.
 *
 * Headers are copied out, in place where they are in the linear part (they
 * nearly always are) and else with bpf_skb_load_bytes(), and written back with
 * bpf_skb_store_bytes(): that works on non-linear packets, leaves GSO and
 * partial checksums alone, and does not copy the data of clones.
 */
#ifndef DP_PACKET_H
#define DP_PACKET_H

#include <stddef.h>
#include <linux/in6.h>

#include "dp_maps.h"

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>

/* On what goes to a pod through the queueing discipline of its link; the mark
 * ends at dp_to_pod, and no pod can set one: it does not survive the veth.
 */
#define DP_MARK_SHAPED	0x7e570001

#define DP_FIXED_PORT_PROTO(proto)					\
	((proto) == IPPROTO_TCP || (proto) == IPPROTO_UDP ||		\
	 (proto) == IPPROTO_SCTP)

static __always_inline void dp_count(void *counters, __u32 what)
{
	__u64 *value = bpf_map_lookup_elem(counters, &what);

	if (value)
		*value += 1;
}

static __always_inline int dp_drop(__u32 reason)
{
	dp_count(&dp_drops, reason);
	return TC_ACT_SHOT;
}

/* Other filters of the link, and then the node's stack, go on with it. */
static __always_inline int dp_to_stack(__u32 why)
{
	dp_count(&dp_paths, why);
	return TC_ACT_UNSPEC;
}

/* Addresses lie on even addresses everywhere here. */
static __always_inline int dp_same_mac(const __u8 *a, const __u8 *b)
{
	const __u16 *x = (const __u16 *)a, *y = (const __u16 *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]));
}

/*
 * @len bytes from @at on; @at, @len and @to are even. In half words: that is
 * how a header behind an Ethernet header is aligned for certain.
 */
static __always_inline int dp_load(struct __sk_buff *skb, const __u32 at,
				   void *to, const __u32 len)
{
	const __u16 *from = (void *)(long)skb->data + at;
	__u16 *half = to;
	__u32 i;

	if ((void *)from + len > (void *)(long)skb->data_end)
		return bpf_skb_load_bytes(skb, at, to, len) != 0;
#pragma unroll
	for (i = 0; i < len / 2; i++)
		half[i] = from[i];
	return 0;
}

static __always_inline __u8 *dp_flag(void *hints, __u32 which)
{
	__u32 row = which / DP_HINT_ROW & (DP_HINTS / DP_HINT_ROW - 1);
	struct dp_hints *found = bpf_map_lookup_elem(hints, &row);

	return found ? &found->flag[which & (DP_HINT_ROW - 1)] : NULL;
}

static __always_inline int dp_hint(void *hints, __u32 which)
{
	const __u8 *flag = dp_flag(hints, which);

	return flag && *flag;
}

/* Before the flow is noted: whoever misses the hint misses the flow. */
static __always_inline void dp_set_hint(void *hints, __u32 which)
{
	__u8 *flag = dp_flag(hints, which);

	if (flag && !*flag)
		*flag = 1;
}

/*
 * Whether a packet, or the segments that a GSO packet will become, is longer
 * than @mtu; the stack then answers, or fragments. @l4 is the offset of the
 * transport header. bpf_check_mtu() came with 5.12 only.
 */
static __always_inline int dp_too_big(struct __sk_buff *skb, __u32 l4,
				      __u8 proto, __u32 mtu)
{
	__u32 header = l4 - ETH_HLEN;
	__u8 doff;

	if (skb->len - ETH_HLEN <= mtu)
		return 0;
	if (!skb->gso_size)
		return 1;
	if (proto == IPPROTO_TCP) {
		if (bpf_skb_load_bytes(skb, l4 + 12, &doff, 1))
			return 1;
		header += (doff >> 4) * 4;
	} else {
		header += 8;
	}
	return header + skb->gso_size > mtu;
}

/*
 * Whether a packet may be the first of its flow. What a TCP server answers
 * (to a probe of the node, say) is not: else its port would be taken for that
 * of a client whose peer the stack has translated. Of other protocols the
 * answers are known by the flow that dp_to_pod noted.
 */
static __always_inline int dp_opens(struct __sk_buff *skb, __u32 l4,
				    __u8 proto)
{
	__u8 flags;

	if (proto != IPPROTO_TCP)
		return 1;
	return !bpf_skb_load_bytes(skb, l4 + 13, &flags, 1) &&
	       (flags & 0x12) == 0x02;	/* SYN, no ACK */
}

/* Hands a packet over that has its new headers already; @queued: by way of
 * the queueing discipline of the pod's link.
 */
static __always_inline int dp_hand_over(struct __sk_buff *skb,
					const struct dp_pod *to, __u32 path,
					int queued)
{
	dp_count(&dp_paths, path);
	if (queued) {
		skb->mark = DP_MARK_SHAPED;
		return bpf_redirect(to->ifindex, 0);
	}
	return bpf_redirect_peer(to->ifindex, 0);
}

/* From a sender without a limit. */
static __always_inline int dp_enter_pod(struct __sk_buff *skb,
					const struct dp_pod *to, __u32 path)
{
	return dp_hand_over(skb, to, path, to->flags & DP_POD_SHAPED);
}

/* Whether a packet needs the queue for its sender's sake or its receiver's.
 * @from: NULL for one that is no pod of this node.
 */
static __always_inline int dp_is_queued(const struct dp_pod *from,
					const struct dp_pod *to)
{
	return to->flags & DP_POD_SHAPED ||
	       (from && from->flags & DP_POD_PACED);
}

static __always_inline const struct dp_eni *dp_eni_of(const struct dp_pod *pod)
{
	struct dp_eni_key key = {};

	__builtin_memcpy(key.mac, pod->eni_mac, 6);
	return bpf_map_lookup_elem(&dp_enis, &key);
}

#endif
