// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <wire/sddl.h>

#define ALL_PARTS                                                                                  \
	(OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION |     \
	 SACL_SECURITY_INFORMATION)

static struct security_descriptor *sddl(const char *text)
{
	struct security_descriptor *sd;

	assert_int_equal(sd_parse_sddl(text, &sd), STATUS_SUCCESS);
	return sd;
}

/* assert_sd - @sd says the same as @text; both are freed. */
static void assert_sd(struct security_descriptor *sd, const char *text)
{
	struct security_descriptor *expected = sddl(text);
	struct buf a auto_buf = { 0 }, b auto_buf = { 0 };

	sd_encode(&a, sd, ALL_PARTS);
	sd_encode(&b, expected, ALL_PARTS);
	assert_false(a.failed || b.failed);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	free(sd);
	free(expected);
}

static void sids_are_parsed_and_printed(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "S-1-5-32-544", "S-1-5-32-544" },
		{ "BA", "S-1-5-32-544" },
		{ "WD", "S-1-1-0" },
		{ "S-1-5-21-1-2-4294967295-500", "S-1-5-21-1-2-4294967295-500" },
		{ "s-1-0x10000000000-7", "S-1-0x010000000000-7" },
		{ "S-1-5", "S-1-5" },
		{ "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15",
		  "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15" },
	};
	static const char *const bad[] = {
		"",
		"S",
		"S-",
		"S-1",
		"S-1-",
		"S-2-5",
		"S-1-5-",
		"S-1-5-x",
		"S-1-5-4294967296",
		"S-1-5--1",
		"S-1-281474976710656",
		"S-1-5-18 ",
		"ZZ",
		"S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16",
	};
	char text[SID_TEXT_SIZE];
	struct sid sid;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_true(sid_parse(rows[i].in, &sid));
		assert_string_equal(sid_format(&sid, text), rows[i].out);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(sid_parse(bad[i], &sid));
}

static void a_sid_comes_back_from_its_bytes_and_not_from_fewer(void **state)
{
	struct sid sid, back;
	struct buf b auto_buf = { 0 };

	assert_true(sid_parse("S-1-5-21-111-222-333-1001", &sid));
	sid_encode(&b, &sid);
	assert_int_equal(b.len, sid_size(&sid));
	for (size_t n = 0; n <= b.len; n++) {
		struct cursor c = cur_of(b.data, n);

		assert_int_equal(sid_decode(&c, &back), n == b.len);
	}
	assert_true(sid_equal(&sid, &back));
	b.data[1] = SID_MAX_SUBS + 1;
	assert_false(sid_decode(&(struct cursor){ b.data, b.data, b.data + b.len }, &back));
}

static void a_descriptor_comes_back_byte_for_byte(void **state)
{
	static const char text[] =
		"O:BAG:SYD:PAI(D;;0x1;;;AN)(A;OICI;FA;;;BA)(A;CIIOID;GA;;;CO)S:AI(AU;SAFA;FA;;;WD)";
	struct security_descriptor *sd = sddl(text), *back;
	struct buf a auto_buf = { 0 }, b auto_buf = { 0 };

	sd_encode(&a, sd, ALL_PARTS);
	free(sd);
	assert_int_equal(sd_decode(cur_of(a.data, a.len), &back), STATUS_SUCCESS);
	assert_int_equal(back->control, SD_SELF_RELATIVE | SD_DACL_PRESENT | SD_SACL_PRESENT |
						SD_DACL_PROTECTED | SD_DACL_AUTO_INHERITED |
						SD_SACL_AUTO_INHERITED);
	assert_int_equal(back->dacl->count, 3);
	assert_int_equal(back->dacl->aces[2].flags,
			 ACE_CONTAINER_INHERIT | ACE_INHERIT_ONLY | ACE_INHERITED);
	assert_true(sid_equal(&back->owner, &SID_ADMINISTRATORS));
	sd_encode(&b, back, ALL_PARTS);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	free(back);
}

