// SPDX-License-Identifier: Apache-2.0
/* The pipe lsarpc from the outside: who may ask, for what a handle is good, what is answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <unistd.h>

#include <base/log.h>
#include <wire/dssetup.h>
#include <wire/lsa.h>

#include "client.h"

static struct token guest = {
	.refs = 1, .user_name = "Guest", .domain_name = "FS", .authority = 7, .is_guest = true
};
static struct token nobody = { .refs = 1, .authority = 7, .is_anonymous = true };

/* One pipe of @token, its policy handle, and the memory of the last reply. */
struct lsa {
	void *pipe;
	uint8_t handle[NDR_HANDLE_LENGTH];
	struct buf stub;
	struct ndr_reader r;
	struct lsa_reply a;
};

static void end(struct lsa *l)
{
	ndr_reader_free(&l->r);
	buf_free(&l->stub);
	tested->close(l->pipe);
}

/* call - the status of one call on the handle of @l, or its fault; the reply is in l->a. */
static uint32_t call(struct lsa *l, uint16_t opnum, struct lsa_request q)
{
	auto_buf struct buf b = { 0 };
	struct ndr_writer w = ndr_writer_of(&b);
	uint32_t fault;

	memcpy(q.handle, l->handle, sizeof(q.handle));
	lsa_request_encode(&w, opnum, &q);
	ndr_reader_free(&l->r);
	fault = ask(l->pipe, opnum, &b, &l->stub);
	l->r = ndr_reader_of(cur_of(l->stub.data, l->stub.len));
	if (fault)
		return fault;
	assert_int_equal(lsa_reply_decode(&l->r, opnum, &l->a), RPC_FAULT_NONE);
	assert_int_equal(cur_left(&l->r.c), 0);
	return l->a.status;
}

static uint32_t open_for(struct lsa *l, const struct token *token, uint32_t access)
{
	uint32_t status;

	*l = (struct lsa){ .pipe = bound(token) };
	status = call(l, LSA_OPEN_POLICY2, (struct lsa_request){ .access = access });
	memcpy(l->handle, l->a.handle, sizeof(l->handle));
	return status;
}

static struct lsa_request of_sids(struct sid *sids, uint32_t count)
{
	return (struct lsa_request){ .level = LSA_LOOKUP_WKSTA, .sids = sids, .count = count };
}

static struct lsa_request of_names(const char **names, uint32_t count)
{
	return (struct lsa_request){ .level = LSA_LOOKUP_WKSTA, .names = names, .count = count };
}

static void sids_get_names_and_domains(void **state)
{
	cleanup(end) struct lsa l;
	struct sid sids[] = { sid_child(&fake_server.domain_sid, 1000), SID_ADMINISTRATORS,
			      SID_EVERYONE, SID_USERS };
	static const uint16_t opnums[] = { LSA_LOOKUP_SIDS, LSA_LOOKUP_SIDS2 };

	assert_int_equal(open_for(&l, &fake_user, MAXIMUM_ALLOWED), STATUS_SUCCESS);
	for (size_t i = 0; i < ARRAY_LEN(opnums); i++) {
		assert_int_equal(call(&l, opnums[i], of_sids(sids, 4)), STATUS_SUCCESS);
		assert_int_equal(l.a.mapped, 4);
		assert_int_equal(l.a.domain_count, 3); /* two of them are in BUILTIN */
		assert_string_equal(l.a.translations[0].name, "alice");
		assert_int_equal(l.a.translations[0].use, SID_USE_USER);
		assert_string_equal(l.a.domains[l.a.translations[0].domain].name, "FS");
		assert_string_equal(l.a.translations[3].name, "Users");
		assert_int_equal(l.a.translations[3].domain, l.a.translations[1].domain);
		assert_string_equal(l.a.domains[l.a.translations[2].domain].name, "");
	}
}

