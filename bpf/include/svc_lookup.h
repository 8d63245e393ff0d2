/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * From an address that a socket asks for to a backend, and back.
 *
 * Linux 5.10 lets a hook allow a call or fail it with EPERM. A connection to a
 * Service without backends is therefore sent to port 0 of the loopback
 * address, where nobody can listen: the socket gets ECONNREFUSED at once, as
 * from the reset or ICMP error of a kube-proxy; but a connected IPv6 UDP socket
 * that talks IPv4 gets EINVAL. Datagrams of sockets that are not connected fail
 * with EPERM.
 */
#ifndef SVC_LOOKUP_H
#define SVC_LOOKUP_H

#include "svc_maps.h"

#include <linux/in.h>
#include <bpf/bpf_endian.h>

#define SVC_FAIL	0
#define SVC_GO_ON	1

#define SVC_NANOSECONDS	1000000000ULL

enum svc_answer {
	SVC_NO_SERVICE,
	SVC_BACKEND,
	SVC_NO_BACKEND,
};

static __always_inline void svc_count(__u32 outcome)
{
	__u64 *value = bpf_map_lookup_elem(&svc_outcomes, &outcome);

	if (value)
		*value += 1;
}

static __always_inline int svc_is_balanced(__u32 proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP;
}

static __always_inline void svc_from_v4(__be32 *addr, __be32 v4)
{
	addr[0] = 0;
	addr[1] = 0;
	addr[2] = bpf_htonl(0xffff);
	addr[3] = v4;
}

static __always_inline int svc_is_v4(const __be32 *addr)
{
	return !addr[0] && !addr[1] && addr[2] == bpf_htonl(0xffff);
}

static __always_inline void svc_copy(__be32 *to, const __be32 *from)
{
	to[0] = from[0];
	to[1] = from[1];
	to[2] = from[2];
	to[3] = from[3];
}

static __always_inline __u32 svc_check(const struct svc_address *key)
{
	return key->addr[0] ^ key->addr[1] * 3 ^ key->addr[2] * 5 ^
	       key->addr[3] * 7 ^ (((__u32)key->port << 16) | key->proto);
}

static __always_inline int svc_is_on_node(struct bpf_sock_addr *ctx)
{
	__u64 node = svc_node;

	return bpf_get_netns_cookie(ctx) ==
	       (node ? node : bpf_get_netns_cookie(NULL));
}

/* The backend that a client met before, if it is still one. */
static __always_inline int svc_choose_again(const struct svc_client *client,
					    __u32 affinity,
					    struct svc_slot *to)
{
	struct svc_choice *choice = bpf_map_lookup_elem(&svc_choices, client);
	struct svc_member member = { .set = client->set };
	__u64 now;

	if (!choice)
		return 0;
	now = bpf_ktime_get_ns();
	if (affinity && now - choice->seen > affinity * SVC_NANOSECONDS)
		return 0;
	svc_copy(member.addr, choice->addr);
	member.port = choice->port;
	if (!bpf_map_lookup_elem(&svc_members, &member))
		return 0;
	choice->seen = now;
	svc_copy(to->addr, member.addr);
	to->port = member.port;
	svc_count(SVC_OUTCOME_STICKY);
	return 1;
}

static __always_inline void svc_remember_choice(const struct svc_client *client,
						const struct svc_slot *to)
{
	struct svc_choice choice = { .seen = bpf_ktime_get_ns(),
				     .port = to->port };

	svc_copy(choice.addr, to->addr);
	bpf_map_update_elem(&svc_choices, client, &choice, BPF_ANY);
}

/*
 * Every ready backend alike, by chance; but what must stay together stays.
 * @datagram: of a socket that is not connected, whose datagrams are taken for
 * one flow as long as their backend is there.
 */
