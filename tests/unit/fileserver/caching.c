// SPDX-License-Identifier: Apache-2.0
#include "opens_fixture.h"

#define R   SMB2_LEASE_READ
#define RH  (SMB2_LEASE_READ | SMB2_LEASE_HANDLE)
#define RW  (SMB2_LEASE_READ | SMB2_LEASE_WRITE)
#define RWH (SMB2_LEASE_READ | SMB2_LEASE_WRITE | SMB2_LEASE_HANDLE)

/* What was sent since it was last looked at. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int oplocks, leases;
	struct open *open;
	uint8_t level;
	uint8_t key;
	uint32_t from, to;
	uint16_t epoch;
	bool ack;
} sent = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void on_oplock(struct open *open, uint8_t level)
{
	pthread_mutex_lock(&sent.lock);
	sent.oplocks++;
	sent.open = open;
	sent.level = level;
	pthread_mutex_unlock(&sent.lock);
}

static void on_lease(struct open *open, const uint8_t key[16], uint32_t from, uint32_t to,
		     uint16_t epoch, bool ack)
{
	pthread_mutex_lock(&sent.lock);
	sent.leases++;
	sent.open = open;
	sent.key = key[0];
	sent.from = from;
	sent.to = to;
	sent.epoch = epoch;
	sent.ack = ack;
	pthread_mutex_unlock(&sent.lock);
}

static void nothing_sent(void)
{
	assert_int_equal(sent.oplocks, 0);
	assert_int_equal(sent.leases, 0);
}

static void oplock_sent(struct open *open, uint8_t level)
{
	assert_int_equal(sent.oplocks, 1);
	assert_int_equal(sent.leases, 0);
	assert_ptr_equal(sent.open, open);
	assert_int_equal(sent.level, level);
	sent.oplocks = 0;
}

static void lease_sent(uint8_t key, uint32_t from, uint32_t to, bool ack)
{
	assert_int_equal(sent.oplocks, 0);
	assert_int_equal(sent.leases, 1);
	assert_int_equal(sent.key, key);
	assert_int_equal(sent.from, from);
	assert_int_equal(sent.to, to);
	assert_int_equal(sent.ack, ack);
	sent.leases = 0;
}

static int begin(void **state)
{
	static const struct open_events events = { .oplock_break = on_oplock,
						   .lease_break = on_lease };

	open_set_events(&events);
	sent.oplocks = sent.leases = 0;
	open_limits.break_timeout_ms = 35000;
	return fixture_begin(state);
}

static struct smb2_create_contexts lease(uint8_t key, uint32_t wanted)
{
	struct smb2_create_contexts contexts = {
		.lease = { .present = true, .version = 2, .state = wanted, .epoch = 10 },
	};

	contexts.lease.key[0] = key;
	return contexts;
}

/* Opens "f" with a lease; *got (may be NULL) is what was granted. */
static struct open *lease_open(const char *path, int client, uint8_t key, uint32_t wanted,
			       struct smb2_lease *got)
{
	struct smb2_create_contexts contexts = lease(key, wanted);
	struct open_result result;
	struct open *open = OPEN(.path = path, .client = client, .oplock = SMB2_OPLOCK_LEVEL_LEASE,
				 .contexts = &contexts, .result = &result);

	assert_int_equal(result.oplock_level, SMB2_OPLOCK_LEVEL_LEASE);
	if (got)
		*got = result.lease;
	return open;
}

static struct open *oplock_open(int client, uint8_t wanted, uint8_t expected)
{
	struct open_result result;
	struct open *open = OPEN(.path = "f", .client = client, .oplock = wanted, .result = &result,
				 .access = FILE_READ_DATA | FILE_WRITE_DATA);

	assert_int_equal(result.oplock_level, expected);
	return open;
}

