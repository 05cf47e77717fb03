// SPDX-License-Identifier: Apache-2.0
/*
 * COMPRESSION_TRANSFORM_HEADER (MS-SMB2 2.2.42): a message in one compressed piece behind a plain
 * beginning, or as a chain of payloads, each in a way of its own.
 *
 * A chain made here is: the plain beginning, a run of one byte, what lies between, a run of one
 * byte; what is empty is left out (3.1.4.4).
 */
#include <wire/smb2.h>
#include <wire/xca.h>

#define CHAINED_HEAD  8u
#define PATTERN_BYTES 8u
#define PATTERN_LEAST 64u /* a shorter run is not worth a payload of its own */

struct algorithm {
	uint16_t id;
	bool (*decompress)(struct cursor in, uint8_t *out, size_t length);
	bool (*compress)(const uint8_t *data, size_t length, size_t most, struct buf *out);
};

static const struct algorithm algorithms[] = {
	{ SMB2_COMPRESSION_LZNT1, lznt1_decompress, lznt1_compress },
	{ SMB2_COMPRESSION_LZ77, lz77_decompress, lz77_compress },
	{ SMB2_COMPRESSION_LZ77_HUFFMAN, lz77_huffman_decompress, lz77_huffman_compress },
};

static const struct algorithm *algorithm_find(uint16_t id)
{
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++)
		if (algorithms[i].id == id)
			return &algorithms[i];
	return NULL;
}

static bool agreed_on(const struct smb2_compression *agreed, uint16_t id)
{
	return id < 32 && agreed->algorithms & 1u << id;
}

uint32_t smb2_compression_known(void)
{
	uint32_t known = 1u << SMB2_COMPRESSION_PATTERN_V1;

	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++)
		known |= 1u << algorithms[i].id;
	return known;
}

struct smb2_compression smb2_compression_agree(const struct smb2_negotiate_contexts *offer)
{
	struct smb2_compression agreed = { 0 };
	uint32_t known = smb2_compression_known();

	if (!offer->has_compression)
		return agreed;
	agreed.chained = offer->compression_flags & SMB2_COMPRESSION_FLAG_CHAINED;
	for (size_t i = 0; i < offer->compression_count; i++) {
		uint16_t id = offer->compression[i];

		/* A pattern is a payload of a chain, or nothing. */
		if (id >= 32 || !(known & 1u << id) ||
		    (id == SMB2_COMPRESSION_PATTERN_V1 && !agreed.chained))
			continue;
		agreed.algorithms |= 1u << id;
		if (!agreed.preferred && algorithm_find(id))
			agreed.preferred = id;
	}
	return agreed;
}

/* ---- decompression ---- */

/* @length more bytes, as @packed has them. */
static bool take_packed(const struct smb2_compression *agreed, uint16_t id, struct cursor packed,
			uint32_t length, struct buf *out)
{
	const struct algorithm *algorithm = algorithm_find(id);
	uint8_t *room;

	if (!algorithm || !agreed_on(agreed, id))
		return false;
	room = buf_room(out, length);
	if (!room || !algorithm->decompress(packed, room, length))
		return false;
	out->len += length;
	return true;
}

static bool take_unchained(struct cursor *c, const struct smb2_compression *agreed, uint32_t size,
			   uint16_t id, struct buf *out)
{
	uint32_t offset = cur_u32le(c);
	const uint8_t *plain = cur_bytes(c, offset);

	if (c->bad)
		return false;
	buf_bytes(out, plain, offset);
	return !out->failed && take_packed(agreed, id, cur_of(c->at, cur_left(c)), size, out);
}

static bool take_pattern(struct cursor payload, const struct smb2_compression *agreed,
			 uint32_t most, struct buf *out)
{
	uint8_t pattern = cur_u8(&payload), *room;
	uint32_t count;

	cur_skip(&payload, 3);
	count = cur_u32le(&payload);
	if (payload.bad || !agreed_on(agreed, SMB2_COMPRESSION_PATTERN_V1) || count > most)
		return false;
	room = buf_grow(out, count);
	if (room)
		memset(room, pattern, count);
	return room;
}

/* One payload; @left is what the message still lacks. */
static bool take_payload(struct cursor *c, const struct smb2_compression *agreed, uint16_t id,
			 uint32_t left, struct buf *out)
{
	struct cursor payload = cur_take(c, cur_u32le(c));
	uint32_t size;

	if (c->bad)
		return false;
	if (id == SMB2_COMPRESSION_PATTERN_V1)
		return take_pattern(payload, agreed, left, out);
	if (id == SMB2_COMPRESSION_NONE) {
		if (cur_left(&payload) > left)
			return false;
		buf_bytes(out, payload.at, cur_left(&payload));
		return !out->failed;
	}
	size = cur_u32le(&payload);
	return !payload.bad && size <= left &&
	       take_packed(agreed, id, cur_of(payload.at, cur_left(&payload)), size, out);
}

static bool take_chain(struct cursor *c, const struct smb2_compression *agreed, uint32_t size,
		       uint16_t id, struct buf *out)
{
	size_t begin = out->len;

	if (!agreed->chained)
		return false;
	for (unsigned count = 0; count < SMB2_COMPRESSION_PAYLOADS_MAX; count++) {
		uint32_t left = size - (uint32_t)(out->len - begin);

		if (!take_payload(c, agreed, id, left, out))
			return false;
		if (!cur_left(c))
			return out->len - begin == size;
		id = cur_u16le(c);
		cur_skip(c, 2); /* Flags: means something in the first payload only */
	}
	return false;
}

