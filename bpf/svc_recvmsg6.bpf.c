// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* DataPathV2: datagrams come from whom they were sent to: the Service. */
#include "svc_socket6.h"

SEC("cgroup/recvmsg6")
int svc_recvmsg6(struct bpf_sock_addr *ctx)
{
	return svc_name6(ctx);
}

char LICENSE[] SEC("license") = "GPL";
