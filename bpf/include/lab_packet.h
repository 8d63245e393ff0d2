/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Parsing. Headers are copied out with bpf_skb_load_bytes() and written back
 * with bpf_skb_store_bytes(): that works on non-linear packets, and leaves
 * GSO and partial checksums as they are.
 */
#ifndef LAB_PACKET_H
#define LAB_PACKET_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>

#include "lab_maps.h"

/* <linux/icmp.h> and <linux/if_arp.h> pull in the C library. */
#define LAB_ICMP_UNREACHABLE	3
#define LAB_ICMP_FRAG_NEEDED	4
#define LAB_ICMP_TIME_EXCEEDED	11
#define LAB_ICMP_PARAMETER	12

#define LAB_ICMP6_TOO_BIG	2
#define LAB_ICMP6_TIME_EXCEEDED	3

#define LAB_IPV6_FRAGMENT	44
#define LAB_IPV6_OFFSET	0xfff8

#define LAB_IP_MF	0x2000
#define LAB_IP_DF	0x4000
#define LAB_IP_OFFSET	0x1fff

/* Who talks to whom, as connection tracking sees it. */
struct lab_tuple {
	__u8 src[16];
	__u8 dst[16];
	__be16 sport;
	__be16 dport;
	__u8 proto;
};

struct lab_packet {
	struct ethhdr eth;
	struct lab_tuple tuple;
	__u16 ether_type;	/* host order */
	__u16 vlan;
	__u32 l4;		/* offset; 0: no transport header here */
	__u32 fragment_id;
	__u8 ttl;
	__u8 tcp_open;		/* SYN without ACK */
	__u8 icmp_type;
	__u8 icmp_error;
	__u8 later_fragment;
	__u8 first_fragment;
	__u8 dont_fragment;
};

static __always_inline void lab_map_ipv4(__u8 addr[16], __be32 ipv4)
{
	__builtin_memset(addr, 0, 10);
	addr[10] = 0xff;
	addr[11] = 0xff;
	__builtin_memcpy(addr + 12, &ipv4, 4);
}

static __always_inline int lab_same_mac(const __u8 *a, const __u8 *b)
{
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] &&
	       a[3] == b[3] && a[4] == b[4] && a[5] == b[5];
}

static __always_inline int lab_is_icmp_error(const struct lab_packet *p)
{
	if (p->tuple.proto == IPPROTO_ICMP)
		return p->icmp_type == LAB_ICMP_UNREACHABLE ||
		       p->icmp_type == LAB_ICMP_TIME_EXCEEDED ||
		       p->icmp_type == LAB_ICMP_PARAMETER;
	return p->tuple.proto == IPPROTO_ICMPV6 && p->icmp_type < 128;
}

static __always_inline int lab_parse_l4(struct __sk_buff *skb,
					struct lab_packet *p)
{
	struct {
		__be16 sport;
		__be16 dport;
		__be32 seq;
		__be32 ack_seq;
		__u8 doff;
		__u8 flags;
	} tcp;
	struct {
		__u8 type;
		__u8 code;
		__be16 csum;
		__be16 id;
	} icmp;

	switch (p->tuple.proto) {
	case IPPROTO_TCP:
		if (bpf_skb_load_bytes(skb, p->l4, &tcp, 14))
			return LAB_DROP_MALFORMED;
		p->tuple.sport = tcp.sport;
		p->tuple.dport = tcp.dport;
		p->tcp_open = (tcp.flags & 0x12) == 0x02;
		break;
	case IPPROTO_UDP:
		if (bpf_skb_load_bytes(skb, p->l4, &p->tuple.sport, 4))
			return LAB_DROP_MALFORMED;
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (bpf_skb_load_bytes(skb, p->l4, &icmp, 6))
			return LAB_DROP_MALFORMED;
		p->icmp_type = icmp.type;
		p->icmp_error = lab_is_icmp_error(p);
		/* An echo's identifier stands for both ports. */
		if (!p->icmp_error) {
			p->tuple.sport = icmp.id;
			p->tuple.dport = icmp.id;
		}
		break;
	}
	return LAB_DROP_NONE;
}

