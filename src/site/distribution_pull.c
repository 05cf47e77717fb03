// SPDX-License-Identifier: Apache-2.0
/*
 * A package that a mover brings to a point. The order is published once a source has the package;
 * then its row is looked at, in the database alone, until the mover has reported. What it says it
 * has read back counts when a sample of it, read by the site, is right: over the thin line there
 * go a manifest, the sample and the signed documents, and not the package.
 */
#include "distribution_impl.h"
#include "publish_impl.h"

#include <crypto/crypto.h>
#include <errno.h>
#include <policy/pull.h>
#include <site/db.h>
#include <site/message.h>
#include <site/pull.h>
#include <stdio.h>

#define SAMPLE_PIECES 16

struct pull {
	int64_t asked, asked_s, ordered, state; /* of the row */
	int64_t version;
	uint8_t manifest[SHA256_LENGTH];
	char *mover; /* its name; NULL: it is not known any more */
	bool is_approved, has_reported, is_done;
	char *reason; /* that it gave */
	struct transfer_result result;
	int64_t wished, ready; /* sources that are to have the package, that have this version */
};

static void pull_free(struct pull *p)
{
	free(p->mover);
	free(p->reason);
}

static int read_pull(const struct distribution_job *w, struct pull *p, char **why)
{
	struct query q = query_begin(
		w->site,
		"SELECT d.asked, d.asked_s, d.ordered, d.state, k.version, k.manifest, c.name,"
		" c.state = 'approved', r.state, r.reason, r.sent, r.bad,"
		" (SELECT count(*) FROM point_sources s JOIN distributions x ON x.point = s.source"
		" AND x.package = d.package AND x.verb <> 3 WHERE s.point = d.point),"
		" (SELECT count(*) FROM " SOURCES_THAT_HAVE_IT ") FROM distributions d JOIN"
		" packages k ON k.name = d.package JOIN points ON path ="
		" d.point LEFT JOIN clients c ON c.id = mover LEFT JOIN pull_reports r ON r.point ="
		" d.point AND r.package = d.package AND r.client = mover AND r.number = d.asked"
		" AND r.manifest = lower(hex(k.manifest)) WHERE d.package = ?1 AND d.point = ?2");
	bool found;
	int error;

	query_text(&q, w->package);
	query_text(&q, w->point);
	found = query_row(&q);
	if (found) {
		p->asked = query_number_at(&q, 0);
		p->asked_s = query_number_at(&q, 1);
		p->ordered = query_number_at(&q, 2);
		p->state = query_number_at(&q, 3);
		p->version = query_number_at(&q, 4);
		(void)query_blob_at(&q, 5, p->manifest, SHA256_LENGTH);
		p->mover = query_null_at(&q, 6) ? NULL : xstrdup(query_text_at(&q, 6));
		p->is_approved = query_number_at(&q, 7);
		p->has_reported = !query_null_at(&q, 8);
		p->is_done = !strcmp(query_text_at(&q, 8), PULL_DONE);
		p->reason = xstrdup(query_text_at(&q, 9));
		p->result.bytes_sent = (uint64_t)query_number_at(&q, 10);
		p->result.bad = (uint32_t)query_number_at(&q, 11);
		p->wished = query_number_at(&q, 12);
		p->ready = query_number_at(&q, 13);
	}
	error = query_end(&q, why);
	return error || found ? error : site_fail(why, -ENOENT, "the package is gone");
}

/* A wish of its own, for the mover; it is another number, so that no old report answers it. */
static int ask_to_repair(const struct distribution_job *w, char **why)
{
	const struct distribution_wish wish = { .package = w->package,
						.where = w->point,
						.verb = DIST_VALIDATE,
						.priority = DIST_NORMAL };

	return distribution_ask(w->site, &wish, NULL, why);
}

/* Nothing is told and no try is counted: it is looked at again soon. */
static int wait_on(const struct distribution_job *w, const char *reason, char **why)
{
	struct query q = query_begin(
		w->site, "UPDATE distributions SET next = ?3, reason = CASE WHEN state = 1 THEN ?4"
			 " ELSE reason END WHERE package = ?1 AND point = ?2");

	query_text(&q, w->package);
	query_text(&q, w->point);
	query_number(&q, now_s() + BUSY_AGAIN_S);
	query_text(&q, reason);
	return query_run(&q, why);
}

