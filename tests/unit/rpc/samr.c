// SPDX-License-Identifier: Apache-2.0
/* The pipe samr from the outside: Administrators list accounts, groups and members; others do not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/log.h>
#include <wire/samr.h>

#include "client.h"

/* One pipe of an Administrator, handles of its server and of a domain, and the last reply. */
struct sam {
	void *pipe;
	uint8_t server[NDR_HANDLE_LENGTH], domain[NDR_HANDLE_LENGTH];
	struct buf stub;
	struct ndr_reader r;
	struct samr_reply a;
};

static void end(struct sam *s)
{
	ndr_reader_free(&s->r);
	buf_free(&s->stub);
	tested->close(s->pipe);
}

/* call - the status of one call on @handle, or its fault; the reply is in s->a. */
static uint32_t call(struct sam *s, uint16_t opnum, const uint8_t *handle, struct samr_request q)
{
	auto_buf struct buf b = { 0 };
	struct ndr_writer w = ndr_writer_of(&b);
	uint32_t fault;

	memcpy(q.handle, handle, sizeof(q.handle));
	if (!q.name)
		q.name = "";
	samr_request_encode(&w, opnum, &q);
	ndr_reader_free(&s->r);
	fault = ask(s->pipe, opnum, &b, &s->stub);
	s->r = ndr_reader_of(cur_of(s->stub.data, s->stub.len));
	if (fault)
		return fault;
	assert_int_equal(samr_reply_decode(&s->r, opnum, &s->a), RPC_FAULT_NONE);
	assert_int_equal(cur_left(&s->r.c), 0);
	return s->a.status;
}

static const struct sid builtin = { 1, { 0, 0, 0, 0, 0, 5 }, { 32 } };

static void open_domain(struct sam *s, const struct sid *domain)
{
	static const uint8_t none[NDR_HANDLE_LENGTH];

	*s = (struct sam){ .pipe = bound(&fake_admin) };
	assert_int_equal(call(s, SAMR_CONNECT5, none,
			      (struct samr_request){ .access = MAXIMUM_ALLOWED, .in_version = 1 }),
			 STATUS_SUCCESS);
	memcpy(s->server, s->a.handle, sizeof(s->server));
	assert_int_equal(call(s, SAMR_OPEN_DOMAIN, s->server,
			      (struct samr_request){ .access = MAXIMUM_ALLOWED, .sid = *domain }),
			 STATUS_SUCCESS);
	memcpy(s->domain, s->a.handle, sizeof(s->domain));
}

#define ALL                                                                                        \
	(struct samr_request)                                                                      \
	{                                                                                          \
		.most_bytes = UINT32_MAX, .most_entries = UINT32_MAX                               \
	}

static void users_and_groups_of_a_domain_are_listed(void **state)
{
	cleanup(end) struct sam s, in_builtin;

	open_domain(&s, &fake_server.domain_sid);
	open_domain(&in_builtin, &builtin);
	assert_int_equal(call(&s, SAMR_ENUMERATE_USERS, s.domain, ALL), STATUS_SUCCESS);
	assert_int_equal(s.a.count, 2);
	assert_string_equal(s.a.entries[0].name, "alice");
	assert_int_equal(s.a.entries[1].rid, 1001);
	assert_int_equal(call(&s, SAMR_ENUMERATE_ALIASES, s.domain, ALL), STATUS_SUCCESS);
	assert_int_equal(s.a.count, 1);
	assert_string_equal(s.a.entries[0].name, "ops");
	assert_int_equal(call(&s, SAMR_ENUMERATE_GROUPS, s.domain, ALL), STATUS_SUCCESS);
	assert_string_equal(s.a.entries[0].name, "None");
	assert_int_equal(s.a.entries[0].rid, 513);

	assert_int_equal(call(&in_builtin, SAMR_ENUMERATE_USERS, in_builtin.domain, ALL),
			 STATUS_SUCCESS);
	assert_int_equal(in_builtin.a.count, 0);
	assert_int_equal(call(&in_builtin, SAMR_ENUMERATE_GROUPS, in_builtin.domain, ALL),
			 STATUS_SUCCESS);
	assert_int_equal(in_builtin.a.count, 0);
	assert_int_equal(call(&in_builtin, SAMR_ENUMERATE_ALIASES, in_builtin.domain, ALL),
			 STATUS_SUCCESS);
	assert_string_equal(in_builtin.a.entries[1].name, "Users");
}

