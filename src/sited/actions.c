// SPDX-License-Identifier: Apache-2.0
/*
 * Which rules fit, and how far the thread has come.
 *
 * The cursor (the number of the last message whose rules have run) is a setting of the database
 * that only this thread writes. The first time, it begins at the newest message. What rules
 * themselves report (an action that failed) is passed over, so that they cannot feed themselves.
 */
#include "actions.h"
#include "run.h"

#include <base/log.h>
#include <base/thread.h>
#include <base/utf16.h>
#include <site/db.h>
#include <site/message.h>

#define LOOK_EVERY_MS 500
#define BATCH	      200

struct actions {
	struct site *site;
	pthread_t thread;
	pthread_mutex_t lock; /* of stopping */
	pthread_cond_t wake;
	bool stopping;
};

static int64_t newest(struct site *site)
{
	struct query q = query_begin(site, "SELECT coalesce(max(id), 0) FROM messages");
	int64_t id = query_row(&q) ? query_number_at(&q, 0) : 0;

	(void)query_end(&q, NULL);
	return id;
}

static int set_cursor(struct site *site, int64_t id)
{
	struct query q =
		query_begin(site, "INSERT INTO settings(key, value) VALUES('.actions', ?1)"
				  " ON CONFLICT(key) DO UPDATE SET value = excluded.value");
	auto_free char *text = xasprintf("%lld", (long long)id);

	query_text(&q, text);
	return query_run(&q, NULL);
}

static int64_t get_cursor(struct site *site)
{
	struct query q = query_begin(site, "SELECT value FROM settings WHERE key = '.actions'");
	int64_t id = query_row(&q) ? strtoll(query_text_at(&q, 0), NULL, 10) : -1;

	(void)query_end(&q, NULL);
	if (id >= 0)
		return id;
	id = newest(site);
	(void)set_cursor(site, id);
	return id;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static bool fits(const json_t *rule, const json_t *message)
{
	enum severity wanted = SEVERITY_INFO, is = SEVERITY_INFO;
	const json_t *id = json_object_get(rule, "message");

	/* A rule is for what comes after it was made. */
	if (json_integer_value(json_object_get(message, "id")) <=
	    json_integer_value(json_object_get(rule, "after")))
		return false;
	if (!severity_of(text_of(rule, "severity"), &wanted) ||
	    !severity_of(text_of(message, "severity"), &is) || is < wanted)
		return false;
	if (*text_of(rule, "component") &&
	    strcmp(text_of(rule, "component"), text_of(message, "component")) != 0)
		return false;
	if (json_is_integer(id) &&
	    json_integer_value(id) != json_integer_value(json_object_get(message, "message")))
		return false;
	return !*text_of(rule, "object") ||
	       name_match(text_of(rule, "object"), text_of(message, "object"));
}

static void report(struct site *site, const json_t *rule, const json_t *message, const char *why)
{
	auto_free char *id = xasprintf(
		"%lld", (long long)json_integer_value(json_object_get(message, "message")));
	struct message failed = { .id = MSG_ACTION_FAILED,
				  .strings = { text_of(rule, "name"), id, why } };

	if (message_write(site, &failed, NULL))
		log_error("site action failed rule=%s why=%s", LOG_TEXT(failed.strings[0]),
			  LOG_TEXT(why));
}

static void handle(struct site *site, const json_t *rules, const json_t *message)
{
	json_t *rule;
	size_t i;

	if (json_integer_value(json_object_get(message, "message")) == MSG_ACTION_FAILED)
		return;
	json_array_foreach((json_t *)(uintptr_t)rules, i, rule)
	{
		auto_free char *why = NULL;

		if (fits(rule, message) &&
		    !action_run(text_of(rule, "action"), text_of(rule, "target"), message, &why))
			report(site, rule, message, why ? why : "unknown");
	}
}

static bool is_stopping(struct actions *a)
{
	bool stopping;

	pthread_mutex_lock(&a->lock);
	stopping = a->stopping;
	pthread_mutex_unlock(&a->lock);
	return stopping;
}

/* The messages since the last time; false where there were none. */
static bool catch_up(struct actions *a, int64_t *cursor)
{
	struct message_filter filter = { .after = *cursor, .limit = BATCH, .oldest = true };
	json_t *rules, *messages, *message;
	int64_t end = newest(a->site);
	bool more = end > *cursor;
	size_t i;

	if (!more)
		return false;
	rules = rule_list(a->site, NULL);
	messages = json_array_size(rules) ? message_list(a->site, &filter, NULL) : NULL;
	json_array_foreach(messages, i, message)
	{
		if (is_stopping(a))
			break;
		handle(a->site, rules, message);
		*cursor = json_integer_value(json_object_get(message, "id"));
		(void)set_cursor(a->site, *cursor);
	}
	if (!json_array_size(rules)) {
		*cursor = end;
		(void)set_cursor(a->site, end);
	}
	json_decref(messages);
	json_decref(rules);
	return !is_stopping(a);
}

static void pause_for(struct actions *a)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += LOOK_EVERY_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&a->lock);
	if (!a->stopping)
		pthread_cond_timedwait(&a->wake, &a->lock, &until);
	pthread_mutex_unlock(&a->lock);
}

static void *work(void *arg)
{
	struct actions *a = arg;
	int64_t cursor = get_cursor(a->site), version = -1, now;

	while (!is_stopping(a)) {
		now = site_version(a->site);
		if (now == version || !catch_up(a, &cursor))
			pause_for(a);
		version = now;
	}
	return NULL;
}

struct actions *actions_start(const char *site_directory, char **why)
{
	struct actions *a = xalloc(1, sizeof(*a));

	if (site_open(site_directory, &a->site, why)) {
		free(a);
		return NULL;
	}
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->wake, NULL);
	if (thread_start(&a->thread, "actions", work, a)) {
		*why = xasprintf("cannot start a thread for the rules");
		site_close(a->site);
		free(a);
		return NULL;
	}
	return a;
}

void actions_stop(struct actions *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->stopping = true;
	pthread_cond_signal(&a->wake);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	pthread_cond_destroy(&a->wake);
	pthread_mutex_destroy(&a->lock);
	site_close(a->site);
	free(a);
}
