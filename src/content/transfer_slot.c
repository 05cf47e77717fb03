// SPDX-License-Identifier: Apache-2.0
/* One piece on its way: from phase to phase, with what each answer means. */
#include "transfer_impl.h"

#include <crypto/crypto.h>

#define WRITE_ATTEMPTS_MAX 3
#define BENCH_FIRST_MS	   10000
#define BENCH_MOST_MS	   300000

/* Which phase may follow which. */
#define TO(phase)	   (1u << PHASE_##phase)
static const uint8_t allowed[PHASE_COUNT] = {
	[PHASE_FREE] = TO(CHECKING) | TO(FETCHING) | TO(STALLED),
	[PHASE_CHECKING] = TO(FREE) | TO(FETCHING) | TO(STALLED),
	[PHASE_FETCHING] = TO(FREE) | TO(FETCHING) | TO(HELD_BACK) | TO(SENDING) | TO(STALLED),
	[PHASE_HELD_BACK] = TO(SENDING) | TO(HELD_BACK) | TO(FREE),
	[PHASE_SENDING] = TO(FREE) | TO(CHECKING) | TO(READING_BACK) | TO(STALLED),
	[PHASE_READING_BACK] = TO(FREE) | TO(FETCHING) | TO(HELD_BACK) | TO(SENDING) | TO(STALLED),
	[PHASE_STALLED] = TO(CHECKING) | TO(FETCHING) | TO(STALLED) | TO(FREE),
};

static void move(struct slot *slot, enum phase phase)
{
	BUG_ON(!(allowed[slot->phase] & (1u << phase)));
	if (slot->phase == PHASE_STALLED)
		slot->window->stalled -= slot->piece->length;
	if (phase == PHASE_STALLED)
		slot->window->stalled += slot->piece->length;
	slot->phase = phase;
}

static struct place *source_of(const struct transfer *t, const struct slot *slot)
{
	return t->options->from[slot->source];
}

/* What is sent goes to a new name, or beside what has it: never over a piece that a package which
 * is published may refer to. A mover does not know of all of them. */
static void ask(const struct transfer *t, struct slot *slot, enum phase phase)
{
	bool from_target = phase == PHASE_CHECKING || phase == PHASE_READING_BACK;
	uint8_t **room = from_target ? &slot->back : &slot->data;

	if (!*room)
		*room = malloc(slot->piece->length); /* not zeroed: it is written over */
	BUG_ON(!*room);
	slot->rq = (struct place_request){
		.verb = phase == PHASE_SENDING ? PLACE_PUT : PLACE_GET,
		.name = slot->name,
		.data = *room,
		.length = slot->piece->length,
	};
	if (phase == PHASE_SENDING) {
		slot->rq.replace = slot->replace;
		slot->rq.is_new = !slot->replace;
		slot->rq.wants_back = !t->options->trust_writes;
	}
	move(slot, phase);
	slot->asked_ms = monotonic_ms();
	place_begin(phase == PHASE_FETCHING ? source_of(t, slot) : t->options->to, &slot->rq);
}

void slot_release(struct transfer *t, struct slot *slot)
{
	move(slot, PHASE_FREE);
	free(slot->data);
	free(slot->back);
	slot->data = slot->back = NULL;
	t->busy--;
	slot->window->used -= slot->piece->length;
}

static void give_up(struct transfer *t, struct slot *slot, enum content_problem problem,
		    ntstatus status, const struct place *place, const char *text)
{
	transfer_fail(t, problem, status, place, slot->name, text);
	slot_release(t, slot);
}

static void finish(struct transfer *t, struct slot *slot)
{
	t->progress.pieces_done++;
	t->progress.bytes_done += slot->piece->length;
	window_note(slot->window, slot->piece->length, slot->waited_ms, monotonic_ms());
	slot_release(t, slot);
}

static bool is_piece(const struct slot *slot, const uint8_t *data)
{
	uint8_t hash[SHA256_LENGTH];

	return hash_sha256(data, slot->piece->length, hash) &&
	       !memcmp(hash, slot->piece->hash, SHA256_LENGTH);
}

static bool is_whole(const struct slot *slot, const uint8_t *data)
{
	return !slot->rq.status && slot->rq.got == slot->piece->length && is_piece(slot, data);
}

/* Did what was written come back as it is to be? With the answer to that, or when it was asked for.
 */
