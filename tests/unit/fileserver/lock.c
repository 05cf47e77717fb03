// SPDX-License-Identifier: Apache-2.0
#include "opens_fixture.h"

#define SHARED	  (SMB2_LOCKFLAG_SHARED_LOCK | SMB2_LOCKFLAG_FAIL_IMMEDIATELY)
#define EXCLUSIVE (SMB2_LOCKFLAG_EXCLUSIVE_LOCK | SMB2_LOCKFLAG_FAIL_IMMEDIATELY)
#define WAITING	  SMB2_LOCKFLAG_EXCLUSIVE_LOCK
#define UNLOCK	  SMB2_LOCKFLAG_UNLOCK

static struct open *opens[2];

static int begin(void **state)
{
	int failed = fixture_begin(state);

	make_file("f");
	opens[0] = OPEN(.path = "f", .access = FILE_READ_DATA | FILE_WRITE_DATA);
	opens[1] = OPEN(.path = "f", .access = FILE_READ_DATA | FILE_WRITE_DATA, .client = 1);
	return failed;
}

static int end(void **state)
{
	for (size_t i = 0; i < 2; i++) {
		if (opens[i])
			done(opens[i]);
		opens[i] = NULL;
	}
	return fixture_end(state);
}

static ntstatus lock(int who, uint64_t offset, uint64_t length, uint32_t flags,
		     struct noted *waiter)
{
	struct smb2_lock_request request = { .count = 1, .locks = { { offset, length, flags } } };

	return open_lock_ranges(opens[who], &request, waiter ? &waiter->waiter : NULL);
}

static void ranges_conflict_as_the_matrix_says(void **state)
{
	static const struct {
		uint64_t offset1, length1, offset2, length2;
		bool overlap;
	} ranges[] = {
		{ 0, 10, 10, 10, false },
		{ 0, 10, 9, 1, true },
		{ 10, 10, 0, 10, false },
		{ 10, 10, 0, 11, true },
		{ 5, 0, 5, 0, false },
		{ 5, 0, 0, 10, true },
		{ 5, 0, 5, 10, false },
		{ 0, 10, 10, 0, false },
		{ 0, 10, 5, 0, true },
		{ 0, 10, 0, 0, false },
		{ UINT64_MAX, 1, UINT64_MAX, 1, true },
		{ 0, UINT64_MAX, UINT64_MAX, 1, false },
		{ 1, UINT64_MAX, UINT64_MAX, 1, true },
	};
	static const struct {
		uint32_t flags1, flags2;
		int who2;
		bool conflict;
	} kinds[] = {
		{ SHARED, SHARED, 1, false },	 { SHARED, EXCLUSIVE, 1, true },
		{ EXCLUSIVE, SHARED, 1, true },	 { EXCLUSIVE, EXCLUSIVE, 1, true },
		{ SHARED, SHARED, 0, false },	 { SHARED, EXCLUSIVE, 0, true },
		{ EXCLUSIVE, SHARED, 0, false }, { EXCLUSIVE, EXCLUSIVE, 0, true },
	};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(ranges); r++) {
		for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
			bool refused = ranges[r].overlap && kinds[k].conflict;
			ntstatus status;

			assert_status(lock(0, ranges[r].offset1, ranges[r].length1, kinds[k].flags1,
					   NULL),
				      STATUS_SUCCESS);
			status = lock(kinds[k].who2, ranges[r].offset2, ranges[r].length2,
				      kinds[k].flags2, NULL);
			if (status != (refused ? STATUS_LOCK_NOT_GRANTED : STATUS_SUCCESS))
				fail_msg("range %zu, kind %zu: %s", r, k, ntstatus_name(status));
			assert_status(lock(0, ranges[r].offset1, ranges[r].length1, UNLOCK, NULL),
				      STATUS_SUCCESS);
			if (!refused)
				assert_status(lock(kinds[k].who2, ranges[r].offset2,
						   ranges[r].length2, UNLOCK, NULL),
					      STATUS_SUCCESS);
		}
	}
}

static void reads_and_writes_respect_the_locks_of_others(void **state)
{
	(void)state;
	assert_status(lock(0, 0, 10, EXCLUSIVE, NULL), STATUS_SUCCESS);
	assert_status(open_check_read(opens[0], 0, 10), STATUS_SUCCESS);
	assert_status(open_check_write(opens[0], 0, 10), STATUS_SUCCESS);
	assert_status(open_check_read(opens[1], 9, 1), STATUS_FILE_LOCK_CONFLICT);
	assert_status(open_check_write(opens[1], 9, 1), STATUS_FILE_LOCK_CONFLICT);
	assert_status(open_check_write(opens[1], 10, 1), STATUS_SUCCESS);
	assert_status(open_check_write(opens[1], 5, 0), STATUS_SUCCESS);
	assert_status(lock(0, 0, 10, UNLOCK, NULL), STATUS_SUCCESS);
	assert_status(lock(0, 0, 10, SHARED, NULL), STATUS_SUCCESS);
	assert_status(open_check_read(opens[1], 0, 10), STATUS_SUCCESS);
	assert_status(open_check_write(opens[1], 0, 10), STATUS_FILE_LOCK_CONFLICT);
	assert_status(open_check_write(opens[0], 0, 10), STATUS_FILE_LOCK_CONFLICT);
}

