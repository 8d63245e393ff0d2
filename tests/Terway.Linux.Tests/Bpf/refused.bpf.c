// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Reads the packet without a check: every verifier refuses it. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int unchecked(struct __sk_buff *skb)
{
	return *(volatile unsigned char *)(long)skb->data;
}

char _license[] SEC("license") = "Dual BSD/GPL";