static void entries_of_other_kinds_are_kept_as_they_came(void **state)
{
	static const uint8_t guids[36] = { 1, 0, 0, 0, 9 };
	struct ace aces[3] = {
		{ .type = ACE_ACCESS_ALLOWED_CALLBACK,
		  .mask = 1,
		  .sid = SID_EVERYONE,
		  .rest = cur_of("artx", 4) },
		{ .type = 0x77, .rest = cur_of("whatever", 8) },
		{ .type = ACE_ACCESS_DENIED_OBJECT, .mask = 2 },
	};
	struct acl acl = { .revision = 4, .count = 3, .aces = aces };
	struct buf object auto_buf = { 0 }, a auto_buf = { 0 }, b auto_buf = { 0 };
	struct security_descriptor *sd, *back;

	buf_bytes(&object, guids, 20);
	sid_encode(&object, &SID_SYSTEM);
	aces[2].rest = cur_of(object.data, object.len);
	assert_int_equal(sd_build(0, NULL, NULL, &acl, NULL, &sd), STATUS_SUCCESS);
	sd_encode(&a, sd, ALL_PARTS);
	assert_int_equal(sd_decode(cur_of(a.data, a.len), &back), STATUS_SUCCESS);
	assert_int_equal(back->dacl->aces[0].type, ACE_ACCESS_ALLOWED_CALLBACK);
	assert_memory_equal(back->dacl->aces[0].rest.at, "artx", 4);
	assert_memory_equal(back->dacl->aces[1].rest.at, "whatever", 8);
	assert_true(sid_equal(&back->dacl->aces[2].sid, &SID_SYSTEM));
	sd_encode(&b, back, ALL_PARTS);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	free(sd);
	free(back);
}

static void only_the_parts_asked_for_are_written(void **state)
{
	struct security_descriptor *sd = sddl("O:BAG:SYD:(A;;FA;;;BA)S:(AU;SA;FA;;;WD)"), *back;
	struct buf b auto_buf = { 0 };

	sd_encode(&b, sd, DACL_SECURITY_INFORMATION);
	assert_int_equal(sd_decode(cur_of(b.data, b.len), &back), STATUS_SUCCESS);
	assert_false(back->has_owner || back->has_group || back->sacl);
	assert_non_null(back->dacl);
	assert_int_equal(back->control, SD_SELF_RELATIVE | SD_DACL_PRESENT);
	free(sd);
	free(back);
}

static void a_null_dacl_is_not_an_empty_one(void **state)
{
	struct security_descriptor *null = sddl("O:BAD:NO_ACCESS_CONTROL");
	struct security_descriptor *empty = sddl("O:BAD:"), *back;
	struct buf b auto_buf = { 0 };

	assert_null(null->dacl);
	assert_true(null->control & SD_DACL_PRESENT);
	assert_non_null(empty->dacl);
	sd_encode(&b, null, ALL_PARTS);
	assert_int_equal(sd_decode(cur_of(b.data, b.len), &back), STATUS_SUCCESS);
	assert_null(back->dacl);
	assert_true(back->control & SD_DACL_PRESENT);
	free(back);
	b.len = 0;
	sd_encode(&b, empty, ALL_PARTS);
	assert_int_equal(sd_decode(cur_of(b.data, b.len), &back), STATUS_SUCCESS);
	assert_int_equal(back->dacl->count, 0);
	free(back);
	free(null);
	free(empty);
}

static void a_descriptor_cut_anywhere_is_refused(void **state)
{
	struct security_descriptor *sd = sddl("O:BAG:SYD:(A;OICI;FA;;;BA)S:(AU;SA;FA;;;WD)"), *back;
	struct buf b auto_buf = { 0 };

	sd_encode(&b, sd, ALL_PARTS);
	free(sd);
	for (size_t n = 0; n < b.len; n++) {
		assert_true(nt_failed(sd_decode(cur_of(b.data, n), &back)));
		assert_null(back);
	}
}

