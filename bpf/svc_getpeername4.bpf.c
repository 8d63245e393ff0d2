// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* DataPathV2: the peer is whom a socket connected to: the Service. */
#include "svc_socket4.h"

SEC("cgroup/getpeername4")
int svc_getpeername4(struct bpf_sock_addr *ctx)
{
	return svc_name4(ctx);
}

char LICENSE[] SEC("license") = "GPL";
