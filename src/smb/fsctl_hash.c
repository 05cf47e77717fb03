// SPDX-License-Identifier: Apache-2.0
/*
 * FSCTL_BERTH_HASH_RANGE (wire/hash_range.h): a READ of which only the hash is answered. Whatever
 * refuses a READ of that range refuses this, with the same status, and it costs as many credits,
 * because the server has as much to do for it.
 *
 * The bytes are those that a READ would send, read from the file a slice at a time: on the loop
 * where they are in the page cache, else, and where it takes longer than one message should, by a
 * helper thread, which begins anew.
 */
#include <crypto/sha256.h>
#include <errno.h>
#include <sys/uio.h>
#include <wire/hash_range.h>

#include "request.h"

#define SLICE	     (32u << 10) /* stays in the processor's cache between reading and hashing */
#define ON_LOOP_MOST (64u << 10)

struct hashing {
	struct hash_range range;
	struct hash_range_reply reply;
	int fd; /* of an open that the request holds */
	ntstatus status;
};

/* 0; -EAGAIN: not without waiting (where @flags says not to); or what else went wrong. */
static int hash_slices(struct hashing *h, int flags)
{
	auto_sha256 struct sha256 *hash = sha256_new();
	uint8_t slice[SLICE];

	if (!hash)
		return -ENOMEM;
	h->reply.length = 0;
	while (h->reply.length < h->range.length) {
		struct iovec part = { slice, min_u64(SLICE, h->range.length - h->reply.length) };
		ssize_t n =
			preadv2(h->fd, &part, 1, (off_t)(h->range.offset + h->reply.length), flags);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EOPNOTSUPP && flags ? -EAGAIN : -errno;
		if (!n)
			break;
		if (!sha256_update(hash, slice, (size_t)n))
			return -ENOMEM;
		h->reply.length += (uint64_t)n;
	}
	return sha256_final(hash, h->reply.hash) ? 0 : -ENOMEM;
}

/* On a helper thread. */
static ssize_t hash_beside(struct io_op *op)
{
	struct smb_request *rq = container_of(op, struct smb_request, io);
	struct hashing *h = rq->kept;

	h->status = ntstatus_of_errno(hash_slices(h, 0));
	return 0;
}

static ntstatus finish(const struct hashing *h, struct buf *out)
{
	if (h->status)
		return h->status;
	if (!h->reply.length)
		return STATUS_END_OF_FILE;
	hash_range_reply_encode(out, &h->reply);
	return STATUS_SUCCESS;
}

static ntstatus begin(struct smb_request *rq, const struct smb2_ioctl_request *r, struct hashing *h)
{
	ntstatus status = hash_range_decode(r->input, &h->range);

	if (!status && r->max_output_response < HASH_RANGE_REPLY_BYTES)
		status = STATUS_BUFFER_TOO_SMALL;
	if (!status)
		status = request_charge(rq, h->range.length);
	if (!status)
		status = open_check_read(rq->open, h->range.offset, h->range.length);
	h->fd = open_facts(rq->open)->node->fd;
	return status;
}

ntstatus fsctl_hash_range(struct smb_request *rq, const struct smb2_ioctl_request *r,
			  struct buf *out)
{
	struct hashing h = { 0 };
	struct io_op *op;
	ntstatus status;

	if (rq->resumed)
		return finish(rq->kept, out);
	status = begin(rq, r, &h);
	if (status)
		return status;
	if (h.range.length <= ON_LOOP_MOST) {
		int error = hash_slices(&h, RWF_NOWAIT);

		h.status = ntstatus_of_errno(error);
		if (error != -EAGAIN)
			return finish(&h, out);
	}
	rq->kept = xalloc(1, sizeof(h));
	memcpy(rq->kept, &h, sizeof(h));
	op = request_wait_disk(rq);
	op->work = hash_beside;
	io_work(rq->conn->home->loop, op);
	return STATUS_PENDING;
}
