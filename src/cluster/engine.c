// SPDX-License-Identifier: Apache-2.0
/*
 * The node in its cluster: its entry, its watch over the cluster directory, its keepers, and the
 * wishes that it writes down for all nodes.
 */
#include "engine.h"
#include "pacemaker.h"

#include <base/log.h>
#include <cluster/home_lease.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#define WATCH_TICK_MS 1000
#define NUDGE_TICK_MS 20

static void nothing(int number)
{
}

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

/* A thread without a signal that belongs to the process. */
static int start_thread(pthread_t *thread, void *(*run)(void *), void *arg)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	sigdelset(&all, WAKE_SIGNAL);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGABRT);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

static void keeper_free(struct keeper *k)
{
	pthread_cond_destroy(&k->changed);
	server_record_free(&k->record);
	free(k);
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
	error = start_thread(&k->thread, keeper_run, k);
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

/* A server of ours whose more preferred owner lives goes back there, where that is wanted. */
static void consider_failback(struct cluster *c)
{
	char names[8][CLUSTER_MAX_NAME], targets[8][CLUSTER_MAX_NAME];
	size_t count = 0;

	pthread_mutex_lock(&c->lock);
	for (struct keeper *k = c->keepers; k && count < 8; k = k->next) {
		const struct server_record *r = &k->record;

		if (k->state != CLUSTER_ONLINE || !r->policy.failback || r->target[0] ||
		    !inside_window(&r->policy))
			continue;
		for (size_t i = 0; i < r->preferred_count; i++) {
			if (!strcasecmp(r->preferred[i], c->node))
				break;
			if (!cluster_node_is_alive(c->directory, r->preferred[i]))
				continue;
			memcpy(names[count], k->name, CLUSTER_MAX_NAME);
			memcpy(targets[count++], r->preferred[i], CLUSTER_MAX_NAME);
			break;
		}
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

static void *watch(void *arg)
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

void cluster_rescan(struct cluster *c)
{
	uint64_t one = 1;

	if (c->pacemaker)
		return;
	(void)!write(c->wake, &one, sizeof(one));
}

static void read_boot_id(char *out, size_t size)
{
	auto_close int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);

	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

static void cluster_free(struct cluster *c)
{
	close_fd_ptr(&c->inotify);
	close_fd_ptr(&c->wake);
	close_fd_ptr(&c->node_lock);
	pthread_mutex_destroy(&c->lock);
	free(c->directory);
	free(c->node);
	free(c->control);
	free(c->address);
	free(c->version);
	free(c);
}

/* This node's entry: the lock says that it lives, the record how it is reached. */
static int enter(struct cluster *c, char **why)
{
	auto_free char *path = xasprintf("%s/nodes/%s.lock", c->directory, c->node);
	struct node_record record = { .pid = (int)getpid(), .port = c->port };
	int error;

	c->node_lock = lock_open(path);
	error = c->node_lock < 0 ? c->node_lock : lock_try_for(c->node_lock, LOCK_PATIENCE_MS);
	if (error) {
		*why = error == -EAGAIN
			       ? xasprintf("a node called %s is running already in the cluster %s",
					   c->node, c->directory)
			       : xasprintf("cannot lock %s: %s", path, strerror(-error));
		return error == -EAGAIN ? -EEXIST : error;
	}
	snprintf(record.name, sizeof(record.name), "%s", c->node);
	snprintf(record.control, sizeof(record.control), "%s", c->control);
	snprintf(record.address, sizeof(record.address), "%s", c->address);
	error = node_record_write(c->directory, &record);
	if (error)
		*why = xasprintf("cannot write the entry of node %s in %s: %s", c->node,
				 c->directory, strerror(-error));
	return error;
}

static int open_watch(struct cluster *c, char **why)
{
	const uint32_t mask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;
	auto_free char *servers = xasprintf("%s/servers", c->directory);
	auto_free char *nodes = xasprintf("%s/nodes", c->directory);

	c->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->inotify < 0 || c->wake < 0 || inotify_add_watch(c->inotify, servers, mask) < 0 ||
	    inotify_add_watch(c->inotify, nodes, mask) < 0) {
		*why = xasprintf("cannot watch %s: %s", c->directory, strerror(errno));
		return -errno;
	}
	return 0;
}

int cluster_start(const struct cluster_config *config, const struct cluster_events *events,
		  void *arg, struct cluster **out, char **why)
{
	struct sigaction action = { .sa_handler = nothing };
	struct cluster *c = xalloc(1, sizeof(*c));
	int error;

	*out = NULL;
	*why = NULL;
	pthread_mutex_init(&c->lock, NULL);
	c->directory = xstrdup(config->directory);
	c->node = xstrdup(config->node);
	c->control = xstrdup(config->control);
	c->address = xstrdup(config->address);
	c->version = xstrdup(config->version ? config->version : "");
	c->port = config->port;
	c->events = *events;
	c->arg = arg;
	c->node_lock = c->inotify = c->wake = -1;
	read_boot_id(c->boot_id, sizeof(c->boot_id));
	sigaction(WAKE_SIGNAL, &action, NULL);
	error = cluster_directories(c->directory);
	if (error)
		*why = xasprintf("cannot make the cluster directory %s: %s", c->directory,
				 strerror(-error));
	if (!error && config->engine == CLUSTER_EMBEDDED)
		error = open_watch(c, why);
	if (!error)
		error = enter(c, why);
	*out = c; /* callbacks may come as soon as there is a thread, and use it */
	if (!error && config->engine == CLUSTER_PACEMAKER) {
		c->pacemaker = pacemaker_start(c);
		error = c->pacemaker ? 0 : -EAGAIN;
		if (error)
			*why = xasprintf("cannot start a thread: %s", strerror(-error));
	} else if (!error) {
		error = start_thread(&c->watcher, watch, c);
		if (error)
			*why = xasprintf("cannot start a thread: %s", strerror(-error));
	}
	if (error) {
		cluster_free(c);
		*out = NULL;
	}
	return error;
}

void cluster_stop(struct cluster *c)
{
	if (c->pacemaker) {
		pacemaker_stop(c->pacemaker);
		cluster_free(c);
		return;
	}
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	for (struct keeper *k = c->keepers; k; k = k->next)
		pthread_cond_broadcast(&k->changed);
	pthread_mutex_unlock(&c->lock);
	cluster_rescan(c);
	pthread_join(c->watcher, NULL);
	while (c->keepers) {
		struct keeper *k = c->keepers;

		c->keepers = k->next;
		pthread_join(k->thread, NULL);
		keeper_free(k);
	}
	cluster_free(c);
}

size_t cluster_rows(struct cluster *c, struct cluster_row **out)
{
	size_t count = 0;

	if (c->pacemaker)
		return pacemaker_rows(c->pacemaker, out);
	pthread_mutex_lock(&c->lock);
	for (struct keeper *k = c->keepers; k; k = k->next)
		count += !k->removed;
	*out = xalloc(count, sizeof(**out));
	count = 0;
	for (struct keeper *k = c->keepers; k; k = k->next) {
		struct cluster_row *row = &(*out)[count];

		if (k->removed)
			continue;
		row->record = k->record;
		row->record.facts = json_deep_copy(k->record.facts);
		row->state = k->state;
		memcpy(row->reason, k->reason, sizeof(row->reason));
		row->since_ms = k->since_ms;
		row->epoch = k->epoch;
		count++;
	}
	pthread_mutex_unlock(&c->lock);
	return count;
}

void cluster_rows_free(struct cluster_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		server_record_free(&rows[i].record);
		json_decref(rows[i].parts);
	}
	free(rows);
}

/* ---- under Pacemaker */

static int not_embedded(char **why)
{
	*why = xasprintf(
		"this node runs the embedded engine, which decides by itself what is started "
		"here; for a resource agent set engine = pacemaker in its configuration");
	return -ENOTSUP;
}

int cluster_local_start(struct cluster *c, const char *name, const char *volume, char **why)
{
	return c->pacemaker ? pacemaker_local_start(c->pacemaker, name, volume, why)
			    : not_embedded(why);
}

int cluster_local_stop(struct cluster *c, const char *name, const char *volume, char **why)
{
	return c->pacemaker ? pacemaker_local_stop(c->pacemaker, name, volume, why)
			    : not_embedded(why);
}

int cluster_local_check(struct cluster *c, const char *name, char **why)
{
	return c->pacemaker ? pacemaker_local_check(c->pacemaker, name, why) : not_embedded(why);
}

void *cluster_guard(struct cluster *c, const char *name)
{
	return c->pacemaker ? pacemaker_guard(c->pacemaker, name) : NULL;
}

bool cluster_guard_holds(void *guard)
{
	return home_lease_holds(guard);
}

json_t *cluster_view(struct cluster *c)
{
	return c->pacemaker ? pacemaker_view(c->pacemaker) : NULL;
}
