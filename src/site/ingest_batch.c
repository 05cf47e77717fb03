// SPDX-License-Identifier: Apache-2.0
/*
 * Papers of one drop, taken many at a time: read side by side, put into the database in one
 * transaction, removed side by side. So a paper costs a part of a round trip and a part of a sync.
 *
 * Nothing is removed before what it says is in the database. Where the database refuses the whole,
 * each paper is tried alone, so that those that fit are taken.
 */
#include "ingest_impl.h"

#include <base/log.h>
#include <errno.h>

#define LOGGED_A_ROUND 16

/* Kept: it is looked at again. */
enum fate { FATE_KEPT, FATE_TAKEN, FATE_REFUSED };

struct paper {
	const struct dropped *of;
	char *path;
	struct place_request rq;
	uint8_t *data;
	enum fate fate;
	char *reason; /* why it was refused */
};

static void paper_forget(struct paper *p)
{
	free(p->reason);
	p->reason = NULL;
	p->fate = FATE_KEPT;
}

/* What is wrong with the file itself, and stays so. Anything else may pass: a server that is busy
 * or going down, rights that are being changed, a disk that is full. */
static bool is_of_the_paper(ntstatus status)
{
	static const ntstatus statuses[] = {
		STATUS_FILE_TOO_LARGE,
		STATUS_OBJECT_TYPE_MISMATCH,
		STATUS_FILE_IS_A_DIRECTORY,
		STATUS_STOPPED_ON_SYMLINK,
		STATUS_REPARSE_POINT_NOT_RESOLVED,
		STATUS_IO_REPARSE_TAG_NOT_HANDLED,
	};

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (status == statuses[i])
			return true;
	return false;
}

/* What whoever made the file can bring about, and keep up: it denies the site the right to read
 * it, or holds it open. */
static bool is_of_its_maker(ntstatus status)
{
	return status == STATUS_ACCESS_DENIED || status == STATUS_SHARING_VIOLATION ||
	       status == STATUS_FILE_LOCK_CONFLICT;
}

static void wait_for_all(struct place *place)
{
	while (place_in_flight(place))
		place_turn(place, -1);
}

static void begin(struct place *place, struct paper *p)
{
	while (place_in_flight(place) >= place_depth(place))
		place_turn(place, -1);
	place_begin(place, &p->rq);
}

static int read_all(struct ingest *in, struct paper *papers, const struct dropped *files,
		    size_t count, char **why)
{
	int error = 0;

	for (size_t i = 0; i < count && !error; i++) {
		struct paper *p = &papers[i];

		if (files[i].is_stray)
			continue;
		/* One byte more than it has, to see that this is all. */
		p->rq.length = (size_t)min_u64(files[i].size, PAPER_BYTES_MAX) + 1;
		p->data = malloc(p->rq.length);
		p->rq.verb = PLACE_GET;
		p->rq.name = p->path;
		p->rq.data = p->data;
		if (p->data)
			begin(in->place, p);
		else
			error = site_fail(why, -ENOMEM, "out of memory");
	}
	wait_for_all(in->place);
	for (size_t i = 0; i < count; i++)
		in->has_read |= papers[i].rq.done && !papers[i].rq.status;
	return error;
}

static void refuse(struct paper *p, const char *reason)
{
	p->fate = FATE_REFUSED;
	p->reason = xstrdup(reason);
}

/* No document: half of one, or nothing that will ever be one; or no paper at all. */
static int take_odd(struct ingest *in, struct paper *p, char **why)
{
	bool over;
	int error = odd_is_given_up(in, p->of, &over, why);

	if (error)
		return error;
	if (!over) {
		in->counts->unfinished++;
		return 0;
	}
	in->counts->refused++;
	p->fate = FATE_REFUSED;
	return odd_forget(in, p->of->file, why);
}

static int take_bytes(struct ingest *in, struct paper *p, char **why)
{
	int error = paper_take(in->site, p->data, p->rq.got, in->counts, &p->reason);

	if (error == -EAGAIN)
		return take_odd(in, p, why);
	if (error && error != -EBADMSG)
		return site_fail(why, error, "%s", p->reason ? p->reason : strerror(-error));
	p->fate = error ? FATE_REFUSED : FATE_TAKEN;
	return 0;
}

/* For the next time. */
static int leave(struct ingest *in, const struct paper *p, const char *reason)
{
	in->counts->unread++;
	if (in->unread++ < LOGGED_A_ROUND)
		log_info("paper not read yet point=%s file=%s why=%s", LOG_TEXT(in->point),
			 LOG_TEXT(p->of->file), reason);
	return 0;
}

/* What cannot be read is given up like what is no paper, but for one thing: where the site has not
 * read any file, it may be the site's own rights that are wrong, and papers would be lost. */
