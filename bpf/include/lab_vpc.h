/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The lab's VPC: layouts shared by the datapath and by user space.
 *
 * Plain C, no BPF helpers: a test compiles this header with the host's
 * compiler and compares every size, offset and value with the C# side.
 *
 * Addresses are 16 bytes in network order; an IPv4 address is IPv4-mapped
 * (::ffff:a.b.c.d), so a /24 is a prefix of 120 bits.
 */
#ifndef LAB_VPC_H
#define LAB_VPC_H

#include <linux/types.h>

#define LAB_MAX_RULES	256	/* per ENI and direction, groups merged */
#define LAB_MAX_REASONS	16

/* Why the VPC did not forward a packet. Names as user space prints them. */
#define LAB_DROP_REASONS(X)					\
	X(1, MALFORMED, "malformed")				\
	X(2, SPOOFED_MAC, "spoofed-mac")			\
	X(3, SPOOFED_SOURCE, "spoofed-source")			\
	X(4, SECURITY_GROUP, "security-group")			\
	X(5, NO_ROUTE, "no-route")				\
	X(6, UNKNOWN_DESTINATION, "unknown-destination")	\
	X(7, TTL_EXCEEDED, "ttl-exceeded")			\
	X(8, TOO_BIG, "too-big")				\
	X(9, UNKNOWN_VLAN, "unknown-vlan")			\
	X(10, UNKNOWN_MAC, "unknown-mac")			\
	X(11, UNSUPPORTED_PROTOCOL, "unsupported-protocol")	\
	X(12, INTERNAL, "internal")

enum lab_drop_reason {
	LAB_DROP_NONE = 0,
#define X(value, id, name) LAB_DROP_##id = value,
	LAB_DROP_REASONS(X)
#undef X
};

/* What the VPC did besides dropping. Multicast and noise are not errors. */
#define LAB_COUNTERS(X)				\
	X(0, FORWARDED, "forwarded")		\
	X(1, ARP_REPLY, "arp-reply")		\
	X(2, ND_REPLY, "nd-reply")		\
	X(3, ICMP_ERROR, "icmp-error")		\
	X(4, MULTICAST, "multicast")		\
	X(5, NOISE, "noise")

enum lab_counter {
#define X(value, id, name) LAB_COUNT_##id = value,
	LAB_COUNTERS(X)
#undef X
	LAB_COUNT_MAX = 8,
};

enum lab_eni_flags {
	LAB_ENI_SERVICES = 1,	/* the link to the cloud's own services */
	LAB_ENI_NAT = 2,	/* the link to the NAT gateway */
};

enum lab_route_kind {
	LAB_ROUTE_LOCAL = 1,	/* an address of this VPC */
	LAB_ROUTE_LINK = 2,	/* behind the services' or the NAT's link */
};

enum lab_direction {
	LAB_EGRESS = 0,
	LAB_INGRESS = 1,
};

enum lab_rule_flags {
	LAB_RULE_GROUPS = 1,	/* the peer must be in one of groups */
	LAB_RULE_ACCEPT = 2,	/* otherwise the rule drops */
};

#define LAB_PROTO_ANY	255

struct lab_port_key {
	__u32 ifindex;
	__u16 vlan;		/* 0: untagged */
	__u16 pad;
};

struct lab_prefix {
	__u32 bits;
	__u8 addr[16];
};

struct lab_route {
	__u32 kind;
	__u32 eni;		/* LAB_ROUTE_LINK: where to */
};

struct lab_eni {
	__u32 id;
	__u32 ifindex;		/* VPC end of the link */
	__u16 vlan;
	__u8 mac[6];
	__u32 vswitch;
	__u32 flags;
	__u8 gateway[16];	/* the vSwitch's, source of ICMP errors */
	__u8 gateway6[16];	/* the same of IPv6; unspecified: none */
	__u64 groups;		/* bit per security group */
};

struct lab_policy_key {
	__u32 eni;
	__u32 direction;
};

/* Ports are in host order and are the destination's, in both directions. */
struct lab_rule {
	__u64 groups;
	__u32 addr[4];		/* network order, as is mask; all 0: any peer */
	__u32 mask[4];
	__u8 proto;
	__u8 flags;
	__u16 port_first;
	__u16 port_last;
	__u16 pad;
};

/* Ordered: the first rule that matches decides. */
struct lab_policy {
	__u32 count;
	__u32 accept;		/* when no rule matches */
	struct lab_rule rules[LAB_MAX_RULES];
};

struct lab_flow_key {
	__u32 eni;
	__u8 proto;
	__u8 pad[3];
	__u8 local[16];
	__u8 remote[16];
	__be16 local_port;
	__be16 remote_port;
};

struct lab_flow {
	__u64 seen_ns;
};

struct lab_fragment_key {
	__u8 src[16];
	__u8 dst[16];
	__u32 id;
	__u32 proto;
};

struct lab_fragment {
	__be16 sport;
	__be16 dport;
};

struct lab_eni_counters {
	__u64 from_packets;	/* sent by the ENI into the VPC */
	__u64 from_bytes;
	__u64 to_packets;
	__u64 to_bytes;
	__u64 drops[LAB_MAX_REASONS];	/* of packets the ENI sent */
};

struct lab_drop_key {
	__u32 eni;		/* 0: no ENI known for the port and VLAN */
	__u32 ifindex;
	__u8 src[16];
	__u8 dst[16];
	__u16 ether_type;
	__u16 vlan;
	__be16 sport;
	__be16 dport;
	__u8 proto;
	__u8 reason;
	__u8 src_mac[6];
};

struct lab_drop {
	__u64 count;
	__u64 seen_ns;		/* CLOCK_MONOTONIC */
};

#endif
