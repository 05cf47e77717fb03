// SPDX-License-Identifier: Apache-2.0
/*
 * A file server for the tests of rpc/: what fileserver/manage.h would say of "FS", kept in a table,
 * and a client that writes and reads PDUs. Every share, session and file that a call changes is
 * seen here.
 */
#ifndef RPC_FAKE_H
#define RPC_FAKE_H

#include <base/utf16.h>
#include <fileserver/manage.h>
#include <fileserver/pipe.h>
#include <rpc/rpc.h>
#include <stdio.h>
#include <wire/wkssvc.h>

#define FAKE_MAX 4000

struct fake_share {
	char name[80], remark[80], path[80], scope[16];
	uint32_t type, flags, max_uses, caching;
	uint8_t sd[64];
	size_t sd_length;
};
static struct fake_share fake_shares[FAKE_MAX];
static size_t fake_share_count;
static uint64_t fake_closed_file, fake_closed_session;

static char fake_name[] = "FS";
static struct server fake_server = {
	.name = fake_name,
	.names = { fake_name },
	.name_count = 1,
	.visibility = VISIBILITY_SERVER,
	.drive_letter = 'S',
	.domain_sid = { 4, { 0, 0, 0, 0, 0, 5 }, { 21, 1, 2, 3 } },
	.id = 7,
	.online = true,
	.refs = 1,
};
static struct token fake_admin = {
	.refs = 1, .user_name = "root", .domain_name = "FS", .authority = 7, .is_admin = true
};
static struct token fake_user = {
	.refs = 1, .user_name = "alice", .domain_name = "FS", .authority = 7
};
static struct token fake_stranger = {
	.refs = 1, .user_name = "eve", .domain_name = "X", .authority = 9, .is_admin = true
};

static void fake_add(const char *name, const char *path, const char *scope, uint32_t type)
{
	struct fake_share *s = &fake_shares[fake_share_count++];

	memset(s, 0, sizeof(*s));
	snprintf(s->name, sizeof(s->name), "%s", name);
	snprintf(s->remark, sizeof(s->remark), "remark of %s", name);
	snprintf(s->path, sizeof(s->path), "%s", path);
	snprintf(s->scope, sizeof(s->scope), "%s", scope);
	s->type = type;
	s->max_uses = UINT32_MAX;
}

static void fake_registry_reset(void);
static void fake_reset(void)
{
	fake_registry_reset();
	fake_share_count = 0;
	fake_closed_file = fake_closed_session = 0;
	fake_add("IPC$", "", "FS", STYPE_IPC | STYPE_SPECIAL);
	fake_add("ADMIN$", "S:\\.admin", "FS", STYPE_SPECIAL);
	fake_add("S$", "S:\\", "FS", STYPE_SPECIAL);
	fake_add("distro_test", "S:\\packages", "FS", STYPE_CLUSTER_FS);
	fake_add("files", "C:\\files", "*", STYPE_DISKTREE);
}

struct server *server_get(struct server *server)
{
	server->refs++;
	return server;
}

void server_put(struct server *server)
{
	server->refs--;
}

bool manage_is_administrator(const struct server *server, const struct token *who)
{
	return who->is_admin && who->authority == server->id;
}

/* Of its accounts there is "alice", number 1000, and what is well known. */
bool manage_may_look_up(const struct server *server, const struct token *who)
{
	return token_is_somebody(who) && who->authority == server->id;
}

static ntstatus fake_principal(struct server *server, const struct sid_name *known, bool is_alice,
			       struct manage_principal *out)
{
	struct sid_name alice = { .domain = "FS",
				  .name = "alice",
				  .sid = sid_child(&server->domain_sid, 1000),
				  .use = SID_USE_USER };

