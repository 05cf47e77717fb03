// SPDX-License-Identifier: Apache-2.0
/*
 * Users, groups and who is in which. Of a password only the NT hash is kept. Users and groups share
 * one space of names, as they do on Windows, and one of relative ids.
 */
#include "internal.h"

#include <errno.h>

void store_user_free(struct store_user *user)
{
	free(user->name);
	free(user->full_name);
	explicit_bzero(user, sizeof(*user));
}

void store_group_free(struct store_group *group)
{
	free(group->name);
	free(group->remark);
	*group = (struct store_group){ 0 };
}

/* Fails with -EEXIST where a user or a group has the name already. */
static int name_is_free(struct run *run, const char *name)
{
	int got;

	run_next(run, SQL_NAME_TAKEN);
	run_folded(run, name);
	got = run_step(run);
	if (got == 1)
		return store_fail(-EEXIST, "there is an account \"%s\" already", name);
	return got;
}

/* What a new user and a new group begin with: a transaction, a name that is free, a rid of their
 * own. */
static int begin_account(struct run *run, struct store *store, const char *kind, const char *name,
			 uint32_t *rid)
{
	int error = store_name_ok(kind, name);

	if (error)
		return error;
	run_begin(run, store, SQL_BEGIN);
	error = run_transaction(run);
	if (!error)
		error = name_is_free(run, name);
	if (!error)
		error = store_take_rid(run, rid);
	return error;
}

int store_user_add(struct store *store, struct store_user *user)
{
	cleanup(run_end) struct run run = { 0 };
	uint32_t rid = 0;
	int error = begin_account(&run, store, "user", user->name, &rid);

	if (error)
		return error;
	run_next(&run, SQL_USER_ADD);
	run_folded(&run, user->name);
	run_text(&run, user->name);
	run_text(&run, user->full_name);
	run_number(&run, rid);
	run_number(&run, user->flags);
	run_blob(&run, user->nt_hash, sizeof(user->nt_hash));
	error = run_done(&run, true);
	if (run.statement)
		sqlite3_clear_bindings(run.statement);
	if (!error)
		error = run_commit(&run);
	if (!error)
		user->rid = rid;
	return error;
}

int store_user_update(struct store *store, const struct store_user *user)
{
	cleanup(run_end) struct run run = { 0 };
	int error;

	run_begin(&run, store, SQL_USER_UPDATE);
	run_folded(&run, user->name);
	run_text(&run, user->name);
	run_text(&run, user->full_name);
	run_number(&run, user->flags);
	run_blob(&run, user->nt_hash, sizeof(user->nt_hash));
	error = run_done(&run, true);
	return error == -ENOENT ? store_fail(error, "there is no user \"%s\"", user->name) : error;
}

int store_user_remove(struct store *store, const char *name)
{
	cleanup(run_end) struct run run = { 0 };
	int error;

	run_begin(&run, store, SQL_USER_REMOVE);
	run_folded(&run, name);
	error = run_done(&run, true);
	return error == -ENOENT ? store_fail(error, "there is no user \"%s\"", name) : error;
}

static int read_user(struct run *run, struct store_user *out)
{
	const void *hash = sqlite3_column_blob(run->statement, 4);

	if (!hash || sqlite3_column_bytes(run->statement, 4) != (int)sizeof(out->nt_hash))
		return store_fail(-EUCLEAN, "the database is damaged: a user has no password hash");
	*out = (struct store_user){
		.name = run_column_text(run, 0),
		.full_name = run_column_text(run, 1),
		.rid = (uint32_t)run_column_number(run, 2),
		.flags = (uint32_t)run_column_number(run, 3),
	};
	memcpy(out->nt_hash, hash, sizeof(out->nt_hash));
	return 0;
}

int store_user_find(struct store *store, const char *name, struct store_user *out)
{
	cleanup(run_end) struct run run = { 0 };
	int got;

	run_begin(&run, store, SQL_USER_FIND);
	run_folded(&run, name);
	got = run_step(&run);
	if (got == 1)
		return read_user(&run, out);
	return got < 0 ? got : store_fail(-ENOENT, "there is no user \"%s\"", name);
}

int store_users(struct store *store, struct store_user **out, size_t *count)
{
	cleanup(run_end) struct run run = { 0 };
	int got;

	*out = NULL;
	*count = 0;
	run_begin(&run, store, SQL_USERS);
	while ((got = run_step(&run)) == 1) {
		struct store_user *grown = realloc(*out, (*count + 1) * sizeof(**out));
		int error;

		BUG_ON(!grown);
		*out = grown;
		error = read_user(&run, &grown[*count]);
		if (error) {
			got = error;
			break;
		}
		(*count)++;
	}
	if (!got)
		return 0;
	for (size_t i = 0; i < *count; i++)
		store_user_free(&(*out)[i]);
	free(*out);
	*out = NULL;
	*count = 0;
	return got;
}

static void read_group(struct run *run, struct store_group *out)
{
	*out = (struct store_group){
		.name = run_column_text(run, 0),
		.remark = run_column_text(run, 1),
		.rid = (uint32_t)run_column_number(run, 2),
		.builtin = run_column_number(run, 3) != 0,
	};
}

int store_group_add(struct store *store, struct store_group *group)
{
	cleanup(run_end) struct run run = { 0 };
	uint32_t rid = 0;
	int error = begin_account(&run, store, "group", group->name, &rid);

	if (error)
		return error;
	run_next(&run, SQL_GROUP_ADD);
	run_folded(&run, group->name);
	run_text(&run, group->name);
	run_text(&run, group->remark);
	run_number(&run, rid);
	error = run_done(&run, true);
	if (!error)
		error = run_commit(&run);
	if (!error)
		group->rid = rid;
	return error;
}

