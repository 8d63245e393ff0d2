/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Security groups, stateful. Each ENI keeps its own state: a flow that the
 * sender's groups let out still has to pass the receiver's groups.
 */
#ifndef LAB_SECURITY_GROUP_H
#define LAB_SECURITY_GROUP_H

#include "lab_packet.h"

#define LAB_SECOND	1000000000ULL

/* @outer has the packet's own addresses; @flow differs for ICMP errors only,
 * where it is the flow that the error is about.
 */
struct lab_query {
	const struct lab_tuple *outer;
	const struct lab_tuple *flow;
	__u64 peer_groups;
	__u32 eni;
	__u32 direction;
	__u32 tcp_open;
};

struct lab_match {
	const struct lab_policy *policy;
	const struct lab_tuple *tuple;
	__u64 peer_groups;
	__u32 peer[4];
	__u32 accept;
};

static __always_inline __u64 lab_flow_timeout(__u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 3600 * LAB_SECOND;
	case IPPROTO_UDP:
		return 180 * LAB_SECOND;
	default:
		return 30 * LAB_SECOND;
	}
}

static long lab_match_rule(__u32 index, struct lab_match *m)
{
	const struct lab_rule *rule;
	__u16 port;

	if (index >= LAB_MAX_RULES)
		return 1;
	rule = &m->policy->rules[index];
	if (rule->proto != LAB_PROTO_ANY && rule->proto != m->tuple->proto)
		return 0;
	if (m->tuple->proto == IPPROTO_TCP || m->tuple->proto == IPPROTO_UDP) {
		port = bpf_ntohs(m->tuple->dport);
		if (port < rule->port_first || port > rule->port_last)
			return 0;
	}
	if ((rule->flags & LAB_RULE_GROUPS) &&
	    !(rule->groups & m->peer_groups))
		return 0;
	if (((m->peer[0] ^ rule->addr[0]) & rule->mask[0]) |
	    ((m->peer[1] ^ rule->addr[1]) & rule->mask[1]) |
	    ((m->peer[2] ^ rule->addr[2]) & rule->mask[2]) |
	    ((m->peer[3] ^ rule->addr[3]) & rule->mask[3]))
		return 0;
	m->accept = !!(rule->flags & LAB_RULE_ACCEPT);
	return 1;
}

#ifdef LAB_OLD_KERNEL
/* Without bpf_loop() the verifier walks through every rule: few, then. */
#define LAB_FEW_RULES	8

static __noinline void lab_match_rules(struct lab_match *m)
{
	__u32 i;

	if (m->policy->count > LAB_FEW_RULES) {
		m->accept = 0;
		return;
	}
	for (i = 0; i < LAB_FEW_RULES && i < m->policy->count; i++) {
		if (lab_match_rule(i, m))
			return;
	}
}
#else
static __always_inline void lab_match_rules(struct lab_match *m)
{
	bpf_loop(m->policy->count, lab_match_rule, m, 0);
}
#endif

static __noinline int lab_group_accepts(const struct lab_query *q)
{
	const struct lab_tuple *outer = q->outer, *flow = q->flow;
	struct lab_policy_key policy_key = { .eni = q->eni,
					     .direction = q->direction };
	struct lab_flow_key key = { .eni = q->eni, .proto = flow->proto };
	struct lab_match match = { .tuple = outer,
				   .peer_groups = q->peer_groups };
	struct lab_flow *known, fresh;
	__u64 now = bpf_ktime_get_ns();

	if (q->direction == LAB_EGRESS) {
		__builtin_memcpy(key.local, flow->src, 16);
		__builtin_memcpy(key.remote, flow->dst, 16);
		key.local_port = flow->sport;
		key.remote_port = flow->dport;
		__builtin_memcpy(match.peer, outer->dst, 16);
	} else {
		__builtin_memcpy(key.local, flow->dst, 16);
		__builtin_memcpy(key.remote, flow->src, 16);
		key.local_port = flow->dport;
		key.remote_port = flow->sport;
		__builtin_memcpy(match.peer, outer->src, 16);
	}

	/* A SYN opens a connection anew and is judged anew. */
	known = q->tcp_open ? NULL : bpf_map_lookup_elem(&lab_flows, &key);
	if (known && now - known->seen_ns < lab_flow_timeout(flow->proto)) {
		known->seen_ns = now;
		return 1;
	}

	match.policy = bpf_map_lookup_elem(&lab_policies, &policy_key);
	if (!match.policy)
		return 0;
	match.accept = match.policy->accept;
	lab_match_rules(&match);
	if (match.accept && outer == flow) {
		fresh.seen_ns = now;
		bpf_map_update_elem(&lab_flows, &key, &fresh, BPF_ANY);
	}
	return match.accept;
}

#endif
