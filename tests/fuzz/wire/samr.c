// SPDX-License-Identifier: Apache-2.0
/*
 * The first byte picks a call of samr, the rest is its request. What was understood is written
 * again and must be understood again as the same.
 */
#include <wire/samr.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const struct samr_request *a, const struct samr_request *b)
{
	BUG_ON(a->count != b->count || a->access != b->access || a->rid != b->rid);
	BUG_ON(a->resume != b->resume || a->most_bytes != b->most_bytes);
	BUG_ON(strcmp(a->name, b->name) != 0 || !sid_equal(&a->sid, &b->sid));
	for (uint32_t i = 0; i < a->count; i++) {
		BUG_ON(a->names && strcmp(a->names[i], b->names[i]) != 0);
		BUG_ON(a->rids && a->rids[i] != b->rids[i]);
	}
}

static void again(struct ndr_reader *r, uint16_t opnum)
{
	auto_buf struct buf b = { 0 };
	struct ndr_writer w = ndr_writer_of(&b);
	struct samr_request q, second;
	struct ndr_reader reader;

	if (samr_request_decode(r, opnum, &q))
		return;
	samr_request_encode(&w, opnum, &q);
	BUG_ON(b.failed);
	reader = ndr_reader_of(cur_of(b.data, b.len));
	BUG_ON(samr_request_decode(&reader, opnum, &second));
	compare(&q, &second);
	ndr_reader_free(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t opnums[] = { 0,  1,  5,  6,  7,  11, 13, 15, 17, 18, 27, 28,
					   33, 34, 36, 39, 40, 47, 48, 51, 57, 62, 64 };
	struct cursor in = cur_of(data, size);
	uint8_t which = cur_u8(&in);
	uint16_t opnum = opnums[(which & 127) % ARRAY_LEN(opnums)];
	struct ndr_reader r = ndr_reader_of(in);
	struct samr_reply reply;

	if (which & 128)
		(void)!samr_reply_decode(&r, opnum, &reply);
	else
		again(&r, opnum);
	ndr_reader_free(&r);
	return 0;
}
