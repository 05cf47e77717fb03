// SPDX-License-Identifier: Apache-2.0
/*
 * Frames in, replies out: the walk along a compound, credits, and the reply frame that all
 * responses of one frame share (MS-SMB2 3.3.4.1, 3.3.5.2). How a request waits is in wait.c.
 */
#include "request.h"

#include <base/log.h>

#define SPARE_MAX    64		/* requests kept for re-use on each loop */
#define REPLY_FIRST  512u	/* a reply frame begins with so much memory */
#define REPLY_EXTRA  (1u << 20) /* what responses of a compound may hold beyond the longest read */
#define BARE_CREDITS 128u	/* what a client may hold before it has a session */

static struct smb_request *request_new(struct connection *conn, struct frame *frame)
{
	struct smb_loop *home = conn->home;
	struct smb_request *rq = home->spare;

	if (rq) {
		home->spare = rq->next;
		home->spare_count--;
		memset(rq, 0, sizeof(*rq));
	} else {
		rq = xalloc(1, sizeof(*rq));
	}
	rq->conn = connection_get(conn);
	rq->frame = *frame;
	rq->held = frame->length;
	connection_hold(conn, (ssize_t)rq->held);
	return rq;
}

void request_set_channel(struct smb_request *rq, struct channel *channel)
{
	if (channel)
		channel_get(channel);
	channel_put(rq->channel);
	rq->channel = channel;
	rq->session = channel ? channel->session : NULL;
}

/* What a message holds is given back; what the compound holds stays. */
static void end_message(struct smb_request *rq)
{
	if (rq->is_lost)
		session_end_lost(rq->session);
	rq->is_lost = false;
	request_set_channel(rq, NULL);
	if (rq->tree)
		tree_put(rq->tree);
	rq->tree = NULL;
	if (rq->is_counted)
		open_channel_end(rq->open, rq->header.channel_sequence);
	rq->is_counted = rq->is_stale = false;
	open_replay_end(rq->replay);
	rq->replay = NULL;
	if (rq->open && rq->header.command == SMB2_CHANGE_NOTIFY)
		open_notify_end(rq->open, &rq->waiter);
	if (rq->open)
		open_put(rq->open);
	rq->open = NULL;
	pipe_put(rq->pipe);
	rq->pipe = NULL;
	if (rq->source)
		open_put(rq->source);
	rq->source = NULL;
	free(rq->path);
	free(rq->kept);
	rq->path = rq->kept = NULL;
}

void request_free(struct smb_request *rq)
{
	struct connection *conn = rq->conn;
	struct smb_loop *home = conn->home;

	end_message(rq);
	channel_put(rq->signing_channel);
	channel_put(rq->sealing_channel);
	frame_free(&rq->frame);
	buf_free(&rq->reply);
	barrier_leave(rq->barrier);
	connection_hold(conn, -(ssize_t)rq->held);
	connection_put(conn);
	if (home->spare_count >= SPARE_MAX) {
		free(rq);
		return;
	}
	rq->next = home->spare;
	home->spare = rq;
	home->spare_count++;
}

/* The reply frame. */

static void begin_frame(struct smb_request *rq)
{
	rq->base_at = STREAM_HEADER + (rq->is_encrypted ? SMB2_TRANSFORM_SIZE : 0);
	rq->reply.limit = (size_t)rq->conn->max_read + REPLY_EXTRA;
	rq->has_response = false;
	(void)buf_room(&rq->reply, REPLY_FIRST);
	(void)buf_grow(&rq->reply, rq->base_at);
}

/* The response at head_at is complete: link it to one that follows, hash it, sign it. */
static void finish_off(struct smb_request *rq, bool more)
{
	if (!rq->has_response)
		return;
	rq->has_response = false;
	if (more || rq->head_at > rq->base_at) /* every response of a compound ends at eight */
		buf_align(&rq->reply, rq->base_at, 8);
	if (more) {
		buf_put_u32le(&rq->reply, rq->head_at + SMB2_HEADER_NEXT_AT,
			      (uint32_t)(rq->reply.len - rq->head_at));
	}
	if (rq->sign)
		sign_response(rq->signing_channel, &rq->reply, rq->head_at, rq->signed_id);
	if (rq->hash &&
	    !sha512_extend(rq->hash, rq->reply.data + rq->head_at, rq->reply.len - rq->head_at))
		connection_drop(rq->conn, "hash failed");
	rq->sign = false;
	rq->hash = NULL;
	channel_put(rq->signing_channel);
	rq->signing_channel = NULL;
}

