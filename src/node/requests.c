// SPDX-License-Identifier: Apache-2.0
/* Requests of the control socket: the table of them, and what all have in common. */
#include "requests.h"

#include <stdarg.h>
#include <stdio.h>

bool request_fail(struct request *r, const char *code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->error, sizeof(r->error), format, args);
	va_end(args);
	r->code = code;
	return false;
}

bool request_fail_managed(struct request *r, const struct manage_error *error)
{
	return request_fail(r, ntstatus_name(error->status), "%s", error->text);
}

bool request_fail_why(struct request *r, const char *code, char *why)
{
	(void)request_fail(r, code, "%s", why ? why : "no reason is known");
	free(why);
	return false;
}

const char *request_text(const struct request *r, const char *key)
{
	const json_t *value = json_object_get(r->json, key);
	const char *text = json_string_value(value);

	return text && strlen(text) == json_string_length(value) ? text : NULL;
}

bool request_need(struct request *r, const char *key, const char **out)
{
	*out = request_text(r, key);
	return *out || request_fail(r, "bad-request", "the request lacks \"%s\"", key);
}

bool request_flag(const struct request *r, const char *key)
{
	return json_is_true(json_object_get(r->json, key));
}

static bool do_status(struct request *r)
{
	r->result = facts_status();
	return true;
}

static const struct row {
	const char *name;
	request_handler *handle;
	bool needs_server; /* one that is online on this node */
} rows[] = {
	{ "status", do_status, false },
	{ "server.start", do_server_start, false },
	{ "server.stop", do_server_stop, false },
	{ "server.check", do_server_check, false },
	{ "server.create", do_server_create, false },
	{ "server.delete", do_server_delete, false },
	{ "server.online", do_server_online, false },
	{ "server.offline", do_server_offline, false },
	{ "server.move", do_server_move, false },
	{ "server.set", do_server_set, false },
	{ "server.settings", do_server_settings, true },
	{ "share.list", do_share_list, true },
	{ "share.add", do_share_add, true },
	{ "share.set", do_share_set, true },
	{ "share.remove", do_share_remove, true },
	{ "user.list", do_user_list, true },
	{ "user.add", do_user_add, true },
	{ "user.remove", do_user_remove, true },
	{ "user.password", do_user_password, true },
	{ "user.enable", do_user_enable, true },
	{ "user.disable", do_user_disable, true },
	{ "group.list", do_group_list, true },
	{ "group.add", do_group_add, true },
	{ "group.remove", do_group_remove, true },
	{ "member.add", do_member_add, true },
	{ "member.remove", do_member_remove, true },
	{ "session.list", do_session_list, true },
	{ "session.close", do_session_close, true },
	{ "file.list", do_file_list, true },
	{ "file.close", do_file_close, true },
};

static bool run(const struct row *row, struct request *r)
{
	const char *name;

	if (!row->needs_server)
		return row->handle(r);
	if (!request_need(r, "server", &name))
		return false;
	r->server = serving_server(name);
	if (!r->server)
		return request_fail(r, "not-here",
				    "%s is not online on %s; berth status shows where it is", name,
				    node.config.name);
	return row->handle(r);
}

json_t *request_answer(const char *text, size_t length)
{
	json_error_t error;
	json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error), *answer;
	struct request r = { .json = root, .code = "bad-request" };
	const char *what = root ? request_text(&r, "do") : NULL;
	const struct row *row = NULL;
	bool done = false;

	for (size_t i = 0; what && i < ARRAY_LEN(rows); i++) {
		if (!strcmp(rows[i].name, what))
			row = &rows[i];
	}
	if (!root)
		(void)request_fail(&r, "bad-request", "the request is not JSON: %s", error.text);
	else if (!row)
		(void)request_fail(&r, "bad-request", "there is no request \"%s\"",
				   what ? what : "");
	else
		done = run(row, &r);
	if (done)
		answer = json_pack("{s:b, s:o*}", "ok", 1, "result", r.result);
	else
		answer = json_pack("{s:b, s:s, s:s}", "ok", 0, "code", r.code, "error", r.error);
	if (!done)
		json_decref(r.result);
	if (!answer)
		answer = json_pack("{s:b, s:s, s:s}", "ok", 0, "code", "internal", "error",
				   "the answer cannot be written as JSON");
	server_put(r.server);
	json_decref(root);
	return answer;
}
