// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* DataPathV2: a datagram to a Service, by a socket that is not connected. */
#include "svc_socket6.h"

SEC("cgroup/sendmsg6")
int svc_sendmsg6(struct bpf_sock_addr *ctx)
{
	return svc_out6(ctx, 1);
}

char LICENSE[] SEC("license") = "GPL";
