// SPDX-License-Identifier: Apache-2.0
/* MS-LSAT: what is written is read as it was, both ways; what contradicts itself is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/utf16.h>
#include <wire/lsa.h>

static const uint16_t opnums[] = { LSA_CLOSE,
				   LSA_OPEN_POLICY,
				   LSA_QUERY_INFORMATION_POLICY,
				   LSA_LOOKUP_NAMES,
				   LSA_LOOKUP_SIDS,
				   LSA_OPEN_POLICY2,
				   LSA_GET_USER_NAME,
				   LSA_QUERY_INFORMATION_POLICY2,
				   LSA_LOOKUP_SIDS2,
				   LSA_LOOKUP_NAMES2,
				   LSA_LOOKUP_NAMES3 };
static struct sid sids[] = { { 2, { 0, 0, 0, 0, 0, 5 }, { 32, 544 } },
			     { 1, { 0, 0, 0, 0, 0, 1 }, { 0 } },
			     { 5, { 0, 0, 0, 0, 0, 5 }, { 21, 1, 2, 3, 1000 } } };
static const char *names[] = { "BUILTIN\\Administrators", "odd", "Bärth" };

static struct lsa_request a_request(uint16_t opnum)
{
	struct lsa_request q = { .handle = { 0, 0, 0, 0, 7 },
				 .access = 0x02000000,
				 .information_class = LSA_POLICY_DNS_DOMAIN,
				 .level = LSA_LOOKUP_WKSTA,
				 .options = 3,
				 .revision = 2,
				 .has_domain_name = true,
				 .count = 3 };

	if (opnum == LSA_LOOKUP_SIDS || opnum == LSA_LOOKUP_SIDS2)
		q.sids = sids;
	else
		q.names = names;
	return q;
}

static void every_request_is_read_as_it_was_written(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(opnums); i++) {
		auto_buf struct buf b = { 0 };
		struct ndr_writer w = ndr_writer_of(&b);
		struct lsa_request q = a_request(opnums[i]), out;
		struct ndr_reader r;

		lsa_request_encode(&w, opnums[i], &q);
		r = ndr_reader_of(cur_of(b.data, b.len));
		assert_int_equal(lsa_request_decode(&r, opnums[i], &out), RPC_FAULT_NONE);
		assert_int_equal(cur_left(&r.c), 0);
		for (uint32_t n = 0; n < out.count; n++) {
			if (q.sids)
				assert_true(sid_equal(&out.sids[n], &q.sids[n]));
			else
				assert_string_equal(out.names[n], q.names[n]);
		}
		if (out.count) {
			assert_int_equal(out.count, 3);
			assert_int_equal(out.level, LSA_LOOKUP_WKSTA);
			assert_int_equal(out.handle[4], 7);
		}
		if (opnums[i] == LSA_OPEN_POLICY2)
			assert_int_equal(out.access, q.access);
		if (opnums[i] == LSA_LOOKUP_NAMES3)
			assert_int_equal(out.revision, 2);
		if (opnums[i] == LSA_GET_USER_NAME)
			assert_true(out.has_domain_name);
		ndr_reader_free(&r);
	}
}

static const struct lsa_domain domains[] = {
	{ "BUILTIN", { 1, { 0, 0, 0, 0, 0, 5 }, { 32 } } },
	{ "", { 0, { 0, 0, 0, 0, 0, 1 }, { 0 } } },
};
static const struct lsa_translation translations[] = {
	{ .use = SID_USE_ALIAS,
	  .name = "Administrators",
	  .sid = { 2, { 0, 0, 0, 0, 0, 5 }, { 32, 544 } },
	  .has_sid = true,
	  .rid = 544,
	  .domain = 0,
	  .flags = 9 },
	{ .use = SID_USE_UNKNOWN, .name = "odd", .domain = LSA_NO_DOMAIN },
};

static void check_translations(uint16_t opnum, const struct lsa_reply *out)
{
	bool by_name = opnum == LSA_LOOKUP_SIDS || opnum == LSA_LOOKUP_SIDS2;

	assert_int_equal(out->count, 2);
	assert_int_equal(out->mapped, 1);
	assert_int_equal(out->domain_count, 2);
	assert_string_equal(out->domains[0].name, "BUILTIN");
	assert_true(sid_equal(&out->domains[1].sid, &domains[1].sid));
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(out->translations[i].use, translations[i].use);
		assert_int_equal(out->translations[i].domain, translations[i].domain);
		if (by_name)
			assert_string_equal(out->translations[i].name, translations[i].name);
		else if (opnum == LSA_LOOKUP_NAMES3)
			assert_true(sid_equal(&out->translations[i].sid, &translations[i].sid));
		else
			assert_int_equal(out->translations[i].rid, translations[i].rid);
	}
}

static void every_reply_is_read_as_it_was_written(void **state)
{
	struct lsa_reply a = { .handle = { 0, 0, 0, 0, 7 },
			       .has_information = true,
			       .information = { .name = "WORKGROUP",
						.dns_domain = "",
						.dns_forest = "forest",
						.has_sid = true,
						.sid = { 1, { 0, 0, 0, 0, 0, 5 }, { 32 } } },
			       .has_domains = true,
			       .domains = domains,
			       .domain_count = 2,
			       .translations = translations,
			       .count = 2,
			       .mapped = 1,
			       .user_name = "alice",
			       .domain_name = "FS",
			       .status = STATUS_SOME_NOT_MAPPED };

	for (size_t i = 0; i < ARRAY_LEN(opnums); i++) {
		auto_buf struct buf b = { 0 };
		struct ndr_writer w = ndr_writer_of(&b);
		struct lsa_request q = a_request(opnums[i]);
		struct lsa_reply out;
		struct ndr_reader r;

		lsa_reply_encode(&w, opnums[i], &q, &a);
		r = ndr_reader_of(cur_of(b.data, b.len));
		assert_int_equal(lsa_reply_decode(&r, opnums[i], &out), RPC_FAULT_NONE);
		assert_int_equal(cur_left(&r.c), 0);
		assert_int_equal(out.status, STATUS_SOME_NOT_MAPPED);
		if (out.has_domains)
			check_translations(opnums[i], &out);
		if (out.has_information) {
			assert_string_equal(out.information.name, "WORKGROUP");
			assert_string_equal(out.information.dns_forest, "forest");
			assert_true(sid_equal(&out.information.sid, &a.information.sid));
		}
		if (opnums[i] == LSA_GET_USER_NAME) {
			assert_string_equal(out.user_name, "alice");
			assert_string_equal(out.domain_name, "FS");
		}
		ndr_reader_free(&r);
	}
}

static void a_cut_request_is_a_fault(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(opnums); i++) {
		auto_buf struct buf b = { 0 };
		struct ndr_writer w = ndr_writer_of(&b);
		struct lsa_request q = a_request(opnums[i]), out;

		lsa_request_encode(&w, opnums[i], &q);
		for (size_t n = 0; n < b.len; n++) {
			struct ndr_reader r = ndr_reader_of(cur_of(b.data, n));

			assert_int_not_equal(lsa_request_decode(&r, opnums[i], &out),
					     RPC_FAULT_NONE);
			ndr_reader_free(&r);
		}
	}
}

/* A LookupSids or LookupNames whose 32 bits at @offset behind its handle are @value. */
static uint32_t fault_with(uint16_t opnum, size_t offset, uint32_t value)
{
	auto_buf struct buf b = { 0 };
	struct ndr_writer w = ndr_writer_of(&b);
	struct lsa_request q = a_request(opnum), out;
	struct ndr_reader r;
	uint32_t fault;

	lsa_request_encode(&w, opnum, &q);
	buf_put_u32le(&b, NDR_HANDLE_LENGTH + offset, value);
	r = ndr_reader_of(cur_of(b.data, b.len));
	fault = lsa_request_decode(&r, opnum, &out);
	ndr_reader_free(&r);
	return fault;
}

