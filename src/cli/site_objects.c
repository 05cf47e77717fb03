// SPDX-License-Identifier: Apache-2.0
/* berth site: what is watched, and how it is. */
#include "site_cli.h"

#include <site/db.h>
#include <site/message.h>
#include <site/object.h>
#include <stdio.h>
#include <time.h>

static const char *local_text(struct call *call, const char *name)
{
	return json_string_value(json_object_get(call->local, name));
}

static bool take_percent(struct call *call, const char *name, double *out)
{
	const char *text = local_text(call, name);
	char *end;

	if (!text)
		return true;
	*out = strtod(text, &end);
	return end != text && !*end && *out >= 0 && *out < 100;
}

static bool take_bytes(struct call *call, const char *name, int64_t *out)
{
	uint64_t bytes = 0;

	if (!local_text(call, name))
		return true;
	if (!take_size(call, name, &bytes))
		return false;
	*out = (int64_t)bytes;
	return true;
}

static int take_thresholds(struct call *call, struct thresholds *t)
{
	if (!take_bytes(call, "warn", &t->warn_bytes) ||
	    !take_bytes(call, "critical", &t->critical_bytes))
		return complain(EXIT_USAGE, "a size is a number with K, M, G, T or P, such as 10G");
	if (!take_percent(call, "warn-percent", &t->warn_percent) ||
	    !take_percent(call, "critical-percent", &t->critical_percent))
		return complain(EXIT_USAGE, "a percentage is a number from 0 to 99");
	if (t->warn_bytes >= 0 && t->critical_bytes > t->warn_bytes)
		return complain(EXIT_USAGE, "--critical is above --warn: it could never be warned");
	return EXIT_DONE;
}

static void replace(char **text, const char *with)
{
	if (!with)
		return;
	free(*text);
	*text = *with ? xstrdup(with) : NULL;
}

/* The options of add-object and set-object, over what @object has. */
static int take_object(struct call *call, struct object *object)
{
	const char *interval = local_text(call, "interval");
	char *end;

	replace(&object->address, local_text(call, "address"));
	replace(&object->account, local_text(call, "account"));
	if (!take_port(call, &object->port))
		return complain(EXIT_USAGE, "--port is 1 to 65535");
	if (call_local(call, "no-admin"))
		object->check_admin = false;
	if (call_local(call, "pause"))
		object->paused = true;
	if (call_local(call, "resume"))
		object->paused = false;
	if (interval) {
		object->interval_s = strtoll(interval, &end, 10);
		if (end == interval || *end || object->interval_s < 1 ||
		    object->interval_s > 604800)
			return complain(EXIT_USAGE, "--interval is seconds, 1 to 604800");
	}
	return take_thresholds(call, &object->thresholds);
}

static enum object_kind kind_of(const char *path)
{
	if (!strcmp(path, "database"))
		return OBJECT_DATABASE;
	return path[0] == '/' && path[1] != '/' ? OBJECT_DIRECTORY : OBJECT_SHARE;
}

int run_site_add_object(struct call *call)
{
	const char *role = local_text(call, "role"), *path = call_text(call, "path");
	auto_site struct site *site = NULL;
	auto_free char *why = NULL, *what = NULL;
	struct object object = {
		.role = xstrdup(role ? role : "file-server"),
		.path = xstrdup(path),
		.kind = kind_of(path),
		.check_admin = true,
		.thresholds = { -1, -1, -1, -1 },
	};
	int code = take_object(call, &object);

	if (code == EXIT_DONE)
		code = site_of(call, &site);
	if (code == EXIT_DONE && !object.address && object.kind == OBJECT_SHARE)
		object.address = address_here(call, path, &object.port);
	if (code == EXIT_DONE && object_add(site, &object, &why))
		code = site_failed(why);
	if (code == EXIT_DONE) {
		what = xasprintf("watches %s as %s", object.path, object.role);
		code = site_note_change(site, object.path, what);
	}
	object_free(&object);
	return code;
}

int run_site_set_object(struct call *call)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL, *options = site_options_text(call);
	struct object object = { 0 };
	int code = site_of(call, &site);

	if (code != EXIT_DONE)
		return code;
	if (object_find(site, call_text(call, "path"), local_text(call, "role"), &object, &why))
		return site_failed(why);
	code = take_object(call, &object);
	if (code == EXIT_DONE && object_set(site, &object, &why))
		code = site_failed(why);
	if (code == EXIT_DONE)
		code = site_note(site, object.path, NULL, "how %s is watched: %s", object.path,
				 options);
	object_free(&object);
	return code;
}

int run_site_remove_object(struct call *call)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL;
	int code = site_of(call, &site);

	if (code != EXIT_DONE)
		return code;
	if (object_remove(site, call_text(call, "path"), local_text(call, "role"), &why))
		return site_failed(why);
	return site_note_change(site, call_text(call, "path"), "no longer watched");
}

int run_site_set_role(struct call *call)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL, *what = NULL;
	struct thresholds thresholds = { -1, -1, -1, -1 };
	int code = take_thresholds(call, &thresholds);

	if (code == EXIT_DONE)
		code = site_of(call, &site);
	if (code != EXIT_DONE)
		return code;
	if (role_thresholds_set(site, call_text(call, "role"), &thresholds, &why))
		return site_failed(why);
	what = xasprintf("thresholds of role %s", call_text(call, "role"));
	return site_note_change(site, NULL, what);
}

static void format_size(char *out, size_t room, const json_t *bytes)
{
	static const char units[] = "BKMGTP";
	double value = json_number_value(bytes);
	size_t unit = 0;

	if (!json_is_integer(bytes)) {
		snprintf(out, room, "?");
		return;
	}
	while (value >= 1024 && unit + 2 < sizeof(units)) {
		value /= 1024;
		unit++;
	}
	snprintf(out, room, unit ? "%.1f%c" : "%.0f%c", value, units[unit]);
}

