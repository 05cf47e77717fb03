// SPDX-License-Identifier: Apache-2.0
/*
 * The first byte picks a decoder of srvsvc or wkssvc, the rest is its stub. What was understood is
 * written again and must be understood again.
 */
#include <wire/wkssvc.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again_enum(struct ndr_reader *r, uint16_t opnum)
{
	struct srvsvc_enum_request q;
	auto_buf struct buf b = { 0 };
	struct ndr_writer w = ndr_writer_of(&b);
	struct ndr_reader second;

	if (srvsvc_enum_request_decode(r, opnum, &q))
		return;
	srvsvc_enum_request_encode(&w, opnum, &q);
	BUG_ON(b.failed);
	second = ndr_reader_of(cur_of(b.data, b.len));
	BUG_ON(srvsvc_enum_request_decode(&second, opnum, &q));
	ndr_reader_free(&second);
}

static void again_share(struct ndr_reader *r, uint16_t opnum)
{
	struct srvsvc_share_request q;
	auto_buf struct buf b = { 0 };
	struct ndr_writer w = ndr_writer_of(&b);
	struct ndr_reader second;

	if (srvsvc_share_request_decode(r, opnum, &q))
		return;
	srvsvc_share_request_encode(&w, opnum, &q);
	second = ndr_reader_of(cur_of(b.data, b.len));
	BUG_ON(srvsvc_share_request_decode(&second, opnum, &q));
	ndr_reader_free(&second);
}

static void reply_row(struct ndr_reader *r, const struct ndr_levels *levels, uint8_t which)
{
	uint64_t row[16];
	uint32_t status;
	bool present;

	BUG_ON(levels->row_size > sizeof(row));
	(void)!info_reply_decode(r, levels, levels->levels[which % levels->count].level, row,
				 &present, &status);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t enums[] = { SRVSVC_SHARE_ENUM, SRVSVC_CONNECTION_ENUM,
					  SRVSVC_FILE_ENUM, SRVSVC_SESSION_ENUM };
	static const uint16_t shares[] = { SRVSVC_SHARE_ADD, SRVSVC_SHARE_SET_INFO,
					   SRVSVC_SHARE_DEL_EX };
	struct srvsvc_info_request info;
	struct srvsvc_plain_request plain;
	struct srvsvc_disk_request disk;
	struct srvsvc_enum_reply reply;
	struct cursor in = cur_of(data, size);
	uint8_t which = cur_u8(&in);
	struct ndr_reader r = ndr_reader_of(in);

	switch (which % 8) {
	case 0:
		again_enum(&r, enums[which / 8 % ARRAY_LEN(enums)]);
		break;
	case 1:
		again_share(&r, shares[which / 8 % ARRAY_LEN(shares)]);
		break;
	case 2:
		(void)!srvsvc_info_request_decode(&r, (uint16_t)(which / 8), &info);
		break;
	case 3:
		(void)!srvsvc_plain_request_decode(&r, (uint16_t)(which / 8 + 8), &plain);
		break;
	case 4:
		(void)!srvsvc_disk_request_decode(&r, &disk);
		break;
	case 5:
		(void)!wkssvc_info_request_decode(&r, &info);
		break;
	case 6:
		(void)!srvsvc_enum_reply_decode(&r, enums[which / 8 % ARRAY_LEN(enums)], &reply);
		break;
	case 7:
		reply_row(&r,
			  which & 64	? &SRVSVC_SHARES
			  : which & 128 ? &WKSSVC_INFOS
					: &SRVSVC_SERVERS,
			  which / 8 % 8);
		break;
	}
	ndr_reader_free(&r);
	return 0;
}