	if (is_alice)
		known = &alice;
	if (!known)
		return STATUS_NONE_MAPPED;
	*out = (struct manage_principal){ .use = known->use, .sid = known->sid };
	snprintf(out->name, sizeof(out->name), "%s", known->name);
	snprintf(out->domain, sizeof(out->domain), "%s", known->domain);
	out->has_domain = true;
	out->domain_sid = known->use == SID_USE_DOMAIN ? known->sid : sid_parent(&known->sid);
	return STATUS_SUCCESS;
}

struct manage_circle {
	struct server *server;
};
static unsigned fake_circles, fake_lookups;

struct manage_circle *manage_circle_of(struct server *server, const struct token *who)
{
	struct manage_circle *c;

	if (!manage_may_look_up(server, who))
		return NULL;
	c = xalloc(1, sizeof(*c));
	c->server = server;
	fake_circles++;
	return c;
}

void manage_circle_free(struct manage_circle *c)
{
	free(c);
}

ntstatus manage_principal_of_sid(const struct manage_circle *servers, const struct sid *sid,
				 struct manage_principal *out)
{
	struct server *server = servers ? servers->server : &fake_server;
	struct sid alice = sid_child(&server->domain_sid, 1000), parent = *sid;

	*out = (struct manage_principal){ .use = SID_USE_UNKNOWN };
	fake_lookups++;
	if (!servers)
		return STATUS_ACCESS_DENIED;
	if (sid->sub_count)
		parent = sid_parent(sid);
	if (sid_equal(&parent, &server->domain_sid)) {
		out->has_domain = true;
		out->domain_sid = parent;
		snprintf(out->domain, sizeof(out->domain), "FS");
	}
	return fake_principal(server, sid_well_known(sid), sid_equal(sid, &alice), out);
}

ntstatus manage_principal_of_name(const struct manage_circle *servers, const char *name,
				  struct manage_principal *out)
{
	*out = (struct manage_principal){ .use = SID_USE_UNKNOWN };
	fake_lookups++;
	if (!servers)
		return STATUS_ACCESS_DENIED;
	return fake_principal(servers->server, sid_well_known_named(NULL, name),
			      !name_compare(name, "alice") || !name_compare(name, "FS\\alice"),
			      out);
}

/* Users "alice" and "bob", who is disabled; a group "ops", number 1002, with both of them. */
void manage_accounts_free(struct manage_account *accounts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(accounts[i].name);
		free(accounts[i].full_name);
	}
	free(accounts);
}

ntstatus manage_accounts(struct server *server, const struct token *who,
			 enum manage_account_kind kind, struct manage_account **out, size_t *count)
{
	static const char *const names[][2] = { [MANAGE_USERS] = { "alice", "bob" },
						[MANAGE_GROUPS] = { "ops" },
						[MANAGE_BUILTINS] = { "Administrators", "Users" } };
	static const uint32_t first[] = { 1000, 1002, 544 };

	*out = NULL;
	*count = 0;
	if (!manage_is_administrator(server, who))
		return STATUS_ACCESS_DENIED;
	*out = xalloc(2, sizeof(**out));
	for (uint32_t i = 0; i < 2 && names[kind][i]; i++)
		(*out)[(*count)++] =
			(struct manage_account){ .name = xstrdup(names[kind][i]),
						 .full_name = xstrdup(i ? "" : "the first"),
						 .rid = first[kind] + i,
						 .is_disabled = i };
	return STATUS_SUCCESS;
}

ntstatus manage_account_numbered(struct server *server, const struct token *who,
				 enum manage_account_kind kind, uint32_t rid,
				 struct manage_account *out)
{
	struct manage_account *all;
	size_t count;
	ntstatus status = manage_accounts(server, who, kind, &all, &count);

	*out = (struct manage_account){ 0 };
	if (status)
		return status;
	for (size_t i = 0; i < count; i++) {
		if (all[i].rid == rid) {
			*out = all[i];
			all[i].name = all[i].full_name = NULL;
		}
	}
	manage_accounts_free(all, count);
	if (out->name)
		return STATUS_SUCCESS;
	return kind == MANAGE_USERS ? STATUS_NO_SUCH_USER : STATUS_NO_SUCH_ALIAS;
}