static void a_list_in_parts_gives_each_once(void **state)
{
	cleanup(end) struct sam s;
	struct samr_request q = ALL;

	open_domain(&s, &fake_server.domain_sid);
	q.most_bytes = 1;
	assert_int_equal(call(&s, SAMR_ENUMERATE_USERS, s.domain, q), STATUS_MORE_ENTRIES);
	assert_int_equal(s.a.count, 1);
	assert_string_equal(s.a.entries[0].name, "alice");
	q.resume = s.a.resume;
	assert_int_equal(call(&s, SAMR_ENUMERATE_USERS, s.domain, q), STATUS_SUCCESS);
	assert_int_equal(s.a.count, 1);
	assert_string_equal(s.a.entries[0].name, "bob");
	q.resume = UINT32_MAX;
	assert_int_equal(call(&s, SAMR_ENUMERATE_USERS, s.domain, q), STATUS_SUCCESS);
	assert_int_equal(s.a.count, 0);
	q = ALL;
	q.control = USER_ACCOUNT_DISABLED;
	assert_int_equal(call(&s, SAMR_ENUMERATE_USERS, s.domain, q), STATUS_SUCCESS);
	assert_int_equal(s.a.count, 1);
	assert_string_equal(s.a.entries[0].name, "bob");
}

static void a_display_tells_what_an_account_is(void **state)
{
	static const uint16_t opnums[] = { SAMR_QUERY_DISPLAY, SAMR_QUERY_DISPLAY2,
					   SAMR_QUERY_DISPLAY3 };
	cleanup(end) struct sam s;
	struct samr_request q = ALL;

	open_domain(&s, &fake_server.domain_sid);
	for (size_t i = 0; i < ARRAY_LEN(opnums); i++) {
		q.information_class = SAMR_DISPLAY_USER;
		assert_int_equal(call(&s, opnums[i], s.domain, q), STATUS_SUCCESS);
		assert_int_equal(s.a.count, 2);
		assert_string_equal(s.a.entries[0].full_name, "the first");
		assert_int_equal(s.a.entries[0].control, USER_NORMAL_ACCOUNT);
		assert_int_equal(s.a.entries[1].control,
				 USER_NORMAL_ACCOUNT | USER_ACCOUNT_DISABLED);
		assert_int_equal(s.a.total_bytes, s.a.returned_bytes);
		q.information_class = SAMR_DISPLAY_GROUP;
		assert_int_equal(call(&s, opnums[i], s.domain, q), STATUS_SUCCESS);
		assert_string_equal(s.a.entries[0].name, "None");
		q.information_class = 2; /* machines */
		assert_int_equal(call(&s, opnums[i], s.domain, q), STATUS_INVALID_INFO_CLASS);
	}
	q.information_class = SAMR_DISPLAY_USER;
	q.most_entries = 1;
	assert_int_equal(call(&s, SAMR_QUERY_DISPLAY, s.domain, q), STATUS_MORE_ENTRIES);
	assert_true(s.a.total_bytes > s.a.returned_bytes);
}

static void domains_are_found_by_name(void **state)
{
	cleanup(end) struct sam s;

	open_domain(&s, &builtin);
	assert_int_equal(call(&s, SAMR_ENUMERATE_DOMAINS, s.server, ALL), STATUS_SUCCESS);
	assert_int_equal(s.a.count, 2);
	assert_string_equal(s.a.entries[0].name, "FS");
	assert_int_equal(
		call(&s, SAMR_LOOKUP_DOMAIN, s.server, (struct samr_request){ .name = "fs" }),
		STATUS_SUCCESS);
	assert_true(sid_equal(&s.a.sid, &fake_server.domain_sid));
	assert_int_equal(
		call(&s, SAMR_LOOKUP_DOMAIN, s.server, (struct samr_request){ .name = "BUILTIN" }),
		STATUS_SUCCESS);
	assert_true(sid_equal(&s.a.sid, &builtin));
	assert_int_equal(
		call(&s, SAMR_LOOKUP_DOMAIN, s.server, (struct samr_request){ .name = "X" }),
		STATUS_NO_SUCH_DOMAIN);
	assert_int_equal(call(&s, SAMR_OPEN_DOMAIN, s.server,
			      (struct samr_request){ .access = MAXIMUM_ALLOWED,
						     .sid = { 1, { 0, 0, 0, 0, 0, 5 }, { 21 } } }),
			 STATUS_NO_SUCH_DOMAIN);
}

