// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * DataPathV2: what leaves by an ENI of which a pod has an egress limit. On the
 * ENI's clsact egress, before its fair queue. Tells packets of such pods when
 * they may leave, whichever way they came: bpf_redirect_neigh(), or the stack.
 * On an ENI without such a pod this is not attached.
 */
#include "dp_pace.h"

static __always_inline const struct dp_limit *
dp_sender4(struct __sk_buff *skb)
{
	__be32 addr;

	if (dp_load(skb, ETH_HLEN + offsetof(struct iphdr, saddr), &addr,
		    sizeof(addr)))
		return NULL;
	return dp_limit4(addr);
}

static __always_inline const struct dp_limit *
dp_sender6(struct __sk_buff *skb)
{
	struct in6_addr addr;

	if (dp_load(skb, ETH_HLEN + offsetof(struct ipv6hdr, saddr), &addr,
		    sizeof(addr)))
		return NULL;
	return dp_limit6(addr.s6_addr);
}

SEC("tc")
int dp_to_eni(struct __sk_buff *skb)
{
	const struct dp_limit *limit = NULL;
	int reason;

	/* Of a trunk's member ENI. */
	if (skb->vlan_present)
		return TC_ACT_UNSPEC;
	switch (skb->protocol) {
	case bpf_htons(ETH_P_IP):
		limit = dp_sender4(skb);
		break;
	case bpf_htons(ETH_P_IPV6):
		if (dp_ipv6)
			limit = dp_sender6(skb);
		break;
	}
	reason = dp_pace_egress(skb, limit);
	return reason ? dp_drop(reason) : TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
