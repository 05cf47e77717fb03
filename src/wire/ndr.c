// SPDX-License-Identifier: Apache-2.0
/*
 * NDR 2.0 over cursors and buffers. See ndr.h.
 */
#include <base/utf16.h>
#include <wire/ndr.h>

#define FIRST_REFERENT 0x00020000u

struct ndr_block {
	struct ndr_block *next;
	max_align_t data[];
};

struct ndr_reader ndr_reader_of(struct cursor stub)
{
	stub.base = stub.at; /* alignment counts from the stub's first byte */
	return (struct ndr_reader){ .c = stub, .memory_left = NDR_MAX_MEMORY };
}

void ndr_reader_free(struct ndr_reader *r)
{
	while (r->blocks) {
		struct ndr_block *next = r->blocks->next;

		free(r->blocks);
		r->blocks = next;
	}
}

void ndr_refuse(struct ndr_reader *r, uint32_t fault)
{
	if (!r->fault)
		r->fault = r->c.bad ? RPC_FAULT_BAD_STUB_DATA : fault;
	r->c.bad = true;
}

uint32_t ndr_fault(struct ndr_reader *r)
{
	if (r->c.bad)
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
	return r->fault;
}

void *ndr_alloc(struct ndr_reader *r, size_t count, size_t size)
{
	struct ndr_block *block;
	size_t bytes;

	if (r->c.bad)
		return NULL;
	if (__builtin_mul_overflow(count, size, &bytes) ||
	    __builtin_add_overflow(bytes, sizeof(*block), &bytes) || bytes > r->memory_left) {
		ndr_refuse(r, RPC_FAULT_OUT_OF_MEMORY);
		return NULL;
	}
	block = calloc(1, bytes);
	if (!block) {
		ndr_refuse(r, RPC_FAULT_OUT_OF_MEMORY);
		return NULL;
	}
	r->memory_left -= bytes;
	block->next = r->blocks;
	r->blocks = block;
	return block->data;
}

uint8_t ndr_get_u8(struct ndr_reader *r)
{
	return cur_u8(&r->c);
}

uint16_t ndr_get_u16(struct ndr_reader *r)
{
	cur_align(&r->c, 2);
	return cur_u16le(&r->c);
}

uint32_t ndr_get_u32(struct ndr_reader *r)
{
	cur_align(&r->c, 4);
	return cur_u32le(&r->c);
}

uint64_t ndr_get_u64(struct ndr_reader *r)
{
	cur_align(&r->c, 8);
	return cur_u64le(&r->c);
}

bool ndr_get_pointer(struct ndr_reader *r)
{
	return ndr_get_u32(r) != 0;
}

uint32_t ndr_get_count(struct ndr_reader *r, size_t element_bytes)
{
	uint32_t count = ndr_get_u32(r);

	if (count > NDR_MAX_COUNT || count * (uint64_t)element_bytes > cur_left(&r->c)) {
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
		return 0;
	}
	return count;
}

const char *ndr_get_string(struct ndr_reader *r)
{
	uint32_t maximum = ndr_get_u32(r);
	uint32_t offset = ndr_get_u32(r);
	uint32_t actual = ndr_get_count(r, 2);
	const uint8_t *units = cur_bytes(&r->c, actual * 2u);
	auto_buf struct buf text = { 0 };
	struct cursor c;
	uint32_t length = 0;
	char *copy;

	if (!units || !actual || offset || maximum < actual || units[actual * 2 - 2] ||
	    units[actual * 2 - 1]) {
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
		return NULL;
	}
	while (length < actual && (units[length * 2] || units[length * 2 + 1]))
		length++; /* some clients send more terminators than one */
	c = cur_of(units, length * 2u);
	if (!utf16_decode(&c, &text)) {
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
		return NULL;
	}
	copy = ndr_alloc(r, text.len + 1, 1);
	if (copy && text.len)
		memcpy(copy, text.data, text.len);
	return copy;
}

const char *ndr_get_unique_string(struct ndr_reader *r)
{
	return ndr_get_pointer(r) ? ndr_get_string(r) : NULL;
}

bool ndr_get_unique_u32(struct ndr_reader *r, uint32_t *value)
{
	*value = 0;
	if (!ndr_get_pointer(r))
		return false;
	*value = ndr_get_u32(r);
	return !r->c.bad;
}

const uint8_t *ndr_get_bytes(struct ndr_reader *r, size_t length)
{
	if (ndr_get_count(r, 1) != length)
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
	return cur_bytes(&r->c, length);
}

struct ndr_writer ndr_writer_of(struct buf *out)
{
	return (struct ndr_writer){ .out = out, .start = out->len, .referents = FIRST_REFERENT };
}

void ndr_put_u8(struct ndr_writer *w, uint8_t v)
{
	buf_u8(w->out, v);
}

void ndr_put_u16(struct ndr_writer *w, uint16_t v)
{
	buf_align(w->out, w->start, 2);
	buf_u16le(w->out, v);
}

void ndr_put_u32(struct ndr_writer *w, uint32_t v)
{
	buf_align(w->out, w->start, 4);
	buf_u32le(w->out, v);
}

void ndr_put_u64(struct ndr_writer *w, uint64_t v)
{
	buf_align(w->out, w->start, 8);
	buf_u64le(w->out, v);
}

void ndr_put_pointer(struct ndr_writer *w, bool present)
{
	ndr_put_u32(w, present ? w->referents : 0);
	if (present)
		w->referents += 4;
}

void ndr_put_string(struct ndr_writer *w, const char *text)
{
	uint32_t units = (uint32_t)(utf16_length(text) / 2) + 1;

	ndr_put_u32(w, units);
	ndr_put_u32(w, 0);
	ndr_put_u32(w, units);
	utf16_encode(w->out, text);
	buf_u16le(w->out, 0);
}

void ndr_put_unique_string(struct ndr_writer *w, const char *text)
{
	ndr_put_pointer(w, text);
	if (text)
		ndr_put_string(w, text);
}

void ndr_put_unique_u32(struct ndr_writer *w, const uint32_t *value)
{
	ndr_put_pointer(w, value);
	if (value)
		ndr_put_u32(w, *value);
}

void ndr_put_bytes(struct ndr_writer *w, const void *data, size_t length)
{
	ndr_put_u32(w, (uint32_t)length);
	buf_bytes(w->out, data, length);
}