static void members_of_a_group_are_their_sids(void **state)
{
	cleanup(end) struct sam s;
	const char *names[] = { "alice", "nobody" };
	uint32_t numbers[] = { 1000, 9 };
	struct sid alice = sid_child(&fake_server.domain_sid, 1000);
	uint8_t group[NDR_HANDLE_LENGTH];

	open_domain(&s, &fake_server.domain_sid);
	assert_int_equal(call(&s, SAMR_LOOKUP_NAMES, s.domain,
			      (struct samr_request){ .names = names, .count = 2 }),
			 STATUS_SOME_NOT_MAPPED);
	assert_int_equal(s.a.entries[0].rid, 1000);
	assert_int_equal(s.a.entries[0].use, SID_USE_USER);
	assert_int_equal(s.a.entries[1].use, SID_USE_UNKNOWN);
	assert_int_equal(call(&s, SAMR_LOOKUP_IDS, s.domain,
			      (struct samr_request){ .rids = numbers, .count = 2 }),
			 STATUS_SOME_NOT_MAPPED);
	assert_string_equal(s.a.entries[0].name, "alice");
	assert_int_equal(s.a.entries[0].use, SID_USE_USER);
	assert_int_equal(s.a.entries[1].use, SID_USE_UNKNOWN);
	assert_int_equal(call(&s, SAMR_OPEN_ALIAS, s.domain,
			      (struct samr_request){ .access = ALIAS_LIST_MEMBERS, .rid = 9 }),
			 STATUS_NO_SUCH_ALIAS);
	assert_int_equal(call(&s, SAMR_OPEN_ALIAS, s.domain,
			      (struct samr_request){ .access = ALIAS_LIST_MEMBERS, .rid = 1002 }),
			 STATUS_SUCCESS);
	memcpy(group, s.a.handle, sizeof(group));
	assert_int_equal(call(&s, SAMR_GET_MEMBERS_IN_ALIAS, group, ALL), STATUS_SUCCESS);
	assert_int_equal(s.a.member_count, 2);
	assert_true(sid_equal(&s.a.members[0], &alice));
	assert_int_equal(call(&s, SAMR_CLOSE_HANDLE, group, ALL), STATUS_SUCCESS);
	assert_int_equal(call(&s, SAMR_GET_MEMBERS_IN_ALIAS, group, ALL), STATUS_INVALID_HANDLE);
}

