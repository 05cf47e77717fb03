// SPDX-License-Identifier: Apache-2.0
/* Every statement of an open store, and the one way to run them. */
#include "internal.h"

#include <errno.h>

#define SHARE_COLUMNS "name, path, remark, flags, max_uses, caching, sd, hide_names"
#define USER_COLUMNS  "name, full_name, rid, flags, nt_hash"
#define GROUP_COLUMNS "name, remark, rid, builtin"

static const char *const texts[SQL_STATEMENTS] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_SETTING_GET] = "SELECT value FROM settings WHERE key = ?1",
	[SQL_SETTING_SET] = "INSERT INTO settings(key, value) VALUES(?1, ?2)"
			    " ON CONFLICT(key) DO UPDATE SET value = excluded.value",
	[SQL_SETTING_REMOVE] = "DELETE FROM settings WHERE key = ?1",
	[SQL_IDENTITY] = "SELECT guid, sid1, sid2, sid3, name FROM identity",
	[SQL_NEXT_RID] = "SELECT next_rid FROM identity",
	[SQL_TAKE_RID] = "UPDATE identity SET next_rid = next_rid + 1",
	[SQL_SHARE_ADD] = "INSERT INTO shares(fold, " SHARE_COLUMNS
			  ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[SQL_SHARE_UPDATE] = "UPDATE shares SET name = ?2, path = ?3, remark = ?4, flags = ?5,"
			     " max_uses = ?6, caching = ?7, sd = ?8, hide_names = ?9"
			     " WHERE fold = ?1",
	[SQL_SHARE_REMOVE] = "DELETE FROM shares WHERE fold = ?1",
	[SQL_SHARES] = "SELECT " SHARE_COLUMNS " FROM shares ORDER BY fold",
	[SQL_USER_ADD] = "INSERT INTO users(fold, " USER_COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[SQL_USER_UPDATE] = "UPDATE users SET name = ?2, full_name = ?3, flags = ?4, nt_hash = ?5"
			    " WHERE fold = ?1",
	[SQL_USER_REMOVE] = "DELETE FROM users WHERE fold = ?1",
	[SQL_USER_FIND] = "SELECT " USER_COLUMNS " FROM users WHERE fold = ?1",
	[SQL_USERS] = "SELECT " USER_COLUMNS " FROM users ORDER BY fold",
	[SQL_NAME_TAKEN] = "SELECT 1 FROM users WHERE fold = ?1 UNION ALL"
			   " SELECT 1 FROM groups WHERE fold = ?1",
	[SQL_GROUP_ADD] = "INSERT INTO groups(fold, " GROUP_COLUMNS ") VALUES(?1, ?2, ?3, ?4, 0)",
	[SQL_GROUP_FIND] = "SELECT " GROUP_COLUMNS " FROM groups WHERE fold = ?1",
	[SQL_GROUP_REMOVE] = "DELETE FROM groups WHERE fold = ?1 AND builtin = 0",
	[SQL_GROUPS] = "SELECT " GROUP_COLUMNS " FROM groups ORDER BY fold",
	[SQL_MEMBER_ADD] = "INSERT INTO members(group_rid, user_rid) VALUES(?1, ?2)",
	[SQL_MEMBER_REMOVE] = "DELETE FROM members WHERE group_rid = ?1 AND user_rid = ?2",
	[SQL_GROUPS_OF] = "SELECT g.name, g.remark, g.rid, g.builtin FROM groups g"
			  " JOIN members m ON m.group_rid = g.rid"
			  " JOIN users u ON u.rid = m.user_rid WHERE u.fold = ?1 ORDER BY g.fold",
	[SQL_MEMBERS_OF] =
		"SELECT u.name FROM users u JOIN members m ON m.user_rid = u.rid"
		" JOIN groups g ON g.rid = m.group_rid WHERE g.fold = ?1 ORDER BY u.fold",
	[SQL_ACCOUNT_NAMED] = "SELECT name, rid, 0, 0 FROM users WHERE fold = ?1 UNION ALL"
			      " SELECT name, rid, 1, builtin FROM groups WHERE fold = ?1",
	[SQL_ACCOUNT_NUMBERED] =
		"SELECT name, rid, 0, 0 FROM users WHERE rid = ?1 AND ?2 = 0 UNION ALL"
		" SELECT name, rid, 1, builtin FROM groups WHERE rid = ?1 AND builtin = ?2",
	[SQL_KEY_FIND] = "SELECT changed FROM registry_keys WHERE fold = ?1",
	[SQL_KEY_COUNT] = "SELECT count(*) FROM registry_keys",
	[SQL_KEY_ADD] = "INSERT INTO registry_keys(fold, parent, name, changed)"
			" VALUES(?1, ?2, ?3, ?4)",
	[SQL_KEY_REMOVE] = "DELETE FROM registry_keys WHERE fold = ?1",
	[SQL_KEY_CHILD] = "SELECT name, changed FROM registry_keys WHERE parent = ?1"
			  " ORDER BY fold LIMIT 1 OFFSET ?2",
	[SQL_KEY_INFO] =
		"SELECT (SELECT count(*) FROM registry_keys WHERE parent = ?1),"
		" (SELECT coalesce(max(length(name)), 0) * 2 FROM registry_keys WHERE parent = ?1),"
		" (SELECT count(*) FROM registry_values WHERE key = ?1),"
		" (SELECT coalesce(max(length(name)), 0) * 2 FROM registry_values WHERE key = ?1),"
		" (SELECT coalesce(max(length(data)), 0) FROM registry_values WHERE key = ?1)",
	[SQL_KEY_TOUCH] = "UPDATE registry_keys SET changed = ?2 WHERE fold = ?1",
	[SQL_VALUE_COUNT] = "SELECT count(*) FROM registry_values",
	[SQL_VALUE_SET] = "INSERT INTO registry_values(key, fold, name, type, data)"
			  " VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(key, fold) DO UPDATE SET"
			  " name = ?3, type = ?4, data = ?5",
	[SQL_VALUE_GET] =
		"SELECT name, type, data FROM registry_values WHERE key = ?1 AND fold = ?2",
	[SQL_VALUE_AT] = "SELECT name, type, data FROM registry_values WHERE key = ?1"
			 " ORDER BY fold LIMIT 1 OFFSET ?2",
	[SQL_VALUE_REMOVE] = "DELETE FROM registry_values WHERE key = ?1 AND fold = ?2",
};
void run_next(struct run *run, enum statement which)
{
	struct store *store = run->store;
	sqlite3_stmt **slot = &store->statements[which];
	int code = SQLITE_OK;

	if (run->statement)
		sqlite3_reset(run->statement);
	if (!*slot)
		code = sqlite3_prepare_v3(store->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT,
					  slot, NULL);
	run->statement = *slot;
	run->next = 1;
	if (code != SQLITE_OK && !run->error)
		run->error = store_fail_sqlite(store->db, code, "cannot ask the database");
}