static void begin_response(struct smb_request *rq)
{
	if (!rq->reply.data)
		begin_frame(rq);
	finish_off(rq, true);
	rq->head_at = rq->reply.len;
	(void)buf_grow(&rq->reply, SMB2_HEADER_SIZE);
}

/* The reply frame is complete; false: there is none to send. */
static bool finish_frame(struct smb_request *rq)
{
	finish_off(rq, false);
	if (!rq->reply.data || rq->reply.len <= rq->base_at) {
		buf_free(&rq->reply);
		return false;
	}
	if (rq->compress)
		compress_reply(rq);
	if (rq->reply.failed ||
	    (rq->is_encrypted && !seal_reply(rq->sealing_channel, &rq->reply))) {
		connection_drop(rq->conn, "out of memory for a reply");
		buf_free(&rq->reply);
		return false;
	}
	rq->reply.limit = 0;
	return true;
}

/* Credits: as many as asked for, at least enough to go on with (MS-SMB2 3.3.1.2). */
static uint16_t grant(struct smb_request *rq)
{
	struct sequence *s = &rq->conn->sequence;
	uint32_t limit = rq->conn->is_unauthenticated ? BARE_CREDITS : s->limit;
	uint32_t held = sequence_credits(s);
	uint32_t wanted = rq->header.credits ? rq->header.credits : 1;

	if (rq->granted || held >= limit)
		return 0;
	rq->granted = true;
	return (uint16_t)sequence_grant(s, (uint32_t)min_u64(wanted, limit - held));
}

static void write_header(struct smb_request *rq, ntstatus status)
{
	struct smb2_header h = {
		.credit_charge = rq->header.credit_charge,
		.status = status,
		.command = rq->header.command,
		.credits = grant(rq),
		.flags = SMB2_FLAGS_SERVER_TO_REDIR | (rq->header.flags & SMB2_FLAGS_PRIORITY_MASK),
		.message_id = rq->header.message_id,
		.tree_id = rq->header.tree_id,
		.session_id = rq->header.session_id,
	};
	size_t end = rq->reply.len;

	if (rq->is_related)
		h.flags |= SMB2_FLAGS_RELATED_OPERATIONS;
	if (rq->async_id) {
		h.flags |= SMB2_FLAGS_ASYNC_COMMAND;
		h.async_id = rq->async_id;
	}
	/* Where there is no key to sign with, clients that sign still look for the flag. */
	if (rq->sign || (!rq->session && rq->header.flags & SMB2_FLAGS_SIGNED))
		h.flags |= SMB2_FLAGS_SIGNED;
	rq->reply.len = rq->head_at;
	smb2_header_encode(&rq->reply, &h);
	rq->reply.len = end;
	rq->has_response = true;
}

static bool must_sign(const struct smb_request *rq)
{
	if (!rq->channel || !rq->channel->signer || rq->is_encrypted)
		return false;
	return rq->is_signed || rq->force_sign || rq->session->signing_required;
}

/* Turn what the handler left into a response with @status. */
static void respond(struct smb_request *rq, ntstatus status)
{
	size_t body = rq->head_at + SMB2_HEADER_SIZE;

	if (rq->reply.failed) {
		rq->reply.failed = false;
		rq->keep_body = false;
		status = STATUS_INSUFFICIENT_RESOURCES;
	}
	if ((nt_failed(status) && !rq->keep_body) || (status && rq->reply.len == body)) {
		rq->reply.len = body;
		smb2_error_encode(&rq->reply, NULL, 0, 0);
	}
	if (nt_failed(status) && rq->header.command < SMB2_COMMAND_COUNT)
		COUNT(requests_failed[rq->header.command], 1);
	log_debug("request client=%s command=%s message_id=%llu status=%s", rq->conn->client,
		  smb2_command_name(rq->header.command), (unsigned long long)rq->header.message_id,
		  ntstatus_name(status));
	rq->sign = must_sign(rq);
	write_header(rq, status);
	rq->signed_id = rq->header.message_id;
	rq->signing_channel = rq->channel; /* takes the reference over */
	rq->channel = NULL;
	rq->session = NULL;
}

