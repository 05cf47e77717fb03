// SPDX-License-Identifier: Apache-2.0
/* Types of MS-DTYP as NDR has them: counted strings, SIDs; and context handles. See ndr.h. */
#include <base/utf16.h>
#include <wire/ndr.h>

struct ndr_unicode ndr_get_unicode(struct ndr_reader *r)
{
	struct ndr_unicode s;

	cur_align(&r->c, 4); /* the structure is aligned to its pointer */
	s.length = ndr_get_u16(r);
	s.maximum = ndr_get_u16(r);
	s.present = ndr_get_pointer(r);
	return s;
}

const char *ndr_get_unicode_text(struct ndr_reader *r, const struct ndr_unicode *s)
{
	uint32_t capacity, offset, units;
	auto_buf struct buf text = { 0 };
	struct cursor c;
	char *copy;

	if (!s->present)
		return "";
	capacity = ndr_get_u32(r);
	offset = ndr_get_u32(r);
	units = ndr_get_count(r, 2);
	if (offset || units > capacity || units * 2u != s->length || s->length > s->maximum) {
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
		return "";
	}
	c = cur_take(&r->c, s->length);
	while (cur_left(&c) >= 2 && !c.end[-1] && !c.end[-2])
		c.end -= 2; /* some senders count terminators */
	if (!utf16_decode(&c, &text)) {
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
		return "";
	}
	copy = ndr_alloc(r, text.len + 1, 1);
	if (copy && text.len)
		memcpy(copy, text.data, text.len);
	return copy ? copy : "";
}

/* The most that a counted string can be, and its terminator, in a length of 16 bits. */
#define UNICODE_BYTES_MOST 65532u

/* The bytes of @text in UTF-16. Where that is more than can be: of its first units, which are in
 * @cut then; a pair of them is not parted. */
static size_t counted(struct ndr_writer *w, const char *text, struct buf *cut)
{
	size_t bytes = text ? utf16_length(text) : 0;

	if (bytes <= UNICODE_BYTES_MOST)
		return bytes;
	utf16_encode(cut, text);
	w->out->failed |= cut->failed;
	if (cut->failed)
		return 0;
	cut->len = UNICODE_BYTES_MOST;
	if ((cut->data[cut->len - 1] & 0xfc) == 0xd8)
		cut->len -= 2;
	return cut->len;
}

void ndr_put_unicode(struct ndr_writer *w, const char *text)
{
	auto_buf struct buf cut = { 0 };
	size_t bytes = counted(w, text, &cut);

	buf_align(w->out, w->start, 4);
	ndr_put_u16(w, (uint16_t)bytes);
	ndr_put_u16(w, (uint16_t)bytes);
	ndr_put_pointer(w, text != NULL);
}

void ndr_put_unicode_text(struct ndr_writer *w, const char *text)
{
	auto_buf struct buf cut = { 0 };
	size_t bytes = counted(w, text, &cut);

	if (!text)
		return;
	ndr_put_u32(w, (uint32_t)bytes / 2);
	ndr_put_u32(w, 0);
	ndr_put_u32(w, (uint32_t)bytes / 2);
	if (cut.data)
		buf_bytes(w->out, cut.data, cut.len);
	else
		utf16_encode(w->out, text);
}

const char *ndr_get_unicode_whole(struct ndr_reader *r)
{
	struct ndr_unicode s = ndr_get_unicode(r);

	return ndr_get_unicode_text(r, &s);
}

void ndr_put_unicode_whole(struct ndr_writer *w, const char *text)
{
	ndr_put_unicode(w, text);
	ndr_put_unicode_text(w, text);
}

const char **ndr_get_unicode_array(struct ndr_reader *r, uint32_t count)
{
	const char **texts = ndr_alloc(r, count, sizeof(*texts));
	struct ndr_unicode *all = ndr_alloc(r, count, sizeof(*all));

	if (!texts || !all)
		return NULL;
	for (uint32_t i = 0; i < count; i++)
		all[i] = ndr_get_unicode(r);
	for (uint32_t i = 0; i < count; i++)
		texts[i] = ndr_get_unicode_text(r, &all[i]);
	return texts;
}

void ndr_put_unicode_array(struct ndr_writer *w, const char *const *texts, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		ndr_put_unicode(w, texts[i]);
	for (uint32_t i = 0; i < count; i++)
		ndr_put_unicode_text(w, texts[i]);
}

void ndr_get_sid(struct ndr_reader *r, struct sid *sid)
{
	uint32_t count = ndr_get_count(r, 4);

	if (count > SID_MAX_SUBS) {
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
		count = 0;
	}
	if (!sid_decode(&r->c, sid) || sid->sub_count != count)
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
}

void ndr_put_sid(struct ndr_writer *w, const struct sid *sid)
{
	ndr_put_u32(w, sid->sub_count);
	sid_encode(w->out, sid);
}

void ndr_get_handle(struct ndr_reader *r, uint8_t handle[NDR_HANDLE_LENGTH])
{
	cur_align(&r->c, 4);
	cur_copy(&r->c, handle, NDR_HANDLE_LENGTH);
}

void ndr_put_handle(struct ndr_writer *w, const uint8_t handle[NDR_HANDLE_LENGTH])
{
	buf_align(w->out, w->start, 4);
	buf_bytes(w->out, handle, NDR_HANDLE_LENGTH);
}
