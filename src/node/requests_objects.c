// SPDX-License-Identifier: Apache-2.0
/* Requests about what a file server holds: shares, accounts, sessions, open files. */
#include "requests.h"

#include <base/utf16.h>
#include <errno.h>
#include <wire/sddl.h>
#include <wire/smb2.h>

#define SDDL_BYTES_MAX 65536

static bool managed(struct request *r, ntstatus status, const struct manage_error *error)
{
	return status == STATUS_SUCCESS || request_fail_managed(r, error);
}

static bool stored(struct request *r, int error)
{
	return !error || request_fail(r, "store", "%s: %s", r->server->name, store_problem());
}

/* ---- shares */

/* The options of a share by name, as the command line and listings have them. */
static const struct {
	const char *name;
	uint32_t flag;
} share_options[] = {
	{ "continuously_available", STORE_SHARE_CONTINUOUSLY_AVAILABLE },
	{ "encrypt", STORE_SHARE_ENCRYPT },
	{ "access_based_enumeration", STORE_SHARE_ACCESS_BASED_ENUMERATION },
	{ "read_only", STORE_SHARE_READ_ONLY },
	{ "hidden", STORE_SHARE_HIDDEN },
	{ "short_names", STORE_SHARE_SHORT_NAMES },
	{ "no_streams", STORE_SHARE_NO_STREAMS },
	{ "no_notify", STORE_SHARE_NO_NOTIFY },
	{ "inherited_as_set", STORE_SHARE_INHERITED_AS_SET },
	{ "delayed_write_time", STORE_SHARE_DELAYED_WRITE_TIME },
	{ "compress", STORE_SHARE_COMPRESS },
};

/* null: nobody has set any. */
static json_t *permissions_json(const struct manage_share *s)
{
	struct security_descriptor *sd = NULL;
	auto_buf struct buf text = { 0 };
	bool good = s->sd && sd_decode(cur_of(s->sd, s->sd_length), &sd) == STATUS_SUCCESS &&
		    sd_format_sddl(&text, sd);

	free(sd);
	return good ? json_stringn((const char *)text.data, text.len) : json_null();
}

static json_t *share_json(const struct manage_share *s)
{
	json_t *out = json_pack("{s:s, s:s, s:s, s:s, s:b, s:I}", "name", s->name, "path", s->path,
				"remark", s->remark, "scope", s->scope, "special",
				(s->type & STYPE_SPECIAL) != 0, "uses", (json_int_t)s->uses);

	for (size_t i = 0; i < ARRAY_LEN(share_options); i++)
		json_object_set_new(out, share_options[i].name,
				    json_boolean(s->flags & share_options[i].flag));
	json_object_set_new(out, "hide_names", json_string(s->hide_names));
	json_object_set_new(out, "max_uses",
			    s->max_uses == UINT32_MAX ? json_null() : json_integer(s->max_uses));
	json_object_set_new(out, "permissions", permissions_json(s));
	return out;
}

bool do_share_list(struct request *r)
{
	struct manage_share *shares;
	size_t count;
	ntstatus status = manage_shares(r->server, NULL, false, &shares, &count);

	if (status != STATUS_SUCCESS)
		return request_fail(r, ntstatus_name(status), "%s", ntstatus_text(status));
	r->result = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(r->result, share_json(&shares[i]));
	manage_shares_free(shares, count);
	return true;
}

static json_t *sid_json(struct sid sid)
{
	char text[SID_TEXT_SIZE];

	return json_string(sid_format(&sid, text));
}

/* An account or a group of the file server. */
static bool find_sid(struct server *server, const char *name, struct sid *out)
{
	struct store_account account;

	if (store_account_named(server->store, name, &account))
		return false;
	*out = server_account_sid(server, &account);
	free(account.name);
	return true;
}

/*
 * "(A;;FR;;;alice)" with the SID of alice in her place. Only the text behind the last semicolon of
 * an entry is looked at; what SDDL itself knows ("BA", "S-1-...") goes before names.
 */