static void a_group_and_a_user_say_what_they_are(void **state)
{
	static const uint16_t classes[] = { SAMR_ALIAS_GENERAL, SAMR_ALIAS_NAME,
					    SAMR_ALIAS_COMMENT };
	cleanup(end) struct sam s;
	struct samr_request q = { .access = MAXIMUM_ALLOWED, .rid = 1002 };
	uint8_t handle[NDR_HANDLE_LENGTH];

	open_domain(&s, &fake_server.domain_sid);
	assert_int_equal(call(&s, SAMR_OPEN_ALIAS, s.domain, q), STATUS_SUCCESS);
	memcpy(handle, s.a.handle, sizeof(handle));
	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		q.information_class = classes[i];
		assert_int_equal(call(&s, SAMR_QUERY_ALIAS, handle, q), STATUS_SUCCESS);
		assert_int_equal(s.a.information_class, classes[i]);
		if (classes[i] != SAMR_ALIAS_COMMENT)
			assert_string_equal(s.a.entries[0].name, "ops");
		if (classes[i] != SAMR_ALIAS_NAME)
			assert_string_equal(s.a.entries[0].comment, "the first");
		if (classes[i] == SAMR_ALIAS_GENERAL)
			assert_int_equal(s.a.entries[0].control, 2);
	}
	q.information_class = 4;
	assert_int_equal(call(&s, SAMR_QUERY_ALIAS, handle, q), STATUS_INVALID_INFO_CLASS);
	assert_int_equal(call(&s, SAMR_OPEN_USER, s.domain, q), STATUS_NO_SUCH_USER);
	q.rid = 1001;
	assert_int_equal(call(&s, SAMR_OPEN_ALIAS, s.domain, q), STATUS_NO_SUCH_ALIAS);
	assert_int_equal(call(&s, SAMR_OPEN_USER, s.domain, q), STATUS_SUCCESS);
	memcpy(handle, s.a.handle, sizeof(handle));
	assert_int_equal(call(&s, SAMR_QUERY_USER2, handle, q), STATUS_INVALID_INFO_CLASS);
	q.information_class = SAMR_USER_ALL;
	assert_int_equal(call(&s, SAMR_QUERY_USER, handle, q), STATUS_SUCCESS);
	assert_string_equal(s.a.entries[0].name, "bob");
	assert_int_equal(s.a.entries[0].rid, 1001);
	assert_int_equal(s.a.entries[0].primary_group, 513);
	assert_int_equal(s.a.entries[0].control, USER_NORMAL_ACCOUNT | USER_ACCOUNT_DISABLED);
	assert_int_equal(s.a.entries[0].fields, SAMR_FIELDS_GENERAL | SAMR_FIELDS_ACCOUNT);
	assert_int_equal(call(&s, SAMR_GET_GROUPS_FOR_USER, handle, q), STATUS_SUCCESS);
	assert_int_equal(s.a.count, 1);
	assert_int_equal(s.a.entries[0].rid, 513);
}

static void a_user_is_read_as_far_as_its_handle_goes(void **state)
{
	static const struct {
		uint32_t access, status, fields;
	} rows[] = {
		{ USER_READ_GENERAL, STATUS_SUCCESS, SAMR_FIELDS_GENERAL },
		{ USER_READ_ACCOUNT, STATUS_SUCCESS, SAMR_FIELDS_ACCOUNT },
		{ GENERIC_READ, STATUS_SUCCESS, SAMR_FIELDS_ACCOUNT },
		{ USER_LIST_GROUPS, STATUS_ACCESS_DENIED, 0 },
	};
	cleanup(end) struct sam s;

	open_domain(&s, &fake_server.domain_sid);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct samr_request q = { .access = rows[i].access,
					  .rid = 1000,
					  .information_class = SAMR_USER_ALL };
		uint8_t handle[NDR_HANDLE_LENGTH];

		assert_int_equal(call(&s, SAMR_OPEN_USER, s.domain, q), STATUS_SUCCESS);
		memcpy(handle, s.a.handle, sizeof(handle));
		assert_int_equal(call(&s, SAMR_QUERY_USER, handle, q), rows[i].status);
		if (rows[i].status)
			continue;
		assert_int_equal(s.a.entries[0].fields, rows[i].fields);
		assert_int_equal(s.a.entries[0].name[0] != 0,
				 rows[i].fields & SAMR_FIELDS_GENERAL ? 1 : 0);
	}
}

static void a_handle_is_good_for_what_it_is_of_and_was_opened_for(void **state)
{
	cleanup(end) struct sam s;
	uint8_t poor[NDR_HANDLE_LENGTH];

	open_domain(&s, &fake_server.domain_sid);
	assert_int_equal(call(&s, SAMR_ENUMERATE_USERS, s.server, ALL), STATUS_INVALID_HANDLE);
	assert_int_equal(call(&s, SAMR_ENUMERATE_DOMAINS, s.domain, ALL), STATUS_INVALID_HANDLE);
	assert_int_equal(call(&s, SAMR_GET_MEMBERS_IN_ALIAS, s.domain, ALL), STATUS_INVALID_HANDLE);
	assert_int_equal(call(&s, SAMR_OPEN_DOMAIN, s.server,
			      (struct samr_request){ .access = DOMAIN_LOOKUP,
						     .sid = fake_server.domain_sid }),
			 STATUS_SUCCESS);
	memcpy(poor, s.a.handle, sizeof(poor));
	assert_int_equal(call(&s, SAMR_ENUMERATE_USERS, poor, ALL), STATUS_ACCESS_DENIED);
	assert_int_equal(call(&s, SAMR_CONNECT5, poor, (struct samr_request){ .in_version = 2 }),
			 STATUS_NOT_SUPPORTED);
	assert_int_equal(call(&s, SAMR_CONNECT2, poor,
			      (struct samr_request){ .access = ACCESS_SYSTEM_SECURITY }),
			 STATUS_ACCESS_DENIED);
}

