// SPDX-License-Identifier: Apache-2.0
/*
 * Rounds over the drops of the distribution points. Whoever may create files there decides what is
 * found: so no file, and no number of files, keeps those of others from being taken, and no point
 * holds up the next one.
 *
 * A file is removed when what it says is in the database, or when it never will be; so are those
 * that no paper has the name of, because they would come to hide what lies behind them. That is
 * said once a while for each point, and in the log for the first of each round.
 */
#include "ingest_impl.h"

#include <crypto/crypto.h>
#include <errno.h>
#include <site/message.h>

#define PAPERS_AT_ONCE 20000	    /* names of one point that are held in memory; and of strays */
#define POINT_MS       (120 * 1000) /* which takes so long at most; what is left is next time's */
#define SAID_EVERY_S   600	    /* that papers were refused: at most one message of a point */

/* A sample where there are too many, so that no flood of names keeps one out for good. */
struct sample {
	struct dropped *list;
	size_t count;
	uint64_t seen;
};

struct names {
	struct sample papers, strays;
	uint64_t stop_ms;
	bool is_cut; /* there may be more */
};

static void sample_clear(struct sample *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->list[i].file);
	s->count = s->seen = 0;
}

static void names_begin(struct names *n, const struct place *place)
{
	uint64_t left = place_time_left(place);

	sample_clear(&n->papers);
	sample_clear(&n->strays);
	n->is_cut = false;
	/* The other half is for taking what was found. */
	n->stop_ms = left == UINT64_MAX ? left : monotonic_ms() + left / 2;
}

static void names_free(struct names *n)
{
	sample_clear(&n->papers);
	sample_clear(&n->strays);
	free(n->papers.list);
	free(n->strays.list);
}

/* A directory that has more than can be listed, or that takes too long, is taken as far as it was:
 * there are fewer the next time. */
static bool add_name(void *owner, const char *name, uint64_t size, bool is_directory)
{
	struct names *n = owner;
	bool is_stray = is_directory || !paper_name_is_one(name);
	struct sample *s = is_stray ? &n->strays : &n->papers;
	uint64_t at = s->seen++ < PAPERS_AT_ONCE ? s->count++ : random_u64() % s->seen;

	if (at < PAPERS_AT_ONCE) {
		if (s->seen > PAPERS_AT_ONCE)
			free(s->list[at].file);
		s->list[at] = (struct dropped){ xstrdup(name), size, is_stray, is_directory };
	}
	n->is_cut =
		n->papers.seen + n->strays.seen >= PLACE_LIST_MAX || monotonic_ms() >= n->stop_ms;
	return !n->is_cut;
}

/* In an order that nobody chooses by the names that he gives: when time ends, it may be before any
 * of them. */
static void shuffle(struct sample *s)
{
	for (size_t i = s->count; i > 1; i--) {
		size_t other = random_u64() % i;
		struct dropped last = s->list[i - 1];

		s->list[i - 1] = s->list[other];
		s->list[other] = last;
	}
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

static int take_sample(struct ingest *in, struct sample *sample, char **why)
{
	int error = 0;

	shuffle(sample);
	for (size_t i = 0; i < sample->count && !error; i += INGEST_BATCH_MAX) {
		size_t left = sample->count - i;

		/* Behind the deadline nothing would be removed, and they would be waited for anew.
		 */
		if (sample->list[i].is_stray && place_is_late(in->place))
			break;
		error = ingest_batch(in, &sample->list[i],
				     left < INGEST_BATCH_MAX ? left : INGEST_BATCH_MAX, why);
	}
	return error;
}

static uint64_t done_with(const struct ingest_counts *c)
{
	return c->enrolments + c->reports + c->stale + c->refused;
}

static bool has_more(const struct names *n)
{
	return n->is_cut || n->papers.seen > n->papers.count || n->strays.seen > n->strays.count;
}

/* Sample after sample, as long as there is more than one and some of it goes. */
static int take_samples(struct ingest *in, struct names *names, char **why)
{
	uint64_t before = done_with(in->counts), last;
	ntstatus status;
	int error = 0;

	do {
		last = in->removed;
		names_begin(names, in->place);
		status = place_list(in->place, DROP, add_name, names);
		/* A point that nobody has published to has no drop. */
		if (status && content_problem_of(status, false) != CONTENT_MISSING)
			error = site_fail(why, -EIO, "%s cannot be listed: %s", DROP,
					  ntstatus_text(status));
		in->is_full = names->is_cut;
		if (!error)
			error = take_sample(in, &names->papers, why);
		if (!error)
			error = take_sample(in, &names->strays, why);
	} while (!error && has_more(names) && in->removed > last);
	/* What was not taken in time is the next round's. */
	return error == -EIO && place_is_late(in->place) && done_with(in->counts) > before ? 0
											   : error;
}

int papers_ingest_from(struct site *site, struct place *place, const char *point,
		       struct ingest_counts *counts, char **why)
{
	struct ingest in = { .site = site, .place = place, .point = point, .counts = counts };
	struct names names cleanup(names_free) = {
		.papers.list = xalloc(PAPERS_AT_ONCE, sizeof(struct dropped)),
		.strays.list = xalloc(PAPERS_AT_ONCE, sizeof(struct dropped)),
	};
	int error = odd_begin(&in, why), said;

	if (!error)
		error = take_samples(&in, &names, why);
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
