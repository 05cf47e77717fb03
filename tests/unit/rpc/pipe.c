// SPDX-License-Identifier: Apache-2.0
/* A pipe of an interface from the outside: bytes in, bytes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "client.h"

static uint32_t enumerate(const struct token *token, uint16_t opnum,
			  struct srvsvc_enum_request *request, struct ndr_reader *r,
			  struct buf *stub, struct srvsvc_enum_reply *reply)
{
	auto_buf struct buf b = { 0 };
	struct ndr_writer w = ndr_writer_of(&b);
	void *pipe = bound(token);
	uint32_t fault;

	request->list.has_container = true;
	srvsvc_enum_request_encode(&w, opnum, request);
	fault = ask(pipe, opnum, &b, stub);
	tested->close(pipe);
	if (fault)
		return fault;
	*r = ndr_reader_of(cur_of(stub->data, stub->len));
	assert_int_equal(srvsvc_enum_reply_decode(r, opnum, reply), 0);
	assert_int_equal(cur_left(&r->c), 0);
	return 0;
}

#define MOST MAX_PREFERRED_LENGTH

static void a_share_list_shows_the_scope_that_was_dialled(void **state)
{
	static const char *const expected[] = { "IPC$", "ADMIN$", "S$", "distro_test" };
	auto_buf struct buf stub = { 0 };
	struct srvsvc_enum_request q = { .list = { .level = 1 }, .preferred_maximum = MOST };
	struct srvsvc_enum_reply a;
	const struct srvsvc_share *rows;
	struct ndr_reader r;

	(void)state;
	fake_reset();
	assert_int_equal(enumerate(&fake_user, SRVSVC_SHARE_ENUM, &q, &r, &stub, &a), 0);
	assert_int_equal(a.status, 0);
	assert_int_equal(a.list.count, 4);
	assert_int_equal(a.total, 4);
	rows = a.list.rows;
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(rows[i].name, expected[i]);
	assert_int_equal(rows[0].type, STYPE_IPC | STYPE_SPECIAL);
	assert_string_equal(rows[3].remark, "remark of distro_test");
	ndr_reader_free(&r);
}

static void a_sticky_list_shows_what_an_administrator_made(void **state)
{
	auto_buf struct buf stub = { 0 };
	struct srvsvc_enum_request q = { .list = { .level = 0 }, .preferred_maximum = MOST };
	struct srvsvc_enum_reply a;
	struct ndr_reader r;

	(void)state;
	fake_reset();
	assert_int_equal(enumerate(&fake_user, SRVSVC_SHARE_ENUM_STICKY, &q, &r, &stub, &a), 0);
	assert_int_equal(a.list.count, 1);
	ndr_reader_free(&r);
}

static void paths_and_descriptors_are_for_administrators_of_this_server(void **state)
{
	static const struct {
		uint32_t level;
		const struct token *who;
		uint32_t status;
		uint32_t count;
	} cases[] = {
		{ 0, &fake_user, 0, 4 },
		{ 501, &fake_user, 0, 4 },
		{ 2, &fake_user, WERR_ACCESS_DENIED, 0 },
		{ 502, &fake_user, WERR_ACCESS_DENIED, 0 },
		{ 503, &fake_user, WERR_ACCESS_DENIED, 0 },
		{ 502, &fake_stranger, WERR_ACCESS_DENIED, 0 },
		{ 2, &fake_admin, 0, 4 },
		{ 502, &fake_admin, 0, 4 },
		{ 503, &fake_admin, 0, 5 },
	};

	(void)state;
	fake_reset();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_buf struct buf stub = { 0 };
		struct srvsvc_enum_request q = { .list = { .level = cases[i].level },
						 .preferred_maximum = MOST };
		struct srvsvc_enum_reply a;
		struct ndr_reader r;

		assert_int_equal(enumerate(cases[i].who, SRVSVC_SHARE_ENUM, &q, &r, &stub, &a), 0);
		assert_int_equal(a.status, cases[i].status);
		assert_int_equal(a.list.count, cases[i].count);
		if (cases[i].level == 503 && a.list.count) {
			const struct srvsvc_share *rows = a.list.rows;

			assert_string_equal(rows[3].server_name, "FS");
			assert_string_equal(rows[4].server_name, "*");
			assert_string_equal(rows[4].path, "C:\\files");
		}
		ndr_reader_free(&r);
	}
}

static void a_list_in_parts_gives_every_share_once(void **state)
{
	size_t seen = 0, calls = 0;
	uint32_t resume = 0;
	uint32_t status;

	(void)state;
	fake_reset();
	for (size_t i = 0; i < 300; i++) {
		char name[32];

		snprintf(name, sizeof(name), "share%zu", i);
		fake_add(name, "S:\\x", "FS", 0);
	}
	do {
		auto_buf struct buf stub = { 0 };
		struct srvsvc_enum_request q = { .list = { .level = 1 },
						 .preferred_maximum = 2000,
						 .has_resume = true,
						 .resume = resume };
		struct srvsvc_enum_reply a;
		struct ndr_reader r;

		assert_int_equal(enumerate(&fake_user, SRVSVC_SHARE_ENUM, &q, &r, &stub, &a), 0);
		assert_int_equal(a.total, 304 - seen);
		seen += a.list.count;
		status = a.status;
		resume = a.resume;
		ndr_reader_free(&r);
		assert_true(++calls < 100);
	} while (status == WERR_MORE_DATA);
	assert_int_equal(status, 0);
	assert_int_equal(seen, 304);
	assert_true(calls > 3);
}

static void a_list_that_is_longer_than_a_fragment_comes_in_fragments(void **state)
{
	auto_buf struct buf stub = { 0 };
	struct srvsvc_enum_request q = { .list = { .level = 2 }, .preferred_maximum = MOST };
	struct srvsvc_enum_reply a;
	struct ndr_reader r;

	(void)state;
	fake_reset();
	for (size_t i = 0; i < 100; i++)
		fake_add("again", "S:\\again", "FS", 0);
	assert_int_equal(enumerate(&fake_admin, SRVSVC_SHARE_ENUM, &q, &r, &stub, &a), 0);
	assert_int_equal(a.list.count, 104);
	assert_true(stub.len > 2 * DCERPC_MAX_FRAG);
	ndr_reader_free(&r);
}

static void too_little_room_for_one_entry_is_said(void **state)
{
	auto_buf struct buf stub = { 0 };
	struct srvsvc_enum_request q = { .list = { .level = 1 }, .preferred_maximum = 10 };
	struct srvsvc_enum_reply a;
	struct ndr_reader r;

	(void)state;
	fake_reset();
	assert_int_equal(enumerate(&fake_user, SRVSVC_SHARE_ENUM, &q, &r, &stub, &a), 0);
	assert_int_equal(a.status, NERR_BUF_TOO_SMALL);
	assert_int_equal(a.list.count, 0);
	ndr_reader_free(&r);
}

static uint32_t share_info(const struct token *token, const char *name, uint32_t level,
			   struct srvsvc_share *out, struct ndr_reader *r, struct buf *stub)
{
	struct srvsvc_info_request q = { .server_name = "\\\\FS", .name = name, .level = level };
	auto_buf struct buf b = { 0 };
	struct ndr_writer w = ndr_writer_of(&b);
	void *pipe = bound(token);
	uint32_t status;
	bool present;

	srvsvc_info_request_encode(&w, SRVSVC_SHARE_GET_INFO, &q);
	assert_int_equal(ask(pipe, SRVSVC_SHARE_GET_INFO, &b, stub), 0);
	tested->close(pipe);
	*r = ndr_reader_of(cur_of(stub->data, stub->len));
	assert_int_equal(info_reply_decode(r, &SRVSVC_SHARES, level, out, &present, &status), 0);
	assert_int_equal(present, status == 0);
	return status;
}

static void a_share_of_another_scope_is_not_found(void **state)
{
	static const struct {
		const char *name;
		uint32_t level, status;
		const struct token *who;
	} cases[] = {
		{ "distro_test", 1, 0, &fake_user },
		{ "DISTRO_test", 1005, 0, &fake_user },
		{ "files", 1, NERR_NET_NAME_NOT_FOUND, &fake_user },
		{ "nothing", 502, NERR_NET_NAME_NOT_FOUND, &fake_admin },
		{ "ADMIN$", 2, 0, &fake_admin },
		{ "ADMIN$", 2, WERR_ACCESS_DENIED, &fake_user },
		{ "distro_test", 1004, WERR_INVALID_LEVEL, &fake_admin },
		{ "distro_test", 4711, WERR_INVALID_LEVEL, &fake_admin },
	};

	(void)state;
	fake_reset();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_buf struct buf stub = { 0 };
		struct srvsvc_share s;
		struct ndr_reader r;

		assert_int_equal(
			share_info(cases[i].who, cases[i].name, cases[i].level, &s, &r, &stub),
			cases[i].status);
		ndr_reader_free(&r);
	}
}

static uint32_t send_share(const struct token *token, uint16_t opnum,
			   struct srvsvc_share_request *q)
{
	auto_buf struct buf b = { 0 }, stub = { 0 };
	struct ndr_writer w = ndr_writer_of(&b);
	struct ndr_reader r;
	void *pipe = bound(token);
	uint32_t status;

	q->server_name = "\\\\FS";
	q->has_share = true;
	srvsvc_share_request_encode(&w, opnum, q);
	assert_int_equal(ask(pipe, opnum, &b, &stub), 0);
	tested->close(pipe);
	r = ndr_reader_of(cur_of(stub.data, stub.len));
	assert_int_equal(srvsvc_share_reply_decode(&r, opnum, &status), 0);
	return status;
}

static void an_administrator_makes_changes_and_removes_a_share(void **state)
{
	struct srvsvc_share_request add = {
		.level = 2,
		.share = { .name = "new", .remark = "r", .max_uses = 9, .path = "S:\\a\\b" }
	};
	struct srvsvc_share_request set = {
		.name = "new",
		.level = 1005,
		.share = { .flags = SHI1005_ACCESS_BASED_DIRECTORY_ENUM | 0x30 }
	};
	struct srvsvc_share_request del = { .level = 503,
					    .share = { .name = "new", .server_name = "fs" } };
	const struct fake_share *s;

	(void)state;
	fake_reset();
	assert_int_equal(send_share(&fake_user, SRVSVC_SHARE_ADD, &add), WERR_ACCESS_DENIED);
	assert_int_equal(send_share(&fake_stranger, SRVSVC_SHARE_ADD, &add), WERR_ACCESS_DENIED);
	assert_null(fake_find("new"));
	assert_int_equal(send_share(&fake_admin, SRVSVC_SHARE_ADD, &add), 0);
	s = fake_find("new");
	assert_non_null(s);
	assert_string_equal(s->path, "S:\\a/b");
	assert_int_equal(s->max_uses, 9);
	assert_int_equal(send_share(&fake_admin, SRVSVC_SHARE_ADD, &add), NERR_DUPLICATE_SHARE);
	assert_int_equal(send_share(&fake_user, SRVSVC_SHARE_SET_INFO, &set), WERR_ACCESS_DENIED);
	assert_int_equal(send_share(&fake_admin, SRVSVC_SHARE_SET_INFO, &set), 0);
	assert_int_equal(s->caching, 0x30);
	assert_int_equal(s->flags, STORE_SHARE_ACCESS_BASED_ENUMERATION);
	assert_int_equal(s->max_uses, 9);
	assert_int_equal(send_share(&fake_user, SRVSVC_SHARE_DEL_EX, &del), WERR_ACCESS_DENIED);
	assert_int_equal(send_share(&fake_admin, SRVSVC_SHARE_DEL_EX, &del), 0);
	assert_null(fake_find("new"));
	assert_int_equal(send_share(&fake_admin, SRVSVC_SHARE_DEL_EX, &del),
			 NERR_NET_NAME_NOT_FOUND);
}

static void a_share_is_made_only_where_the_server_lives(void **state)
{
	static const struct {
		const char *path;
		uint32_t status;
	} cases[] = {
		{ "C:\\windows", NERR_UNKNOWN_DEV_DIR },
		{ "S:\\missing", NERR_UNKNOWN_DEV_DIR },
		{ "S:\\..\\etc", WERR_INVALID_PARAMETER },
		{ "S:\\a\\.berth", WERR_INVALID_PARAMETER },
		{ "\\\\other\\share", WERR_INVALID_PARAMETER },
		{ "S:relative", WERR_INVALID_PARAMETER },
		{ "", WERR_INVALID_PARAMETER },
		{ "s:\\good\\", 0 },
	};

	(void)state;
	fake_reset();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct srvsvc_share_request add = {
			.level = 2, .share = { .name = "p", .path = cases[i].path }
		};

		assert_int_equal(send_share(&fake_admin, SRVSVC_SHARE_ADD, &add), cases[i].status);
	}
	{
		struct srvsvc_share_request other = {
			.level = 503,
			.share = { .name = "q", .path = "S:\\q", .server_name = "OTHER" }
		};
		struct srvsvc_share_request queue = {
			.level = 2, .share = { .name = "q", .path = "S:\\q", .type = 1 }
		};
		struct srvsvc_share_request special = {
			.level = 2, .share = { .name = "q", .path = "S:\\q", .type = STYPE_SPECIAL }
		};
		struct srvsvc_share_request one = { .level = 1, .share = { .name = "q" } };

		assert_int_equal(send_share(&fake_admin, SRVSVC_SHARE_ADD, &other),
				 WERR_INVALID_PARAMETER);
		assert_int_equal(send_share(&fake_admin, SRVSVC_SHARE_ADD, &queue),
				 WERR_NOT_SUPPORTED);
		assert_int_equal(send_share(&fake_admin, SRVSVC_SHARE_ADD, &special),
				 WERR_INVALID_PARAMETER);
		assert_int_equal(send_share(&fake_admin, SRVSVC_SHARE_ADD, &one),
				 WERR_INVALID_LEVEL);
	}
}

static uint32_t plain(const struct token *token, uint16_t opnum,
		      const struct srvsvc_plain_request *q, uint32_t *value)
{
	auto_buf struct buf b = { 0 }, stub = { 0 };
	struct ndr_writer w = ndr_writer_of(&b);
	struct ndr_reader r;
	void *pipe = bound(token);
	uint32_t status;

	srvsvc_plain_request_encode(&w, opnum, q);
	assert_int_equal(ask(pipe, opnum, &b, &stub), 0);
	tested->close(pipe);
	r = ndr_reader_of(cur_of(stub.data, stub.len));
	if (value)
		*value = ndr_get_u32(&r);
	assert_int_equal(srvsvc_status_decode(&r, &status), 0);
	return status;
}

static void sessions_and_files_are_listed_for_and_closed_by_administrators(void **state)
{
	struct srvsvc_plain_request file = { .id = 1 };
	struct srvsvc_plain_request session = { .client = "\\\\10.0.0.8" };
	struct srvsvc_plain_request nobody = { .user_name = "nobody" };
	struct srvsvc_plain_request everybody = { 0 };
	static const uint32_t levels[] = { 0, 1, 2, 10, 502 };
	auto_buf struct buf stub = { 0 };
	struct srvsvc_enum_request q = { .list = { .level = 3 },
					 .preferred_maximum = MOST,
					 .qualifier = "S:\\packages\\a" };
	struct srvsvc_enum_reply a;
	const struct srvsvc_file *f;
	struct ndr_reader r;

	(void)state;
	fake_reset();
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		struct srvsvc_enum_request s = { .list = { .level = levels[i] },
						 .preferred_maximum = MOST };

		assert_int_equal(enumerate(&fake_user, SRVSVC_SESSION_ENUM, &s, &r, &stub, &a), 0);
		assert_int_equal(a.status, WERR_ACCESS_DENIED);
		ndr_reader_free(&r);
		assert_int_equal(enumerate(&fake_admin, SRVSVC_SESSION_ENUM, &s, &r, &stub, &a), 0);
		assert_int_equal(a.list.count, 2);
		assert_string_equal(((const struct srvsvc_session *)a.list.rows)[0].client,
				    "\\\\10.0.0.7");
		ndr_reader_free(&r);
	}
	assert_int_equal(enumerate(&fake_user, SRVSVC_FILE_ENUM, &q, &r, &stub, &a), 0);
	assert_int_equal(a.status, WERR_ACCESS_DENIED);
	ndr_reader_free(&r);
	assert_int_equal(enumerate(&fake_admin, SRVSVC_FILE_ENUM, &q, &r, &stub, &a), 0);
	assert_int_equal(a.list.count, 1);
	f = a.list.rows;
	assert_string_equal(f->path_name, "S:\\packages\\a\\b.txt");
	assert_string_equal(f->user_name, "alice");
	ndr_reader_free(&r);

	assert_int_equal(plain(&fake_user, SRVSVC_FILE_CLOSE, &file, NULL), WERR_ACCESS_DENIED);
	assert_int_equal(fake_closed_file, 0);
	assert_int_equal(plain(&fake_admin, SRVSVC_FILE_CLOSE, &file, NULL), 0);
	assert_int_equal(fake_closed_file, 0x100000001u);
	file.id = 99;
	assert_int_equal(plain(&fake_admin, SRVSVC_FILE_CLOSE, &file, NULL),
			 NERR_FILE_ID_NOT_FOUND);
	assert_int_equal(plain(&fake_user, SRVSVC_SESSION_DEL, &session, NULL), WERR_ACCESS_DENIED);
	assert_int_equal(fake_closed_session, 0);
	assert_int_equal(plain(&fake_admin, SRVSVC_SESSION_DEL, &session, NULL), 0);
	assert_int_equal(fake_closed_session, 11);
	assert_int_equal(plain(&fake_admin, SRVSVC_SESSION_DEL, &nobody, NULL),
			 NERR_USER_NOT_FOUND);
	assert_int_equal(plain(&fake_admin, SRVSVC_SESSION_DEL, &everybody, NULL),
			 WERR_INVALID_PARAMETER);
}

static void connections_are_the_shares_that_a_session_has_files_open_on(void **state)
{
	auto_buf struct buf stub = { 0 };
	struct srvsvc_enum_request share = { .list = { .level = 1 },
					     .preferred_maximum = MOST,
					     .qualifier = "distro_test" };
	struct srvsvc_enum_request client = { .list = { .level = 1 },
					      .preferred_maximum = MOST,
					      .qualifier = "\\\\10.0.0.7" };
	struct srvsvc_enum_request nothing = { .list = { .level = 1 }, .preferred_maximum = MOST };
	struct srvsvc_enum_reply a;
	const struct srvsvc_connection *c;
	struct ndr_reader r;

	(void)state;
	fake_reset();
	assert_int_equal(enumerate(&fake_admin, SRVSVC_CONNECTION_ENUM, &share, &r, &stub, &a), 0);
	assert_int_equal(a.list.count, 1);
	c = a.list.rows;
	assert_int_equal(c->num_opens, 2);
	assert_string_equal(c->net_name, "10.0.0.7");
	assert_int_equal(c->time_s, 5);
	ndr_reader_free(&r);
	assert_int_equal(enumerate(&fake_admin, SRVSVC_CONNECTION_ENUM, &client, &r, &stub, &a), 0);
	assert_int_equal(a.list.count, 2);
	ndr_reader_free(&r);
	assert_int_equal(enumerate(&fake_admin, SRVSVC_CONNECTION_ENUM, &nothing, &r, &stub, &a),
			 0);
	assert_int_equal(a.status, WERR_INVALID_PARAMETER);
	ndr_reader_free(&r);
	assert_int_equal(enumerate(&fake_user, SRVSVC_CONNECTION_ENUM, &share, &r, &stub, &a), 0);
	assert_int_equal(a.status, WERR_ACCESS_DENIED);
	ndr_reader_free(&r);
}

static void a_server_says_that_it_is_a_clustered_name(void **state)
{
	struct srvsvc_info_request q = { .level = 101 };
	auto_buf struct buf b = { 0 }, stub = { 0 };
	struct ndr_writer w = ndr_writer_of(&b);
	void *pipe = bound(&fake_user);
	struct srvsvc_server s;
	struct ndr_reader r;
	uint32_t status;
	bool present;

	(void)state;
	srvsvc_info_request_encode(&w, SRVSVC_SERVER_GET_INFO, &q);
	assert_int_equal(ask(pipe, SRVSVC_SERVER_GET_INFO, &b, &stub), 0);
	r = ndr_reader_of(cur_of(stub.data, stub.len));
	assert_int_equal(info_reply_decode(&r, &SRVSVC_SERVERS, 101, &s, &present, &status), 0);
	assert_string_equal(s.name, "FS");
	assert_true(s.type & SV_TYPE_CLUSTER_VS_NT);
	assert_int_equal(s.version_major, 10);
	ndr_reader_free(&r);

	buf_free(&b);
	w = ndr_writer_of(&b);
	q.level = 102;
	srvsvc_info_request_encode(&w, SRVSVC_SERVER_GET_INFO, &q);
	assert_int_equal(ask(pipe, SRVSVC_SERVER_GET_INFO, &b, &stub), 0);
	r = ndr_reader_of(cur_of(stub.data, stub.len));
	assert_int_equal(info_reply_decode(&r, &SRVSVC_SERVERS, 102, &s, &present, &status), 0);
	assert_int_equal(status, WERR_ACCESS_DENIED);
	ndr_reader_free(&r);
	tested->close(pipe);
}

static void names_and_paths_are_judged_by_their_kind(void **state)
{
	static const struct {
		const char *path;
		uint32_t type, status;
	} paths[] = {
		{ "C:", 16384, 0 },    { "C:\\a", 8198, 0 },
		{ "C:\\a*", 8199, 0 }, { "a\\b", 8192, 0 },
		{ "\\a", 8194, 0 },    { "C:a", 8196, 0 },
		{ "\\\\s", 4144, 0 },  { "\\\\s\\x\\y", 4096, 0 },
		{ "\\\\*", 4145, 0 },  { "\\\\s\\x\\", 0, 123 },
		{ "", 0, 123 },	       { "a|b", 0, 123 },
		{ "a\\\\b", 0, 123 },
	};
	static const struct {
		const char *name;
		uint32_t type, status;
	} names[] = {
		{ "share", 9, 0 }, { "ADMIN$", 9, 0 }, { "a/b", 9, 123 },
		{ "", 9, 123 },	   { "FS", 4, 0 },     { "x", 99, 87 },
	};
	uint32_t type;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct srvsvc_plain_request q = { .name = paths[i].path };

		assert_int_equal(plain(&fake_user, SRVSVC_PATH_TYPE, &q, &type), paths[i].status);
		assert_int_equal(type, paths[i].type);
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct srvsvc_plain_request q = { .name = names[i].name, .type = names[i].type };

		assert_int_equal(plain(&fake_user, SRVSVC_NAME_VALIDATE, &q, NULL),
				 names[i].status);
	}
}

static void a_call_that_is_not_in_the_table_is_out_of_range(void **state)
{
	auto_buf struct buf b = { 0 }, stub = { 0 };
	void *pipe = bound(&fake_admin);

	(void)state;
	assert_int_equal(ask(pipe, 0, &b, &stub), RPC_FAULT_OP_RANGE);
	assert_int_equal(ask(pipe, 9999, &b, &stub), RPC_FAULT_OP_RANGE);
	/* and the pipe is as good as before */
	assert_int_equal(ask(pipe, SRVSVC_SHARE_ENUM, &b, &stub), RPC_FAULT_BAD_STUB_DATA);
	tested->close(pipe);
}

