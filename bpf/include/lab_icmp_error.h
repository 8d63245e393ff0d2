/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * ICMP errors from the vSwitch's gateway: "fragmentation needed" for path MTU
 * discovery, "time exceeded" for traceroute. The packet becomes its answer.
 */
#ifndef LAB_ICMP_ERROR_H
#define LAB_ICMP_ERROR_H

#include "lab_neighbour.h"

struct lab_icmp_header {
	__u8 type;
	__u8 code;
	__sum16 checksum;
	__be16 unused;
	__be16 mtu;
};

struct lab_icmp_error {
	struct iphdr ip;
	struct lab_icmp_header icmp;
	__u8 quoted[28];
};

struct lab_icmp6_error {
	struct ipv6hdr ip;
	__u8 type;
	__u8 code;
	__sum16 checksum;
	__be32 mtu;
	__u8 quoted[48];
};

/* What the error @p is about, turned to the direction that @p travels. */
static __always_inline int lab_quoted_flow(struct __sk_buff *skb,
					   const struct lab_packet *p,
					   struct lab_tuple *flow)
{
	struct ipv6hdr ip6;
	struct iphdr ip;
	__u32 l4;
	__be16 ports[4] = {};

	if (p->tuple.proto == IPPROTO_ICMP) {
		if (bpf_skb_load_bytes(skb, p->l4 + 8, &ip, sizeof(ip)) ||
		    ip.ihl < 5)
			return -1;
		lab_map_ipv4(flow->src, ip.daddr);
		lab_map_ipv4(flow->dst, ip.saddr);
		flow->proto = ip.protocol;
		l4 = p->l4 + 8 + ip.ihl * 4;
	} else {
		if (bpf_skb_load_bytes(skb, p->l4 + 8, &ip6, sizeof(ip6)))
			return -1;
		__builtin_memcpy(flow->src, &ip6.daddr, 16);
		__builtin_memcpy(flow->dst, &ip6.saddr, 16);
		flow->proto = ip6.nexthdr;
		l4 = p->l4 + 8 + sizeof(ip6);
	}
	if (bpf_skb_load_bytes(skb, l4, ports, 8))
		return -1;
	if (flow->proto == IPPROTO_TCP || flow->proto == IPPROTO_UDP) {
		flow->sport = ports[1];
		flow->dport = ports[0];
	} else if (flow->proto == IPPROTO_ICMP ||
		   flow->proto == IPPROTO_ICMPV6) {
		flow->sport = ports[2];
		flow->dport = ports[2];
	}
	return 0;
}

static __noinline int lab_icmp_error_v4(struct __sk_buff *skb,
					const struct lab_packet *p,
					const struct lab_eni *sender,
					__u32 type_code, __u32 mtu)
{
	struct lab_icmp_error e = {};
	__s64 csum;

	/* Headers with options are not worth the code: no answer to those,
	 * nor to errors and later fragments (RFC 1122 3.2.2).
	 */
	if (p->l4 != ETH_HLEN + sizeof(struct iphdr) || p->icmp_error ||
	    p->later_fragment)
		return -1;
	if (bpf_skb_load_bytes(skb, ETH_HLEN, e.quoted, sizeof(e.quoted)))
		return -1;
	e.ip.version = 4;
	e.ip.ihl = 5;
	e.ip.tot_len = bpf_htons(sizeof(e));
	e.ip.ttl = 64;
	e.ip.protocol = IPPROTO_ICMP;
	__builtin_memcpy(&e.ip.saddr, sender->gateway + 12, 4);
	__builtin_memcpy(&e.ip.daddr, p->tuple.src + 12, 4);
	csum = bpf_csum_diff(NULL, 0, (__be32 *)&e.ip, sizeof(e.ip), 0);
	e.ip.check = lab_fold(csum);
	e.icmp.type = type_code >> 8;
	e.icmp.code = type_code & 0xff;
	e.icmp.mtu = bpf_htons(mtu);
	csum = bpf_csum_diff(NULL, 0, (__be32 *)&e.icmp,
			     sizeof(e.icmp) + sizeof(e.quoted), 0);
	e.icmp.checksum = lab_fold(csum);

	if (bpf_skb_change_tail(skb, ETH_HLEN + sizeof(e), 0) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN, &e, sizeof(e), 0) ||
	    lab_reflect(skb, p))
		return -1;
	lab_count(LAB_COUNT_ICMP_ERROR);
	return 0;
}

static __noinline int lab_icmp_error_v6(struct __sk_buff *skb,
					const struct lab_packet *p,
					const struct lab_eni *sender,
					__u32 type, __u32 mtu)
{
	struct lab_icmp6_error e = {};
	__be32 pseudo[2];
	__s64 csum;

	/* No answer to errors, nor to packets with further headers: a fragment
	 * would do for one (RFC 4443 2.4), but nobody needs it.
	 */
	if (p->l4 != ETH_HLEN + sizeof(struct ipv6hdr) || p->icmp_error ||
	    lab_is_unspecified(sender->gateway6))
		return -1;
	if (bpf_skb_load_bytes(skb, ETH_HLEN, e.quoted, sizeof(e.quoted)))
		return -1;
	e.ip.version = 6;
	e.ip.payload_len = bpf_htons(sizeof(e) - sizeof(e.ip));
	e.ip.nexthdr = IPPROTO_ICMPV6;
	e.ip.hop_limit = 64;
	__builtin_memcpy(&e.ip.saddr, sender->gateway6, 16);
	__builtin_memcpy(&e.ip.daddr, p->tuple.src, 16);
	e.type = type;
	e.mtu = bpf_htonl(mtu);
	pseudo[0] = bpf_htonl(sizeof(e) - sizeof(e.ip));
	pseudo[1] = bpf_htonl(IPPROTO_ICMPV6);
	csum = bpf_csum_diff(NULL, 0, pseudo, sizeof(pseudo), 0);
	/* Both addresses, and all that follows them. */
	csum = bpf_csum_diff(NULL, 0, (__be32 *)&e.ip.saddr, sizeof(e) - 8,
			     csum);
	e.checksum = lab_fold(csum);

	if (bpf_skb_change_tail(skb, ETH_HLEN + sizeof(e), 0) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN, &e, sizeof(e), 0) ||
	    lab_reflect(skb, p))
		return -1;
	lab_count(LAB_COUNT_ICMP_ERROR);
	return 0;
}

#endif
