// SPDX-License-Identifier: Apache-2.0
/* Who may do what: tokens are named by their groups, descriptors written as SDDL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <auth/access.h>
#include <stdio.h>

#define ALICE "S-1-5-21-1-2-3-1001"
#define BOB   "S-1-5-21-1-2-3-1002"
#define STAFF "S-1-5-21-1-2-3-2001"

#define READ  FILE_GENERIC_READ
#define WRITE FILE_GENERIC_WRITE
#define FULL  FILE_ALL_ACCESS

static struct sid sid_of(const char *text)
{
	struct sid sid;

	assert_true(sid_parse(text, &sid));
	return sid;
}

/* token_of - a user with up to two groups (NULL: fewer) and privileges. */
static struct token *token_of(const char *user, const char *group, const char *other,
			      uint32_t privileges)
{
	struct sid groups[2];
	struct token_info info = { .user = sid_of(user),
				   .user_name = "user",
				   .privileges = privileges,
				   .groups = groups };
	struct token *t;

	if (group)
		groups[info.group_count++] = sid_of(group);
	if (other)
		groups[info.group_count++] = sid_of(other);
	t = token_new(&info);
	assert_non_null(t);
	return t;
}

static const struct {
	const char *sddl;
	const char *user, *group;
	uint32_t privileges;
	uint32_t desired;
	ntstatus status;
	uint32_t granted;
} rows[] = {
	/* The plain cases. */
	{ "O:BAD:(A;;FR;;;" ALICE ")", ALICE, NULL, 0, READ, STATUS_SUCCESS, READ },
	{ "O:BAD:(A;;FR;;;" ALICE ")", ALICE, NULL, 0, WRITE, STATUS_ACCESS_DENIED, 0 },
	{ "O:BAD:(A;;FR;;;" ALICE ")", BOB, NULL, 0, READ, STATUS_ACCESS_DENIED, 0 },
	{ "O:BAD:(A;;FR;;;" STAFF ")", ALICE, STAFF, 0, READ, STATUS_SUCCESS, READ },
	{ "O:BAD:(A;;FR;;;WD)", BOB, NULL, 0, READ, STATUS_SUCCESS, READ },
	{ "O:BAD:(A;;FR;;;AU)", BOB, NULL, 0, READ, STATUS_SUCCESS, READ },
	{ "O:BAD:(A;;FR;;;" ALICE ")(A;;FW;;;" STAFF ")", ALICE, STAFF, 0, READ | WRITE,
	  STATUS_SUCCESS, READ | WRITE },
	{ "O:BAD:(A;;FR;;;WD)", BOB, NULL, 0, 0, STATUS_ACCESS_DENIED, 0 },
	/* Generic rights, asked and given. */
	{ "O:BAD:(A;;FR;;;WD)", BOB, NULL, 0, GENERIC_READ, STATUS_SUCCESS, READ },
	{ "O:BAD:(A;;GR;;;WD)", BOB, NULL, 0, READ, STATUS_SUCCESS, READ },
	{ "O:BAD:(A;;FR;;;WD)", BOB, NULL, 0, GENERIC_ALL, STATUS_ACCESS_DENIED, 0 },
	{ "O:BAD:(A;;FA;;;WD)", BOB, NULL, 0, GENERIC_ALL, STATUS_SUCCESS, FULL },
	/* Order decides between deny and allow. */
	{ "O:BAD:(D;;FR;;;" STAFF ")(A;;FR;;;" ALICE ")", ALICE, STAFF, 0, READ,
	  STATUS_ACCESS_DENIED, 0 },
	{ "O:BAD:(A;;FR;;;" ALICE ")(D;;FR;;;" STAFF ")", ALICE, STAFF, 0, READ, STATUS_SUCCESS,
	  READ },
	{ "O:BAD:(D;;0x2;;;WD)(A;;FA;;;WD)", BOB, NULL, 0, READ, STATUS_SUCCESS, READ },
	{ "O:BAD:(D;;0x2;;;WD)(A;;FA;;;WD)", BOB, NULL, 0, FILE_WRITE_DATA, STATUS_ACCESS_DENIED,
	  0 },
	{ "O:BAD:(D;;GA;;;AN)(A;;FR;;;WD)", BOB, NULL, 0, READ, STATUS_SUCCESS, READ },
	/* Entries that are only handed down, and those that mean objects of a directory service. */
	{ "O:BAD:(A;OICIIO;FA;;;WD)", BOB, NULL, 0, READ, STATUS_ACCESS_DENIED, 0 },
	{ "O:BAD:(D;OICIIO;FA;;;WD)(A;;FR;;;WD)", BOB, NULL, 0, READ, STATUS_SUCCESS, READ },
	/* No list, a null list, an empty list. */
	{ "O:BA", BOB, NULL, 0, FULL, STATUS_SUCCESS, FULL },
	{ "O:BAD:NO_ACCESS_CONTROL", BOB, NULL, 0, FULL, STATUS_SUCCESS, FULL },
	{ "O:BAD:", BOB, NULL, 0, FILE_READ_ATTRIBUTES, STATUS_ACCESS_DENIED, 0 },
	{ "O:BAD:NO_ACCESS_CONTROL", BOB, NULL, 0, MAXIMUM_ALLOWED, STATUS_SUCCESS, FULL },
	{ "O:BAD:NO_ACCESS_CONTROL", BOB, NULL, 0, 0x00200000, STATUS_ACCESS_DENIED, 0 },
	/* As much as possible. */
	{ "O:BAD:(A;;FR;;;WD)", BOB, NULL, 0, MAXIMUM_ALLOWED, STATUS_SUCCESS, READ },
	{ "O:BAD:(D;;0x1;;;WD)(A;;FR;;;WD)", BOB, NULL, 0, MAXIMUM_ALLOWED, STATUS_SUCCESS,
	  READ & ~FILE_READ_DATA },
	{ "O:BAD:(A;;FR;;;WD)", BOB, NULL, 0, MAXIMUM_ALLOWED | FILE_READ_DATA, STATUS_SUCCESS,
	  READ },
	{ "O:BAD:(A;;FR;;;WD)", BOB, NULL, 0, MAXIMUM_ALLOWED | FILE_WRITE_DATA,
	  STATUS_ACCESS_DENIED, 0 },
	{ "O:BAD:", BOB, NULL, 0, MAXIMUM_ALLOWED, STATUS_ACCESS_DENIED, 0 },
	/* The owner. */
	{ "O:" ALICE "D:", ALICE, NULL, 0, READ_CONTROL | WRITE_DAC, STATUS_SUCCESS,
	  READ_CONTROL | WRITE_DAC },
	{ "O:" ALICE "D:", ALICE, NULL, 0, WRITE_OWNER, STATUS_ACCESS_DENIED, 0 },
	{ "O:" STAFF "D:", ALICE, STAFF, 0, WRITE_DAC, STATUS_SUCCESS, WRITE_DAC },
	{ "O:" ALICE "D:(D;;WD;;;WD)", ALICE, NULL, 0, WRITE_DAC, STATUS_SUCCESS, WRITE_DAC },
	{ "O:" ALICE "D:", BOB, NULL, 0, READ_CONTROL, STATUS_ACCESS_DENIED, 0 },
	{ "O:" ALICE "D:(A;;RC;;;OW)", ALICE, NULL, 0, WRITE_DAC, STATUS_ACCESS_DENIED, 0 },
	{ "O:" ALICE "D:(A;;RC;;;OW)", ALICE, NULL, 0, MAXIMUM_ALLOWED, STATUS_SUCCESS,
	  READ_CONTROL },
	{ "O:" ALICE "D:(A;;FR;;;OW)", ALICE, NULL, 0, READ, STATUS_SUCCESS, READ },
	{ "O:" ALICE "D:(A;;FR;;;OW)", BOB, NULL, 0, READ, STATUS_ACCESS_DENIED, 0 },
	{ "O:" ALICE "D:(D;;FW;;;OW)(A;;FA;;;WD)", ALICE, NULL, 0, FILE_WRITE_DATA,
	  STATUS_ACCESS_DENIED, 0 },
	{ "O:" ALICE "D:(A;OICIIO;RC;;;OW)", ALICE, NULL, 0, WRITE_DAC, STATUS_SUCCESS, WRITE_DAC },
	/* Privileges. */
	{ "O:BAD:", BOB, NULL, PRIVILEGE_TAKE_OWNERSHIP, WRITE_OWNER, STATUS_SUCCESS, WRITE_OWNER },
	{ "O:BAD:", BOB, NULL, PRIVILEGE_TAKE_OWNERSHIP, WRITE_DAC, STATUS_ACCESS_DENIED, 0 },
	{ "O:BAD:", BOB, NULL, PRIVILEGE_BACKUP | PRIVILEGE_RESTORE, READ, STATUS_ACCESS_DENIED,
	  0 },
	{ "O:BAD:(A;;FA;;;WD)", BOB, NULL, 0, ACCESS_SYSTEM_SECURITY, STATUS_PRIVILEGE_NOT_HELD,
	  0 },
	{ "O:BAD:(A;;0x11f01ff;;;WD)", BOB, NULL, 0, ACCESS_SYSTEM_SECURITY,
	  STATUS_PRIVILEGE_NOT_HELD, 0 },
	{ "O:BAD:(A;;FR;;;WD)", BOB, NULL, PRIVILEGE_SECURITY,
	  ACCESS_SYSTEM_SECURITY | FILE_READ_DATA, STATUS_SUCCESS,
	  ACCESS_SYSTEM_SECURITY | FILE_READ_DATA },
	{ "O:BAD:(A;;FR;;;WD)", BOB, NULL, PRIVILEGE_SECURITY, MAXIMUM_ALLOWED, STATUS_SUCCESS,
	  READ },
	{ "O:SYD:(A;;FA;;;BA)", BOB, "BA", 0, FULL, STATUS_SUCCESS, FULL },
	{ "O:SYD:", BOB, "BA", 0, ACCESS_SYSTEM_SECURITY | WRITE_OWNER, STATUS_SUCCESS,
	  ACCESS_SYSTEM_SECURITY | WRITE_OWNER },
};