static void who_is_no_administrator_is_refused(void **state)
{
	static const struct token *const others[] = { &fake_user, &fake_stranger };
	static const uint16_t opnums[] = { SAMR_CONNECT,	   SAMR_CONNECT2,
					   SAMR_CONNECT4,	   SAMR_CONNECT5,
					   SAMR_CLOSE_HANDLE,	   SAMR_LOOKUP_DOMAIN,
					   SAMR_ENUMERATE_DOMAINS, SAMR_OPEN_DOMAIN,
					   SAMR_ENUMERATE_GROUPS,  SAMR_ENUMERATE_USERS,
					   SAMR_ENUMERATE_ALIASES, SAMR_LOOKUP_NAMES,
					   SAMR_OPEN_ALIAS,	   SAMR_GET_MEMBERS_IN_ALIAS,
					   SAMR_QUERY_DISPLAY,	   SAMR_QUERY_DISPLAY2,
					   SAMR_QUERY_DISPLAY3,	   SAMR_QUERY_ALIAS,
					   SAMR_OPEN_USER,	   SAMR_QUERY_USER,
					   SAMR_QUERY_USER2,	   SAMR_GET_GROUPS_FOR_USER,
					   SAMR_LOOKUP_IDS };
	static const uint8_t none[NDR_HANDLE_LENGTH];

	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		cleanup(end) struct sam s = { .pipe = bound(others[i]) };

		for (size_t n = 0; n < ARRAY_LEN(opnums); n++) {
			assert_int_equal(
				call(&s, opnums[n], none, (struct samr_request){ .in_version = 1 }),
				STATUS_ACCESS_DENIED);
			assert_int_equal(s.a.count + s.a.member_count + s.a.has_sid, 0);
		}
	}
}

static void a_cut_request_is_a_fault(void **state)
{
	const char *names[] = { "alice" };
	struct samr_request q = { .names = names, .count = 1, .name = "FS", .sid = builtin }, out;
	static const uint16_t opnums[] = { SAMR_CONNECT5, SAMR_LOOKUP_DOMAIN, SAMR_OPEN_DOMAIN,
					   SAMR_LOOKUP_NAMES, SAMR_QUERY_DISPLAY };

	for (size_t i = 0; i < ARRAY_LEN(opnums); i++) {
		auto_buf struct buf b = { 0 };
		struct ndr_writer w = ndr_writer_of(&b);

		samr_request_encode(&w, opnums[i], &q);
		for (size_t n = 0; n < b.len; n++) {
			struct ndr_reader r = ndr_reader_of(cur_of(b.data, n));

			assert_int_not_equal(samr_request_decode(&r, opnums[i], &out),
					     RPC_FAULT_NONE);
			ndr_reader_free(&r);
		}
	}
}

static int set_up(void **state)
{
	log_set_level(LOG_LEVEL_ERROR);
	fake_reset();
	rpc_register();
	test_pipe("samr", &SAMR_INTERFACE);
	return tested ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_and_groups_of_a_domain_are_listed),
		cmocka_unit_test(a_list_in_parts_gives_each_once),
		cmocka_unit_test(a_display_tells_what_an_account_is),
		cmocka_unit_test(domains_are_found_by_name),
		cmocka_unit_test(members_of_a_group_are_their_sids),
		cmocka_unit_test(a_group_and_a_user_say_what_they_are),
		cmocka_unit_test(a_user_is_read_as_far_as_its_handle_goes),
		cmocka_unit_test(a_handle_is_good_for_what_it_is_of_and_was_opened_for),
		cmocka_unit_test(who_is_no_administrator_is_refused),
		cmocka_unit_test(a_cut_request_is_a_fault),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