static void numbers_that_lie_are_refused(void **state)
{
	/* Of the DACL-only descriptor below: offset of the byte, its lie, the status. */
	static const struct {
		size_t at;
		uint8_t value;
		ntstatus status;
	} rows[] = {
		{ 0, 2, STATUS_INVALID_SECURITY_DESCR },    /* revision */
		{ 3, 0x00, STATUS_INVALID_SECURITY_DESCR }, /* not self-relative */
		{ 19, 0x7f, STATUS_INVALID_ACL },	    /* DACL far away */
		{ 20, 9, STATUS_INVALID_ACL },		    /* ACL revision */
		{ 22, 7, STATUS_INVALID_ACL },		    /* ACL smaller than its header */
		{ 23, 0x10, STATUS_INVALID_ACL },	    /* ACL longer than the bytes */
		{ 24, 2, STATUS_INVALID_ACL },		    /* one entry more than there are */
		{ 25, 0xff, STATUS_INVALID_ACL },	    /* 65281 entries */
		{ 30, 3, STATUS_INVALID_ACL },		    /* entry smaller than its header */
		{ 30, 21, STATUS_INVALID_ACL },		    /* entry not a multiple of four */
		{ 30, 12, STATUS_INVALID_SID },		    /* entry that cuts its SID */
		{ 36, 2, STATUS_INVALID_SID },		    /* SID revision */
		{ 37, 16, STATUS_INVALID_SID },		    /* SID with too many parts */
	};
	struct security_descriptor *sd = sddl("D:(A;;FA;;;WD)"), *back;
	struct buf b auto_buf = { 0 };

	sd_encode(&b, sd, ALL_PARTS);
	free(sd);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t held = b.data[rows[i].at];

		b.data[rows[i].at] = rows[i].value;
		assert_int_equal(sd_decode(cur_of(b.data, b.len), &back), rows[i].status);
		b.data[rows[i].at] = held;
	}
	assert_int_equal(sd_decode(cur_of(b.data, b.len), &back), STATUS_SUCCESS);
	free(back);
}

static void a_descriptor_is_shown_as_the_text_it_was_read_from(void **state)
{
	static const char *const texts[] = {
		"O:S-1-5-32-544G:S-1-5-18D:PAI(D;;CC;;;S-1-5-7)(A;OICI;FA;;;S-1-5-32-544)"
		"(A;CIIOID;GA;;;S-1-3-0)(A;;0x1200a9;;;S-1-5-21-1-2-3-1000)",
		"D:NO_ACCESS_CONTROL",
		"D:PAINO_ACCESS_CONTROL",
		"D:",
		"O:S-1-1-0",
	};
	struct buf small auto_buf = { .limit = 8 };
	struct security_descriptor *sd;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct buf out auto_buf = { 0 };

		sd = sddl(texts[i]);
		assert_true(sd_format_sddl(&out, sd));
		buf_u8(&out, 0);
		assert_string_equal((const char *)out.data, texts[i]);
		free(sd);
	}
	sd = sddl(texts[0]);
	assert_false(sd_format_sddl(&small, sd));
	sd->dacl->aces[0].type = 0x7f;
	buf_free(&small);
	assert_false(sd_format_sddl(&small, sd));
	free(sd);
}

static void sddl_that_is_not_understood_is_refused(void **state)
{
	static const char *const bad[] = {
		"X:BA",
		"O:",
		"O:ZZ",
		"D:(A;;FA;;;BA",
		"D:(A;;FA;;;)",
		"D:(Q;;FA;;;BA)",
		"D:(A;XX;FA;;;BA)",
		"D:(A;;FAX;;;BA)",
		"D:(A;;0x100000000;;;BA)",
		"D:(A;;FA;guid;;BA)",
		"D:(A;;FA;;;DA)",
		"D:(XA;;FA;;;BA;(x))",
		"D:Q(A;;FA;;;BA)",
		"D:(A;;FA;;;BA)D:(A;;FA;;;BA)",
		"garbage",
	};
	struct security_descriptor *sd;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(sd_parse_sddl(bad[i], &sd), STATUS_INVALID_SECURITY_DESCR);
	sd = sddl("O:S-1-5-21-1-2-3-500G:S-1-5-18D:AI(A;;0x1f01ff;;;S-1-1-0)(A;;GRGX;;;BU)");
	assert_int_equal(sd->owner.sub[4], 500);
	assert_int_equal(sd->dacl->aces[0].mask, FILE_ALL_ACCESS);
	assert_true(sd->dacl->aces[1].mask == (GENERIC_READ | GENERIC_EXECUTE));
	free(sd);
}

