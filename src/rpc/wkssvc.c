// SPDX-License-Identifier: Apache-2.0
/*
 * The Workstation Service (MS-WKST): who a server is. It says the name that was dialled, as
 * NetrServerGetInfo does.
 */
#include <wire/wkssvc.h>

#include "interface.h"

static uint32_t get_info(struct rpc_call *call)
{
	struct srvsvc_info_request request;
	struct manage_server_info info;
	struct wkssvc_info row;
	uint32_t fault = wkssvc_info_request_decode(call->in, &request);

	if (fault)
		return fault;
	if (!ndr_level_find(&WKSSVC_INFOS, request.level))
		call->status = WERR_INVALID_LEVEL;
	else if (request.level != 100 &&
		 !call->is_admin) /* 3.2.4.1: 101 and 102 are for administrators */
		call->status = WERR_ACCESS_DENIED;
	manage_server_info(call->peer->server, &info);
	row = (struct wkssvc_info){
		.platform_id = PLATFORM_ID_NT,
		.computer_name = info.name,
		.group = RPC_WORKGROUP,
		.version_major = info.version_major,
		.version_minor = info.version_minor,
		.root = "",
		.logged_on_users = (uint32_t)session_count(call->peer->server),
	};
	info_reply_encode(call->out, &WKSSVC_INFOS, request.level, call->status ? NULL : &row,
			  call->status);
	return RPC_FAULT_NONE;
}

static const struct rpc_row rows[] = {
	{ WKSSVC_GET_INFO, "NetrWkstaGetInfo", RPC_NEEDS_PIPE, false, get_info },
};

const struct rpc_interface rpc_wkssvc = {
	.pipe = "wkssvc",
	.syntax = &WKSSVC_INTERFACE,
	.rows = rows,
	.row_count = ARRAY_LEN(rows),
};