static bool came_back(const struct slot *slot)
{
	if (!slot->rq.is_back)
		return is_whole(slot, slot->back);
	return !slot->rq.status && slot->rq.got == slot->piece->length &&
	       !memcmp(slot->rq.back, slot->piece->hash, SHA256_LENGTH);
}

static void stall(struct slot *slot, bool restart_check)
{
	slot->restart_check = restart_check;
	slot->tried = 0;
	move(slot, PHASE_STALLED);
}

/* A place that does not answer may come back, where there is patience. */
static bool target_is_lost(struct transfer *t, struct slot *slot)
{
	ntstatus status = slot->rq.status;

	if (!t->options->patience_ms || content_problem_of(status, true) != CONTENT_UNREACHABLE)
		return false;
	t->lost_target = true;
	t->lost_status = status;
	stall(slot, slot->phase == PHASE_CHECKING);
	return true;
}

/* One that does not answer may take its time to say so, for every piece: the others do meanwhile.
 */
static void bench(struct transfer *t, unsigned source)
{
	struct bench *b = &t->benches[source];

	b->pause_ms = b->pause_ms ? min_u64(b->pause_ms * 2, BENCH_MOST_MS) : BENCH_FIRST_MS;
	b->until_ms = monotonic_ms() + b->pause_ms;
}

/* The first of @sources (by bit) that has room. */
static bool pick_among(const struct transfer *t, struct slot *slot, uint32_t sources)
{
	for (unsigned i = 0; i < t->options->from_count; i++) {
		const struct place *place = t->options->from[i];

		if (!(sources & (1u << i)) || place_in_flight(place) >= place_depth(place))
			continue;
		slot->source = i;
		return true;
	}
	return false;
}

/* Of those that have not failed this piece; one that was lost where there is no other. */
static bool pick_source(const struct transfer *t, struct slot *slot)
{
	uint32_t untried = ((1u << t->options->from_count) - 1) & ~slot->tried, well = untried;
	uint64_t now = monotonic_ms();

	for (unsigned i = 0; i < t->options->from_count; i++)
		if (now < t->benches[i].until_ms)
			well &= ~(1u << i);
	return pick_among(t, slot, well ? well : untried);
}

static bool all_tried(const struct transfer *t, const struct slot *slot)
{
	return slot->tried == (1u << t->options->from_count) - 1;
}

static void fetch(struct transfer *t, struct slot *slot)
{
	if (pick_source(t, slot))
		ask(t, slot, PHASE_FETCHING);
	else
		move(slot, PHASE_STALLED); /* until a source has room again */
}

static void send_piece(struct transfer *t, struct slot *slot)
{
	const struct transfer_options *o = t->options;
	uint64_t wait_ms = o->may_send ? o->may_send(o->owner, slot->piece->length) : 0;

	if (wait_ms) {
		slot->ready_ms = monotonic_ms() + wait_ms;
		move(slot, PHASE_HELD_BACK);
		return;
	}
	ask(t, slot, PHASE_SENDING);
}

static void checked(struct transfer *t, struct slot *slot)
{
	enum content_problem problem = content_problem_of(slot->rq.status, false);

	t->result->bytes_checked += slot->rq.got;
	if (is_whole(slot, slot->back)) {
		t->result->present++;
		finish(t, slot);
		return;
	}
	if (target_is_lost(t, slot))
		return;
	if (problem == CONTENT_UNREACHABLE || problem == CONTENT_INTERNAL) {
		give_up(t, slot, problem, slot->rq.status, t->options->to, "read a piece back");
		return;
	}
	if (!slot->collided && !t->result->bad++)
		memcpy(t->result->first_bad, slot->piece->hash, SHA256_LENGTH);
	if (t->options->mode == TRANSFER_CHECK) {
		finish(t, slot);
		return;
	}
	slot->replace = true;
	fetch(t, slot);
}

/* What a trusted source has, is written to a new name and read back again, is hashed once, there.
 */
static bool is_worth_sending(const struct transfer *t, const struct slot *slot)
{
	if (slot->replace || t->options->trust_writes || !t->options->trust_reads)
		return is_whole(slot, slot->data);
	return !slot->rq.status && slot->rq.got == slot->piece->length;
}

