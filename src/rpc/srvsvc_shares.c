// SPDX-License-Identifier: Apache-2.0
/*
 * Shares over srvsvc (MS-SRVS 3.1.4.7 to 3.1.4.16). Every answer is about the scope that was
 * dialled; only level 503, which names the scope of each share, lists them all, with "*" for the
 * node's.
 *
 * What a caller that is no Administrator may see is names, types, remarks and flags (levels 0, 1,
 * 501, 1005); paths, uses and descriptors (2, 502, 503) are for Administrators, as 3.1.4.8 has it.
 */
#include <base/utf16.h>
#include <wire/smb2.h>
#include <wire/srvsvc.h>

#include "interface.h"

/* The shares of a call, freed at the end of the scope. */
struct shares {
	struct manage_share *rows;
	size_t count;
};

static void shares_free(struct shares *s)
{
	manage_shares_free(s->rows, s->count);
}
#define auto_shares cleanup(shares_free)

static uint32_t werror_of(ntstatus status)
{
	static const struct {
		ntstatus status;
		uint32_t error;
	} errors[] = {
		{ STATUS_SUCCESS, WERR_SUCCESS },
		{ STATUS_OBJECT_NAME_COLLISION, NERR_DUPLICATE_SHARE },
		{ STATUS_OBJECT_NAME_NOT_FOUND, NERR_NET_NAME_NOT_FOUND },
		{ STATUS_NOT_FOUND, NERR_NET_NAME_NOT_FOUND },
		{ STATUS_BAD_NETWORK_NAME, NERR_NET_NAME_NOT_FOUND },
		{ STATUS_OBJECT_PATH_NOT_FOUND, NERR_UNKNOWN_DEV_DIR },
		{ STATUS_NOT_A_DIRECTORY, NERR_UNKNOWN_DEV_DIR },
		{ STATUS_OBJECT_NAME_INVALID, WERR_INVALID_NAME },
	};

	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		if (errors[i].status == status)
			return errors[i].error;
	}
	return ntstatus_win32(status);
}

static uint32_t shares_of(struct rpc_call *call, bool all_scopes, struct shares *out)
{
	return werror_of(manage_shares(call->peer->server, call->peer->token, all_scopes,
				       &out->rows, &out->count));
}

static const struct manage_share *share_named(const struct shares *shares, const char *name)
{
	for (size_t i = 0; i < shares->count; i++) {
		if (!name_compare(shares->rows[i].name, name))
			return &shares->rows[i];
	}
	return NULL;
}

static uint32_t flags_of(const struct manage_share *share)
{
	static const struct {
		uint32_t ours, theirs;
	} flags[] = {
		{ STORE_SHARE_ACCESS_BASED_ENUMERATION, SHI1005_ACCESS_BASED_DIRECTORY_ENUM },
		{ STORE_SHARE_CONTINUOUSLY_AVAILABLE, SHI1005_ENABLE_CA },
		{ STORE_SHARE_ENCRYPT, SHI1005_ENCRYPT_DATA },
	};
	uint32_t out = share->caching & SHI1005_CSC_MASK;

	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (share->flags & flags[i].ours)
			out |= flags[i].theirs;
	}
	return out;
}

static struct srvsvc_share share_row(const struct manage_share *share, uint32_t level)
{
	return (struct srvsvc_share){
		.name = share->name,
		.remark = text_or_empty(share->remark),
		.path = text_or_empty(share->path),
		.server_name = share->scope,
		.type = share->type,
		.max_uses = share->max_uses,
		.current_uses = share->uses,
		.flags = level == 501 ? share->caching & SHI1005_CSC_MASK : flags_of(share),
		.sd = share->sd,
		.sd_length = (uint32_t)share->sd_length,
	};
}

static bool level_needs_admin(uint32_t level)
{
	return level == 2 || level == 502 || level == 503;
}

struct share_list {
	const struct manage_share **rows;
	uint32_t level;
};

static void fill_share(struct rpc_call *call, const void *source, size_t index, void *row)
{
	const struct share_list *list = source;
	struct srvsvc_share share = share_row(list->rows[index], list->level);

	memcpy(row, &share, sizeof(share));
}

/* is_sticky - made by an administrator, and there until one removes it. */
static bool is_sticky(const struct manage_share *share)
{
	return !(share->type & STYPE_SPECIAL) || share->flags & STORE_SHARE_HIDDEN;
}

