// SPDX-License-Identifier: Apache-2.0
/*
 * Helper threads: system calls that may block. One pool for the process; a thread is started when
 * there is work and none is idle, up to HELPERS_MAX, and all end with the last loop.
 *
 * Locks: pool.lock guards every field of pool.
 */
#include "impl.h"

#include <base/thread.h>
#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#define HELPERS_MAX 16

static struct {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct op_queue queue;
	pthread_t threads[HELPERS_MAX];
	unsigned count, idle, waking, users;
	uintptr_t generation; /* of the threads; those of an older one end */
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER };

static ssize_t write_all(const struct io_op *op)
{
	size_t done = 0;

	while (done < op->length) {
		struct iovec part = { (uint8_t *)op->data + done, op->length - done };
		ssize_t n = pwritev2(op->fd, &part, 1, (off_t)(op->offset + done), op->flags);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static ssize_t read_some(const struct io_op *op)
{
	ssize_t n;

	do
		n = pread(op->fd, op->data, op->length, (off_t)op->offset);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Counted here, so that the loop may begin another before it has looked at what this one gave. */
static ssize_t read_beside(const struct io_op *op)
{
	ssize_t n = read_some(op);

	atomic_fetch_sub(&op->loop->reads_beside, 1);
	return n;
}

static ssize_t perform(struct io_op *op)
{
	switch ((enum op_kind)op->kind) {
	case OP_READ:
		return read_some(op);
	case OP_READ_BESIDE:
		return read_beside(op);
	case OP_WRITE:
		return write_all(op);
	case OP_SYNC:
		return (op->flags ? fdatasync(op->fd) : fsync(op->fd)) ? -errno : 0;
	case OP_WORK:
		return op->work(op);
	}
	return -EINVAL;
}

/* The loop waits for its operations, and then for its visitors, before it is freed. */
static void give_back(struct io_op *op)
{
	struct loop *loop = op->loop;
	struct io_op *newest = atomic_load_explicit(&loop->finished, memory_order_relaxed);

	atomic_fetch_add(&loop->visitors, 1);
	do
		op->next = newest;
	while (!atomic_compare_exchange_weak(&loop->finished, &newest, op));
	loop_wake(loop);
	atomic_fetch_sub(&loop->visitors, 1);
}

static void *helper_main(void *arg)
{
	uintptr_t generation = (uintptr_t)arg;

	pthread_mutex_lock(&pool.lock);
	for (;;) {
		struct io_op *op = op_queue_take(&pool.queue);

		if (!op && generation != pool.generation)
			break;
		if (!op) {
			pool.idle++;
			pthread_cond_wait(&pool.work, &pool.lock);
			pool.idle--;
			if (pool.waking)
				pool.waking--;
			continue;
		}
		pthread_mutex_unlock(&pool.lock);
		op->result = perform(op);
		give_back(op);
		pthread_mutex_lock(&pool.lock);
	}
	pthread_mutex_unlock(&pool.lock);
	return NULL;
}

static void start_helper(void)
{
	if (!thread_start(&pool.threads[pool.count], "helper", helper_main,
			  (void *)pool.generation))
		pool.count++;
	BUG_ON(!pool.count);
}

void helpers_get(void)
{
	pthread_mutex_lock(&pool.lock);
	if (!pool.users++ && !pool.queue.end)
		op_queue_init(&pool.queue);
	pthread_mutex_unlock(&pool.lock);
}

/* Whoever comes while the threads of before are waited for has threads of its own. */
void helpers_put(void)
{
	pthread_t ending[HELPERS_MAX];
	unsigned count = 0;

	pthread_mutex_lock(&pool.lock);
	if (!--pool.users) {
		count = pool.count;
		memcpy(ending, pool.threads, sizeof(ending));
		pool.count = pool.waking = 0;
		pool.generation++;
		pthread_cond_broadcast(&pool.work);
	}
	pthread_mutex_unlock(&pool.lock);
	for (unsigned i = 0; i < count; i++)
		pthread_join(ending[i], NULL);
}

void helpers_submit(struct io_op *op)
{
	pthread_mutex_lock(&pool.lock);
	op_queue_put(&pool.queue, op);
	if (pool.idle > pool.waking) {
		pool.waking++;
		pthread_cond_signal(&pool.work);
	} else if (pool.count < HELPERS_MAX) {
		start_helper();
	}
	pthread_mutex_unlock(&pool.lock);
}