static void a_bind_is_answered_context_by_context(void **state)
{
	static const struct {
		const struct dcerpc_syntax *interface, *transfer;
		uint16_t result, reason;
	} cases[] = {
		{ &SRVSVC_INTERFACE, &DCERPC_NDR, DCERPC_ACCEPTANCE, 0 },
		{ &SRVSVC_INTERFACE, &DCERPC_NDR64, DCERPC_PROVIDER_REJECTION,
		  DCERPC_TRANSFER_SYNTAXES_NOT_SUPPORTED },
		{ &WKSSVC_INTERFACE, &DCERPC_NDR, DCERPC_PROVIDER_REJECTION,
		  DCERPC_ABSTRACT_SYNTAX_NOT_SUPPORTED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_buf struct buf in = { 0 }, out = { 0 };
		void *pipe = fake_open("srvsvc", &fake_user);
		struct dcerpc_bind_ack ack;
		struct dcerpc_header h;
		struct cursor c;

		bind_pdu(&in, cases[i].interface, cases[i].transfer);
		assert_int_equal(give(pipe, &in, &out), STATUS_SUCCESS);
		c = cur_of(out.data, out.len);
		assert_true(dcerpc_header_decode(&c, &h));
		assert_int_equal(h.type, DCERPC_BIND_ACK);
		assert_true(dcerpc_bind_ack_decode(&c, &ack));
		assert_int_equal(ack.results[0].result, cases[i].result);
		assert_int_equal(ack.results[0].reason, cases[i].reason);
		assert_int_not_equal(ack.assoc_group, 0);
		if (cases[i].result) {
			auto_buf struct buf b = { 0 }, stub = { 0 };

			assert_int_equal(ask(pipe, SRVSVC_SHARE_ENUM, &b, &stub),
					 RPC_FAULT_UNKNOWN_INTERFACE);
		}
		tested->close(pipe);
	}
}

static uint8_t first_type(const struct buf *out)
{
	return out->len >= 16 ? out->data[2] : NO_REPLY;
}

static void credentials_in_a_bind_are_refused_by_their_reason(void **state)
{
	auto_buf struct buf in = { 0 }, out = { 0 };
	void *pipe = fake_open("srvsvc", &fake_user);

	(void)state;
	bind_pdu(&in, &SRVSVC_INTERFACE, &DCERPC_NDR);
	buf_u32le(&in, 10 | 6 << 8); /* NTLMSSP, privacy */
	buf_u32le(&in, 0);
	buf_u32le(&in, 0);
	buf_put_u16le(&in, 8, (uint16_t)in.len);
	buf_put_u16le(&in, 10, 4);
	assert_int_equal(give(pipe, &in, &out), STATUS_SUCCESS);
	assert_int_equal(first_type(&out), DCERPC_BIND_NAK);
	assert_int_equal(out.data[16], DCERPC_NAK_AUTH_TYPE);
	assert_int_equal(give(pipe, &in, &out), STATUS_PIPE_DISCONNECTED);
	tested->close(pipe);
}

static void bytes_may_come_one_at_a_time(void **state)
{
	auto_buf struct buf in = { 0 }, all = { 0 };
	struct srvsvc_plain_request q = { .name = "share", .type = 9 };
	auto_buf struct buf b = { 0 };
	struct ndr_writer w = ndr_writer_of(&b);
	void *pipe = fake_open("srvsvc", &fake_user);
	size_t length;

	(void)state;
	bind_pdu(&in, &SRVSVC_INTERFACE, &DCERPC_NDR);
	srvsvc_plain_request_encode(&w, SRVSVC_NAME_VALIDATE, &q);
	dcerpc_request_encode(&in, 2, 0, SRVSVC_NAME_VALIDATE, cur_of(b.data, b.len),
			      32); /* and in fragments */
	for (size_t i = 0; i < in.len; i++)
		assert_int_equal(tested->exchange(pipe, cur_of(in.data + i, 1), &all),
				 STATUS_SUCCESS);
	assert_int_equal(all.data[2], DCERPC_BIND_ACK);
	length = all.data[8] | (size_t)all.data[9] << 8;
	assert_int_equal(all.len, length + 28);
	assert_int_equal(all.data[length + 2], DCERPC_RESPONSE);
	tested->close(pipe);
}

/* Two PDUs of which the second breaks a rule: a fault, and the pipe takes nothing more. */
static void breaks(void (*second)(struct buf *in), uint8_t type)
{
	auto_buf struct buf in = { 0 }, out = { 0 };
	void *pipe = bound(&fake_user);

	second(&in);
	assert_int_equal(give(pipe, &in, &out),
			 type == NO_REPLY ? STATUS_PIPE_DISCONNECTED : STATUS_SUCCESS);
	assert_int_equal(first_type(&out), type);
	assert_int_equal(give(pipe, &in, &out), STATUS_PIPE_DISCONNECTED);
	tested->close(pipe);
}

static void second_bind(struct buf *in)
{
	bind_pdu(in, &SRVSVC_INTERFACE, &DCERPC_NDR);
}
static void part(struct buf *in, uint32_t call_id, uint16_t context, uint16_t opnum, uint8_t flags)
{
	size_t start = in->len;

	dcerpc_request_encode(in, call_id, context, opnum, cur_of("", 0), 4280);
	in->data[start + 3] = flags;
}
static void fragment_of_another_call(struct buf *in)
{
	part(in, 2, 0, 15, DCERPC_FIRST_FRAG);
	part(in, 3, 0, 15, DCERPC_LAST_FRAG);
}
static void fragment_of_another_operation(struct buf *in)
{
	part(in, 2, 0, 15, DCERPC_FIRST_FRAG);
	part(in, 2, 0, 18, DCERPC_LAST_FRAG);
}
static void fragment_without_a_first(struct buf *in)
{
	part(in, 2, 0, 15, DCERPC_LAST_FRAG);
}
static void two_firsts(struct buf *in)
{
	part(in, 2, 0, 15, DCERPC_FIRST_FRAG);
	part(in, 2, 0, 15, DCERPC_FIRST_FRAG);
}
static void a_response(struct buf *in)
{
	dcerpc_response_encode(in, 2, 0, cur_of("", 0), 4280);
}
static void no_rpc(struct buf *in)
{
	buf_text(in, "GET / HTTP/1.1\r\n\r\n");
}

static void a_breach_of_the_protocol_ends_the_pipe(void **state)
{
	(void)state;
	breaks(second_bind, DCERPC_BIND_NAK);
	breaks(fragment_of_another_call, DCERPC_FAULT);
	breaks(fragment_of_another_operation, DCERPC_FAULT);
	breaks(fragment_without_a_first, DCERPC_FAULT);
	breaks(two_firsts, DCERPC_FAULT);
	breaks(a_response, DCERPC_FAULT);
	breaks(no_rpc, NO_REPLY);
}

static void a_request_that_is_too_long_is_refused_and_the_next_one_served(void **state)
{
	auto_buf struct buf in = { 0 }, out = { 0 }, stub = { 0 }, b = { 0 };
	static uint8_t long_stub[300000];
	void *pipe = bound(&fake_user);

	(void)state;
	dcerpc_request_encode(&in, 2, 0, SRVSVC_SHARE_ENUM, cur_of(long_stub, sizeof(long_stub)),
			      4280);
	assert_int_equal(give(pipe, &in, &out), STATUS_SUCCESS);
	assert_int_equal(out.len, 32);
	assert_int_equal(reply_of(&out, &stub), RPC_FAULT_OUT_OF_MEMORY);
	assert_int_equal(ask(pipe, SRVSVC_SHARE_ENUM, &b, &stub), RPC_FAULT_BAD_STUB_DATA);
	tested->close(pipe);
}

static void an_orphaned_request_is_forgotten(void **state)
{
	auto_buf struct buf in = { 0 }, out = { 0 }, b = { 0 }, stub = { 0 };
	void *pipe = bound(&fake_user);

	(void)state;
	part(&in, 2, 0, 15, DCERPC_FIRST_FRAG);
	dcerpc_fault_encode(&in, 2, 0, 0, 0);
	in.data[24 + 2] = DCERPC_ORPHANED;
	assert_int_equal(give(pipe, &in, &out), STATUS_SUCCESS);
	assert_int_equal(out.len, 0);
	assert_int_equal(ask(pipe, SRVSVC_SHARE_ENUM, &b, &stub), RPC_FAULT_BAD_STUB_DATA);
	tested->close(pipe);
}

static void the_workstation_service_says_the_name_that_was_dialled(void **state)
{
	const struct pipe_endpoint *wkssvc = pipe_endpoint_find("WKSSVC");
	struct srvsvc_info_request q = { .level = 100 };
	auto_buf struct buf in = { 0 }, out = { 0 }, b = { 0 }, stub = { 0 };
	struct ndr_writer w = ndr_writer_of(&b);
	void *pipe = fake_open("wkssvc", &fake_user);
	struct cursor c;
	struct dcerpc_header h;
	struct wkssvc_info info;
	struct ndr_reader r;
	uint32_t status;
	bool present;

	(void)state;
	bind_pdu(&in, &WKSSVC_INTERFACE, &DCERPC_NDR);
	wkssvc_info_request_encode(&w, &q);
	dcerpc_request_encode(&in, 2, 0, WKSSVC_GET_INFO, cur_of(b.data, b.len), 4280);
	assert_int_equal(wkssvc->exchange(pipe, cur_of(in.data, in.len), &out), STATUS_SUCCESS);
	c = cur_of(out.data, out.len);
	assert_true(dcerpc_header_decode(&c, &h));
	memmove(out.data, out.data + h.frag_length, out.len - h.frag_length);
	out.len -= h.frag_length;
	assert_int_equal(reply_of(&out, &stub), 0);
	r = ndr_reader_of(cur_of(stub.data, stub.len));
	assert_int_equal(info_reply_decode(&r, &WKSSVC_INFOS, 100, &info, &present, &status), 0);
	assert_string_equal(info.computer_name, "FS");
	ndr_reader_free(&r);
	wkssvc->close(pipe);
}

static int set_up(void **state)
{
	(void)state;
	rpc_register();
	test_pipe("srvsvc", &SRVSVC_INTERFACE);
	return tested ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_share_list_shows_the_scope_that_was_dialled),
		cmocka_unit_test(a_sticky_list_shows_what_an_administrator_made),
		cmocka_unit_test(paths_and_descriptors_are_for_administrators_of_this_server),
		cmocka_unit_test(a_list_in_parts_gives_every_share_once),
		cmocka_unit_test(a_list_that_is_longer_than_a_fragment_comes_in_fragments),
		cmocka_unit_test(too_little_room_for_one_entry_is_said),
		cmocka_unit_test(a_share_of_another_scope_is_not_found),
		cmocka_unit_test(an_administrator_makes_changes_and_removes_a_share),
		cmocka_unit_test(a_share_is_made_only_where_the_server_lives),
		cmocka_unit_test(sessions_and_files_are_listed_for_and_closed_by_administrators),
		cmocka_unit_test(connections_are_the_shares_that_a_session_has_files_open_on),
		cmocka_unit_test(a_server_says_that_it_is_a_clustered_name),
		cmocka_unit_test(names_and_paths_are_judged_by_their_kind),
		cmocka_unit_test(a_call_that_is_not_in_the_table_is_out_of_range),
		cmocka_unit_test(a_bind_is_answered_context_by_context),
		cmocka_unit_test(credentials_in_a_bind_are_refused_by_their_reason),
		cmocka_unit_test(bytes_may_come_one_at_a_time),
		cmocka_unit_test(a_breach_of_the_protocol_ends_the_pipe),
		cmocka_unit_test(a_request_that_is_too_long_is_refused_and_the_next_one_served),
		cmocka_unit_test(an_orphaned_request_is_forgotten),
		cmocka_unit_test(the_workstation_service_says_the_name_that_was_dialled),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
