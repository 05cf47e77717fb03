// SPDX-License-Identifier: Apache-2.0
/*
 * Reading ahead. Opening a file that is not in memory waits for its directory and its inode, and
 * having its pages fetched takes as long as reading them; neither is the sender's business. A file
 * is closed again at once: what was fetched stays with the system, and a site that serves many
 * targets would run out of descriptors.
 *
 * Locks: r->lock guards the ring and stops; nothing is opened under it. The thread belongs to the
 * struct and ends with it.
 */
#include "read_ahead.h"

#include <base/thread.h>
#include <content/layout.h>
#include <fcntl.h>

#define AHEAD_MAX 64u /* names; who reads in order has passed the oldest when there are more */

struct read_ahead {
	const struct tree *tree;
	pthread_t thread;
	bool runs; /* of the caller's thread alone */
	pthread_mutex_t lock;
	pthread_cond_t more;
	char names[AHEAD_MAX][LAYOUT_NAME_MAX]; /* a ring: @count from @first on */
	unsigned first, count;
	bool stops;
};

/* The next name; false: it is over. */
static bool take_name(struct read_ahead *r, char name[LAYOUT_NAME_MAX])
{
	bool taken;

	pthread_mutex_lock(&r->lock);
	while (!r->count && !r->stops)
		pthread_cond_wait(&r->more, &r->lock);
	taken = !r->stops;
	if (taken) {
		memcpy(name, r->names[r->first], LAYOUT_NAME_MAX);
		r->first = (r->first + 1) % AHEAD_MAX;
		r->count--;
	}
	pthread_mutex_unlock(&r->lock);
	return taken;
}

static void *run(void *owner)
{
	struct read_ahead *r = owner;
	char name[LAYOUT_NAME_MAX];

	while (take_name(r, name)) {
		auto_close int fd = tree_file(r->tree, name, FILE_READ, FILE_USUAL);

		if (fd >= 0) /* else whoever reads it is told */
			(void)!posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED);
	}
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

void read_ahead_add(struct read_ahead *r, const char *name)
{
	size_t length = strlen(name);

	if (length >= LAYOUT_NAME_MAX)
		return;
	if (!r->runs)
		r->runs = !thread_start(&r->thread, "read ahead", run, r);
	if (!r->runs)
		return; /* then it is read when it is read */
	pthread_mutex_lock(&r->lock);
	if (r->count == AHEAD_MAX) {
		r->first = (r->first + 1) % AHEAD_MAX;
		r->count--;
	}
	memcpy(r->names[(r->first + r->count) % AHEAD_MAX], name, length + 1);
	if (!r->count++)
		pthread_cond_signal(&r->more);
	pthread_mutex_unlock(&r->lock);
}

void read_ahead_free(struct read_ahead *r)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->stops = true;
	pthread_cond_signal(&r->more);
	pthread_mutex_unlock(&r->lock);
	if (r->runs)
		pthread_join(r->thread, NULL);
	pthread_cond_destroy(&r->more);
	pthread_mutex_destroy(&r->lock);
	free(r);
}
