// SPDX-License-Identifier: Apache-2.0
/*
 * One paper of a client: checked, and put into the database. Anyone who may create files in a drop
 * can write anything, so: what no known key has signed changes nothing, and a report counts only
 * with a number that is higher than the last of its client, so that none can be played again. What
 * is wrong with a paper is told apart from what is wrong with the site: only the first may cost the
 * paper.
 */
#include "deploy_impl.h"

#include <base/log.h>
#include <crypto/crypto.h>
#include <errno.h>
#include <policy/paper.h>

#define PENDING_MAX 100000 /* clients that wait for approval: whoever may drop can make keys */
#define EVENTS_KEPT 256	   /* of a client */

/* Does the paper know the secret of a token that nobody has used and that is still good? */
static int knows_token(struct site *site, const struct enrolment *e, bool *knows, char **why)
{
	struct query q = query_begin(site, "SELECT secret FROM tokens WHERE id = ?1"
					   " AND used_by IS NULL AND expires > ?2");
	char proof[SHA256_HEX_SIZE];

	*knows = false;
	query_text(&q, e->token_id);
	query_number(&q, now_s());
	if (query_row(&q) && token_proof(query_text_at(&q, 0), e->key.id, proof))
		*knows = strlen(e->proof) == strlen(proof) &&
			 secret_equal(e->proof, proof, strlen(proof));
	return query_end(&q, why);
}

/* Once used it stays used, by the transaction that approves its client and by nothing else. */
static int use_token(struct site *site, const struct enrolment *e, bool *approved, char **why)
{
	struct query q;
	int error;

	*approved = false;
	if (!e->token_id || !e->proof)
		return 0;
	error = knows_token(site, e, approved, why);
	if (error || !*approved)
		return error;
	q = query_begin(site, "UPDATE tokens SET used_by = ?2 WHERE id = ?1 AND used_by IS NULL");
	query_text(&q, e->token_id);
	query_text(&q, e->key.id);
	error = query_run(&q, why);
	*approved = !error && query_changed(site) == 1;
	return error;
}

/* -EDQUOT: whoever waits already is enough. One that is known waits for nothing more. */
static int may_wait(struct site *site, const char *client, char **why)
{
	struct query q =
		query_begin(site, "SELECT count(*), (SELECT count(*) FROM clients WHERE id = ?1)"
				  " FROM clients WHERE state = 'pending'");
	bool good;
	int error;

	query_text(&q, client);
	good = query_row(&q) && (query_number_at(&q, 0) < PENDING_MAX || query_number_at(&q, 1));
	error = query_end(&q, why);
	if (error || good)
		return error;
	return site_fail(why, -EDQUOT, "too many clients wait for approval");
}

static int store_enrolment(struct site *site, const struct enrolment *e, char **why)
{
	auto_free char *facts = json_dumps(e->facts, JSON_COMPACT);
	bool approved;
	struct query q;
	int error = use_token(site, e, &approved, why);

	if (!error && !approved)
		error = may_wait(site, e->key.id, why);
	if (error)
		return error;
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
	error = query_run(&q, why);
	if (!error)
		log_info("client enrolled id=%s name=%s token=%s", e->key.id, LOG_TEXT(e->name),
			 approved ? "used" : "none");
	return error;
}

struct known {
	struct content_key key;
	int64_t report_number, event_number;
	bool approved;
};

