// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <wire/wkssvc.h>

#include "rpc_vectors.h"

static void free_reader(struct ndr_reader *r)
{
	ndr_reader_free(r);
}
#define auto_reader   cleanup(free_reader)

#define READER(bytes) ndr_reader_of(cur_of(bytes, sizeof(bytes)))

static void a_share_enum_request_of_another_client_is_understood(void **state)
{
	auto_reader struct ndr_reader r = READER(share_enum_1);
	struct srvsvc_enum_request q;

	(void)state;
	assert_int_equal(srvsvc_enum_request_decode(&r, SRVSVC_SHARE_ENUM, &q), 0);
	assert_string_equal(q.server_name, "\\\\FS");
	assert_int_equal(q.list.level, 1);
	assert_true(q.list.has_container);
	assert_null(q.list.rows);
	assert_int_equal(q.preferred_maximum, MAX_PREFERRED_LENGTH);
	assert_false(q.has_resume);
}

static void a_file_enum_request_carries_its_filters_and_resume_handle(void **state)
{
	auto_reader struct ndr_reader r = READER(file_enum_3);
	struct srvsvc_enum_request q;

	(void)state;
	assert_int_equal(srvsvc_enum_request_decode(&r, SRVSVC_FILE_ENUM, &q), 0);
	assert_string_equal(q.qualifier, "S:\\x");
	assert_string_equal(q.user_name, "alice");
	assert_int_equal(q.list.level, 3);
	assert_int_equal(q.preferred_maximum, 0x1000);
	assert_true(q.has_resume);
	assert_int_equal(q.resume, 7);
}

static void a_share_add_request_carries_the_share(void **state)
{
	auto_reader struct ndr_reader r = READER(share_add_2);
	struct srvsvc_share_request q;

	(void)state;
	assert_int_equal(srvsvc_share_request_decode(&r, SRVSVC_SHARE_ADD, &q), 0);
	assert_int_equal(q.level, 2);
	assert_true(q.has_share);
	assert_string_equal(q.share.name, "packages");
	assert_string_equal(q.share.remark, "for clients");
	assert_string_equal(q.share.path, "S:\\packages");
	assert_null(q.share.password);
	assert_int_equal(q.share.max_uses, UINT32_MAX);
	assert_true(q.has_parameter_error);
}

static void plain_requests_of_another_client_are_understood(void **state)
{
	auto_reader struct ndr_reader info = READER(share_get_info_502);
	auto_reader struct ndr_reader session = READER(session_del);
	auto_reader struct ndr_reader disk = READER(disk_enum);
	auto_reader struct ndr_reader wksta = READER(wksta_get_info);
	struct srvsvc_info_request i;
	struct srvsvc_plain_request p;
	struct srvsvc_disk_request d;

	(void)state;
	assert_int_equal(srvsvc_info_request_decode(&info, SRVSVC_SHARE_GET_INFO, &i), 0);
	assert_null(i.server_name);
	assert_string_equal(i.name, "ADMIN$");
	assert_int_equal(i.level, 502);
	assert_int_equal(srvsvc_plain_request_decode(&session, SRVSVC_SESSION_DEL, &p), 0);
	assert_string_equal(p.client, "\\\\10.0.0.7");
	assert_null(p.user_name);
	assert_int_equal(srvsvc_disk_request_decode(&disk, &d), 0);
	assert_int_equal(d.preferred_maximum, MAX_PREFERRED_LENGTH);
	assert_false(d.has_resume);
	assert_int_equal(wkssvc_info_request_decode(&wksta, &i), 0);
	assert_string_equal(i.server_name, "\\\\FS");
	assert_int_equal(i.level, 100);
}

static void a_share_enum_reply_of_another_implementation_is_understood(void **state)
{
	auto_reader struct ndr_reader r = READER(share_enum_1_reply);
	struct srvsvc_enum_reply a;
	const struct srvsvc_share *rows;

	(void)state;
	assert_int_equal(srvsvc_enum_reply_decode(&r, SRVSVC_SHARE_ENUM, &a), 0);
	assert_int_equal(a.status, 0);
	assert_int_equal(a.total, 2);
	assert_int_equal(a.list.count, 2);
	rows = a.list.rows;
	assert_string_equal(rows[0].name, "IPC$");
	assert_int_equal(rows[0].type, 0x80000003u);
	assert_string_equal(rows[0].remark, "Remote IPC");
	assert_string_equal(rows[1].name, "distro_test");
	assert_string_equal(rows[1].remark, "");
}