static void what_is_not_known_is_said_to_be_unknown(void **state)
{
	cleanup(end) struct lsa l;
	struct sid sids[] = { sid_child(&fake_server.domain_sid, 0xbeef),
			      SID_USERS,
			      { 4, { 0, 0, 0, 0, 0, 5 }, { 21, 9, 9, 9 } } };

	assert_int_equal(open_for(&l, &fake_user, POLICY_LOOKUP_NAMES), STATUS_SUCCESS);
	assert_int_equal(call(&l, LSA_LOOKUP_SIDS2, of_sids(sids, 3)), STATUS_SOME_NOT_MAPPED);
	assert_int_equal(l.a.mapped, 1);
	assert_int_equal(l.a.translations[0].use, SID_USE_UNKNOWN);
	assert_string_equal(l.a.translations[0].name, "0000BEEF");
	assert_string_equal(l.a.domains[l.a.translations[0].domain].name, "FS");
	assert_string_equal(l.a.translations[2].name, "S-1-5-21-9-9-9");
	assert_int_equal(l.a.translations[2].domain, LSA_NO_DOMAIN);
	assert_int_equal(call(&l, LSA_LOOKUP_SIDS2, of_sids(&sids[2], 1)), STATUS_NONE_MAPPED);
	assert_int_equal(l.a.count, 1);
	assert_int_equal(call(&l, LSA_LOOKUP_SIDS, of_sids(NULL, 0)), STATUS_SUCCESS);
}

static void names_get_sids(void **state)
{
	cleanup(end) struct lsa l;
	const char *names[] = { "ALICE", "nobody", "BUILTIN" };
	struct sid alice = sid_child(&fake_server.domain_sid, 1000);

	assert_int_equal(open_for(&l, &fake_user, POLICY_LOOKUP_NAMES), STATUS_SUCCESS);
	assert_int_equal(call(&l, LSA_LOOKUP_NAMES3, of_names(names, 3)), STATUS_SOME_NOT_MAPPED);
	assert_true(l.a.translations[0].has_sid);
	assert_true(sid_equal(&l.a.translations[0].sid, &alice));
	assert_false(l.a.translations[1].has_sid);
	assert_int_equal(l.a.translations[1].use, SID_USE_UNKNOWN);
	assert_int_equal(call(&l, LSA_LOOKUP_NAMES2, of_names(names, 3)), STATUS_SOME_NOT_MAPPED);
	assert_int_equal(l.a.translations[0].rid, 1000);
	assert_int_equal(l.a.translations[2].rid, UINT32_MAX); /* a domain has none */
	assert_int_equal(call(&l, LSA_LOOKUP_NAMES, of_names(names, 1)), STATUS_SUCCESS);
	assert_int_equal(l.a.translations[0].rid, 1000);
	assert_int_equal(call(&l, LSA_LOOKUP_NAMES, of_names(names + 1, 1)), STATUS_NONE_MAPPED);
}

/* Those who have no account here: guests, nobody, and the account of another file server. */
static void strangers_learn_nothing(void **state)
{
	static const struct token *const strangers[] = { &guest, &nobody, &fake_stranger };
	static const uint16_t opnums[] = { LSA_LOOKUP_SIDS,
					   LSA_LOOKUP_SIDS2,
					   LSA_LOOKUP_NAMES,
					   LSA_LOOKUP_NAMES2,
					   LSA_LOOKUP_NAMES3,
					   LSA_QUERY_INFORMATION_POLICY,
					   LSA_QUERY_INFORMATION_POLICY2,
					   LSA_OPEN_POLICY,
					   LSA_CLOSE };
	struct sid sid = sid_child(&fake_server.domain_sid, 1000);
	const char *name = "alice";

	for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
		cleanup(end) struct lsa l;

		assert_int_equal(open_for(&l, strangers[i], POLICY_LOOKUP_NAMES),
				 STATUS_ACCESS_DENIED);
		for (size_t n = 0; n < ARRAY_LEN(opnums); n++) {
			bool by_sid = opnums[n] == LSA_LOOKUP_SIDS || opnums[n] == LSA_LOOKUP_SIDS2;

			assert_int_equal(
				call(&l, opnums[n], by_sid ? of_sids(&sid, 1) : of_names(&name, 1)),
				STATUS_ACCESS_DENIED);
			assert_int_equal(l.a.count, 0);
			assert_false(l.a.has_domains || l.a.has_information);
		}
	}
}

