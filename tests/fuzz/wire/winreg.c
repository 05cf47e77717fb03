// SPDX-License-Identifier: Apache-2.0
/*
 * The first byte picks a call of winreg, the second whether what follows is a request or a reply.
 * What was understood of a request is written again and must be understood again.
 */
#include <wire/winreg.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(struct ndr_reader *r, uint16_t opnum)
{
	auto_buf struct buf b = { 0 };
	struct ndr_writer w = ndr_writer_of(&b);
	struct winreg_request q, second;
	struct ndr_reader reader;

	if (winreg_request_decode(r, opnum, &q))
		return;
	winreg_request_encode(&w, opnum, &q);
	BUG_ON(b.failed);
	reader = ndr_reader_of(cur_of(b.data, b.len));
	BUG_ON(winreg_request_decode(&reader, opnum, &second));
	BUG_ON(strcmp(q.name, second.name) != 0 || q.data_length != second.data_length);
	ndr_reader_free(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t opnums[] = { 2, 5, 6, 7, 8, 9, 10, 11, 15, 16, 17, 22, 26 };
	struct cursor in = cur_of(data, size);
	uint16_t opnum = opnums[cur_u8(&in) % ARRAY_LEN(opnums)];
	bool is_reply = cur_u8(&in) & 1;
	struct ndr_reader r = ndr_reader_of(in);
	struct winreg_reply reply;

	if (is_reply)
		(void)!winreg_reply_decode(&r, opnum, &reply);
	else
		again(&r, opnum);
	ndr_reader_free(&r);
	return 0;
}