static void an_open_waits_until_a_batch_oplock_is_given_up(void **state)
{
	struct noted waiter = NOTED;
	struct open *first, *second;
	uint8_t granted;

	(void)state;
	make_file("f");
	first = oplock_open(0, SMB2_OPLOCK_LEVEL_BATCH, SMB2_OPLOCK_LEVEL_BATCH);
	assert_status(TRY(.path = "f", .client = 1, .waiter = &waiter.waiter), STATUS_PENDING);
	oplock_sent(first, SMB2_OPLOCK_LEVEL_II);
	assert_int_equal(waiter.count, 0);
	assert_status(open_oplock_ack(first, SMB2_OPLOCK_LEVEL_II, &granted), STATUS_SUCCESS);
	assert_int_equal(granted, SMB2_OPLOCK_LEVEL_II);
	assert_int_equal(waiter.count, 1);
	second = oplock_open(1, SMB2_OPLOCK_LEVEL_BATCH, SMB2_OPLOCK_LEVEL_II);
	nothing_sent();
	/* A second answer is one too many. */
	assert_status(open_oplock_ack(first, SMB2_OPLOCK_LEVEL_II, &granted),
		      STATUS_INVALID_OPLOCK_PROTOCOL);
	/* Writing takes the reads of the other away, without a wait, and its own: it has no W. */
	assert_status(open_check_write(second, 0, 1), STATUS_SUCCESS);
	assert_int_equal(sent.oplocks, 2);
	assert_int_equal(sent.level, SMB2_OPLOCK_LEVEL_NONE);
	sent.oplocks = 0;
	assert_status(open_check_write(second, 0, 1), STATUS_SUCCESS);
	nothing_sent();
	done(first);
	done(second);
}

static void a_batch_oplock_that_is_closed_lets_the_refused_open_in(void **state)
{
	struct noted waiter = NOTED;
	struct open *first;

	(void)state;
	make_file("f");
	first = OPEN(.path = "f", .no_share = true, .oplock = SMB2_OPLOCK_LEVEL_BATCH);
	assert_status(TRY(.path = "f", .client = 1, .waiter = &waiter.waiter), STATUS_PENDING);
	oplock_sent(first, SMB2_OPLOCK_LEVEL_II);
	done(first);
	assert_int_equal(waiter.count, 1);
	assert_status(TRY(.path = "f", .client = 1, .waiter = &waiter.waiter), STATUS_SUCCESS);
	/* An exclusive oplock does not cache the handle: it is no reason to wait. */
	first = OPEN(.path = "f", .no_share = true, .oplock = SMB2_OPLOCK_LEVEL_EXCLUSIVE);
	assert_status(TRY(.path = "f", .client = 1, .waiter = &waiter.waiter),
		      STATUS_SHARING_VIOLATION);
	nothing_sent();
	done(first);
}

static void an_open_of_attributes_breaks_nothing(void **state)
{
	struct open *first;

	(void)state;
	make_file("f");
	first = oplock_open(0, SMB2_OPLOCK_LEVEL_BATCH, SMB2_OPLOCK_LEVEL_BATCH);
	assert_status(TRY(.path = "f", .client = 1, .access = FILE_READ_ATTRIBUTES | SYNCHRONIZE),
		      STATUS_SUCCESS);
	nothing_sent();
	done(first);
}

static void overwriting_breaks_to_nothing(void **state)
{
	struct noted waiter = NOTED;
	struct open *first;
	uint8_t granted;

	(void)state;
	make_file("f");
	first = oplock_open(0, SMB2_OPLOCK_LEVEL_BATCH, SMB2_OPLOCK_LEVEL_BATCH);
	assert_status(TRY(.path = "f", .client = 1, .access = FILE_WRITE_DATA,
			  .disposition = FILE_OVERWRITE, .waiter = &waiter.waiter),
		      STATUS_PENDING);
	oplock_sent(first, SMB2_OPLOCK_LEVEL_NONE);
	assert_status(open_oplock_ack(first, SMB2_OPLOCK_LEVEL_II, &granted),
		      STATUS_INVALID_OPLOCK_PROTOCOL);
	assert_int_equal(waiter.count, 1);
	assert_status(TRY(.path = "f", .client = 1, .access = FILE_WRITE_DATA,
			  .disposition = FILE_OVERWRITE, .waiter = &waiter.waiter),
		      STATUS_SUCCESS);
	nothing_sent();
	done(first);
}

struct awaited {
	struct waiter waiter;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool woken;
};

static void awake(struct waiter *waiter, ntstatus status)
{
	struct awaited *awaited = container_of(waiter, struct awaited, waiter);

	(void)status;
	pthread_mutex_lock(&awaited->lock);
	awaited->woken = true;
	pthread_cond_signal(&awaited->changed);
	pthread_mutex_unlock(&awaited->lock);
}