static void bad_lock_requests_are_refused(void **state)
{
	struct smb2_lock_request two = { .count = 2,
					 .locks = { { 0, 1, EXCLUSIVE }, { 1, 1, WAITING } } };
	struct smb2_lock_request mixed = { .count = 2,
					   .locks = { { 0, 1, UNLOCK }, { 1, 1, EXCLUSIVE } } };
	struct smb2_lock_request none = { .count = 0 };

	(void)state;
	assert_status(open_lock_ranges(opens[0], &two, NULL), STATUS_INVALID_PARAMETER);
	/* What is not locked comes before what is wrong behind it; what was unlocked stays so. */
	assert_status(open_lock_ranges(opens[0], &mixed, NULL), STATUS_RANGE_NOT_LOCKED);
	assert_status(lock(0, 0, 1, EXCLUSIVE, NULL), STATUS_SUCCESS);
	assert_status(open_lock_ranges(opens[0], &mixed, NULL), STATUS_INVALID_PARAMETER);
	assert_status(lock(1, 0, 1, EXCLUSIVE, NULL), STATUS_SUCCESS);
	assert_status(lock(1, 0, 1, UNLOCK, NULL), STATUS_SUCCESS);
	assert_status(open_lock_ranges(opens[0], &none, NULL), STATUS_INVALID_PARAMETER);
	assert_status(lock(0, 0, 1, 0, NULL), STATUS_INVALID_PARAMETER);
	assert_status(lock(0, 0, 1, SHARED | EXCLUSIVE, NULL), STATUS_INVALID_PARAMETER);
	assert_status(lock(0, UINT64_MAX, 2, EXCLUSIVE, NULL), STATUS_INVALID_LOCK_RANGE);
	assert_status(lock(0, 0, 1, UNLOCK, NULL), STATUS_RANGE_NOT_LOCKED);
}

static void all_ranges_of_a_request_are_taken_or_none(void **state)
{
	struct smb2_lock_request request = {
		.count = 3,
		.locks = { { 0, 1, EXCLUSIVE }, { 10, 1, EXCLUSIVE }, { 20, 1, EXCLUSIVE } },
	};

	(void)state;
	assert_status(lock(1, 20, 1, EXCLUSIVE, NULL), STATUS_SUCCESS);
	assert_status(open_lock_ranges(opens[0], &request, NULL), STATUS_LOCK_NOT_GRANTED);
	assert_status(lock(1, 0, 11, EXCLUSIVE, NULL), STATUS_SUCCESS);
}

static void who_waits_is_served_in_order(void **state)
{
	struct noted first = NOTED, second = NOTED, third = NOTED;

	(void)state;
	assert_status(lock(0, 0, 10, EXCLUSIVE, NULL), STATUS_SUCCESS);
	assert_status(lock(1, 0, 5, WAITING, &first), STATUS_PENDING);
	assert_status(lock(1, 4, 5, WAITING, &second), STATUS_PENDING);
	assert_status(lock(1, 9, 1, WAITING, &third), STATUS_PENDING);
	assert_status(lock(0, 0, 10, UNLOCK, NULL), STATUS_SUCCESS);
	assert_int_equal(first.count, 1);
	assert_int_equal(first.status, STATUS_SUCCESS);
	assert_int_equal(second.count, 0);
	assert_int_equal(third.count, 1);
	assert_status(lock(1, 0, 5, UNLOCK, NULL), STATUS_SUCCESS);
	assert_int_equal(second.count, 1);
}

static void a_cancelled_lock_is_not_taken(void **state)
{
	struct noted waiter = NOTED;

	(void)state;
	assert_status(lock(0, 0, 10, EXCLUSIVE, NULL), STATUS_SUCCESS);
	assert_status(lock(1, 0, 10, WAITING, &waiter), STATUS_PENDING);
	assert_true(waiter_cancel(&waiter.waiter));
	assert_status(lock(0, 0, 10, UNLOCK, NULL), STATUS_SUCCESS);
	assert_int_equal(waiter.count, 0);
	assert_status(lock(0, 0, 10, EXCLUSIVE, NULL), STATUS_SUCCESS);
}

static void closing_lets_go_of_locks_and_of_waits(void **state)
{
	struct noted mine = NOTED, theirs = NOTED;

	(void)state;
	assert_status(lock(1, 0, 10, EXCLUSIVE, NULL), STATUS_SUCCESS);
	assert_status(lock(0, 20, 10, EXCLUSIVE, NULL), STATUS_SUCCESS);
	assert_status(lock(0, 0, 10, WAITING, &mine), STATUS_PENDING);
	assert_status(lock(1, 20, 10, WAITING, &theirs), STATUS_PENDING);
	done(opens[0]);
	opens[0] = NULL;
	assert_int_equal(mine.count, 1);
	assert_int_equal(mine.status, STATUS_RANGE_NOT_LOCKED);
	assert_int_equal(theirs.count, 1);
	assert_int_equal(theirs.status, STATUS_SUCCESS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ranges_conflict_as_the_matrix_says),
		TEST(reads_and_writes_respect_the_locks_of_others),
		TEST(bad_lock_requests_are_refused),
		TEST(all_ranges_of_a_request_are_taken_or_none),
		TEST(who_waits_is_served_in_order),
		TEST(a_cancelled_lock_is_not_taken),
		TEST(closing_lets_go_of_locks_and_of_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
