// SPDX-License-Identifier: Apache-2.0
/* Status messages in the database: writing, listing, retention; and the rules' rows. */
#include <site/message.h>

#include <base/log.h>
#include <errno.h>
#include <limits.h>
#include <site/db.h>
#include <strings.h>
#include <unistd.h>

#define LIST_DEFAULT 1000
#define DAY_S	     86400

static const char *const severities[] = { "info", "warning", "error" };

const char *severity_name(enum severity severity)
{
	return (size_t)severity < ARRAY_LEN(severities) ? severities[severity] : "unknown";
}

bool severity_of(const char *name, enum severity *out)
{
	for (size_t i = 0; i < ARRAY_LEN(severities); i++) {
		if (strcasecmp(severities[i], name) != 0)
			continue;
		*out = (enum severity)i;
		return true;
	}
	return false;
}

static void put_filled(const char *text, const char *const *strings, struct buf *out)
{
	for (const char *at = text; *at; at++) {
		if (at[0] == '%' && at[1] >= '1' && at[1] <= '9') {
			const char *string = strings[at[1] - '1'];

			buf_text(out, string ? string : "");
			at++;
		} else {
			buf_u8(out, (uint8_t)*at);
		}
	}
}

void message_text(const struct message_row *row, const char *const *strings, struct buf *out)
{
	put_filled(row->text, strings, out);
}

static char *filled(const char *text, const char *const *strings)
{
	struct buf out = { 0 };

	put_filled(text, strings, &out);
	buf_u8(&out, 0);
	BUG_ON(out.failed);
	return (char *)out.data;
}

static json_t *strings_json(const struct message *message)
{
	json_t *array = json_array();
	size_t used = MESSAGE_STRINGS;

	while (used && !message->strings[used - 1])
		used--;
	for (size_t i = 0; i < used; i++) {
		const char *text = message->strings[i] ? message->strings[i] : "";
		json_t *string = json_string(text);

		json_array_append_new(array, string ? string : json_string("?"));
	}
	return array;
}

static void log_it(const struct message_row *row, const struct message *message)
{
	static const enum log_level levels[] = { LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
	auto_free char *text = filled(row->text, message->strings);

	log_write(levels[row->severity], "status message id=%u severity=%s object=%s text=%s",
		  row->id, severity_name(row->severity),
		  LOG_TEXT(message->object ? message->object : "-"), LOG_TEXT(text));
}

int message_write(struct site *site, const struct message *message, char **why)
{
	const struct message_row *row = message_find(message->id);
	char machine[HOST_NAME_MAX + 1] = "";
	json_t *strings = strings_json(message);
	auto_free char *text = json_dumps(strings, JSON_COMPACT);
	struct query q = query_begin(
		site,
		"INSERT INTO messages(time, message, severity, component, machine, object, package,"
		" win32, strings) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");

	json_decref(strings);
	BUG_ON(!row || !text);
	(void)!gethostname(machine, sizeof(machine) - 1);
	query_number(&q, now_s());
	query_number(&q, row->id);
	query_number(&q, row->severity);
	query_text(&q, row->component);
	query_text(&q, machine);
	query_text(&q, message->object ? message->object : site_code(site));
	query_text(&q, message->package);
	query_number(&q, message->win32);
	query_text(&q, text);
	log_it(row, message);
	return query_run(&q, why);
}

/* The strings of a stored message, borrowed from @array. */
static void take_strings(const json_t *array, const char **strings)
{
	for (size_t i = 0; i < MESSAGE_STRINGS; i++)
		strings[i] = json_string_value(json_array_get(array, i));
}

static void set_text(json_t *row, const char *key, const char *text, const char *const *strings)
{
	auto_free char *whole = filled(text, strings);

	json_object_set_new(row, key, json_string(whole));
}

static void explain(struct site *site, json_t *row)
{
	const struct message_row *type =
		message_find((uint32_t)json_integer_value(json_object_get(row, "message")));
	const char *strings[MESSAGE_STRINGS];
	int64_t severity = json_integer_value(json_object_get(row, "severity"));

	take_strings(json_object_get(row, "strings_json"), strings);
	json_object_set_new(row, "severity", json_string(severity_name((enum severity)severity)));
	json_object_set_new(row, "site", json_string(site_code(site)));
	set_text(row, "text", type ? type->text : "", strings);
	set_text(row, "cause", type ? type->cause : "", strings);
	set_text(row, "remedy", type ? type->remedy : "", strings);
	json_object_set(row, "strings", json_object_get(row, "strings_json"));
	json_object_del(row, "strings_json");
}

bool message_said_lately(struct site *site, const struct message *message, int64_t seconds)
{
	/* What is to come was said by a clock that has been set back. */
	struct query q = query_begin(site, "SELECT 1 FROM messages WHERE object = ?1 AND"
					   " message = ?2 AND time BETWEEN ?3 AND ?4");
	bool lately;

	query_text(&q, message->object);
	query_number(&q, message->id);
	query_number(&q, now_s() - seconds);
	query_number(&q, now_s());
	lately = query_row(&q);
	return !query_end(&q, NULL) && lately;
}

json_t *message_list(struct site *site, const struct message_filter *f, char **why)
{
	struct query q = query_begin(
		site,
		"SELECT * FROM (SELECT id, time, message, severity, component, machine, object,"
		" package, win32, strings AS strings_json FROM messages"
		" WHERE severity >= ?1 AND (?2 IS NULL OR component = ?2)"
		" AND (?3 IS NULL OR object = ?3 COLLATE NOCASE) AND (?4 IS NULL OR package = ?4)"
		" AND (?5 = 0 OR message = ?5) AND time >= ?6 AND (?7 = 0 OR time < ?7)"
		" AND id > ?8 ORDER BY CASE WHEN ?10 THEN id ELSE -id END LIMIT ?9) ORDER BY id");
	json_t *rows, *row;
	size_t i;

	query_number(&q, f->severity);
	query_text(&q, f->component);
	query_text(&q, f->object);
	query_text(&q, f->package);
	query_number(&q, f->id);
	query_number(&q, f->since_s);
	query_number(&q, f->until_s);
	query_number(&q, f->after);
	query_number(&q, f->limit ? f->limit : LIST_DEFAULT);
	query_number(&q, f->oldest);
	rows = query_rows(&q, why);
	if (!rows)
		return NULL;
	json_array_foreach(rows, i, row) explain(site, row);
	return rows;
}

/* The kinds are of the catalogue, so it says which ids are kept longer. */
static int retain(struct site *site, bool audit, int64_t days, char **why)
{
	struct buf ids = { 0 };
	size_t count;
	const struct message_row *rows = message_catalogue(&count);
	auto_free char *sql = NULL;
	struct query q;

	for (size_t i = 0; i < count; i++) {
		if ((rows[i].kind == KIND_AUDIT) == audit)
			buf_printf(&ids, "%s%u", ids.len ? "," : "", rows[i].id);
	}
	buf_u8(&ids, 0);
	sql = xasprintf("DELETE FROM messages WHERE time < ?1 AND message IN (%s)",
			(const char *)ids.data);
	buf_free(&ids);
	q = query_begin(site, sql);
	query_number(&q, now_s() - days * DAY_S);
	return query_run(&q, why);
}

int message_retain(struct site *site, char **why)
{
	int error = retain(site, false, site_setting_number(site, "keep_days"), why);

	return error ? error
		     : retain(site, true, site_setting_number(site, "keep_audit_days"), why);
}

static bool is_program(const char *target)
{
	return target[0] == '/' && !access(target, X_OK);
}

static bool is_url(const char *target)
{
	return !strncasecmp(target, "http://", 7) || !strncasecmp(target, "https://", 8);
}

static bool is_facility(const char *target)
{
	static const char *const names[] = { "daemon", "user",	 "local0", "local1", "local2",
					     "local3", "local4", "local5", "local6", "local7" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!strcmp(names[i], target))
			return true;
	}
	return false;
}

