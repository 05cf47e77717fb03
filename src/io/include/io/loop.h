// SPDX-License-Identifier: Apache-2.0
/*
 * An event loop: one thread, its timers, its sockets, its file operations. On io_uring where the
 * kernel allows it, else on epoll with a pool of threads for what would block (IO_POOL); both give
 * the same results. Everything here is called on the loop's own thread unless it says otherwise.
 */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include <base/base.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h> /* RWF_DSYNC */

struct loop;

enum io_backend { IO_AUTO, IO_URING, IO_POOL };

/*
 * loop_new - a loop that loop_run (on any one thread) turns. IO_AUTO takes io_uring where it is
 * permitted. NULL and errno where it cannot be made (IO_URING asked for and refused: EPERM or
 * ENOSYS).
 */
struct loop *loop_new(enum io_backend backend);
/* loop_free - closes the streams that are left (closed is called); file operations that are still
 * under way are waited for, and their done is not called. */
void loop_free(struct loop *loop);
enum io_backend loop_backend(const struct loop *loop);
const char *io_backend_name(enum io_backend backend); /* "io_uring" or "epoll" */
/* loop_run - turn until loop_stop and until no file operation is under way, then return. */
void loop_run(struct loop *loop);
/* loop_stop - any thread, or a signal handler. */
void loop_stop(struct loop *loop);
/* loop_run_once - wait at most @timeout_ms (-1: no limit) for something, and handle what has come.
 */
void loop_run_once(struct loop *loop, int timeout_ms);
/* loop_current - the loop that this thread is turning, or NULL. */
struct loop *loop_current(void);

/* A task embedded in what it concerns. Not posted again before it has run. */
struct loop_task {
	void (*run)(struct loop_task *task);
	struct loop_task *next;
};
/* loop_post - have @task run on the loop's thread, in order of posting. Any thread. */
void loop_post(struct loop *loop, struct loop_task *task);

struct loop_timer {
	void (*fire)(struct loop_timer *timer);
	uint64_t due_ms;   /* monotonic */
	size_t heap_index; /* 1-based; 0: not running */
};
/* loop_timer_start - fire once in @after_ms; a running timer is moved. Zero-initialise the timer.
 */
void loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t after_ms,
		      void (*fire)(struct loop_timer *timer));
void loop_timer_stop(struct loop *loop, struct loop_timer *timer);

/*
 * File operations. @op is embedded in what waits for it and stays until done(op, result) has been
 * called, on the loop, never from inside the call that started it. Result: bytes, or -errno.
 */
struct io_op {
	void (*done)(struct io_op *op, ssize_t result);
	ssize_t (*work)(struct io_op *op); /* io_work only: runs on a helper thread */
	ssize_t result;
	struct io_op *next;
	struct loop *loop;
	int kind, fd, flags;
	void *data;
	size_t length;
	uint64_t offset;
};
void io_read(struct loop *loop, struct io_op *op, int fd, void *data, size_t length,
	     uint64_t offset);
/*
 * io_read_beside - have a helper read while the loop does something else, which pays for a large
 * read whose bytes are in the page cache. False where enough of them wait
 * for a helper already: then read in place.
 */
bool io_read_beside(struct loop *loop, struct io_op *op, int fd, void *data, size_t length,
		    uint64_t offset);
/* io_write - all of @length or an error; @flags: RWF_DSYNC for write-through. */
void io_write(struct loop *loop, struct io_op *op, int fd, const void *data, size_t length,
	      uint64_t offset, int flags);
void io_sync(struct loop *loop, struct io_op *op, int fd, bool data_only);
/* io_work - run op->work on a helper thread: for a system call that may block and has no ring form.
 */
void io_work(struct loop *loop, struct io_op *op);

/* A listening socket. accepted(listener, fd) owns fd (non-blocking, close-on-exec). */
struct io_poll; /* of the back end */
struct io_listener {
	void (*accepted)(struct io_listener *listener, int fd);
	struct loop *loop;
	struct io_poll *poll;
	struct loop_timer retry; /* after EMFILE and its like */
	int fd;
	bool active;
	void *private_data;
};
/* io_listen - 0 or -errno; begin to accept on @fd (bound, listening, non-blocking); the listener
 * owns @fd. */
int io_listen(struct loop *loop, struct io_listener *listener, int fd);
/* io_listen_stop - stop and close; accepted is not called again after this returns. */
void io_listen_stop(struct io_listener *listener);

/* io_watch - call ready(watch) as long as @fd is readable; for the control socket, signals,
 * inotify. */
struct io_watch {
	void (*ready)(struct io_watch *watch);
	struct loop *loop;
	struct io_poll *poll;
	int fd;
	bool active;
	void *private_data;
};
int io_watch_start(struct loop *loop, struct io_watch *watch, int fd);
void io_watch_stop(struct io_watch *watch); /* does not close fd */

#endif
