// SPDX-License-Identifier: Apache-2.0
#include <wire/hash_range.h>

static bool is_length(uint64_t length)
{
	return length && length <= HASH_RANGE_MAX;
}

ntstatus hash_range_decode(struct cursor c, struct hash_range *r)
{
	uint32_t algorithm = cur_u32le(&c), reserved = cur_u32le(&c);
	uint64_t length;

	r->offset = cur_u64le(&c);
	length = cur_u64le(&c);
	if (c.bad || algorithm != HASH_RANGE_SHA256 || reserved || !is_length(length))
		return STATUS_INVALID_PARAMETER;
	r->length = (uint32_t)length;
	return STATUS_SUCCESS;
}

void hash_range_encode(struct buf *out, const struct hash_range *r)
{
	buf_u32le(out, HASH_RANGE_SHA256);
	buf_u32le(out, 0);
	buf_u64le(out, r->offset);
	buf_u64le(out, r->length);
}

ntstatus hash_range_reply_decode(struct cursor c, struct hash_range_reply *r)
{
	const uint8_t *hash;

	r->length = cur_u64le(&c);
	hash = cur_bytes(&c, sizeof(r->hash));
	if (!hash || !is_length(r->length))
		return STATUS_INVALID_PARAMETER;
	memcpy(r->hash, hash, sizeof(r->hash));
	return STATUS_SUCCESS;
}

void hash_range_reply_encode(struct buf *out, const struct hash_range_reply *r)
{
	buf_u64le(out, r->length);
	buf_bytes(out, r->hash, sizeof(r->hash));
}
