// SPDX-License-Identifier: Apache-2.0
/*
 * A transfer: which pieces are wanted, what the target has of them, many of them under way at a
 * time, and the manifest at the end.
 */
#include "transfer_impl.h"

#include <content/key.h>
#include <crypto/crypto.h>
#include <stdio.h>

#define TURN_MS	       200	   /* how long to wait for one place */
#define TURN_SHARED_MS 2	   /* and where several have something under way */
#define NOTHING_MS     5	   /* where none has */
#define SPACE_SPARE    (16u << 20) /* left over at a target, for documents and directories */
#define EXPECTED_MAX   512	   /* pieces that a source is told of before they are asked for */
#define FLOOR_MS       (15u * 60 * 1000)
#define FLOOR_BYTES    (1u << 20) /* so much in FLOOR_MS, or a place is as good as lost */
#define TURNS_MAX      4	  /* how often it begins anew, where others changed the target */

void transfer_fail(struct transfer *t, enum content_problem problem, ntstatus status,
		   const struct place *place, const char *name, const char *text)
{
	char path[512];

	if (t->failed)
		return;
	t->failed = true;
	snprintf(path, sizeof(path), "%s/%s", place_title(place), name);
	if (status)
		content_fail(t->why, problem, status, path, "%s: %s", text, ntstatus_text(status));
	else
		content_fail(t->why, problem, status, path, "%s", text);
}

static void transfer_free(struct transfer *t)
{
	for (unsigned i = 0; i < TRANSFER_DEPTH_MAX; i++) {
		free(t->slots[i].data);
		free(t->slots[i].back);
	}
	piece_set_free(&t->todo);
	piece_set_free(&t->there);
	manifest_free(&t->manifest);
}

static bool no_memory(struct transfer *t)
{
	return content_fail(t->why, CONTENT_INTERNAL, STATUS_NO_MEMORY, NULL, "out of memory");
}

/* The manifest from wherever it can be had. */
static bool find_manifest(struct transfer *t)
{
	const uint8_t *hash = t->hash;
	const struct transfer_options *o = t->options;
	unsigned missing = 0;

	if (o->known && layout_read_manifest(o->known, hash, &t->manifest, t->why))
		return true;
	for (unsigned i = 0; i < o->from_count; i++) {
		manifest_free(&t->manifest);
		if (layout_read_manifest(o->from[i], hash, &t->manifest, t->why))
			return true;
		missing += t->why->problem == CONTENT_MISSING;
	}
	t->result->is_nowhere = o->from_count && missing == o->from_count;
	return o->known || o->from_count
		       ? false
		       : content_fail(t->why, CONTENT_MISSING, STATUS_NOT_FOUND, NULL,
				      "there is no place to read the manifest from");
}

static bool add_held(struct transfer *t, struct piece_set *held)
{
	const struct transfer_options *o = t->options;

	for (size_t i = 0; i < o->held_count && o->known; i++) {
		struct manifest m auto_manifest = { 0 };

		if (!layout_read_manifest(o->known, o->held[i], &m, t->why))
			return false;
		if (!piece_set_add(held, &m))
			return no_memory(t);
	}
	return true;
}

struct leftovers {
	struct piece_set *set;
	bool failed;
};

static bool add_leftover(void *owner, const char *name, uint64_t size, bool is_directory)
{
	struct leftovers *left = owner;
	struct piece piece = { .length = (uint32_t)size };

	if (is_directory || !size || size > PIECE_BYTES_MAX ||
	    !content_unhex(piece.hash, SHA256_LENGTH, name))
		return true;
	left->failed = !piece_set_add_one(left->set, &piece);
	return !left->failed;
}

/* A run that was interrupted left pieces behind: they need not travel again, once they are read. */
static bool find_leftovers(struct transfer *t)
{
	struct leftovers left = { &t->there, false };

	for (unsigned i = 0; i < 256; i++) {
		char name[LAYOUT_NAME_MAX];
		ntstatus status;

		snprintf(name, sizeof(name), "pieces/%02x", i);
		status = place_list(t->options->to, name, add_leftover, &left);
		if (left.failed)
			return no_memory(t);
		if (status)
			return content_fail_status(t->why, status, false,
						   place_title(t->options->to),
						   "list what an earlier run has brought");
	}
	piece_set_sort(&t->there);
	return true;
}

