/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The hooks of IPv4 sockets, and of datagrams to IPv4 by IPv6 sockets. */
#ifndef SVC_SOCKET4_H
#define SVC_SOCKET4_H

#include "svc_lookup.h"

static __always_inline int svc_out4(struct bpf_sock_addr *ctx, int datagram)
{
	struct svc_address asked = {};
	struct svc_slot to = {};

	if (!svc_is_balanced(ctx->protocol))
		return SVC_GO_ON;
	svc_from_v4(asked.addr, ctx->user_ip4);
	asked.port = ctx->user_port;
	asked.proto = ctx->protocol;
	switch (svc_translate(ctx, &asked, datagram, &to)) {
	case SVC_BACKEND:
		ctx->user_ip4 = to.addr[3];
		ctx->user_port = to.port;
		break;
	case SVC_NO_BACKEND:
		if (datagram)
			return SVC_FAIL;
		ctx->user_ip4 = bpf_htonl(INADDR_LOOPBACK);
		ctx->user_port = 0;
		break;
	}
	return SVC_GO_ON;
}

static __always_inline int svc_name4(struct bpf_sock_addr *ctx)
{
	const struct svc_address *asked;
	__be32 addr[4];

	if (!svc_is_balanced(ctx->protocol))
		return SVC_GO_ON;
	svc_from_v4(addr, ctx->user_ip4);
	asked = svc_asked_for(ctx, addr, ctx->user_port);
	if (asked && svc_is_v4(asked->addr)) {
		ctx->user_ip4 = asked->addr[3];
		ctx->user_port = asked->port;
	}
	return SVC_GO_ON;
}

#endif
