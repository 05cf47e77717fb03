// SPDX-License-Identifier: Apache-2.0
/*
 * Requests on their way out: put together, numbered, signed or sealed, sent; and the table of those
 * whose answer has not come. A message that needs more credits than there are waits in a queue, and
 * all that come after it wait behind it (MS-SMB2 3.2.4.1).
 */
#include "impl.h"

#define REQUEST_TIMEOUT_MS 30000
#define PENDING_TIMEOUT_MS 300000

static void look_for_late(struct loop_timer *timer);

static uint64_t timeout_ms(const struct client *client)
{
	return client->options.request_timeout_ms ? client->options.request_timeout_ms
						  : REQUEST_TIMEOUT_MS;
}

static uint64_t pending_ms(const struct client *client)
{
	return client->options.pending_timeout_ms ? client->options.pending_timeout_ms
						  : PENDING_TIMEOUT_MS;
}

/* How long this request may wait for its answer. */
static uint64_t limit_ns(const struct client *client, const struct client_request *request)
{
	uint64_t ms = request->pending ? pending_ms(client) : timeout_ms(client);

	/* As long as the disk takes: a shorter limit is not meant for that. */
	if (request->pending && request->command == SMB2_FLUSH)
		ms = max_u64(ms, PENDING_TIMEOUT_MS);
	ms = ms < UINT64_MAX - request->extra_ms ? ms + request->extra_ms : UINT64_MAX;
	return ms < UINT64_MAX / 1000000u ? ms * 1000000u : UINT64_MAX;
}

/* A request that is sent while the timer runs may be late earlier than those it was set for. */
static uint64_t look_ms(const struct client *client)
{
	return min_u64(timeout_ms(client), pending_ms(client));
}

void requests_init(struct client *client)
{
	client->credits = 1;
	client->queue_end = &client->queue;
}

static struct client_request **bucket_of(struct client *client, uint64_t message_id)
{
	return &client->buckets[message_id & (REQUEST_BUCKETS - 1)];
}

static void remember(struct client *client, struct client_request *request)
{
	struct client_request **bucket = bucket_of(client, request->message_id);

	request->next_hashed = *bucket;
	*bucket = request;
	if (!client->timer.heap_index)
		loop_timer_start(client->loop, &client->timer, look_ms(client), look_for_late);
}

struct client_request *requests_find(struct client *client, uint64_t message_id)
{
	struct client_request *request = *bucket_of(client, message_id);

	while (request && request->message_id != message_id)
		request = request->next_hashed;
	return request;
}

void requests_remove(struct client *client, struct client_request *request)
{
	struct client_request **at = bucket_of(client, request->message_id);

	while (*at != request)
		at = &(*at)->next_hashed;
	*at = request->next_hashed;
	client->in_flight--;
}

static void look_for_late(struct loop_timer *timer)
{
	struct client *client = container_of(timer, struct client, timer);
	uint64_t now = monotonic_ns(), left = UINT64_MAX;
	bool any = false;

	for (size_t i = 0; i < REQUEST_BUCKETS; i++) {
		for (struct client_request *rq = client->buckets[i]; rq; rq = rq->next_hashed) {
			uint64_t limit = limit_ns(client, rq), spent = now - rq->sent_ns;

			any = true;
			left = min_u64(left, spent < limit ? limit - spent : 0);
		}
	}
	if (!any)
		return; /* the next request starts the timer again */
	if (!left)
		client_fail(client, client->step, STATUS_IO_TIMEOUT, 0,
			    "The server did not answer in time.");
	else
		loop_timer_start(client->loop, timer, min_u64(left / 1000000u, look_ms(client)) + 1,
				 look_for_late);
}

static bool must_encrypt(const struct client *client, const struct client_tree *tree)
{
	if (!client->seal)
		return false;
	return client->facts.encrypts || (tree && tree->flags & SMB2_SHAREFLAG_ENCRYPT_DATA);
}

