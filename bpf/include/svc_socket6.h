/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The hooks of IPv6 sockets. These also talk IPv4, as ::ffff:a.b.c.d; on a
 * node without IPv6 that is all that is left of them.
 */
#ifndef SVC_SOCKET6_H
#define SVC_SOCKET6_H

#include "svc_lookup.h"

static __always_inline void svc_read6(const struct bpf_sock_addr *ctx,
				      __be32 *addr)
{
	addr[0] = ctx->user_ip6[0];
	addr[1] = ctx->user_ip6[1];
	addr[2] = ctx->user_ip6[2];
	addr[3] = ctx->user_ip6[3];
}

static __always_inline void svc_write6(struct bpf_sock_addr *ctx,
				       const __be32 *addr, __be16 port)
{
	ctx->user_ip6[0] = addr[0];
	ctx->user_ip6[1] = addr[1];
	ctx->user_ip6[2] = addr[2];
	ctx->user_ip6[3] = addr[3];
	ctx->user_port = port;
}

static __always_inline int svc_out6(struct bpf_sock_addr *ctx, int datagram)
{
	struct svc_address asked = {};
	struct svc_slot to = {};
	__be32 nobody[4] = { 0, 0, 0, bpf_htonl(1) };

	if (!svc_is_balanced(ctx->protocol))
		return SVC_GO_ON;
	svc_read6(ctx, asked.addr);
	if (!svc_ipv6 && !svc_is_v4(asked.addr))
		return SVC_GO_ON;
	asked.port = ctx->user_port;
	asked.proto = ctx->protocol;
	switch (svc_translate(ctx, &asked, datagram, &to)) {
	case SVC_BACKEND:
		svc_write6(ctx, to.addr, to.port);
		break;
	case SVC_NO_BACKEND:
		if (datagram)
			return SVC_FAIL;
		if (svc_is_v4(asked.addr))
			svc_from_v4(nobody, bpf_htonl(INADDR_LOOPBACK));
		svc_write6(ctx, nobody, 0);
		break;
	}
	return SVC_GO_ON;
}

static __always_inline int svc_name6(struct bpf_sock_addr *ctx)
{
	const struct svc_address *asked;
	__be32 addr[4];

	if (!svc_is_balanced(ctx->protocol))
		return SVC_GO_ON;
	svc_read6(ctx, addr);
	if (!svc_ipv6 && !svc_is_v4(addr))
		return SVC_GO_ON;
	asked = svc_asked_for(ctx, addr, ctx->user_port);
	if (asked)
		svc_write6(ctx, asked->addr, asked->port);
	return SVC_GO_ON;
}

#endif