static bool is_right(struct place *to, const struct piece *piece)
{
	auto_buf struct buf bytes = { 0 };
	uint8_t hash[SHA256_LENGTH];
	char name[LAYOUT_NAME_MAX];

	layout_piece(name, piece->hash);
	return !place_read(to, name, piece->length, &bytes) && bytes.len == piece->length &&
	       hash_sha256(bytes.data, bytes.len, hash) &&
	       !memcmp(hash, piece->hash, SHA256_LENGTH);
}

/* The manifest, and pieces by lot: a mover cannot know which. */
static bool look_at(struct place *to, const struct pull *p, struct content_failure *why)
{
	struct manifest m auto_manifest = { 0 };

	if (!layout_read_manifest(to, p->manifest, &m, why))
		return false;
	for (uint32_t i = 0; m.piece_count && i < SAMPLE_PIECES; i++) {
		const struct piece *piece = &m.pieces[random_u64() % m.piece_count];

		if (!is_right(to, piece))
			return content_fail(why, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR,
					    place_title(to),
					    "its mover reported the package whole, and it is not");
	}
	return true;
}

/* -EBADMSG: what is there is not what was reported. */
static int look_there(const struct distribution_job *w, const struct pull *p, char **why)
{
	struct site_library library auto_library = { 0 };
	struct point point cleanup(point_free) = { 0 };
	struct content_failure failure = { 0 };
	struct place *to auto_place = NULL;
	int error = point_find(w->site, w->point, &point, why);

	if (!error)
		error = library_read(w->site, &library, why);
	if (!error)
		error = point_open(w->site, &point, &to, why);
	if (error)
		return error;
	place_set_deadline(to, POINT_MS);
	if (!layout_prepare(to, library.owner, &failure))
		return library_fail(why, &failure);
	if (!look_at(to, p, &failure)) {
		error = library_fail(why, &failure);
		return failure.problem == CONTENT_DAMAGED || failure.problem == CONTENT_MISSING
			       ? -EBADMSG
			       : error;
	}
	return point_publish(w->site, &point, to, why);
}

/* Was something else wished for while it was looked at? Then that is what counts. */
static bool is_overtaken(const struct distribution_job *w, const struct pull *p)
{
	struct query q = query_begin(w->site, "SELECT asked FROM distributions WHERE package = ?1"
					      " AND point = ?2");
	bool overtaken;

	query_text(&q, w->package);
	query_text(&q, w->point);
	overtaken = !query_row(&q) || query_number_at(&q, 0) != p->asked;
	(void)query_end(&q, NULL);
	return overtaken;
}

static int take_report(struct distribution_job *w, const struct pull *p, char **why)
{
	auto_free char *reason = NULL;
	int error = look_there(w, p, &reason);

	if (is_overtaken(w, p))
		return 0;
	if (error == -EBUSY)
		return wait_on(w, reason, why);
	if (!error)
		return distribution_done(w, &p->result, p->version, why);
	if (error == -EBADMSG) {
		int asked = ask_to_repair(w, why);

		if (asked)
			return asked;
	}
	return distribution_failed(w, reason ? reason : "it cannot be looked at", p->version, why);
}

/* What was wished for anew meanwhile has another number, and an order of its own to come. */
static int note_ordered(const struct distribution_job *w, json_t *wishes, char **why)
{
	int error = site_begin(w->site, why);
	const char *package;
	json_t *number;

	json_object_foreach(wishes, package, number)
	{
		struct query q;

		if (error)
			break;
		q = query_begin(w->site, "UPDATE distributions SET ordered = ?3 WHERE"
					 " package = ?1 AND point = ?2 AND asked = ?3");
		query_text(&q, package);
		query_text(&q, w->point);
		query_number(&q, json_integer_value(number));
		error = query_run(&q, why);
	}
	if (!error)
		return site_commit(w->site, why);
	site_rollback(w->site);
	return error;
}

/* Publish the policy that has the order, and those for what else the point waits for, where the
 * mover looks for it. -EBUSY: someone writes there, and nothing is ordered yet. */