void client_begin(struct client *client, struct client_message *message,
		  const struct client_tree *tree)
{
	*message = (struct client_message){ .tree = tree };
	message->encrypted = must_encrypt(client, tree);
	buf_room(&message->buf, 256);
	buf_zero(&message->buf,
		 STREAM_HEADER + (message->encrypted ? (size_t)SMB2_TRANSFORM_SIZE : 0u));
	message->first_at = message->last_at = message->buf.len;
}

static uint32_t charge_of(const struct client *client, size_t payload)
{
	if (!(client->facts.capabilities & SMB2_GLOBAL_CAP_LARGE_MTU) || !payload)
		return 1;
	return (uint32_t)((payload - 1) / BYTES_A_CREDIT + 1);
}

void client_add(struct client_message *message, struct client *client,
		struct client_request *request, uint16_t command, size_t payload, bool related)
{
	struct smb2_header header = {
		.command = command,
		.tree_id = message->tree ? message->tree->id : 0,
		.session_id = client->facts.session_id,
		.flags = related ? SMB2_FLAGS_RELATED_OPERATIONS : 0,
	};

	request->charge = charge_of(client, payload);
	request->command = command;
	request->message_id = request->async_id = 0;
	request->pending = request->answered = false;
	request->next = NULL;
	if (client->facts.dialect >= SMB2_DIALECT_210)
		header.credit_charge = (uint16_t)request->charge;
	if (message->last) {
		buf_align(&message->buf, message->first_at, 8);
		buf_put_u32le(&message->buf, message->last_at + SMB2_HEADER_NEXT_AT,
			      (uint32_t)(message->buf.len - message->last_at));
		message->last->next = request;
		message->last_at = message->buf.len;
	} else {
		message->first = request;
	}
	message->last = request;
	if (command == SMB2_WRITE) {
		if (!message->write_at)
			message->write_at = message->last_at;
		message->write_bytes += payload;
	}
	smb2_header_encode(&message->buf, &header);
}

static uint32_t message_charge(const struct client_message *message)
{
	uint32_t charge = 0;

	for (const struct client_request *rq = message->first; rq; rq = rq->next)
		charge += rq->charge;
	return charge;
}

/* Ask for so many credits that CREDITS_WANTED remain. */
static uint16_t credits_to_ask(const struct client *client, uint32_t charge)
{
	uint32_t have = client->credits;

	return (uint16_t)(charge + (have < CREDITS_WANTED ? CREDITS_WANTED - have : 0));
}

static bool signs(const struct client *client, const struct client_message *message)
{
	if (message->encrypted || !client->signer || client->options.signing == CLIENT_FORBIDDEN)
		return false;
	if (client->facts.signs)
		return true;
	/* MS-SMB2 3.2.4.2.4 and 3.2.5.5: these two are signed whatever was agreed upon. */
	return message->first->command == SMB2_TREE_CONNECT ||
	       (message->first->command == SMB2_IOCTL && !client->validated);
}

#define AT_MESSAGE_ID 24

/* Number one request, and sign it. The last one of a message ends where the buffer ends. */
static bool finish_request(struct client *client, struct client_message *message,
			   struct client_request *request, size_t at, size_t end, bool sign)
{
	struct buf *buf = &message->buf;

	request->message_id = client->next_message_id;
	request->sent_ns = monotonic_ns();
	client->next_message_id += request->charge;
	buf_put_u64le(buf, at + AT_MESSAGE_ID, request->message_id);
	buf_put_u16le(buf, at + SMB2_HEADER_CREDITS_AT, credits_to_ask(client, request->charge));
	client->credits -= (uint32_t)min_u64(request->charge, client->credits);
	remember(client, request);
	return !sign || keys_sign(client, buf->data + at, end - at);
}

static uint32_t next_command_at(const struct buf *buf, size_t at)
{
	struct cursor c = cur_of(buf->data + at + SMB2_HEADER_NEXT_AT, 4);

	return cur_u32le(&c);
}

