// SPDX-License-Identifier: Apache-2.0
/*
 * The first byte picks a call of lsarpc, the second whether what follows is a request or a reply,
 * and (2) whether it is the one of dssetup beside it.
 * What was understood of a request is written again and must be understood again as the same.
 */
#include <wire/dssetup.h>
#include <wire/lsa.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const struct lsa_request *a, const struct lsa_request *b)
{
	BUG_ON(a->count != b->count || a->access != b->access || a->level != b->level);
	for (uint32_t i = 0; i < a->count; i++) {
		if (a->sids)
			BUG_ON(!sid_equal(&a->sids[i], &b->sids[i]));
		else
			BUG_ON(strcmp(a->names[i], b->names[i]) != 0);
	}
}

static void again(struct ndr_reader *r, uint16_t opnum)
{
	auto_buf struct buf b = { 0 };
	struct ndr_writer w = ndr_writer_of(&b);
	struct lsa_request q, second;
	struct ndr_reader reader;

	if (lsa_request_decode(r, opnum, &q))
		return;
	lsa_request_encode(&w, opnum, &q);
	BUG_ON(b.failed);
	reader = ndr_reader_of(cur_of(b.data, b.len));
	BUG_ON(lsa_request_decode(&reader, opnum, &second));
	compare(&q, &second);
	ndr_reader_free(&reader);
}

static void beside(struct ndr_reader *r, bool is_reply)
{
	struct dssetup_basic basic;
	uint32_t status;
	uint16_t level;
	bool present;

	if (is_reply)
		(void)!dssetup_reply_decode(r, &basic, &present, &status);
	else
		(void)!dssetup_request_decode(r, &level);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t opnums[] = { 0, 6, 7, 14, 15, 44, 45, 46, 57, 58, 68 };
	struct cursor in = cur_of(data, size);
	uint16_t opnum = opnums[cur_u8(&in) % ARRAY_LEN(opnums)];
	uint8_t which = cur_u8(&in);
	struct ndr_reader r = ndr_reader_of(in);
	struct lsa_reply reply;

	if (which & 2)
		beside(&r, which & 1);
	else if (which & 1)
		(void)!lsa_reply_decode(&r, opnum, &reply);
	else
		again(&r, opnum);
	ndr_reader_free(&r);
	return 0;
}