static void a_descriptor_grants_what_its_table_says(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct token *t = token_of(rows[i].user, rows[i].group, NULL, rows[i].privileges);
		struct security_descriptor *sd;
		uint32_t granted = 1;
		ntstatus status;

		assert_int_equal(sd_parse_sddl(rows[i].sddl, &sd), STATUS_SUCCESS);
		status = access_check(sd, t, rows[i].desired, &granted);
		if (status != rows[i].status || granted != rows[i].granted)
			fail_msg("row %zu (%s): status %s, granted 0x%08x", i, rows[i].sddl,
				 ntstatus_name(status), granted);
		free(sd);
		token_put(t);
	}
}

static void maximal_access_is_what_maximum_allowed_grants(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct token *t = token_of(rows[i].user, rows[i].group, NULL, rows[i].privileges);
		struct security_descriptor *sd;
		uint32_t granted, one;

		assert_int_equal(sd_parse_sddl(rows[i].sddl, &sd), STATUS_SUCCESS);
		if (access_check(sd, t, MAXIMUM_ALLOWED, &granted) != STATUS_SUCCESS)
			granted = 0;
		assert_int_equal(access_maximal(sd, t), granted);
		/* Every right on its own agrees with the whole. */
		for (uint32_t bit = 1; bit <= SYNCHRONIZE; bit <<= 1)
			assert_int_equal(access_check(sd, t, bit, &one) == STATUS_SUCCESS,
					 !!(granted & bit));
		free(sd);
		token_put(t);
	}
}

