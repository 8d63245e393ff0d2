// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * DataPathV2: what the node's stack sends to a pod. On the clsact egress of
 * the host's end of its veth. Lets everything through, and remembers the
 * flow: the stack may have translated it (a NodePort, say), so the pod's
 * answers must not go past the stack.
 */
#include "dp_ipv4.h"
#include "dp_ipv6.h"

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

SEC("tc")
int dp_to_pod(struct __sk_buff *skb)
{
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