/* The row of a user or a group of this name; -ENOENT and a sentence where there is none. */
static int find_rid(struct run *run, enum statement which, const char *kind, const char *name,
		    uint32_t *rid, bool *builtin)
{
	int got;

	run_next(run, which);
	run_folded(run, name);
	got = run_step(run);
	if (got < 0)
		return got;
	if (!got)
		return store_fail(-ENOENT, "there is no %s \"%s\"", kind, name);
	*rid = (uint32_t)run_column_number(run, 2);
	if (builtin)
		*builtin = run_column_number(run, 3) != 0;
	return 0;
}

int store_group_remove(struct store *store, const char *name)
{
	cleanup(run_end) struct run run = { 0 };
	bool builtin = false;
	uint32_t rid;
	int error;

	run_begin(&run, store, SQL_BEGIN);
	error = run_transaction(&run);
	if (!error)
		error = find_rid(&run, SQL_GROUP_FIND, "group", name, &rid, &builtin);
	if (error)
		return error;
	if (builtin)
		return store_fail(-EPERM, "\"%s\" is built in and cannot be removed", name);
	run_next(&run, SQL_GROUP_REMOVE);
	run_folded(&run, name);
	error = run_done(&run, true);
	return error ? error : run_commit(&run);
}

int store_groups(struct store *store, struct store_group **out, size_t *count)
{
	return store_groups_of(store, NULL, out, count);
}

int store_groups_of(struct store *store, const char *user, struct store_group **out, size_t *count)
{
	cleanup(run_end) struct run run = { 0 };
	int got;

	*out = NULL;
	*count = 0;
	run_begin(&run, store, user ? SQL_GROUPS_OF : SQL_GROUPS);
	if (user)
		run_folded(&run, user);
	while ((got = run_step(&run)) == 1) {
		struct store_group *grown = realloc(*out, (*count + 1) * sizeof(**out));

		BUG_ON(!grown);
		*out = grown;
		read_group(&run, &grown[(*count)++]);
	}
	if (!got)
		return 0;
	for (size_t i = 0; i < *count; i++)
		store_group_free(&(*out)[i]);
	free(*out);
	*out = NULL;
	*count = 0;
	return got;
}

static int change_member(struct store *store, const char *group, const char *user,
			 enum statement which)
{
	cleanup(run_end) struct run run = { 0 };
	uint32_t group_rid = 0, user_rid = 0;
	int error;

	run_begin(&run, store, SQL_BEGIN);
	error = run_transaction(&run);
	if (!error)
		error = find_rid(&run, SQL_GROUP_FIND, "group", group, &group_rid, NULL);
	if (!error)
		error = find_rid(&run, SQL_USER_FIND, "user", user, &user_rid, NULL);
	if (error)
		return error;
	run_next(&run, which);
	run_number(&run, group_rid);
	run_number(&run, user_rid);
	error = run_done(&run, true);
	if (error == -EEXIST)
		return store_fail(error, "\"%s\" is in \"%s\" already", user, group);
	if (error == -ENOENT)
		return store_fail(error, "\"%s\" is not in \"%s\"", user, group);
	return error ? error : run_commit(&run);
}

int store_member_add(struct store *store, const char *group, const char *user)
{
	return change_member(store, group, user, SQL_MEMBER_ADD);
}

int store_member_remove(struct store *store, const char *group, const char *user)
{
	return change_member(store, group, user, SQL_MEMBER_REMOVE);
}

static int read_account(struct run *run, struct store_account *out)
{
	int got = run_step(run);

	*out = (struct store_account){ 0 };
	if (got < 0)
		return got;
	if (!got)
		return store_fail(-ENOENT, "there is no such user or group");
	*out = (struct store_account){
		.name = run_column_text(run, 0),
		.rid = (uint32_t)run_column_number(run, 1),
		.is_group = run_column_number(run, 2) != 0,
		.builtin = run_column_number(run, 3) != 0,
	};
	return 0;
}

int store_account_named(struct store *store, const char *name, struct store_account *out)
{
	cleanup(run_end) struct run run = { 0 };

	run_begin(&run, store, SQL_ACCOUNT_NAMED);
	run_folded(&run, name);
	return read_account(&run, out);
}

int store_account_numbered(struct store *store, uint32_t rid, bool builtin,
			   struct store_account *out)
{
	cleanup(run_end) struct run run = { 0 };

	run_begin(&run, store, SQL_ACCOUNT_NUMBERED);
	run_number(&run, rid);
	run_number(&run, builtin);
	return read_account(&run, out);
}

int store_members_of(struct store *store, const char *group, char ***out, size_t *count)
{
	cleanup(run_end) struct run run = { 0 };
	int got;

	*out = NULL;
	*count = 0;
	run_begin(&run, store, SQL_MEMBERS_OF);
	run_folded(&run, group);
	while ((got = run_step(&run)) == 1) {
		char **grown = realloc(*out, (*count + 1) * sizeof(**out));

		BUG_ON(!grown);
		*out = grown;
		grown[(*count)++] = run_column_text(&run, 0);
	}
	if (!got)
		return 0;
	for (size_t i = 0; i < *count; i++)
		free((*out)[i]);
	free(*out);
	*out = NULL;
	*count = 0;
	return got;
}
