// SPDX-License-Identifier: Apache-2.0
/*
 * The io_uring back end. Sockets: one multishot poll each, then plain recv and send. Files: ring
 * operations. What is asked for between two turns is kept in lists (arm, cancel, submitted) and
 * becomes entries of the ring at the start of the next wait, on the thread that turns the loop:
 * so a loop may be filled by one thread and run by another, which the fastest mode of the ring
 * (one issuer, deferred task work) demands, and a turn is one io_uring_enter.
 *
 * A poll that the kernel holds is freed only when its last completion has come.
 */
#include "impl.h"

#include <errno.h>
#include <liburing.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RING_ENTRIES	512
#define CQ_ENTRIES	4096
#define EVENTS_A_TURN	256
/* Multishot poll with its last fixes, timeouts as an argument of the wait: Linux 5.19. */
#define FEATURES_NEEDED (IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_LINKED_FILE)

/* The lowest two bits of user_data say what completed. */
enum tag { TAG_POLL, TAG_OP, TAG_NONE, TAG_MASK };

struct uring_data {
	struct io_uring ring;
	bool enabled;
};

static int open_ring(struct io_uring *ring)
{
	static const unsigned modes[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED,
		IORING_SETUP_COOP_TASKRUN | IORING_SETUP_R_DISABLED,
		IORING_SETUP_R_DISABLED,
	};
	int error = -ENOSYS;

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		struct io_uring_params params = {
			.flags = modes[i] | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
			.cq_entries = CQ_ENTRIES,
		};

		error = io_uring_queue_init_params(RING_ENTRIES, ring, &params);
		if (error == -EINVAL)
			continue;
		if (!error && (params.features & FEATURES_NEEDED) != FEATURES_NEEDED) {
			io_uring_queue_exit(ring);
			error = -ENOSYS;
		}
		break;
	}
	return error;
}

static int uring_open(struct loop *loop)
{
	struct uring_data *data = xalloc(1, sizeof(*data));
	int error = open_ring(&data->ring);

	if (error) {
		free(data);
		return error;
	}
	loop->backend_data = data;
	return 0;
}

static void uring_close(struct loop *loop)
{
	struct uring_data *data = loop->backend_data;

	io_uring_queue_exit(&data->ring);
	free(data);
}

static struct io_uring_sqe *next_entry(struct uring_data *data)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&data->ring);

	while (!sqe) {
		/* -EBUSY: completions must be taken first; the kernel keeps what does not fit
		 * (NODROP). */
		int error = io_uring_submit(&data->ring);

		BUG_ON(error < 0 && error != -EINTR && error != -EAGAIN && error != -EBUSY);
		if (error < 0)
			io_uring_get_events(&data->ring);
		sqe = io_uring_get_sqe(&data->ring);
	}
	return sqe;
}

static void set_tag(struct io_uring_sqe *sqe, const void *of, enum tag tag)
{
	io_uring_sqe_set_data64(sqe, (uint64_t)(uintptr_t)of | tag);
}

static void hand_over_polls(struct loop *loop)
{
	struct uring_data *data = loop->backend_data;
	struct io_uring_sqe *sqe;
	struct io_poll *poll;

	while ((poll = TAILQ_FIRST(&loop->cancel))) {
		sqe = next_entry(data);
		io_uring_prep_poll_remove(sqe, (uint64_t)(uintptr_t)poll | TAG_POLL);
		set_tag(sqe, NULL, TAG_NONE);
		TAILQ_REMOVE(&loop->cancel, poll, link);
		TAILQ_INSERT_TAIL(&loop->polls, poll, link);
		poll->listed = false;
	}
	while ((poll = TAILQ_FIRST(&loop->arm))) {
		sqe = next_entry(data);
		if (poll->level)
			io_uring_prep_poll_add(sqe, poll->fd, poll->events);
		else
			io_uring_prep_poll_multishot(sqe, poll->fd, poll->events);
		set_tag(sqe, poll, TAG_POLL);
		TAILQ_REMOVE(&loop->arm, poll, link);
		TAILQ_INSERT_TAIL(&loop->polls, poll, link);
		poll->listed = false;
		poll->armed = true;
	}
}

static void hand_over_op(struct uring_data *data, struct io_op *op)
{
	struct io_uring_sqe *sqe = next_entry(data);
	unsigned length = (unsigned)min_u64(op->length, 1u << 30);

	switch ((enum op_kind)op->kind) {
	case OP_READ:
		io_uring_prep_read(sqe, op->fd, op->data, length, op->offset);
		break;
	case OP_WRITE:
		io_uring_prep_write(sqe, op->fd, op->data, length, op->offset);
		sqe->rw_flags = op->flags;
		break;
	case OP_SYNC:
		io_uring_prep_fsync(sqe, op->fd, op->flags ? IORING_FSYNC_DATASYNC : 0);
		break;
	case OP_READ_BESIDE:
	case OP_WORK:
		BUG_ON(true);
	}
	set_tag(sqe, op, TAG_OP);
}