uint32_t srvsvc_share_enum(struct rpc_call *call)
{
	struct srvsvc_enum_request request;
	auto_shares struct shares shares = { 0 };
	auto_free const struct manage_share **rows = NULL;
	struct share_list source = { 0 };
	struct list list = { .fill = fill_share, .source = &source };
	uint32_t fault = srvsvc_enum_request_decode(call->in, call->opnum, &request);
	uint32_t status = WERR_SUCCESS;

	if (fault)
		return fault;
	if (level_needs_admin(request.list.level) && !call->is_admin)
		status = WERR_ACCESS_DENIED;
	else
		status = shares_of(call, request.list.level == 503, &shares);
	rows = calloc(shares.count + 1, sizeof(*rows));
	if (!rows)
		return RPC_FAULT_OUT_OF_MEMORY;
	for (size_t i = 0; i < shares.count; i++) {
		if (call->opnum != SRVSVC_SHARE_ENUM_STICKY || is_sticky(&shares.rows[i]))
			rows[list.count++] = &shares.rows[i];
	}
	source = (struct share_list){ rows, request.list.level };
	return list_answer(call, &request, &list, status);
}

static bool level_is_readable(uint32_t level)
{
	static const uint32_t levels[] = { 0, 1, 2, 501, 502, 503, 1005 };

	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		if (levels[i] == level)
			return true;
	}
	return false;
}

uint32_t srvsvc_share_get_info(struct rpc_call *call)
{
	struct srvsvc_info_request request;
	auto_shares struct shares shares = { 0 };
	const struct manage_share *share = NULL;
	struct srvsvc_share row = { 0 };
	uint32_t fault = srvsvc_info_request_decode(call->in, call->opnum, &request);

	if (fault)
		return fault;
	call->object = request.name;
	if (!level_is_readable(request.level))
		call->status = WERR_INVALID_LEVEL;
	else if (level_needs_admin(request.level) && !call->is_admin)
		call->status = WERR_ACCESS_DENIED;
	else
		call->status = shares_of(call, false, &shares);
	if (!call->status) {
		share = share_named(&shares, request.name);
		if (share)
			row = share_row(share, request.level);
		else
			call->status = NERR_NET_NAME_NOT_FOUND;
	}
	info_reply_encode(call->out, &SRVSVC_SHARES, request.level, share ? &row : NULL,
			  call->status);
	return RPC_FAULT_NONE;
}

/* path_beneath - "S:\a\b" as "a/b", a path beneath the volume; NULL where it is none. The caller
 * frees it. */
static char *path_beneath(const char *path)
{
	auto_buf struct buf out = { 0 };
	const char *at;

	if (!path || !path[0] || path[1] != ':' || (path[2] && path[2] != '\\' && path[2] != '/'))
		return NULL;
	for (at = path + 2; *at;) {
		char component[256 * 3];
		size_t length;

		at += strspn(at, "\\/");
		length = strcspn(at, "\\/");
		if (!length)
			break;
		if (length >= sizeof(component))
			return NULL;
		memcpy(component, at, length);
		component[length] = 0;
		if (!volume_name_valid(component))
			return NULL;
		if (out.len)
			buf_u8(&out, '/');
		buf_bytes(&out, component, length);
		at += length;
	}
	buf_u8(&out, 0);
	return out.failed ? NULL : xstrdup((const char *)out.data);
}

static bool is_drive_of(const struct server *server, const char *path)
{
	return path && path[0] && (path[0] & ~0x20) == (server->drive_letter & ~0x20);
}

static bool is_scope_of(const struct server *server, const char *name)
{
	if (!name || !*name)
		return true;
	if (!strcmp(name, "*"))
		return server->is_node;
	for (size_t i = 0; i < server->name_count; i++) {
		if (!name_compare(server->names[i], name))
			return true;
	}
	return false;
}

/* Which member of the structure was wrong (lmshare.h: SHARE_*_PARMNUM). */
enum { PARM_NAME = 1, PARM_TYPE = 3, PARM_PATH = 8, PARM_SD = 501 };

static uint32_t check_sd(const struct srvsvc_share *from)
{
	auto_free struct security_descriptor *sd = NULL;

	if (!from->sd)
		return WERR_SUCCESS;
	return sd_decode(cur_of(from->sd, from->sd_length), &sd) == STATUS_SUCCESS
		       ? WERR_SUCCESS
		       : WERR_INVALID_PARAMETER;
}