/* The mark is of this run alone: look_for_mark. */
static bool mark_unfinished(struct transfer *t)
{
	auto_buf struct buf mark = { 0 };
	struct place *to = t->options->to;
	ntstatus status = place_read(to, LAYOUT_UNFINISHED, LAYOUT_NAME_MAX, &mark);

	/* The other modes look at every piece, or send it, whatever is there. */
	if (!status && t->options->mode == TRANSFER_MISSING && !find_leftovers(t))
		return false;
	if (!status || status == STATUS_OBJECT_NAME_NOT_FOUND) {
		snprintf(t->token, sizeof(t->token), "%016llx%016llx\n",
			 (unsigned long long)random_u64(), (unsigned long long)random_u64());
		status = place_write(to, LAYOUT_UNFINISHED, t->token, strlen(t->token));
		t->marked = !status;
	}
	return status ? content_fail_status(t->why, status, true, place_title(to),
					    "note that a transfer begins")
		      : true;
}

static bool is_there(struct transfer *t, const struct piece *piece)
{
	const struct piece *found = piece_set_find(&t->there, piece->hash);

	return found && found->length == piece->length;
}

/* What is wanted, less what is known to be there. */
static bool plan(struct transfer *t)
{
	struct piece_set held auto_piece_set = { 0 };
	enum transfer_mode mode = t->options->mode;
	size_t kept = 0;

	if (!piece_set_add(&t->todo, &t->manifest))
		return no_memory(t);
	piece_set_sort(&t->todo);
	t->result->pieces = t->progress.pieces = (uint32_t)t->todo.count;
	for (size_t i = 0; i < t->todo.count; i++)
		t->progress.bytes += t->todo.pieces[i].length;
	t->result->bytes = t->progress.bytes;
	if (mode == TRANSFER_MISSING && !add_held(t, &held))
		return false;
	for (size_t i = 0; i < t->todo.count; i++) {
		const struct piece *piece = &t->todo.pieces[i];

		if (piece_set_find(&held, piece->hash)) {
			t->result->present++;
			t->progress.pieces_done++;
			t->progress.bytes_done += piece->length;
		} else {
			t->todo.pieces[kept++] = *piece;
		}
	}
	t->todo.count = kept;
	t->before = t->progress;
	return true;
}

static bool there_is_room(struct transfer *t)
{
	uint64_t need = 0, room = 0;

	for (size_t i = 0; i < t->todo.count; i++)
		if (!is_there(t, &t->todo.pieces[i]))
			need += t->todo.pieces[i].length;
	/* A target that cannot tell is found full when it is. */
	if (place_free_bytes(t->options->to, &room) || room >= need + SPACE_SPARE)
		return true;
	return content_fail(t->why, CONTENT_FULL, STATUS_DISK_FULL, place_title(t->options->to),
			    "%llu MiB are needed and %llu MiB are free",
			    (unsigned long long)(need >> 20), (unsigned long long)(room >> 20));
}

void transfer_expect(struct transfer *t, const struct piece *piece)
{
	char name[LAYOUT_NAME_MAX];

	layout_piece(name, piece->hash);
	place_expect(t->options->from[0], name);
}

/* What will be fetched soon is said to the source that is asked first. */
static void tell_source(struct transfer *t)
{
	enum transfer_mode mode = t->options->mode;

	if (!t->options->from_count || (mode != TRANSFER_MISSING && mode != TRANSFER_EVERYTHING))
		return; /* most is there */
	t->expected = t->expected > t->next ? t->expected : t->next;
	for (; t->expected < t->todo.count && t->expected < t->next + EXPECTED_MAX; t->expected++) {
		const struct piece *piece = &t->todo.pieces[t->expected];

		if (mode != TRANSFER_MISSING || !is_there(t, piece))
			transfer_expect(t, piece);
	}
}

/* So much of it is read at the sources. */
static void plan_reading(struct transfer *t)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < t->todo.count; i++)
		if (t->options->mode == TRANSFER_EVERYTHING || !is_there(t, &t->todo.pieces[i]))
			bytes += t->todo.pieces[i].length;
	for (unsigned i = 0; i < t->options->from_count; i++)
		place_plan(t->options->from[i], bytes);
}

static void start_more(struct transfer *t)
{
	enum transfer_mode mode = t->options->mode;

	tell_source(t);
	for (unsigned i = 0; i < t->slot_count && t->next < t->todo.count; i++) {
		const struct piece *piece = &t->todo.pieces[t->next];
		bool there = (mode == TRANSFER_MISSING || t->doubts) && is_there(t, piece);
		bool check = there || mode == TRANSFER_CHECK || mode == TRANSFER_REPAIR;

		if (!window_has_room(check ? &t->checks : &t->sends, piece->length))
			break;
		if (t->slots[i].phase != PHASE_FREE)
			continue;
		t->next++;
		slot_begin(t, &t->slots[i], piece, check, mode == TRANSFER_EVERYTHING);
	}
}