static void a_server_info_reply_of_another_implementation_is_understood(void **state)
{
	auto_reader struct ndr_reader r = READER(server_101_reply);
	struct srvsvc_server s;
	uint32_t status;
	bool present;

	(void)state;
	assert_int_equal(info_reply_decode(&r, &SRVSVC_SERVERS, 101, &s, &present, &status), 0);
	assert_true(present);
	assert_int_equal(status, 0);
	assert_string_equal(s.name, "FS");
	assert_int_equal(s.type, 0x04009003u);
	assert_string_equal(s.comment, "c");
}

/* Every level of every kind of row is filled with values that differ, and must come back as they
 * were. */
static const uint8_t some_sd[] = { 1, 0, 4, 128, 7 };
static const struct srvsvc_share some_shares[2] = {
	{ .name = "one",
	  .remark = "r",
	  .path = "S:\\one",
	  .password = "p",
	  .server_name = "FS",
	  .type = 1,
	  .permissions = 2,
	  .max_uses = 3,
	  .current_uses = 4,
	  .flags = 5,
	  .sd = some_sd,
	  .sd_length = 5 },
	{ .name = "zwei \xc3\xa4", .type = 6 },
};
static const struct srvsvc_session some_sessions[2] = {
	{ "\\\\c", "u", "t", "tr", 1, 2, 3, 4 },
	{ .client = "d", .idle_s = 9 },
};
static const struct srvsvc_file some_files[2] = { { 1, 2, 3, "p", "u" }, { .id = 7 } };
static const struct srvsvc_connection some_connections[2] = { { 1, 2, 3, 4, 5, "u", "n" },
							      { .id = 8 } };

static const struct {
	uint16_t opnum;
	const void *rows;
} lists[] = {
	{ SRVSVC_SHARE_ENUM, some_shares },	      { SRVSVC_SHARE_ENUM_STICKY, some_shares },
	{ SRVSVC_SESSION_ENUM, some_sessions },	      { SRVSVC_FILE_ENUM, some_files },
	{ SRVSVC_CONNECTION_ENUM, some_connections },
};

static void same_fields(const struct ndr_level *level, const void *a, const void *b)
{
	for (uint32_t i = 0; i < level->count; i++) {
		const struct ndr_field *f = &level->fields[i];
		const char *x, *y;

		if (f->kind == NDR_U32) {
			assert_memory_equal((const char *)a + f->offset,
					    (const char *)b + f->offset, 4);
			continue;
		}
		memcpy(&x, (const char *)a + f->offset, sizeof(x));
		memcpy(&y, (const char *)b + f->offset, sizeof(y));
		assert_int_equal(!x, !y);
		if (x && f->kind == NDR_STRING)
			assert_string_equal(x, y);
		else if (x)
			assert_memory_equal(x, y, sizeof(some_sd));
	}
}

static void a_list_comes_back_as_it_was_written_at_every_level(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		const struct ndr_levels *levels = srvsvc_enum_levels(lists[i].opnum);

		for (size_t j = 0; j < levels->count; j++) {
			const struct ndr_level *level = &levels->levels[j];
			struct srvsvc_enum_reply in = {
				.list = { level->level, true, 2, lists[i].rows },
				.total = 3,
				.has_resume = true,
				.resume = 2,
				.status = WERR_MORE_DATA,
			};
			struct srvsvc_enum_reply out;
			auto_buf struct buf b = { 0 };
			struct ndr_writer w;
			struct ndr_reader r;

			buf_text(&b,
				 "odd"); /* alignment counts from the stub, wherever it stands */
			w = ndr_writer_of(&b);
			srvsvc_enum_reply_encode(&w, lists[i].opnum, &in);
			assert_false(b.failed);
			r = ndr_reader_of(cur_of(b.data + 3, b.len - 3));
			assert_int_equal(srvsvc_enum_reply_decode(&r, lists[i].opnum, &out), 0);
			assert_int_equal(cur_left(&r.c), 0);
			assert_int_equal(out.list.count, 2);
			assert_int_equal(out.total, 3);
			assert_int_equal(out.resume, 2);
			assert_int_equal(out.status, WERR_MORE_DATA);
			for (size_t k = 0; k < 2; k++)
				same_fields(level,
					    (const char *)out.list.rows + k * levels->row_size,
					    (const char *)in.list.rows + k * levels->row_size);
			ndr_reader_free(&r);
		}
	}
}