static void nothing_is_granted_where_there_is_no_descriptor(void **state)
{
	struct token *t = token_new_system();
	uint32_t granted;

	assert_int_equal(access_check(NULL, t, READ, &granted), STATUS_ACCESS_DENIED);
	assert_int_equal(access_maximal(NULL, t), 0);
	token_put(t);
}

static void a_condition_that_nobody_evaluates_denies_and_never_allows(void **state)
{
	struct ace aces[2] = {
		{ .type = ACE_ACCESS_ALLOWED_CALLBACK, .mask = FULL, .sid = SID_EVERYONE },
		{ .type = ACE_ACCESS_ALLOWED, .mask = READ, .sid = SID_EVERYONE },
	};
	struct acl acl = { 2, 2, aces };
	struct security_descriptor sd = { .control = SD_DACL_PRESENT, .dacl = &acl };
	struct token *t = token_of(BOB, NULL, NULL, 0);

	assert_int_equal(access_maximal(&sd, t), READ);
	aces[0].type = ACE_ACCESS_DENIED_CALLBACK;
	assert_int_equal(access_maximal(&sd, t), 0);
	token_put(t);
}

static void an_object_entry_counts_for_a_file_unless_it_names_a_type(void **state)
{
	static const uint8_t untyped[4], typed[4] = { 1 };
	struct ace ace = { .type = ACE_ACCESS_ALLOWED_OBJECT,
			   .mask = READ,
			   .sid = SID_EVERYONE,
			   .rest = cur_of(untyped, 4) };
	struct acl acl = { 4, 1, &ace };
	struct security_descriptor sd = { .control = SD_DACL_PRESENT, .dacl = &acl };
	struct token *t = token_of(BOB, NULL, NULL, 0);

	assert_int_equal(access_maximal(&sd, t), READ);
	ace.rest = cur_of(typed, 4);
	assert_int_equal(access_maximal(&sd, t), 0);
	token_put(t);
}

