// SPDX-License-Identifier: Apache-2.0
/* The pipes of this room. */
#include <rpc/rpc.h>

#include "interface.h"

static void *open_lsarpc(const struct pipe_peer *peer)
{
	return association_open(&rpc_lsarpc, peer);
}

static void *open_samr(const struct pipe_peer *peer)
{
	return association_open(&rpc_samr, peer);
}

static void *open_srvsvc(const struct pipe_peer *peer)
{
	return association_open(&rpc_srvsvc, peer);
}

static void *open_winreg(const struct pipe_peer *peer)
{
	return association_open(&rpc_winreg, peer);
}

static void *open_wkssvc(const struct pipe_peer *peer)
{
	return association_open(&rpc_wkssvc, peer);
}

static const struct pipe_endpoint endpoints[] = {
	{ "lsarpc", open_lsarpc, association_exchange, association_close },
	{ "samr", open_samr, association_exchange, association_close },
	{ "srvsvc", open_srvsvc, association_exchange, association_close },
	{ "winreg", open_winreg, association_exchange, association_close },
	{ "wkssvc", open_wkssvc, association_exchange, association_close },
};

void rpc_register(void)
{
	for (size_t i = 0; i < ARRAY_LEN(endpoints); i++)
		pipe_register(&endpoints[i]);
}
