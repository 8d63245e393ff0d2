// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* DataPathV2: an IPv6 socket connects to a Service. */
#include "svc_socket6.h"

SEC("cgroup/connect6")
int svc_connect6(struct bpf_sock_addr *ctx)
{
	return svc_out6(ctx, 0);
}

char LICENSE[] SEC("license") = "GPL";
