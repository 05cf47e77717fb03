// SPDX-License-Identifier: Apache-2.0
/* What the agent remembers: state.json. */
#include "agent.h"

#include <base/log.h>
#include <policy/pull.h>
#include <stdio.h>
#include <time.h>

#define STATE_BYTES_MAX (16u << 20)
#define FORMAT		1

void memory_free(struct memory *m)
{
	for (size_t i = 0; i < m->item_count; i++) {
		free(m->items[i].reason);
		free(m->items[i].output);
	}
	free(m->items);
	free(m->directory);
	json_decref(m->events);
	json_decref(m->answers);
	json_decref(m->pulls);
	*m = (struct memory){ 0 };
}

struct item *memory_item(struct memory *m, const char *id, bool make)
{
	struct item *item;

	for (size_t i = 0; i < m->item_count; i++) {
		if (!strcmp(m->items[i].id, id))
			return &m->items[i];
	}
	if (!make)
		return NULL;
	if (m->item_count == m->item_room) {
		m->item_room = m->item_room ? m->item_room * 2 : 16;
		item = xalloc(m->item_room, sizeof(*item));
		if (m->item_count)
			memcpy(item, m->items, m->item_count * sizeof(*item));
		free(m->items);
		m->items = item;
	}
	item = &m->items[m->item_count++];
	*item = (struct item){ .reason = xstrdup(""), .output = xstrdup("") };
	snprintf(item->id, sizeof(item->id), "%s", id);
	return item;
}

void memory_forget(struct memory *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->item_count; i++) {
		struct item *item = &m->items[i];

		/* The site has to hear of it once more, so it goes in the round after. */
		if (item->is_wanted || item->history.state != DELIVERY_CANCELLED || m->has_news) {
			m->items[kept++] = *item;
			continue;
		}
		free(item->reason);
		free(item->output);
	}
	m->item_count = kept;
}

void memory_event(struct memory *m, const char *deployment, int64_t message, const char *text,
		  int64_t now_s)
{
	json_array_append_new(m->events, json_pack("{s:I, s:I, s:s, s:I, s:s}", "number",
						   (json_int_t)++m->event_number, "time_s",
						   (json_int_t)now_s, "deployment", deployment,
						   "message", (json_int_t)message, "text", text));
	while (json_array_size(m->events) > PAPER_EVENTS_MAX)
		json_array_remove(m->events, 0);
	m->has_news = true;
	log_info("deployment id=%s message=%lld text=%s", deployment, (long long)message,
		 LOG_TEXT(text));
}

void memory_move(struct memory *m, struct item *item, enum delivery state, int64_t message,
		 const char *reason, int64_t now_s)
{
	BUG_ON(!delivery_may(item->history.state, state));
	if (item->history.state == state && item->message == message &&
	    !strcmp(item->reason, reason))
		return;
	item->history.state = state;
	item->message = message;
	item->since_s = now_s;
	free(item->reason);
	item->reason = xstrdup(reason);
	memory_event(m, item->id, message, reason, now_s);
}

static json_t *item_to_json(const struct item *i)
{
	char hash[SHA256_HEX_SIZE];

	content_hex(hash, i->manifest, SHA256_LENGTH);
	return json_pack(
		"{s:s, s:i, s:I, s:I, s:i, s:b, s:i, s:I, s:b, s:I, s:I, s:I, s:s, s:s, s:s}", "id",
		i->id, "state", (int)i->history.state, "version", (json_int_t)i->history.version,
		"revision", (json_int_t)i->history.revision, "outcome", (int)i->history.outcome,
		"finished", i->history.finished, "attempts", (int)i->history.attempts, "retry_at_s",
		(json_int_t)i->history.retry_at_s, "requested", i->history.requested, "message",
		(json_int_t)i->message, "exit", (json_int_t)i->exit_code, "since_s",
		(json_int_t)i->since_s, "reason", i->reason, "output", i->output, "manifest", hash);
}

