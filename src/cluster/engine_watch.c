// SPDX-License-Identifier: Apache-2.0
/*
 * The watch over the cluster directory: a keeper for each record, and for none that is gone; file
 * servers that go back to a better node; and what takes too long.
 */
#include "engine.h"

#include <base/log.h>
#include <base/thread.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define WATCH_TICK_MS 1000
#define NUDGE_TICK_MS 20

/* A keeper that waits in the kernel, and should not, is signalled until it has come out. Lock held.
 */
static bool nudge(struct cluster *c)
{
	bool again = false;
	uint64_t until;

	for (struct keeper *k = c->keepers; k; k = k->next) {
		if (k->waits_for_lock && keeper_wish(k, &until) != WISH_OWN) {
			pthread_kill(k->thread, WAKE_SIGNAL);
			again = true;
		}
	}
	return again;
}

static struct keeper *keeper_find(struct cluster *c, const char *name)
{
	struct keeper *k = c->keepers;

	while (k && strcasecmp(k->name, name) != 0)
		k = k->next;
	return k;
}

/* Takes over @record. Lock held. */
static void keeper_start(struct cluster *c, struct server_record *record)
{
	struct keeper *k = xalloc(1, sizeof(*k));
	pthread_condattr_t attributes;
	int error;

	k->engine = c;
	k->record = *record;
	memcpy(k->name, record->name, sizeof(k->name));
	k->generation_tried = record->generation;
	k->state = CLUSTER_OFFLINE;
	k->since_ms = realtime_ms();
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&k->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	error = thread_start(&k->thread, "keeper", keeper_run, k);
	if (error) {
		log_error("server not kept name=%s error=%s", k->name, strerror(-error));
		keeper_free(k);
		return;
	}
	k->next = c->keepers;
	c->keepers = k;
}