static void hand_over(struct client *client, struct client_message *message)
{
	struct buf *buf = &message->buf;
	size_t at = message->first_at;
	bool sign = signs(client, message), good = true;

	for (struct client_request *rq = message->first; rq;) {
		struct client_request *following = rq->next;
		uint32_t next = next_command_at(buf, at);

		good = finish_request(client, message, rq, at, next ? at + next : buf->len, sign) &&
		       good;
		at += next;
		rq = following;
	}
	if (message->first->command == SMB2_NEGOTIATE ||
	    message->first->command == SMB2_SESSION_SETUP)
		preauth_extend(client, buf->data + STREAM_HEADER, buf->len - STREAM_HEADER);
	if (message->write_at)
		compress_message(client, message);
	if (message->encrypted)
		good = good &&
		       keys_seal(client, buf->data + STREAM_HEADER, buf->len - message->first_at);
	client->facts.bytes_out += buf->len;
	client->facts.bytes_written += message->write_bytes;
	if (good)
		stream_send(client->stream, buf);
	else
		client_fail(client, CLIENT_STEP_REQUEST, STATUS_NO_MEMORY, 0, NULL);
	buf_free(buf);
}

void client_send(struct client *client, struct client_message *message)
{
	struct queued_message *queued;

	BUG_ON(message->buf.failed || !message->first);
	for (struct client_request *rq = message->first; rq; rq = rq->next)
		client->in_flight++;
	if (!client->queue && !client->failed && message_charge(message) <= client->credits) {
		hand_over(client, message);
		return;
	}
	queued = xalloc(1, sizeof(*queued));
	queued->message = *message;
	*client->queue_end = queued;
	client->queue_end = &queued->next;
}

static void dequeue(struct client *client, struct client_message *message)
{
	struct queued_message *queued = client->queue;

	*message = queued->message;
	client->queue = queued->next;
	if (!client->queue)
		client->queue_end = &client->queue;
	free(queued);
}

void requests_grant(struct client *client, uint32_t credits)
{
	client->credits = (uint32_t)min_u64((uint64_t)client->credits + credits, UINT16_MAX);
	while (client->queue && !client->failed &&
	       message_charge(&client->queue->message) <= client->credits) {
		struct client_message message;

		dequeue(client, &message);
		hand_over(client, &message);
	}
}

static void end_request(struct client_request *request, ntstatus status)
{
	request->status = status;
	request->answered = false;
	request->body = cur_of(NULL, 0);
	request->done(request);
}

void requests_fail_all(struct client *client, ntstatus status)
{
	loop_timer_stop(client->loop, &client->timer);
	for (size_t i = 0; i < REQUEST_BUCKETS; i++) {
		while (client->buckets[i]) {
			struct client_request *request = client->buckets[i];

			requests_remove(client, request);
			end_request(request, status);
		}
	}
	while (client->queue) {
		struct client_message message;

		dequeue(client, &message);
		buf_free(&message.buf);
		while (message.first) {
			struct client_request *request = message.first;

			message.first = request->next;
			client->in_flight--;
			end_request(request, status);
		}
	}
}

void client_cancel(struct client *client, struct client_request *request)
{
	struct smb2_header header = {
		.command = SMB2_CANCEL,
		.message_id = request->message_id,
		.session_id = client->facts.session_id,
	};
	struct client_message message;
	bool good = true;

	if (client->failed || !request->sent_ns ||
	    requests_find(client, request->message_id) != request)
		return;
	if (request->async_id) {
		header.flags = SMB2_FLAGS_ASYNC_COMMAND;
		header.async_id = request->async_id;
	}
	client_begin(client, &message, NULL);
	smb2_header_encode(&message.buf, &header);
	smb2_empty_encode(&message.buf);
	if (message.encrypted)
		good = keys_seal(client, message.buf.data + STREAM_HEADER,
				 message.buf.len - message.first_at);
	else if (client->facts.signs)
		good = keys_sign(client, message.buf.data + message.first_at,
				 message.buf.len - message.first_at);
	client->facts.bytes_out += message.buf.len;
	if (good)
		stream_send(client->stream, &message.buf);
	buf_free(&message.buf);
}

unsigned client_in_flight(const struct client *client)
{
	return client->in_flight;
}
