// SPDX-License-Identifier: Apache-2.0
/*
 * Pieces, and manifests, put together at the target. Where a file was edited, most of a new piece
 * is in the old ones; the target has those, and can copy from them by itself, so that only what is
 * new travels. What was put together counts for nothing by that: it is read back and compared with
 * its hash, a piece as what an earlier run left behind is, a manifest before it gets its name, and
 * sent whole where it is not right.
 */
#include "transfer_impl.h"

#include <content/delta.h>
#include <content/key.h>

#define RUN_BYTES_MAX  (8u << 20) /* of a run of changed pieces, old and new: larger are sent */
#define GAIN_BYTES_MIN (2u << 10) /* what a piece must save: it costs some round trips */
#define SOURCE_COST    512u	  /* bytes of requests: a file that is opened to be copied from */
#define PART_COST      128u	  /* and one more part */
#define LOOK_AHEAD     1024	  /* pieces of the old file */
#define PARTS_MAX      64
#define EXPECTED_MIN   128u /* pieces that the source is told of before they are read */

/* A run of pieces of one file that were changed, and what was between the same neighbours. */
struct run {
	const struct piece *pieces;
	uint32_t count;
	struct buf bytes;
};

/* A file of both versions. */
struct changed {
	const struct manifest_file *was, *is;
};

static void run_free(struct run *r)
{
	buf_free(&r->bytes);
}

static const struct manifest_file *find_file(const struct manifest *m, const char *path)
{
	uint32_t low = 0, high = m->file_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = strcmp(path, manifest_path(m, &m->files[middle]));

		if (!order)
			return &m->files[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static bool same(const struct piece *a, const struct piece *b)
{
	return a->length == b->length && !memcmp(a->hash, b->hash, SHA256_LENGTH);
}

/* One that is too large is sent. */
static bool is_to_be_read(const struct run *r)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < r->count; i++)
		total += r->pieces[i].length;
	return r->count && total <= RUN_BYTES_MAX;
}

/* The bytes of a run, from the first source that has them. */
static bool read_run(struct transfer *t, struct run *r)
{
	for (uint32_t i = 0; i < r->count; i++) {
		char name[LAYOUT_NAME_MAX];
		size_t before = r->bytes.len;

		layout_piece(name, r->pieces[i].hash);
		if (place_read(t->options->from[0], name, r->pieces[i].length, &r->bytes) ||
		    r->bytes.len - before != r->pieces[i].length)
			return false;
	}
	return true;
}

/* How one piece is put together. */
struct plan {
	struct place_part parts[PARTS_MAX];
	char names[PARTS_MAX][LAYOUT_NAME_MAX];
	size_t count;
	uint64_t travels, costs;
};

/* [@begin, @end) of the new run as it is; joined to the part before it, if that is such a one. */
static bool add_bytes(struct plan *p, const struct run *now, size_t begin, size_t end)
{
	struct place_part *last = p->count ? &p->parts[p->count - 1] : NULL;

	p->travels += end - begin;
	if (last && !last->from) {
		last->length += (uint32_t)(end - begin);
		return true;
	}
	if (p->count == PARTS_MAX)
		return false;
	p->parts[p->count++] = (struct place_part){ .data = now->bytes.data + begin,
						    .length = (uint32_t)(end - begin) };
	p->costs += PART_COST;
	return true;
}

/* [@begin, @end) of one old piece. */
static bool add_copy(struct plan *p, const struct piece *piece, size_t begin, size_t end)
{
	char *name;

	if (p->count == PARTS_MAX)
		return false;
	name = p->names[p->count];
	layout_piece(name, piece->hash);
	p->costs += PART_COST;
	if (!p->count || !p->parts[p->count - 1].from ||
	    strcmp(p->parts[p->count - 1].from, name) != 0)
		p->costs += SOURCE_COST;
	p->parts[p->count++] = (struct place_part){ .from = name,
						    .offset = begin,
						    .length = (uint32_t)(end - begin) };
	return true;
}

/* [@begin, @begin + @length) of the old run, piece by piece; the same bytes are at @now_at of the
 * new one. A copy that is too short to be worth it travels. */
static bool add_copies(struct plan *p, const struct run *old, const struct run *now, size_t begin,
		       size_t now_at, size_t length)
{
	size_t at = 0, end = begin + length;

	for (uint32_t i = 0; i < old->count && begin < end; i++) {
		size_t next = at + old->pieces[i].length;

		if (begin < next) {
			size_t stop = end < next ? end : next, bytes = stop - begin;
			bool added = bytes < 2 * (size_t)PART_COST
					     ? add_bytes(p, now, now_at, now_at + bytes)
					     : add_copy(p, &old->pieces[i], begin - at, stop - at);

			if (!added)
				return false;
			now_at += bytes;
			begin = stop;
		}
		at = next;
	}
	return true;
}

