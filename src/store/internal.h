// SPDX-License-Identifier: Apache-2.0
/*
 * What the files of the store share: the database handle with its prepared statements, and the one
 * way to run them. Locks: store->lock is held from run_begin to run_end; it is a leaf.
 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include <base/utf16.h>
#include <pthread.h>
#include <sqlite3.h>
#include <store/store.h>

#define STORE_FILE	     "server.db"
#define STORE_FILE_NEW	     "server.db.new"
#define STORE_SCHEMA_VERSION 3
#define STORE_APPLICATION_ID 0x42455254 /* "BERT" */
#define STORE_BUSY_MS	     5000
#define STORE_FIRST_RID	     1000u
#define STORE_MAX_TEXT	     32768 /* bytes in any text that is stored */

/* Every statement that is ever run against an open store; the texts are in run.c. */
enum statement {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_SETTING_GET,
	SQL_SETTING_SET,
	SQL_SETTING_REMOVE,
	SQL_IDENTITY,
	SQL_NEXT_RID,
	SQL_TAKE_RID,
	SQL_SHARE_ADD,
	SQL_SHARE_UPDATE,
	SQL_SHARE_REMOVE,
	SQL_SHARES,
	SQL_USER_ADD,
	SQL_USER_UPDATE,
	SQL_USER_REMOVE,
	SQL_USER_FIND,
	SQL_USERS,
	SQL_NAME_TAKEN,
	SQL_GROUP_ADD,
	SQL_GROUP_FIND,
	SQL_GROUP_REMOVE,
	SQL_GROUPS,
	SQL_MEMBER_ADD,
	SQL_MEMBER_REMOVE,
	SQL_GROUPS_OF,
	SQL_MEMBERS_OF,
	SQL_ACCOUNT_NAMED,
	SQL_ACCOUNT_NUMBERED,
	SQL_KEY_FIND,
	SQL_KEY_COUNT,
	SQL_KEY_ADD,
	SQL_KEY_REMOVE,
	SQL_KEY_CHILD,
	SQL_KEY_INFO,
	SQL_KEY_TOUCH,
	SQL_VALUE_COUNT,
	SQL_VALUE_SET,
	SQL_VALUE_GET,
	SQL_VALUE_AT,
	SQL_VALUE_REMOVE,
	SQL_STATEMENTS,
};

struct store {
	pthread_mutex_t lock;
	sqlite3 *db;
	sqlite3_stmt *statements[SQL_STATEMENTS];
};

/* A statement being run; zero it, then run_begin. The lock is held until run_end. */
struct run {
	struct store *store;
	sqlite3_stmt *statement;
	int next; /* number of the next parameter */
	int error;
};

/* run_begin - lock @store (unless @locked) and make the statement ready. */
void run_begin(struct run *run, struct store *store, enum statement which);
/* run_next - the same lock, another statement. */
void run_next(struct run *run, enum statement which);
void run_text(struct run *run, const char *text);
void run_folded(struct run *run, const char *name); /* a name as it is compared */
void run_number(struct run *run, int64_t number);
void run_blob(struct run *run, const void *data, size_t length); /* NULL: null */
/* run_step - 1: a row is there; 0: done; negative errno. */
int run_step(struct run *run);
/* run_done - step a statement that gives no rows; -ENOENT where it changed none and @must_change.
 */
int run_done(struct run *run, bool must_change);
void run_end(struct run *run); /* resets and unlocks; for cleanup() */
/* run_transaction / run_commit - the statements between are one change; run_end rolls back what is
 * not committed. */
int run_transaction(struct run *run);
int run_commit(struct run *run);

char *run_column_text(struct run *run, int column); /* a new string, "" for null */
int64_t run_column_number(struct run *run, int column);

/* store_fail - remember @problem for store_problem and give @error back. */
int store_fail(int error, const char *format, ...) PRINTF_LIKE(2, 3);
int store_fail_sqlite(sqlite3 *db, int code, const char *doing);
/* store_take_rid - the next relative id; inside a transaction of @run. */
int store_take_rid(struct run *run, uint32_t *rid);
/* store_name_ok - -EINVAL and a sentence for a name that is empty or too long. */
int store_name_ok(const char *what, const char *name);

#endif
