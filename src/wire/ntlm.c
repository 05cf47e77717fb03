// SPDX-License-Identifier: Apache-2.0
#include <wire/ntlm.h>

#include <base/utf16.h>

static const uint8_t signature[8] = "NTLMSSP";

/* The fixed parts of the messages, with the fields that every current client sends. */
#define NEGOTIATE_FIXED	   40
#define CHALLENGE_FIXED	   56
#define AUTHENTICATE_FIXED 88
#define AUTHENTICATE_OLD   64 /* without version and MIC */

#define V2_RESPONSE_TYPE   1
#define NTLM_REVISION	   15

static bool header_decode(struct cursor *c, enum ntlm_message_type type)
{
	const uint8_t *p = cur_bytes(c, sizeof(signature));

	return p && !memcmp(p, signature, sizeof(signature)) && cur_u32le(c) == (uint32_t)type;
}

bool ntlm_is_message(struct cursor c, enum ntlm_message_type type)
{
	return header_decode(&c, type);
}

/* field_decode - a length, an allocated length that means nothing, and an offset from the start. */
static struct cursor field_decode(struct cursor *c, size_t *lowest)
{
	uint16_t length = cur_u16le(c);
	uint32_t offset;

	cur_skip(c, 2);
	offset = cur_u32le(c);
	if (length && offset < *lowest)
		*lowest = offset;
	return cur_slice(c, offset, length);
}

static struct ntlm_version version_decode(struct cursor *c)
{
	struct ntlm_version v;

	v.major = cur_u8(c);
	v.minor = cur_u8(c);
	v.build = cur_u16le(c);
	cur_skip(c, 4);
	return v;
}