static void a_sacl_names_who_is_told_of_and_for_what(void **state)
{
	static const struct {
		const char *sacl;
		uint32_t access;
		bool is_granted, is_told;
	} cases[] = {
		{ "S:(AU;SA;FW;;;WD)", FILE_WRITE_DATA, true, true },
		{ "S:(AU;SA;FW;;;WD)", FILE_WRITE_DATA, false, false },
		{ "S:(AU;FA;FW;;;WD)", FILE_WRITE_DATA, false, true },
		{ "S:(AU;SAFA;FW;;;WD)", FILE_READ_DATA, true, false },
		{ "S:(AU;SAFA;GA;;;" STAFF ")", FILE_READ_DATA, true, true },
		{ "S:(AU;SAFA;GA;;;" BOB ")", FILE_READ_DATA, true, false },
		{ "S:(AU;OICIIOSAFA;GA;;;WD)", FILE_READ_DATA, true, false },
		{ "", FILE_READ_DATA, true, false },
	};
	struct token *token = token_of(ALICE, STAFF, NULL, 0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char sddl[160];
		struct security_descriptor *sd;

		snprintf(sddl, sizeof(sddl), "O:BAD:(A;;FR;;;WD)%s", cases[i].sacl);
		assert_int_equal(sd_parse_sddl(sddl, &sd), STATUS_SUCCESS);
		assert_int_equal(access_audited(sd, token, cases[i].access, cases[i].is_granted),
				 cases[i].is_told);
		free(sd);
	}
	assert_false(access_audited(NULL, token, FILE_READ_DATA, true));
	token_put(token);
}