/* Every slot that can go on does; how many have? */
static unsigned advance(struct transfer *t)
{
	uint64_t now = monotonic_ms();
	unsigned moved = 0;

	for (unsigned i = 0; i < t->slot_count; i++) {
		if (!slot_is_ready(&t->slots[i], now))
			continue;
		slot_advance(t, &t->slots[i]);
		moved++;
	}
	return moved;
}

unsigned transfer_at_work(const struct transfer *t)
{
	unsigned count = place_in_flight(t->options->to) > 0;

	for (unsigned i = 0; i < t->options->from_count; i++)
		count += place_in_flight(t->options->from[i]) > 0;
	return count;
}

static void wait_for_something(struct transfer *t)
{
	unsigned at_work = transfer_at_work(t);
	int ms = at_work > 1 ? TURN_SHARED_MS : TURN_MS;

	if (!at_work) { /* all are held back, or the places are lost */
		sleep_ms(NOTHING_MS);
		return;
	}
	place_turn(t->options->to, ms);
	for (unsigned i = 0; i < t->options->from_count; i++)
		place_turn(t->options->from[i], ms);
}

static void drain(struct transfer *t)
{
	place_drain(t->options->to);
	for (unsigned i = 0; i < t->options->from_count; i++)
		place_drain(t->options->from[i]);
}

bool transfer_report(struct transfer *t)
{
	const struct transfer_options *o = t->options;

	if (t->failed || !o->progress || o->progress(o->owner, &t->progress))
		return !t->failed;
	transfer_fail(t, CONTENT_CANCELLED, STATUS_CANCELLED, o->to, "", "stopped");
	return false;
}

/* Held back is not slow. */
static bool is_held_back(const struct transfer *t)
{
	for (unsigned i = 0; i < t->slot_count; i++)
		if (t->slots[i].phase == PHASE_HELD_BACK)
			return true;
	return false;
}

/* Whoever answers every request at the last moment would hold a transfer for years. */
static void check_pace(struct transfer *t)
{
	uint64_t floor_ms = t->options->floor_ms ? t->options->floor_ms : FLOOR_MS;
	uint64_t now = monotonic_ms(), bytes = t->progress.bytes_done;

	if (is_held_back(t) || !t->pace_ms || bytes - t->pace_bytes >= FLOOR_BYTES) {
		t->pace_ms = now;
		t->pace_bytes = bytes;
	} else if (now - t->pace_ms >= floor_ms) {
		transfer_fail(t, CONTENT_UNREACHABLE, STATUS_IO_TIMEOUT, t->options->to, "",
			      "less than 1 MiB has moved for too long");
	}
}

static void resume_stalled(struct transfer *t)
{
	for (unsigned i = 0; i < t->slot_count; i++)
		if (t->slots[i].phase == PHASE_STALLED &&
		    window_has_room_again(t->slots[i].window, t->slots[i].piece->length))
			slot_resume(t, &t->slots[i]);
}

static bool run(struct transfer *t)
{
	uint32_t reported = 0;

	window_init(&t->checks);
	window_init(&t->sends);
	if (t->options->mode == TRANSFER_MISSING || t->options->mode == TRANSFER_EVERYTHING)
		plan_reading(t);
	t->slot_count = place_depth(t->options->to);
	if (t->slot_count > TRANSFER_DEPTH_MAX)
		t->slot_count = TRANSFER_DEPTH_MAX;
	while (!t->failed && (t->busy || t->next < t->todo.count)) {
		bool lost = t->lost_target || t->lost_source;

		if (!lost) {
			resume_stalled(t);
			start_more(t);
		}
		if (!advance(t))
			wait_for_something(t);
		if (t->lost_target || t->lost_source)
			transfer_recover(t);
		check_pace(t);
		if (t->progress.pieces_done != reported) {
			reported = t->progress.pieces_done;
			transfer_report(t);
		}
	}
	drain(t);
	for (unsigned i = 0; i < t->options->from_count; i++)
		place_plan(t->options->from[i], 0);
	return !t->failed;
}

/* persistently - take a step that only the target is needed for, and that may be taken again, until
 * it is done or the target has been lost for longer than patience lasts. */
