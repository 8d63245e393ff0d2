// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * DataPathV2: what a pod sends. On the clsact ingress of the host's end of
 * its veth. Verifies who sent it; then to a pod of this node straight into
 * that pod, to the VPC straight out by the pod's own ENI, and everything else
 * to the node's stack, which knows the same ways by rules and routes.
 */
#include "dp_fast.h"

struct dp_arp {
	__be16 hardware;
	__be16 protocol;
	__u8 hardware_len;
	__u8 protocol_len;
	__be16 operation;
	__u8 sender_mac[6];
	__u8 sender_ip[4];
} __attribute__((packed, aligned(2)));

/* A pod has its gateway's address by heart; what it may ask or tell is about
 * itself.
 */
static __always_inline int dp_from_pod_arp(struct __sk_buff *skb)
{
	const struct dp_pod *from;
	struct dp_arp arp;
	__be32 ip;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &arp, sizeof(arp)))
		return dp_drop(DP_DROP_MALFORMED);
	__builtin_memcpy(&ip, arp.sender_ip, 4);
	/* A probe whether an address is free has no sender. */
	if (ip) {
		from = bpf_map_lookup_elem(&dp_pods4, &ip);
		if (!from || from->ifindex != skb->ifindex ||
		    !dp_same_mac(arp.sender_mac, from->mac))
			return dp_drop(DP_DROP_SPOOFED_ARP);
	}
	return dp_to_stack(DP_PATH_STACK_CONTROL);
}

static __always_inline int dp_from_pod4(struct __sk_buff *skb)
{
	const __u32 l4 = ETH_HLEN + sizeof(struct iphdr);
	const struct dp_pod *from, *to;
	const struct dp_eni *eni;
	struct dp_tuple4 t;
	struct dp_head4 h;
	int verdict, reason, strange = 0;

	verdict = dp_fast4(skb, 1, DP_PATH_POD_TO_POD, &strange);
	if (verdict != DP_THOROUGH)
		return verdict;
	reason = dp_parse4(skb, &h);
	if (reason)
		return dp_drop(reason);
	from = bpf_map_lookup_elem(&dp_pods4, &h.ip.saddr);
	if (!from || from->ifindex != skb->ifindex)
		return dp_drop(DP_DROP_SPOOFED_SOURCE);
	if (!dp_same_mac(h.eth.h_source, from->mac))
		return dp_drop(DP_DROP_SPOOFED_MAC);

	/* Later fragments have no ports: whether their flow is the stack's
	 * cannot be told, so all of them are.
	 */
	if (dp_is_fragment4(&h.ip))
		return dp_to_stack(DP_PATH_STACK_FRAGMENT);
	if (!dp_is_plain4(&h.ip))
		return dp_to_stack(DP_PATH_STACK_HEADER);
	if (dp_is_special4(h.ip.daddr))
		return dp_to_stack(DP_PATH_STACK_CONTROL);
	if (h.ip.ttl <= 1)
		return dp_to_stack(DP_PATH_STACK_TTL);
	reason = dp_tuple4(skb, &h, &t);
	if (reason)
		return dp_drop(reason);
	if (dp_sent_by_stack4(&t))
		return dp_to_stack(DP_PATH_STACK_FLOW);

	to = strange ? NULL : bpf_map_lookup_elem(&dp_pods4, &h.ip.daddr);
	if (to) {
		if (dp_received_by_stack4(&t))
			return dp_to_stack(DP_PATH_STACK_FLOW);
		if (dp_too_big(skb, l4, h.ip.protocol, to->mtu))
			return dp_to_stack(DP_PATH_STACK_MTU);
		return dp_deliver4(skb, &h, from, to, DP_PATH_POD_TO_POD);
	}
	if (dp_is_stacks4(h.ip.daddr)) {
		/* The stack may choose another destination, whose answers
		 * have to come back through it.
		 */
		if (dp_opens(skb, l4, h.ip.protocol) && !dp_is_error4(skb, &h))
			dp_note_flow4(t.src, t.sport, 0, 0, t.proto);
		return dp_to_stack(DP_PATH_STACK_CIDR);
	}
	eni = dp_eni_of(from);
	if (!eni || !eni->gateway4)
		return dp_to_stack(DP_PATH_STACK_ENI);
	if (dp_too_big(skb, l4, h.ip.protocol, eni->mtu))
		return dp_to_stack(DP_PATH_STACK_MTU);
	if (!dp_is_vpcs4(skb, &h))
		return dp_to_stack(DP_PATH_STACK_ROUTE);
	return dp_leave4(skb, &h, eni);
}

