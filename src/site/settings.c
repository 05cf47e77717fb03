// SPDX-License-Identifier: Apache-2.0
/* The settings of a site: the table, reading, checking, writing. */
#include <site/db.h>

#include <errno.h>
#include <site/object.h>

static const struct site_setting table[] = {
	{ "interval_s", "3600", "seconds between two checks of a storage object", 5, 604800, NULL },
	{ "timeout_s", "10", "seconds for one step of a check", 1, 600, NULL },
	{ "deadline_s", "30", "seconds for a whole check", 1, 3600, NULL },
	{ "patience_s", "120",
	  "seconds that what may pass by itself (a failover) is tried again before it is reported",
	  0, 86400, NULL },
	{ "remind_s", "14400", "seconds between two messages that an object is still not reached",
	  60, 604800, NULL },
	{ "parallel", "256", "checks under way at the same time", 1, 4096, NULL },
	{ "warn_percent", "10", "warning below this part of free space; 0: none", 0, 99, NULL },
	{ "critical_percent", "5", "critical below this part of free space; 0: none", 0, 99, NULL },
	{ "warn_bytes", "0", "warning below this free space; 0: none", 0, INT64_MAX, NULL },
	{ "critical_bytes", "0", "critical below this free space; 0: none", 0, INT64_MAX, NULL },
	{ "hysteresis_percent", "10",
	  "how far above a threshold, in percent of it, free space must rise to be well again", 0,
	  1000, NULL },
	{ "parallel_points", "4",
	  "distribution points that are written to at the same time; berth-site reads it when it "
	  "starts",
	  1, 64, NULL },
	{ "retry_s", "1800", "seconds between two tries to bring a package to a distribution point",
	  1, 86400, NULL },
	{ "tries", "100", "tries until that is given up", 1, 10000, NULL },
	{ "pull_patience_s", "21600",
	  "seconds that a mover has to bring a package to a point, until that is a failed try", 60,
	  2592000, NULL },
	{ "validate_days", "7",
	  "days after which content on a distribution point is read and repaired; 0: never", 0,
	  3650, NULL },
	{ "keep_days", "30", "days that status messages are kept", 1, 3650, NULL },
	{ "keep_audit_days", "180", "days that messages of what people did are kept", 1, 3650,
	  NULL },
	{ "keep_history_days", "400", "days that the history of free space is kept", 14, 3650,
	  NULL },
	{ "client_interval_s", "3600", "seconds between two polls of a client", 1, 604800, NULL },
	{ "clients_round_s", "300",
	  "seconds between two rounds that take reports and publish policy; 0: none", 0, 86400,
	  NULL },
	{ "account", "", "account of the site for objects that name none; empty: anonymous", 0, 0,
	  NULL },
};

const struct site_setting *site_settings(size_t *count)
{
	*count = ARRAY_LEN(table);
	return table;
}

static const struct site_setting *find(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (!strcmp(table[i].key, key))
			return &table[i];
	}
	return NULL;
}

char *site_setting(struct site *site, const char *key)
{
	const struct site_setting *row = find(key);
	struct query q = query_begin(site, "SELECT value FROM settings WHERE key = ?1");
	char *value;

	BUG_ON(!row);
	query_text(&q, key);
	value = xstrdup(query_row(&q) ? query_text_at(&q, 0) : row->fallback);
	(void)query_end(&q, NULL);
	return value;
}

int64_t site_setting_number(struct site *site, const char *key)
{
	auto_free char *text = site_setting(site, key);

	return strtoll(text, NULL, 10);
}

static int check(const struct site_setting *row, const char *value, char **why)
{
	char *end;
	long long number;

	if (!row->low && !row->high)
		return !row->fits || row->fits(value)
			       ? 0
			       : site_fail(why, -EINVAL, "\"%s\" cannot be the value of %s: %s",
					   value, row->key, row->help);
	errno = 0;
	number = strtoll(value, &end, 10);
	if (errno || end == value || *end || number < row->low || number > row->high)
		return site_fail(why, -EINVAL,
				 "%s takes a number from %lld to %lld, not \"%s\": %s", row->key,
				 (long long)row->low, (long long)row->high, value, row->help);
	return 0;
}

/* A name that was mistyped would only show with the next check, as a failure of every object. */
static int check_account(struct site *site, const char *name, char **why)
{
	struct account account = { 0 };
	int error = *name ? account_get(site, name, &account, why) : 0;

	account_wipe(&account);
	return error;
}

int site_setting_set(struct site *site, const char *key, const char *value, char **why)
{
	const struct site_setting *row = find(key);
	struct query q;
	int error;

	if (!row)
		return site_fail(
			why, -ENOENT,
			"there is no setting \"%s\" of a site; berth site settings lists them",
			key);
	error = check(row, value, why);
	if (!error && !strcmp(key, "account"))
		error = check_account(site, value, why);
	if (error)
		return error;
	q = query_begin(site, "INSERT INTO settings(key, value) VALUES(?1, ?2)"
			      " ON CONFLICT(key) DO UPDATE SET value = excluded.value");
	query_text(&q, key);
	query_text(&q, value);
	error = query_run(&q, why);
	if (error || strcmp(key, "account") != 0)
		return error;
	q = query_begin(site, "UPDATE objects SET recheck = recheck + 1 WHERE account IS NULL");
	return query_run(&q, why);
}