void request_send_interim(struct smb_request *rq)
{
	rq->reply.len = rq->head_at + SMB2_HEADER_SIZE;
	smb2_error_encode(&rq->reply, NULL, 0, 0);
	rq->async_id = ++rq->conn->next_async_id;
	/*
	 * Not signed: clients do not verify it (MS-SMB2 3.2.5.1.3), and its message id is that of
	 * the final response, so that AES-GMAC would use one nonce for two messages.
	 */
	rq->sign = false;
	write_header(rq, STATUS_PENDING);
	if (finish_frame(rq))
		connection_send(rq->conn, &rq->reply);
}

/* The walk. */

/* A file id that an earlier message of the compound named or made is what related ones mean. */
static void begin_related(struct smb_request *rq)
{
	rq->is_related = rq->header.flags & SMB2_FLAGS_RELATED_OPERATIONS;
	if (rq->is_related && rq->index) {
		rq->header.session_id = rq->last_session_id;
		rq->header.tree_id = rq->last_tree_id;
	} else {
		rq->has_last_file = false;
		rq->last_status = STATUS_INVALID_PARAMETER;
		rq->last_session_id = rq->header.session_id;
		rq->last_tree_id = rq->header.tree_id;
	}
}

const char *request_bounds(const struct frame *frame, size_t at, struct smb2_header *h,
			   size_t *length)
{
	struct cursor c = cur_of(frame->data + at, frame->length - at);
	uint32_t next;

	*length = frame->length - at;
	if (smb2_header_decode(&c, h))
		return "not an SMB2 message";
	if (h->flags & SMB2_FLAGS_SERVER_TO_REDIR)
		return "a response where a request belongs";
	next = h->next_command;
	if (!next)
		return NULL;
	if (next % 8 || next < SMB2_HEADER_SIZE || next > *length - SMB2_HEADER_SIZE)
		return "wrong NextCommand";
	*length = next;
	return NULL;
}

const char *request_pay(struct connection *conn, const struct smb2_header *h, uint32_t *charge)
{
	bool many = conn->capabilities & SMB2_GLOBAL_CAP_LARGE_MTU && h->credit_charge;

	*charge = h->command == SMB2_CANCEL ? 0 : many ? h->credit_charge : 1;
	if (*charge && !sequence_take(&conn->sequence, h->message_id, *charge))
		return "message id outside of the window";
	return NULL;
}

/* Find the bounds of the next message. NULL, or why the connection must go. */
static const char *begin_message(struct smb_request *rq)
{
	uint32_t charge;
	size_t length;
	const char *why;

	if (rq->index >= smb.config.max_compound)
		return "too many messages in one frame";
	why = request_bounds(&rq->frame, rq->next_at, &rq->header, &length);
	if (why)
		return why;
	rq->message = cur_of(rq->frame.data + rq->next_at, length);
	cur_skip(&rq->message, SMB2_HEADER_SIZE);
	rq->next_at += length;
	rq->command = NULL;
	rq->is_signed = rq->resumed = rq->keep_body = rq->no_answer = rq->granted = false;
	rq->force_sign = false;
	rq->async_id = 0;
	rq->progress = 0;
	begin_related(rq);
	return rq->is_paid ? NULL : request_pay(rq->conn, &rq->header, &charge);
}

/* Is this node still the owner of what the request is about? */
static bool guard_holds(const struct smb_request *rq)
{
	const struct server *server = rq->tree->share->server;

	return !server->guard || server->guard(server->guard_arg);
}