static __always_inline int dp_from_pod6(struct __sk_buff *skb)
{
	const __u32 l4 = ETH_HLEN + sizeof(struct ipv6hdr);
	const struct dp_pod *from, *to;
	const struct dp_eni *eni;
	struct dp_tuple6 t;
	struct dp_head6 h;
	int verdict, reason, strange = 0;

	verdict = dp_fast6(skb, 1, DP_PATH_POD_TO_POD, &strange);
	if (verdict != DP_THOROUGH)
		return verdict;
	reason = dp_parse6(skb, &h);
	if (reason)
		return dp_drop(reason);
	/* Duplicate address detection, and the link's own addresses: those
	 * get no further than the node, which ignores claims to what it has
	 * permanent entries for.
	 */
	if (dp_is_unspecified6(&h.ip.saddr) || dp_is_link_local6(&h.ip.saddr)) {
		if (dp_is_special6(&h.ip.daddr))
			return dp_to_stack(DP_PATH_STACK_CONTROL);
		return dp_drop(DP_DROP_SPOOFED_SOURCE);
	}
	from = bpf_map_lookup_elem(&dp_pods6, &h.ip.saddr);
	if (!from || from->ifindex != skb->ifindex)
		return dp_drop(DP_DROP_SPOOFED_SOURCE);
	if (!dp_same_mac(h.eth.h_source, from->mac))
		return dp_drop(DP_DROP_SPOOFED_MAC);

	if (dp_is_special6(&h.ip.daddr) || dp_is_control6(skb, &h))
		return dp_to_stack(DP_PATH_STACK_CONTROL);
	if (!dp_is_plain6(&h.ip))
		return dp_to_stack(DP_PATH_STACK_HEADER);
	if (h.ip.hop_limit <= 1)
		return dp_to_stack(DP_PATH_STACK_TTL);
	reason = dp_tuple6(skb, &h, &t);
	if (reason)
		return dp_drop(reason);
	if (dp_sent_by_stack6(&t))
		return dp_to_stack(DP_PATH_STACK_FLOW);

	to = strange ? NULL : bpf_map_lookup_elem(&dp_pods6, &h.ip.daddr);
	if (to) {
		if (dp_received_by_stack6(&t))
			return dp_to_stack(DP_PATH_STACK_FLOW);
		if (dp_too_big(skb, l4, h.ip.nexthdr, to->mtu))
			return dp_to_stack(DP_PATH_STACK_MTU);
		return dp_deliver6(skb, &h, from, to, DP_PATH_POD_TO_POD);
	}
	if (dp_is_stacks6(&h.ip.daddr)) {
		if (dp_opens(skb, l4, h.ip.nexthdr) && !dp_is_error6(skb, &h))
			dp_note_flow6(&t.src, t.sport, NULL, 0, t.proto);
		return dp_to_stack(DP_PATH_STACK_CIDR);
	}
	eni = dp_eni_of(from);
	if (!eni || !eni->gateway6[0])
		return dp_to_stack(DP_PATH_STACK_ENI);
	if (dp_too_big(skb, l4, h.ip.nexthdr, eni->mtu))
		return dp_to_stack(DP_PATH_STACK_MTU);
	if (!dp_is_vpcs6(skb, &h))
		return dp_to_stack(DP_PATH_STACK_ROUTE);
	return dp_leave6(skb, &h, eni);
}

SEC("tc")
int dp_from_pod(struct __sk_buff *skb)
{
	if (skb->vlan_present)
		return dp_drop(DP_DROP_VLAN);
	switch (skb->protocol) {
	case bpf_htons(ETH_P_IP):
		return dp_from_pod4(skb);
	case bpf_htons(ETH_P_IPV6):
		if (dp_ipv6)
			return dp_from_pod6(skb);
		/* What a stack sends by itself as soon as a link is up: there
		 * is nobody to forward it to.
		 */
		return dp_to_stack(DP_PATH_STACK_FAMILY);
	case bpf_htons(ETH_P_ARP):
		return dp_from_pod_arp(skb);
	case bpf_htons(ETH_P_8021Q):
	case bpf_htons(ETH_P_8021AD):
		return dp_drop(DP_DROP_VLAN);
	}
	return dp_drop(DP_DROP_PROTOCOL);
}

char LICENSE[] SEC("license") = "GPL";
