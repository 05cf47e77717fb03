// SPDX-License-Identifier: Apache-2.0
#include <wire/spnego.h>

#include <wire/ntlm.h>

enum tag {
	TAG_OCTET_STRING = 0x04,
	TAG_OID = 0x06,
	TAG_ENUMERATED = 0x0a,
	TAG_GENERAL_STRING = 0x1b,
	TAG_SEQUENCE = 0x30,
	TAG_APPLICATION_0 = 0x60,
	TAG_CONTEXT_0 = 0xa0,
};

#define CONTEXT(n) (TAG_CONTEXT_0 + (n))

struct oid {
	uint8_t length;
	uint8_t bytes[10];
};

static const struct oid oid_spnego = { 6, { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x02 } };

static const struct oid mech_oids[] = {
	[MECH_NTLMSSP] = { 10, { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a } },
	[MECH_KRB5] = { 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02 } },
	[MECH_MS_KRB5] = { 9, { 0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 0x01, 0x02, 0x02 } },
	[MECH_NEGOEX] = { 10, { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x1e } },
};

/* der_any - take one element off @c: its tag, and its content as a cursor of its own. */
static struct cursor der_any(struct cursor *c, uint8_t *tag)
{
	uint32_t length;

	*tag = cur_u8(c);
	length = cur_u8(c);
	if (length & 0x80) {
		unsigned n = length & 0x7f;

		if (!n || n > 4)
			c->bad = true;
		for (length = 0; n && !c->bad; n--)
			length = length << 8 | cur_u8(c);
	}
	return cur_take(c, length);
}

/* der_take - as der_any, and the element must have @tag. */
static struct cursor der_take(struct cursor *c, uint8_t tag)
{
	uint8_t found;
	struct cursor content = der_any(c, &found);

	if (found != tag) {
		c->bad = true;
		content.bad = true;
	}
	return content;
}

static bool oid_is(const struct cursor *c, const struct oid *oid)
{
	return cur_left(c) == oid->length && !memcmp(c->at, oid->bytes, oid->length);
}

static enum spnego_mech mech_of(struct cursor oid)
{
	for (unsigned i = MECH_NTLMSSP; !oid.bad && i < ARRAY_LEN(mech_oids); i++)
		if (oid_is(&oid, &mech_oids[i]))
			return (enum spnego_mech)i;
	return MECH_UNKNOWN;
}

/* An OCTET STRING inside a context tag, which is how tokens and MICs travel. */
static bool octets(struct cursor content, struct cursor *out)
{
	*out = der_take(&content, TAG_OCTET_STRING);
	return !content.bad;
}

static bool mech_list_decode(struct cursor content, struct spnego_message *out)
{
	struct cursor list;

	out->mech_list = content;
	list = der_take(&content, TAG_SEQUENCE);
	while (!list.bad && cur_left(&list)) {
		struct cursor oid = der_take(&list, TAG_OID);

		if (out->mech_count == SPNEGO_MAX_MECHS)
			return false;
		out->mechs[out->mech_count++] = mech_of(oid);
	}
	return !list.bad && !content.bad && !cur_left(&content) && out->mech_count;
}

static bool init_decode(struct cursor body, struct spnego_message *out)
{
	struct cursor fields = der_take(&body, TAG_SEQUENCE);

	out->kind = SPNEGO_INIT;
	while (!fields.bad && cur_left(&fields)) {
		uint8_t tag;
		struct cursor content = der_any(&fields, &tag);
		bool ok = true;

		if (fields.bad)
			break;
		if (tag == CONTEXT(0)) {
			ok = !out->mech_count && mech_list_decode(content, out);
		} else if (tag == CONTEXT(2)) {
			ok = !out->has_token && octets(content, &out->token);
			out->has_token = true;
		} else if (tag == CONTEXT(4) || (tag == CONTEXT(3) && cur_left(&content) &&
						 content.at[0] == TAG_OCTET_STRING)) {
			/* mechListMIC: 3 in RFC 4178; in NegTokenInit2 3 is the hint and this is 4.
			 */
			ok = !out->has_mic && octets(content, &out->mic);
			out->has_mic = true;
		}
		if (!ok)
			return false;
	}
	return !body.bad && !fields.bad && out->mech_count;
}

static bool resp_decode(struct cursor body, struct spnego_message *out)
{
	struct cursor fields = der_take(&body, TAG_SEQUENCE);

	out->kind = SPNEGO_RESP;
	while (!fields.bad && cur_left(&fields)) {
		uint8_t tag;
		struct cursor content = der_any(&fields, &tag);
		bool ok = true;

		if (fields.bad)
			break;
		if (tag == CONTEXT(0)) {
			struct cursor value = der_take(&content, TAG_ENUMERATED);

			out->state = (enum spnego_state)cur_u8(&value);
			ok = !out->has_state && !value.bad && !cur_left(&value) &&
			     out->state <= SPNEGO_REQUEST_MIC;
			out->has_state = true;
		} else if (tag == CONTEXT(1)) {
			out->mech = mech_of(der_take(&content, TAG_OID));
			ok = !out->has_mech && !content.bad;
			out->has_mech = true;
		} else if (tag == CONTEXT(2)) {
			ok = !out->has_token && octets(content, &out->token);
			out->has_token = true;
		} else if (tag == CONTEXT(3)) {
			ok = !out->has_mic && octets(content, &out->mic);
			out->has_mic = true;
		}
		if (!ok)
			return false;
	}
	return !body.bad && !fields.bad;
}