static void backup_intent_reads_and_restores_what_the_list_forbids(void **state)
{
	static const struct {
		uint32_t privileges, desired;
		ntstatus status;
	} cases[] = {
		{ PRIVILEGE_BACKUP, READ | ACCESS_SYSTEM_SECURITY, STATUS_SUCCESS },
		{ PRIVILEGE_BACKUP, FILE_WRITE_DATA, STATUS_ACCESS_DENIED },
		{ PRIVILEGE_BACKUP, DELETE_ACCESS, STATUS_ACCESS_DENIED },
		{ PRIVILEGE_RESTORE, WRITE | WRITE_DAC | WRITE_OWNER | DELETE_ACCESS,
		  STATUS_SUCCESS },
		{ PRIVILEGE_RESTORE, FILE_READ_DATA, STATUS_ACCESS_DENIED },
		{ 0, READ, STATUS_ACCESS_DENIED },
		{ 0, ACCESS_SYSTEM_SECURITY, STATUS_PRIVILEGE_NOT_HELD },
	};
	struct security_descriptor *sd;
	uint32_t granted;

	assert_int_equal(sd_parse_sddl("O:BAD:(D;;FA;;;WD)", &sd), STATUS_SUCCESS);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct token *t = token_of(BOB, NULL, NULL, cases[i].privileges);

		assert_int_equal(access_check_backup(sd, t, cases[i].desired, &granted),
				 cases[i].status);
		assert_int_equal(granted, cases[i].status == STATUS_SUCCESS ? cases[i].desired : 0);
		token_put(t);
	}
	free(sd);
}

static void a_child_may_be_deleted_by_a_right_of_its_folder(void **state)
{
	struct token *t = token_of(BOB, NULL, NULL, 0);
	struct security_descriptor *yes, *no;

	assert_int_equal(sd_parse_sddl("O:BAD:(A;;DT;;;WD)", &yes), STATUS_SUCCESS);
	assert_int_equal(sd_parse_sddl("O:BAD:(A;;SD;;;WD)", &no), STATUS_SUCCESS);
	assert_true(access_check_child_delete(yes, t));
	assert_false(access_check_child_delete(no, t));
	free(yes);
	free(no);
	token_put(t);
}

static void only_oneself_and_administrators_may_be_made_owner(void **state)
{
	struct sid alice = sid_of(ALICE), bob = sid_of(BOB), staff = sid_of(STAFF);
	struct token *user = token_of(ALICE, STAFF, NULL, 0);
	struct token *admin = token_of(ALICE, "BA", NULL, 0);
	struct token *taker = token_of(ALICE, NULL, NULL, PRIVILEGE_TAKE_OWNERSHIP);

	assert_int_equal(access_check_set_owner(user, &alice), STATUS_SUCCESS);
	assert_int_equal(access_check_set_owner(user, &bob), STATUS_INVALID_OWNER);
	assert_int_equal(access_check_set_owner(user, &staff), STATUS_INVALID_OWNER);
	assert_int_equal(access_check_set_owner(user, &SID_ADMINISTRATORS), STATUS_INVALID_OWNER);
	assert_int_equal(access_check_set_owner(taker, &bob), STATUS_INVALID_OWNER);
	assert_int_equal(access_check_set_owner(admin, &SID_ADMINISTRATORS), STATUS_SUCCESS);
	assert_int_equal(access_check_set_owner(admin, &bob), STATUS_SUCCESS); /* it may restore */
	token_put(user);
	token_put(admin);
	token_put(taker);
}

static void a_token_holds_what_every_logon_holds_once(void **state)
{
	struct token *t = token_of(ALICE, "WD", STAFF, 0);
	struct sid staff = sid_of(STAFF), alice = sid_of(ALICE);

	assert_true(token_has_sid(t, &alice));
	assert_true(token_has_sid(t, &staff));
	assert_true(token_has_sid(t, &SID_EVERYONE));
	assert_true(token_has_sid(t, &SID_NETWORK));
	assert_true(token_has_sid(t, &SID_AUTHENTICATED));
	assert_false(token_has_sid(t, &SID_ADMINISTRATORS));
	assert_int_equal(t->group_count, 4);
	assert_int_equal(t->privileges, PRIVILEGE_CHANGE_NOTIFY);
	assert_false(t->is_admin);
	token_put(t);
}

