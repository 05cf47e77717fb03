// SPDX-License-Identifier: Apache-2.0
/*
 * An open that is parked is wanted by several at once: its client comes back (twice, on two
 * connections), its time runs out, another open is in its way, an administrator closes it, the
 * server leaves. What must hold: each open ends once, its file is free at the end, and nothing of
 * it is left. Meant to run under TSan.
 */
#include "opens_fixture.h"

#include <stdatomic.h>

#define CLIENTS 3
#define ROUNDS	250
#define NAMES	3

static atomic_bool over;
static atomic_ullong newest; /* a volatile id that was given out */

struct worker {
	pthread_t thread;
	int number;
	uint64_t seed;
	uint32_t parked, resumed;
};

static uint32_t draw(struct worker *w, uint32_t below)
{
	w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(w->seed >> 33) % below;
}

static struct open_request request_of(struct worker *w, uint64_t session, const char *path,
				      const struct smb2_create_contexts *contexts)
{
	return (struct open_request){
		.share = &F.share,
		.token = F.alice,
		.path = path,
		.session_id = session,
		.tree_id = 1,
		.client_guid = F.client[w->number % 2],
		.share_maximal_access = FILE_ALL_ACCESS,
		.desired_access = FILE_MODIFY_ACCESS,
		.share_access = 7,
		.disposition = FILE_OPEN_IF,
		.options = draw(w, 8) ? 0 : FILE_DELETE_ON_CLOSE,
		.oplock_level = SMB2_OPLOCK_LEVEL_BATCH,
		.contexts = contexts,
		.dialect = SMB2_DIALECT_311,
	};
}

struct claim {
	struct open_request request;
	struct open *open;
	ntstatus status;
};

static void *claim_it(void *context)
{
	struct claim *claim = context;
	struct open_result result;

	claim->status = open_create(&claim->request, NULL, &claim->open, &result);
	return NULL;
}

/* Two connections of the client come for it at once: one at most gets it. */
static struct open *come_back(struct worker *w, struct smb2_create_contexts *contexts)
{
	struct claim claims[2];
	pthread_t thread;

	for (int i = 0; i < 2; i++)
		claims[i] = (struct claim){
			.request = request_of(w, (uint64_t)w->number * 4 + 2 + (uint64_t)i, "",
					      contexts),
		};
	assert_int_equal(pthread_create(&thread, NULL, claim_it, &claims[1]), 0);
	(void)claim_it(&claims[0]);
	pthread_join(thread, NULL);
	assert_false(claims[0].status == STATUS_SUCCESS && claims[1].status == STATUS_SUCCESS);
	for (int i = 0; i < 2; i++)
		assert_true(claims[i].status == STATUS_SUCCESS ||
			    claims[i].status == STATUS_OBJECT_NAME_NOT_FOUND);
	return claims[0].status == STATUS_SUCCESS ? claims[0].open : claims[1].open;
}

static void one_life(struct worker *w)
{
	uint64_t session = (uint64_t)w->number * 4 + 1;
	struct smb2_create_contexts contexts = {
		.durable = { .request_v2 = true, .timeout_ms = 1 + draw(w, 3) },
	};
	struct smb2_create_contexts back = { .durable = { .reconnect_v2 = true } };
	char name[8];
	struct open_request request;
	struct open_result result;
	struct open *open, *again;

	snprintf(name, sizeof(name), "n%u%s", draw(w, NAMES), draw(w, 6) ? "" : ":s");
	contexts.durable.create_guid.bytes[1] = (uint8_t)w->number;
	contexts.durable.create_guid.bytes[2] = (uint8_t)draw(w, 256);
	request = request_of(w, session, name, &contexts);
	if (open_create(&request, NULL, &open, &result) != STATUS_SUCCESS)
		return;
	atomic_store(&newest, open_facts(open)->id.volatile_id);
	if (!draw(w, 4))
		(void)!open_make_resilient(open, 1 + draw(w, 3));
	back.durable.file_id = open_facts(open)->id;
	back.durable.create_guid = contexts.durable.create_guid;
	open_close_session(session, true);
	w->parked++;
	if (draw(w, 3))
		usleep(1000 * draw(w, 3));
	again = come_back(w, &back);
	if (again) {
		w->resumed++;
		assert_int_equal(open_facts(again)->id.persistent, back.durable.file_id.persistent);
		if (draw(w, 2))
			(void)!open_close(again, NULL);
		else
			open_close_session(open_facts(again)->session_id, draw(w, 2));
		open_put(again);
	}
	open_put(open);
}

static void *live(void *context)
{
	struct worker *w = context;

	for (int i = 0; i < ROUNDS; i++)
		one_life(w);
	return NULL;
}

/* Opens what the others have parked, closes it, lists it, and makes the server leave. */
static void *disturb(void *context)
{
	struct worker *w = context;

	while (!atomic_load(&over)) {
		struct open_listing_row *rows;
		struct open_result result;
		struct open *open;
		char name[8];
		struct open_request request = request_of(w, 999, name, NULL);
		size_t count;

		snprintf(name, sizeof(name), "n%u", draw(w, NAMES));
		request.options = 0;
		request.oplock_level = 0;
		request.share_access = draw(w, 2) ? 7 : 0;
		if (open_create(&request, NULL, &open, &result) == STATUS_SUCCESS) {
			if (open_check_write(open, 0, 1) == STATUS_SUCCESS)
				open_wrote(open, 0, 1);
			(void)!open_close(open, NULL);
			open_put(open);
		}
		(void)open_force_close(atomic_load(&newest));
		count = open_list(&F.server, &rows);
		for (size_t i = 0; i < count; i++) {
			free(rows[i].path);
			free(rows[i].user);
		}
		free(rows);
		if (!draw(w, 50))
			open_close_server(&F.server);
		usleep(1000);
	}
	return NULL;
}

static size_t opens_left(void)
{
	struct open_listing_row *rows;
	size_t count = open_list(NULL, &rows);

	for (size_t i = 0; i < count; i++) {
		free(rows[i].path);
		free(rows[i].user);
	}
	free(rows);
	return count;
}

static void each_parked_open_ends_once(void **state)
{
	struct worker workers[CLIENTS + 1];
	uint32_t parked = 0, resumed = 0;

	(void)state;
	for (int i = 0; i <= CLIENTS; i++) {
		workers[i] = (struct worker){ .number = i, .seed = (uint64_t)i * 77 + 5 };
		assert_int_equal(pthread_create(&workers[i].thread, NULL,
						i < CLIENTS ? live : disturb, &workers[i]),
				 0);
	}
	for (int i = 0; i < CLIENTS; i++) {
		pthread_join(workers[i].thread, NULL);
		parked += workers[i].parked;
		resumed += workers[i].resumed;
	}
	atomic_store(&over, true);
	pthread_join(workers[CLIENTS].thread, NULL);
	assert_true(parked > CLIENTS * ROUNDS / 20);
	assert_true(resumed > 0);
	for (int i = 0; i < 1000 && opens_left(); i++) /* the last times run out */
		usleep(10000);
	assert_int_equal(opens_left(), 0);
	for (int i = 0; i < NAMES; i++) {
		char name[8];

		snprintf(name, sizeof(name), "n%d", i);
		assert_status(TRY(.path = name, .access = FILE_MODIFY_ACCESS, .no_share = true,
				  .disposition = FILE_OPEN_IF),
			      STATUS_SUCCESS);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(each_parked_open_ends_once) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