static bool is_bare_ntlmssp(struct cursor c)
{
	return ntlm_is_message(c, NTLM_NEGOTIATE) || ntlm_is_message(c, NTLM_CHALLENGE) ||
	       ntlm_is_message(c, NTLM_AUTHENTICATE);
}

ntstatus spnego_decode(struct cursor c, struct spnego_message *out)
{
	struct cursor content;
	uint8_t tag;
	bool ok = false;

	*out = (struct spnego_message){ 0 };
	if (is_bare_ntlmssp(c)) {
		out->kind = SPNEGO_BARE_NTLMSSP;
		out->has_token = true;
		out->token = cur_take(&c, cur_left(&c));
		return STATUS_SUCCESS;
	}
	content = der_any(&c, &tag);
	if (c.bad)
		return STATUS_INVALID_PARAMETER;
	if (tag == TAG_APPLICATION_0) {
		struct cursor oid = der_take(&content, TAG_OID);

		ok = !oid.bad && oid_is(&oid, &oid_spnego) &&
		     init_decode(der_take(&content, CONTEXT(0)), out);
	} else if (tag == CONTEXT(0)) {
		ok = init_decode(content, out); /* without the GSS frame, as some clients send it */
	} else if (tag == CONTEXT(1)) {
		ok = resp_decode(content, out);
	}
	return ok ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

/*
 * der_wrap - make an element of all that was written since @start. Its header is moved in front
 * when its length is known: messages are small, and lengths stay minimal as DER wants them.
 */
static void der_wrap(struct buf *b, size_t start, uint8_t tag)
{
	size_t length = b->len - start;
	unsigned extra = length < 0x80 ? 0 : length <= UINT8_MAX ? 1 : length <= UINT16_MAX ? 2 : 3;
	uint8_t *p;

	if (b->failed || length > 0xffffff || !buf_grow(b, 2 + extra)) {
		b->failed = true;
		return;
	}
	p = b->data + start;
	memmove(p + 2 + extra, p, length);
	*p++ = tag;
	*p++ = (uint8_t)(extra ? 0x80 | extra : length);
	while (extra--)
		*p++ = (uint8_t)(length >> (8 * extra));
}

static void oid_encode(struct buf *b, const struct oid *oid)
{
	size_t start = b->len;

	buf_bytes(b, oid->bytes, oid->length);
	der_wrap(b, start, TAG_OID);
}

static void octets_encode(struct buf *b, unsigned context, struct cursor value)
{
	size_t start = b->len;

	buf_bytes(b, value.at, cur_left(&value));
	der_wrap(b, start, TAG_OCTET_STRING);
	der_wrap(b, start, (uint8_t)CONTEXT(context));
}

void spnego_mech_list_encode(struct buf *b, const enum spnego_mech *mechs, unsigned count)
{
	size_t start = b->len;

	for (unsigned i = 0; i < count; i++)
		oid_encode(b, &mech_oids[mechs[i]]);
	der_wrap(b, start, TAG_SEQUENCE);
}

/* What NegTokenInit and NegTokenInit2 share: the frame from @start, its fields from @fields on. */
static size_t init_open(struct buf *b, const enum spnego_mech *mechs, unsigned count)
{
	size_t fields;

	oid_encode(b, &oid_spnego);
	fields = b->len;
	spnego_mech_list_encode(b, mechs, count);
	der_wrap(b, fields, CONTEXT(0));
	return fields;
}

static void init_close(struct buf *b, size_t start, size_t fields)
{
	der_wrap(b, fields, TAG_SEQUENCE);
	der_wrap(b, fields, CONTEXT(0));
	der_wrap(b, start, TAG_APPLICATION_0);
}

void spnego_init_encode(struct buf *b, const enum spnego_mech *mechs, unsigned count,
			struct cursor token)
{
	size_t start = b->len;
	size_t fields = init_open(b, mechs, count);

	if (cur_left(&token))
		octets_encode(b, 2, token);
	init_close(b, start, fields);
}

void spnego_offer_encode(struct buf *b, const enum spnego_mech *mechs, unsigned count)
{
	size_t start = b->len;
	size_t fields = init_open(b, mechs, count);
	size_t hint = b->len;

	buf_text(b, "not_defined_in_RFC4178@please_ignore");
	der_wrap(b, hint, TAG_GENERAL_STRING);
	der_wrap(b, hint, CONTEXT(0));
	der_wrap(b, hint, TAG_SEQUENCE);
	der_wrap(b, hint, CONTEXT(3));
	init_close(b, start, fields);
}

void spnego_resp_encode(struct buf *b, const struct spnego_resp *resp)
{
	size_t start = b->len, field;

	if (resp->has_state) {
		field = b->len;
		buf_u8(b, (uint8_t)resp->state);
		der_wrap(b, field, TAG_ENUMERATED);
		der_wrap(b, field, CONTEXT(0));
	}
	if (resp->mech != MECH_UNKNOWN) {
		field = b->len;
		oid_encode(b, &mech_oids[resp->mech]);
		der_wrap(b, field, CONTEXT(1));
	}
	if (cur_left(&resp->token))
		octets_encode(b, 2, resp->token);
	if (cur_left(&resp->mic))
		octets_encode(b, 3, resp->mic);
	der_wrap(b, start, TAG_SEQUENCE);
	der_wrap(b, start, CONTEXT(1));
}
