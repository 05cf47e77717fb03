// SPDX-License-Identifier: Apache-2.0
/*
 * What was published, brought to a distribution point: files first, documents after, the timestamp
 * last. What that is, is taken into memory once the point is locked and before anything is sent to
 * it: so the library is free while a point is slow, and no point is given what is older than what
 * it has.
 */
#include "publish_impl.h"

#include <errno.h>
#include <policy/paper.h>
#include <policy/policy.h>
#include <content/transfer.h>
#include <site/db.h>
#include <site/deploy.h>
#include <site/message.h>
#include <site/watch.h>

#define DAY_S 86400

struct there {
	json_t *names;
};

static bool add_there(void *owner, const char *name, uint64_t size, bool is_directory)
{
	if (!is_directory)
		json_object_set_new(((struct there *)owner)->names, name, json_true());
	return true;
}

/* Nodes that the last generations use, and that the point does not have. The last ones before
 * @generation, which the documents are of that are sent: the library is not locked, and the policy
 * may have been built anew since they were taken from it. */
static bool send_nodes(struct site *site, struct site_library *library, int64_t generation,
		       struct place *to, struct content_failure *why)
{
	json_t *names auto_json = json_object();
	struct there there = { names };
	struct query q = query_begin(site, "SELECT hash, generation <= ?2 - ?1 FROM policy_nodes");
	bool good = true;

	query_number(&q, GENERATIONS_KEPT);
	query_number(&q, generation);
	(void)!place_list(to, "targets", add_there, &there);
	while (good && query_row(&q)) {
		uint8_t hash[SHA256_LENGTH];
		auto_buf struct buf bytes = { 0 };
		char hex[SHA256_HEX_SIZE];
		bool is_there;

		(void)query_blob_at(&q, 0, hash, SHA256_LENGTH);
		content_hex(hex, hash, SHA256_LENGTH);
		is_there = json_object_get(names, hex) != NULL;
		if (query_number_at(&q, 1))
			good = !is_there || content_withdraw(to, hash, why);
		else if (!is_there)
			good = layout_read_target(library->place, hash, POLICY_BYTES_MAX, &bytes,
						  why) &&
			       layout_write_target(to, hash, bytes.data, bytes.len, why);
	}
	return !query_end(&q, NULL) && good;
}

void point_note(struct site *site, const char *path, int64_t generation, const char *reason)
{
	struct query q = query_begin(
		site,
		"UPDATE points SET reason = ?2, published = CASE WHEN ?2 IS NULL THEN ?3 ELSE"
		" published END, generation = CASE WHEN ?2 IS NULL THEN ?4 ELSE generation END"
		" WHERE path = ?1");

	query_text(&q, path);
	query_text(&q, reason);
	query_number(&q, now_s());
	query_number(&q, generation);
	(void)query_run(&q, NULL);
}

void points_note(struct site *site, const char *reason)
{
	struct query q = query_begin(site, "UPDATE points SET reason = ?1 WHERE NOT maintenance");

	query_text(&q, reason);
	(void)query_run(&q, NULL);
}

bool policy_is_awaited(struct site *site, int64_t since_s)
{
	struct query q = query_begin(
		site, "SELECT 1 FROM points p JOIN objects o ON o.path = p.path JOIN object_state s"
		      " ON s.object = o.id WHERE p.reason IS NOT NULL AND NOT p.maintenance AND"
		      " s.reach = ?1 AND s.changed >= ?2 LIMIT 1");
	bool awaited;

	query_number(&q, REACH_OK);
	query_number(&q, since_s);
	awaited = query_row(&q);
	return !query_end(&q, NULL) && awaited;
}

/* Papers are for the site alone. Where that cannot be had it is said, once a day: they are signed,
 * so that whoever reads or removes them forges none. */
static void close_drop(struct site *site, struct place *to)
{
	ntstatus status = place_set_access(to, DROP, PLACE_DROP);
	const struct message message = { .id = MSG_DROP_OPEN,
					 .object = place_title(to),
					 .strings = { place_title(to), ntstatus_text(status) } };

	if (status && !message_said_lately(site, &message, DAY_S))
		(void)!message_write(site, &message, NULL);
}

/* What is published now: the documents, and the policy's number. */
static int take_issue(struct site *site, struct publication **documents, int64_t *generation,
		      char **why)
{
	struct site_library library auto_library = { 0 };
	struct content_failure failure = { 0 };
	int error = library_open(site, &library, why);
	struct query q;

	if (error)
		return error;
	*documents = repository_publication(library.repository, &failure);
	if (!*documents)
		return library_fail(why, &failure);
	q = query_begin(site, "SELECT generation FROM policy_state");
	*generation = query_row(&q) ? query_number_at(&q, 0) : 0;
	return query_end(&q, why);
}

static bool bring(struct site *site, struct site_library *library,
		  const struct publication *documents, int64_t generation, struct place *to,
		  struct content_failure *why)
{
	ntstatus status = place_make_directory(to, DROP);

	if (status)
		return content_fail_status(why, status, true, DROP, "make the drop of papers");
	close_drop(site, to);
	return send_nodes(site, library, generation, to, why) &&
	       publication_bring(documents, library->place, to, why);
}

int place_bring(struct site *site, struct place *to, int64_t *generation, char **why)
{
	struct site_library library auto_library = { 0 };
	struct publication *documents auto_publication = NULL;
	struct content_failure failure = { 0 };
	int64_t number = 0;
	int error = take_issue(site, &documents, &number, why);

	if (!error)
		error = library_read(site, &library, why);
	if (!error)
		place_set_deadline(to, POINT_MS);
	if (!error && !bring(site, &library, documents, number, to, &failure))
		error = library_fail(why, &failure);
	if (generation)
		*generation = number;
	return error;
}

int point_publish(struct site *site, const struct point *point, struct place *to, char **why)
{
	int64_t generation = 0;
	int error = place_bring(site, to, &generation, why);

	if (!error)
		point_note(site, point->path, generation, NULL);
	return error;
}
