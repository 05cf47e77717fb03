// SPDX-License-Identifier: Apache-2.0
/*
 * Reading ahead. Opening a file that is not in memory waits for its directory and its inode, and
 * having its pages fetched takes as long as reading them; neither is the sender's business. Several
 * threads wait at a time: the pieces of a library lie all over a disk, which has many of them under
 * way as quickly as one. A file is closed again at once: what was fetched stays with the system,
 * and a site that serves many targets would run out of descriptors.
 *
 * They are woken for several names at a time, as a thread that is woken for one costs more than
 * what it does; the last few are read when they are read.
 *
 * Locks: r->lock guards the ring and stops; nothing is opened under it. The threads belong to the
 * struct and end with it; how many run, and forgets, is known to the caller's thread alone.
 */
#include "read_ahead.h"

#include <base/thread.h>
#include <content/layout.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

#define AHEAD_MAX    512u /* names; who reads in order has passed the oldest when there are more */
#define THREADS_MAX  4u
#define MEMORY_SHARE 4u
#define BATCH	     16u /* names that a thread is woken for */

static atomic_int readers_of_much; /* in this process */

struct read_ahead {
	const struct tree *tree;
	pthread_t threads[THREADS_MAX];
	unsigned running;
	pthread_mutex_t lock;
	pthread_cond_t more;
	char names[AHEAD_MAX][LAYOUT_NAME_MAX]; /* a ring: @count from @first on */
	unsigned first, count;
	bool stops;
	bool forgets; /* what was read is not to stay in memory */
};

/* The next names; 0: it is over. */
static unsigned take_names(struct read_ahead *r, char names[BATCH][LAYOUT_NAME_MAX])
{
	unsigned taken = 0;

	pthread_mutex_lock(&r->lock);
	while (r->count < BATCH && !r->stops)
		pthread_cond_wait(&r->more, &r->lock);
	while (!r->stops && taken < BATCH) {
		memcpy(names[taken++], r->names[r->first], LAYOUT_NAME_MAX);
		r->first = (r->first + 1) % AHEAD_MAX;
		r->count--;
	}
	pthread_mutex_unlock(&r->lock);
	return taken;
}

static void fetch(const struct read_ahead *r, const char *name)
{
	auto_close int fd = tree_file(r->tree, name, FILE_READ, FILE_USUAL);

	if (fd >= 0) /* else whoever reads it is told */
		(void)!posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED);
}

static void *run(void *owner)
{
	struct read_ahead *r = owner;
	char names[BATCH][LAYOUT_NAME_MAX];
	unsigned count;

	while ((count = take_names(r, names)) > 0)
		for (unsigned i = 0; i < count; i++)
			fetch(r, names[i]);
	return NULL;
}

struct read_ahead *read_ahead_new(const struct tree *tree)
{
	struct read_ahead *r = xalloc(1, sizeof(*r));

	r->tree = tree;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->more, NULL);
	return r;
}

static bool start(struct read_ahead *r)
{
	while (r->running < THREADS_MAX &&
	       !thread_start(&r->threads[r->running], "read ahead", run, r))
		r->running++;
	return r->running;
}

void read_ahead_add(struct read_ahead *r, const char *name)
{
	size_t length = strlen(name);

	if (length >= LAYOUT_NAME_MAX)
		return;
	if (!r->running && !start(r))
		return; /* then it is read when it is read */
	pthread_mutex_lock(&r->lock);
	if (r->count == AHEAD_MAX) {
		r->first = (r->first + 1) % AHEAD_MAX;
		r->count--;
	}
	memcpy(r->names[(r->first + r->count) % AHEAD_MAX], name, length + 1);
	if (++r->count % BATCH == 0)
		pthread_cond_signal(&r->more);
	pthread_mutex_unlock(&r->lock);
}

void read_ahead_plan(struct read_ahead *r, uint64_t bytes)
{
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	bool forgets = bytes > memory / MEMORY_SHARE;

	if (forgets != r->forgets)
		atomic_fetch_add(&readers_of_much, forgets ? 1 : -1);
	r->forgets = forgets;
}

void read_ahead_done(struct read_ahead *r, int fd)
{
	if (r->forgets && atomic_load(&readers_of_much) == 1)
		(void)!posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

void read_ahead_free(struct read_ahead *r)
{
	if (!r)
		return;
	read_ahead_plan(r, 0);
	pthread_mutex_lock(&r->lock);
	r->stops = true;
	pthread_cond_broadcast(&r->more);
	pthread_mutex_unlock(&r->lock);
	for (unsigned i = 0; i < r->running; i++)
		pthread_join(r->threads[i], NULL);
	pthread_cond_destroy(&r->more);
	pthread_mutex_destroy(&r->lock);
	free(r);
}