static void a_handle_is_good_for_what_it_was_opened_for(void **state)
{
	static const struct {
		const struct token *token;
		uint32_t wanted, status, lookup, query;
	} rows[] = {
		{ &fake_user, POLICY_LOOKUP_NAMES, 0, 0, STATUS_ACCESS_DENIED },
		{ &fake_user, POLICY_VIEW_LOCAL_INFORMATION, 0, STATUS_ACCESS_DENIED, 0 },
		{ &fake_user, MAXIMUM_ALLOWED, 0, 0, 0 },
		{ &fake_user, GENERIC_EXECUTE, 0, 0, 0 },
		{ &fake_user, READ_CONTROL, 0, STATUS_ACCESS_DENIED, STATUS_ACCESS_DENIED },
		{ &fake_user, POLICY_ALL_ACCESS, STATUS_ACCESS_DENIED, STATUS_INVALID_HANDLE,
		  STATUS_INVALID_HANDLE },
		{ &fake_user, GENERIC_ALL, STATUS_ACCESS_DENIED, STATUS_INVALID_HANDLE,
		  STATUS_INVALID_HANDLE },
		{ &fake_admin, GENERIC_ALL, 0, 0, 0 },
		{ &fake_admin, ACCESS_SYSTEM_SECURITY, STATUS_ACCESS_DENIED, STATUS_INVALID_HANDLE,
		  STATUS_INVALID_HANDLE },
	};
	struct sid sid = SID_USERS;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup(end) struct lsa l;

		assert_int_equal(open_for(&l, rows[i].token, rows[i].wanted), rows[i].status);
		assert_int_equal(call(&l, LSA_LOOKUP_SIDS, of_sids(&sid, 1)), rows[i].lookup);
		assert_int_equal(call(&l, LSA_QUERY_INFORMATION_POLICY,
				      (struct lsa_request){ .information_class =
								    LSA_POLICY_ACCOUNT_DOMAIN }),
				 rows[i].query);
	}
}

static void a_handle_ends_when_it_is_closed_and_there_are_not_many(void **state)
{
	cleanup(end) struct lsa l;
	struct sid sid = SID_USERS;
	uint32_t status = STATUS_SUCCESS;
	int opened = 1;

	assert_int_equal(open_for(&l, &fake_user, MAXIMUM_ALLOWED), STATUS_SUCCESS);
	assert_int_equal(call(&l, LSA_CLOSE, (struct lsa_request){ 0 }), STATUS_SUCCESS);
	assert_memory_equal(l.a.handle, (uint8_t[NDR_HANDLE_LENGTH]){ 0 }, NDR_HANDLE_LENGTH);
	assert_int_equal(call(&l, LSA_LOOKUP_SIDS, of_sids(&sid, 1)), STATUS_INVALID_HANDLE);
	assert_int_equal(call(&l, LSA_CLOSE, (struct lsa_request){ 0 }), STATUS_INVALID_HANDLE);
	memset(l.handle, 0, sizeof(l.handle));
	assert_int_equal(call(&l, LSA_LOOKUP_SIDS, of_sids(&sid, 1)), STATUS_INVALID_HANDLE);
	while (status == STATUS_SUCCESS && opened++ < 1000)
		status = call(&l, LSA_OPEN_POLICY,
			      (struct lsa_request){ .access = POLICY_LOOKUP_NAMES });
	assert_int_equal(status, STATUS_INSUFFICIENT_RESOURCES);
	assert_true(opened < 100);
}

