/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The maps of the socket hooks. They are made once, pinned, and shared by all
 * hooks; sizes given here are defaults that the loader replaces.
 */
#ifndef SVC_MAPS_H
#define SVC_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "svc_abi.h"

/* Without preallocation: most nodes have some dozens, the limit is generous. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct svc_address);
	__type(value, struct svc_frontend);
} svc_frontends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 262144);
	__type(key, __u32);
	__type(value, struct svc_slot);
} svc_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 262144);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct svc_member);
	__type(value, __u32);
} svc_members SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct svc_client);
	__type(value, struct svc_choice);
} svc_choices SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct svc_peer);
	__type(value, struct svc_address);
} svc_peers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SVC_OUTCOME_MAX);
	__type(key, __u32);
	__type(value, __u64);
} svc_outcomes SEC(".maps");

/*
 * Set when the object is loaded, so that the verifier takes out what they
 * rule out: without svc_ipv6 no hook has a path for IPv6 addresses.
 */
const volatile __u32 svc_ipv6;
/* Cookie of the node's network namespace; 0: the kernel's first one. */
const volatile __u64 svc_node;

#endif
