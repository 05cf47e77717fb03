// SPDX-License-Identifier: Apache-2.0
/* A client is back for its open before the end of its connection has been seen: who waits, and what
 * ends the wait. */
#include "opens_fixture.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <wire/ntstatus.h>

#define FIRST  11 /* sessions of the same client */
#define SECOND 12
#define THIRD  13
#define ROUNDS 300

static struct open_limits limits;
static bool stays; /* what the other floor says of whoever has an open */
static atomic_uint wanted;

static void holder_wanted(struct open *open)
{
	wanted++;
	if (stays)
		open_stays(open);
}

static int begin(void **state)
{
	static const struct open_events events = { .holder_wanted = holder_wanted };

	limits = open_limits;
	open_set_events(&events);
	stays = false;
	wanted = 0;
	return fixture_begin(state);
}

static int end(void **state)
{
	open_limits = limits;
	return fixture_end(state);
}

static struct open *open_durable(uint64_t session)
{
	struct smb2_create_contexts contexts = { .durable = { .request_v2 = true } };
	struct open_result result;
	struct open *open;

	contexts.durable.create_guid.bytes[0] = 1;
	open = OPEN(.path = "f", .disposition = FILE_OPEN_IF, .session = session,
		    .access = FILE_MODIFY_ACCESS, .dialect = SMB2_DIALECT_311,
		    .oplock = SMB2_OPLOCK_LEVEL_BATCH, .contexts = &contexts, .result = &result);
	assert_true(result.durable_v2);
	return open;
}

struct coming {
	struct noted noted;
	uint64_t session;
	struct token *token;
	bool refused;
};

static ntstatus come_back(struct smb2_file_id id, struct coming *coming, struct open **out)
{
	struct smb2_create_contexts contexts = {
		.durable = { .reconnect_v2 = true, .file_id = id },
	};

	contexts.durable.create_guid.bytes[0] = 1;
	return ask_open(&(struct ask){ .path = "",
				       .session = coming->session,
				       .dialect = SMB2_DIALECT_311,
				       .token = coming->token,
				       .waiter = &coming->noted.waiter,
				       .holder_stays = coming->refused,
				       .contexts = &contexts },
			out);
}
#define COMING(in)                                                                                 \
	{                                                                                          \
		.noted = NOTED, .session = (in)                                                    \
	}

static void it_waits_until_the_handle_is_kept_for_it(void **state)
{
	struct open *open = open_durable(FIRST), *again;
	struct coming coming = COMING(SECOND);
	struct smb2_file_id id = open_facts(open)->id;

	(void)state;
	assert_status(come_back(id, &coming, &again), STATUS_PENDING);
	assert_int_equal(wanted, 1);
	assert_int_equal(coming.noted.count, 0);
	open_close_session(FIRST, true);
	assert_int_equal(coming.noted.count, 1);
	assert_status(coming.noted.status, STATUS_SUCCESS);
	assert_status(come_back(id, &coming, &again), STATUS_SUCCESS);
	assert_int_equal(wanted, 1);
	open_put(open);
	done(again);
}

