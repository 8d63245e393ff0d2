// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* DataPathV2: datagrams come from whom they were sent to: the Service. */
#include "svc_socket4.h"

SEC("cgroup/recvmsg4")
int svc_recvmsg4(struct bpf_sock_addr *ctx)
{
	return svc_name4(ctx);
}

char LICENSE[] SEC("license") = "GPL";