static void counts_that_contradict_each_other_or_pass_the_limit_are_faults(void **state)
{
	static const struct {
		uint16_t opnum;
		size_t offset;
		uint32_t value;
	} cases[] = {
		{ LSA_LOOKUP_SIDS, 0, 2 },		  /* fewer than the array has */
		{ LSA_LOOKUP_SIDS, 0, LSA_MAX_SIDS + 1 }, /* too many */
		{ LSA_LOOKUP_SIDS, 4, 0 },		  /* a count, and no array */
		{ LSA_LOOKUP_SIDS, 8, UINT32_MAX },	  /* an array of more than there is */
		{ LSA_LOOKUP_SIDS, 24, 5 },		  /* a SID of another length */
		{ LSA_LOOKUP_SIDS, 24, 16 },		  /* a SID longer than one may be */
		{ LSA_LOOKUP_NAMES, 0, 2 },
		{ LSA_LOOKUP_NAMES, 0, LSA_MAX_NAMES + 1 },
		{ LSA_LOOKUP_NAMES, 4, 4 },
		{ LSA_LOOKUP_NAMES, 8, 0xffff },	  /* a name of odd length, and no room */
		{ LSA_LOOKUP_NAMES, 32 + 4, 1 },	  /* that does not begin at its beginning */
		{ LSA_LOOKUP_NAMES, 32 + 8, 0x7fffffff }, /* of more characters than there are */
	};
	struct ndr_reader r = ndr_reader_of(cur_of("", 0));
	struct lsa_request out;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(fault_with(cases[i].opnum, cases[i].offset, cases[i].value),
				 RPC_FAULT_BAD_STUB_DATA);
	/* LsarLookupSids3, which is for domain controllers */
	assert_int_equal(lsa_request_decode(&r, 76, &out), RPC_FAULT_OP_RANGE);
}