static void a_file_server_says_that_it_is_in_no_domain(void **state)
{
	cleanup(end) struct lsa l;
	static const uint16_t own[] = { LSA_POLICY_ACCOUNT_DOMAIN,
					LSA_POLICY_LOCAL_ACCOUNT_DOMAIN };
	static const uint16_t primary[] = { LSA_POLICY_PRIMARY_DOMAIN, LSA_POLICY_DNS_DOMAIN };

	assert_int_equal(open_for(&l, &fake_user, MAXIMUM_ALLOWED), STATUS_SUCCESS);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(call(&l, LSA_QUERY_INFORMATION_POLICY2,
				      (struct lsa_request){ .information_class = own[i] }),
				 STATUS_SUCCESS);
		assert_string_equal(l.a.information.name, "FS");
		assert_true(sid_equal(&l.a.information.sid, &fake_server.domain_sid));
		assert_int_equal(call(&l, LSA_QUERY_INFORMATION_POLICY,
				      (struct lsa_request){ .information_class = primary[i] }),
				 STATUS_SUCCESS);
		assert_string_equal(l.a.information.name, "WORKGROUP");
		assert_false(l.a.information.has_sid);
	}
	assert_int_equal(call(&l, LSA_QUERY_INFORMATION_POLICY,
			      (struct lsa_request){ .information_class = LSA_POLICY_SERVER_ROLE }),
			 STATUS_SUCCESS);
	assert_int_equal(l.a.information.role, LSA_ROLE_PRIMARY);
	assert_int_equal(call(&l, LSA_QUERY_INFORMATION_POLICY,
			      (struct lsa_request){ .information_class = 2 }), /* what is audited */
			 STATUS_INVALID_PARAMETER);
}

static void levels_of_domain_controllers_and_null_sids_are_refused(void **state)
{
	cleanup(end) struct lsa l;
	auto_buf struct buf b = { 0 };
	struct ndr_writer w = ndr_writer_of(&b);
	struct sid sid = SID_USERS;
	struct lsa_request q = of_sids(&sid, 1);
	const char *name = "alice";

	assert_int_equal(open_for(&l, &fake_user, MAXIMUM_ALLOWED), STATUS_SUCCESS);
	for (uint16_t level = 0; level < 9; level++) {
		struct lsa_request names = of_names(&name, 1);

		q.level = names.level = level;
		assert_int_equal(call(&l, LSA_LOOKUP_SIDS, q),
				 level == LSA_LOOKUP_WKSTA ? 0 : STATUS_INVALID_PARAMETER);
		assert_int_equal(call(&l, LSA_LOOKUP_NAMES, names),
				 level == LSA_LOOKUP_WKSTA ? 0 : STATUS_INVALID_PARAMETER);
	}
	ndr_put_handle(&w, l.handle);
	ndr_put_u32(&w, 1);
	ndr_put_pointer(&w, true);
	ndr_put_u32(&w, 1);
	ndr_put_pointer(&w, false); /* the SID */
	ndr_put_u32(&w, 0);
	ndr_put_pointer(&w, false);
	ndr_put_u16(&w, LSA_LOOKUP_WKSTA);
	ndr_put_u32(&w, 0);
	ndr_reader_free(&l.r);
	assert_int_equal(ask(l.pipe, LSA_LOOKUP_SIDS, &b, &l.stub), 0);
	l.r = ndr_reader_of(cur_of(l.stub.data, l.stub.len));
	assert_int_equal(lsa_reply_decode(&l.r, LSA_LOOKUP_SIDS, &l.a), RPC_FAULT_NONE);
	assert_int_equal(l.a.status, STATUS_INVALID_PARAMETER);
}

