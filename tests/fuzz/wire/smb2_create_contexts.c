// SPDX-License-Identifier: Apache-2.0
/*
 * The context chain of CREATE, without the luck it takes to get there: the first byte says whether
 * it is that of a response. What decodes is encoded and decoded again, and must be the same.
 */
#include <wire/smb2.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_CHAIN 65536u

/* A CREATE of this kind with @chain appended, in memory of exactly its size. */
static struct buf wrap(bool is_response, const uint8_t *chain, size_t length)
{
	struct buf b = { 0 };
	size_t at = is_response ? 80 : 48;
	size_t offset;

	smb2_header_encode(&b, &(struct smb2_header){ .command = SMB2_CREATE });
	if (is_response)
		smb2_create_response_encode(&b, &(struct smb2_create_response){ 0 });
	else
		smb2_create_request_encode(&b, &(struct smb2_create_request){ 0 });
	buf_align(&b, 0, 8);
	offset = b.len;
	buf_bytes(&b, chain, length);
	buf_put_u32le(&b, SMB2_HEADER_SIZE + at, (uint32_t)offset);
	buf_put_u32le(&b, SMB2_HEADER_SIZE + at + 4, (uint32_t)length);
	return b;
}

static bool decode(bool is_response, const struct buf *b, void *r)
{
	struct cursor c = cur_of(b->data, b->len);
	struct smb2_header h;

	BUG_ON(smb2_header_decode(&c, &h) != STATUS_SUCCESS);
	return !(is_response ? smb2_create_response_decode(&c, r)
			     : smb2_create_request_decode(&c, r));
}

static struct buf encode(bool is_response, const void *r)
{
	struct buf b = { 0 };

	smb2_header_encode(&b, &(struct smb2_header){ .command = SMB2_CREATE });
	if (is_response)
		smb2_create_response_encode(&b, r);
	else
		smb2_create_request_encode(&b, r);
	return b;
}

static union both {
	struct smb2_create_request request;
	struct smb2_create_response response;
} first, second;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool is_response = size && data[0] & 1;
	struct buf given;

	if (!size || size > MAX_CHAIN)
		return 0;
	given = wrap(is_response, data + 1, size - 1);
	if (decode(is_response, &given, &first)) {
		struct buf once = encode(is_response, &first);
		struct buf twice;

		BUG_ON(!decode(is_response, &once, &second));
		twice = encode(is_response, &second);
		BUG_ON(once.len != twice.len || memcmp(once.data, twice.data, once.len) != 0);
		buf_free(&once);
		buf_free(&twice);
	}
	buf_free(&given);
	return 0;
}
