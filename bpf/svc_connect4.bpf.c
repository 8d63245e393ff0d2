// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* DataPathV2: an IPv4 socket connects to a Service. */
#include "svc_socket4.h"

SEC("cgroup/connect4")
int svc_connect4(struct bpf_sock_addr *ctx)
{
	return svc_out4(ctx, 0);
}

char LICENSE[] SEC("license") = "GPL";
