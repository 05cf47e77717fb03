// SPDX-License-Identifier: Apache-2.0
/*
 * Papers of clients: taken from the drops of the distribution points, checked, and put into the
 * database. Anyone who may create files there can write anything, so: a bounded number of files is
 * looked at in a round, each of a bounded size; what no known key has signed changes nothing; a
 * report counts only with a number that is higher than the last of its client, so that none can be
 * played again.
 */
#include "deploy_impl.h"

#include <base/log.h>
#include <crypto/crypto.h>
#include <errno.h>
#include <policy/delivery.h>
#include <policy/paper.h>

#define PAPERS_A_ROUND 20000  /* files of one point that are looked at in one round */
#define PENDING_MAX    100000 /* clients that wait for approval: whoever may drop can make keys */
#define EVENTS_KEPT    256    /* of a client */
#define UNFINISHED_S   600    /* a file that is no paper is being written for so long at most */

/* The secret of a token that is still good; it is used up by the same transaction. */
static bool use_token(struct site *site, const struct enrolment *e)
{
	struct query q =
		query_begin(site, "UPDATE tokens SET used_by = ?2 WHERE id = ?1"
				  " AND used_by IS NULL AND expires > ?3 RETURNING secret");
	char proof[SHA256_HEX_SIZE];
	bool good = false;

	query_text(&q, e->token_id);
	query_text(&q, e->key.id);
	query_number(&q, now_s());
	if (query_row(&q) && token_proof(query_text_at(&q, 0), e->key.id, proof))
		good = strlen(e->proof) == strlen(proof) &&
		       secret_equal(e->proof, proof, strlen(proof));
	(void)query_end(&q, NULL);
	if (good)
		return true;
	/* A wrong proof uses nothing up. */
	q = query_begin(site, "UPDATE tokens SET used_by = NULL WHERE id = ?1 AND used_by = ?2");
	query_text(&q, e->token_id);
	query_text(&q, e->key.id);
	(void)query_run(&q, NULL);
	return false;
}

static bool may_wait(struct site *site)
{
	struct query q = query_begin(site, "SELECT count(*) FROM clients WHERE state = 'pending'");
	bool good = query_row(&q) && query_number_at(&q, 0) < PENDING_MAX;

	return !query_end(&q, NULL) && good;
}

static int store_enrolment(struct site *site, const struct enrolment *e, char **why)
{
	auto_free char *facts = json_dumps(e->facts, JSON_COMPACT);
	bool approved = e->token_id && e->proof && use_token(site, e);
	struct query q;

	if (!approved && !may_wait(site))
		return site_fail(why, -ENOSPC, "too many clients wait for approval");
	/* Who is known stays what it is: an old enrolment played again changes no state. */
	q = query_begin(site,
			"INSERT INTO clients(id, name, key, state, facts, enrolled, approved,"
			" seen, report_number, event_number)"
			" VALUES(?1, ?2, ?3, CASE WHEN ?4 THEN 'approved' ELSE 'pending' END,"
			" ?5, ?6, CASE WHEN ?4 THEN ?6 END, ?6, 0, 0) ON CONFLICT(id) DO UPDATE"
			" SET state = CASE WHEN ?4 THEN 'approved' ELSE state END");
	query_text(&q, e->key.id);
	query_text(&q, e->name);
	query_blob(&q, e->key.public_key, sizeof(e->key.public_key));
	query_number(&q, approved);
	query_text(&q, facts);
	query_number(&q, now_s());
	log_info("client enrolled id=%s name=%s state=%s", e->key.id, LOG_TEXT(e->name),
		 approved ? "approved" : "pending");
	return query_run(&q, why);
}

struct known {
	struct content_key key;
	int64_t report_number, event_number;
	bool approved;
};

static bool find_known(struct site *site, const char *id, struct known *out)
{
	struct query q = query_begin(site, "SELECT key, report_number, event_number, state"
					   " FROM clients WHERE id = ?1");
	uint8_t key[ED25519_KEY_LENGTH];
	bool found;

	query_text(&q, id);
	found = query_row(&q) && query_blob_at(&q, 0, key, sizeof(key)) == sizeof(key) &&
		content_key_public(&out->key, key, NULL);
	if (found) {
		out->report_number = query_number_at(&q, 1);
		out->event_number = query_number_at(&q, 2);
		out->approved = !strcmp(query_text_at(&q, 3), "approved");
	}
	return !query_end(&q, NULL) && found;
}

static int64_t int_of(const json_t *from, const char *name)
{
	return json_integer_value(json_object_get(from, name));
}

static const char *text_of(const json_t *from, const char *name)
{
	return json_string_value(json_object_get(from, name));
}