static __always_inline int svc_choose(struct bpf_sock_addr *ctx,
				      const struct svc_address *key,
				      int datagram, struct svc_slot *to)
{
	struct svc_client client = {};
	struct svc_frontend now;
	const volatile struct svc_frontend *frontend;
	const struct svc_slot *slot;
	int attempt;
	__u32 index;

	/* User space never reuses slots that somebody may still be reading.
	 * The second attempt is for an entry that changed hands meanwhile.
	 */
#pragma unroll
	for (attempt = 0; attempt < 2; attempt++) {
		frontend = bpf_map_lookup_elem(&svc_frontends, key);
		if (!frontend)
			return SVC_NO_SERVICE;
		now.set = frontend->set;
		now.base = frontend->base;
		now.count = frontend->count;
		now.affinity = frontend->affinity;
		now.flags = frontend->flags;
		now.check = frontend->check;
		if (now.check != svc_check(key))
			continue;
		if ((now.flags & SVC_NODE_ONLY) && !svc_is_on_node(ctx))
			return SVC_NO_SERVICE;
		if (!now.count)
			return SVC_NO_BACKEND;

		client.set = now.set;
		if (now.affinity) {
			client.kind = SVC_CLIENT_NETNS;
			client.cookie = bpf_get_netns_cookie(ctx);
		} else if (datagram) {
			client.kind = SVC_CLIENT_SOCKET;
			client.cookie = bpf_get_socket_cookie(ctx);
		}
		if (client.cookie &&
		    svc_choose_again(&client, now.affinity, to))
			return SVC_BACKEND;

		index = now.base + bpf_get_prandom_u32() % now.count;
		slot = bpf_map_lookup_elem(&svc_slots, &index);
		if (!slot || slot->set != now.set)
			continue;
		*to = *slot;
		if (client.cookie)
			svc_remember_choice(&client, to);
		return SVC_BACKEND;
	}
	return SVC_NO_BACKEND;
}

/* For the peer's name, and for the source of datagrams. */
static __always_inline void svc_remember_peer(struct bpf_sock_addr *ctx,
					      const struct svc_address *asked,
					      const struct svc_slot *got)
{
	struct svc_peer peer = { .cookie = bpf_get_socket_cookie(ctx),
				 .port = got->port };
	const struct svc_address *known;

	svc_copy(peer.addr, got->addr);
	known = bpf_map_lookup_elem(&svc_peers, &peer);
	if (known && known->port == asked->port &&
	    known->addr[3] == asked->addr[3] &&
	    known->addr[2] == asked->addr[2] &&
	    known->addr[1] == asked->addr[1] &&
	    known->addr[0] == asked->addr[0])
		return;
	bpf_map_update_elem(&svc_peers, &peer, asked, BPF_ANY);
}

/*
 * What a socket reaches without a Service has its own name. But a connected
 * IPv6 socket that talks IPv4 comes here too, with what its connection was
 * translated to.
 */
static __always_inline void svc_forget_peer(struct bpf_sock_addr *ctx,
					    const struct svc_address *direct)
{
	struct svc_peer peer = { .cookie = bpf_get_socket_cookie(ctx),
				 .port = direct->port };
	struct bpf_sock *sk = ctx->sk;

	if (!sk || sk->state == BPF_TCP_ESTABLISHED)
		return;
	svc_copy(peer.addr, direct->addr);
	if (bpf_map_lookup_elem(&svc_peers, &peer))
		bpf_map_delete_elem(&svc_peers, &peer);
}

/* Fills @to with a backend for @asked. */
static __always_inline int svc_translate(struct bpf_sock_addr *ctx,
					 const struct svc_address *asked,
					 int datagram, struct svc_slot *to)
{
	int answer = svc_choose(ctx, asked, datagram, to);

	switch (answer) {
	case SVC_BACKEND:
		svc_remember_peer(ctx, asked, to);
		svc_count(SVC_OUTCOME_TRANSLATED);
		break;
	case SVC_NO_BACKEND:
		svc_count(SVC_OUTCOME_REFUSED);
		break;
	default:
		if (datagram)
			svc_forget_peer(ctx, asked);
	}
	return answer;
}

/* The other way: what a socket asked for when it was given this peer. */
static __always_inline const struct svc_address *
svc_asked_for(struct bpf_sock_addr *ctx, const __be32 *addr, __be16 port)
{
	struct svc_peer peer = { .cookie = bpf_get_socket_cookie(ctx),
				 .port = port };

	svc_copy(peer.addr, addr);
	return bpf_map_lookup_elem(&svc_peers, &peer);
}

#endif