static bool persistently(struct transfer *t, bool (*step)(struct transfer *t))
{
	uint64_t end = monotonic_ms() + t->options->patience_ms;

	while (!step(t)) {
		if (t->why->problem != CONTENT_UNREACHABLE || monotonic_ms() >= end)
			return false;
		t->lost_target = true;
		t->lost_status = t->why->status;
		transfer_recover(t);
		if (t->failed)
			return false;
	}
	return true;
}

static bool check_target(struct transfer *t)
{
	const uint8_t *hash = t->hash;
	auto_buf struct buf bytes = { 0 };
	struct content_failure why = { 0 };

	if (layout_read_target(t->options->to, hash, MANIFEST_BYTES_MAX, &bytes, &why))
		return true;
	if (why.problem != CONTENT_MISSING && why.problem != CONTENT_DAMAGED &&
	    why.problem != CONTENT_TOO_LARGE) {
		*t->why = why;
		return false;
	}
	if (!t->result->bad++)
		memcpy(t->result->first_bad, hash, SHA256_LENGTH);
	return true;
}

bool transfer_wait_for_leave(struct transfer *t, uint64_t bytes)
{
	const struct transfer_options *o = t->options;
	uint64_t ms;

	while (o->may_send && (ms = o->may_send(o->owner, bytes)) > 0) {
		if (!transfer_report(t))
			return false;
		sleep_ms(ms);
	}
	return true;
}

static bool publish(struct transfer *t)
{
	auto_buf struct buf bytes = { 0 };
	struct place *to = t->options->to;
	ntstatus status;

	/* The target was lost behind the last piece, and is doubted. */
	if (t->next < t->todo.count && !run(t))
		return false;
	status = t->todo.count && !t->on_disk ? place_sync(to) : STATUS_SUCCESS;
	if (status)
		return content_fail_status(t->why, status, true, place_title(to),
					   "bring the pieces to the disk");
	t->on_disk = true;
	if (!manifest_encode(&t->manifest, &bytes, t->why))
		return false;
	if (!transfer_compose_manifest(t, &bytes) &&
	    (!transfer_wait_for_leave(t, bytes.len) ||
	     !layout_write_target(to, t->hash, bytes.data, bytes.len, t->why)))
		return false;
	status = place_remove(to, LAYOUT_UNFINISHED);
	if (status && status != STATUS_OBJECT_NAME_NOT_FOUND)
		return content_fail_status(t->why, status, true, place_title(to),
					   "note that the transfer has ended");
	return true;
}

/* @overtaken: another has changed the target meanwhile; nothing is published. */
static bool take_turn(const uint8_t hash[SHA256_LENGTH], const struct transfer_options *options,
		      struct transfer_result *result, struct content_failure *why, bool *overtaken)
{
	struct transfer t cleanup(transfer_free) = {
		.hash = hash,
		.options = options,
		.result = result,
		.why = why,
	};
	bool check = options->mode == TRANSFER_CHECK, good;

	if (!find_manifest(&t) || !plan(&t))
		return false;
	if (!check && !options->from_count)
		return content_fail(t.why, CONTENT_MISSING, STATUS_NOT_FOUND, NULL,
				    "there is no source to read pieces from");
	good = check || !t.todo.count || persistently(&t, mark_unfinished);
	if (good && options->mode == TRANSFER_MISSING) {
		good = there_is_room(&t);
		if (good)
			transfer_compose(&t);
	}
	good = good && run(&t) && persistently(&t, check ? check_target : publish);
	*overtaken = t.overtaken;
	return good;
}

bool content_transfer(const uint8_t hash[SHA256_LENGTH], const struct transfer_options *options,
		      struct transfer_result *result, struct content_failure *why)
{
	struct transfer_options turn = *options;
	struct content_failure unused;
	bool overtaken = false;

	BUG_ON(options->from_count > TRANSFER_SOURCES_MAX);
	if (!why)
		why = &unused;
	*result = (struct transfer_result){ 0 };
	for (unsigned i = 0; i < TURNS_MAX; i++) {
		if (take_turn(hash, &turn, result, why, &overtaken))
			return true;
		if (!overtaken)
			return false;
		/* Nothing is known of what is there any more: all of it is read. */
		turn.mode = TRANSFER_REPAIR;
		turn.held_count = 0;
		overtaken = false;
		*result = (struct transfer_result){
			.sent = result->sent,
			.reconnects = result->reconnects,
			.bytes_sent = result->bytes_sent,
			.bytes_checked = result->bytes_checked,
		};
	}
	return content_fail(why, CONTENT_BUSY, STATUS_SHARING_VIOLATION, place_title(options->to),
			    "others changed it each time it was lost");
}