static uint32_t add_share(struct rpc_call *call, const struct srvsvc_share_request *request,
			  uint32_t *wrong)
{
	struct server *server = call->peer->server;
	const struct srvsvc_share *from = &request->share;
	auto_free char *path = NULL;
	struct store_share share = { .max_uses = from->max_uses ? from->max_uses : UINT32_MAX };
	ntstatus status;

	if (request->level != 2 && request->level != 502 && request->level != 503)
		return WERR_INVALID_LEVEL;
	*wrong = PARM_NAME;
	if (!request->has_share || !from->name || !*from->name)
		return WERR_INVALID_PARAMETER;
	if (!is_scope_of(server, from->server_name))
		return WERR_INVALID_PARAMETER;
	*wrong = PARM_TYPE;
	if (from->type & ~STYPE_CLUSTER_FS)
		return from->type & STYPE_SPECIAL ? WERR_INVALID_PARAMETER : WERR_NOT_SUPPORTED;
	*wrong = PARM_PATH;
	path = path_beneath(from->path);
	if (!path)
		return WERR_INVALID_PARAMETER;
	if (!is_drive_of(server, from->path))
		return NERR_UNKNOWN_DEV_DIR;
	*wrong = PARM_SD;
	if (check_sd(from))
		return WERR_INVALID_PARAMETER;
	*wrong = 0;
	/* copied by the store, so nothing here changes them */
	share.name = (char *)(uintptr_t)from->name;
	share.remark = (char *)(uintptr_t)text_or_empty(from->remark);
	share.path = path;
	share.sd = (uint8_t *)(uintptr_t)from->sd;
	share.sd_length = from->sd ? from->sd_length : 0;
	status = manage_share_add(server, call->peer->token, &share, false, &call->error);
	return status == STATUS_OBJECT_NAME_NOT_FOUND ? NERR_UNKNOWN_DEV_DIR : werror_of(status);
}

uint32_t srvsvc_share_add(struct rpc_call *call)
{
	struct srvsvc_share_request request;
	uint32_t fault = srvsvc_share_request_decode(call->in, call->opnum, &request);
	uint32_t wrong = 0;

	if (fault)
		return fault;
	call->object = request.share.name;
	call->status = call->refused;
	if (!call->status)
		call->status = add_share(call, &request, &wrong);
	if (call->status != WERR_INVALID_PARAMETER)
		wrong = 0;
	srvsvc_share_reply_encode(call->out, call->opnum,
				  request.has_parameter_error ? &wrong : NULL, call->status);
	return RPC_FAULT_NONE;
}

/* What each level of NetrShareSetInfo sets (3.1.4.11). */
enum { SET_REMARK = 1, SET_USES = 2, SET_SD = 4, SET_FLAGS = 8 };
static const struct {
	uint32_t level;
	uint32_t sets;
} set_levels[] = {
	{ 1, SET_REMARK },
	{ 2, SET_REMARK | SET_USES },
	{ 502, SET_REMARK | SET_USES | SET_SD },
	{ 503, SET_REMARK | SET_USES | SET_SD },
	{ 1004, SET_REMARK },
	{ 1005, SET_FLAGS },
	{ 1006, SET_USES },
	{ 1501, SET_SD },
};

static void apply(struct store_share *share, const struct srvsvc_share *from, uint32_t sets)
{
	uint32_t access_based = STORE_SHARE_ACCESS_BASED_ENUMERATION;

	if (sets & SET_REMARK && from->remark)
		share->remark = (char *)(uintptr_t)from->remark;
	if (sets & SET_USES)
		share->max_uses = from->max_uses ? from->max_uses : UINT32_MAX;
	if (sets & SET_SD && from->sd) {
		share->sd = (uint8_t *)(uintptr_t)from->sd;
		share->sd_length = from->sd_length;
	}
	if (!(sets & SET_FLAGS))
		return;
	share->caching = from->flags & SHI1005_CSC_MASK;
	share->flags &= ~(access_based | STORE_SHARE_CONTINUOUSLY_AVAILABLE | STORE_SHARE_ENCRYPT);
	if (from->flags & SHI1005_ACCESS_BASED_DIRECTORY_ENUM)
		share->flags |= access_based;
	if (from->flags & SHI1005_ENABLE_CA)
		share->flags |= STORE_SHARE_CONTINUOUSLY_AVAILABLE;
	if (from->flags & SHI1005_ENCRYPT_DATA)
		share->flags |= STORE_SHARE_ENCRYPT;
}