/* The message at hand has its status: write its response. */
static void settle(struct smb_request *rq, ntstatus status)
{
	/* What was done while another may have become the owner must not be acknowledged. */
	if (rq->tree && !guard_holds(rq))
		rq->drop = true;
	if (rq->drop) {
		connection_drop(rq->conn, "the protocol says so");
	} else if (!rq->no_answer) {
		if (!rq->reply.data) /* an interim response took the first one away */
			begin_response(rq);
		respond(rq, status);
	}
	if (rq->header.command == SMB2_CREATE || rq->header.command == SMB2_OPLOCK_BREAK)
		rq->tells_caching = true;
	rq->last_session_id = rq->header.session_id;
	rq->last_tree_id = rq->header.tree_id;
	end_message(rq);
	rq->index++;
}

/* False: a message waits. */
static bool walk_messages(struct smb_request *rq)
{
	while (rq->next_at < rq->frame.length && !rq->conn->is_dropped) {
		const char *why = begin_message(rq);
		ntstatus status;

		if (why) {
			COUNT(protocol_errors, 1);
			connection_drop(rq->conn, why);
			break;
		}
		if (rq->header.command != SMB2_CANCEL)
			begin_response(rq);
		status = dispatch(rq);
		if (status == STATUS_PENDING)
			return false;
		settle(rq, status);
	}
	return true;
}

static void walk(struct smb_request *rq)
{
	struct smb_request *outer = barrier_begin(rq);
	bool is_done = walk_messages(rq);

	barrier_end(outer);
	if (!is_done)
		return;
	if (rq->conn->is_dropped)
		rq->has_response = false;
	else if (finish_frame(rq))
		barrier_answer(rq);
	request_free(rq);
}

void request_settle(struct smb_request *rq, ntstatus status)
{
	if (!rq->conn->is_dropped)
		settle(rq, status);
	walk(rq);
}

/* May the handler still be called after the wait? */
static ntstatus still_there(const struct smb_request *rq)
{
	if (rq->session && session_state(rq->session) == SESSION_ENDED)
		return STATUS_USER_SESSION_DELETED;
	if (rq->tree && tree_is_gone(rq->tree))
		return STATUS_NETWORK_NAME_DELETED;
	return STATUS_SUCCESS;
}

/* The handler once more, where the wait leaves that possible. */
static ntstatus handle_again(struct smb_request *rq)
{
	/* Those that made the open go back for it; what an open waited for is told to it. */
	ntstatus status = rq->open || rq->pipe ? STATUS_SUCCESS : still_there(rq);

	if (!status && rq->tree && !guard_holds(rq))
		status = STATUS_NETWORK_NAME_DELETED; /* settle drops the connection */
	return status ? status : rq->command->handle(rq);
}

void request_go_on(struct smb_request *rq)
{
	ntstatus status = STATUS_CANCELLED;
	struct smb_request *outer;

	rq->state = REQUEST_RUNNING;
	rq->resumed = true;
	/* Of a connection that is lost, a CREATE that can be found by a replay is still carried
	 * out.
	 */
	if (!rq->conn->is_dropped || rq->replay) {
		if (!rq->reply.data)
			begin_response(rq);
		outer = barrier_begin(rq);
		status = handle_again(rq);
		barrier_end(outer);
		if (status == STATUS_PENDING)
			return;
	}
	request_settle(rq, status);
}

void request_begin(struct connection *conn, struct frame *frame)
{
	struct cursor c = cur_of(frame->data, frame->length);
	uint32_t protocol = cur_u32le(&c);
	struct smb_request *rq;
	const char *why = NULL;

	if (protocol == SMB1_PROTOCOL_ID) {
		why = negotiate_smb1(conn, frame);
		if (why)
			connection_drop(conn, why);
		frame_free(frame);
		return;
	}
	rq = request_new(conn, frame);
	if (protocol == SMB2_TRANSFORM_ID)
		why = seal_open_frame(rq);
	if (!why && compress_is_compressed(rq))
		why = compress_open_frame(rq);
	if (why) {
		COUNT(protocol_errors, 1);
		connection_drop(conn, why);
		request_free(rq);
		return;
	}
	walk(rq);
}