ntstatus manage_members(struct server *server, const struct token *who, uint32_t rid, bool builtin,
			struct sid **out, size_t *count)
{
	*out = NULL;
	*count = 0;
	if (!manage_is_administrator(server, who))
		return STATUS_ACCESS_DENIED;
	if (rid != 1002 || builtin)
		return STATUS_NO_SUCH_ALIAS;
	*out = xalloc(2, sizeof(**out));
	for (uint32_t i = 0; i < 2; i++)
		(*out)[(*count)++] = sid_child(&server->domain_sid, 1000 + i);
	return STATUS_SUCCESS;
}

void manage_shares_free(struct manage_share *shares, size_t count)
{
	for (size_t i = 0; shares && i < count; i++) {
		free(shares[i].name);
		free(shares[i].remark);
		free(shares[i].path);
		free(shares[i].scope);
		free(shares[i].sd);
	}
	free(shares);
}

ntstatus manage_shares(struct server *server, const struct token *who, bool all_scopes,
		       struct manage_share **out, size_t *count)
{
	*out = xalloc(fake_share_count + 1, sizeof(**out));
	*count = 0;
	for (size_t i = 0; i < fake_share_count; i++) {
		const struct fake_share *s = &fake_shares[i];

		if (!all_scopes && strcmp(s->scope, "FS") != 0)
			continue;
		(*out)[(*count)++] = (struct manage_share){
			.name = xstrdup(s->name),
			.remark = xstrdup(s->remark),
			.path = xstrdup(s->path),
			.scope = xstrdup(s->scope),
			.type = s->type,
			.flags = s->flags,
			.max_uses = s->max_uses,
			.caching = s->caching,
			.sd = s->sd_length ? memcpy(xalloc(1, s->sd_length), s->sd, s->sd_length)
					   : NULL,
			.sd_length = s->sd_length,
		};
	}
	return STATUS_SUCCESS;
}

static struct fake_share *fake_find(const char *name)
{
	for (size_t i = 0; i < fake_share_count; i++) {
		if (!strcasecmp(fake_shares[i].name, name) && !strcmp(fake_shares[i].scope, "FS"))
			return &fake_shares[i];
	}
	return NULL;
}

static void fake_store(struct fake_share *s, const struct store_share *from)
{
	snprintf(s->remark, sizeof(s->remark), "%s", from->remark);
	snprintf(s->path, sizeof(s->path), "S:\\%s", from->path);
	s->flags = from->flags;
	s->max_uses = from->max_uses;
	s->caching = from->caching;
	s->sd_length = from->sd && from->sd_length <= sizeof(s->sd) ? from->sd_length : 0;
	if (s->sd_length)
		memcpy(s->sd, from->sd, s->sd_length);
}

ntstatus manage_share_add(struct server *server, const struct token *who,
			  const struct store_share *share, bool make_directory,
			  struct manage_error *error)
{
	if (fake_find(share->name))
		return STATUS_OBJECT_NAME_COLLISION;
	if (!strcmp(share->path, "missing"))
		return STATUS_OBJECT_PATH_NOT_FOUND;
	if (fake_share_count == FAKE_MAX)
		return STATUS_INSUFFICIENT_RESOURCES;
	fake_add(share->name, "", "FS", STYPE_CLUSTER_FS);
	fake_store(&fake_shares[fake_share_count - 1], share);
	return STATUS_SUCCESS;
}

ntstatus manage_share_set(struct server *server, const struct token *who,
			  const struct store_share *share, struct manage_error *error)
{
	struct fake_share *s = fake_find(share->name);

	if (!s)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	fake_store(s, share);
	return STATUS_SUCCESS;
}

