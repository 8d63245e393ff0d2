// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * DataPathV2: what the VPC sends. On the clsact ingress of an ENI that pods
 * share. To a pod straight into it, everything else to the node's stack.
 */
#include "dp_fast.h"

static __always_inline int dp_from_eni4(struct __sk_buff *skb)
{
	const struct dp_pod *to;
	struct dp_tuple4 t;
	struct dp_head4 h;
	int verdict, strange = 0;

	verdict = dp_fast4(skb, 0, DP_PATH_VPC_TO_POD, &strange);
	if (verdict != DP_THOROUGH)
		return verdict;
	/* What is malformed is the stack's to drop and to count: it came from
	 * outside, and may not be for a pod at all.
	 */
	if (dp_parse4(skb, &h))
		return dp_to_stack(DP_PATH_STACK_HEADER);
	to = strange ? NULL : bpf_map_lookup_elem(&dp_pods4, &h.ip.daddr);
	if (!to)
		return dp_to_stack(DP_PATH_STACK_NODE);
	if (dp_is_fragment4(&h.ip))
		return dp_to_stack(DP_PATH_STACK_FRAGMENT);
	if (!dp_is_plain4(&h.ip) || dp_tuple4(skb, &h, &t))
		return dp_to_stack(DP_PATH_STACK_HEADER);
	if (h.ip.ttl <= 1)
		return dp_to_stack(DP_PATH_STACK_TTL);
	if (dp_received_by_stack4(&t))
		return dp_to_stack(DP_PATH_STACK_FLOW);
	if (dp_too_big(skb, ETH_HLEN + sizeof(h.ip), h.ip.protocol, to->mtu))
		return dp_to_stack(DP_PATH_STACK_MTU);
	return dp_deliver4(skb, &h, NULL, to, DP_PATH_VPC_TO_POD);
}

static __always_inline int dp_from_eni6(struct __sk_buff *skb)
{
	const struct dp_pod *to;
	struct dp_tuple6 t;
	struct dp_head6 h;
	int verdict, strange = 0;

	verdict = dp_fast6(skb, 0, DP_PATH_VPC_TO_POD, &strange);
	if (verdict != DP_THOROUGH)
		return verdict;
	if (dp_parse6(skb, &h))
		return dp_to_stack(DP_PATH_STACK_HEADER);
	to = strange ? NULL : bpf_map_lookup_elem(&dp_pods6, &h.ip.daddr);
	if (!to)
		return dp_to_stack(DP_PATH_STACK_NODE);
	/* The gateway asks who has a pod's address: the node answers. */
	if (dp_is_control6(skb, &h))
		return dp_to_stack(DP_PATH_STACK_CONTROL);
	if (!dp_is_plain6(&h.ip) || dp_tuple6(skb, &h, &t))
		return dp_to_stack(DP_PATH_STACK_HEADER);
	if (h.ip.hop_limit <= 1)
		return dp_to_stack(DP_PATH_STACK_TTL);
	if (dp_received_by_stack6(&t))
		return dp_to_stack(DP_PATH_STACK_FLOW);
	if (dp_too_big(skb, ETH_HLEN + sizeof(h.ip), h.ip.nexthdr, to->mtu))
		return dp_to_stack(DP_PATH_STACK_MTU);
	return dp_deliver6(skb, &h, NULL, to, DP_PATH_VPC_TO_POD);
}

SEC("tc")
int dp_from_eni(struct __sk_buff *skb)
{
	/* Of a trunk's member ENI. */
	if (skb->vlan_present)
		return dp_to_stack(DP_PATH_STACK_NODE);
	switch (skb->protocol) {
	case bpf_htons(ETH_P_IP):
		return dp_from_eni4(skb);
	case bpf_htons(ETH_P_IPV6):
		if (dp_ipv6)
			return dp_from_eni6(skb);
		return dp_to_stack(DP_PATH_STACK_FAMILY);
	}
	return dp_to_stack(DP_PATH_STACK_CONTROL);
}

char LICENSE[] SEC("license") = "GPL";