/* What the piece that is [@begin, @end) of the new run is put together from; false: it is better
 * sent. */
static bool make_plan(struct plan *p, const struct run *old, const struct run *now,
		      const struct delta *d, size_t begin, size_t end)
{
	size_t at = 0;

	p->count = 0;
	p->travels = p->costs = 0;
	for (size_t i = 0; i < d->count && at < end; i++) {
		const struct delta_part *part = &d->parts[i];
		size_t from = at > begin ? at : begin;
		size_t to = at + part->length < end ? at + part->length : end;
		bool added = from >= to ||
			     (part->is_copy ? add_copies(p, old, now, part->at + (from - at), from,
							 to - from)
					    : add_bytes(p, now, from, to));

		if (!added)
			return false;
		at += part->length;
	}
	return p->travels + p->costs + GAIN_BYTES_MIN <= end - begin;
}

static ntstatus compose(struct transfer *t, const struct plan *p, const struct piece *piece)
{
	char name[LAYOUT_NAME_MAX];
	ntstatus status;

	layout_piece(name, piece->hash);
	if (!transfer_wait_for_leave(t, p->travels))
		return STATUS_CANCELLED;
	status = place_compose(t->options->to, name, p->parts, p->count, NULL);
	if (status && status != STATUS_OBJECT_NAME_COLLISION)
		return status;
	if (!status) { /* else something is there already, and is read */
		t->result->composed++;
		t->result->bytes_sent += p->travels;
		t->progress.bytes_sent += p->travels;
	}
	return piece_set_add_one(&t->there, piece) ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

/* What will be read of them is told to the source. */
static bool expect_runs(struct transfer *t, struct run *old, struct run *now)
{
	for (uint32_t i = 0; i < old->count; i++)
		transfer_expect(t, &old->pieces[i]);
	for (uint32_t i = 0; i < now->count; i++)
		transfer_expect(t, &now->pieces[i]);
	return true;
}

/* False: no more of this, the target is lost or cannot. */
static bool compose_run(struct transfer *t, struct run *old, struct run *now)
{
	auto_free struct plan *p = xalloc(1, sizeof(*p));
	struct delta d auto_delta = { 0 };
	size_t begin = 0;

	if (!read_run(t, old) || !read_run(t, now) ||
	    !delta_find(old->bytes.data, old->bytes.len, now->bytes.data, now->bytes.len, &d))
		return true;
	for (uint32_t i = 0; i < now->count; i++) {
		size_t end = begin + now->pieces[i].length;

		if (piece_set_find(&t->todo, now->pieces[i].hash) &&
		    make_plan(p, old, now, &d, begin, end)) {
			ntstatus status = compose(t, p, &now->pieces[i]);

			/* An old piece that is not there is one that is to be repaired. */
			if (status && content_problem_of(status, false) != CONTENT_MISSING)
				return false;
		}
		begin = end;
	}
	return true;
}

/* Where the old file has the piece, not far from @from; @count: nowhere. */
static uint32_t find_from(const struct piece *pieces, uint32_t count, uint32_t from,
			  const struct piece *piece)
{
	uint32_t end = count - from > LOOK_AHEAD ? from + LOOK_AHEAD : count;

	while (from < end && !same(&pieces[from], piece))
		from++;
	return from < end ? from : count;
}

typedef bool run_fn(struct transfer *t, struct run *old, struct run *now);

/* The runs of a file that lie between pieces which both versions have. What is wanted is in no old
 * file, so only other pieces are looked for there. *@pieces grows by those that @each deals with.
 */
static bool each_run(struct transfer *t, struct manifest *then, const struct changed *file,
		     run_fn *each, uint32_t *pieces)
{
	const struct manifest_file *was = file->was, *is = file->is;
	const struct piece *old = then->pieces + was->first_piece;
	const struct piece *now = t->manifest.pieces + is->first_piece;
	uint32_t old_count = was->piece_count, count = is->piece_count, old_at = 0;

	for (uint32_t i = 0; i < count;) {
		uint32_t end = i, found = old_count;
		struct run old_run cleanup(run_free) = { .pieces = old + old_at };
		struct run new_run cleanup(run_free) = { .pieces = now + i };

		for (; end < count && found == old_count; end += found == old_count) {
			if (!piece_set_find(&t->todo, now[end].hash))
				found = find_from(old, old_count, old_at, &now[end]);
		}
		old_run.count = found - old_at;
		new_run.count = end - i;
		if (is_to_be_read(&old_run) && is_to_be_read(&new_run)) {
			*pieces += old_run.count + new_run.count;
			if (!each(t, &old_run, &new_run))
				return false;
		}
		old_at = found < old_count ? found + 1 : old_count;
		i = end + 1;
	}
	return true;
}

/* The next file at or behind *@at that both versions have, and not the same; *@at goes behind it.
 */
static bool next_changed(const struct transfer *t, const struct manifest *then, uint32_t *at,
			 struct changed *file)
{
	while (*at < t->manifest.file_count) {
		file->is = &t->manifest.files[(*at)++];
		file->was = find_file(then, manifest_path(&t->manifest, file->is));
		if (file->was && memcmp(file->was->hash, file->is->hash, SHA256_LENGTH) != 0)
			return true;
	}
	return false;
}

/* False: no more of this. One walk puts together, and another is so many pieces ahead of it. */
static bool compose_from(struct transfer *t, struct manifest *then)
{
	uint32_t at = 0, ahead_at = 0, read = 0, expected = 0;
	struct changed file, ahead;

	while (next_changed(t, then, &at, &file)) {
		while (expected < read + EXPECTED_MIN && next_changed(t, then, &ahead_at, &ahead))
			each_run(t, then, &ahead, expect_runs, &expected);
		if (!each_run(t, then, &file, compose_run, &read))
			return false;
	}
	return true;
}

void transfer_compose(struct transfer *t)
{
	const struct transfer_options *o = t->options;

	if (!o->known || !o->from_count || !t->todo.count || !place_can_compose(o->to))
		return;
	for (size_t i = o->held_count; i > 0; i--) {
		struct manifest then auto_manifest = { 0 };

		if (layout_read_manifest(o->known, o->held[i - 1], &then, NULL) &&
		    !compose_from(t, &then))
			break;
	}
	piece_set_sort(&t->there);
}

struct manifest_plan {
	char from[LAYOUT_NAME_MAX];
	struct place_part *parts;
	size_t count;
	uint64_t travels;
};

static void manifest_plan_free(struct manifest_plan *p)
{
	free(p->parts);
}

/* Copies that cost more than they save travel. False: it is better sent. */
static bool plan_manifest(struct manifest_plan *p, const struct delta *d, const struct buf *now)
{
	uint64_t costs = SOURCE_COST;
	size_t at = 0;

	p->parts = calloc(d->count, sizeof(*p->parts));
	if (!p->parts)
		return false;
	for (size_t i = 0; i < d->count; i++) {
		const struct delta_part *part = &d->parts[i];
		struct place_part *last = p->count ? &p->parts[p->count - 1] : NULL;
		bool is_copy = part->is_copy && part->length >= 2 * (size_t)PART_COST;

		if (part->length > UINT32_MAX / 2)
			return false;
		if (!is_copy && last && !last->from) {
			last->length += (uint32_t)part->length;
		} else {
			p->parts[p->count++] = (struct place_part){
				.from = is_copy ? p->from : NULL,
				.offset = is_copy ? part->at : 0,
				.data = is_copy ? NULL : now->data + at,
				.length = (uint32_t)part->length,
			};
			costs += PART_COST;
		}
		p->travels += is_copy ? 0 : part->length;
		at += part->length;
	}
	return p->travels + costs + GAIN_BYTES_MIN <= now->len;
}

bool transfer_compose_manifest(struct transfer *t, const struct buf *bytes)
{
	const struct transfer_options *o = t->options;
	char name[LAYOUT_NAME_MAX];

	if (!o->known || o->mode != TRANSFER_MISSING || !place_can_compose(o->to) ||
	    bytes->len < GAIN_BYTES_MIN + SOURCE_COST) /* no plan for so little gains anything */
		return false;
	layout_target(name, t->hash);
	for (size_t i = o->held_count; i > 0 && !t->failed; i--) {
		struct manifest_plan p cleanup(manifest_plan_free) = { 0 };
		struct delta d auto_delta = { 0 };
		auto_buf struct buf old = { 0 };

		layout_target(p.from, o->held[i - 1]);
		if (layout_read_target(o->known, o->held[i - 1], MANIFEST_BYTES_MAX, &old, NULL) &&
		    delta_find(old.data, old.len, bytes->data, bytes->len, &d) &&
		    plan_manifest(&p, &d, bytes) && transfer_wait_for_leave(t, p.travels) &&
		    !place_compose(o->to, name, p.parts, p.count, t->hash))
			return true;
	}
	return false;
}