void site_time_text(char *out, size_t room, const json_t *value)
{
	time_t time = (time_t)json_integer_value(value);
	struct tm local;

	if (!time || !localtime_r(&time, &local)) {
		snprintf(out, room, "-");
		return;
	}
	strftime(out, room, "%Y-%m-%d %H:%M:%S", &local);
}

/* How long ago, in the unit that fits. */
static void ago_text(char *out, size_t room, const json_t *value)
{
	static const struct {
		long long seconds;
		const char *unit;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
	long long time = json_integer_value(value), ago = now_s() - time;
	size_t i = 0;

	if (!time) {
		snprintf(out, room, "never");
		return;
	}
	ago = ago > 0 ? ago : 0;
	while (i + 1 < ARRAY_LEN(units) && ago < 2 * units[i].seconds)
		i++;
	snprintf(out, room, "%lld %s ago", ago / units[i].seconds, units[i].unit);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static json_t *flat_row(const json_t *system, const json_t *role, const json_t *object)
{
	char space[64], size[24], since[32], full[32], checked[32];
	const json_t *down = json_object_get(object, "down_since");
	json_t *row = json_object();

	format_size(size, sizeof(size), json_object_get(object, "free_bytes"));
	snprintf(space, sizeof(space), "%s", size);
	format_size(size, sizeof(size), json_object_get(object, "total_bytes"));
	snprintf(space + strlen(space), sizeof(space) - strlen(space), " of %s", size);
	site_time_text(since, sizeof(since),
		       json_is_integer(down) ? down : json_object_get(object, "changed"));
	ago_text(checked, sizeof(checked), json_object_get(object, "checked"));
	site_time_text(full, sizeof(full), json_object_get(object, "full_on"));
	if (full[0] != '-')
		full[10] = '\0'; /* the day will do */
	json_object_set_new(row, "state",
			    json_string(json_is_true(json_object_get(object, "is_paused"))
						? "paused"
						: text_of(object, "state")));
	json_object_set_new(row, "system", json_string(text_of(system, "system")));
	json_object_set_new(row, "role", json_string(text_of(role, "role")));
	json_object_set_new(row, "path", json_string(text_of(object, "path")));
	json_object_set_new(row, "account", json_string(text_of(object, "account")));
	json_object_set_new(row, "reach", json_string(text_of(object, "reach")));
	json_object_set_new(row, "checked", json_string(checked));
	json_object_set_new(row, "space", json_string(space));
	json_object_set_new(row, "full", json_string(full));
	json_object_set_new(row, "since", json_string(since));
	return row;
}

/* Each row that is not well with its reason, its place and its remedy. */
static void print_reason(const json_t *object)
{
	const json_t *failure = json_object_get(object, "failure");
	const json_t *seen = json_object_get(object, "acknowledged");
	const char *state = text_of(object, "state");

	if (!*text_of(object, "reason") || (strcmp(state, "critical") && strcmp(state, "warning") &&
					    strcmp(text_of(object, "reach"), "retrying") != 0))
		return;
	printf("\n%s: %s\n", text_of(object, "path"), text_of(object, "reason"));
	if (json_is_object(failure)) {
		printf("  failed step   %s on %s\n", text_of(failure, "step"),
		       text_of(failure, "path"));
		printf("  likely cause  %s\n", text_of(failure, "cause"));
		printf("  remedy        %s\n", text_of(failure, "remedy"));
		printf("  then          berth site recheck '%s'\n", text_of(object, "path"));
	}
	if (!strcmp(text_of(object, "reach"), "retrying"))
		printf("  it may pass by itself and is tried again; nothing has been reported "
		       "yet\n");
	if (json_is_object(seen))
		printf("  acknowledged  by %s: %s\n", text_of(seen, "by"),
		       text_of(seen, "comment"));
}

static void for_each_object(const json_t *status, json_t *rows)
{
	const json_t *system, *role, *object;
	size_t i, k, n;

	json_array_foreach(json_object_get(status, "systems"), i, system)
	{
		json_array_foreach(json_object_get(system, "roles"), k, role)
		{
			json_array_foreach(json_object_get(role, "objects"), n, object)
			{
				if (rows)
					json_array_append_new(rows, flat_row(system, role, object));
				else
					print_reason(object);
			}
		}
	}
}

/* What was asked for and has not come about: a line each, and where to see more. */
static void print_troubles(const json_t *status)
{
	const json_t *trouble;
	size_t i;

	json_array_foreach(json_object_get(status, "troubles"), i, trouble) printf(
		"%s%s: %s\n", i ? "" : "\n", text_of(trouble, "text"), text_of(trouble, "see"));
}

static void print_status(struct call *call, const json_t *status)
{
	const json_t *server = json_object_get(status, "server");
	json_t *rows = json_array();

	printf("site %s: %s\n", text_of(status, "site"), text_of(status, "state"));
	if (*text_of(server, "reason"))
		printf("%s\n", text_of(server, "reason"));
	putchar('\n');
	for_each_object(status, rows);
	print_table(rows, call->command->columns);
	print_troubles(status);
	for_each_object(status, NULL);
	json_decref(rows);
}

int run_site_status(struct call *call)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL;
	json_t *status;
	int code = site_of(call, &site);

	if (code != EXIT_DONE)
		return code;
	status = site_status(site, &why);
	if (!status)
		return site_failed(why);
	if (call->json)
		print_json(status);
	else
		print_status(call, status);
	json_decref(status);
	return EXIT_DONE;
}