static void each_caller_is_told_who_it_is(void **state)
{
	static const struct {
		const struct token *token;
		const char *name, *domain;
	} rows[] = { { &fake_user, "alice", "FS" },
		     { &guest, "Guest", "FS" },
		     { &nobody, "ANONYMOUS LOGON", "NT AUTHORITY" } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct lsa l = { .pipe = bound(rows[i].token) };

		assert_int_equal(call(&l, LSA_GET_USER_NAME,
				      (struct lsa_request){ .has_domain_name = true }),
				 STATUS_SUCCESS);
		assert_string_equal(l.a.user_name, rows[i].name);
		assert_string_equal(l.a.domain_name, rows[i].domain);
		assert_int_equal(call(&l, LSA_GET_USER_NAME, (struct lsa_request){ 0 }), 0);
		assert_null(l.a.domain_name);
		end(&l);
	}
}

/* What @pipe says of its domain in context @context; the fault, or the status. */
static uint32_t ask_domain(void *pipe, uint16_t context, uint16_t level,
			   struct dssetup_basic *basic, char name[32])
{
	auto_buf struct buf b = { 0 }, in = { 0 }, out = { 0 }, stub = { 0 };
	struct ndr_writer w = ndr_writer_of(&b);
	struct ndr_reader r;
	uint32_t fault, status;
	bool present;

	dssetup_request_encode(&w, level);
	dcerpc_request_encode(&in, 2, context, DSSETUP_GET_PRIMARY_DOMAIN, cur_of(b.data, b.len),
			      4280);
	assert_int_equal(give(pipe, &in, &out), STATUS_SUCCESS);
	fault = reply_of(&out, &stub);
	if (fault)
		return fault;
	r = ndr_reader_of(cur_of(stub.data, stub.len));
	assert_int_equal(dssetup_reply_decode(&r, basic, &present, &status), RPC_FAULT_NONE);
	assert_int_equal(present, !status);
	snprintf(name, 32, "%s", present ? basic->flat_name : "");
	ndr_reader_free(&r);
	return status;
}

static uint16_t alter(void *pipe, const struct dcerpc_syntax *interface, uint16_t id)
{
	auto_buf struct buf in = { 0 }, out = { 0 };
	struct dcerpc_bind bind = { .max_xmit_frag = 4280,
				    .max_recv_frag = 4280,
				    .context_count = 1 };
	struct dcerpc_bind_ack ack;
	struct dcerpc_header h;
	struct cursor c;

	bind.contexts[0].id = id;
	bind.contexts[0].transfer_count = 1;
	bind.contexts[0].abstract = *interface;
	bind.contexts[0].transfers[0] = DCERPC_NDR;
	dcerpc_bind_encode(&in, DCERPC_ALTER_CONTEXT, 1, &bind);
	assert_int_equal(give(pipe, &in, &out), STATUS_SUCCESS);
	c = cur_of(out.data, out.len);
	assert_true(dcerpc_header_decode(&c, &h));
	assert_true(dcerpc_bind_ack_decode(&c, &ack));
	return ack.results[0].result;
}

static void the_pipe_serves_two_interfaces_each_in_contexts_of_its_own(void **state)
{
	cleanup(end) struct lsa l;
	struct dssetup_basic basic;
	struct sid sid = SID_USERS;
	char name[32];

	assert_int_equal(open_for(&l, &fake_user, MAXIMUM_ALLOWED), STATUS_SUCCESS);
	assert_int_equal(ask_domain(l.pipe, 1, 1, &basic, name), RPC_FAULT_UNKNOWN_INTERFACE);
	assert_int_equal(alter(l.pipe, &DSSETUP_INTERFACE, 0), DCERPC_PROVIDER_REJECTION);
	assert_int_equal(alter(l.pipe, &SRVSVC_INTERFACE, 1), DCERPC_PROVIDER_REJECTION);
	assert_int_equal(alter(l.pipe, &DSSETUP_INTERFACE, 1), DCERPC_ACCEPTANCE);
	assert_int_equal(ask_domain(l.pipe, 1, DSSETUP_LEVEL_BASIC, &basic, name), WERR_SUCCESS);
	assert_string_equal(name, "WORKGROUP");
	assert_int_equal(basic.role, DSSETUP_STANDALONE_SERVER);
	assert_null(basic.dns_name);
	assert_int_equal(ask_domain(l.pipe, 1, 2, &basic, name), WERR_INVALID_PARAMETER);
	/* and the first goes on, with its handle */
	assert_int_equal(call(&l, LSA_LOOKUP_SIDS, of_sids(&sid, 1)), STATUS_SUCCESS);
}

