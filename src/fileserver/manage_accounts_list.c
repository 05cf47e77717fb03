// SPDX-License-Identifier: Apache-2.0
/* Lists of users, groups and members through the management interface. No hash leaves here. */
#include "manage_parts.h"

#include <errno.h>

void manage_accounts_free(struct manage_account *accounts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(accounts[i].name);
		free(accounts[i].full_name);
	}
	free(accounts);
}

static struct manage_account account_of(const struct store_user *user)
{
	return (struct manage_account){
		.name = xstrdup(user->name),
		.full_name = xstrdup(user->full_name),
		.rid = user->rid,
		.is_disabled = user->flags & STORE_USER_DISABLED,
		.must_change_password = user->flags & STORE_USER_PASSWORD_EXPIRED,
	};
}

static ntstatus list_users(struct server *server, struct manage_account **out, size_t *count)
{
	struct store_user *users;
	int error = store_users(server->store, &users, count);

	if (error)
		return ntstatus_of_errno(error);
	*out = xalloc(*count + 1, sizeof(**out));
	for (size_t i = 0; i < *count; i++) {
		(*out)[i] = account_of(&users[i]);
		store_user_free(&users[i]);
	}
	free(users);
	return STATUS_SUCCESS;
}

static ntstatus list_groups(struct server *server, bool builtin, struct manage_account **out,
			    size_t *count)
{
	struct store_group *groups;
	size_t all;
	int error = store_groups(server->store, &groups, &all);

	if (error)
		return ntstatus_of_errno(error);
	*out = xalloc(all + 1, sizeof(**out));
	for (size_t i = 0; i < all; i++) {
		if (groups[i].builtin == builtin)
			(*out)[(*count)++] =
				(struct manage_account){ .name = xstrdup(groups[i].name),
							 .full_name = xstrdup(groups[i].remark),
							 .rid = groups[i].rid };
		store_group_free(&groups[i]);
	}
	free(groups);
	return STATUS_SUCCESS;
}

ntstatus manage_accounts(struct server *server, const struct token *who,
			 enum manage_account_kind kind, struct manage_account **out, size_t *count)
{
	ntstatus status = manage_begin(server, who, "list accounts", NULL);

	*out = NULL;
	*count = 0;
	if (status != STATUS_SUCCESS)
		return status;
	return kind == MANAGE_USERS ? list_users(server, out, count)
				    : list_groups(server, kind == MANAGE_BUILTINS, out, count);
}

/* The remark of a group is in the list of all, which is short. */
static ntstatus fill_group(struct server *server, bool builtin, struct manage_account *out)
{
	struct manage_account *groups = NULL;
	size_t count = 0;
	ntstatus status = list_groups(server, builtin, &groups, &count);

	for (size_t i = 0; i < count; i++) {
		if (groups[i].rid == out->rid)
			out->full_name = xstrdup(groups[i].full_name);
	}
	manage_accounts_free(groups, count);
	return status ? status : out->full_name ? STATUS_SUCCESS : STATUS_NO_SUCH_ALIAS;
}

static ntstatus fill_user(struct server *server, struct manage_account *out)
{
	struct store_user user;
	int error = store_user_find(server->store, out->name, &user);

	if (error)
		return error == -ENOENT ? STATUS_NO_SUCH_USER : ntstatus_of_errno(error);
	free(out->name);
	*out = account_of(&user);
	store_user_free(&user);
	return STATUS_SUCCESS;
}

ntstatus manage_account_numbered(struct server *server, const struct token *who,
				 enum manage_account_kind kind, uint32_t rid,
				 struct manage_account *out)
{
	ntstatus status = manage_begin(server, who, "look at an account", NULL);
	ntstatus none = kind == MANAGE_USERS ? STATUS_NO_SUCH_USER : STATUS_NO_SUCH_ALIAS;
	struct store_account found;
	int error;

	*out = (struct manage_account){ 0 };
	if (status != STATUS_SUCCESS)
		return status;
	error = store_account_numbered(server->store, rid, kind == MANAGE_BUILTINS, &found);
	if (error)
		return error == -ENOENT ? none : ntstatus_of_errno(error);
	if (found.is_group != (kind != MANAGE_USERS)) {
		free(found.name);
		return none;
	}
	out->name = found.name;
	out->rid = rid;
	return found.is_group ? fill_group(server, found.builtin, out) : fill_user(server, out);
}

ntstatus manage_members(struct server *server, const struct token *who, uint32_t rid, bool builtin,
			struct sid **out, size_t *count)
{
	ntstatus status = manage_begin(server, who, "list members", NULL);
	struct store_account group, member;
	char **names = NULL;
	size_t name_count = 0;
	int error;

	*out = NULL;
	*count = 0;
	if (status != STATUS_SUCCESS)
		return status;
	error = store_account_numbered(server->store, rid, builtin, &group);
	if (!error && !group.is_group)
		error = -ENOENT;
	if (!error)
		error = store_members_of(server->store, group.name, &names, &name_count);
	free(group.name);
	if (error)
		return error == -ENOENT ? STATUS_NO_SUCH_ALIAS : ntstatus_of_errno(error);
	*out = xalloc(name_count + 1, sizeof(**out));
	for (size_t i = 0; i < name_count; i++) {
		if (!store_account_named(server->store, names[i], &member)) {
			(*out)[(*count)++] = server_account_sid(server, &member);
			free(member.name);
		}
		free(names[i]);
	}
	free(names);
	return STATUS_SUCCESS;
}
