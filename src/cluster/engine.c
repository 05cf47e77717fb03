// SPDX-License-Identifier: Apache-2.0
/* The node in its cluster: its entry, its beginning and end, and what is asked of it. */
#include "engine.h"
#include "pacemaker.h"

#include <base/log.h>
#include <base/thread.h>
#include <cluster/home_lease.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

/* So long the others leave a file server to the better owner that it was given on to: one that
 * lives comes at once. */
#define YIELD_MS 2000

static void nothing(int number)
{
}

void keeper_free(struct keeper *k)
{
	pthread_cond_destroy(&k->changed);
	server_record_free(&k->record);
	free(k);
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
	c->yield_ms = config->yield_ms ? config->yield_ms : YIELD_MS;
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
		error = thread_start(&c->watcher, "cluster", engine_watch, c);
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
