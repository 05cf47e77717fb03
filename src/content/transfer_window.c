// SPDX-License-Identifier: Apache-2.0
/*
 * How much is under way at a time. An answer that takes longer than a place's patience counts as
 * lost, and on a slow line it waits for all that was asked before it: 4 MiB take half a minute at 1
 * Mbit/s. So what is under way grows by what comes back quickly, and is halved where something took
 * long, at most once in that time: what was asked before it is late, too.
 */
#include "transfer_impl.h"

#define WINDOW_FIRST (128u << 10)
#define WINDOW_LEAST (64u << 10)
#define WINDOW_MOST  (8u << 20)
#define LONG_MS	     4000u /* far below the 30 s that a request waits for its answer */

void window_init(struct window *w)
{
	*w = (struct window){ .most = WINDOW_FIRST };
}

static bool fits(const struct window *w, size_t used, size_t length)
{
	return !used || used + length <= w->most;
}

bool window_has_room(const struct window *w, size_t length)
{
	return fits(w, w->used, length);
}

bool window_has_room_again(const struct window *w, size_t length)
{
	return fits(w, w->used - w->stalled, length);
}

void window_shrink(struct window *w, uint64_t now_ms)
{
	if (w->shrunk_ms && now_ms - w->shrunk_ms < LONG_MS)
		return;
	w->most = max_u64(w->most / 2, WINDOW_LEAST);
	w->shrunk_ms = now_ms;
}

void window_note(struct window *w, size_t length, uint64_t ms, uint64_t now_ms)
{
	if (ms < LONG_MS)
		w->most = min_u64(w->most + length, WINDOW_MOST);
	else
		window_shrink(w, now_ms);
}
