// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* DataPathV2: a datagram to a Service, by a socket that is not connected. */
#include "svc_socket4.h"

SEC("cgroup/sendmsg4")
int svc_sendmsg4(struct bpf_sock_addr *ctx)
{
	return svc_out4(ctx, 1);
}

char LICENSE[] SEC("license") = "GPL";
