// SPDX-License-Identifier: Apache-2.0
/*
 * What runs out: breaks that nobody answers, opens that nobody comes back for. A heap in order of
 * time, and one thread that sleeps until its first is due: begun with the first timer, it never
 * wakes while nothing is pending.
 *
 * timer_lock guards the heap and every timer->at. It is a leaf; fire is called without it.
 */
#include "opens.h"

#include <base/thread.h>

static pthread_mutex_t timer_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static struct timer **heap; /* no timer is due before heap[(its index - 1) / 2] */
static size_t heap_count, heap_cap;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* A timer that is armed knows its index, counted from 1. */
static void put_at(struct timer *timer, size_t index)
{
	heap[index] = timer;
	timer->at = index + 1;
}

static void sift_up(struct timer *timer, size_t index)
{
	while (index && heap[(index - 1) / 2]->due_ms > timer->due_ms) {
		put_at(heap[(index - 1) / 2], index);
		index = (index - 1) / 2;
	}
	put_at(timer, index);
}

static void sift_down(struct timer *timer, size_t index)
{
	for (;;) {
		size_t child = 2 * index + 1;

		if (child + 1 < heap_count && heap[child + 1]->due_ms < heap[child]->due_ms)
			child++;
		if (child >= heap_count || heap[child]->due_ms >= timer->due_ms)
			break;
		put_at(heap[child], index);
		index = child;
	}
	put_at(timer, index);
}

static void remove_locked(struct timer *timer)
{
	size_t index = timer->at - 1;
	struct timer *last = heap[--heap_count];

	timer->at = 0;
	if (last == timer)
		return;
	if (index && heap[(index - 1) / 2]->due_ms > last->due_ms)
		sift_up(last, index);
	else
		sift_down(last, index);
}

static void insert_locked(struct timer *timer)
{
	if (heap_count == heap_cap) {
		size_t cap = heap_cap ? heap_cap * 2 : 64;
		struct timer **grown = xalloc(cap, sizeof(*grown));

		if (heap_count)
			memcpy(grown, heap, heap_count * sizeof(*grown));
		free(heap);
		heap = grown;
		heap_cap = cap;
	}
	heap_count++;
	sift_up(timer, heap_count - 1);
}

static void sleep_until(uint64_t due_ms)
{
	struct timespec until = { .tv_sec = (time_t)(due_ms / 1000),
				  .tv_nsec = (long)(due_ms % 1000) * 1000000 };

	pthread_cond_timedwait(&changed, &timer_lock, &until);
}

static void *run(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&timer_lock);
	for (;;) {
		struct timer *timer = heap_count ? heap[0] : NULL;

		if (!timer) {
			pthread_cond_wait(&changed, &timer_lock);
		} else if (timer->due_ms > monotonic_ms()) {
			sleep_until(timer->due_ms);
		} else {
			remove_locked(timer);
			timer->hold(timer);
			pthread_mutex_unlock(&timer_lock);
			timer->fire(timer);
			pthread_mutex_lock(&timer_lock);
		}
	}
	return NULL;
}

static void start(void)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&changed, &attributes);
	pthread_condattr_destroy(&attributes);
	BUG_ON(thread_start(NULL, "timers", run, NULL));
}

void timer_arm(struct timer *timer, uint32_t after_ms)
{
	pthread_once(&once, start);
	pthread_mutex_lock(&timer_lock);
	if (timer->at)
		remove_locked(timer);
	/* Never before the time that the client has: what has begun of this millisecond is its own.
	 */
	timer->due_ms = monotonic_ms() + 1 + after_ms;
	insert_locked(timer);
	if (heap[0] == timer)
		pthread_cond_signal(&changed);
	pthread_mutex_unlock(&timer_lock);
}

bool timer_is_armed(struct timer *timer)
{
	bool armed;

	pthread_mutex_lock(&timer_lock);
	armed = timer->at != 0;
	pthread_mutex_unlock(&timer_lock);
	return armed;
}

void timer_disarm(struct timer *timer)
{
	pthread_mutex_lock(&timer_lock);
	if (timer->at)
		remove_locked(timer);
	pthread_mutex_unlock(&timer_lock);
}