static int take_unreadable(struct ingest *in, struct paper *p, char **why)
{
	bool over;
	int error = odd_is_given_up(in, p->of, &over, why);

	if (error)
		return error;
	if (!over || !in->has_read)
		return leave(in, p, ntstatus_name(p->rq.status));
	in->counts->refused++;
	refuse(p, ntstatus_text(p->rq.status));
	return odd_forget(in, p->of->file, why);
}

static int take_one(struct ingest *in, struct paper *p, char **why)
{
	enum content_problem problem = content_problem_of(p->rq.status, false);

	if (p->of->is_stray)
		return take_odd(in, p, why);
	if (!p->rq.done || problem == CONTENT_MISSING)
		return 0; /* it went away, or nobody got to it */
	if (!p->rq.status && p->rq.got > PAPER_BYTES_MAX)
		p->rq.status = STATUS_FILE_TOO_LARGE;
	if (is_of_the_paper(p->rq.status)) {
		in->counts->refused++;
		refuse(p, ntstatus_text(p->rq.status));
		return 0;
	}
	if (is_of_its_maker(p->rq.status))
		return take_unreadable(in, p, why);
	if (p->rq.status)
		return leave(in, p, ntstatus_name(p->rq.status));
	if (p->rq.got == p->rq.length) /* than its listing said */
		return leave(in, p, "it has grown");
	return take_bytes(in, p, why);
}

static int take_in_transaction(struct ingest *in, struct paper *papers, size_t count, char **why)
{
	struct ingest_counts before = *in->counts;
	int error = site_begin(in->site, why);

	if (error)
		return error;
	for (size_t i = 0; i < count && !error; i++)
		error = take_one(in, &papers[i], why);
	if (!error)
		error = site_commit(in->site, why);
	else
		site_rollback(in->site);
	if (!error)
		return 0;
	*in->counts = before;
	for (size_t i = 0; i < count; i++)
		paper_forget(&papers[i]);
	return error;
}

static int take_all(struct ingest *in, struct paper *papers, size_t count, char **why)
{
	int error = take_in_transaction(in, papers, count, why);

	if (!error || error == -EBUSY || count == 1)
		return error;
	error = 0;
	for (size_t i = 0; i < count && !error; i++)
		error = take_in_transaction(in, &papers[i], 1, why);
	return error;
}

/* It will never count, and those behind it are taken. */
static void say_refused(struct ingest *in, const struct paper *p)
{
	const char *reason = p->reason ? p->reason : "it is no paper";

	if (in->refused++ < LOGGED_A_ROUND)
		log_warn("paper refused point=%s file=%s why=%s removed=%s", LOG_TEXT(in->point),
			 LOG_TEXT(p->of->file), LOG_TEXT(reason),
			 p->rq.status ? ntstatus_name(p->rq.status) : "yes");
	if (in->first)
		return;
	in->first = xstrdup(p->of->file);
	in->first_why = xstrdup(reason);
}

static void remove_all(struct ingest *in, struct paper *papers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (papers[i].fate == FATE_KEPT || papers[i].of->is_directory)
			continue;
		papers[i].rq =
			(struct place_request){ .verb = PLACE_REMOVE, .name = papers[i].path };
		begin(in->place, &papers[i]);
	}
	wait_for_all(in->place);
	for (size_t i = 0; i < count; i++) {
		struct paper *p = &papers[i];

		/* It was made read-only, or denies us what it can: that keeps it no longer than any
		 * other. */
		if (p->fate != FATE_KEPT &&
		    (p->of->is_directory || p->rq.status == STATUS_CANNOT_DELETE ||
		     p->rq.status == STATUS_ACCESS_DENIED))
			p->rq.status = place_remove(in->place, p->path);
		in->removed += p->fate != FATE_KEPT && !p->rq.status;
		if (p->fate == FATE_REFUSED)
			say_refused(in, p);
	}
}

/* The first answer that says that the point is gone: what was read before counts all the same. */
static int find_loss(const struct paper *papers, size_t count, char **why)
{
	for (size_t i = 0; i < count; i++) {
		ntstatus status = papers[i].rq.status;
		enum content_problem problem = content_problem_of(status, false);

		if (problem == CONTENT_UNREACHABLE || problem == CONTENT_INTERNAL)
			return site_fail(why, -EIO, "%s cannot be read: %s", papers[i].path,
					 ntstatus_text(status));
	}
	return 0;
}

int ingest_batch(struct ingest *in, const struct dropped *files, size_t count, char **why)
{
	struct paper *papers = xalloc(count, sizeof(*papers));
	int lost, error;

	for (size_t i = 0; i < count; i++) {
		papers[i].of = &files[i];
		papers[i].path = xasprintf("%s/%s", DROP, files[i].file);
	}
	error = read_all(in, papers, files, count, why);
	lost = error ? error : find_loss(papers, count, why);
	error = take_all(in, papers, count, lost ? NULL : why);
	remove_all(in, papers, count);
	for (size_t i = 0; i < count; i++) {
		paper_forget(&papers[i]);
		free(papers[i].path);
		free(papers[i].data);
	}
	free(papers);
	return lost ? lost : error;
}
