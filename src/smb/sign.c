// SPDX-License-Identifier: Apache-2.0
/*
 * Signatures of single messages (MS-SMB2 3.1.4.1, 3.1.5.1). Each message of a compound is signed by
 * itself, over its bytes up to the next one.
 */
#include "request.h"

#define SIGNATURE_END (SMB2_HEADER_SIGNATURE_AT + 16)

static const uint8_t no_signature[16];

static bool compute(struct channel *channel, const uint8_t *message, size_t length,
		    uint64_t message_id, bool is_response, bool is_cancel, uint8_t signature[16])
{
	const struct iovec parts[] = {
		{ (void *)(uintptr_t)message, SMB2_HEADER_SIGNATURE_AT },
		{ (void *)(uintptr_t)no_signature, sizeof(no_signature) },
		{ (void *)(uintptr_t)(message + SIGNATURE_END), length - SIGNATURE_END },
	};

	return signer_sign(channel->signer, parts, ARRAY_LEN(parts), message_id, is_response,
			   is_cancel, signature);
}

bool sign_check(struct channel *channel, const struct smb_request *rq)
{
	const uint8_t *message = rq->message.base;
	size_t length = (size_t)(rq->message.end - message);
	uint8_t signature[16];

	return compute(channel, message, length, rq->header.message_id, false,
		       rq->header.command == SMB2_CANCEL, signature) &&
	       secret_equal(signature, rq->header.signature, sizeof(signature));
}

void sign_response(struct channel *channel, struct buf *b, size_t at, uint64_t message_id)
{
	uint8_t *message = b->data + at;
	uint8_t signature[16];

	if (compute(channel, message, b->len - at, message_id, true, false, signature))
		memcpy(message + SMB2_HEADER_SIGNATURE_AT, signature, sizeof(signature));
}
