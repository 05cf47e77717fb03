// SPDX-License-Identifier: Apache-2.0
/* Papers: written, signed, and dropped where clients may only create. */
#include "agent.h"

#include <base/log.h>
#include <crypto/crypto.h>
#include <stdio.h>
#include <unistd.h>

/* A new file in one step of its own: nothing that was there is touched, and no right to rename or
 * read is needed. Who reads it finds a half-written one out by its signature. */
static ntstatus create_file(struct place *place, const char *name, const struct buf *bytes)
{
	struct place_request request = {
		.verb = PLACE_PUT,
		.name = name,
		.data = bytes->data,
		.length = bytes->len,
		.is_new = true,
	};

	place_begin(place, &request);
	place_drain(place);
	return request.status;
}

static bool drop_once(struct agent *a, const struct policy_point *point, const char *name,
		      const struct buf *bytes, struct content_failure *why)
{
	bool is_open = a->place && !strcmp(a->place_title, point->title);
	struct place *place = is_open ? a->place : places_open(a, point, why);
	ntstatus status;

	if (!place)
		return false;
	place_set_deadline(place, PLACES_POINT_MS);
	status = create_file(place, name, bytes);
	if (!is_open)
		places_close(a, place);
	return !status || content_fail_status(why, status, true, name, "drop a paper");
}

/* The connection of this cycle may be an old one: while a program was fetched and ran, the file
 * server may have moved. */
static bool drop_at(struct agent *a, const struct policy_point *point, const char *name,
		    const struct buf *bytes, struct content_failure *why)
{
	if (drop_once(a, point, name, bytes, why))
		return true;
	if (!a->place || strcmp(a->place_title, point->title) != 0)
		return false;
	places_close(a, a->place);
	a->place = NULL;
	return drop_once(a, point, name, bytes, why);
}

/* At the first point that takes it. */
static bool drop(struct agent *a, const char *type, int64_t number, const struct buf *bytes,
		 struct content_failure *why)
{
	char file[PAPER_NAME_MAX];
	size_t count;
	auto_free const struct policy_point **points = places_choose(a, &count);
	auto_free char *name = NULL, *text = NULL;
	const char *passed_over = NULL;

	content_fail(why, CONTENT_UNREACHABLE, STATUS_NETWORK_UNREACHABLE, DROP,
		     "no distribution point takes papers");
	paper_name(file, type, a->key.id, number);
	name = xasprintf("%s/%s", DROP, file);
	for (size_t i = 0; i < count; i++) {
		if (!points[i]->takes_reports)
			passed_over = points[i]->title;
		else if (drop_at(a, points[i], name, bytes, why))
			return true;
	}
	/* The reason of a share that is not reached would hide that a web server was not asked. */
	if (passed_over) {
		text = xstrdup(why->text);
		content_fail(why, why->problem, why->status, DROP,
			     "%s; %s takes no papers (reports = yes, or the site's --web-drop)",
			     text, passed_over);
	}
	return false;
}

static char *read_token(const struct agent *a)
{
	auto_buf struct buf bytes = { 0 };

	if (!a->config->token_file || !file_read(a->config->token_file, 4096, &bytes, NULL))
		return NULL;
	buf_u8(&bytes, 0);
	bytes.data[strcspn((char *)bytes.data, "\r\n")] = 0;
	return xstrdup((char *)bytes.data);
}

static char *own_name(const struct agent *a)
{
	const char *host = json_string_value(json_object_get(a->facts, "host"));

	return xstrdup(a->config->name ? a->config->name : host ? host : "unnamed");
}

bool post_enrolment(struct agent *a, struct content_failure *why)
{
	auto_free char *token = read_token(a), *name = own_name(a);
	auto_buf struct buf bytes = { .limit = PAPER_BYTES_MAX };
	int64_t now = agent_now(a);
	bool good = enrolment_write(&a->key, name, a->facts, token, now, &bytes, why) &&
		    drop(a, "enrolment", now, &bytes, why);

	if (token)
		secret_wipe(token, strlen(token));
	if (good) {
		a->memory.enrolled_s = now;
		log_info("enrolment dropped client=%s token=%s", a->key.id, token ? "yes" : "no");
	}
	return good;
}

static json_t *items_to_json(const struct memory *m)
{
	json_t *list = json_array();

	for (size_t i = 0; i < m->item_count && json_array_size(list) < PAPER_DEPLOYMENTS_MAX;
	     i++) {
		const struct item *item = &m->items[i];

		if (!item->is_wanted && item->history.state != DELIVERY_CANCELLED)
			continue;
		json_array_append_new(
			list, json_pack("{s:s, s:I, s:I, s:s, s:I, s:s, s:I, s:I, s:s}", "id",
					item->id, "version", (json_int_t)item->history.version,
					"revision", (json_int_t)item->history.revision, "state",
					delivery_name(item->history.state), "message",
					(json_int_t)item->message, "reason", item->reason, "exit",
					(json_int_t)item->exit_code, "since_s",
					(json_int_t)item->since_s, "output", item->output));
	}
	return list;
}

bool post_report(struct agent *a, struct content_failure *why)
{
	struct memory *m = &a->memory;
	const struct content_key *keys[] = { &a->key };
	auto_buf struct buf bytes = { .limit = PAPER_BYTES_MAX };
	json_t *body auto_json = NULL, *pulls auto_json = pull_reports(a);
	int64_t now = agent_now(a);

	/* The number is used up before it is sent: no two reports ever have the same. */
	m->report_number++;
	if (!memory_save(m, why))
		return false;
	body = json_pack("{s:s, s:s, s:I, s:I, s:O, s:o, s:O}", "_type", "report", "client",
			 a->key.id, "number", (json_int_t)m->report_number, "time_s",
			 (json_int_t)now, "facts", a->facts, "deployments", items_to_json(m),
			 "events", m->events);
	if (body && json_array_size(pulls))
		json_object_set(body, "pulls", pulls);
	if (!body || !document_sign(body, keys, 1, &bytes, why) ||
	    !drop(a, "report", m->report_number, &bytes, why))
		return false;
	m->has_news = false;
	m->reported_s = now;
	log_info("report dropped number=%lld bytes=%zu", (long long)m->report_number, bytes.len);
	return memory_save(m, why);
}
