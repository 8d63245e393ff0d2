/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
#ifndef LAB_COUNT_H
#define LAB_COUNT_H

#include "lab_packet.h"

static __always_inline void lab_count(__u32 what)
{
	__u64 *value = bpf_map_lookup_elem(&lab_counters, &what);

	if (value)
		*value += 1;
}

static __always_inline void lab_count_from(const struct lab_eni *eni, __u32 len)
{
	struct lab_eni_counters *c;

	c = bpf_map_lookup_elem(&lab_eni_counts, &eni->id);
	if (c) {
		c->from_packets += 1;
		c->from_bytes += len;
	}
}

static __always_inline void lab_count_to(const struct lab_eni *eni, __u32 len)
{
	struct lab_eni_counters *c;

	c = bpf_map_lookup_elem(&lab_eni_counts, &eni->id);
	if (c) {
		c->to_packets += 1;
		c->to_bytes += len;
	}
}

static __always_inline void lab_count_drop(struct __sk_buff *skb,
					   const struct lab_packet *p,
					   __u32 eni, __u32 reason)
{
	struct lab_drop_key key = {};
	struct lab_eni_counters *c;
	struct lab_drop *last, first = { .count = 1 };
	__u64 *total;

	total = bpf_map_lookup_elem(&lab_drops, &reason);
	if (total)
		*total += 1;
	c = bpf_map_lookup_elem(&lab_eni_counts, &eni);
	if (c && reason < LAB_MAX_REASONS)
		c->drops[reason] += 1;

	key.eni = eni;
	key.ifindex = skb->ifindex;
	__builtin_memcpy(key.src, p->tuple.src, 16);
	__builtin_memcpy(key.dst, p->tuple.dst, 16);
	key.ether_type = p->ether_type;
	key.vlan = p->vlan;
	key.sport = p->tuple.sport;
	key.dport = p->tuple.dport;
	key.proto = p->tuple.proto;
	key.reason = reason;
	__builtin_memcpy(key.src_mac, p->eth.h_source, 6);
	last = bpf_map_lookup_elem(&lab_last_drops, &key);
	if (last) {
		__sync_fetch_and_add(&last->count, 1);
		last->seen_ns = bpf_ktime_get_ns();
		return;
	}
	first.seen_ns = bpf_ktime_get_ns();
	bpf_map_update_elem(&lab_last_drops, &key, &first, BPF_ANY);
}

#endif
