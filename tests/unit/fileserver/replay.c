// SPDX-License-Identifier: Apache-2.0
/* Requests that are sent again: CREATE by its GUID, channel sequences, and the same application
 * from another client. */
#include "opens_fixture.h"

static struct smb2_create_contexts guid_of(uint8_t guid)
{
	struct smb2_create_contexts contexts = { .durable = { .request_v2 = true } };

	contexts.durable.create_guid.bytes[0] = guid;
	return contexts;
}

static ntstatus create(struct ask ask, struct replay **replay, struct open **out)
{
	struct replay *none = NULL;

	ask.path = ask.path ? ask.path : "f";
	ask.disposition = FILE_OPEN_IF;
	ask.dialect = ask.dialect ? ask.dialect : SMB2_DIALECT_311;
	ask.replay = replay ? replay : &none;
	return ask_open(&ask, out);
}
#define CREATE(out, ...) create((struct ask){ __VA_ARGS__ }, NULL, out)

static void a_create_that_is_sent_again_gives_the_same_open(void **state)
{
	struct smb2_create_contexts contexts = guid_of(1);
	struct open_result first, second;
	struct open *open, *again = NULL;

	(void)state;
	assert_status(CREATE(&open, .contexts = &contexts, .result = &first,
			     .oplock = SMB2_OPLOCK_LEVEL_BATCH),
		      STATUS_SUCCESS);
	assert_status(CREATE(&again, .contexts = &contexts), STATUS_DUPLICATE_OBJECTID);
	assert_status(CREATE(&again, .contexts = &contexts, .result = &second, .is_replay = true,
			     .oplock = SMB2_OPLOCK_LEVEL_BATCH),
		      STATUS_SUCCESS);
	assert_ptr_equal(again, open);
	assert_int_equal(first.action, FILE_CREATED);
	assert_int_equal(second.action, FILE_CREATED);
	assert_int_equal(second.oplock_level, SMB2_OPLOCK_LEVEL_BATCH);
	assert_true(second.durable_v2);
	open_put(again);
	/* Of another client, or another user, it is another create, or nobody's business. */
	assert_status(CREATE(&again, .contexts = &contexts, .is_replay = true, .token = F.bob),
		      STATUS_ACCESS_DENIED);
	done(open);
	assert_status(CREATE(&again, .contexts = &contexts, .result = &second), STATUS_SUCCESS);
	assert_int_equal(second.action, FILE_OPENED);
	done(again);
}

static void what_has_been_used_is_no_longer_given_to_a_replay(void **state)
{
	struct smb2_create_contexts contexts = guid_of(1);
	struct open *open, *again;

	(void)state;
	assert_status(CREATE(&open, .contexts = &contexts), STATUS_SUCCESS);
	open_used(open);
	assert_status(CREATE(&again, .contexts = &contexts, .is_replay = true), STATUS_SUCCESS);
	assert_ptr_not_equal(again, open);
	done(open);
	done(again);
}

static void a_replay_of_what_is_under_way_is_told_so(void **state)
{
	struct smb2_create_contexts contexts = guid_of(1);
	struct open *holder, *open, *again;
	struct noted noted = NOTED;
	struct replay *replay = NULL;

	(void)state;
	assert_status(CREATE(&holder, .client = 1, .oplock = SMB2_OPLOCK_LEVEL_BATCH),
		      STATUS_SUCCESS);
	assert_status(create((struct ask){ .contexts = &contexts, .waiter = &noted.waiter },
			     &replay, &open),
		      STATUS_PENDING);
	assert_non_null(replay);
	assert_status(CREATE(&again, .contexts = &contexts, .is_replay = true),
		      STATUS_FILE_NOT_AVAILABLE);
	assert_status(CREATE(&again, .contexts = &contexts), STATUS_DUPLICATE_OBJECTID);
	done(holder);
	assert_int_equal(noted.count, 1);
	assert_status(create((struct ask){ .contexts = &contexts }, &replay, &open),
		      STATUS_SUCCESS);
	assert_null(replay);
	assert_status(CREATE(&again, .contexts = &contexts, .is_replay = true), STATUS_SUCCESS);
	assert_ptr_equal(again, open);
	open_put(again);
	done(open);
}

static void a_create_that_is_given_up_is_forgotten(void **state)
{
	struct smb2_create_contexts contexts = guid_of(1);
	struct open *holder, *open;
	struct noted noted = NOTED;
	struct replay *replay = NULL;

	(void)state;
	assert_status(CREATE(&holder, .client = 1, .oplock = SMB2_OPLOCK_LEVEL_BATCH),
		      STATUS_SUCCESS);
	assert_status(create((struct ask){ .contexts = &contexts, .waiter = &noted.waiter },
			     &replay, &open),
		      STATUS_PENDING);
	assert_true(waiter_cancel(&noted.waiter));
	open_replay_end(replay);
	done(holder);
	assert_status(CREATE(&open, .contexts = &contexts), STATUS_SUCCESS);
	done(open);
}

static void a_replay_after_the_session_is_gone_comes_back(void **state)
{
	struct smb2_create_contexts contexts = guid_of(1);
	struct open_result result;
	struct open *open, *again;

	(void)state;
	assert_status(CREATE(&open, .contexts = &contexts, .session = 21,
			     .oplock = SMB2_OPLOCK_LEVEL_BATCH),
		      STATUS_SUCCESS);
	open_close_session(21, true);
	assert_status(CREATE(&again, .contexts = &contexts, .session = 22, .is_replay = true,
			     .result = &result),
		      STATUS_SUCCESS);
	assert_ptr_not_equal(again, open);
	assert_int_equal(open_facts(again)->id.persistent, open_facts(open)->id.persistent);
	assert_int_equal(result.action, FILE_CREATED);
	assert_true(result.durable_v2);
	open_put(open);
	done(again);
}

