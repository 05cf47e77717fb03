// SPDX-License-Identifier: Apache-2.0
/* Who the file server is (name, SID, GUID, the relative ids it gives out), and its settings. */
#include "internal.h"

#include <errno.h>

/* Settings that are not stored have these values; the management interface checks what may be
 * stored. */
static const struct {
	const char *key, *value;
} defaults[] = {
	{ "visibility", "server" },
	{ "drive_letter", "S" },
	{ "signing", "required" },
	{ "encryption", "off" },
	{ "guest", "no" },
	{ "anonymous", "no" },
	{ "failback", "no" },
	{ "restart_threshold", "3" },
	{ "restart_period_s", "900" },
	{ "retry_period_s", "3600" },
	{ "pending_timeout_s", "180" },
};

int store_take_rid(struct run *run, uint32_t *rid)
{
	int got;

	run_next(run, SQL_NEXT_RID);
	got = run_step(run);
	if (got < 0)
		return got;
	if (!got)
		return store_fail(-EUCLEAN, "the database has no identity");
	*rid = (uint32_t)run_column_number(run, 0);
	run_next(run, SQL_TAKE_RID);
	return run_done(run, true);
}

char *store_setting(struct store *store, const char *key)
{
	cleanup(run_end) struct run run = { 0 };

	run_begin(&run, store, SQL_SETTING_GET);
	run_text(&run, key);
	if (run_step(&run) == 1)
		return run_column_text(&run, 0);
	for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
		if (!strcmp(defaults[i].key, key))
			return xstrdup(defaults[i].value);
	}
	return NULL;
}

int store_set_setting(struct store *store, const char *key, const char *value)
{
	cleanup(run_end) struct run run = { 0 };
	int error = store_name_ok("setting", key);

	if (error)
		return error;
	run_begin(&run, store, value ? SQL_SETTING_SET : SQL_SETTING_REMOVE);
	run_text(&run, key);
	if (value)
		run_text(&run, value);
	return run_done(&run, false);
}

char *store_server_name(struct store *store)
{
	cleanup(run_end) struct run run = { 0 };

	run_begin(&run, store, SQL_IDENTITY);
	return run_step(&run) == 1 ? run_column_text(&run, 4) : NULL;
}

int store_domain_sid(struct store *store, struct sid *out)
{
	cleanup(run_end) struct run run = { 0 };
	int got;

	run_begin(&run, store, SQL_IDENTITY);
	got = run_step(&run);
	if (got != 1)
		return got < 0 ? got : store_fail(-EUCLEAN, "the database has no identity");
	*out = (struct sid){ .sub_count = 4, .authority = { 0, 0, 0, 0, 0, 5 }, .sub = { 21 } };
	for (int i = 0; i < 3; i++)
		out->sub[1 + i] = (uint32_t)run_column_number(&run, 1 + i);
	return 0;
}

int store_server_guid(struct store *store, struct guid *out)
{
	cleanup(run_end) struct run run = { 0 };
	int got;

	run_begin(&run, store, SQL_IDENTITY);
	got = run_step(&run);
	if (got != 1 || sqlite3_column_bytes(run.statement, 0) != (int)sizeof(out->bytes))
		return got < 0 ? got : store_fail(-EUCLEAN, "the database has no identity");
	memcpy(out->bytes, sqlite3_column_blob(run.statement, 0), sizeof(out->bytes));
	return 0;
}
