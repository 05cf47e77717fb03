// SPDX-License-Identifier: Apache-2.0
/* A place that was lost: waiting for it, and what may have happened to it meanwhile. */
#include "transfer_impl.h"

#define RETRY_FIRST_MS 100
#define RETRY_MOST_MS  5000

/*
 * While the target was lost its lock was free, and whoever took it may have removed what was
 * brought, or what the target was known to hold. Every writer takes the mark away or leaves its own
 * there, before it changes anything else; where this run has left none, nobody can tell.
 */
static ntstatus look_for_mark(struct transfer *t)
{
	auto_buf struct buf mark = { 0 };
	ntstatus status = STATUS_OBJECT_NAME_NOT_FOUND;

	if (t->options->mode == TRANSFER_CHECK) /* publishes nothing */
		return STATUS_SUCCESS;
	if (t->marked)
		status = place_read(t->options->to, LAYOUT_UNFINISHED, LAYOUT_NAME_MAX, &mark);
	if (content_problem_of(status, false) == CONTENT_UNREACHABLE)
		return status; /* lost once more */
	t->overtaken = status || mark.len != strlen(t->token) ||
		       memcmp(mark.data, t->token, mark.len) != 0;
	return STATUS_SUCCESS;
}

static ntstatus open_again(struct transfer *t)
{
	ntstatus status = STATUS_SUCCESS;

	if (t->lost_target) {
		status = place_reopen(t->options->to);
		if (!status)
			status = place_lock(t->options->to, LAYOUT_LOCK);
		return status ? status : look_for_mark(t);
	}
	/* One source that is back will do. */
	for (unsigned i = 0; i < t->options->from_count; i++) {
		status = place_reopen(t->options->from[i]);
		if (!status)
			break;
	}
	return status;
}

/* What is behind its deadline does not come back. */
static bool nobody_has_time(const struct transfer *t)
{
	if (t->lost_target)
		return place_is_late(t->options->to);
	for (unsigned i = 0; i < t->options->from_count; i++)
		if (!place_is_late(t->options->from[i]))
			return false;
	return true;
}

/* How long patience lasts for the piece that we are at. */
static uint64_t patience_end_ms(struct transfer *t)
{
	if (!t->lost_since_ms || t->progress.pieces_done > t->lost_at_pieces) {
		t->lost_since_ms = monotonic_ms();
		t->lost_at_pieces = t->progress.pieces_done;
	}
	return t->lost_since_ms + t->options->patience_ms;
}

/*
 * A target that is lost may have lost its power, and with it what it said to have stored and had
 * not brought to its disk. So all that was done before counts as what an earlier run has left: it
 * is read, and sent again where it is not whole.
 */
static void doubt_target(struct transfer *t)
{
	if (t->on_disk || t->options->mode == TRANSFER_CHECK)
		return;
	for (unsigned i = 0; i < t->slot_count; i++)
		if (t->slots[i].phase != PHASE_FREE)
			slot_release(t, &t->slots[i]);
	for (size_t i = 0; i < t->next; i++) {
		if (piece_set_add_one(&t->there, &t->todo.pieces[i]))
			continue;
		transfer_fail(t, CONTENT_INTERNAL, STATUS_NO_MEMORY, t->options->to, "",
			      "out of memory");
		return;
	}
	piece_set_sort(&t->there);
	t->doubts = true;
	t->next = 0;
	t->progress.pieces_done = t->before.pieces_done;
	t->progress.bytes_done = t->before.bytes_done;
	t->pace_ms = 0;
}

void transfer_recover(struct transfer *t)
{
	uint64_t pause = RETRY_FIRST_MS, end;
	ntstatus status = t->lost_status;

	if (transfer_at_work(t))
		return;
	window_shrink(&t->checks, monotonic_ms());
	window_shrink(&t->sends, monotonic_ms());
	end = patience_end_ms(t);
	if (t->lost_target)
		doubt_target(t);
	while (monotonic_ms() < end && transfer_report(t)) {
		status = open_again(t);
		if (!status || nobody_has_time(t))
			break;
		sleep_ms(min_u64(pause, RETRY_MOST_MS));
		pause *= 2;
	}
	if (status) {
		transfer_fail(t, CONTENT_UNREACHABLE, status,
			      t->lost_target ? t->options->to : t->options->from[0], "",
			      "it was lost and has not come back");
		return;
	}
	t->result->reconnects++;
	t->lost_target = t->lost_source = false;
	t->failed = t->overtaken; /* content_transfer begins anew */
}