static void a_break_that_nobody_answers_runs_out(void **state)
{
	struct awaited awaited = { .waiter = { .wake = awake },
				   .lock = PTHREAD_MUTEX_INITIALIZER,
				   .changed = PTHREAD_COND_INITIALIZER };
	struct open *first, *second;
	uint8_t granted;

	(void)state;
	open_limits.break_timeout_ms = 20;
	make_file("f");
	first = oplock_open(0, SMB2_OPLOCK_LEVEL_EXCLUSIVE, SMB2_OPLOCK_LEVEL_EXCLUSIVE);
	assert_status(TRY(.path = "f", .client = 1, .waiter = &awaited.waiter), STATUS_PENDING);
	pthread_mutex_lock(&awaited.lock);
	while (!awaited.woken)
		pthread_cond_wait(&awaited.changed, &awaited.lock);
	pthread_mutex_unlock(&awaited.lock);
	second = OPEN(.path = "f", .client = 1, .waiter = &awaited.waiter);
	assert_status(open_oplock_ack(first, SMB2_OPLOCK_LEVEL_II, &granted),
		      STATUS_INVALID_OPLOCK_PROTOCOL);
	done(first);
	done(second);
}

static void leases_are_granted_as_far_as_others_allow(void **state)
{
	static const struct {
		uint32_t asked, alone, beside;
	} rows[] = {
		{ 0, 0, 0 },
		{ R, R, R },
		{ RH, RH, RH },
		{ RW, RW, R },
		{ RWH, RWH, RH },
		{ SMB2_LEASE_WRITE, 0, 0 },
		{ SMB2_LEASE_HANDLE, 0, 0 },
		{ SMB2_LEASE_WRITE | SMB2_LEASE_HANDLE, 0, 0 },
	};
	struct smb2_lease got;

	(void)state;
	make_file("f");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct open *open = lease_open("f", 0, 1, rows[i].asked, &got), *other;

		assert_int_equal(got.state, rows[i].alone);
		assert_int_equal(got.epoch, 11);
		done(open);
		other = OPEN(.path = "f", .client = 1);
		open = lease_open("f", 0, 1, rows[i].asked, &got);
		assert_int_equal(got.state, rows[i].beside);
		done(open);
		done(other);
	}
	nothing_sent();
}

static void a_lease_is_raised_by_its_own_opens_only(void **state)
{
	struct smb2_lease got;
	struct open *opens[4];

	(void)state;
	make_file("f");
	opens[0] = lease_open("f", 0, 1, R, &got);
	opens[1] = lease_open("f", 0, 1, RWH, &got);
	assert_int_equal(got.state, RWH);
	assert_int_equal(got.epoch, 12);
	opens[2] = lease_open("f", 0, 1, RH, &got); /* asking for less takes nothing away */
	assert_int_equal(got.state, RWH);
	assert_int_equal(got.epoch, 12);
	nothing_sent();
	make_file("g");
	assert_status(TRY(.path = "g", .oplock = SMB2_OPLOCK_LEVEL_LEASE,
			  .contexts = &(struct smb2_create_contexts){ .lease = { .present = true,
										 .version = 2,
										 .key = { 1 } } }),
		      STATUS_INVALID_PARAMETER);
	/* The same key of another client is another lease. */
	opens[3] = lease_open("g", 1, 1, RWH, &got);
	assert_int_equal(got.state, RWH);
	for (size_t i = 0; i < 4; i++)
		done(opens[i]);
}

static uint32_t ack(int client, uint8_t key, uint32_t to, ntstatus expected)
{
	uint8_t whole[16] = { key };
	uint32_t granted;

	assert_status(open_lease_ack(&F.client[client], whole, to, &granted), expected);
	return granted;
}

static void an_open_waits_until_cached_writes_are_given_up(void **state)
{
	struct noted waiter = NOTED;
	struct open *first, *second, *other;
	struct smb2_lease got;

	(void)state;
	make_file("f");
	first = lease_open("f", 0, 1, RWH, NULL);
	assert_status(TRY(.path = "f", .client = 1, .waiter = &waiter.waiter), STATUS_PENDING);
	lease_sent(1, RWH, RH, true);
	assert_int_equal(sent.epoch, 12);
	second = lease_open("f", 0, 1, RWH, &got); /* its own opens go on */
	assert_int_equal(got.flags & SMB2_LEASE_FLAG_BREAK_IN_PROGRESS,
			 SMB2_LEASE_FLAG_BREAK_IN_PROGRESS);
	assert_int_equal(got.state, RWH);
	ack(0, 1, RWH, STATUS_REQUEST_NOT_ACCEPTED);
	assert_int_equal(waiter.count, 0);
	ack(0, 1, RH, STATUS_SUCCESS);
	assert_int_equal(waiter.count, 1);
	ack(0, 1, RH, STATUS_UNSUCCESSFUL);
	ack(0, 2, RH, STATUS_OBJECT_NAME_NOT_FOUND);
	other = OPEN(.path = "f", .client = 1);
	nothing_sent();
	done(other);
	done(second);
	done(first);
}