static void the_same_application_elsewhere_closes_what_it_had(void **state)
{
	struct smb2_create_contexts contexts = { .has_app_instance = true };
	struct open *open, *again;

	(void)state;
	contexts.app_instance_id.bytes[3] = 9;
	assert_status(CREATE(&open, .contexts = &contexts, .no_share = true), STATUS_SUCCESS);
	/* The same client is no failover. */
	assert_status(CREATE(&again, .contexts = &contexts), STATUS_SHARING_VIOLATION);
	assert_status(CREATE(&again, .contexts = &contexts, .client = 1), STATUS_SUCCESS);
	assert_status(open_close(open, NULL), STATUS_FILE_CLOSED);
	open_put(open);
	done(again);
}

/* Bob, who may read and write the file as everybody, is not who could have had all of it. */
static void an_application_takes_no_handle_that_its_user_could_not_have(void **state)
{
	struct smb2_create_contexts contexts = { .has_app_instance = true };
	const struct sid groups[] = { SID_USERS };
	struct token_info guest = { .user = F.alice->user,
				    .primary_group = F.alice->primary_group,
				    .is_guest = true,
				    .groups = groups,
				    .group_count = 1 };
	struct token auto_token *as_guest = token_new(&guest);
	struct open *open, *again;

	(void)state;
	contexts.app_instance_id.bytes[3] = 9;
	assert_status(
		CREATE(&open, .contexts = &contexts, .no_share = true, .access = FILE_ALL_ACCESS),
		STATUS_SUCCESS);
	assert_status(CREATE(&again, .contexts = &contexts, .client = 1, .token = F.bob),
		      STATUS_SHARING_VIOLATION);
	assert_status(CREATE(&again, .contexts = &contexts, .client = 1, .token = F.bob,
			     .access = FILE_READ_ATTRIBUTES),
		      STATUS_SUCCESS);
	done(again);
	assert_status(CREATE(&again, .contexts = &contexts, .client = 1, .token = as_guest),
		      STATUS_SHARING_VIOLATION);
	done(open); /* it was there all the time */
	assert_status(CREATE(&open, .contexts = &contexts, .no_share = true,
			     .access = FILE_GENERIC_READ | FILE_GENERIC_WRITE),
		      STATUS_SUCCESS);
	assert_status(CREATE(&again, .contexts = &contexts, .client = 1, .token = F.bob),
		      STATUS_SUCCESS);
	assert_status(open_close(open, NULL), STATUS_FILE_CLOSED);
	open_put(open);
	done(again);
}

static void an_older_application_does_not_close_a_newer_one(void **state)
{
	struct smb2_create_contexts contexts = { .has_app_instance = true,
						 .has_app_instance_version = true,
						 .app_instance_version_high = 2,
						 .app_instance_version_low = 5 };
	struct open *open, *again;

	(void)state;
	assert_status(CREATE(&open, .contexts = &contexts), STATUS_SUCCESS);
	assert_status(CREATE(&again, .contexts = &contexts, .client = 1),
		      STATUS_FILE_FORCED_CLOSED);
	contexts.app_instance_version_high = 1;
	contexts.app_instance_version_low = 6;
	assert_status(CREATE(&again, .contexts = &contexts, .client = 1),
		      STATUS_FILE_FORCED_CLOSED);
	/* The version means something since 3.1.1 only. */
	contexts.app_instance_version_high = 2;
	assert_status(CREATE(&again, .contexts = &contexts, .client = 1), STATUS_SUCCESS);
	assert_status(open_close(open, NULL), STATUS_FILE_CLOSED);
	open_put(open);
	done(again);
}

static void what_comes_late_from_a_lost_channel_changes_nothing(void **state)
{
	struct open *open;

	(void)state;
	assert_status(CREATE(&open), STATUS_SUCCESS);
	assert_true(open_channel_begin(open, 0, false));
	assert_true(open_channel_begin(open, 1, false));
	assert_false(open_channel_begin(open, 0, false));
	/* The request of number 0 may still be under way: sent again it has to wait. */
	assert_false(open_channel_begin(open, 1, true));
	open_channel_end(open, 0);
	assert_true(open_channel_begin(open, 1, true));
	open_channel_end(open, 1);
	open_channel_end(open, 1);
	assert_true(open_channel_begin(open, 0x8000, true)); /* ahead by 0x7fff */
	open_channel_end(open, 0x8000);
	assert_false(open_channel_begin(open, 1, false));
	assert_true(open_channel_begin(open, 0xffff, false));
	open_channel_end(open, 0xffff);
	assert_true(open_channel_begin(open, 0, false)); /* it goes round */
	open_channel_end(open, 0);
	done(open);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_create_that_is_sent_again_gives_the_same_open),
		TEST(what_has_been_used_is_no_longer_given_to_a_replay),
		TEST(a_replay_of_what_is_under_way_is_told_so),
		TEST(a_create_that_is_given_up_is_forgotten),
		TEST(a_replay_after_the_session_is_gone_comes_back),
		TEST(the_same_application_elsewhere_closes_what_it_had),
		TEST(an_application_takes_no_handle_that_its_user_could_not_have),
		TEST(an_older_application_does_not_close_a_newer_one),
		TEST(what_comes_late_from_a_lost_channel_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
