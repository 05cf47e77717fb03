// SPDX-License-Identifier: Apache-2.0
/* The part of a loop that both back ends share: its turn, posted tasks, waking, life and death. */
#include "impl.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static _Thread_local struct loop *current;

struct loop *loop_current(void)
{
	return current;
}

enum io_backend loop_backend(const struct loop *loop)
{
	return loop->backend->kind;
}

const char *io_backend_name(enum io_backend backend)
{
	return backend == IO_URING ? "io_uring" : backend == IO_POOL ? "epoll" : "auto";
}

/* The eventfd is never read: its poll is an edge poll, and each write is an edge. */
static void woken(struct io_poll *poll, uint32_t events)
{
}

static int open_backend(struct loop *loop, enum io_backend wanted)
{
	int error;

	loop->backend = wanted == IO_POOL ? &epoll_backend : &uring_backend;
	error = loop->backend->open(loop);
	if (error && wanted == IO_AUTO) {
		loop->backend = &epoll_backend;
		error = loop->backend->open(loop);
	}
	return error;
}

/*
 * Frames of a megabyte come and go thousands of times a second. The allocator would give each back
 * to the kernel, and get it back as pages to be cleared: a quarter of the time of a large read. So
 * it keeps this much of what is free.
 */
#define FREE_MEMORY_KEPT (32 << 20)

static void keep_free_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, FREE_MEMORY_KEPT);
	mallopt(M_TRIM_THRESHOLD, FREE_MEMORY_KEPT);
}

struct loop *loop_new(enum io_backend wanted)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct loop *loop = xalloc(1, sizeof(*loop));
	int error;

	pthread_once(&once, keep_free_memory);
	TAILQ_INIT(&loop->polls);
	TAILQ_INIT(&loop->arm);
	TAILQ_INIT(&loop->cancel);
	TAILQ_INIT(&loop->dead);
	TAILQ_INIT(&loop->streams);
	TAILQ_INIT(&loop->again);
	TAILQ_INIT(&loop->unsent);
	TAILQ_INIT(&loop->closing);
	op_queue_init(&loop->submitted);
	op_queue_init(&loop->completed);
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	error = loop->wake_fd < 0 ? -errno : open_backend(loop, wanted);
	if (error) {
		close_fd_ptr(&loop->wake_fd);
		free(loop);
		errno = -error;
		return NULL;
	}
	loop->wake_poll = poll_new(loop, loop->wake_fd, EPOLLIN, false, woken, NULL);
	if (!loop->wake_poll) {
		error = errno;
		loop->backend->close(loop);
		close_fd_ptr(&loop->wake_fd);
		free(loop);
		errno = error;
		return NULL;
	}
	loop->receive_buffer = xalloc(1, RECEIVE_BUFFER_BYTES);
	helpers_get();
	return loop;
}

void loop_wake(struct loop *loop)
{
	const uint64_t one = 1;

	if (atomic_load(&loop->sleeping) && atomic_exchange(&loop->sleeping, false)) {
		int saved = errno;
		ssize_t written = write(loop->wake_fd, &one, sizeof(one));

		(void)written; /* it can only fail when the counter is full, and then it is readable
				*/
		errno = saved;
	}
}

void loop_stop(struct loop *loop)
{
	atomic_store(&loop->stopping, true);
	loop_wake(loop);
}

void loop_post(struct loop *loop, struct loop_task *task)
{
	struct loop_task *newest = atomic_load_explicit(&loop->posted, memory_order_relaxed);

	/* Once it is on the stack the task may run, and the loop be freed, before it was woken. */
	atomic_fetch_add(&loop->visitors, 1);
	do
		task->next = newest;
	while (!atomic_compare_exchange_weak(&loop->posted, &newest, task));
	loop_wake(loop);
	atomic_fetch_sub(&loop->visitors, 1);
}