static bool put_sids(struct request *r, const char *sddl, struct buf *out)
{
	while (*sddl) {
		const char *end = strchr(sddl, ')'), *name = end;
		auto_free char *word = NULL;
		char text[SID_TEXT_SIZE];
		struct sid sid;

		while (name && name > sddl && name[-1] != ';')
			name--;
		if (!end || name == sddl)
			break;
		word = strndup(name, (size_t)(end - name));
		buf_bytes(out, sddl, (size_t)(name - sddl));
		if (sid_parse(word, &sid))
			buf_text(out, word);
		else if (find_sid(r->server, word, &sid))
			buf_text(out, sid_format(&sid, text));
		else
			return request_fail(r, "bad-request",
					    "\"%s\" is no SID, and no account or group of %s; "
					    "berth user list, berth group list",
					    word, r->server->name);
		buf_u8(out, ')');
		sddl = end + 1;
	}
	buf_text(out, sddl);
	buf_u8(out, 0);
	return !out->failed || request_fail(r, "bad-request", "the permissions are too long");
}

/* What the request says of a share over what it is; false and a sentence where it cannot be. */
static bool apply_options(struct request *r, struct store_share *share)
{
	const char *path = request_text(r, "path"), *remark = request_text(r, "remark");
	const char *sddl = request_text(r, "permissions");
	const char *hide_names = request_text(r, "hide_names");
	const json_t *max_uses = json_object_get(r->json, "max_uses");

	if (path) {
		while (*path == '/')
			path++;
		free(share->path);
		share->path = xstrdup(path);
		for (size_t n = strlen(share->path); n && share->path[n - 1] == '/'; n--)
			share->path[n - 1] = '\0';
	}
	if (remark) {
		free(share->remark);
		share->remark = xstrdup(remark);
	}
	if (hide_names) {
		free(share->hide_names);
		share->hide_names = xstrdup(hide_names);
	}
	for (size_t i = 0; i < ARRAY_LEN(share_options); i++) {
		const json_t *flag = json_object_get(r->json, share_options[i].name);

		if (json_is_true(flag))
			share->flags |= share_options[i].flag;
		else if (json_is_false(flag))
			share->flags &= ~share_options[i].flag;
	}
	if (json_is_integer(max_uses)) {
		json_int_t n = json_integer_value(max_uses);

		if (n < 0 || n > UINT32_MAX)
			return request_fail(r, "bad-request",
					    "max_uses must be a number from 0 (no limit) to %u",
					    UINT32_MAX);
		share->max_uses = n ? (uint32_t)n : UINT32_MAX;
	}
	if (sddl) {
		struct security_descriptor *sd = NULL;
		auto_buf struct buf bytes = { 0 };
		auto_buf struct buf text = { .limit = SDDL_BYTES_MAX };

		if (!put_sids(r, sddl, &text))
			return false;
		if (sd_parse_sddl((const char *)text.data, &sd) != STATUS_SUCCESS)
			return request_fail(
				r, "bad-request",
				"the permissions are not SDDL such as D:(A;;FA;;;BA): \"%s\"",
				sddl);
		sd_encode(&bytes, sd,
			  OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION |
				  DACL_SECURITY_INFORMATION);
		free(sd);
		if (bytes.failed)
			return request_fail(r, "bad-request", "the permissions are too long");
		free(share->sd);
		share->sd = bytes.data;
		share->sd_length = bytes.len;
		bytes = (struct buf){ 0 };
	}
	return true;
}

bool do_share_add(struct request *r)
{
	cleanup(store_share_free) struct store_share share = { .max_uses = UINT32_MAX };
	struct manage_error error;
	const char *name;

	if (!request_need(r, "share", &name))
		return false;
	share.name = xstrdup(name);
	share.path = xstrdup(name);
	share.remark = xstrdup("");
	return apply_options(r, &share) &&
	       managed(r, manage_share_add(r->server, NULL, &share, true, &error), &error);
}

bool do_share_set(struct request *r)
{
	struct store_share *shares, *found = NULL;
	struct manage_error error;
	const char *name;
	size_t count;
	bool done = false;

	if (!request_need(r, "share", &name) ||
	    !stored(r, store_shares(r->server->store, &shares, &count)))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!name_compare(shares[i].name, name))
			found = &shares[i];
	}
	if (!found)
		(void)request_fail(r, "unknown", "%s has no share \"%s\"; berth share list %s",
				   r->server->name, name, r->server->name);
	else
		done = apply_options(r, found) &&
		       managed(r, manage_share_set(r->server, NULL, found, &error), &error);
	for (size_t i = 0; i < count; i++)
		store_share_free(&shares[i]);
	free(shares);
	return done;
}

