/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
#ifndef LAB_MAPS_H
#define LAB_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "lab_vpc.h"

#define LAB_MAX_ENIS	4096

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LAB_MAX_ENIS);
	__type(key, struct lab_port_key);
	__type(value, __u32);
} lab_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LAB_MAX_ENIS);
	__type(key, __u32);
	__type(value, struct lab_eni);
} lab_enis SEC(".maps");

/* Address or prefix to ENI: source check and destination in one. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lab_prefix);
	__type(value, __u32);
} lab_addresses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 256);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lab_prefix);
	__type(value, struct lab_route);
} lab_routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * LAB_MAX_ENIS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lab_policy_key);
	__type(value, struct lab_policy);
} lab_policies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct lab_flow_key);
	__type(value, struct lab_flow);
} lab_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct lab_fragment_key);
	__type(value, struct lab_fragment);
} lab_fragments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LAB_MAX_REASONS);
	__type(key, __u32);
	__type(value, __u64);
} lab_drops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LAB_COUNT_MAX);
	__type(key, __u32);
	__type(value, __u64);
} lab_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, LAB_MAX_ENIS);
	__type(key, __u32);
	__type(value, struct lab_eni_counters);
} lab_eni_counts SEC(".maps");

/* The last drops, equal ones folded, so that a test can explain itself. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct lab_drop_key);
	__type(value, struct lab_drop);
} lab_last_drops SEC(".maps");

#endif
