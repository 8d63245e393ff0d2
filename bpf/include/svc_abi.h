/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * DataPathV2's Services: layouts shared by the socket hooks and by user space.
 *
 * Plain C, no BPF helpers: a test compiles this header with the host's
 * compiler and compares every size, offset and value with the C# side.
 *
 * Whoever changes a layout or the meaning of a member raises SVC_ABI: maps and
 * programs of two versions then lie side by side and never meet.
 *
 * Addresses have 16 bytes; an IPv4 address a.b.c.d is ::ffff:a.b.c.d. So both
 * families share all maps, and an IPv6 socket that talks IPv4 finds what an
 * IPv4 socket finds.
 */
#ifndef SVC_ABI_H
#define SVC_ABI_H

#include <linux/types.h>

#define SVC_ABI	1

/* What became of a socket's call. Names as user space prints them. */
#define SVC_OUTCOMES(X)					\
	X(0, TRANSLATED, "translated")			\
	X(1, REFUSED, "refused")			\
	X(2, STICKY, "sticky")

enum svc_outcome {
#define X(value, id, name) SVC_OUTCOME_##id = value,
	SVC_OUTCOMES(X)
#undef X
	SVC_OUTCOME_MAX = 8,
};

enum svc_frontend_flags {
	SVC_NODE_ONLY = 1,	/* for sockets of the node's own namespace */
};

/* An address and port that clients use. */
struct svc_address {
	__be32 addr[4];
	__be16 port;
	__u8 proto;
	__u8 pad;
};

/*
 * Its backends: @count slots from @base on. An entry of a hash map may be
 * given to another key while it is read: @check, written first and read last,
 * tells (svc_check()).
 */
struct svc_frontend {
	__u32 check;
	__u32 set;		/* of backends; several frontends may share one */
	__u32 base;
	__u32 count;
	__u32 affinity;		/* seconds; 0: none */
	__u32 flags;
};

struct svc_slot {
	__be32 addr[4];
	__be16 port;
	__u16 pad;
	__u32 set;		/* whose slot it is */
};

/* Whether a backend is (still) one of a set. */
struct svc_member {
	__be32 addr[4];
	__u32 set;
	__be16 port;
	__u16 pad;
};

/* Who has to meet the same backend again. */
enum svc_client_kind {
	SVC_CLIENT_NETNS = 0,	/* session affinity: all of a pod, or of the node */
	SVC_CLIENT_SOCKET = 1,	/* datagrams of one socket */
};

struct svc_client {
	__u64 cookie;
	__u32 set;
	__u32 kind;
};

struct svc_choice {
	__u64 seen;		/* nanoseconds, CLOCK_MONOTONIC */
	__be32 addr[4];
	__be16 port;
	__u16 pad[3];
};

/* What a socket was told instead of the peer that it asked for. */
struct svc_peer {
	__u64 cookie;		/* of the socket */
	__be32 addr[4];
	__be16 port;
	__u16 pad[3];
};

#endif
