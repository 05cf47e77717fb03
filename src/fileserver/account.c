// SPDX-License-Identifier: Apache-2.0
/*
 * Accounts as a login asks for them: those of the file server, and under visibility node those of
 * its node as well, because the name is then an alias of the node.
 */
#include "scopes.h"

#include <base/log.h>
#include <base/utf16.h>

#include <errno.h>
#include <stdio.h>

static ntstatus status_of_store(int error)
{
	return error == -ENOENT ? STATUS_NO_SUCH_USER : ntstatus_of_errno(error);
}

static struct sid numbered(const struct server *server, uint32_t rid, bool builtin)
{
	return sid_child(builtin ? &SID_BUILTIN : &server->domain_sid, rid);
}

struct sid server_group_sid(const struct server *server, const struct store_group *group)
{
	return numbered(server, group->rid, group->builtin);
}

struct sid server_account_sid(const struct server *server, const struct store_account *account)
{
	return numbered(server, account->rid, account->builtin);
}

static ntstatus fill_groups(struct server *server, const char *user, struct account *out)
{
	struct store_group *groups;
	size_t count;
	int error = store_groups_of(server->store, user, &groups, &count);

	if (error)
		return status_of_store(error);
	out->groups = xalloc(count + 1, sizeof(*out->groups));
	out->groups[out->group_count++] = SID_USERS;
	for (size_t i = 0; i < count; i++) {
		out->groups[out->group_count++] = server_group_sid(server, &groups[i]);
		store_group_free(&groups[i]);
	}
	free(groups);
	return STATUS_SUCCESS;
}

static ntstatus find_in(struct server *server, const char *user, struct account *out)
{
	struct store_user found;
	ntstatus status;
	int error = store_user_find(server->store, user, &found);

	if (error)
		return status_of_store(error);
	status = fill_groups(server, user, out);
	if (status == STATUS_SUCCESS) {
		snprintf(out->name, sizeof(out->name), "%s", found.name);
		memcpy(out->nt_hash, found.nt_hash, sizeof(out->nt_hash));
		out->has_nt_hash = true;
		out->user = sid_child(&server->domain_sid, found.rid);
		out->primary_group = sid_child(&server->domain_sid, RID_NONE_GROUP);
		out->is_disabled = found.flags & STORE_USER_DISABLED;
		out->must_change_password = found.flags & STORE_USER_PASSWORD_EXPIRED;
	}
	store_user_free(&found);
	return status;
}

ntstatus server_account(void *server_arg, const char *domain, const char *user, struct account *out)
{
	struct server *server = server_arg;
	cleanup(server_put_ptr) struct server *named =
		domain && domain[0] ? registry_find(domain) : NULL;
	cleanup(server_put_ptr) struct server *node =
		!server->is_node && server->visibility == VISIBILITY_NODE ? registry_node() : NULL;
	ntstatus status;

	/* The client may say which of the servers that count here it means. */
	if (named && named != server && scope_principal(named) == scope_principal(server)) {
		status = find_in(named, user, out);
		if (status != STATUS_NO_SUCH_USER)
			return status;
	}
	status = find_in(server, user, out);
	if (status == STATUS_NO_SUCH_USER && node)
		status = find_in(node, user, out);
	return status;
}