ntstatus ntlm_negotiate_decode(struct cursor c, struct ntlm_negotiate *out)
{
	size_t lowest = SIZE_MAX;

	*out = (struct ntlm_negotiate){ 0 };
	if (!header_decode(&c, NTLM_NEGOTIATE))
		return STATUS_INVALID_PARAMETER;
	out->flags = cur_u32le(&c);
	if (c.bad)
		return STATUS_INVALID_PARAMETER;
	/* Old clients end here, or before the version; what a flag does not announce is not read.
	 */
	if (cur_left(&c) < 16)
		return STATUS_SUCCESS;
	if (out->flags & NTLM_NEGOTIATE_DOMAIN_SUPPLIED)
		out->domain = field_decode(&c, &lowest);
	else
		cur_skip(&c, 8);
	if (out->flags & NTLM_NEGOTIATE_WORKSTATION_SUPPLIED)
		out->workstation = field_decode(&c, &lowest);
	else
		cur_skip(&c, 8);
	if (out->flags & NTLM_NEGOTIATE_VERSION && lowest >= NEGOTIATE_FIXED && cur_left(&c) >= 8)
		out->version = version_decode(&c);
	return c.bad ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

ntstatus ntlm_challenge_decode(struct cursor c, struct ntlm_challenge *out)
{
	size_t lowest = SIZE_MAX;

	*out = (struct ntlm_challenge){ 0 };
	if (!header_decode(&c, NTLM_CHALLENGE))
		return STATUS_INVALID_PARAMETER;
	out->target_name = field_decode(&c, &lowest);
	out->flags = cur_u32le(&c);
	cur_copy(&c, out->server_challenge, sizeof(out->server_challenge));
	cur_skip(&c, 8);
	if (out->flags & NTLM_NEGOTIATE_TARGET_INFO)
		out->target_info = field_decode(&c, &lowest);
	else if (cur_left(&c) >= 8)
		cur_skip(&c, 8);
	if (out->flags & NTLM_NEGOTIATE_VERSION && lowest >= CHALLENGE_FIXED && cur_left(&c) >= 8)
		out->version = version_decode(&c);
	return c.bad ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

ntstatus ntlm_authenticate_decode(struct cursor c, struct ntlm_authenticate *out)
{
	size_t lowest = SIZE_MAX;

	*out = (struct ntlm_authenticate){ 0 };
	if (!header_decode(&c, NTLM_AUTHENTICATE))
		return STATUS_INVALID_PARAMETER;
	out->lm_response = field_decode(&c, &lowest);
	out->nt_response = field_decode(&c, &lowest);
	out->domain = field_decode(&c, &lowest);
	out->user = field_decode(&c, &lowest);
	out->workstation = field_decode(&c, &lowest);
	out->session_key = field_decode(&c, &lowest);
	out->flags = cur_u32le(&c);
	if (c.bad)
		return STATUS_INVALID_PARAMETER;
	if (lowest >= NTLM_MIC_OFFSET && cur_left(&c) >= 8)
		out->version = version_decode(&c);
	if (lowest >= AUTHENTICATE_FIXED && cur_position(&c) == NTLM_MIC_OFFSET &&
	    cur_left(&c) >= sizeof(out->mic)) {
		out->has_mic = true;
		cur_copy(&c, out->mic, sizeof(out->mic));
	}
	return c.bad ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

ntstatus ntlm_v2_response_decode(struct cursor c, struct ntlm_v2_response *out)
{
	struct cursor blob;

	*out = (struct ntlm_v2_response){ 0 };
	cur_copy(&c, out->proof, sizeof(out->proof));
	out->blob = cur_take(&c, cur_left(&c));
	blob = out->blob;
	if (cur_u8(&blob) != V2_RESPONSE_TYPE || cur_u8(&blob) != V2_RESPONSE_TYPE)
		return STATUS_INVALID_PARAMETER;
	cur_skip(&blob, 6);
	out->timestamp = nttime_of(cur_u64le(&blob));
	cur_copy(&blob, out->client_challenge, sizeof(out->client_challenge));
	cur_skip(&blob, 4);
	out->av_pairs = cur_take(&blob, cur_left(&blob));
	if (c.bad || blob.bad || !ntlm_av_valid(out->av_pairs))
		return STATUS_INVALID_PARAMETER;
	return STATUS_SUCCESS;
}

static void header_encode(struct buf *b, enum ntlm_message_type type)
{
	buf_bytes(b, signature, sizeof(signature));
	buf_u32le(b, (uint32_t)type);
}

/* field_encode - name where @value will lie; *offset counts from the start of the message. */
static void field_encode(struct buf *b, struct cursor value, size_t *offset)
{
	size_t length = cur_left(&value);

	if (length > UINT16_MAX)
		b->failed = true;
	buf_u16le(b, (uint16_t)length);
	buf_u16le(b, (uint16_t)length);
	buf_u32le(b, (uint32_t)*offset);
	*offset += length;
}

static void payload_encode(struct buf *b, struct cursor value)
{
	buf_bytes(b, value.at, cur_left(&value));
}

static void version_encode(struct buf *b, uint32_t flags, struct ntlm_version v)
{
	if (!(flags & NTLM_NEGOTIATE_VERSION)) {
		buf_zero(b, 8);
		return;
	}
	buf_u8(b, v.major);
	buf_u8(b, v.minor);
	buf_u16le(b, v.build);
	buf_zero(b, 3);
	buf_u8(b, NTLM_REVISION);
}

void ntlm_negotiate_encode(struct buf *b, const struct ntlm_negotiate *m)
{
	size_t offset = NEGOTIATE_FIXED;

	header_encode(b, NTLM_NEGOTIATE);
	buf_u32le(b, m->flags);
	field_encode(b, m->domain, &offset);
	field_encode(b, m->workstation, &offset);
	version_encode(b, m->flags, m->version);
	payload_encode(b, m->domain);
	payload_encode(b, m->workstation);
}

void ntlm_challenge_encode(struct buf *b, const struct ntlm_challenge *m)
{
	size_t offset = CHALLENGE_FIXED;

	header_encode(b, NTLM_CHALLENGE);
	field_encode(b, m->target_name, &offset);
	buf_u32le(b, m->flags);
	buf_bytes(b, m->server_challenge, sizeof(m->server_challenge));
	buf_zero(b, 8);
	field_encode(b, m->target_info, &offset);
	version_encode(b, m->flags, m->version);
	payload_encode(b, m->target_name);
	payload_encode(b, m->target_info);
}

void ntlm_authenticate_encode(struct buf *b, const struct ntlm_authenticate *m)
{
	size_t offset = AUTHENTICATE_FIXED;

	header_encode(b, NTLM_AUTHENTICATE);
	field_encode(b, m->lm_response, &offset);
	field_encode(b, m->nt_response, &offset);
	field_encode(b, m->domain, &offset);
	field_encode(b, m->user, &offset);
	field_encode(b, m->workstation, &offset);
	field_encode(b, m->session_key, &offset);
	buf_u32le(b, m->flags);
	version_encode(b, m->flags, m->version);
	buf_bytes(b, m->mic, sizeof(m->mic));
	payload_encode(b, m->lm_response);
	payload_encode(b, m->nt_response);
	payload_encode(b, m->domain);
	payload_encode(b, m->user);
	payload_encode(b, m->workstation);
	payload_encode(b, m->session_key);
}

void ntlm_v2_blob_encode(struct buf *b, nttime timestamp, const uint8_t client_challenge[8],
			 struct cursor av_pairs)
{
	buf_u8(b, V2_RESPONSE_TYPE);
	buf_u8(b, V2_RESPONSE_TYPE);
	buf_zero(b, 6);
	buf_u64le(b, timestamp.ticks);
	buf_bytes(b, client_challenge, 8);
	buf_zero(b, 4);
	payload_encode(b, av_pairs);
	buf_zero(b, 4);
}

bool ntlm_av_next(struct cursor *pairs, struct ntlm_av *out)
{
	uint16_t length;

	out->id = cur_u16le(pairs);
	length = cur_u16le(pairs);
	out->value = cur_take(pairs, length);
	return !pairs->bad && out->id != NTLM_AV_EOL;
}

bool ntlm_av_find(struct cursor pairs, enum ntlm_av_id id, struct cursor *value)
{
	struct ntlm_av av;

	while (ntlm_av_next(&pairs, &av)) {
		if (av.id == id) {
			*value = av.value;
			return true;
		}
	}
	return false;
}

bool ntlm_av_valid(struct cursor pairs)
{
	struct ntlm_av av;
	int count = 0;

	while (ntlm_av_next(&pairs, &av))
		if (++count > NTLM_MAX_AV_PAIRS)
			return false;
	return !pairs.bad;
}

uint32_t ntlm_av_flags(struct cursor pairs)
{
	struct cursor value;

	return ntlm_av_find(pairs, NTLM_AV_FLAGS, &value) ? cur_u32le(&value) : 0;
}

void ntlm_av_put(struct buf *b, enum ntlm_av_id id, const void *value, size_t length)
{
	if (length > UINT16_MAX)
		b->failed = true;
	buf_u16le(b, (uint16_t)id);
	buf_u16le(b, (uint16_t)length);
	buf_bytes(b, value, length);
}

void ntlm_av_put_text(struct buf *b, enum ntlm_av_id id, const char *text)
{
	size_t length = utf16_length(text);

	if (length > UINT16_MAX)
		b->failed = true;
	buf_u16le(b, (uint16_t)id);
	buf_u16le(b, (uint16_t)length);
	utf16_encode(b, text);
}

void ntlm_av_put_u32(struct buf *b, enum ntlm_av_id id, uint32_t value)
{
	buf_u16le(b, (uint16_t)id);
	buf_u16le(b, 4);
	buf_u32le(b, value);
}

void ntlm_av_put_time(struct buf *b, nttime time)
{
	buf_u16le(b, NTLM_AV_TIMESTAMP);
	buf_u16le(b, 8);
	buf_u64le(b, time.ticks);
}

void ntlm_av_end(struct buf *b)
{
	buf_u32le(b, NTLM_AV_EOL);
}