/* Compares what is wanted with what is kept. Reads outside the lock. */
static void scan(struct cluster *c)
{
	char **names;
	size_t count;
	int error = server_record_names(c->directory, &names, &count);

	if (error) {
		log_error("cluster directory unreadable path=%s error=%s", c->directory,
			  strerror(-error));
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct server_record record;
		struct keeper *k;

		if (server_record_read(c->directory, names[i], &record))
			continue;
		pthread_mutex_lock(&c->lock);
		k = keeper_find(c, names[i]);
		if (!k && !c->stopping) {
			keeper_start(c, &record);
		} else if (k && !k->removed) {
			server_record_free(&k->record);
			k->record = record;
			pthread_cond_broadcast(&k->changed);
		} else {
			server_record_free(&record);
		}
		pthread_mutex_unlock(&c->lock);
	}
	pthread_mutex_lock(&c->lock);
	for (struct keeper *k = c->keepers; k; k = k->next) {
		bool there = false;

		for (size_t i = 0; i < count && !there; i++)
			there = !strcasecmp(names[i], k->name);
		if (!there && !k->removed) {
			struct server_record record;

			/* Is it gone, or was it only not to be read? */
			error = server_record_read(c->directory, k->name, &record);
			server_record_free(&record);
			k->removed = error == -ENOENT;
			pthread_cond_broadcast(&k->changed);
		}
	}
	pthread_mutex_unlock(&c->lock);
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

/* Joins keepers whose servers are gone. */
static void reap(struct cluster *c)
{
	struct keeper **slot, *done = NULL;

	pthread_mutex_lock(&c->lock);
	for (slot = &c->keepers; *slot;) {
		struct keeper *k = *slot;

		if (k->ended && k->removed) {
			*slot = k->next;
			k->next = done;
			done = k;
		} else {
			slot = &k->next;
		}
	}
	pthread_mutex_unlock(&c->lock);
	while (done) {
		struct keeper *k = done;

		done = k->next;
		pthread_join(k->thread, NULL);
		keeper_free(k);
	}
}

static int start_failback(struct server_record *record, void *arg)
{
	const char *target = arg;

	if (record->target[0] || !record->want_online)
		return 1;
	snprintf(record->target, sizeof(record->target), "%s", target);
	record->target_until_ms = realtime_ms() + MOVE_DRAIN_MS;
	return 0;
}

static bool inside_window(const struct cluster_policy *policy)
{
	time_t now = time(NULL);
	struct tm local;

	if (policy->failback_from < 0 || policy->failback_to < 0 ||
	    policy->failback_from == policy->failback_to)
		return true;
	localtime_r(&now, &local);
	if (policy->failback_from <= policy->failback_to)
		return local.tm_hour >= policy->failback_from &&
		       local.tm_hour < policy->failback_to;
	return local.tm_hour >= policy->failback_from || local.tm_hour < policy->failback_to;
}

const char *engine_better_owner(const struct cluster *c, const struct server_record *r,
				const char *but)
{
	for (size_t i = 0; i < r->preferred_count; i++) {
		const char *name = r->preferred[i];

		if (!strcasecmp(name, c->node))
			break;
		if (strcasecmp(name, but) != 0 && cluster_node_is_alive(c->directory, name))
			return name;
	}
	return NULL;
}

/* A server of ours whose more preferred owner lives goes back there, where that is wanted. */
static void consider_failback(struct cluster *c)
{
	char names[8][CLUSTER_MAX_NAME], targets[8][CLUSTER_MAX_NAME];
	size_t count = 0;

	pthread_mutex_lock(&c->lock);
	for (struct keeper *k = c->keepers; k && count < 8; k = k->next) {
		const struct server_record *r = &k->record;
		const char *better;

		if (k->state != CLUSTER_ONLINE || !r->policy.failback || r->target[0] ||
		    !inside_window(&r->policy))
			continue;
		better = engine_better_owner(c, r, "");
		if (!better)
			continue;
		memcpy(names[count], k->name, CLUSTER_MAX_NAME);
		memcpy(targets[count++], better, CLUSTER_MAX_NAME);
	}
	pthread_mutex_unlock(&c->lock);
	for (size_t i = 0; i < count; i++) {
		log_info("failback name=%s to=%s", names[i], targets[i]);
		(void)!server_record_change(c->directory, names[i], start_failback, targets[i]);
	}
}

/*
 * What is pending for too long. A server that does not come online is left to its thread, and says
 * so. One that does not go offline may still be written to: the process ends, so that another node
 * can take over.
 */
static void check_pending(struct cluster *c)
{
	uint64_t now = monotonic_ms();

	for (struct keeper *k = c->keepers; k; k = k->next) {
		uint64_t limit = (uint64_t)k->record.policy.pending_timeout_s * 1000;

		if (!k->pending_since_ms || now - k->pending_since_ms <= limit)
			continue;
		if (k->state == CLUSTER_OFFLINE_PENDING) {
			log_error(
				"server does not go offline name=%s seconds=%u: this node ends so "
				"that another can take over",
				k->name, k->record.policy.pending_timeout_s);
			abort();
		}
		if (!k->reason[0])
			snprintf(k->reason, sizeof(k->reason),
				 "its volume or its addresses do not answer for more than %u s",
				 k->record.policy.pending_timeout_s);
	}
}

void *engine_watch(void *arg)
{
	struct cluster *c = arg;
	int tick = 0;
	uint64_t next_failback = 0;

	for (;;) {
		struct pollfd fds[] = { { .fd = c->inotify, .events = POLLIN },
					{ .fd = c->wake, .events = POLLIN } };
		char events[4096];
		bool stopping;
		uint64_t woken;

		(void)poll(fds, 2, tick);
		while (read(c->inotify, events, sizeof(events)) > 0)
			;
		(void)!read(c->wake, &woken, sizeof(woken));
		scan(c);
		reap(c);
		if (monotonic_ms() >= next_failback) {
			consider_failback(c);
			next_failback = monotonic_ms() + 5000;
		}
		pthread_mutex_lock(&c->lock);
		tick = nudge(c) ? NUDGE_TICK_MS : WATCH_TICK_MS;
		check_pending(c);
		stopping = c->stopping;
		for (struct keeper *k = c->keepers; k && stopping; k = k->next)
			stopping = k->ended;
		pthread_mutex_unlock(&c->lock);
		if (stopping)
			return NULL;
	}
}
