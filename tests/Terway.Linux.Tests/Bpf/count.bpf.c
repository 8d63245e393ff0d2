// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Counts packets by IPv4 protocol and lets them pass, or drops those of one protocol. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 drop_protocol = 0xffff;
const volatile __u64 wide = 1;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 256);
} packets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
} total SEC(".maps");

static int count(struct __sk_buff *skb, int pass)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + sizeof(struct ethhdr);
	__u32 zero = 0, protocol;
	__u64 one = 1, *seen;
	__u32 *all;

	all = bpf_map_lookup_elem(&total, &zero);
	if (all)
		(*all)++;
	if (skb->protocol != bpf_htons(ETH_P_IP) || (void *)(ip + 1) > end)
		return pass;
	protocol = ip->protocol;
	seen = bpf_map_lookup_elem(&packets, &protocol);
	if (seen)
		__sync_fetch_and_add(seen, wide);
	else
		bpf_map_update_elem(&packets, &protocol, &one, BPF_ANY);
	return protocol == drop_protocol ? TC_ACT_SHOT : pass;
}

SEC("tc")
int count_tc(struct __sk_buff *skb)
{
	return count(skb, TC_ACT_OK);
}

SEC("tc")
int count_tcx(struct __sk_buff *skb)
{
	return count(skb, -1);
}

char _license[] SEC("license") = "Dual BSD/GPL";
