// SPDX-License-Identifier: Apache-2.0
/*
 * Rounds over the drops of the distribution points. Whoever may create files there decides what is
 * found: so no file, and no number of files, keeps those of others from being taken, and no point
 * holds up the next one.
 *
 * A file is removed when what it says is in the database, or when it never will be. That is said
 * once a while for each point, and in the log for the first of each round.
 */
#include "ingest_impl.h"

#include <crypto/crypto.h>
#include <errno.h>
#include <site/message.h>

#define PAPERS_AT_ONCE 20000	    /* names of one point that are held in memory */
#define POINT_MS       (120 * 1000) /* which takes so long at most; what is left is next time's */
#define SAID_EVERY_S   600	    /* that papers were refused: at most one message of a point */

struct names {
	struct dropped *list;
	size_t count;
	uint64_t seen, entries;
};

/* A sample where there are too many, so that no flood of names keeps one out for good. A directory
 * that has more than can be listed is taken as far as it was: there are fewer the next time. */
static bool add_name(void *owner, const char *name, uint64_t size, bool is_directory)
{
	struct names *n = owner;
	uint64_t at;

	if (!is_directory && paper_name_is_one(name)) {
		at = n->seen++ < PAPERS_AT_ONCE ? n->count++ : random_u64() % n->seen;
		if (at < PAPERS_AT_ONCE) {
			snprintf(n->list[at].file, PAPER_NAME_MAX, "%s", name);
			n->list[at].size = size;
		}
	}
	return ++n->entries < PLACE_LIST_MAX;
}

static int say_refused(struct ingest *in, char **why)
{
	auto_free char *count = xasprintf("%llu", (unsigned long long)in->refused);
	const struct message message = { .id = MSG_PAPERS_REFUSED,
					 .object = in->point,
					 .strings = { count, in->point, in->first,
						      in->first_why } };

	return !in->refused || message_said_lately(in->site, &message, SAID_EVERY_S)
		       ? 0
		       : message_write(in->site, &message, why);
}

static int take_sample(struct ingest *in, const struct names *names, char **why)
{
	int error = 0;

	for (size_t i = 0; i < names->count && !error; i += INGEST_BATCH_MAX) {
		size_t left = names->count - i;

		error = ingest_batch(in, &names->list[i],
				     left < INGEST_BATCH_MAX ? left : INGEST_BATCH_MAX, why);
	}
	return error;
}

static uint64_t done_with(const struct ingest_counts *c)
{
	return c->enrolments + c->reports + c->stale + c->refused;
}

/* Sample after sample, as long as there is more than one and some of it goes. */
static int take_samples(struct ingest *in, struct names *names, char **why)
{
	uint64_t before = done_with(in->counts), last;
	ntstatus status;
	int error = 0;

	do {
		last = done_with(in->counts);
		names->count = names->seen = names->entries = 0;
		status = place_list(in->place, DROP, add_name, names);
		/* A point that nobody has published to has no drop. */
		if (status && content_problem_of(status, false) != CONTENT_MISSING)
			error = site_fail(why, -EIO, "%s cannot be listed: %s", DROP,
					  ntstatus_text(status));
		else
			error = take_sample(in, names, why);
	} while (!error && names->seen > names->count && done_with(in->counts) > last);
	/* What was not taken in time is the next round's. */
	return error == -EIO && place_is_late(in->place) && done_with(in->counts) > before ? 0
											   : error;
}

int papers_ingest_from(struct site *site, struct place *place, const char *point,
		       struct ingest_counts *counts, char **why)
{
	struct ingest in = { .site = site, .place = place, .point = point, .counts = counts };
	struct names names = { .list = xalloc(PAPERS_AT_ONCE, sizeof(*names.list)) };
	int error = odd_forget_old(&in, why), said;

	if (!error)
		error = take_samples(&in, &names, why);
	free(names.list);
	said = say_refused(&in, error ? NULL : why);
	free(in.first);
	free(in.first_why);
	return error ? error : said;
}

static int ingest_at(struct site *site, const struct point *point, struct ingest_counts *counts,
		     char **why)
{
	struct place *place auto_place = NULL;
	int error = point_open(site, point, &place, why);

	if (error)
		return error;
	place_set_deadline(place, POINT_MS);
	return papers_ingest_from(site, place, point->path, counts, why);
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

		error = points[i].is_maintained ? 0
						: ingest_at(site, &points[i], counts, &this_why);
		if (error && !first)
			first = site_fail(why, error, "%s: %s", points[i].path,
					  this_why ? this_why : "it cannot be read");
		point_free(&points[i]);
	}
	free(points);
	return first;
}