static int store_deployment(struct site *site, const char *client, const json_t *d, char **why)
{
	struct query q = query_begin(
		site, "INSERT INTO client_deployments(client, deployment, version, revision, state,"
		      " message, reason, exit, since, output)"
		      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");

	query_text(&q, client);
	query_text(&q, text_of(d, "id"));
	query_number(&q, int_of(d, "version"));
	query_number(&q, int_of(d, "revision"));
	query_text(&q, text_of(d, "state"));
	query_number(&q, int_of(d, "message"));
	query_text(&q, text_of(d, "reason"));
	query_number(&q, int_of(d, "exit"));
	query_number(&q, int_of(d, "since_s"));
	query_text(&q, text_of(d, "output"));
	return query_run(&q, why);
}

static int store_event(struct site *site, const char *client, const json_t *e, char **why)
{
	struct query q =
		query_begin(site, "INSERT OR IGNORE INTO client_events(client, number, time,"
				  " deployment, message, text)"
				  " VALUES(?1, ?2, ?3, ?4, ?5, ?6)");

	query_text(&q, client);
	query_number(&q, int_of(e, "number"));
	query_number(&q, int_of(e, "time_s"));
	query_text(&q, text_of(e, "deployment"));
	query_number(&q, int_of(e, "message"));
	query_text(&q, text_of(e, "text"));
	return query_run(&q, why);
}

static int run_for(struct site *site, const char *sql, const char *client, int64_t number,
		   char **why)
{
	struct query q = query_begin(site, sql);

	query_text(&q, client);
	if (strstr(sql, "?2"))
		query_number(&q, number);
	return query_run(&q, why);
}

/* All that a client says of itself replaces what it said before. */
static int store_report(struct site *site, const char *client, const json_t *body, int64_t number,
			char **why)
{
	auto_free char *facts = json_dumps(json_object_get(body, "facts"), JSON_COMPACT);
	const json_t *deployments = json_object_get(body, "deployments"),
		     *events = json_object_get(body, "events");
	int error =
		run_for(site, "DELETE FROM client_deployments WHERE client = ?1", client, 0, why);
	struct query q;

	for (size_t i = 0; !error && i < json_array_size(deployments); i++)
		error = store_deployment(site, client, json_array_get(deployments, i), why);
	for (size_t i = 0; !error && i < json_array_size(events); i++)
		error = store_event(site, client, json_array_get(events, i), why);
	if (!error)
		error = run_for(site,
				"DELETE FROM client_events WHERE client = ?1 AND number <="
				" (SELECT max(number) FROM client_events WHERE client = ?1) - ?2",
				client, EVENTS_KEPT, why);
	if (error)
		return error;
	q = query_begin(site, "UPDATE clients SET report_number = ?2, facts = ?3, seen = ?4"
			      " WHERE id = ?1");
	query_text(&q, client);
	query_number(&q, number);
	query_text(&q, facts);
	query_number(&q, now_s());
	return query_run(&q, why);
}

static int in_transaction(struct site *site, int (*store)(struct site *, const void *, char **),
			  const void *what, char **why)
{
	int error = site_begin(site, why);

	if (error)
		return error;
	error = store(site, what, why);
	if (!error)
		return site_commit(site, why);
	site_rollback(site);
	return error;
}

static int enrolment_step(struct site *site, const void *what, char **why)
{
	return store_enrolment(site, what, why);
}

struct report_step {
	const char *client;
	const json_t *body;
	int64_t number;
};

static int report_step(struct site *site, const void *what, char **why)
{
	const struct report_step *r = what;

	return store_report(site, r->client, r->body, r->number, why);
}

static int refuse(struct ingest_counts *counts, const char *what, const struct content_failure *why)
{
	counts->refused++;
	log_warn("paper refused what=%s problem=%s why=%s", what,
		 content_problem_name(why->problem), LOG_TEXT(why->text));
	return -EBADMSG;
}

static int take_enrolment(struct site *site, const struct document *document,
			  struct ingest_counts *counts, char **why)
{
	struct content_failure failure = { 0 };
	struct enrolment e;

	if (!enrolment_read(document, &e, &failure))
		return refuse(counts, "enrolment", &failure);
	counts->enrolments++;
	return in_transaction(site, enrolment_step, &e, why);
}

static int take_report(struct site *site, const struct document *document,
		       struct ingest_counts *counts, char **why)
{
	struct content_failure failure = { 0 };
	struct report_step step = { .client = report_client(document), .body = document->body };
	struct known known;

	content_fail(&failure, CONTENT_FORGED, STATUS_ACCESS_DENIED, NULL,
		     "nobody knows the client, or it is not approved");
	if (!step.client || !find_known(site, step.client, &known) || !known.approved ||
	    !report_read(document, &known.key, &step.number, &failure))
		return refuse(counts, "report", &failure);
	if (step.number <= known.report_number) {
		counts->stale++;
		return 0;
	}
	counts->reports++;
	return in_transaction(site, report_step, &step, why);
}

int paper_take(struct site *site, const void *bytes, size_t length, struct ingest_counts *counts,
	       char **why)
{
	struct document document auto_document = { 0 };
	struct content_failure failure = { 0 };
	const char *type;

	if (!document_parse(&document, bytes, length, &failure))
		return refuse(counts, "file", &failure);
	type = paper_type(&document);
	content_fail(&failure, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, NULL,
		     "this is no paper of a client");
	if (!type)
		return refuse(counts, "file", &failure);
	return !strcmp(type, "report") ? take_report(site, &document, counts, why)
				       : take_enrolment(site, &document, counts, why);
}

struct names {
	char (*list)[PAPER_NAME_MAX];
	size_t count;
};

static bool add_name(void *owner, const char *name, uint64_t size, bool is_directory)
{
	struct names *n = owner;

	if (!is_directory && paper_name_is_one(name) && n->count < PAPERS_A_ROUND)
		snprintf(n->list[n->count++], PAPER_NAME_MAX, "%s", name);
	return n->count < PAPERS_A_ROUND;
}

/* How long a file that is no paper has been there, as this site saw it. */
static bool is_given_up(struct site *site, const char *point, const char *name)
{
	struct query q =
		query_begin(site, "INSERT INTO odd_papers(point, name, first) VALUES(?1, ?2,"
				  " ?3) ON CONFLICT(point, name) DO UPDATE SET first = first"
				  " RETURNING first");
	bool over;

	query_text(&q, point);
	query_text(&q, name);
	query_number(&q, now_s());
	over = query_row(&q) && query_number_at(&q, 0) + UNFINISHED_S < now_s();
	(void)query_end(&q, NULL);
	if (!over)
		return false;
	q = query_begin(site, "DELETE FROM odd_papers WHERE point = ?1 AND name = ?2");
	query_text(&q, point);
	query_text(&q, name);
	(void)query_run(&q, NULL);
	return true;
}

/* One file; it goes when it is in the database, or when it is none that will ever count. */
static int take_file(struct site *site, struct place *place, const char *point, const char *file,
		     struct ingest_counts *counts, char **why)
{
	auto_free char *name = xasprintf("%s/%s", DROP, file);
	auto_buf struct buf bytes = { 0 };
	ntstatus status = place_read(place, name, PAPER_BYTES_MAX, &bytes);
	int error = -EBADMSG;

	if (status == STATUS_SHARING_VIOLATION || status == STATUS_OBJECT_NAME_NOT_FOUND)
		return 0;
	if (status && status != STATUS_FILE_TOO_LARGE)
		return site_fail(why, -EIO, "%s cannot be read: %s", name, ntstatus_text(status));
	if (!status)
		error = paper_take(site, bytes.data, bytes.len, counts, why);
	if (error && error != -EBADMSG && error != -ENOSPC)
		return error;
	if (error == -EBADMSG && status != STATUS_FILE_TOO_LARGE &&
	    !is_given_up(site, point, file)) {
		counts->unfinished++;
		return 0;
	}
	(void)!place_remove(place, name);
	return 0;
}

static int ingest_from(struct site *site, const struct point *point, struct ingest_counts *counts,
		       char **why)
{
	struct names names = { 0 };
	struct place *place = NULL;
	int error = point_open(site, point, &place, why);

	if (error)
		return error;
	names.list = xalloc(PAPERS_A_ROUND, PAPER_NAME_MAX);
	/* A point that nobody has published to has no drop. */
	(void)!place_list(place, DROP, add_name, &names);
	for (size_t i = 0; i < names.count && !error; i++)
		error = take_file(site, place, point->path, names.list[i], counts, why);
	free(names.list);
	place_drain(place);
	place_close(place);
	return error;
}

int papers_ingest(struct site *site, struct ingest_counts *counts, char **why)
{
	struct point *points;
	size_t count;
	int error = point_load(site, &points, &count, why), first = 0;

	if (error)
		return error;
	/* A point that is down keeps its papers, and is no reason not to ask the others. */
	for (size_t i = 0; i < count; i++) {
		auto_free char *this_why = NULL;

		error = ingest_from(site, &points[i], counts, &this_why);
		if (error && !first)
			first = site_fail(why, error, "%s: %s", points[i].path,
					  this_why ? this_why : "it cannot be read");
		point_free(&points[i]);
	}
	free(points);
	return first;
}