static void a_policy_class_that_has_no_encoding_is_a_fault(void **state)
{
	auto_buf struct buf b = { 0 };
	struct ndr_writer w = ndr_writer_of(&b);
	struct ndr_reader r;
	struct lsa_reply out;

	ndr_put_pointer(&w, true);
	ndr_put_u16(&w, 2);
	ndr_put_u32(&w, 0);
	ndr_put_u32(&w, 0);
	r = ndr_reader_of(cur_of(b.data, b.len));
	assert_int_equal(lsa_reply_decode(&r, LSA_QUERY_INFORMATION_POLICY, &out),
			 RPC_FAULT_INVALID_TAG);
	ndr_reader_free(&r);
}

/* What a Windows client fills in of its object attributes: a quality of service. */
static void a_policy_is_opened_with_a_quality_of_service_and_not_with_a_directory(void **state)
{
	auto_buf struct buf b = { 0 };
	struct ndr_writer w = ndr_writer_of(&b);
	struct lsa_request q = { .has_root_directory = true, .access = 5 }, out;
	struct ndr_reader r;

	ndr_put_unique_string(&w, "\\\\FS");
	for (int i = 0; i < 5; i++)
		ndr_put_u32(&w, i ? 0 : 24);
	ndr_put_pointer(&w, true);
	ndr_put_u32(&w, 12);
	ndr_put_u16(&w, 2);
	ndr_put_u8(&w, 1);
	ndr_put_u8(&w, 0);
	ndr_put_u32(&w, POLICY_LOOKUP_NAMES);
	r = ndr_reader_of(cur_of(b.data, b.len));
	assert_int_equal(lsa_request_decode(&r, LSA_OPEN_POLICY2, &out), RPC_FAULT_NONE);
	assert_int_equal(cur_left(&r.c), 0);
	assert_int_equal(out.access, POLICY_LOOKUP_NAMES);
	assert_false(out.has_root_directory);
	ndr_reader_free(&r);

	buf_free(&b);
	w = ndr_writer_of(&b);
	lsa_request_encode(&w, LSA_OPEN_POLICY, &q);
	r = ndr_reader_of(cur_of(b.data, b.len));
	assert_int_equal(lsa_request_decode(&r, LSA_OPEN_POLICY, &out), RPC_FAULT_NONE);
	assert_true(out.has_root_directory);
	assert_int_equal(out.access, 5);
	ndr_reader_free(&r);
}

static void a_name_and_its_sid_are_found_by_each_other(void **state)
{
	static const struct {
		const char *sid, *domain, *name;
		enum sid_use use;
	} rows[] = {
		{ "S-1-1-0", "", "Everyone", SID_USE_WELL_KNOWN_GROUP },
		{ "S-1-3-0", "", "CREATOR OWNER", SID_USE_WELL_KNOWN_GROUP },
		{ "S-1-5-18", "NT AUTHORITY", "SYSTEM", SID_USE_WELL_KNOWN_GROUP },
		{ "S-1-5-32", "BUILTIN", "BUILTIN", SID_USE_DOMAIN },
		{ "S-1-5-32-544", "BUILTIN", "Administrators", SID_USE_ALIAS },
		{ "S-1-5-64-10", "NT AUTHORITY", "NTLM Authentication", SID_USE_WELL_KNOWN_GROUP },
		{ "S-1-15-2-1", "APPLICATION PACKAGE AUTHORITY", "ALL APPLICATION PACKAGES",
		  SID_USE_WELL_KNOWN_GROUP },
	};
	struct sid sid, unknown;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct sid_name *by_sid, *by_name;

		assert_true(sid_parse(rows[i].sid, &sid));
		by_sid = sid_well_known(&sid);
		by_name = sid_well_known_named(rows[i].domain, rows[i].name);
		assert_non_null(by_sid);
		assert_ptr_equal(by_sid, by_name);
		assert_string_equal(by_sid->name, rows[i].name);
		assert_int_equal(by_sid->use, rows[i].use);
	}
	assert_non_null(sid_well_known_named("builtin", "USERS"));
	assert_non_null(sid_well_known_named(NULL, "everyone"));
	assert_null(sid_well_known_named("FS", "Everyone"));
	assert_true(sid_parse("S-1-5-21-1-2-3-500", &unknown));
	assert_null(sid_well_known(&unknown));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_request_is_read_as_it_was_written),
		cmocka_unit_test(every_reply_is_read_as_it_was_written),
		cmocka_unit_test(a_cut_request_is_a_fault),
		cmocka_unit_test(counts_that_contradict_each_other_or_pass_the_limit_are_faults),
		cmocka_unit_test(a_policy_class_that_has_no_encoding_is_a_fault),
		cmocka_unit_test(
			a_policy_is_opened_with_a_quality_of_service_and_not_with_a_directory),
		cmocka_unit_test(a_name_and_its_sid_are_found_by_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
