// SPDX-License-Identifier: Apache-2.0
/*
 * Looking names up on threads. The queue, the count of threads and the cache are guarded by one
 * lock, which is never held over a look-up or a callback. A look-up belongs to the queue, then to
 * its thread, then to the loop it is posted to.
 */
#include "resolve.h"

#include <base/thread.h>
#include <errno.h>
#include <stdio.h>
#include <uthash.h>

#define CACHE_MAX 4096 /* names; over it, the cache is emptied */

struct lookup {
	struct loop_task task;
	struct loop *loop;
	resolve_done *done;
	void *owner;
	char *key; /* "host port" */
	char *host;
	uint16_t port;
	struct resolved found;
	struct lookup *next;
};

struct cached {
	char *key;
	uint64_t until_ms;
	struct resolved found;
	UT_hash_handle hh;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct lookup *queue, **queue_end = &queue;
static unsigned threads;
static struct cached *cache;

static void delivered(struct loop_task *task)
{
	struct lookup *lookup = container_of(task, struct lookup, task);

	lookup->done(lookup->owner, &lookup->found);
	free(lookup->key);
	free(lookup->host);
	free(lookup);
}

static void deliver(struct lookup *lookup)
{
	lookup->task = (struct loop_task){ .run = delivered };
	loop_post(lookup->loop, &lookup->task);
}

static void look_up(struct lookup *lookup, int flags)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags };
	struct resolved *found = &lookup->found;
	struct addrinfo *list = NULL;
	char service[8];

	snprintf(service, sizeof(service), "%u", lookup->port);
	found->error = getaddrinfo(lookup->host, service, &hints, &list);
	found->system_error = found->error == EAI_SYSTEM ? errno : 0;
	if (found->error)
		return;
	for (const struct addrinfo *a = list; a && found->count < RESOLVE_ADDRESSES;
	     a = a->ai_next) {
		if (a->ai_addrlen > sizeof(found->addresses[0]))
			continue;
		memcpy(&found->addresses[found->count], a->ai_addr, a->ai_addrlen);
		found->lengths[found->count++] = a->ai_addrlen;
	}
	freeaddrinfo(list);
}

/* Called with the lock. */
static void cache_forget_all(void)
{
	struct cached *entry, *next;

	HASH_ITER (hh, cache, entry, next) {
		HASH_DEL(cache, entry);
		free(entry->key);
		free(entry);
	}
}

/* Called with the lock. */
static void cache_put(const struct lookup *lookup)
{
	struct cached *entry;

	HASH_FIND_STR(cache, lookup->key, entry);
	if (!entry) {
		if (HASH_COUNT(cache) >= CACHE_MAX)
			cache_forget_all();
		entry = xalloc(1, sizeof(*entry));
		entry->key = xstrdup(lookup->key);
		HASH_ADD_KEYPTR(hh, cache, entry->key, strlen(entry->key), entry);
	}
	entry->found = lookup->found;
	entry->until_ms = monotonic_ms() + RESOLVE_KEEP_S * 1000u;
}

static bool cache_get(const char *key, struct resolved *out)
{
	struct cached *entry;
	bool good;

	pthread_mutex_lock(&lock);
	HASH_FIND_STR(cache, key, entry);
	good = entry && entry->until_ms > monotonic_ms();
	if (good)
		*out = entry->found;
	pthread_mutex_unlock(&lock);
	return good;
}

/* The next of the queue, or NULL and this thread is one less. */
static struct lookup *next_lookup(void)
{
	struct lookup *lookup;

	pthread_mutex_lock(&lock);
	lookup = queue;
	if (lookup) {
		queue = lookup->next;
		if (!queue)
			queue_end = &queue;
	} else {
		threads--;
	}
	pthread_mutex_unlock(&lock);
	return lookup;
}

static void *work(void *arg)
{
	struct lookup *lookup;

	while ((lookup = next_lookup())) {
		look_up(lookup, 0);
		if (!lookup->found.error) {
			pthread_mutex_lock(&lock);
			cache_put(lookup);
			pthread_mutex_unlock(&lock);
		}
		deliver(lookup);
	}
	return NULL;
}

static void enqueue(struct lookup *lookup)
{
	bool start;

	pthread_mutex_lock(&lock);
	*queue_end = lookup;
	queue_end = &lookup->next;
	start = threads < RESOLVE_THREADS;
	threads += start;
	pthread_mutex_unlock(&lock);
	if (!start)
		return;
	if (thread_start(NULL, "resolver", work, NULL))
		work(NULL); /* slower, but the name is looked up */
}

void resolve(struct loop *loop, const char *host, uint16_t port, resolve_done *done, void *owner)
{
	struct lookup *lookup = xalloc(1, sizeof(*lookup));

	lookup->loop = loop;
	lookup->done = done;
	lookup->owner = owner;
	lookup->host = xstrdup(host);
	lookup->port = port;
	lookup->key = xasprintf("%s %u", host, port);
	look_up(lookup, AI_NUMERICHOST); /* never blocks */
	if (!lookup->found.error || cache_get(lookup->key, &lookup->found))
		deliver(lookup);
	else
		enqueue(lookup);
}
