// SPDX-License-Identifier: Apache-2.0
/*
 * File operations. What the page cache can answer at once is not sent to another thread: a small
 * write goes there in place, and without a ring a read first tries what needs no disk.
 */
#include "impl.h"

#include <sys/uio.h>

/* A copy of this many bytes costs less than waking a thread for it. */
#define WRITE_IN_PLACE_MAX (64u << 10)
/* One that a helper is at, and the one that it takes next. */
#define READS_BESIDE_MAX   2

static void begin(struct loop *loop, struct io_op *op, enum op_kind kind)
{
	op->loop = loop;
	op->kind = (int)kind;
	op->result = 0;
	loop->ops_in_flight++;
}

void io_read(struct loop *loop, struct io_op *op, int fd, void *data, size_t length,
	     uint64_t offset)
{
	struct iovec part = { data, length };

	op->fd = fd;
	op->data = data;
	op->length = length;
	op->offset = offset;
	begin(loop, op, OP_READ);
	if (loop->backend->kind == IO_POOL) {
		ssize_t n = preadv2(fd, &part, 1, (off_t)offset, RWF_NOWAIT);

		if (n == (ssize_t)length) {
			op_complete(loop, op, n);
			return;
		}
	}
	loop->backend->submit(loop, op);
}

bool io_read_beside(struct loop *loop, struct io_op *op, int fd, void *data, size_t length,
		    uint64_t offset)
{
	if (atomic_load(&loop->reads_beside) >= READS_BESIDE_MAX)
		return false;
	atomic_fetch_add(&loop->reads_beside, 1);
	op->fd = fd;
	op->data = data;
	op->length = length;
	op->offset = offset;
	begin(loop, op, OP_READ_BESIDE);
	helpers_submit(op);
	return true;
}

void io_write(struct loop *loop, struct io_op *op, int fd, const void *data, size_t length,
	      uint64_t offset, int flags)
{
	struct iovec part = { (void *)(uintptr_t)data, length };

	op->fd = fd;
	op->data = part.iov_base;
	op->length = length;
	op->offset = offset;
	op->flags = flags;
	begin(loop, op, OP_WRITE);
	if (!flags && length <= WRITE_IN_PLACE_MAX) {
		ssize_t n = pwritev2(fd, &part, 1, (off_t)offset, 0);

		if (n == (ssize_t)length) {
			op_complete(loop, op, n);
			return;
		}
	}
	loop->backend->submit(loop, op);
}

void io_sync(struct loop *loop, struct io_op *op, int fd, bool data_only)
{
	op->fd = fd;
	op->flags = data_only;
	begin(loop, op, OP_SYNC);
	loop->backend->submit(loop, op);
}

void io_work(struct loop *loop, struct io_op *op)
{
	begin(loop, op, OP_WORK);
	helpers_submit(op);
}