/* The client @id; *found is false where there is none. */
static int find_known(struct site *site, const char *id, struct known *out, bool *found, char **why)
{
	struct query q = query_begin(site, "SELECT key, report_number, event_number, state"
					   " FROM clients WHERE id = ?1");
	uint8_t key[ED25519_KEY_LENGTH];

	query_text(&q, id);
	*found = query_row(&q) && query_blob_at(&q, 0, key, sizeof(key)) == sizeof(key) &&
		 content_key_public(&out->key, key, NULL);
	if (*found) {
		out->report_number = query_number_at(&q, 1);
		out->event_number = query_number_at(&q, 2);
		out->approved = !strcmp(query_text_at(&q, 3), "approved");
	}
	return query_end(&q, why);
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

/* What became of an order, where it is this client's and is still wished for; and it is looked at
 * again at once. */
static int store_pull(struct site *site, const char *client, const json_t *r, char **why)
{
	struct query q = query_begin(
		site, "INSERT OR REPLACE INTO pull_reports(package, point, client, manifest,"
		      " number, state, reason, sent, bad) SELECT d.package, d.point, ?3, ?4,"
		      " d.asked, ?6, ?7, ?8, ?9 FROM distributions d JOIN points ON path = d.point"
		      " WHERE d.package = ?1 AND d.point = ?2 AND mover = ?3 AND d.asked = ?5");
	int error;

	query_text(&q, text_of(r, "package"));
	query_text(&q, text_of(r, "to"));
	query_text(&q, client);
	query_text(&q, text_of(r, "manifest"));
	query_number(&q, int_of(r, "number"));
	query_text(&q, text_of(r, "state"));
	query_text(&q, text_of(r, "reason"));
	query_number(&q, int_of(r, "sent"));
	query_number(&q, int_of(r, "bad"));
	error = query_run(&q, why);
	if (error || !query_changed(site))
		return error;
	q = query_begin(site, "UPDATE distributions SET next = 0 WHERE package = ?1 AND point = ?2"
			      " AND state IN (1, 2)");
	query_text(&q, text_of(r, "package"));
	query_text(&q, text_of(r, "to"));
	return query_run(&q, why);
}

/* All that a client says of itself replaces what it said before. */
static int store_report(struct site *site, const char *client, const json_t *body, int64_t number,
			char **why)
{
	auto_free char *facts = json_dumps(json_object_get(body, "facts"), JSON_COMPACT);
	const json_t *deployments = json_object_get(body, "deployments"),
		     *events = json_object_get(body, "events"),
		     *pulls = json_object_get(body, "pulls");
	int error =
		run_for(site, "DELETE FROM client_deployments WHERE client = ?1", client, 0, why);
	struct query q;

	for (size_t i = 0; !error && i < json_array_size(deployments); i++)
		error = store_deployment(site, client, json_array_get(deployments, i), why);
	for (size_t i = 0; !error && i < json_array_size(events); i++)
		error = store_event(site, client, json_array_get(events, i), why);
	for (size_t i = 0; !error && i < json_array_size(pulls); i++)
		error = store_pull(site, client, json_array_get(pulls, i), why);
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

/* That the database does not take what a paper says is the paper's fault; that it cannot take
 * anything now is not. */
static bool is_of_the_paper(int error)
{
	return error == -EINVAL || error == -EEXIST || error == -E2BIG || error == -EDQUOT;
}

/* All of it or nothing, and what other papers of the transaction said stays. Where the disk is full
 * SQLite has undone the whole transaction, and there is no step any more. */
static int in_step(struct site *site, int (*store)(struct site *, const void *, char **),
		   const void *what, char **why)
{
	int error = site_step_begin(site, why), undone;

	if (error)
		return error;
	error = store(site, what, why);
	if (!error)
		return site_step_keep(site, why);
	undone = site_step_undo(site, NULL);
	return undone && is_of_the_paper(error) ? undone : error;
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

static int refuse(struct ingest_counts *counts, const struct content_failure *failure, char **why)
{
	counts->refused++;
	return site_fail(why, -EBADMSG, "%s: %s", content_problem_name(failure->problem),
			 failure->text);
}

/* store - what @step does, or nothing. */
static int store(struct site *site, int (*step)(struct site *, const void *, char **),
		 const void *what, uint64_t *count, struct ingest_counts *counts, char **why)
{
	int error = in_step(site, step, what, why);

	if (!error)
		(*count)++;
	if (!is_of_the_paper(error))
		return error;
	counts->refused++;
	return -EBADMSG;
}

static int take_enrolment(struct site *site, const struct document *document,
			  struct ingest_counts *counts, char **why)
{
	struct content_failure failure = { 0 };
	struct enrolment e;

	if (!enrolment_read(document, &e, &failure))
		return refuse(counts, &failure, why);
	return store(site, enrolment_step, &e, &counts->enrolments, counts, why);
}

static int take_report(struct site *site, const struct document *document,
		       struct ingest_counts *counts, char **why)
{
	struct content_failure failure = { 0 };
	struct report_step step = { .client = report_client(document), .body = document->body };
	struct known known = { 0 };
	bool found = false;
	int error = step.client ? find_known(site, step.client, &known, &found, why) : 0;

	if (error)
		return error;
	content_fail(&failure, CONTENT_FORGED, STATUS_ACCESS_DENIED, NULL,
		     "nobody knows the client, or it is not approved");
	if (!found || !known.approved || !report_read(document, &known.key, &step.number, &failure))
		return refuse(counts, &failure, why);
	if (step.number <= known.report_number) {
		counts->stale++;
		return 0;
	}
	return store(site, report_step, &step, &counts->reports, counts, why);
}

int paper_take(struct site *site, const void *bytes, size_t length, struct ingest_counts *counts,
	       char **why)
{
	struct document document auto_document = { 0 };
	struct content_failure failure = { 0 };
	const char *type;

	if (!document_parse(&document, bytes, length, &failure))
		return site_fail(why, -EAGAIN, "it is no signed document: %s", failure.text);
	type = paper_type(&document);
	content_fail(&failure, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, NULL,
		     "this is no paper of a client");
	if (!type)
		return refuse(counts, &failure, why);
	return !strcmp(type, "report") ? take_report(site, &document, counts, why)
				       : take_enrolment(site, &document, counts, why);
}