static void groups_bring_privileges_to_users_and_not_to_guests(void **state)
{
	struct token_info info = { .user = sid_of(ALICE),
				   .groups = &SID_ADMINISTRATORS,
				   .group_count = 1 };
	struct token *t = token_new(&info);

	assert_true(t->is_admin);
	assert_true(t->privileges & PRIVILEGE_SECURITY);
	token_put(t);
	info.is_guest = true;
	info.privileges = PRIVILEGE_BACKUP;
	t = token_new(&info);
	assert_false(t->is_admin);
	assert_int_equal(t->privileges, PRIVILEGE_CHANGE_NOTIFY);
	assert_false(token_has_sid(t, &SID_AUTHENTICATED));
	token_put(t);
	info = (struct token_info){ .user = sid_of(ALICE),
				    .groups = &SID_BACKUP_OPERATORS,
				    .group_count = 1 };
	t = token_new(&info);
	assert_int_equal(t->privileges,
			 PRIVILEGE_BACKUP | PRIVILEGE_RESTORE | PRIVILEGE_CHANGE_NOTIFY);
	token_put(t);
}

static void a_null_session_is_nobody(void **state)
{
	struct token *t = token_new_anonymous(3, "FS");

	assert_true(t->is_anonymous);
	assert_true(token_has_sid(t, &SID_ANONYMOUS));
	assert_true(token_has_sid(t, &SID_EVERYONE));
	assert_false(token_has_sid(t, &SID_AUTHENTICATED));
	assert_false(t->is_admin);
	assert_int_equal(t->authority, 3);
	token_put(t);
}

static void a_token_lives_until_its_last_reference_is_put(void **state)
{
	struct token *t = token_of(ALICE, NULL, NULL, 0);

	assert_ptr_equal(token_get(t), t);
	token_put(t);
	assert_string_equal(t->user_name, "user");
	token_put(t);
	token_put(NULL);
}

static void names_and_groups_have_limits(void **state)
{
	static struct sid groups[TOKEN_MAX_GROUPS];
	char name[TOKEN_MAX_NAME + 1];
	struct token_info info = { .user = sid_of(ALICE), .groups = groups };

	memset(name, 'x', sizeof(name) - 1);
	name[TOKEN_MAX_NAME] = 0;
	info.user_name = name;
	assert_null(token_new(&info));
	info.user_name = NULL;
	info.group_count = TOKEN_MAX_GROUPS;
	assert_null(token_new(&info));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_descriptor_grants_what_its_table_says),
		cmocka_unit_test(maximal_access_is_what_maximum_allowed_grants),
		cmocka_unit_test(nothing_is_granted_where_there_is_no_descriptor),
		cmocka_unit_test(a_condition_that_nobody_evaluates_denies_and_never_allows),
		cmocka_unit_test(an_object_entry_counts_for_a_file_unless_it_names_a_type),
		cmocka_unit_test(a_sacl_names_who_is_told_of_and_for_what),
		cmocka_unit_test(backup_intent_reads_and_restores_what_the_list_forbids),
		cmocka_unit_test(a_child_may_be_deleted_by_a_right_of_its_folder),
		cmocka_unit_test(only_oneself_and_administrators_may_be_made_owner),
		cmocka_unit_test(a_token_holds_what_every_logon_holds_once),
		cmocka_unit_test(groups_bring_privileges_to_users_and_not_to_guests),
		cmocka_unit_test(a_null_session_is_nobody),
		cmocka_unit_test(a_token_lives_until_its_last_reference_is_put),
		cmocka_unit_test(names_and_groups_have_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