static __always_inline void lab_fragment_key(const struct lab_packet *p,
					     struct lab_fragment_key *key)
{
	__builtin_memcpy(key->src, p->tuple.src, 16);
	__builtin_memcpy(key->dst, p->tuple.dst, 16);
	key->id = p->fragment_id;
	key->proto = p->tuple.proto;
}

/* Only the first fragment has ports; the later ones borrow them. */
static __always_inline void lab_track_fragment(struct lab_packet *p)
{
	struct lab_fragment_key key;
	struct lab_fragment *found, ports;

	if (!p->first_fragment && !p->later_fragment)
		return;
	lab_fragment_key(p, &key);
	if (p->first_fragment) {
		ports.sport = p->tuple.sport;
		ports.dport = p->tuple.dport;
		bpf_map_update_elem(&lab_fragments, &key, &ports, BPF_ANY);
		return;
	}
	found = bpf_map_lookup_elem(&lab_fragments, &key);
	if (found) {
		p->tuple.sport = found->sport;
		p->tuple.dport = found->dport;
	}
}

static __always_inline int lab_parse_ipv4(struct __sk_buff *skb,
					  struct lab_packet *p)
{
	struct iphdr ip;
	__u16 frag;
	int reason = LAB_DROP_NONE;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return LAB_DROP_MALFORMED;
	if (ip.version != 4 || ip.ihl < 5 ||
	    bpf_ntohs(ip.tot_len) < ip.ihl * 4)
		return LAB_DROP_MALFORMED;
	/* A GSO packet longer than 64 KiB (BIG TCP) has tot_len 0: refused
	 * above, the MTU of a VPC never gives one.
	 */
	if (skb->len < ETH_HLEN + (__u32)bpf_ntohs(ip.tot_len))
		return LAB_DROP_MALFORMED;

	lab_map_ipv4(p->tuple.src, ip.saddr);
	lab_map_ipv4(p->tuple.dst, ip.daddr);
	p->tuple.proto = ip.protocol;
	p->ttl = ip.ttl;
	frag = bpf_ntohs(ip.frag_off);
	p->dont_fragment = !!(frag & LAB_IP_DF);
	p->fragment_id = ip.id;
	p->later_fragment = !!(frag & LAB_IP_OFFSET);
	p->first_fragment = !p->later_fragment && (frag & LAB_IP_MF);
	p->l4 = ETH_HLEN + ip.ihl * 4;
	if (!p->later_fragment)
		reason = lab_parse_l4(skb, p);
	return reason;
}

static __always_inline int lab_parse_ipv6(struct __sk_buff *skb,
					  struct lab_packet *p)
{
	struct {
		__u8 next;
		__u8 reserved;
		__be16 offset;
		__be32 id;
	} fragment;
	struct ipv6hdr ip6;
	__u16 frag;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip6, sizeof(ip6)))
		return LAB_DROP_MALFORMED;
	if (ip6.version != 6 ||
	    skb->len < ETH_HLEN + sizeof(ip6) + bpf_ntohs(ip6.payload_len))
		return LAB_DROP_MALFORMED;

	__builtin_memcpy(p->tuple.src, &ip6.saddr, 16);
	__builtin_memcpy(p->tuple.dst, &ip6.daddr, 16);
	p->tuple.proto = ip6.nexthdr;
	p->ttl = ip6.hop_limit;
	p->dont_fragment = 1;
	p->l4 = ETH_HLEN + sizeof(ip6);
	if (ip6.nexthdr == LAB_IPV6_FRAGMENT) {
		if (bpf_skb_load_bytes(skb, p->l4, &fragment, sizeof(fragment)))
			return LAB_DROP_MALFORMED;
		frag = bpf_ntohs(fragment.offset);
		p->tuple.proto = fragment.next;
		p->fragment_id = fragment.id;
		p->later_fragment = !!(frag & LAB_IPV6_OFFSET);
		p->first_fragment = !p->later_fragment && (frag & 1);
		p->l4 += sizeof(fragment);
		if (p->later_fragment)
			return LAB_DROP_NONE;
	}
	return lab_parse_l4(skb, p);
}

#endif