static void a_share_request_comes_back_as_it_was_written_at_every_level(void **state)
{
	static const uint16_t opnums[] = { SRVSVC_SHARE_ADD, SRVSVC_SHARE_SET_INFO,
					   SRVSVC_SHARE_DEL_EX };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(opnums); i++) {
		for (size_t j = 0; j < SRVSVC_SHARES.count; j++) {
			const struct ndr_level *level = &SRVSVC_SHARES.levels[j];
			struct srvsvc_share_request in = { .server_name = "s",
							   .name = "n",
							   .level = level->level,
							   .has_share = true,
							   .share = some_shares[0],
							   .has_parameter_error = true };
			struct srvsvc_share_request out;
			auto_buf struct buf b = { 0 };
			struct ndr_writer w = ndr_writer_of(&b);
			struct ndr_reader r;

			srvsvc_share_request_encode(&w, opnums[i], &in);
			r = ndr_reader_of(cur_of(b.data, b.len));
			assert_int_equal(srvsvc_share_request_decode(&r, opnums[i], &out), 0);
			assert_int_equal(cur_left(&r.c), 0);
			assert_true(out.has_share);
			same_fields(level, &in.share, &out.share);
			ndr_reader_free(&r);
		}
	}
}

static void a_row_at_an_unknown_level_is_an_empty_arm(void **state)
{
	auto_buf struct buf b = { 0 };
	struct ndr_writer w = ndr_writer_of(&b);
	struct ndr_reader r;
	struct srvsvc_share s;
	uint32_t status;
	bool present;

	(void)state;
	info_reply_encode(&w, &SRVSVC_SHARES, 77, NULL, WERR_INVALID_LEVEL);
	assert_int_equal(b.len, 8);
	r = ndr_reader_of(cur_of(b.data, b.len));
	assert_int_equal(info_reply_decode(&r, &SRVSVC_SHARES, 77, &s, &present, &status), 0);
	assert_false(present);
	assert_int_equal(status, WERR_INVALID_LEVEL);
}

static void a_list_at_an_unknown_level_is_refused_by_its_tag(void **state)
{
	uint8_t stub[sizeof(share_enum_1)];
	struct ndr_reader r;
	struct srvsvc_enum_request q;

	(void)state;
	memcpy(stub, share_enum_1, sizeof(stub));
	stub[28] = stub[32] = 99;
	r = ndr_reader_of(cur_of(stub, sizeof(stub)));
	assert_int_equal(srvsvc_enum_request_decode(&r, SRVSVC_SHARE_ENUM, &q),
			 RPC_FAULT_INVALID_TAG);
	ndr_reader_free(&r);
	stub[28] = 1; /* and one that contradicts the level */
	r = ndr_reader_of(cur_of(stub, sizeof(stub)));
	assert_int_equal(srvsvc_enum_request_decode(&r, SRVSVC_SHARE_ENUM, &q),
			 RPC_FAULT_INVALID_TAG);
	ndr_reader_free(&r);
}

typedef uint32_t (*decoder)(struct ndr_reader *r, uint16_t opnum);

static uint32_t any_enum(struct ndr_reader *r, uint16_t opnum)
{
	struct srvsvc_enum_request q;

	return srvsvc_enum_request_decode(r, opnum, &q);
}
static uint32_t any_info(struct ndr_reader *r, uint16_t opnum)
{
	struct srvsvc_info_request q;

	return srvsvc_info_request_decode(r, opnum, &q);
}
static uint32_t any_share(struct ndr_reader *r, uint16_t opnum)
{
	struct srvsvc_share_request q;

	return srvsvc_share_request_decode(r, opnum, &q);
}
static uint32_t any_plain(struct ndr_reader *r, uint16_t opnum)
{
	struct srvsvc_plain_request q;

	return srvsvc_plain_request_decode(r, opnum, &q);
}
static uint32_t any_disk(struct ndr_reader *r, uint16_t opnum)
{
	struct srvsvc_disk_request q;

	(void)opnum;
	return srvsvc_disk_request_decode(r, &q);
}
static uint32_t any_wksta(struct ndr_reader *r, uint16_t opnum)
{
	struct srvsvc_info_request q;

	(void)opnum;
	return wkssvc_info_request_decode(r, &q);
}
static uint32_t any_enum_reply(struct ndr_reader *r, uint16_t opnum)
{
	struct srvsvc_enum_reply a;

	return srvsvc_enum_reply_decode(r, opnum, &a);
}
static uint32_t any_server_reply(struct ndr_reader *r, uint16_t opnum)
{
	struct srvsvc_server s;
	uint32_t status;
	bool present;

	(void)opnum;
	return info_reply_decode(r, &SRVSVC_SERVERS, 101, &s, &present, &status);
}

