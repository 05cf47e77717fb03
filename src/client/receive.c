// SPDX-License-Identifier: Apache-2.0
/*
 * Answers on their way in: decrypted, verified, matched with their requests. What does not fit ends
 * the connection, because after it nothing can be trusted (MS-SMB2 3.2.5.1).
 */
#include "impl.h"

static void reject(struct client *client, const char *why)
{
	client_fail(client, client->step, STATUS_INVALID_NETWORK_RESPONSE, 0, why);
}

/* The server may say these without the key of the session, because it has lost it. */
static bool may_be_unsigned(uint32_t status)
{
	return status == STATUS_USER_SESSION_DELETED || status == STATUS_NETWORK_SESSION_EXPIRED;
}

/* One answer must be protected as was agreed upon, or better. */
static bool protection_holds(struct client *client, const struct smb2_header *header,
			     const uint8_t *data, size_t length, bool decrypted)
{
	if (decrypted || !client->signer || client->options.signing == CLIENT_FORBIDDEN ||
	    header->message_id == MESSAGE_ID_UNASKED)
		return true;
	if (header->flags & SMB2_FLAGS_SIGNED) {
		if (keys_verify(client, data, length, header))
			return true;
		reject(client, "The signature of an answer is wrong.");
		return false;
	}
	if (header->status == STATUS_PENDING || may_be_unsigned(header->status))
		return true;
	if (!client->facts.signs && !client->facts.encrypts)
		return true;
	reject(client, "An answer is neither signed nor encrypted.");
	return false;
}

static void notice(struct client *client, struct cursor body)
{
	struct smb2_oplock_break broken = { 0 };

	if (smb2_oplock_break_notification_decode(&body, &broken))
		reject(client, "A break notification does not parse.");
	else if (client->ready && client->events->broken)
		client->events->broken(client, &broken);
}

static void answer(struct client *client, const struct smb2_header *header, struct cursor body)
{
	struct client_request *request;

	if (!(header->flags & SMB2_FLAGS_SERVER_TO_REDIR)) {
		reject(client, "The server sent a request.");
		return;
	}
	if (header->message_id == MESSAGE_ID_UNASKED && header->command == SMB2_OPLOCK_BREAK) {
		notice(client, body);
		return;
	}
	request = requests_find(client, header->message_id);
	if (!request || request->command != header->command) {
		reject(client, "An answer to what was not asked.");
		return;
	}
	if (header->status == STATUS_PENDING && header->flags & SMB2_FLAGS_ASYNC_COMMAND) {
		request->pending = true;
		request->async_id = header->async_id;
		requests_grant(client, header->credits);
		return;
	}
	requests_remove(client, request);
	requests_grant(client, header->credits);
	request->status = header->status;
	request->header = *header;
	request->body = body;
	request->answered = true;
	request->done(request);
}

/* Walk a compound: each part ends where the next one begins, and the last with the message. */
static void take_message(struct client *client, struct cursor whole, bool decrypted)
{
	while (!client->failed) {
		struct smb2_header header = { 0 };
		struct cursor c = cur_of(whole.at, cur_left(&whole));
		size_t length = cur_left(&whole);

		if (smb2_header_decode(&c, &header)) {
			reject(client, "A header does not parse.");
			return;
		}
		if (header.next_command) {
			if (header.next_command & 7 || header.next_command < SMB2_HEADER_SIZE ||
			    header.next_command >= length) {
				reject(client, "The parts of a compound do not fit.");
				return;
			}
			length = header.next_command;
			c.end = c.base + length;
		}
		if (!protection_holds(client, &header, c.base, length, decrypted))
			return;
		answer(client, &header, c);
		if (!header.next_command)
			return;
		cur_skip(&whole, length);
	}
}

/* A message as it is, or compressed; what comes out of that must be one. */
static void take_any(struct client *client, struct cursor whole, bool decrypted)
{
	struct cursor protocol = whole;
	struct buf auto_buf plain = { 0 };

	if (cur_u32le(&protocol) != SMB2_COMPRESSION_ID)
		take_message(client, whole, decrypted);
	else if (decompress_message(client, whole, &plain))
		take_message(client, cur_of(plain.data, plain.len), decrypted);
	else
		reject(client, "A compressed answer is damaged.");
}

static void take_encrypted(struct client *client, struct frame *frame)
{
	struct cursor c = cur_of(frame->data, frame->length);
	struct smb2_transform transform;
	size_t length;

	if (smb2_transform_decode(&c, &transform) || !client->open ||
	    transform.session_id != client->facts.session_id) {
		reject(client, "An encrypted answer does not belong to the session.");
		return;
	}
	length = cur_left(&c);
	if (transform.original_size != length ||
	    !sealer_open(client->open, transform.nonce, frame->data + SMB2_TRANSFORM_NONCE_AT,
			 SMB2_TRANSFORM_SIZE - SMB2_TRANSFORM_NONCE_AT,
			 frame->data + SMB2_TRANSFORM_SIZE, length, transform.signature)) {
		reject(client, "An encrypted answer is damaged.");
		return;
	}
	take_any(client, cur_of(frame->data + SMB2_TRANSFORM_SIZE, length), true);
}

void client_received(struct client *client, struct frame *frame)
{
	struct cursor c = cur_of(frame->data, frame->length);
	uint32_t protocol = cur_u32le(&c);

	client->facts.bytes_in += frame->length + STREAM_HEADER;
	if (protocol == SMB2_TRANSFORM_ID)
		take_encrypted(client, frame);
	else
		take_any(client, cur_of(frame->data, frame->length), false);
}