static void a_refused_open_asks_for_cached_handles_first(void **state)
{
	struct noted waiter = NOTED;
	struct open *first;

	(void)state;
	make_file("f");
	first = lease_open("f", 0, 1, RWH, NULL);
	assert_status(TRY(.path = "f", .client = 1, .no_share = true, .waiter = &waiter.waiter),
		      STATUS_PENDING);
	lease_sent(1, RWH, RW, true);
	ack(0, 1, RW, STATUS_SUCCESS);
	assert_int_equal(waiter.count, 1);
	assert_status(TRY(.path = "f", .client = 1, .no_share = true, .waiter = &waiter.waiter),
		      STATUS_SHARING_VIOLATION);
	nothing_sent();
	assert_status(TRY(.path = "f", .client = 1, .waiter = &waiter.waiter), STATUS_PENDING);
	lease_sent(1, RW, R, true);
	done(first);
	assert_int_equal(waiter.count, 2);
}

static void a_second_break_follows_the_first_answer(void **state)
{
	struct noted open_waiter = NOTED, write_waiter = NOTED;
	struct open *first;

	(void)state;
	make_file("f");
	first = lease_open("f", 0, 1, RWH, NULL);
	assert_status(TRY(.path = "f", .client = 1, .waiter = &open_waiter.waiter), STATUS_PENDING);
	lease_sent(1, RWH, RH, true);
	assert_status(TRY(.path = "f", .client = 1, .disposition = FILE_OVERWRITE,
			  .access = FILE_WRITE_DATA, .waiter = &write_waiter.waiter),
		      STATUS_PENDING);
	nothing_sent();
	ack(0, 1, RH, STATUS_SUCCESS);
	lease_sent(1, RH, R, true);
	assert_int_equal(open_waiter.count, 0);
	assert_int_equal(write_waiter.count, 0);
	ack(0, 1, R, STATUS_SUCCESS);
	lease_sent(1, R, 0, false);
	assert_int_equal(open_waiter.count, 1);
	assert_int_equal(write_waiter.count, 1);
	done(first);
}

static void reading_leases_go_without_an_answer_when_another_writes(void **state)
{
	struct open *first, *second;

	(void)state;
	make_file("f");
	first = lease_open("f", 0, 1, R, NULL);
	second = OPEN(.path = "f", .client = 1, .access = FILE_WRITE_DATA);
	assert_status(open_check_write(second, 0, 1), STATUS_SUCCESS);
	lease_sent(1, R, 0, false);
	ack(0, 1, 0, STATUS_UNSUCCESSFUL);
	done(first);
	done(second);
}