static void strangers_are_not_told_of_the_domain(void **state)
{
	struct dssetup_basic basic;
	void *pipe = bound(&nobody);
	char name[32];

	assert_int_equal(alter(pipe, &DSSETUP_INTERFACE, 1), DCERPC_ACCEPTANCE);
	assert_int_equal(ask_domain(pipe, 1, DSSETUP_LEVEL_BASIC, &basic, name),
			 WERR_ACCESS_DENIED);
	tested->close(pipe);
}

static void as_many_sids_as_clients_ask_for_are_answered(void **state)
{
	cleanup(end) struct lsa l;
	static struct sid sids[LSA_MAX_SIDS];

	for (size_t i = 0; i < ARRAY_LEN(sids); i++)
		sids[i] = sid_child(&fake_server.domain_sid, (uint32_t)(999 + i));
	assert_int_equal(open_for(&l, &fake_user, MAXIMUM_ALLOWED), STATUS_SUCCESS);
	assert_int_equal(call(&l, LSA_LOOKUP_SIDS2, of_sids(sids, ARRAY_LEN(sids))),
			 STATUS_SOME_NOT_MAPPED);
	assert_int_equal(l.a.count, ARRAY_LEN(sids));
	assert_int_equal(l.a.mapped, 1);
	assert_int_equal(l.a.domain_count, 1);
	assert_string_equal(l.a.translations[1].name, "alice");
}

/* turn - how many of @count calls of one write, all with the stub @b, are answered; the others are
 * refused as too many. */
static unsigned turn(void *pipe, uint16_t opnum, const struct buf *b, unsigned count)
{
	auto_buf struct buf in = { 0 }, out = { 0 };
	unsigned answered = 0, refused = 0;
	struct cursor c;

	for (uint32_t i = 0; i < count; i++)
		dcerpc_request_encode(&in, 2 + i, 0, opnum, cur_of(b->data, b->len), 4280);
	assert_int_equal(give(pipe, &in, &out), STATUS_SUCCESS);
	c = cur_of(out.data, out.len);
	while (cur_left(&c)) {
		struct cursor at = c, pdu;
		struct dcerpc_header h;
		uint16_t context;
		uint32_t status;

		assert_true(dcerpc_header_decode(&at, &h));
		pdu = cur_take(&c, h.frag_length);
		cur_skip(&pdu, DCERPC_HEADER_SIZE);
		if (h.type == DCERPC_RESPONSE) {
			answered += h.flags & DCERPC_LAST_FRAG ? 1 : 0;
			continue;
		}
		assert_true(dcerpc_fault_decode(&pdu, &context, &status));
		assert_int_equal(status, RPC_FAULT_SERVER_TOO_BUSY);
		refused++;
	}
	assert_int_equal(answered + refused, count);
	return answered;
}

static void one_write_runs_so_many_calls_and_the_next_as_many(void **state)
{
	cleanup(end) struct lsa l;
	auto_buf struct buf b = { 0 };
	struct ndr_writer w = ndr_writer_of(&b);
	struct lsa_request q = { .information_class = LSA_POLICY_ACCOUNT_DOMAIN };

	assert_int_equal(open_for(&l, &fake_user, MAXIMUM_ALLOWED), STATUS_SUCCESS);
	memcpy(q.handle, l.handle, sizeof(q.handle));
	lsa_request_encode(&w, LSA_QUERY_INFORMATION_POLICY, &q);
	assert_int_equal(turn(l.pipe, LSA_QUERY_INFORMATION_POLICY, &b, 60), 60);
	assert_int_equal(turn(l.pipe, LSA_QUERY_INFORMATION_POLICY, &b, 3000), 64);
	assert_int_equal(turn(l.pipe, LSA_QUERY_INFORMATION_POLICY, &b, 64), 64);
}