bool memory_save(struct memory *m, struct content_failure *why)
{
	auto_free char *path = xasprintf("%s/state.json", m->directory);
	auto_free char *text = NULL;
	json_t *items = json_array();
	json_t *all auto_json = NULL;

	for (size_t i = 0; i < m->item_count; i++)
		json_array_append_new(items, item_to_json(&m->items[i]));
	all = json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:b, s:s, s:s, s:O, s:O, s:O, s:o}",
			"format", FORMAT, "report_number", (json_int_t)m->report_number,
			"event_number", (json_int_t)m->event_number, "reported_s",
			(json_int_t)m->reported_s, "enrolled_s", (json_int_t)m->enrolled_s,
			"seen_s", (json_int_t)m->seen_s, "has_news", m->has_news, "running",
			m->running, "boot", m->boot, "events", m->events, "answers", m->answers,
			"pulls", m->pulls, "items", items);
	text = all ? json_dumps(all, JSON_COMPACT) : NULL;
	if (!text)
		return content_fail(why, CONTENT_INTERNAL, STATUS_NO_MEMORY, path,
				    "the state cannot be put into words");
	return file_replace(path, text, strlen(text), why);
}

static int64_t number(const json_t *from, const char *name)
{
	return json_integer_value(json_object_get(from, name));
}

static const char *text_of(const json_t *from, const char *name)
{
	const char *text = json_string_value(json_object_get(from, name));

	return text ? text : "";
}

static void take_item(struct memory *m, const json_t *from)
{
	struct item *i;
	int64_t state = number(from, "state");

	if (!deployment_id_is_safe(text_of(from, "id")) || state < 0 || state >= DELIVERY_COUNT)
		return;
	i = memory_item(m, text_of(from, "id"), true);
	i->history = (struct history){
		.state = (enum delivery)state,
		.version = number(from, "version"),
		.revision = number(from, "revision"),
		.outcome = (enum outcome)number(from, "outcome"),
		.finished = json_is_true(json_object_get(from, "finished")),
		.attempts = (uint32_t)number(from, "attempts"),
		.retry_at_s = number(from, "retry_at_s"),
		.requested = json_is_true(json_object_get(from, "requested")),
	};
	i->message = number(from, "message");
	i->exit_code = number(from, "exit");
	i->since_s = number(from, "since_s");
	free(i->reason);
	free(i->output);
	i->reason = xstrdup(text_of(from, "reason"));
	i->output = xstrdup(text_of(from, "output"));
	if (!content_unhex(i->manifest, SHA256_LENGTH, text_of(from, "manifest")))
		memset(i->manifest, 0, SHA256_LENGTH);
}

static void take_all(struct memory *m, const json_t *from)
{
	json_t *events = json_object_get(from, "events"),
	       *answers = json_object_get(from, "answers"), *items = json_object_get(from, "items"),
	       *pulls = json_object_get(from, "pulls"), *pull;
	size_t at;

	m->report_number = number(from, "report_number");
	m->event_number = number(from, "event_number");
	m->reported_s = number(from, "reported_s");
	m->enrolled_s = number(from, "enrolled_s");
	m->seen_s = number(from, "seen_s");
	m->has_news = json_is_true(json_object_get(from, "has_news"));
	snprintf(m->running, sizeof(m->running), "%s", text_of(from, "running"));
	snprintf(m->boot, sizeof(m->boot), "%s", text_of(from, "boot"));
	m->events = json_is_array(events) ? json_incref(events) : json_array();
	m->answers = json_is_object(answers) ? json_incref(answers) : json_object();
	m->pulls = json_array();
	json_array_foreach(pulls, at, pull)
	{
		if (pull_report_check(pull))
			json_array_append(m->pulls, pull);
	}
	for (size_t i = 0; i < json_array_size(items); i++)
		take_item(m, json_array_get(items, i));
}

bool memory_load(struct memory *m, const char *directory, struct content_failure *why)
{
	auto_free char *path = xasprintf("%s/state.json", directory);
	auto_buf struct buf bytes = { 0 };
	json_t *all auto_json = NULL;
	bool damaged = false;

	*m = (struct memory){ .directory = xstrdup(directory) };
	if (file_read(path, STATE_BYTES_MAX, &bytes, why))
		all = document_parse_json(bytes.data, bytes.len, why);
	else if (why->problem != CONTENT_MISSING)
		return false;
	if (all && number(all, "format") != FORMAT)
		return content_fail(why, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, path,
				    "it was written by another version of the agent");
	if (!all && why->problem != CONTENT_MISSING) {
		/* It is replaced in one step, so only a disk or a person damages it. The number of
		 * the next report must be higher than all before: the clock is. */
		log_warn("state damaged path=%s; begins anew", LOG_TEXT(path));
		damaged = true;
	}
	take_all(m, all);
	if (damaged)
		m->report_number = m->event_number = (int64_t)time(NULL);
	return true;
}
