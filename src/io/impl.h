// SPDX-License-Identifier: Apache-2.0
/*
 * What the files of io share: the loop itself, what a back end does for it, the helper threads.
 *
 * A loop belongs to the thread that turns it. Other threads touch five of its fields only, all
 * atomic: posted and finished (stacks that they push on), visitors, sleeping and stopping. A loop
 * that may be asleep has sleeping set before it looks at the stacks for the last time; who pushes
 * looks at sleeping afterwards, and only then pays for a write to the eventfd.
 */
#ifndef IO_IMPL_H
#define IO_IMPL_H

#include <io/loop.h>
#include <stdatomic.h>
#include <sys/queue.h>

struct stream;

/*
 * A descriptor that is watched. An edge poll tells each change once, and who asked reads until
 * nothing is left; a level poll tells again as long as something is there. It belongs to the back
 * end, because an event may be under way when it is stopped.
 */
struct io_poll {
	void (*ready)(struct io_poll *poll, uint32_t events); /* EPOLL*; NULL once stopped */
	void *owner;
	int fd;
	uint32_t events;
	bool level;
	bool armed;		   /* uring: the kernel holds it, and will say so when it lets go */
	bool listed;		   /* uring: it is in loop->arm or loop->cancel */
	TAILQ_ENTRY(io_poll) link; /* in polls, arm or cancel */
};
TAILQ_HEAD(poll_list, io_poll);
TAILQ_HEAD(stream_list, stream);

enum op_kind { OP_READ, OP_READ_BESIDE, OP_WRITE, OP_SYNC, OP_WORK };

struct backend {
	enum io_backend kind;
	int (*open)(struct loop *loop); /* 0 or -errno */
	void (*close)(struct loop *loop);
	/* wait - hand over what has been asked for, wait, and call what has become ready. */
	void (*wait)(struct loop *loop, int timeout_ms);
	int (*poll_start)(struct loop *loop, struct io_poll *poll);
	void (*poll_stop)(struct loop *loop, struct io_poll *poll);
	/* submit - a read, write or sync. */
	void (*submit)(struct loop *loop, struct io_op *op);
};
extern const struct backend uring_backend, epoll_backend;

/* A queue of operations in the order in which they were put in. */
struct op_queue {
	struct io_op *first, **end;
};
static inline void op_queue_init(struct op_queue *queue)
{
	queue->first = NULL;
	queue->end = &queue->first;
}
static inline void op_queue_put(struct op_queue *queue, struct io_op *op)
{
	op->next = NULL;
	*queue->end = op;
	queue->end = &op->next;
}
static inline struct io_op *op_queue_take(struct op_queue *queue)
{
	struct io_op *op = queue->first;

	if (op) {
		queue->first = op->next;
		if (!queue->first)
			queue->end = &queue->first;
	}
	return op;
}

#define RECEIVE_BUFFER_BYTES (128u << 10)

struct loop {
	const struct backend *backend;
	void *backend_data;
	int wake_fd;
	struct io_poll *wake_poll;

	_Atomic(struct loop_task *) posted; /* newest first */
	atomic_int reads_beside;	    /* begun by io_read_beside, not read yet */
	_Atomic(struct io_op *) finished;   /* by helper threads; newest first */
	atomic_bool sleeping, stopping;
	atomic_uint visitors; /* threads that are giving an operation back or posting a task */

	struct loop_timer **timers; /* binary heap, 1-based */
	size_t timer_count, timer_room;

	struct op_queue submitted; /* uring: not yet handed over */
	struct op_queue completed; /* done() has still to be called */
	size_t ops_in_flight;
	bool draining; /* the loop is being freed: done() is not called any more */

	struct poll_list polls; /* running (epoll: all; uring: neither in arm nor in cancel) */
	struct poll_list arm, cancel; /* uring: to be handed over */
	struct poll_list dead;	      /* epoll: stopped, freed when the turn is over */

	struct stream_list streams; /* open and idle, or waiting in no other list */
	struct stream_list again;   /* more to receive */
	struct stream_list unsent;  /* flushed at the end of the turn */
	struct stream_list closing; /* closed is called at the end of the turn */
	uint8_t *receive_buffer;    /* RECEIVE_BUFFER_BYTES, used within one call only */
};

/* loop_wake - end the sleep of @loop, if it sleeps. Any thread, or a signal handler. */
void loop_wake(struct loop *loop);

/* poll_new - begin to watch; NULL and errno. */
struct io_poll *poll_new(struct loop *loop, int fd, uint32_t events, bool level,
			 void (*ready)(struct io_poll *poll, uint32_t events), void *owner);
/* poll_end - ready is not called again; @poll is gone. */
void poll_end(struct loop *loop, struct io_poll *poll);

/* op_complete - have done() called in this or the next turn. On the loop's thread. */
void op_complete(struct loop *loop, struct io_op *op, ssize_t result);

/* helpers_get, helpers_put - the threads of the process that do what blocks; the last put ends
 * them. */
void helpers_get(void);
void helpers_put(void);
/* helpers_submit - run @op (any kind) on a helper; it comes back through loop->finished. */
void helpers_submit(struct io_op *op);

/* timers_wait_ms - until the first timer is due, -1 without one. */
int timers_wait_ms(const struct loop *loop);
void timers_fire(struct loop *loop);

/* What a turn does for streams. */
void streams_receive_again(struct loop *loop);
void streams_flush(struct loop *loop);
void streams_finish_closing(struct loop *loop);
void streams_close_all(struct loop *loop);

#endif
