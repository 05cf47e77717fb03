// SPDX-License-Identifier: Apache-2.0
/* Timers of a loop: a binary heap by due time. A timer knows its place, so that it can be moved. */
#include "impl.h"

static bool earlier(const struct loop_timer *a, const struct loop_timer *b)
{
	return a->due_ms < b->due_ms;
}

static void place(struct loop *loop, struct loop_timer *timer, size_t index)
{
	loop->timers[index] = timer;
	timer->heap_index = index;
}

static void sift_up(struct loop *loop, struct loop_timer *timer, size_t index)
{
	while (index > 1 && earlier(timer, loop->timers[index / 2])) {
		place(loop, loop->timers[index / 2], index);
		index /= 2;
	}
	place(loop, timer, index);
}

static void sift_down(struct loop *loop, struct loop_timer *timer, size_t index)
{
	for (;;) {
		size_t child = index * 2;

		if (child > loop->timer_count)
			break;
		if (child < loop->timer_count &&
		    earlier(loop->timers[child + 1], loop->timers[child]))
			child++;
		if (!earlier(loop->timers[child], timer))
			break;
		place(loop, loop->timers[child], index);
		index = child;
	}
	place(loop, timer, index);
}

static void settle(struct loop *loop, struct loop_timer *timer, size_t index)
{
	if (index > 1 && earlier(timer, loop->timers[index / 2]))
		sift_up(loop, timer, index);
	else
		sift_down(loop, timer, index);
}

static void make_room(struct loop *loop)
{
	struct loop_timer **bigger;

	if (loop->timer_count + 1 < loop->timer_room)
		return;
	loop->timer_room = loop->timer_room ? loop->timer_room * 2 : 64;
	bigger = xalloc(loop->timer_room, sizeof(struct loop_timer *));
	if (loop->timers)
		memcpy(bigger, loop->timers, (loop->timer_count + 1) * sizeof(*bigger));
	free(loop->timers);
	loop->timers = bigger;
}

void loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t after_ms,
		      void (*fire)(struct loop_timer *timer))
{
	timer->fire = fire;
	timer->due_ms = monotonic_ms() + after_ms;
	if (timer->heap_index) {
		settle(loop, timer, timer->heap_index);
		return;
	}
	make_room(loop);
	sift_up(loop, timer, ++loop->timer_count);
}

void loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
	size_t index = timer->heap_index;
	struct loop_timer *last;

	if (!index)
		return;
	timer->heap_index = 0;
	last = loop->timers[loop->timer_count--];
	if (last != timer)
		settle(loop, last, index);
}

int timers_wait_ms(const struct loop *loop)
{
	uint64_t now, due;

	if (!loop->timer_count)
		return -1;
	now = monotonic_ms();
	due = loop->timers[1]->due_ms;
	return due <= now ? 0 : (int)min_u64(due - now, INT32_MAX);
}

void timers_fire(struct loop *loop)
{
	uint64_t now;

	if (!loop->timer_count)
		return;
	now = monotonic_ms();
	while (loop->timer_count && loop->timers[1]->due_ms <= now) {
		struct loop_timer *timer = loop->timers[1];

		loop_timer_stop(loop, timer);
		timer->fire(timer);
	}
}
