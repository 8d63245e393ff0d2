// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * DataPathV2: what goes to a pod through the queue of its link. On the clsact
 * egress of the host's end of its veth. What the node's stack sends is let
 * through and its flow remembered: the stack may have translated it (a
 * NodePort, say), so the pod's answers must not go past the stack.
 *
 * Whatever comes by here gets its departure time, by the limit of the pod that
 * sent it (what goes to another pod of the node never sees an ENI) and by that
 * of the pod that gets it. What one pod of the node sends to another without
 * either of them having a limit goes past this and past the queue.
 */
#include "dp_pace.h"

static __always_inline void dp_to_pod4(struct __sk_buff *skb)
{
	struct dp_tuple4 t;
	struct dp_head4 h;

	if (dp_parse4(skb, &h) || dp_is_fragment4(&h.ip) ||
	    !dp_is_plain4(&h.ip))
		return;
	/* Answers to the node's own addresses go to the stack by themselves,
	 * and those of TCP are not taken for questions, see dp_opens().
	 */
	if (h.ip.protocol == IPPROTO_TCP && dp_is_stacks4(h.ip.saddr))
		return;
	if (dp_is_error4(skb, &h) || dp_tuple4(skb, &h, &t))
		return;
	dp_note_flow4(t.dst, t.dport, t.src, t.sport, t.proto);
}

/* What it is counted as: a link reports its groups and asks for neighbours by
 * itself, which nobody sent to the pod.
 */
static __always_inline int dp_to_pod6(struct __sk_buff *skb)
{
	struct dp_tuple6 t;
	struct dp_head6 h;

	if (dp_parse6(skb, &h))
		return DP_PATH_STACK_TO_POD;
	if (dp_is_special6(&h.ip.daddr) || dp_is_control6(skb, &h))
		return DP_PATH_STACK_CONTROL;
	if (!dp_is_plain6(&h.ip) || dp_is_special6(&h.ip.saddr) ||
	    (h.ip.nexthdr == IPPROTO_TCP && dp_is_stacks6(&h.ip.saddr)) ||
	    dp_is_error6(skb, &h))
		return DP_PATH_STACK_TO_POD;
	if (!dp_tuple6(skb, &h, &t))
		dp_note_flow6(&t.dst, t.dport, &t.src, t.sport, t.proto);
	return DP_PATH_STACK_TO_POD;
}

/* 0, or why it is dropped. */
static __always_inline int dp_pace_to_pod4(struct __sk_buff *skb)
{
	__be32 addrs[2];	/* source and destination */

	if (dp_load(skb, ETH_HLEN + offsetof(struct iphdr, saddr), addrs,
		    sizeof(addrs)))
		return DP_DROP_NONE;
	return dp_pace_both(skb, dp_limit4(addrs[0]), dp_limit4(addrs[1]));
}

static __always_inline int dp_pace_to_pod6(struct __sk_buff *skb)
{
	struct in6_addr addrs[2];

	if (dp_load(skb, ETH_HLEN + offsetof(struct ipv6hdr, saddr), addrs,
		    sizeof(addrs)))
		return DP_DROP_NONE;
	return dp_pace_both(skb, dp_limit6(addrs[0].s6_addr),
			    dp_limit6(addrs[1].s6_addr));
}

static __always_inline int dp_pace_to_pod(struct __sk_buff *skb)
{
	switch (skb->protocol) {
	case bpf_htons(ETH_P_IP):
		return dp_pace_to_pod4(skb);
	case bpf_htons(ETH_P_IPV6):
		return dp_ipv6 ? dp_pace_to_pod6(skb) : DP_DROP_NONE;
	}
	return DP_DROP_NONE;
}

SEC("tc")
int dp_to_pod(struct __sk_buff *skb)
{
	int reason = dp_pace_to_pod(skb);

	if (reason)
		return dp_drop(reason);
	if (skb->mark == DP_MARK_SHAPED) {
		/* From a program of this datapath, only by way of the queue. */
		skb->mark = 0;
		return TC_ACT_UNSPEC;
	}
	switch (skb->protocol) {
	case bpf_htons(ETH_P_IP):
		dp_to_pod4(skb);
		return dp_to_stack(DP_PATH_STACK_TO_POD);
	case bpf_htons(ETH_P_IPV6):
		if (!dp_ipv6)
			break;
		return dp_to_stack(dp_to_pod6(skb));
	}
	/* What the link says by itself: ARP, and IPv6 that nobody asked for. */
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
