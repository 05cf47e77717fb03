// SPDX-License-Identifier: Apache-2.0
/* What a check found, into the database: the state, the history, and messages at edges. */
#include "summarizer_impl.h"

#include <site/distribution.h>
#include <site/message.h>
#include <stdio.h>
#include <time.h>

static char *size_text(int64_t bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < ARRAY_LEN(units)) {
		value /= 1024;
		unit++;
	}
	return xasprintf(unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

static char *duration_text(int64_t s)
{
	if (s < 120)
		return xasprintf("%lld s", (long long)s);
	if (s < 7200)
		return xasprintf("%lld min", (long long)(s / 60));
	return xasprintf("%lld h %lld min", (long long)(s / 3600), (long long)(s / 60 % 60));
}

static char *time_text(int64_t s)
{
	time_t time = (time_t)s;
	char text[32];
	struct tm utc;

	gmtime_r(&time, &utc);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &utc);
	return xstrdup(text);
}

/* A distribution point on a share is named by the share: that is its site system. */
static const char *system_name(const struct object *o)
{
	return !strcmp(o->role, "distribution-point") ? o->path : o->system;
}

/* The messages of a database stand three behind those of a storage object. */
static uint32_t message_of(const struct object *o, uint32_t id)
{
	return o->kind == OBJECT_DATABASE ? id + 3 : id;
}

static int write_failure(struct entry *e, uint32_t id, char **why)
{
	const struct object *o = &e->object;
	json_t *report = json_loads(e->report, 0, NULL);
	const json_t *failure = json_object_get(report, "failure");
	uint32_t win32 = (uint32_t)json_integer_value(json_object_get(failure, "win32"));
	auto_free char *number = xasprintf("%u", win32_hresult(win32));
	auto_free char *since = time_text(o->state.down_since_s);
	const char *cause = json_string_value(json_object_get(failure, "cause"));
	const char *text = json_string_value(json_object_get(failure, "text"));
	struct message message = {
		.id = message_of(o, id),
		.object = o->path,
		.win32 = win32,
		.strings = { o->path, system_name(o), number,
			     text ? text : json_string_value(json_object_get(report, "message")),
			     json_string_value(json_object_get(failure, "step")),
			     json_string_value(json_object_get(failure, "path")), cause,
			     json_string_value(json_object_get(failure, "remedy")), since },
	};
	int error = message_write(e->s->site, &message, why);

	json_decref(report);
	return error;
}

static int write_recovery(struct entry *e, char **why)
{
	const struct object *o = &e->object;
	auto_free char *down = duration_text(e->verdict.down_s);
	struct message message = { .id = message_of(o, MSG_OBJECT_UP),
				   .object = o->path,
				   .strings = { o->path, system_name(o), down } };

	return message_write(e->s->site, &message, why);
}

static int write_reach(struct entry *e, char **why)
{
	switch (e->verdict.reach) {
	case REACH_FAILED:
		return write_failure(e, MSG_OBJECT_DOWN, why);
	case REACH_STILL:
		return write_failure(e, MSG_OBJECT_STILL_DOWN, why);
	case REACH_RECOVERED:
		return write_recovery(e, why);
	case REACH_SAME:
		break;
	}
	return 0;
}

static int write_space(struct entry *e, char **why)
{
	static const uint32_t ids[] = { [SPACE_NORMAL] = MSG_OBJECT_SPACE_NORMAL,
					[SPACE_WARNING] = MSG_OBJECT_SPACE_WARNING,
					[SPACE_CRITICAL] = MSG_OBJECT_SPACE_CRITICAL };
	const struct object *o = &e->object;
	auto_free char *free_text = size_text(o->state.free_bytes);
	auto_free char *total_text = size_text(o->state.total_bytes);
	struct message message = { .object = o->path,
				   .strings = { o->path, system_name(o), free_text, total_text } };

	if (e->verdict.space == SPACE_SAME)
		return 0;
	message.id = message_of(o, ids[e->verdict.space]);
	return message_write(e->s->site, &message, why);
}

static int write_on_time(struct entry *e, char **why)
{
	struct message message = { .id = MSG_OBJECT_ON_TIME,
				   .object = e->object.path,
				   .strings = { e->object.path } };

	return e->overdue ? message_write(e->s->site, &message, why) : 0;
}

static void judge(struct entry *e)
{
	struct watch_policy policy = policy_of(&e->s->policies, &e->object);
	enum reach before = e->object.state.reach;

	if (e->judged)
		return;
	e->verdict = watch_judge(&e->object.state, &e->sample, &policy);
	/* Also what passed by itself, without a message, may have failed tries. */
	e->is_back = e->sample.reached && (before == REACH_RETRYING || before == REACH_DOWN);
	e->judged = true;
}

int outcome_write(struct entry *e, char **why)
{
	int error;

	judge(e);
	error = object_state_save(e->s->site, &e->object, e->duration_ms, e->report, why);
	if (!error && e->sample.reached && e->sample.has_space)
		error = object_history_save(e->s->site, &e->object, why);
	if (!error)
		error = write_reach(e, why);
	if (!error)
		error = write_space(e, why);
	if (!error && e->is_back)
		error = distribution_hurry(e->s->site, e->object.path, why);
	return error ? error : write_on_time(e, why);
}