ntstatus manage_share_remove(struct server *server, const struct token *who, const char *name,
			     struct manage_error *error)
{
	struct fake_share *s = fake_find(name);

	if (!s)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	*s = fake_shares[--fake_share_count];
	return STATUS_SUCCESS;
}

ntstatus manage_sessions(struct server *server, const struct token *who, struct session_row **out,
			 size_t *count)
{
	struct session_row *rows = xalloc(2, sizeof(*rows));

	for (size_t i = 0; i < 2; i++)
		rows[i] = (struct session_row){ .id = 10 + i,
						.user = xstrdup(i ? "FS\\bob" : "FS\\alice"),
						.client = xstrdup(i ? "10.0.0.8" : "10.0.0.7"),
						.server = xstrdup("FS"),
						.age_ms = 5000,
						.idle_ms = 1000,
						.opens = 2,
						.is_guest = i == 1 };
	*out = rows;
	*count = 2;
	return STATUS_SUCCESS;
}

void session_rows_free(struct session_row *rows, size_t count)
{
	for (size_t i = 0; rows && i < count; i++) {
		free(rows[i].user);
		free(rows[i].client);
		free(rows[i].server);
	}
	free(rows);
}

size_t session_count(struct server *server)
{
	return 2;
}

ntstatus manage_session_close(struct server *server, const struct token *who, uint64_t id,
			      struct manage_error *error)
{
	fake_closed_session = id;
	return STATUS_SUCCESS;
}

ntstatus manage_files(struct server *server, const struct token *who, struct open_listing_row **out,
		      size_t *count)
{
	static const char *const paths[] = { "\\distro_test\\a\\b.txt", "\\distro_test\\c",
					     "\\S$\\d" };
	struct open_listing_row *rows = xalloc(ARRAY_LEN(paths), sizeof(*rows));

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		rows[i] = (struct open_listing_row){ .id = 0x100000000u + i,
						     .session_id = 10,
						     .path = xstrdup(paths[i]),
						     .user = xstrdup("FS\\alice"),
						     .granted_access = FILE_READ_DATA,
						     .locks = (uint32_t)i };
	*out = rows;
	*count = ARRAY_LEN(paths);
	return STATUS_SUCCESS;
}

ntstatus manage_file_close(struct server *server, const struct token *who, uint64_t id,
			   struct manage_error *error)
{
	fake_closed_file = id;
	return STATUS_SUCCESS;
}

void manage_server_info(struct server *server, struct manage_server_info *out)
{
	*out = (struct manage_server_info){ .name = "FS",
					    .comment = "a file server",
					    .type = SV_TYPE_SERVER | SV_TYPE_NT |
						    SV_TYPE_CLUSTER_VS_NT,
					    .version_major = 10 };
}

/* A registry of a few keys and values, by their whole paths. */
static struct {
	char key[300], value[300];
	bool is_value;
	uint32_t type;
	uint8_t data[64];
	size_t length;
} fake_registry[64];
static size_t fake_registry_count;

static void fake_registry_reset(void)
{
	memset(fake_registry, 0, sizeof(fake_registry));
	fake_registry_count = 0;
}

static size_t fake_registry_find(const char *key, const char *value)
{
	for (size_t i = 0; i < fake_registry_count; i++) {
		if (fake_registry[i].is_value == (value != NULL) &&
		    !name_compare(fake_registry[i].key, key) &&
		    (!value || !name_compare(fake_registry[i].value, value)))
			return i;
	}
	return SIZE_MAX;
}

ntstatus manage_registry_open(struct server *server, const struct token *who, const char *path,
			      struct manage_error *error)
{
	return !*path || fake_registry_find(path, NULL) != SIZE_MAX ? STATUS_SUCCESS
								    : STATUS_OBJECT_NAME_NOT_FOUND;
}