static void a_stub_that_is_cut_anywhere_is_refused(void **state)
{
	static const struct {
		decoder decode;
		uint16_t opnum;
		const uint8_t *bytes;
		size_t length;
	} all[] = {
		{ any_enum, SRVSVC_SHARE_ENUM, share_enum_1, sizeof(share_enum_1) },
		{ any_enum, SRVSVC_FILE_ENUM, file_enum_3, sizeof(file_enum_3) },
		{ any_share, SRVSVC_SHARE_ADD, share_add_2, sizeof(share_add_2) },
		{ any_info, SRVSVC_SHARE_GET_INFO, share_get_info_502, sizeof(share_get_info_502) },
		{ any_plain, SRVSVC_SESSION_DEL, session_del, sizeof(session_del) },
		{ any_disk, 0, disk_enum, sizeof(disk_enum) },
		{ any_wksta, 0, wksta_get_info, sizeof(wksta_get_info) },
		{ any_enum_reply, SRVSVC_SHARE_ENUM, share_enum_1_reply,
		  sizeof(share_enum_1_reply) },
		{ any_server_reply, 0, server_101_reply, sizeof(server_101_reply) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		for (size_t cut = 0; cut <= all[i].length; cut++) {
			uint8_t *exact = malloc(cut ? cut : 1);
			struct ndr_reader r;
			uint32_t fault;

			assert_non_null(exact);
			memcpy(exact, all[i].bytes, cut);
			r = ndr_reader_of(cur_of(exact, cut));
			fault = all[i].decode(&r, all[i].opnum);
			assert_int_equal(fault, cut == all[i].length ? 0 : RPC_FAULT_BAD_STUB_DATA);
			ndr_reader_free(&r);
			free(exact);
		}
	}
}

static void disks_are_varying_strings_in_a_conformant_varying_array(void **state)
{
	static const uint8_t expected[] = {
		2, 0, 0,   0, 0,   0, 2, 0, 2,	 0, 0,	 0, 0, 0, 0, 0, 2, 0, 0, 0, /* count,
										       pointer,
										       array */
		0, 0, 0,   0, 3,   0, 0, 0, 'C', 0, ':', 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0,
		0, 0, 'S', 0, ':', 0, 0, 0, 0,	 0, 2,	 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	};
	auto_buf struct buf b = { 0 };
	struct ndr_writer w = ndr_writer_of(&b);
	struct srvsvc_disk_request q = { 0 };

	(void)state;
	srvsvc_disk_reply_encode(&w, &q, "CS", WERR_SUCCESS);
	assert_int_equal(b.len, sizeof(expected));
	assert_memory_equal(b.data, expected, sizeof(expected));
}

static void the_size_of_a_row_counts_its_strings(void **state)
{
	const struct ndr_level *one = ndr_level_find(&SRVSVC_SHARES, 1);
	struct srvsvc_share s = { .name = "ab", .remark = "" };

	(void)state;
	assert_int_equal(ndr_level_bytes(one, &s), 12 + 6 + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_share_enum_request_of_another_client_is_understood),
		cmocka_unit_test(a_file_enum_request_carries_its_filters_and_resume_handle),
		cmocka_unit_test(a_share_add_request_carries_the_share),
		cmocka_unit_test(plain_requests_of_another_client_are_understood),
		cmocka_unit_test(a_share_enum_reply_of_another_implementation_is_understood),
		cmocka_unit_test(a_server_info_reply_of_another_implementation_is_understood),
		cmocka_unit_test(a_list_comes_back_as_it_was_written_at_every_level),
		cmocka_unit_test(a_share_request_comes_back_as_it_was_written_at_every_level),
		cmocka_unit_test(a_row_at_an_unknown_level_is_an_empty_arm),
		cmocka_unit_test(a_list_at_an_unknown_level_is_refused_by_its_tag),
		cmocka_unit_test(a_stub_that_is_cut_anywhere_is_refused),
		cmocka_unit_test(disks_are_varying_strings_in_a_conformant_varying_array),
		cmocka_unit_test(the_size_of_a_row_counts_its_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