static void it_waits_until_the_handle_is_closed(void **state)
{
	struct open *open = open_durable(FIRST), *again;
	struct coming coming = COMING(SECOND);
	struct smb2_file_id id = open_facts(open)->id;

	(void)state;
	assert_status(come_back(id, &coming, &again), STATUS_PENDING);
	done(open);
	assert_int_equal(coming.noted.count, 1);
	assert_status(come_back(id, &coming, &again), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void it_is_refused_where_the_client_is_there(void **state)
{
	struct open *open = open_durable(FIRST), *again;
	struct coming coming = COMING(SECOND);
	struct smb2_file_id id = open_facts(open)->id;

	(void)state;
	stays = true;
	assert_status(come_back(id, &coming, &again), STATUS_PENDING);
	assert_int_equal(coming.noted.count, 1);
	assert_status(coming.noted.status, STATUS_OBJECT_NAME_NOT_FOUND);
	coming.refused = true;
	assert_status(come_back(id, &coming, &again), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_int_equal(coming.noted.count, 1);
	done(open);
}

/* A waiter that is waited for. */
struct returning {
	struct waiter waiter;
	sem_t woken;
	ntstatus status;
};

static void woken(struct waiter *waiter, ntstatus status)
{
	struct returning *returning = container_of(waiter, struct returning, waiter);

	returning->status = status;
	sem_post(&returning->woken);
}

static ntstatus come_back_waiting(struct smb2_file_id id, struct returning *returning,
				  struct open **out)
{
	struct smb2_create_contexts contexts = {
		.durable = { .reconnect_v2 = true, .file_id = id },
	};

	contexts.durable.create_guid.bytes[0] = 1;
	returning->waiter.wake = woken;
	return ask_open(&(struct ask){ .path = "",
				       .session = SECOND,
				       .dialect = SMB2_DIALECT_311,
				       .waiter = &returning->waiter,
				       .contexts = &contexts },
			out);
}

static void it_does_not_wait_for_ever(void **state)
{
	struct open *open = open_durable(FIRST), *again;
	struct returning returning = { 0 };

	(void)state;
	sem_init(&returning.woken, 0, 0);
	open_limits.max_return_wait_ms = 30;
	assert_status(come_back_waiting(open_facts(open)->id, &returning, &again), STATUS_PENDING);
	sem_wait(&returning.woken);
	assert_status(returning.status, STATUS_OBJECT_NAME_NOT_FOUND);
	sem_destroy(&returning.woken);
	done(open);
}

static void who_gives_up_is_not_woken(void **state)
{
	struct open *open = open_durable(FIRST), *again;
	struct coming coming = COMING(SECOND);
	struct smb2_file_id id = open_facts(open)->id;

	(void)state;
	assert_status(come_back(id, &coming, &again), STATUS_PENDING);
	assert_true(waiter_cancel(&coming.noted.waiter));
	open_close_session(FIRST, true);
	assert_int_equal(coming.noted.count, 0);
	open_put(open);
}

static void who_cannot_be_the_client_is_refused_at_once(void **state)
{
	struct smb2_create_contexts v1 = { .durable = { .reconnect_v1 = true } };
	struct open *open = open_durable(FIRST), *again;
	struct coming same = COMING(FIRST), other = COMING(SECOND);
	struct smb2_file_id id = open_facts(open)->id;

	(void)state;
	other.token = F.bob;
	assert_status(come_back(id, &same, &again), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_status(come_back(id, &other, &again), STATUS_OBJECT_NAME_NOT_FOUND);
	v1.durable.file_id = id;
	assert_status(TRY(.path = "", .session = SECOND, .contexts = &v1), /* it cannot wait */
		      STATUS_OBJECT_NAME_NOT_FOUND);
	assert_int_equal(wanted, 0);
	done(open);
}

static void of_two_who_wait_one_gets_it(void **state)
{
	struct open *open = open_durable(FIRST), *again, *none;
	struct coming one = COMING(SECOND), two = COMING(THIRD);
	struct smb2_file_id id = open_facts(open)->id;

	(void)state;
	assert_status(come_back(id, &one, &again), STATUS_PENDING);
	assert_status(come_back(id, &two, &again), STATUS_PENDING);
	open_close_session(FIRST, true);
	assert_int_equal(one.noted.count + two.noted.count, 2);
	assert_status(come_back(id, &two, &again), STATUS_SUCCESS);
	stays = true; /* the other waits for the first, which is there */
	assert_status(come_back(id, &one, &none), STATUS_PENDING);
	assert_int_equal(one.noted.count, 2);
	assert_status(one.noted.status, STATUS_OBJECT_NAME_NOT_FOUND);
	open_put(open);
	done(again);
}

/* ---- all at once ---- */

static void *close_it(void *open)
{
	if (open_facts(open)->id.persistent % 5)
		open_close_session(FIRST, true);
	else
		(void)!open_close(open, NULL);
	return NULL;
}

static void whoever_waits_is_woken_however_the_two_meet(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct open *open = open_durable(FIRST), *again = NULL;
		struct smb2_file_id id = open_facts(open)->id;
		struct returning returning = { 0 };
		pthread_t thread;
		ntstatus status;

		sem_init(&returning.woken, 0, 0);
		assert_int_equal(pthread_create(&thread, NULL, close_it, open), 0);
		if (i % 3 == 0)
			sched_yield();
		while ((status = come_back_waiting(id, &returning, &again)) == STATUS_PENDING)
			sem_wait(&returning.woken);
		assert_true(status ==
			    (id.persistent % 5 ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND));
		pthread_join(thread, NULL);
		if (again)
			done(again);
		open_put(open);
		sem_destroy(&returning.woken);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_waits_until_the_handle_is_kept_for_it),
		TEST(it_waits_until_the_handle_is_closed),
		TEST(it_is_refused_where_the_client_is_there),
		TEST(it_does_not_wait_for_ever),
		TEST(who_gives_up_is_not_woken),
		TEST(who_cannot_be_the_client_is_refused_at_once),
		TEST(of_two_who_wait_one_gets_it),
		TEST(whoever_waits_is_woken_however_the_two_meet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
