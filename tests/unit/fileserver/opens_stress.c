// SPDX-License-Identifier: Apache-2.0
/*
 * Threads that create, lock, write, rename, delete, watch and close under few names at once, with
 * leases that are broken and answered. What must hold at the end: nobody crashed, nothing waits, no
 * open is left. Meant to run under TSan as well.
 */
#include "opens_fixture.h"

#include <semaphore.h>

#define THREADS 4
#define ROUNDS	400
#define NAMES	4

static void *run_one(void *context);

struct worker {
	pthread_t thread;
	int number;
	uint64_t seed;
	uint32_t opened;
};

static uint32_t draw(struct worker *w, uint32_t below)
{
	w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(w->seed >> 33) % below;
}

/* A waiter that may be given up: who wakes it may still be under way then, and is waited for. */
struct patient {
	struct waiter waiter;
	sem_t woken;
};

static void wake(struct waiter *waiter, ntstatus status)
{
	(void)status;
	sem_post(&container_of(waiter, struct patient, waiter)->woken);
}

static void patient_init(struct patient *p)
{
	*p = (struct patient){ .waiter = { .wake = wake } };
	sem_init(&p->woken, 0, 0);
}

static void give_up(struct patient *p)
{
	if (!waiter_cancel(&p->waiter))
		sem_wait(&p->woken);
}

static void on_lease(struct open *open, const uint8_t key[16], uint32_t from, uint32_t to,
		     uint16_t epoch, bool ack)
{
	uint32_t granted;

	(void)from;
	(void)epoch;
	if (ack)
		(void)!open_lease_ack(&open_facts(open)->client_guid, key, to, &granted);
}

static void on_oplock(struct open *open, uint8_t level)
{
	uint8_t granted;

	(void)!open_oplock_ack(open, level, &granted);
}

static void work_with(struct worker *w, struct open *open)
{
	struct patient patient;
	struct smb2_lock_request lock = {
		.count = 1,
		.locks = { { draw(w, 4), draw(w, 4), SMB2_LOCKFLAG_EXCLUSIVE_LOCK } },
	};
	struct buf out = { 0 };
	char name[16];

	patient_init(&patient);
	snprintf(name, sizeof(name), "n%u", draw(w, NAMES));
	switch (draw(w, 6)) {
	case 0:
		(void)!open_rename(open, name, true, 0, NULL);
		break;
	case 1:
		if (open_lock_ranges(open, &lock, &patient.waiter) == STATUS_PENDING)
			give_up(&patient);
		break;
	case 2:
		if (open_check_write(open, 0, 4) == STATUS_SUCCESS)
			open_wrote(open, 0, 4);
		break;
	case 3:
		(void)!open_set_disposition(open, true, 0, NULL);
		break;
	case 4:
		if (open_notify(open, 0xfff, true, 1024, &patient.waiter, &out) == STATUS_PENDING)
			give_up(&patient);
		buf_free(&out);
		break;
	default:
		free(open_path(open));
	}
}

static void *run_one(void *context)
{
	struct worker *w = context;
	uint64_t session = (uint64_t)w->number + 1;

	for (int i = 0; i < ROUNDS; i++) {
		struct smb2_create_contexts contexts = {
			.lease = { .present = true, .version = 2, .state = 7 }
		};
		struct patient patient;
		struct open_result result;
		struct open *open;
		char name[16];
		struct open_request request = {
			.share = &F.share,
			.token = F.alice,
			.path = name,
			.session_id = session,
			.tree_id = 1,
			.client_guid = F.client[w->number & 1],
			.share_maximal_access = FILE_ALL_ACCESS,
			.desired_access = draw(w, 2) ? FILE_MODIFY_ACCESS : FILE_GENERIC_READ,
			.share_access = draw(w, 8) ? 7 : 1,
			.disposition = draw(w, 3) ? FILE_OPEN_IF : FILE_OVERWRITE_IF,
			.oplock_level =
				draw(w, 2) ? SMB2_OPLOCK_LEVEL_LEASE : SMB2_OPLOCK_LEVEL_BATCH,
			.contexts = &contexts,
		};
		ntstatus status;

		if (!draw(w, 8)) {
			strcpy(name, "");
			request.disposition = FILE_OPEN;
		} else {
			snprintf(name, sizeof(name), "n%u%s", draw(w, NAMES),
				 draw(w, 8) ? "" : ":s");
		}
		contexts.lease.key[0] = (uint8_t)name[1];
		contexts.lease.key[1] = (uint8_t)w->number;
		patient_init(&patient);
		status = open_create(&request, &patient.waiter, &open, &result);
		if (status == STATUS_PENDING)
			give_up(&patient);
		if (status != STATUS_SUCCESS)
			continue;
		w->opened++;
		work_with(w, open);
		if (draw(w, 2)) /* closed by someone else, perhaps at the same time */
			(void)open_force_close(open_facts(open)->id.volatile_id);
		else
			(void)!open_close(open, NULL);
		open_put(open);
	}
	open_close_session(session, false);
	return NULL;
}

static void nothing_is_left_after_a_storm(void **state)
{
	static const struct open_events events = { .lease_break = on_lease,
						   .oplock_break = on_oplock };
	struct worker workers[THREADS];
	struct open_listing_row *rows;
	uint32_t opened = 0;

	(void)state;
	open_set_events(&events);
	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .number = i, .seed = (uint64_t)i * 77 + 5 };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, run_one, &workers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		opened += workers[i].opened;
	}
	assert_true(opened > THREADS * ROUNDS / 20);
	assert_int_equal(open_list(NULL, &rows), 0);
	free(rows);
	/* Every name can be had alone again. */
	for (int i = 0; i < NAMES; i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%d", i);
		assert_status(TRY(.path = name, .access = FILE_MODIFY_ACCESS, .no_share = true,
				  .disposition = FILE_OPEN_IF),
			      STATUS_SUCCESS);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(nothing_is_left_after_a_storm) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