bool do_share_remove(struct request *r)
{
	struct manage_error error;
	const char *name;

	return request_need(r, "share", &name) &&
	       managed(r, manage_share_remove(r->server, NULL, name, &error), &error);
}

/* ---- accounts */

static json_t *groups_json(struct store *store, const char *user)
{
	json_t *list = json_array();
	struct store_group *groups;
	size_t count;

	if (store_groups_of(store, user, &groups, &count))
		return list;
	for (size_t i = 0; i < count; i++) {
		json_array_append_new(list, json_string(groups[i].name));
		store_group_free(&groups[i]);
	}
	free(groups);
	return list;
}

bool do_user_list(struct request *r)
{
	struct store_user *users;
	size_t count;

	if (!stored(r, store_users(r->server->store, &users, &count)))
		return false;
	r->result = json_array();
	for (size_t i = 0; i < count; i++) {
		json_array_append_new(
			r->result,
			json_pack("{s:s, s:s, s:i, s:o, s:b, s:o}", "name", users[i].name,
				  "full_name", users[i].full_name, "rid", (int)users[i].rid, "sid",
				  sid_json(sid_child(&r->server->domain_sid, users[i].rid)),
				  "enabled", !(users[i].flags & STORE_USER_DISABLED), "groups",
				  groups_json(r->server->store, users[i].name)));
		store_user_free(&users[i]);
	}
	free(users);
	return true;
}

bool do_user_add(struct request *r)
{
	const char *name, *password, *full_name = request_text(r, "full_name");
	struct manage_error error;

	return request_need(r, "user", &name) && request_need(r, "password", &password) &&
	       managed(r, manage_user_add(r->server, NULL, name, full_name, password, &error),
		       &error);
}

bool do_user_remove(struct request *r)
{
	struct manage_error error;
	const char *name;

	return request_need(r, "user", &name) &&
	       managed(r, manage_user_remove(r->server, NULL, name, &error), &error);
}

bool do_user_password(struct request *r)
{
	struct manage_error error;
	const char *name, *password;

	return request_need(r, "user", &name) && request_need(r, "password", &password) &&
	       managed(r, manage_user_password(r->server, NULL, name, password, &error), &error);
}

static bool enable(struct request *r, bool enabled)
{
	struct manage_error error;
	const char *name;

	return request_need(r, "user", &name) &&
	       managed(r, manage_user_enable(r->server, NULL, name, enabled, &error), &error);
}

bool do_user_enable(struct request *r)
{
	return enable(r, true);
}

bool do_user_disable(struct request *r)
{
	return enable(r, false);
}

static json_t *members_json(struct store *store, const char *group)
{
	json_t *list = json_array();
	char **members;
	size_t count;

	if (store_members_of(store, group, &members, &count))
		return list;
	for (size_t i = 0; i < count; i++) {
		json_array_append_new(list, json_string(members[i]));
		free(members[i]);
	}
	free(members);
	return list;
}

bool do_group_list(struct request *r)
{
	struct store_group *groups;
	size_t count;

	if (!stored(r, store_groups(r->server->store, &groups, &count)))
		return false;
	r->result = json_array();
	for (size_t i = 0; i < count; i++) {
		json_array_append_new(r->result,
				      json_pack("{s:s, s:s, s:i, s:o, s:b, s:o}", "name",
						groups[i].name, "remark", groups[i].remark, "rid",
						(int)groups[i].rid, "sid",
						sid_json(server_group_sid(r->server, &groups[i])),
						"builtin", (int)groups[i].builtin, "members",
						members_json(r->server->store, groups[i].name)));
		store_group_free(&groups[i]);
	}
	free(groups);
	return true;
}

bool do_group_add(struct request *r)
{
	struct manage_error error;
	const char *name;

	return request_need(r, "group", &name) &&
	       managed(r, manage_group_add(r->server, NULL, name, &error), &error);
}

bool do_group_remove(struct request *r)
{
	struct manage_error error;
	const char *name;

	return request_need(r, "group", &name) &&
	       managed(r, manage_group_remove(r->server, NULL, name, &error), &error);
}