static void one_write_looks_up_so_many_names_and_who_counts_is_found_out_once_a_call(void **state)
{
	cleanup(end) struct lsa l;
	auto_buf struct buf b = { 0 };
	struct ndr_writer w = ndr_writer_of(&b);
	static const char *names[LSA_MAX_NAMES]; /* nobody is called NULL */
	struct lsa_request q = of_names(names, ARRAY_LEN(names));

	assert_int_equal(open_for(&l, &fake_user, MAXIMUM_ALLOWED), STATUS_SUCCESS);
	memcpy(q.handle, l.handle, sizeof(q.handle));
	lsa_request_encode(&w, LSA_LOOKUP_NAMES, &q);
	fake_circles = fake_lookups = 0;
	assert_int_equal(turn(l.pipe, LSA_LOOKUP_NAMES, &b, 32), 2);
	assert_int_equal(fake_circles, 2);
	assert_int_equal(fake_lookups, 2000);
	assert_int_equal(turn(l.pipe, LSA_LOOKUP_NAMES, &b, 2), 2);
}

/* lines - how many lines of the log in @file have @text. */
static unsigned lines(FILE *file, const char *text)
{
	char line[1000];
	unsigned count = 0;

	rewind(file);
	while (fgets(line, sizeof(line), file))
		count += strstr(line, text) != NULL;
	return count;
}

static void what_is_refused_again_and_again_has_one_line_in_the_log_and_a_count(void **state)
{
	auto_buf struct buf b = { 0 };
	void *pipe = bound(&guest);
	FILE *log = tmpfile();
	int before = dup(STDERR_FILENO);

	assert_non_null(log);
	buf_zero(&b, NDR_HANDLE_LENGTH);
	dup2(fileno(log), STDERR_FILENO);
	log_set_level(LOG_LEVEL_INFO);
	for (int i = 0; i < 3; i++)
		turn(pipe, LSA_CLOSE, &b, 50);
	tested->close(pipe);
	log_set_level(LOG_LEVEL_ERROR);
	dup2(before, STDERR_FILENO);
	close(before);
	assert_int_equal(lines(log, "rpc call client=10.0.0.7 user=FS\\Guest"), 1);
	assert_int_equal(lines(log, "rpc calls refused client=10.0.0.7 user=FS\\Guest server=FS "
				    "call=lsarpc.LsarClose times=150"),
			 1);
	assert_int_equal(lines(log, ""), 2);
	fclose(log);
}

static int set_up(void **state)
{
	log_set_level(LOG_LEVEL_ERROR);
	fake_reset();
	rpc_register();
	test_pipe("lsarpc", &LSA_INTERFACE);
	return tested ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sids_get_names_and_domains),
		cmocka_unit_test(what_is_not_known_is_said_to_be_unknown),
		cmocka_unit_test(names_get_sids),
		cmocka_unit_test(strangers_learn_nothing),
		cmocka_unit_test(a_handle_is_good_for_what_it_was_opened_for),
		cmocka_unit_test(a_handle_ends_when_it_is_closed_and_there_are_not_many),
		cmocka_unit_test(a_file_server_says_that_it_is_in_no_domain),
		cmocka_unit_test(levels_of_domain_controllers_and_null_sids_are_refused),
		cmocka_unit_test(each_caller_is_told_who_it_is),
		cmocka_unit_test(the_pipe_serves_two_interfaces_each_in_contexts_of_its_own),
		cmocka_unit_test(strangers_are_not_told_of_the_domain),
		cmocka_unit_test(as_many_sids_as_clients_ask_for_are_answered),
		cmocka_unit_test(one_write_runs_so_many_calls_and_the_next_as_many),
		cmocka_unit_test(
			one_write_looks_up_so_many_names_and_who_counts_is_found_out_once_a_call),
		cmocka_unit_test(
			what_is_refused_again_and_again_has_one_line_in_the_log_and_a_count),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