void run_begin(struct run *run, struct store *store, enum statement which)
{
	pthread_mutex_lock(&store->lock);
	run->store = store;
	run_next(run, which);
}

static void bound(struct run *run, int code)
{
	run->next++;
	if (code != SQLITE_OK && !run->error)
		run->error = store_fail_sqlite(run->store->db, code, "cannot ask the database");
}

void run_text(struct run *run, const char *text)
{
	if (text && strlen(text) > STORE_MAX_TEXT && !run->error)
		run->error = store_fail(-EINVAL, "a text has more than %d bytes", STORE_MAX_TEXT);
	if (!run->error)
		bound(run, sqlite3_bind_text(run->statement, run->next, text ? text : "", -1,
					     SQLITE_TRANSIENT));
}

void run_folded(struct run *run, const char *name)
{
	auto_buf struct buf folded = { 0 };

	name_fold(&folded, name);
	buf_u8(&folded, 0);
	if (folded.failed && !run->error)
		run->error = store_fail(-ENOMEM, "out of memory");
	if (!run->error)
		run_text(run, (const char *)folded.data);
}

void run_number(struct run *run, int64_t number)
{
	if (!run->error)
		bound(run, sqlite3_bind_int64(run->statement, run->next, number));
}

void run_blob(struct run *run, const void *data, size_t length)
{
	if (length > STORE_MAX_TEXT * 2 && !run->error)
		run->error =
			store_fail(-EINVAL, "a value has more than %d bytes", STORE_MAX_TEXT * 2);
	if (run->error)
		return;
	if (data)
		bound(run, sqlite3_bind_blob64(run->statement, run->next, data, length,
					       SQLITE_TRANSIENT));
	else
		bound(run, sqlite3_bind_null(run->statement, run->next));
}

int run_step(struct run *run)
{
	int code;

	if (run->error)
		return run->error;
	code = sqlite3_step(run->statement);
	if (code == SQLITE_ROW)
		return 1;
	if (code == SQLITE_DONE)
		return 0;
	run->error = store_fail_sqlite(run->store->db, code, "cannot use the database");
	return run->error;
}

int run_done(struct run *run, bool must_change)
{
	int error = run_step(run);

	if (error < 0)
		return error;
	if (must_change && sqlite3_changes(run->store->db) == 0) {
		run->error = store_fail(-ENOENT, "there is none of that name");
		return run->error;
	}
	return 0;
}

void run_end(struct run *run)
{
	struct store *store = run->store;

	if (!store)
		return;
	if (run->statement) {
		sqlite3_reset(run->statement);
		sqlite3_clear_bindings(run->statement); /* a password hash does not stay behind */
	}
	if (!sqlite3_get_autocommit(store->db)) {
		struct run undo = { .store = store };

		run_next(&undo, SQL_ROLLBACK);
		if (!undo.error) {
			sqlite3_step(undo.statement);
			sqlite3_reset(undo.statement);
		}
	}
	run->store = NULL;
	pthread_mutex_unlock(&store->lock);
}

int run_transaction(struct run *run)
{
	return run_done(run, false);
}

int run_commit(struct run *run)
{
	if (run->error)
		return run->error;
	run_next(run, SQL_COMMIT);
	return run_done(run, false);
}

char *run_column_text(struct run *run, int column)
{
	const unsigned char *text = sqlite3_column_text(run->statement, column);

	return xstrdup(text ? (const char *)text : "");
}

int64_t run_column_number(struct run *run, int column)
{
	return sqlite3_column_int64(run->statement, column);
}