static void deleting_asks_for_cached_handles(void **state)
{
	struct noted waiter = NOTED;
	struct open *first, *second;

	(void)state;
	make_file("f");
	first = lease_open("f", 0, 1, RH, NULL);
	second = OPEN(.path = "f", .client = 1, .access = DELETE_ACCESS);
	assert_status(open_set_disposition(second, true, 0, &waiter.waiter), STATUS_PENDING);
	lease_sent(1, RH, R, true);
	ack(0, 1, R, STATUS_SUCCESS);
	assert_int_equal(waiter.count, 1);
	assert_status(open_set_disposition(second, true, 0, &waiter.waiter), STATUS_SUCCESS);
	done(second);
	assert_status(TRY(.path = "f"), STATUS_DELETE_PENDING);
	done(first);
	assert_status(TRY(.path = "f"), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void a_directory_lease_breaks_when_another_client_creates_in_it(void **state)
{
	struct smb2_create_contexts contexts = lease(9, RWH);
	struct smb2_lease got;
	struct open *directory, *mine;

	(void)state;
	make_directory("d");
	directory = lease_open("d", 0, 1, RWH, &got);
	assert_int_equal(got.state, RH);
	/* Its own client names the lease as its parent: it knows of the change. */
	contexts.lease.flags = SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET;
	contexts.lease.parent_key[0] = 1;
	mine = OPEN(.path = "d/mine", .disposition = FILE_CREATE, .access = FILE_MODIFY_ACCESS,
		    .oplock = SMB2_OPLOCK_LEVEL_LEASE, .contexts = &contexts);
	nothing_sent();
	done(OPEN(.path = "d/other", .client = 1, .disposition = FILE_CREATE,
		  .access = FILE_MODIFY_ACCESS));
	lease_sent(1, RH, 0, true);
	done(mine);
	done(directory);
}

static void a_directory_lease_breaks_when_another_client_deletes_in_it(void **state)
{
	struct smb2_create_contexts contexts = lease(9, RWH);
	struct open *directory, *mine, *other;

	(void)state;
	make_directory("d");
	make_file("d/mine");
	make_file("d/other");
	directory = lease_open("d", 0, 1, RWH, NULL);
	contexts.lease.flags = SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET;
	contexts.lease.parent_key[0] = 1;
	mine = OPEN(.path = "d/mine", .access = DELETE_ACCESS, .oplock = SMB2_OPLOCK_LEVEL_LEASE,
		    .contexts = &contexts);
	assert_status(open_set_disposition(mine, true, 0, NULL), STATUS_SUCCESS);
	done(mine);
	nothing_sent();
	other = OPEN(.path = "d/other", .client = 1, .access = DELETE_ACCESS);
	assert_status(open_set_disposition(other, true, 0, NULL), STATUS_SUCCESS);
	nothing_sent();
	done(other);
	lease_sent(1, RH, 0, true);
	done(directory);
}

static void a_cancelled_open_is_not_woken(void **state)
{
	struct noted waiter = NOTED;
	struct open *first;

	(void)state;
	make_file("f");
	first = oplock_open(0, SMB2_OPLOCK_LEVEL_BATCH, SMB2_OPLOCK_LEVEL_BATCH);
	assert_status(TRY(.path = "f", .client = 1, .waiter = &waiter.waiter), STATUS_PENDING);
	assert_true(waiter_cancel(&waiter.waiter));
	assert_false(waiter_cancel(&waiter.waiter));
	done(first);
	assert_int_equal(waiter.count, 0);
}

static void all_handles_beneath_a_directory_are_asked_to_go_at_once(void **state)
{
	struct noted waiter = NOTED;
	struct open *directory, *one, *two;

	(void)state;
	make_directory("d");
	make_file("d/one");
	make_file("d/two");
	one = lease_open("d/one", 0, 1, RH, NULL);
	two = lease_open("d/two", 0, 2, RH, NULL);
	directory = OPEN(.path = "d", .client = 1, .access = DELETE_ACCESS);
	assert_status(open_rename(directory, "e", false, 0, &waiter.waiter), STATUS_PENDING);
	assert_int_equal(sent.leases, 2);
	sent.leases = 0;
	done(one);
	done(two);
	assert_int_equal(waiter.count, 1);
	assert_status(open_rename(directory, "e", false, 0, &waiter.waiter), STATUS_SUCCESS);
	nothing_sent();
	done(directory);
}

/* A request that is refused for its lease has made nothing. */
static void a_stream_is_not_made_with_the_lease_of_another_file(void **state)
{
	struct smb2_create_contexts contexts = lease(1, RH);
	struct open *open;

	(void)state;
	make_file("f");
	make_file("g");
	open = lease_open("f", 0, 1, RH, NULL);
	assert_status(TRY(.path = "g:new", .disposition = FILE_CREATE, .contexts = &contexts,
			  .oplock = SMB2_OPLOCK_LEVEL_LEASE),
		      STATUS_INVALID_PARAMETER);
	assert_status(TRY(.path = "g:new"), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_status(TRY(.path = "h:new", .disposition = FILE_CREATE, .contexts = &contexts,
			  .oplock = SMB2_OPLOCK_LEVEL_LEASE),
		      STATUS_INVALID_PARAMETER);
	assert_status(TRY(.path = "h"), STATUS_OBJECT_NAME_NOT_FOUND);
	done(open);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_open_waits_until_a_batch_oplock_is_given_up),
		TEST(a_batch_oplock_that_is_closed_lets_the_refused_open_in),
		TEST(an_open_of_attributes_breaks_nothing),
		TEST(overwriting_breaks_to_nothing),
		TEST(a_break_that_nobody_answers_runs_out),
		TEST(leases_are_granted_as_far_as_others_allow),
		TEST(a_lease_is_raised_by_its_own_opens_only),
		TEST(an_open_waits_until_cached_writes_are_given_up),
		TEST(a_refused_open_asks_for_cached_handles_first),
		TEST(a_second_break_follows_the_first_answer),
		TEST(reading_leases_go_without_an_answer_when_another_writes),
		TEST(deleting_asks_for_cached_handles),
		TEST(a_directory_lease_breaks_when_another_client_creates_in_it),
		TEST(a_directory_lease_breaks_when_another_client_deletes_in_it),
		TEST(all_handles_beneath_a_directory_are_asked_to_go_at_once),
		TEST(a_stream_is_not_made_with_the_lease_of_another_file),
		TEST(a_cancelled_open_is_not_woken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