static void run_posted(struct loop *loop)
{
	struct loop_task *newest, *oldest = NULL;

	if (!atomic_load_explicit(&loop->posted, memory_order_relaxed))
		return;
	newest = atomic_exchange(&loop->posted, NULL);
	while (newest) {
		struct loop_task *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	while (oldest) {
		struct loop_task *task = oldest;

		oldest = task->next;
		task->run(task);
	}
}

void op_complete(struct loop *loop, struct io_op *op, ssize_t result)
{
	op->result = result;
	op_queue_put(&loop->completed, op);
}

static void collect_finished(struct loop *loop)
{
	struct io_op *newest, *oldest = NULL;

	if (!atomic_load_explicit(&loop->finished, memory_order_relaxed))
		return;
	newest = atomic_exchange(&loop->finished, NULL);
	while (newest) {
		struct io_op *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	while (oldest) {
		struct io_op *op = oldest;

		oldest = op->next;
		op_queue_put(&loop->completed, op);
	}
}

static void run_completed(struct loop *loop)
{
	struct op_queue batch = loop->completed;
	struct io_op *op;

	if (!batch.first)
		return;
	op_queue_init(&loop->completed);
	while ((op = op_queue_take(&batch))) {
		loop->ops_in_flight--;
		if (!loop->draining)
			op->done(op, op->result);
	}
}

static bool has_work(struct loop *loop)
{
	return loop->completed.first || !TAILQ_EMPTY(&loop->again) || !TAILQ_EMPTY(&loop->unsent) ||
	       !TAILQ_EMPTY(&loop->closing) || atomic_load(&loop->posted) ||
	       atomic_load(&loop->finished) || atomic_load(&loop->stopping);
}

static int wait_time(struct loop *loop, int limit_ms)
{
	int timer_ms = timers_wait_ms(loop);

	if (timer_ms >= 0 && (limit_ms < 0 || timer_ms < limit_ms))
		return timer_ms;
	return limit_ms;
}

static void turn(struct loop *loop, int limit_ms)
{
	struct loop *outer = current;
	int timeout_ms = wait_time(loop, limit_ms);

	BUG_ON(outer == loop);
	current = loop;
	if (timeout_ms != 0) {
		atomic_store(&loop->sleeping, true);
		if (has_work(loop))
			timeout_ms = 0;
	}
	loop->backend->wait(loop, timeout_ms);
	atomic_store_explicit(&loop->sleeping, false, memory_order_relaxed);
	streams_receive_again(loop);
	collect_finished(loop);
	run_completed(loop);
	run_posted(loop);
	timers_fire(loop);
	streams_flush(loop);
	streams_finish_closing(loop);
	while (!TAILQ_EMPTY(&loop->dead)) {
		struct io_poll *poll = TAILQ_FIRST(&loop->dead);

		TAILQ_REMOVE(&loop->dead, poll, link);
		free(poll);
	}
	current = outer;
}

void loop_run(struct loop *loop)
{
	while (!atomic_load(&loop->stopping) || loop->ops_in_flight)
		turn(loop, -1);
	atomic_store(&loop->stopping, false);
}

void loop_run_once(struct loop *loop, int timeout_ms)
{
	turn(loop, timeout_ms);
}

static void free_polls(struct poll_list *list)
{
	while (!TAILQ_EMPTY(list)) {
		struct io_poll *poll = TAILQ_FIRST(list);

		TAILQ_REMOVE(list, poll, link);
		free(poll);
	}
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	streams_close_all(loop);
	loop->draining = true;
	loop->timer_count = 0;
	while (loop->ops_in_flight)
		turn(loop, -1);
	while (atomic_load(&loop->visitors))
		sched_yield();
	helpers_put();
	loop->backend->close(loop);
	free_polls(&loop->polls);
	free_polls(&loop->arm);
	free_polls(&loop->cancel);
	free_polls(&loop->dead);
	close_fd_ptr(&loop->wake_fd);
	free(loop->receive_buffer);
	free(loop->timers);
	free(loop);
}

struct io_poll *poll_new(struct loop *loop, int fd, uint32_t events, bool level,
			 void (*ready)(struct io_poll *poll, uint32_t events), void *owner)
{
	struct io_poll *poll = xalloc(1, sizeof(*poll));
	int error;

	poll->ready = ready;
	poll->owner = owner;
	poll->fd = fd;
	poll->events = events;
	poll->level = level;
	error = loop->backend->poll_start(loop, poll);
	if (error) {
		free(poll);
		errno = -error;
		return NULL;
	}
	return poll;
}

void poll_end(struct loop *loop, struct io_poll *poll)
{
	poll->ready = NULL;
	poll->owner = NULL;
	loop->backend->poll_stop(loop, poll);
}
