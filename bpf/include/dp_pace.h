/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Limits by departure times (EDT): a packet is told when it may leave, and the
 * fair queue (sch_fq) of the link keeps it until then. The programs run before
 * the queue, on all CPUs at once, without a lock around the limit.
 */
#ifndef DP_PACE_H
#define DP_PACE_H

#include "dp_ipv4.h"
#include "dp_ipv6.h"

#define DP_NSEC_PER_SEC	1000000000ULL

static __always_inline const struct dp_limit *dp_limit4(__be32 addr)
{
	struct dp_limit_key key = {};

	key.addr[10] = 0xff;
	key.addr[11] = 0xff;
	__builtin_memcpy(key.addr + 12, &addr, 4);
	return bpf_map_lookup_elem(&dp_limits, &key);
}

static __always_inline const struct dp_limit *dp_limit6(const __u8 *addr)
{
	struct dp_limit_key key;

	__builtin_memcpy(key.addr, addr, 16);
	return bpf_map_lookup_elem(&dp_limits, &key);
}

/* Made with a pod's first packet; user space deletes it with the pod's link. */
static __always_inline struct dp_pace *dp_pace_of(const struct dp_limit *limit)
{
	const struct dp_pace fresh = {};
	__u32 link = limit->ifindex;
	struct dp_pace *pace;

	pace = bpf_map_lookup_elem(&dp_paces, &link);
	if (pace)
		return pace;
	bpf_map_update_elem(&dp_paces, &link, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&dp_paces, &link);
}

static __always_inline __u64 dp_takes(__u64 len, __u64 rate)
{
	return len * DP_NSEC_PER_SEC / rate;
}

/*
 * When a packet may leave that takes its pod @takes; 0 when that is farther
 * away than @horizon. @next: when the bytes before it have left, which it
 * moves on.
 *
 * An atomic addition is all that 5.10 has (no exchange, no result), and is
 * enough: no CPU's bytes are lost, so a pod that sends all the time gets
 * exactly its rate. Between a CPU's addition and its look at the sum others
 * may add theirs: it then sees a later time, never an earlier one. Only the
 * first packets after a pause can meet each other: of those that are added
 * between another CPU's look at a time that has passed and its writing the
 * present in its place, the bytes are not counted, once for each pause.
 *
 * A packet that is dropped has not used its pod's time. Time that a pod let
 * pass is gone: there is no burst but for the packet that finds the way free.
 */
static __always_inline __u64 dp_departure(volatile __u64 *next, __u64 takes,
					  __u64 horizon)
{
	__u64 now = bpf_ktime_get_ns();
	__u64 at = *next;

	if (at < now)
		*next = now;
	else if (at - now > horizon)
		return 0;
	__sync_fetch_and_add(next, takes);
	return *next - takes;
}

/* Never sooner than the sender's own pacing wants: TCP's times survive the
 * way out of a pod since 5.18.
 */
static __always_inline void dp_delay(struct __sk_buff *skb, __u64 until)
{
	if (skb->tstamp < until)
		skb->tstamp = until;
}

/* 0, or why it is dropped. @limit: the sender's, or NULL. */
static __always_inline int dp_pace_egress(struct __sk_buff *skb,
					  const struct dp_limit *limit)
{
	struct dp_pace *pace;
	__u64 at;

	if (!limit || !limit->egress)
		return DP_DROP_NONE;
	pace = dp_pace_of(limit);
	if (!pace)
		return DP_DROP_INTERNAL;
	at = dp_departure(&pace->egress,
			  dp_takes(skb->wire_len, limit->egress),
			  DP_EGRESS_HORIZON_NS);
	if (!at)
		return DP_DROP_EGRESS_HORIZON;
	dp_delay(skb, at);
	return DP_DROP_NONE;
}

static __always_inline __u64 dp_ingress_horizon(const struct dp_limit *limit)
{
	return DP_INGRESS_HORIZON_NS +
	       dp_takes(DP_INGRESS_HORIZON_LEN, limit->ingress);
}

/* The same of the receiver. */
static __always_inline int dp_pace_ingress(struct __sk_buff *skb,
					   const struct dp_limit *limit)
{
	struct dp_pace *pace;
	__u64 at;

	if (!limit || !limit->ingress)
		return DP_DROP_NONE;
	pace = dp_pace_of(limit);
	if (!pace)
		return DP_DROP_INTERNAL;
	at = dp_departure(&pace->ingress,
			  dp_takes(skb->wire_len, limit->ingress),
			  dp_ingress_horizon(limit));
	if (!at)
		return DP_DROP_INGRESS_HORIZON;
	dp_delay(skb, at);
	return DP_DROP_NONE;
}

/* Between two pods. What the receiver has no room for must not use the
 * sender's time: it would be lost for what the sender sends to others.
 */
static __always_inline int dp_pace_both(struct __sk_buff *skb,
					const struct dp_limit *from,
					const struct dp_limit *to)
{
	const struct dp_pace *pace;
	int reason;
	__u64 now;

	if (from && from->egress && to && to->ingress) {
		pace = dp_pace_of(to);
		now = bpf_ktime_get_ns();
		if (pace && pace->ingress > now &&
		    pace->ingress - now > dp_ingress_horizon(to))
			return DP_DROP_INGRESS_HORIZON;
	}
	reason = dp_pace_egress(skb, from);
	return reason ? reason : dp_pace_ingress(skb, to);
}

#endif
