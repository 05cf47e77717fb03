// SPDX-License-Identifier: Apache-2.0
/*
 * Directory Services Setup (MS-DSSP), on the pipe of the local security authority: a file server is
 * a server by itself, in a workgroup.
 */
#include <wire/dssetup.h>
#include <wire/srvsvc.h>

#include "interface.h"

static uint32_t get_primary_domain(struct rpc_call *call)
{
	static const struct dssetup_basic basic = { .role = DSSETUP_STANDALONE_SERVER,
						    .flat_name = RPC_WORKGROUP };
	uint16_t level;
	uint32_t fault = dssetup_request_decode(call->in, &level);

	if (fault)
		return fault;
	call->status = call->refused;
	if (!call->status && level != DSSETUP_LEVEL_BASIC)
		call->status = WERR_INVALID_PARAMETER; /* what an upgrade or a promotion is at */
	dssetup_reply_encode(call->out, call->status ? NULL : &basic, call->status);
	return RPC_FAULT_NONE;
}

static const struct rpc_row rows[] = {
	{ DSSETUP_GET_PRIMARY_DOMAIN, "DsRolerGetPrimaryDomainInformation", RPC_NEEDS_ACCOUNT,
	  false, get_primary_domain },
};

const struct rpc_interface rpc_dssetup = {
	.pipe = "lsarpc",
	.syntax = &DSSETUP_INTERFACE,
	.rows = rows,
	.row_count = ARRAY_LEN(rows),
};
