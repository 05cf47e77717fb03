// SPDX-License-Identifier: Apache-2.0
/*
 * Encryption of whole frames (MS-SMB2 3.1.4.3, 3.3.4.1.4, 3.3.5.2.1.1): opened and sealed in place,
 * behind the transform header.
 */
#include "request.h"

const char *seal_open_frame(struct smb_request *rq)
{
	struct cursor c = cur_of(rq->frame.data, rq->frame.length);
	struct smb2_transform t;
	struct channel *channel;
	struct sealer *opener;

	if (rq->conn->dialect < SMB2_DIALECT_300 || rq->conn->cipher == CIPHER_NONE)
		return "encrypted message where no cipher was agreed on";
	if (smb2_transform_decode(&c, &t) || t.flags != 1)
		return "malformed transform header";
	if (t.original_size != cur_left(&c) || t.original_size < SMB2_HEADER_SIZE)
		return "wrong size in a transform header";
	channel = channel_find(rq->conn, t.session_id);
	if (!channel || channel->state != CHANNEL_VALID ||
	    session_state(channel->session) != SESSION_VALID)
		return "encrypted message for no session";
	opener = channel_opener(channel);
	if (!opener ||
	    !sealer_open(opener, t.nonce, rq->frame.data + SMB2_TRANSFORM_NONCE_AT,
			 SMB2_TRANSFORM_SIZE - SMB2_TRANSFORM_NONCE_AT,
			 rq->frame.data + SMB2_TRANSFORM_SIZE, t.original_size, t.signature)) {
		COUNT(bad_seals, 1);
		return "encrypted message that does not open";
	}
	rq->next_at = SMB2_TRANSFORM_SIZE;
	rq->is_encrypted = true;
	rq->sealing_channel = channel_get(channel);
	if (!session_was_encrypted(channel->session))
		__atomic_store_n(&channel->session->was_encrypted, true, __ATOMIC_RELAXED);
	return NULL;
}

bool seal_reply(struct channel *channel, struct buf *b)
{
	size_t head = STREAM_HEADER;
	size_t body = head + SMB2_TRANSFORM_SIZE;
	struct sealer *sealer = channel_sealer(channel);
	struct smb2_transform t = {
		.original_size = (uint32_t)(b->len - body),
		.flags = 1,
		.session_id = channel->session->id,
	};
	size_t end = b->len;
	uint64_t nonce;
	uint8_t tag[16];

	if (!sealer)
		return false;
	/* Never repeats under a key, which all channels share: 64 bits of the 88 or 96 of a nonce.
	 */
	nonce = __atomic_add_fetch(&channel->session->nonce, 1, __ATOMIC_RELAXED);
	for (size_t i = 0; i < 8; i++)
		t.nonce[i] = (uint8_t)(nonce >> (8 * i));
	b->len = head;
	smb2_transform_encode(b, &t);
	b->len = end;
	if (!sealer_seal(sealer, t.nonce, b->data + head + SMB2_TRANSFORM_NONCE_AT,
			 SMB2_TRANSFORM_SIZE - SMB2_TRANSFORM_NONCE_AT, b->data + body, end - body,
			 tag))
		return false;
	memcpy(b->data + head + 4, tag, sizeof(tag)); /* Signature, behind ProtocolId */
	return true;
}