ntstatus smb2_decompress(struct cursor *c, const struct smb2_compression *agreed, size_t most,
			 struct buf *out)
{
	uint32_t size;
	uint16_t id, flags;
	bool good;

	if (cur_u32le(c) != SMB2_COMPRESSION_ID)
		return STATUS_BAD_COMPRESSION_BUFFER;
	size = cur_u32le(c);
	id = cur_u16le(c);
	flags = cur_u16le(c);
	if (c->bad || !agreed->algorithms || size > most ||
	    (flags & ~SMB2_COMPRESSION_FLAG_CHAINED))
		return STATUS_BAD_COMPRESSION_BUFFER;
	out->limit = out->len + most;
	good = flags ? take_chain(c, agreed, size, id, out)
		     : take_unchained(c, agreed, size, id, out);
	return good && !out->failed ? STATUS_SUCCESS : STATUS_BAD_COMPRESSION_BUFFER;
}

/* ---- compression ---- */

struct run {
	uint8_t byte;
	size_t length;
};

static struct run run_at_front(const uint8_t *data, size_t length)
{
	struct run run = { length ? data[0] : 0, 0 };

	while (run.length < length && data[run.length] == run.byte)
		run.length++;
	return run;
}

static struct run run_at_back(const uint8_t *data, size_t length)
{
	struct run run = { length ? data[length - 1] : 0, 0 };

	while (run.length < length && data[length - 1 - run.length] == run.byte)
		run.length++;
	return run;
}

/* The head of a payload; only the first of a chain is flagged. */
static void put_head(struct buf *out, size_t begin, uint16_t id, size_t length)
{
	bool is_first = out->len == begin + CHAINED_HEAD;

	buf_u16le(out, id);
	buf_u16le(out, is_first ? SMB2_COMPRESSION_FLAG_CHAINED : 0);
	buf_u32le(out, (uint32_t)length);
}

static void put_plain(struct buf *out, size_t begin, const uint8_t *data, size_t length)
{
	if (!length)
		return;
	put_head(out, begin, SMB2_COMPRESSION_NONE, length);
	buf_bytes(out, data, length);
}

static void put_pattern(struct buf *out, size_t begin, struct run run)
{
	if (!run.length)
		return;
	put_head(out, begin, SMB2_COMPRESSION_PATTERN_V1, PATTERN_BYTES);
	buf_u8(out, run.byte);
	buf_zero(out, 3);
	buf_u32le(out, (uint32_t)run.length);
}

static void put_packed(struct buf *out, size_t begin, const struct algorithm *algorithm,
		       const uint8_t *data, size_t length)
{
	size_t head = out->len, packed;

	if (!length)
		return;
	if (algorithm) {
		put_head(out, begin, algorithm->id, 0);
		buf_u32le(out, (uint32_t)length);
		packed = out->len;
		if (algorithm->compress(data, length, length, out)) {
			buf_put_u32le(out, head + 4, (uint32_t)(out->len - packed + 4));
			return;
		}
		out->len = head;
	}
	put_plain(out, begin, data, length);
}

static void put_chain(const struct smb2_compression *agreed, const uint8_t *message, size_t length,
		      size_t plain, struct buf *out)
{
	const struct algorithm *algorithm = algorithm_find(agreed->preferred);
	const uint8_t *data = message + plain;
	struct run front = { 0 }, back = { 0 };
	size_t begin = out->len;

	length -= plain;
	if (agreed_on(agreed, SMB2_COMPRESSION_PATTERN_V1)) {
		front = run_at_front(data, length);
		if (front.length < PATTERN_LEAST)
			front.length = 0;
		back = run_at_back(data + front.length, length - front.length);
		if (back.length < PATTERN_LEAST)
			back.length = 0;
	}
	buf_u32le(out, SMB2_COMPRESSION_ID);
	buf_u32le(out, (uint32_t)(plain + length));
	put_plain(out, begin, message, plain);
	put_pattern(out, begin, front);
	put_packed(out, begin, algorithm, data + front.length, length - front.length - back.length);
	put_pattern(out, begin, back);
}

static void put_unchained(const struct smb2_compression *agreed, const uint8_t *message,
			  size_t length, size_t plain, struct buf *out)
{
	const struct algorithm *algorithm = algorithm_find(agreed->preferred);
	size_t begin = out->len;

	buf_u32le(out, SMB2_COMPRESSION_ID);
	buf_u32le(out, (uint32_t)(length - plain));
	buf_u16le(out, agreed->preferred);
	buf_u16le(out, 0);
	buf_u32le(out, (uint32_t)plain);
	buf_bytes(out, message, plain);
	if (!algorithm ||
	    !algorithm->compress(message + plain, length - plain, length - plain, out))
		out->len = begin;
}

bool smb2_compress(const struct smb2_compression *agreed, const uint8_t *message, size_t length,
		   size_t plain, struct buf *out)
{
	size_t begin = out->len;

	if (!agreed->algorithms || plain >= length || length > XCA_INPUT_MAX ||
	    xca_is_noise(message + plain, length - plain))
		return false;
	if (agreed->chained)
		put_chain(agreed, message, length, plain, out);
	else
		put_unchained(agreed, message, length, plain, out);
	if (!out->failed && out->len > begin && out->len - begin < length)
		return true;
	out->len = begin;
	return false;
}