static bool member(struct request *r, bool add)
{
	struct manage_error error;
	const char *group, *user;

	return request_need(r, "group", &group) && request_need(r, "user", &user) &&
	       managed(r, manage_member(r->server, NULL, group, user, add, &error), &error);
}

bool do_member_add(struct request *r)
{
	return member(r, true);
}

bool do_member_remove(struct request *r)
{
	return member(r, false);
}

/* ---- sessions and open files */

bool do_session_list(struct request *r)
{
	struct session_row *rows;
	size_t count;

	if (manage_sessions(r->server, NULL, &rows, &count) != STATUS_SUCCESS)
		return request_fail(r, "not-here", "%s is leaving this node", r->server->name);
	r->result = json_array();
	for (size_t i = 0; i < count; i++) {
		json_t *channels = json_array();
		char dialect[8];

		for (uint32_t k = 0; k < rows[i].channel_count; k++)
			json_array_append_new(channels, json_string(rows[i].channels[k]));
		snprintf(dialect, sizeof(dialect), "%x.%x.%x", rows[i].dialect >> 8 & 0xf,
			 rows[i].dialect >> 4 & 0xf, rows[i].dialect & 0xf);
		json_array_append_new(
			r->result,
			json_pack("{s:I, s:s, s:s, s:o, s:s, s:b, s:b, s:b, s:I, s:I, s:i}", "id",
				  (json_int_t)rows[i].id, "user", rows[i].user, "client",
				  rows[i].client, "channels", channels, "dialect", dialect,
				  "signed", (int)rows[i].is_signed, "encrypted",
				  (int)rows[i].is_encrypted, "guest", (int)rows[i].is_guest,
				  "age_ms", (json_int_t)rows[i].age_ms, "idle_ms",
				  (json_int_t)rows[i].idle_ms, "opens", (int)rows[i].opens));
	}
	session_rows_free(rows, count);
	return true;
}

static bool need_id(struct request *r, uint64_t *out)
{
	const json_t *id = json_object_get(r->json, "id");

	if (!json_is_integer(id))
		return request_fail(r, "bad-request", "the request lacks a number \"id\"");
	*out = (uint64_t)json_integer_value(id);
	return true;
}

bool do_session_close(struct request *r)
{
	struct manage_error error;
	uint64_t id = 0;

	return need_id(r, &id) &&
	       managed(r, manage_session_close(r->server, NULL, id, &error), &error);
}

/* A handle whose client has gone: since when, and when it is given up. */
static json_t *file_row(const struct open_listing_row *row)
{
	json_t *json = json_pack(
		"{s:I, s:I, s:s%, s:s, s:I, s:i, s:i, s:i, s:s, s:s}", "id", (json_int_t)row->id,
		"session", (json_int_t)row->session_id, "path", row->path, strlen(row->path),
		"user", row->user, "access", (json_int_t)row->granted_access, "locks",
		(int)row->locks, "oplock", row->oplock_level, "lease", (int)row->lease_state,
		"durable", row->durable, "state", row->is_disconnected ? "disconnected" : "open");

	if (row->is_disconnected) {
		uint64_t left_ms = row->timeout_ms - min_u64(row->timeout_ms, row->disconnected_ms);

		(void)json_object_set_new(json, "disconnected_ms",
					  json_integer((json_int_t)row->disconnected_ms));
		(void)json_object_set_new(json, "left_ms", json_integer((json_int_t)left_ms));
	}
	return json;
}

bool do_file_list(struct request *r)
{
	struct open_listing_row *rows;
	size_t count;

	if (manage_files(r->server, NULL, &rows, &count) != STATUS_SUCCESS)
		return request_fail(r, "not-here", "%s is leaving this node", r->server->name);
	r->result = json_array();
	for (size_t i = 0; i < count; i++) {
		json_array_append_new(r->result, file_row(&rows[i]));
		free(rows[i].path);
		free(rows[i].user);
	}
	free(rows);
	return true;
}

bool do_file_close(struct request *r)
{
	struct manage_error error;
	uint64_t id = 0;

	return need_id(r, &id) &&
	       managed(r, manage_file_close(r->server, NULL, id, &error), &error);
}
