// SPDX-License-Identifier: Apache-2.0
/*
 * Pieces put together at the target. Where a file was edited, the piece that is new begins and ends
 * as the old one did; the target has that one, and can copy from it by itself, so that only the
 * bytes in between travel. What was put together counts for nothing by that: it is read back and
 * compared with its hash as what an earlier run left behind is, and sent whole where it is not
 * right.
 */
#include "transfer_impl.h"

#include <content/key.h>
#include <time.h>

#define RUN_BYTES_MAX                                                                              \
	(1u << 20)		  /* of a run of changed pieces, old and new: larger ones are sent \
				   */
#define GAIN_BYTES_MIN (8u << 10) /* what a piece must save: it costs some round trips */
#define LOOK_AHEAD     1024	  /* pieces of the old file */
#define PARTS_MAX      64

/* A run of pieces of one file that were changed, and what was between the same neighbours. */
struct run {
	const struct piece *pieces;
	uint32_t count;
	struct buf bytes;
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

/* The bytes of a run, from the first source that has them; none where it is too large. */
static bool read_run(struct transfer *t, struct run *r)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < r->count; i++)
		total += r->pieces[i].length;
	if (!r->count || total > RUN_BYTES_MAX)
		return false;
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

struct ends {
	size_t front, back; /* bytes that both runs begin and end with */
};

static struct ends compare(const struct buf *old, const struct buf *now)
{
	size_t most = old->len < now->len ? old->len : now->len;
	struct ends e = { 0, 0 };

	while (e.front < most && old->data[e.front] == now->data[e.front])
		e.front++;
	most -= e.front;
	while (e.back < most &&
	       old->data[old->len - 1 - e.back] == now->data[now->len - 1 - e.back])
		e.back++;
	return e;
}

struct plan {
	struct place_part parts[PARTS_MAX];
	char names[PARTS_MAX][LAYOUT_NAME_MAX];
	size_t count;
	uint64_t travels;
};

/* [@begin, @end) of the old run, piece by piece. */
static bool add_copies(struct plan *p, const struct run *old, size_t begin, size_t end)
{
	size_t at = 0;

	for (uint32_t i = 0; i < old->count && begin < end; i++) {
		size_t next = at + old->pieces[i].length;

		if (begin < next) {
			size_t stop = end < next ? end : next;

			if (p->count == PARTS_MAX)
				return false;
			layout_piece(p->names[p->count], old->pieces[i].hash);
			p->parts[p->count] = (struct place_part){
				.from = p->names[p->count],
				.offset = begin - at,
				.length = (uint32_t)(stop - begin),
			};
			p->count++;
			begin = stop;
		}
		at = next;
	}
	return true;
}

static bool add_bytes(struct plan *p, const struct run *now, size_t begin, size_t end)
{
	if (begin >= end)
		return true;
	if (p->count == PARTS_MAX)
		return false;
	p->parts[p->count++] = (struct place_part){ .data = now->bytes.data + begin,
						    .length = (uint32_t)(end - begin) };
	p->travels += end - begin;
	return true;
}

/* What the piece that is [@begin, @end) of the new run is put together from. */
static bool make_plan(struct plan *p, const struct run *old, const struct run *now, struct ends e,
		      size_t begin, size_t end)
{
	size_t front = e.front < end ? e.front : end;
	size_t back = now->bytes.len - e.back > begin ? now->bytes.len - e.back : begin;
	size_t shift =
		old->bytes.len - now->bytes.len; /* modulo: of what is counted from the end */

	p->count = 0;
	p->travels = 0;
	return (begin >= front || add_copies(p, old, begin, front)) &&
	       add_bytes(p, now, front > begin ? front : begin, back < end ? back : end) &&
	       (back >= end || add_copies(p, old, back + shift, end + shift)) &&
	       p->travels + GAIN_BYTES_MIN <= end - begin;
}

static void wait_for_leave(const struct transfer_options *o, uint64_t bytes)
{
	uint64_t ms;

	while (o->may_send && (ms = o->may_send(o->owner, bytes)) > 0) {
		const struct timespec pause = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };

		nanosleep(&pause, NULL);
	}
}

static ntstatus compose(struct transfer *t, const struct plan *p, const struct piece *piece)
{
	char name[LAYOUT_NAME_MAX];
	ntstatus status;

	layout_piece(name, piece->hash);
	wait_for_leave(t->options, p->travels);
	status = place_compose(t->options->to, name, p->parts, p->count);
	if (status)
		return status;
	t->result->composed++;
	t->result->bytes_sent += p->travels;
	t->progress.bytes_sent += p->travels;
	return piece_set_add_one(&t->there, piece) ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

/* False: no more of this, the target is lost or cannot. */
static bool compose_run(struct transfer *t, struct run *old, struct run *now)
{
	auto_free struct plan *p = xalloc(1, sizeof(*p));
	size_t begin = 0;
	struct ends e;

	if (!read_run(t, old) || !read_run(t, now))
		return true;
	e = compare(&old->bytes, &now->bytes);
	for (uint32_t i = 0; i < now->count; i++) {
		size_t end = begin + now->pieces[i].length;

		if (piece_set_find(&t->todo, now->pieces[i].hash) &&
		    make_plan(p, old, now, e, begin, end) && compose(t, p, &now->pieces[i]))
			return false;
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

/* The runs of a file that lie between pieces which both versions have. What is wanted is in no old
 * file, so only other pieces are looked for there. */
static bool compose_file(struct transfer *t, struct manifest *then, const struct manifest_file *was,
			 const struct manifest_file *is)
{
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
		if (new_run.count && old_run.count && !compose_run(t, &old_run, &new_run))
			return false;
		old_at = found < old_count ? found + 1 : old_count;
		i = end + 1;
	}
	return true;
}

/* False: no more of this. */
static bool compose_from(struct transfer *t, struct manifest *then)
{
	for (uint32_t i = 0; i < t->manifest.file_count; i++) {
		const struct manifest_file *is = &t->manifest.files[i];
		const struct manifest_file *was = find_file(then, manifest_path(&t->manifest, is));

		if (was && memcmp(was->hash, is->hash, SHA256_LENGTH) != 0 &&
		    !compose_file(t, then, was, is))
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