static int publish_order(const struct distribution_job *w, char **why)
{
	struct query q = query_begin(w->site, "SELECT source FROM point_sources WHERE point = ?1"
					      " UNION SELECT ?1");
	json_t *paths auto_json = NULL;
	int error;

	query_text(&q, w->point);
	paths = query_json(&q);
	error = query_end(&q, why);
	return error ? error : policy_publish_at(w->site, paths, why);
}

/* The order is full of what is more urgent. All that have no room are put off together, or each of
 * them would have the order read again; but for those whose patience is at its end. */
static int wait_for_room(const struct distribution_job *w, const struct pull *p, char **why)
{
	auto_free char *reason = xasprintf("waits until its mover, client \"%s\", has moved what "
					   "is more urgent",
					   p->mover);
	struct query q = query_begin(
		w->site,
		"UPDATE distributions AS d SET next = ?2, reason = CASE WHEN state = 1 THEN ?3"
		" ELSE reason END WHERE point = ?1 AND state IN (1, 2) AND verb <> 3 AND"
		" ordered <> asked AND asked_s > ?4 AND EXISTS (SELECT 1 FROM " SOURCES_THAT_HAVE_IT
		")");

	query_text(&q, w->point);
	query_number(&q, now_s() + BUSY_AGAIN_S);
	query_text(&q, reason);
	query_number(&q, now_s() - site_setting_number(w->site, "pull_patience_s"));
	return query_run(&q, why);
}

/* What stands in the way of an order; NULL: nothing. */
static char *obstacle(const struct distribution_job *w, const struct pull *p)
{
	if (!p->mover || !p->is_approved)
		return xasprintf("its mover is no approved client any more: berth site set-dp %s "
				 "--mover CLIENT, or --no-mover",
				 w->point);
	if (!p->wished)
		return xasprintf("none of the points that it is filled from is to have package "
				 "\"%s\": distribute it there",
				 w->package);
	return NULL;
}

static char *waits_for(const struct pull *p)
{
	return p->ready ? xasprintf("waits for its mover, client \"%s\"", p->mover)
			: xasprintf("waits for version %lld at a point that it is filled from",
				    (long long)p->version);
}

static bool is_late(const struct distribution_job *w, const struct pull *p)
{
	return now_s() >= p->asked_s + site_setting_number(w->site, "pull_patience_s");
}

static int wait_for_mover(struct distribution_job *w, const struct pull *p, char **why)
{
	auto_free char *reason = waits_for(p);

	return is_late(w, p) ? distribution_failed(w, reason, p->version, why)
			     : wait_on(w, reason, why);
}

/* A source has it: have it ordered, with what else the point waits for. */
static int order(struct distribution_job *w, const struct pull *p, char **why)
{
	json_t *wishes auto_json = NULL;
	auto_free char *reason = NULL;
	int error = pull_ordered(w->site, w->point, &wishes, why);

	if (error)
		return error;
	if (!json_object_get(wishes, w->package))
		return is_late(w, p) ? wait_for_mover(w, p, why) : wait_for_room(w, p, why);
	error = publish_order(w, &reason);
	if (error == -EBUSY && !is_late(w, p))
		return wait_on(w, reason, why);
	if (error)
		return distribution_failed(w, reason ? reason : "no policy", p->version, why);
	error = note_ordered(w, wishes, why);
	return error ? error : wait_for_mover(w, p, why);
}

int distribution_pull(struct distribution_job *w, char **why)
{
	struct pull p cleanup(pull_free) = { 0 };
	auto_free char *reason = NULL;
	int error = read_pull(w, &p, why);

	if (error)
		return error;
	if (p.state == DIST_INSTALLED) /* it is time to validate it */
		return ask_to_repair(w, why);
	if (p.has_reported)
		return p.is_done ? take_report(w, &p, why)
				 : distribution_failed(w, p.reason, p.version, why);
	reason = obstacle(w, &p);
	if (reason)
		return distribution_failed(w, reason, p.version, why);
	return p.ready && p.ordered != p.asked ? order(w, &p, why) : wait_for_mover(w, &p, why);
}