static void op_ended(struct loop *loop, struct io_op *op, int result)
{
	if (op->kind == OP_WRITE && result > 0 && (size_t)result < op->length) {
		op->data = (uint8_t *)op->data + result;
		op->length -= (size_t)result;
		op->offset += (size_t)result;
		op->result += result;
		op_queue_put(&loop->submitted, op);
	} else if (result == -EINTR || result == -EAGAIN) {
		op_queue_put(&loop->submitted, op);
	} else if (op->kind == OP_WRITE && result == 0 && op->length) {
		op_complete(loop, op, -EIO);
	} else {
		op_complete(loop, op, result < 0 ? result : op->result + result);
	}
}

static void poll_ended(struct loop *loop, struct io_poll *poll)
{
	poll->armed = false;
	if (poll->listed)
		TAILQ_REMOVE(&loop->cancel, poll, link);
	else
		TAILQ_REMOVE(&loop->polls, poll, link);
	poll->listed = false;
	if (poll->ready) {
		TAILQ_INSERT_TAIL(&loop->arm, poll, link);
		poll->listed = true;
	} else {
		TAILQ_INSERT_TAIL(&loop->dead, poll, link);
	}
}

static void poll_event(struct loop *loop, struct io_poll *poll, int result, unsigned flags)
{
	if (!(flags & IORING_CQE_F_MORE))
		poll_ended(loop, poll);
	if (poll->ready && result != -ECANCELED)
		poll->ready(poll, result < 0 ? EPOLLERR : (uint32_t)result);
}

static void take_completions(struct loop *loop)
{
	struct uring_data *data = loop->backend_data;
	struct io_uring_cqe *ready[EVENTS_A_TURN];
	struct {
		uint64_t user_data;
		int result;
		unsigned flags;
	} events[EVENTS_A_TURN];
	unsigned count = io_uring_peek_batch_cqe(&data->ring, ready, EVENTS_A_TURN);

	for (unsigned i = 0; i < count; i++) {
		events[i].user_data = ready[i]->user_data;
		events[i].result = ready[i]->res;
		events[i].flags = ready[i]->flags;
	}
	io_uring_cq_advance(&data->ring, count);
	for (unsigned i = 0; i < count; i++) {
		void *of = (void *)(uintptr_t)(events[i].user_data & ~(uint64_t)TAG_MASK);

		switch ((enum tag)(events[i].user_data & TAG_MASK)) {
		case TAG_POLL:
			poll_event(loop, of, events[i].result, events[i].flags);
			break;
		case TAG_OP:
			op_ended(loop, of, events[i].result);
			break;
		case TAG_NONE:
		case TAG_MASK:
			break;
		}
	}
}

static void uring_turn(struct loop *loop, int timeout_ms)
{
	struct uring_data *data = loop->backend_data;
	struct __kernel_timespec ts = {
		.tv_sec = timeout_ms / 1000,
		.tv_nsec = (long long)(timeout_ms % 1000) * 1000000,
	};
	struct io_uring_cqe *cqe;
	struct io_op *op;
	int error;

	if (!data->enabled) {
		/* The library of Debian 12 declares io_uring_enable_rings, but does not export it.
		 */
		BUG_ON(syscall(__NR_io_uring_register, data->ring.ring_fd,
			       IORING_REGISTER_ENABLE_RINGS, NULL, 0));
		data->enabled = true;
	}
	hand_over_polls(loop);
	while ((op = op_queue_take(&loop->submitted)))
		hand_over_op(data, op);
	if (timeout_ms == 0)
		error = io_uring_submit_and_get_events(&data->ring);
	else
		error = io_uring_submit_and_wait_timeout(&data->ring, &cqe, 1,
							 timeout_ms < 0 ? NULL : &ts, NULL);
	BUG_ON(error == -EEXIST); /* the loop is turned by a second thread */
	take_completions(loop);
}

static int uring_start(struct loop *loop, struct io_poll *poll)
{
	TAILQ_INSERT_TAIL(&loop->arm, poll, link);
	poll->listed = true;
	return 0;
}

static void uring_stop(struct loop *loop, struct io_poll *poll)
{
	if (poll->armed) {
		TAILQ_REMOVE(&loop->polls, poll, link);
		TAILQ_INSERT_TAIL(&loop->cancel, poll, link);
		poll->listed = true;
	} else {
		TAILQ_REMOVE(&loop->arm, poll, link);
		TAILQ_INSERT_TAIL(&loop->dead, poll, link);
		poll->listed = false;
	}
}

static void uring_submit(struct loop *loop, struct io_op *op)
{
	op_queue_put(&loop->submitted, op);
}

const struct backend uring_backend = {
	.kind = IO_URING,
	.open = uring_open,
	.close = uring_close,
	.wait = uring_turn,
	.poll_start = uring_start,
	.poll_stop = uring_stop,
	.submit = uring_submit,
};
