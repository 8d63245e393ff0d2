/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * DataPathV2: layouts shared by its programs and by user space.
 *
 * Plain C, no BPF helpers: a test compiles this header with the host's
 * compiler and compares every size, offset and value with the C# side.
 *
 * Whoever changes a layout or the meaning of a member raises DP_ABI: maps and
 * programs of two versions then lie side by side and never meet.
 */
#ifndef DP_ABI_H
#define DP_ABI_H

#include <linux/types.h>

#define DP_ABI	1

/* Why a packet was dropped. Names as user space prints them. */
#define DP_DROP_REASONS(X)				\
	X(1, MALFORMED, "malformed")			\
	X(2, SPOOFED_SOURCE, "spoofed-source")		\
	X(3, SPOOFED_MAC, "spoofed-mac")		\
	X(4, SPOOFED_ARP, "spoofed-arp")		\
	X(5, VLAN, "vlan-tag")				\
	X(6, PROTOCOL, "unsupported-protocol")		\
	X(7, INTERNAL, "internal")			\
	X(8, EGRESS_HORIZON, "egress-horizon")		\
	X(9, INGRESS_HORIZON, "ingress-horizon")

enum dp_drop_reason {
	DP_DROP_NONE = 0,
#define X(value, id, name) DP_DROP_##id = value,
	DP_DROP_REASONS(X)
#undef X
	DP_DROP_MAX = 16,
};

/* Which way a packet took. Whatever begins with "stack" was left to the
 * node's own stack, and says why.
 */
#define DP_PATHS(X)					\
	X(0, POD_TO_POD, "pod-to-pod")			\
	X(1, POD_TO_VPC, "pod-to-vpc")			\
	X(2, VPC_TO_POD, "vpc-to-pod")			\
	X(3, STACK_CONTROL, "stack-control")		\
	X(4, STACK_CIDR, "stack-cidr")			\
	X(5, STACK_ROUTE, "stack-route")		\
	X(6, STACK_FLOW, "stack-flow")			\
	X(7, STACK_FRAGMENT, "stack-fragment")		\
	X(8, STACK_HEADER, "stack-header")		\
	X(9, STACK_TTL, "stack-ttl")			\
	X(10, STACK_MTU, "stack-mtu")			\
	X(11, STACK_ENI, "stack-eni")			\
	X(12, STACK_NODE, "stack-node")			\
	X(13, STACK_FAMILY, "stack-family")		\
	X(14, STACK_TO_POD, "stack-to-pod")

enum dp_path {
#define X(value, id, name) DP_PATH_##id = value,
	DP_PATHS(X)
#undef X
	DP_PATH_MAX = 32,
};

enum dp_pod_flags {
	DP_POD_SHAPED = 1,	/* a queueing discipline on the host's end limits it */
	DP_POD_PACED = 2,	/* what it sends has departure times */
};

/* An address of a pod on this node. The key is the address. */
struct dp_pod {
	__u32 ifindex;		/* the host's end of its veth */
	__u32 mtu;
	__u8 mac[6];		/* the pod's end */
	__u8 host_mac[6];	/* the host's end */
	__u8 eni_mac[6];	/* key into dp_enis */
	__u16 flags;
};

struct dp_eni_key {
	__u8 mac[6];
	__u16 pad;
};

#define DP_SENDERS	512	/* a power of two */

/*
 * Who sends on a link, as dp_pods* said when it was last asked. The key is
 * the last bits of the link's index.
 *
 * Each of the two words is about one link by itself: who has the link's index
 * over the address, mac the address over bits of the index. A reader that
 * meets one of a writer's two words is not misled.
 */
struct dp_sender4 {
	__u64 who;
	__u64 mac;
};

struct dp_sender6 {
	__u32 ifindex;
	__u8 mac[6];
	__u16 pad;
	__u8 addr[16];
};

/* How packets leave by an ENI. */
struct dp_eni {
	__u32 ifindex;
	__u32 mtu;
	__u8 gateway6[16];
	__be32 gateway4;
};

/* Networks that are the node's own stack's business. */
struct dp_net4 {
	__u32 bits;
	__be32 addr;
};

struct dp_net6 {
	__u32 bits;
	__u8 addr[16];
};

/*
 * A flow that the node's stack carries, and may translate: both directions
 * have to go through it. peer and peer_port 0: every peer of that port.
 */
struct dp_flow4 {
	__be32 pod;
	__be32 peer;
	__be16 pod_port;
	__be16 peer_port;
	__u8 proto;
	__u8 pad[3];
};

#define DP_HINTS	4096	/* a power of two */
#define DP_HINT_ROW	64	/* likewise: those of one entry */

struct dp_hints {
	__u8 flag[DP_HINT_ROW];
};

/* A packet that would have to wait longer is dropped. Who sends is held back
 * by its sockets' buffers long before. Who sends to a pod from elsewhere is
 * not: there the wait is short, as a token bucket's would be, and never
 * shorter than so many bytes take at the pod's rate.
 */
#define DP_EGRESS_HORIZON_NS	2000000000ULL
#define DP_INGRESS_HORIZON_NS	50000000ULL
#define DP_INGRESS_HORIZON_LEN	16384ULL

/* Whose limits: an address of a pod, IPv4 ones as ::ffff:a.b.c.d. */
struct dp_limit_key {
	__u8 addr[16];
};

/* Limits of a pod by departure times, the same under each of its addresses. */
struct dp_limit {
	__u64 egress;		/* bytes per second that it sends; 0: any */
	__u64 ingress;		/* bytes per second that it gets; 0: any */
	__u32 ifindex;		/* the host's end of its veth: key into dp_paces */
	__u32 pad;
};

/* Where a pod's limits stand: when its next packet may leave, by
 * CLOCK_MONOTONIC in nanoseconds. The key is the host's end of its veth.
 */
struct dp_pace {
	__u64 egress;
	__u64 ingress;
};

struct dp_flow6 {
	__u8 pod[16];
	__u8 peer[16];
	__be16 pod_port;
	__be16 peer_port;
	__u8 proto;
	__u8 pad[3];
};

#endif