static void try_another_source(struct transfer *t, struct slot *slot)
{
	struct place *source = source_of(t, slot);
	enum content_problem problem = content_problem_of(slot->rq.status, false);

	slot->tried |= 1u << slot->source;
	if (problem == CONTENT_UNREACHABLE)
		bench(t, slot->source);
	if (!all_tried(t, slot)) {
		fetch(t, slot);
		return;
	}
	if (problem == CONTENT_UNREACHABLE && t->options->patience_ms) {
		t->lost_source = true;
		t->lost_status = slot->rq.status;
		stall(slot, false);
	} else if (slot->rq.status) {
		give_up(t, slot, problem, slot->rq.status, source, "read a piece at its source");
	} else {
		give_up(t, slot, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, source,
			"the bytes of a piece at its source are not what their hash says");
	}
}

static void fetched(struct transfer *t, struct slot *slot)
{
	if (is_worth_sending(t, slot)) {
		t->benches[slot->source].pause_ms = 0;
		send_piece(t, slot);
		return;
	}
	try_another_source(t, slot);
}

static void read_back(struct transfer *t, struct slot *slot)
{
	t->result->bytes_checked += slot->rq.got;
	if (came_back(slot)) {
		finish(t, slot);
	} else if (target_is_lost(t, slot)) {
		return;
	} else if (slot->rq.status) {
		give_up(t, slot, content_problem_of(slot->rq.status, false), slot->rq.status,
			t->options->to, "read a piece back");
	} else if (!is_piece(slot,
			     slot->data)) { /* it was not what it should be when it was sent */
		slot->replace = true;
		try_another_source(t, slot);
	} else if (++slot->attempts < WRITE_ATTEMPTS_MAX) {
		slot->replace = true;
		send_piece(t, slot);
	} else {
		give_up(t, slot, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, t->options->to,
			"a piece does not come back as it was written");
	}
}

/* Its name is taken: by what an interrupted run left, or by a whole piece that nobody told of. */
static bool is_taken(const struct slot *slot)
{
	return slot->rq.status == STATUS_OBJECT_NAME_COLLISION && !slot->replace;
}

static void sent(struct transfer *t, struct slot *slot)
{
	if (is_taken(slot)) {
		slot->collided = true;
		ask(t, slot, PHASE_CHECKING);
	} else if (!slot->rq.status) {
		t->result->sent++;
		t->result->bytes_sent += slot->piece->length;
		t->progress.bytes_sent += slot->piece->length;
		if (t->options->trust_writes) {
			finish(t, slot);
		} else if (slot->rq.is_back) {
			move(slot, PHASE_READING_BACK);
			read_back(t, slot);
		} else {
			ask(t, slot, PHASE_READING_BACK);
		}
	} else if (!target_is_lost(t, slot)) {
		give_up(t, slot, content_problem_of(slot->rq.status, true), slot->rq.status,
			t->options->to, "write a piece");
	}
}

void slot_begin(struct transfer *t, struct slot *slot, const struct piece *piece, bool check,
		bool replace)
{
	slot->piece = piece;
	slot->tried = 0;
	slot->attempts = 0;
	slot->waited_ms = 0;
	slot->replace = replace;
	slot->collided = t->doubts;
	layout_piece(slot->name, piece->hash);
	t->busy++;
	slot->window = check ? &t->checks : &t->sends;
	slot->window->used += piece->length;
	if (check)
		ask(t, slot, PHASE_CHECKING);
	else
		fetch(t, slot);
}

void slot_resume(struct transfer *t, struct slot *slot)
{
	if (slot->restart_check) {
		slot->restart_check = false;
		ask(t, slot, PHASE_CHECKING);
	} else {
		fetch(t, slot);
	}
}

bool slot_is_ready(const struct slot *slot, uint64_t now_ms)
{
	switch (slot->phase) {
	case PHASE_FREE:
	case PHASE_STALLED:
	case PHASE_COUNT:
		return false;
	case PHASE_HELD_BACK:
		return now_ms >= slot->ready_ms;
	case PHASE_CHECKING:
	case PHASE_FETCHING:
	case PHASE_SENDING:
	case PHASE_READING_BACK:
		return slot->rq.done;
	}
	return false;
}

void slot_advance(struct transfer *t, struct slot *slot)
{
	static void (*const steps[PHASE_COUNT])(struct transfer *, struct slot *) = {
		[PHASE_CHECKING] = checked,	  [PHASE_FETCHING] = fetched,
		[PHASE_HELD_BACK] = send_piece,	  [PHASE_SENDING] = sent,
		[PHASE_READING_BACK] = read_back,
	};

	BUG_ON(!steps[slot->phase]);
	if (slot->phase != PHASE_HELD_BACK)
		slot->waited_ms = max_u64(slot->waited_ms, monotonic_ms() - slot->asked_ms);
	steps[slot->phase](t, slot);
}