/* What a child gets: parent, what the creator sent (or NULL), kind, result. Owner AO, group SO. */
static const struct {
	const char *parent, *creator;
	bool is_directory;
	const char *child;
} inheritance[] = {
	/* Nothing to take over: owner and SYSTEM. */
	{ "D:(A;;FA;;;BA)", NULL, false, "O:AOG:SOD:(A;;FA;;;AO)(A;;FA;;;SY)" },
	{ "D:NO_ACCESS_CONTROL", NULL, true, "O:AOG:SOD:(A;;FA;;;AO)(A;;FA;;;SY)" },
	/* The four flags, on a file and on a folder. */
	{ "D:AI(A;OI;FR;;;BA)", NULL, false, "O:AOG:SOD:AI(A;ID;FR;;;BA)" },
	{ "D:AI(A;OI;FR;;;BA)", NULL, true, "O:AOG:SOD:AI(A;OIIOID;FR;;;BA)" },
	{ "D:AI(A;CI;FR;;;BA)(A;OI;FR;;;BU)", NULL, false, "O:AOG:SOD:AI(A;ID;FR;;;BU)" },
	{ "D:AI(A;CI;FR;;;BA)", NULL, true, "O:AOG:SOD:AI(A;CIID;FR;;;BA)" },
	{ "D:AI(A;OICI;FR;;;BA)", NULL, true, "O:AOG:SOD:AI(A;OICIID;FR;;;BA)" },
	{ "D:AI(A;OICIIO;FR;;;BA)", NULL, true, "O:AOG:SOD:AI(A;OICIID;FR;;;BA)" },
	{ "D:AI(A;OICIIO;FR;;;BA)", NULL, false, "O:AOG:SOD:AI(A;ID;FR;;;BA)" },
	{ "D:AI(A;CINP;FR;;;BA)", NULL, true, "O:AOG:SOD:AI(A;ID;FR;;;BA)" },
	{ "D:AI(A;OINP;FR;;;BA)(A;CI;FR;;;BU)", NULL, true, "O:AOG:SOD:AI(A;CIID;FR;;;BU)" },
	{ "D:AI(A;OINP;FR;;;BA)", NULL, false, "O:AOG:SOD:AI(A;ID;FR;;;BA)" },
	/* Deny entries and their order are kept. */
	{ "D:AI(D;OI;FW;;;BU)(A;OI;FA;;;WD)", NULL, false,
	  "O:AOG:SOD:AI(D;ID;FW;;;BU)(A;ID;FA;;;WD)" },
	/* Stand-ins become who they stand for, and go on as they were. */
	{ "D:AI(A;OICIIO;GA;;;CO)", NULL, false, "O:AOG:SOD:AI(A;ID;FA;;;AO)" },
	{ "D:AI(A;OICIIO;GA;;;CO)", NULL, true, "O:AOG:SOD:AI(A;ID;FA;;;AO)(A;OICIIOID;GA;;;CO)" },
	{ "D:AI(A;CINP;GR;;;CG)", NULL, true, "O:AOG:SOD:AI(A;ID;FR;;;SO)" },
	{ "D:AI(A;CI;GRGX;;;BU)", NULL, true, "O:AOG:SOD:AI(A;ID;FRFX;;;BU)(A;CIIOID;GRGX;;;BU)" },
	/* A parent whose list is not kept by inheritance marks nothing. */
	{ "D:(A;OICI;FR;;;BA)", NULL, true, "O:AOG:SOD:(A;OICI;FR;;;BA)" },
	/* What the creator sends counts as it is ... */
	{ "D:AI(A;OICI;FR;;;BA)", "O:BUD:(A;;GA;;;WD)", false, "O:BUG:SOD:(A;;FA;;;WD)" },
	{ "D:AI(A;OICI;FR;;;BA)", "D:P(A;;FR;;;WD)", false, "O:AOG:SOD:P(A;;FR;;;WD)" },
	{ "D:AI(A;OICI;FR;;;BA)", "D:NO_ACCESS_CONTROL", false, "O:AOG:SOD:NO_ACCESS_CONTROL" },
	{ "D:AI(A;OICI;FR;;;BA)", "D:", false, "O:AOG:SOD:" },
	{ "D:AI(A;OICI;FR;;;BA)", "O:BU", false, "O:BUG:SOD:AI(A;ID;FR;;;BA)" },
	/* ... unless it asks for inheritance. */
	{ "D:AI(A;OICI;FR;;;BA)", "D:AR(A;;FR;;;WD)(A;ID;FW;;;WD)", false,
	  "O:AOG:SOD:AI(A;;FR;;;WD)(A;ID;FR;;;BA)" },
	/* The SACL goes its own way, and has no default. */
	{ "D:AI(A;OI;FR;;;BA)S:AI(AU;OISA;FW;;;WD)", NULL, false,
	  "O:AOG:SOD:AI(A;ID;FR;;;BA)S:AI(AU;SAID;FW;;;WD)" },
};

