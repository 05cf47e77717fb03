// SPDX-License-Identifier: Apache-2.0
/* Sessions over srvsvc (MS-SRVS 3.1.4.5, 3.1.4.6): those that were authenticated against the scope
 * that was dialled. */
#include <base/utf16.h>
#include <wire/srvsvc.h>

#include "interface.h"

struct sessions {
	struct session_row *rows;
	size_t count;
};

static void sessions_free(struct sessions *s)
{
	session_rows_free(s->rows, s->count);
}
#define auto_sessions cleanup(sessions_free)

static uint32_t sessions_of(struct rpc_call *call, struct sessions *out)
{
	return ntstatus_win32(
		manage_sessions(call->peer->server, call->peer->token, &out->rows, &out->count));
}

static const char *account_of(const char *user)
{
	const char *slash = user ? strrchr(user, '\\') : NULL;

	return slash ? slash + 1 : text_or_empty(user);
}

/* matches - @client (with or without its two backslashes) and @user, either of which may be left
 * open. */
static bool matches(const struct session_row *row, const char *client, const char *user)
{
	if (client && *client) {
		if (client[0] == '\\' && client[1] == '\\')
			client += 2;
		if (name_compare(text_or_empty(row->client), client))
			return false;
	}
	return !user || !*user || !name_compare(account_of(row->user), user);
}

static void fill_session(struct rpc_call *call, const void *source, size_t index, void *row)
{
	const struct session_row *from = ((const struct session_row *const *)source)[index];
	struct srvsvc_session session = {
		.client = call_text(call, "\\\\%s", text_or_empty(from->client)),
		.user_name = account_of(from->user),
		.client_type = "",
		.transport = "",
		.num_opens = from->opens,
		.time_s = (uint32_t)(from->age_ms / 1000),
		.idle_s = (uint32_t)(from->idle_ms / 1000),
		.user_flags = from->is_guest ? SESS_GUEST : 0,
	};

	memcpy(row, &session, sizeof(session));
}

uint32_t srvsvc_session_enum(struct rpc_call *call)
{
	struct srvsvc_enum_request request;
	auto_sessions struct sessions sessions = { 0 };
	auto_free const struct session_row **rows = NULL;
	struct list list = { .fill = fill_session };
	uint32_t fault = srvsvc_enum_request_decode(call->in, call->opnum, &request);
	uint32_t status;

	if (fault)
		return fault;
	status = call->refused ? call->refused : sessions_of(call, &sessions);
	rows = calloc(sessions.count + 1, sizeof(*rows));
	if (!rows)
		return RPC_FAULT_OUT_OF_MEMORY;
	for (size_t i = 0; i < sessions.count; i++) {
		if (matches(&sessions.rows[i], request.qualifier, request.user_name))
			rows[list.count++] = &sessions.rows[i];
	}
	if (!status && !list.count && request.qualifier && *request.qualifier)
		status = NERR_CLIENT_NAME_NOT_FOUND;
	list.source = rows;
	return list_answer(call, &request, &list, status);
}

static uint32_t close_sessions(struct rpc_call *call, const struct srvsvc_plain_request *request)
{
	auto_sessions struct sessions sessions = { 0 };
	uint32_t status;
	size_t closed = 0;

	if ((!request->client || !*request->client) &&
	    (!request->user_name || !*request->user_name))
		return WERR_INVALID_PARAMETER;
	status = sessions_of(call, &sessions);
	for (size_t i = 0; i < sessions.count && !status; i++) {
		if (!matches(&sessions.rows[i], request->client, request->user_name))
			continue;
		status = ntstatus_win32(manage_session_close(call->peer->server, call->peer->token,
							     sessions.rows[i].id, &call->error));
		closed++;
	}
	if (status || closed)
		return status;
	return request->client && *request->client ? NERR_CLIENT_NAME_NOT_FOUND
						   : NERR_USER_NOT_FOUND;
}

uint32_t srvsvc_session_del(struct rpc_call *call)
{
	struct srvsvc_plain_request request;
	uint32_t fault = srvsvc_plain_request_decode(call->in, call->opnum, &request);

	if (fault)
		return fault;
	call->object = request.client ? request.client : request.user_name;
	call->status = call->refused ? call->refused : close_sessions(call, &request);
	srvsvc_status_encode(call->out, call->status);
	return RPC_FAULT_NONE;
}