static uint32_t set_share(struct rpc_call *call, const struct srvsvc_share_request *request,
			  uint32_t *wrong)
{
	struct server *server = call->peer->server;
	auto_shares struct shares shares = { 0 };
	const struct manage_share *old;
	auto_free char *path = NULL;
	struct store_share share;
	uint32_t sets = 0;
	uint32_t status;

	for (size_t i = 0; i < ARRAY_LEN(set_levels); i++) {
		if (set_levels[i].level == request->level)
			sets = set_levels[i].sets;
	}
	if (!sets)
		return WERR_INVALID_LEVEL;
	status = shares_of(call, false, &shares);
	if (status)
		return status;
	old = share_named(&shares, request->name);
	if (!old)
		return NERR_NET_NAME_NOT_FOUND;
	if (!request->has_share)
		return WERR_INVALID_PARAMETER;
	*wrong = PARM_SD;
	if (sets & SET_SD && check_sd(&request->share))
		return WERR_INVALID_PARAMETER;
	*wrong = 0;
	path = path_beneath(old->path);
	if (!path)
		return WERR_INVALID_PARAMETER;
	share = (struct store_share){ .name = old->name,
				      .path = path,
				      .remark = old->remark,
				      .flags = old->flags,
				      .max_uses = old->max_uses,
				      .caching = old->caching,
				      .hide_names = old->hide_names,
				      .sd = old->sd,
				      .sd_length = old->sd_length };
	apply(&share, &request->share, sets);
	return werror_of(manage_share_set(server, call->peer->token, &share, &call->error));
}

uint32_t srvsvc_share_set_info(struct rpc_call *call)
{
	struct srvsvc_share_request request;
	uint32_t fault = srvsvc_share_request_decode(call->in, call->opnum, &request);
	uint32_t wrong = 0;

	if (fault)
		return fault;
	call->object = request.name;
	call->status = call->refused;
	if (!call->status)
		call->status = set_share(call, &request, &wrong);
	srvsvc_share_reply_encode(call->out, call->opnum,
				  request.has_parameter_error ? &wrong : NULL, call->status);
	return RPC_FAULT_NONE;
}

static uint32_t delete_share(struct rpc_call *call, const char *name)
{

	call->object = name;
	if (call->refused)
		return call->refused;
	return werror_of(
		manage_share_remove(call->peer->server, call->peer->token, name, &call->error));
}

uint32_t srvsvc_share_del(struct rpc_call *call)
{
	struct srvsvc_plain_request request;
	uint32_t fault = srvsvc_plain_request_decode(call->in, call->opnum, &request);

	if (fault)
		return fault;
	call->status = delete_share(call, request.name);
	srvsvc_status_encode(call->out, call->status);
	return RPC_FAULT_NONE;
}

/* NetrShareDelEx: the share is told by the structure of level 503, which names its scope. */
uint32_t srvsvc_share_del_ex(struct rpc_call *call)
{
	struct srvsvc_share_request request;
	uint32_t fault = srvsvc_share_request_decode(call->in, call->opnum, &request);

	if (fault)
		return fault;
	if (request.level != 503)
		call->status = WERR_INVALID_LEVEL;
	else if (!request.has_share || !request.share.name ||
		 !is_scope_of(call->peer->server, request.share.server_name))
		call->status = WERR_INVALID_PARAMETER;
	else
		call->status = delete_share(call, request.share.name);
	srvsvc_share_reply_encode(call->out, call->opnum, NULL, call->status);
	return RPC_FAULT_NONE;
}

uint32_t srvsvc_share_check(struct rpc_call *call)
{
	struct srvsvc_plain_request request;
	auto_shares struct shares shares = { 0 };
	uint32_t fault = srvsvc_plain_request_decode(call->in, call->opnum, &request);
	uint32_t type = 0;

	if (fault)
		return fault;
	call->status = call->refused ? call->refused : shares_of(call, false, &shares);
	if (!call->status)
		call->status = NERR_DEVICE_NOT_SHARED;
	for (size_t i = 0; i < shares.count; i++) {
		if (shares.rows[i].path && *shares.rows[i].path &&
		    !name_compare(shares.rows[i].path, request.name)) {
			type = shares.rows[i].type;
			call->status = WERR_SUCCESS;
			break;
		}
	}
	srvsvc_value_encode(call->out, type, call->status);
	return RPC_FAULT_NONE;
}
