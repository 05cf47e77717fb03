// SPDX-License-Identifier: Apache-2.0
/*
 * The Server Service (MS-SRVS): its table of calls, and the calls about the server itself. Calls
 * that are not in the table are answered nca_s_op_rng_error.
 */
#include <time.h>
#include <wire/srvsvc.h>

#include "interface.h"

static uint32_t server_get_info(struct rpc_call *call)
{
	struct srvsvc_info_request request;
	struct manage_server_info info;
	struct srvsvc_server row;
	uint32_t fault = srvsvc_info_request_decode(call->in, call->opnum, &request);

	if (fault)
		return fault;
	if (!ndr_level_find(&SRVSVC_SERVERS, request.level))
		call->status = WERR_INVALID_LEVEL;
	else if (request.level == 102 && !call->is_admin)
		call->status = WERR_ACCESS_DENIED;
	manage_server_info(call->peer->server, &info);
	row = (struct srvsvc_server){
		.platform_id = PLATFORM_ID_NT,
		.name = info.name,
		.version_major = info.version_major,
		.version_minor = info.version_minor,
		.type = info.type,
		.comment = info.comment,
		.users = UINT32_MAX,		  /* no limit */
		.disconnect_minutes = UINT32_MAX, /* idle sessions stay */
		.hidden = 1,			  /* it does not announce itself in a browse list */
		.user_path = "",
	};
	info_reply_encode(call->out, &SRVSVC_SERVERS, request.level, call->status ? NULL : &row,
			  call->status);
	return RPC_FAULT_NONE;
}

static uint32_t server_disk_enum(struct rpc_call *call)
{
	struct srvsvc_disk_request request;
	uint32_t fault = srvsvc_disk_request_decode(call->in, &request);
	char letters[2] = { call->peer->server->drive_letter, 0 };

	if (fault)
		return fault;
	call->status = call->refused;
	if (!call->status && request.level)
		call->status = WERR_INVALID_LEVEL;
	srvsvc_disk_reply_encode(call->out, &request, call->status ? "" : letters, call->status);
	return RPC_FAULT_NONE;
}

static uint32_t remote_tod(struct rpc_call *call)
{
	struct srvsvc_plain_request request;
	uint32_t fault = srvsvc_plain_request_decode(call->in, call->opnum, &request);
	struct srvsvc_time_of_day tod;
	struct timespec now;
	struct tm utc, local;

	if (fault)
		return fault;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	localtime_r(&now.tv_sec, &local);
	tod = (struct srvsvc_time_of_day){
		.elapsed_s = (uint32_t)now.tv_sec,
		.uptime_ms = (uint32_t)monotonic_ms(),
		.hours = (uint32_t)utc.tm_hour,
		.minutes = (uint32_t)utc.tm_min,
		.seconds = (uint32_t)utc.tm_sec,
		.hundredths = (uint32_t)(now.tv_nsec / 10000000),
		.timezone_minutes = (int32_t)(-local.tm_gmtoff / 60),
		.tick_interval = 310, /* of 0.1 ms */
		.day = (uint32_t)utc.tm_mday,
		.month = (uint32_t)utc.tm_mon + 1,
		.year = (uint32_t)utc.tm_year + 1900,
		.weekday = (uint32_t)utc.tm_wday,
	};
	srvsvc_time_reply_encode(call->out, &tod, WERR_SUCCESS);
	return RPC_FAULT_NONE;
}

static const struct rpc_row rows[] = {
	{ SRVSVC_CONNECTION_ENUM, "NetrConnectionEnum", RPC_NEEDS_ADMIN, false,
	  srvsvc_connection_enum },
	{ SRVSVC_FILE_ENUM, "NetrFileEnum", RPC_NEEDS_ADMIN, false, srvsvc_file_enum },
	{ SRVSVC_FILE_GET_INFO, "NetrFileGetInfo", RPC_NEEDS_ADMIN, false, srvsvc_file_get_info },
	{ SRVSVC_FILE_CLOSE, "NetrFileClose", RPC_NEEDS_ADMIN, true, srvsvc_file_close },
	{ SRVSVC_SESSION_ENUM, "NetrSessionEnum", RPC_NEEDS_ADMIN, false, srvsvc_session_enum },
	{ SRVSVC_SESSION_DEL, "NetrSessionDel", RPC_NEEDS_ADMIN, true, srvsvc_session_del },
	{ SRVSVC_SHARE_ADD, "NetrShareAdd", RPC_NEEDS_ADMIN, true, srvsvc_share_add },
	{ SRVSVC_SHARE_ENUM, "NetrShareEnum", RPC_NEEDS_PIPE, false, srvsvc_share_enum },
	{ SRVSVC_SHARE_GET_INFO, "NetrShareGetInfo", RPC_NEEDS_PIPE, false, srvsvc_share_get_info },
	{ SRVSVC_SHARE_SET_INFO, "NetrShareSetInfo", RPC_NEEDS_ADMIN, true, srvsvc_share_set_info },
	{ SRVSVC_SHARE_DEL, "NetrShareDel", RPC_NEEDS_ADMIN, true, srvsvc_share_del },
	{ SRVSVC_SHARE_CHECK, "NetrShareCheck", RPC_NEEDS_PIPE, false, srvsvc_share_check },
	{ SRVSVC_SERVER_GET_INFO, "NetrServerGetInfo", RPC_NEEDS_PIPE, false, server_get_info },
	{ SRVSVC_SERVER_DISK_ENUM, "NetrServerDiskEnum", RPC_NEEDS_ADMIN, false, server_disk_enum },
	{ SRVSVC_REMOTE_TOD, "NetrRemoteTOD", RPC_NEEDS_PIPE, false, remote_tod },
	{ SRVSVC_PATH_TYPE, "NetprPathType", RPC_NEEDS_PIPE, false, srvsvc_path_type },
	{ SRVSVC_NAME_VALIDATE, "NetprNameValidate", RPC_NEEDS_PIPE, false, srvsvc_name_validate },
	{ SRVSVC_SHARE_ENUM_STICKY, "NetrShareEnumSticky", RPC_NEEDS_PIPE, false,
	  srvsvc_share_enum },
	{ SRVSVC_SHARE_DEL_EX, "NetrShareDelEx", RPC_NEEDS_ADMIN, true, srvsvc_share_del_ex },
};

const struct rpc_interface rpc_srvsvc = {
	.pipe = "srvsvc",
	.syntax = &SRVSVC_INTERFACE,
	.rows = rows,
	.row_count = ARRAY_LEN(rows),
};
