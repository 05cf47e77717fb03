// SPDX-License-Identifier: Apache-2.0
/*
 * When breaks that nobody answers run out. A list in order of time, and one thread that sleeps
 * until its first is due: begun with the first break, it never wakes while nothing is pending.
 *
 * timer_lock guards the list and every timer->armed. It is a leaf; fire is called without it.
 */
#include "opens.h"

static pthread_mutex_t timer_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static struct timer *first, *last;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void remove_locked(struct timer *timer)
{
	if (timer->previous)
		timer->previous->next = timer->next;
	else
		first = timer->next;
	if (timer->next)
		timer->next->previous = timer->previous;
	else
		last = timer->previous;
	timer->next = timer->previous = NULL;
	timer->armed = false;
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
		struct timer *timer = first;

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
	pthread_attr_t detached;
	pthread_t thread;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&changed, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	BUG_ON(pthread_create(&thread, &detached, run, NULL));
	pthread_attr_destroy(&detached);
}

void timer_arm(struct timer *timer)
{
	struct timer *before;

	pthread_once(&once, start);
	pthread_mutex_lock(&timer_lock);
	if (timer->armed)
		remove_locked(timer);
	/* Never before the time that the client has: what has begun of this millisecond is its own.
	 */
	timer->due_ms = monotonic_ms() + 1 + open_limits.break_timeout_ms;
	timer->armed = true;
	before = last;
	while (before && before->due_ms > timer->due_ms)
		before = before->previous;
	timer->previous = before;
	timer->next = before ? before->next : first;
	if (timer->next)
		timer->next->previous = timer;
	else
		last = timer;
	if (before)
		before->next = timer;
	else
		first = timer;
	if (first == timer)
		pthread_cond_signal(&changed);
	pthread_mutex_unlock(&timer_lock);
}

bool timer_is_armed(struct timer *timer)
{
	bool armed;

	pthread_mutex_lock(&timer_lock);
	armed = timer->armed;
	pthread_mutex_unlock(&timer_lock);
	return armed;
}

void timer_disarm(struct timer *timer)
{
	pthread_mutex_lock(&timer_lock);
	if (timer->armed)
		remove_locked(timer);
	pthread_mutex_unlock(&timer_lock);
}
