/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * DataPathV2's maps. They are made once, pinned, and shared by all of its
 * programs; sizes given here are defaults that the loader replaces.
 */
#ifndef DP_MAPS_H
#define DP_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "dp_abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __be32);
	__type(value, struct dp_pod);
} dp_pods4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct in6_addr);
	__type(value, struct dp_pod);
} dp_pods6 SEC(".maps");

/*
 * In front of dp_pods* for the question whether a pod may send as it does: a
 * load in place of a walk. Filled by dp_from_pod with those that no limit
 * holds back. Says nothing about destinations, and cannot outlive what it says
 * of an address: a link keeps its addresses, and the kernel does not use a
 * link's index twice. User space empties it once a minute.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DP_SENDERS);
	__type(key, __u32);
	__type(value, struct dp_sender4);
} dp_senders4 SEC(".maps");

/* Of each CPU: an address does not fit into a word with its link. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DP_SENDERS);
	__type(key, __u32);
	__type(value, struct dp_sender6);
} dp_senders6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct dp_eni_key);
	__type(value, struct dp_eni);
} dp_enis SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct dp_net4);
	__type(value, __u32);
} dp_stack4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct dp_net6);
	__type(value, __u32);
} dp_stack6 SEC(".maps");

/* Found entries count as used (LRU), so that live flows outlast dead ones. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct dp_flow4);
	__type(value, __u8);
} dp_flows4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct dp_flow6);
	__type(value, __u8);
} dp_flows6 SEC(".maps");

/*
 * Whether dp_flows* can hold anything about a pod, by the last bits of its
 * address: an array costs a load, a miss in a hash map a walk. In rows, so
 * that neighbours share a cache line. Never cleared.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DP_HINTS / DP_HINT_ROW);
	__type(key, __u32);
	__type(value, struct dp_hints);
} dp_hints4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DP_HINTS / DP_HINT_ROW);
	__type(key, __u32);
	__type(value, struct dp_hints);
} dp_hints6 SEC(".maps");

/* Of pods whose limits are kept by departure times, and of no others. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct dp_limit_key);
	__type(value, struct dp_limit);
} dp_limits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct dp_pace);
} dp_paces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DP_DROP_MAX);
	__type(key, __u32);
	__type(value, __u64);
} dp_drops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DP_PATH_MAX);
	__type(key, __u32);
	__type(value, __u64);
} dp_paths SEC(".maps");

/*
 * Set when the object is loaded, so that the verifier takes out what they
 * rule out: without dp_ipv6 no program has a path for IPv6 packets.
 */
const volatile __u32 dp_ipv6;
const volatile __u32 dp_uplink;	/* link of the node's own ENI */

#endif