ntstatus manage_registry_create(struct server *server, const struct token *who, const char *path,
				bool *created, struct manage_error *error)
{
	*created = *path && fake_registry_find(path, NULL) == SIZE_MAX;
	if (*created && fake_registry_count == ARRAY_LEN(fake_registry))
		return STATUS_INSUFFICIENT_RESOURCES;
	if (*created)
		snprintf(fake_registry[fake_registry_count++].key, sizeof(fake_registry[0].key),
			 "%s", path);
	return STATUS_SUCCESS;
}

ntstatus manage_registry_delete(struct server *server, const struct token *who, const char *path,
				struct manage_error *error)
{
	size_t at = fake_registry_find(path, NULL);

	if (at == SIZE_MAX)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	fake_registry[at] = fake_registry[--fake_registry_count];
	memset(&fake_registry[fake_registry_count], 0, sizeof(fake_registry[0]));
	return STATUS_SUCCESS;
}

ntstatus manage_registry_child(struct server *server, const struct token *who, const char *path,
			       uint32_t index, char **name, uint64_t *changed)
{
	*name = index ? NULL : xstrdup("child");
	*changed = 42;
	return index ? STATUS_NO_MORE_ENTRIES : STATUS_SUCCESS;
}

ntstatus manage_registry_info(struct server *server, const struct token *who, const char *path,
			      struct store_registry_info *out, uint64_t *changed)
{
	*out = (struct store_registry_info){ .subkeys = 1, .values = 2, .longest_data = 3 };
	*changed = 42;
	return STATUS_SUCCESS;
}

ntstatus manage_registry_set(struct server *server, const struct token *who, const char *path,
			     const struct store_registry_value *value, struct manage_error *error)
{
	size_t at = fake_registry_find(path, value->name);

	if (value->length > sizeof(fake_registry[0].data) ||
	    (at == SIZE_MAX && fake_registry_count == ARRAY_LEN(fake_registry)))
		return STATUS_INSUFFICIENT_RESOURCES;
	if (at == SIZE_MAX)
		at = fake_registry_count++;
	snprintf(fake_registry[at].key, sizeof(fake_registry[at].key), "%s", path);
	snprintf(fake_registry[at].value, sizeof(fake_registry[at].value), "%s", value->name);
	fake_registry[at].is_value = true;
	fake_registry[at].type = value->type;
	fake_registry[at].length = value->length;
	if (value->length)
		memcpy(fake_registry[at].data, value->data, value->length);
	return STATUS_SUCCESS;
}

ntstatus manage_registry_get(struct server *server, const struct token *who, const char *path,
			     const char *name, uint32_t index, struct store_registry_value *out)
{
	size_t at = fake_registry_find(path, name ? name : "x");

	*out = (struct store_registry_value){ 0 };
	if (at == SIZE_MAX || index)
		return name ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_NO_MORE_ENTRIES;
	out->name = xstrdup(fake_registry[at].value);
	out->type = fake_registry[at].type;
	out->length = fake_registry[at].length;
	out->data = xalloc(out->length + 1, 1);
	memcpy(out->data, fake_registry[at].data, out->length);
	return STATUS_SUCCESS;
}

ntstatus manage_registry_unset(struct server *server, const struct token *who, const char *path,
			       const char *name, struct manage_error *error)
{
	return fake_registry_find(path, name) == SIZE_MAX ? STATUS_OBJECT_NAME_NOT_FOUND
							  : STATUS_SUCCESS;
}

void store_registry_value_free(struct store_registry_value *value)
{
	free(value->name);
	free(value->data);
	*value = (struct store_registry_value){ 0 };
}

static void *fake_open(const char *pipe, const struct token *token)
{
	const struct pipe_endpoint *endpoint = pipe_endpoint_find(pipe);
	struct pipe_peer peer = {
		.server = &fake_server, .dialled = "FS", .token = token, .client = "10.0.0.7"
	};

	return endpoint ? endpoint->open(&peer) : NULL;
}

#endif