static const struct {
	const char *name;
	bool (*fits)(const char *target);
	const char *needs;
} actions[] = {
	{ "program", is_program, "the absolute path of a program that can be run" },
	{ "webhook", is_url, "an http:// or https:// URL" },
	{ "syslog", is_facility, "a facility: daemon, user, local0 to local7" },
};

static int check_rule(const struct rule *rule, char **why)
{
	if (!rule->name || !*rule->name || strlen(rule->name) > 64)
		return site_fail(why, -EINVAL, "the name of a rule has 1 to 64 bytes");
	if (rule->message && !message_find(rule->message))
		return site_fail(why, -EINVAL,
				 "there is no message %u; berth site catalogue lists them all",
				 rule->message);
	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		if (strcmp(actions[i].name, rule->action) != 0)
			continue;
		return actions[i].fits(rule->target) ? 0
						     : site_fail(why, -EINVAL, "\"%s\" is not %s",
								 rule->target, actions[i].needs);
	}
	return site_fail(why, -EINVAL, "there is no action \"%s\": program, webhook, syslog",
			 rule->action);
}

int rule_add(struct site *site, const struct rule *rule, char **why)
{
	struct query q;
	int error = check_rule(rule, why);

	if (error)
		return error;
	q = query_begin(
		site,
		"INSERT INTO rules(name, severity, component, message, object, action, target,"
		" after) VALUES(?1, ?2, ?3, nullif(?4, 0), ?5, ?6, ?7,"
		" (SELECT coalesce(max(id), 0) FROM messages))");
	query_text(&q, rule->name);
	query_number(&q, rule->severity);
	query_text(&q, rule->component);
	query_number(&q, rule->message);
	query_text(&q, rule->object);
	query_text(&q, rule->action);
	query_text(&q, rule->target);
	error = query_run(&q, why);
	return error == -EEXIST
		       ? site_fail(why, error, "there is a rule \"%s\" already", rule->name)
		       : error;
}

int rule_remove(struct site *site, const char *name, char **why)
{
	struct query q = query_begin(site, "DELETE FROM rules WHERE name = ?1");
	int error;

	query_text(&q, name);
	error = query_run(&q, why);
	if (!error && !query_changed(site))
		error = site_fail(why, -ENOENT, "there is no rule \"%s\"", name);
	return error;
}

json_t *rule_list(struct site *site, char **why)
{
	struct query q = query_begin(
		site,
		"SELECT name, CASE severity WHEN 0 THEN 'info' WHEN 1 THEN 'warning' ELSE 'error'"
		" END AS severity, component, message, object, action, target, after FROM rules"
		" ORDER BY id");

	return query_rows(&q, why);
}