static void a_child_inherits_as_windows_has_it(void **state)
{
	struct sid owner, group;

	assert_true(sid_parse("AO", &owner));
	assert_true(sid_parse("SO", &group));
	for (size_t i = 0; i < ARRAY_LEN(inheritance); i++) {
		struct security_descriptor *parent = sddl(inheritance[i].parent), *child;
		struct security_descriptor *creator =
			inheritance[i].creator ? sddl(inheritance[i].creator) : NULL;

		assert_int_equal(sd_inherit(parent, creator, &owner, &group,
					    inheritance[i].is_directory, &child),
				 STATUS_SUCCESS);
		assert_sd(child, inheritance[i].child);
		free(parent);
		free(creator);
	}
}

static void inheritance_that_outgrows_a_list_is_refused(void **state)
{
	static struct ace aces[ACL_MAX_ACES];
	struct acl acl = { .revision = 2, .count = ACL_MAX_ACES, .aces = aces };
	struct security_descriptor *parent, *child;

	for (size_t i = 0; i < ARRAY_LEN(aces); i++)
		aces[i] = (struct ace){ .flags = ACE_CONTAINER_INHERIT,
					.mask = GENERIC_ALL,
					.sid = SID_EVERYONE };
	assert_int_equal(sd_build(0, NULL, NULL, &acl, NULL, &parent), STATUS_SUCCESS);
	assert_int_equal(sd_inherit(parent, NULL, &SID_USERS, &SID_USERS, true, &child),
			 STATUS_INVALID_ACL);
	assert_null(child);
	free(parent);
}

static const struct {
	const char *old, *change;
	uint32_t which;
	const char *result;
} applied[] = {
	{ "O:BAG:SYD:(A;;FA;;;BA)", "O:BU", OWNER_SECURITY_INFORMATION, "O:BUG:SYD:(A;;FA;;;BA)" },
	{ "O:BAG:SYD:(A;;FA;;;BA)", "O:BUD:(A;;GR;;;WD)", DACL_SECURITY_INFORMATION,
	  "O:BAG:SYD:(A;;FR;;;WD)" },
	{ "O:BAD:AI(A;ID;FA;;;BA)", "D:AI(A;;FR;;;WD)", DACL_SECURITY_INFORMATION,
	  "O:BAD:(A;;FR;;;WD)" },
	{ "O:BAD:(A;;FA;;;BA)", "D:ARAI(A;ID;FR;;;WD)", DACL_SECURITY_INFORMATION,
	  "O:BAD:AI(A;ID;FR;;;WD)" },
	{ "O:BAD:(A;;FA;;;BA)", "D:P(A;OICIIO;GA;;;CO)", DACL_SECURITY_INFORMATION,
	  "O:BAD:P(A;OICIIO;GA;;;CO)" },
	{ "O:BAD:(A;;FA;;;BA)", "D:NO_ACCESS_CONTROL", DACL_SECURITY_INFORMATION,
	  "O:BAD:NO_ACCESS_CONTROL" },
	{ "O:BAD:(A;;FA;;;BA)", "S:(AU;SA;FW;;;WD)", SACL_SECURITY_INFORMATION,
	  "O:BAD:(A;;FA;;;BA)S:(AU;SA;FW;;;WD)" },
};

static void setting_a_part_leaves_the_others(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(applied); i++) {
		struct security_descriptor *old = sddl(applied[i].old), *result;
		struct security_descriptor *change = sddl(applied[i].change);

		assert_int_equal(sd_apply(old, change, applied[i].which, &result), STATUS_SUCCESS);
		assert_sd(result, applied[i].result);
		free(old);
		free(change);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sids_are_parsed_and_printed),
		cmocka_unit_test(a_sid_comes_back_from_its_bytes_and_not_from_fewer),
		cmocka_unit_test(a_descriptor_comes_back_byte_for_byte),
		cmocka_unit_test(entries_of_other_kinds_are_kept_as_they_came),
		cmocka_unit_test(only_the_parts_asked_for_are_written),
		cmocka_unit_test(a_null_dacl_is_not_an_empty_one),
		cmocka_unit_test(a_descriptor_cut_anywhere_is_refused),
		cmocka_unit_test(numbers_that_lie_are_refused),
		cmocka_unit_test(a_descriptor_is_shown_as_the_text_it_was_read_from),
		cmocka_unit_test(sddl_that_is_not_understood_is_refused),
		cmocka_unit_test(a_child_inherits_as_windows_has_it),
		cmocka_unit_test(inheritance_that_outgrows_a_list_is_refused),
		cmocka_unit_test(setting_a_part_leaves_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
