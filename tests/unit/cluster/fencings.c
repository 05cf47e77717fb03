// SPDX-License-Identifier: Apache-2.0
/* What vouches for the end of a node, with clocks that jump and a history that is long. */
#include "../../../src/cluster/fencings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#define NOON  1795780800000 /* ms since 1970 */
#define HOUR  3600000
#define N1_ID 1
#define N2_ID 2

static json_t *history; /* as the fencer has it */

static void add(const char *node, const char *action, const char *status, int64_t completed_ms)
{
	time_t seconds = completed_ms / 1000;
	struct tm tm;
	char text[40];

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S +00:00", &tm);
	json_array_insert_new(history, 0,
			      json_pack("{s:s, s:s, s:s, s:s}", "target", node, "action", action,
					"status", status, "completed", text));
}

static int begin(void **state)
{
	history = json_array();
	*state = xalloc(1, sizeof(struct fencings));
	return 0;
}

static int end(void **state)
{
	fencings_free(*state);
	free(*state);
	json_decref(history);
	return 0;
}

static void lose(struct fencings *f, uint32_t id, int64_t now)
{
	fencings_note_loss(f, id, now);
	fencings_look(f, history, now, now);
}

static void a_fencing_that_ends_after_the_loss_vouches(void **state)
{
	struct fencings *f = *state;

	lose(f, N1_ID, NOON);
	assert_false(fencings_vouch(f, N1_ID, "n1"));
	add("n1", "reboot", "pending", 0);
	assert_false(fencings_look(f, history, NOON, NOON + 500));
	assert_false(fencings_vouch(f, N1_ID, "n1"));
	json_array_clear(history);
	add("n1", "reboot", "success", NOON + 1000);
	assert_true(fencings_look(f, history, NOON, NOON + 1500));
	assert_true(fencings_vouch(f, N1_ID, "N1"));
	assert_int_equal(f->list[0].begun_ms, NOON + 500);
	assert_int_equal(f->list[0].ended_ms, NOON + 1500);
	assert_false(fencings_vouch(f, N2_ID, "n2"));
	assert_false(fencings_vouch(f, N2_ID, "n1")); /* another node by its number */
	/* Another node is lost: the first has ended all the same. */
	lose(f, N2_ID, NOON + 5000);
	assert_true(fencings_vouch(f, N1_ID, "n1"));
	assert_false(fencings_vouch(f, N2_ID, "n2"));
	fencings_forget_losses(f);
	assert_false(fencings_vouch(f, N1_ID, "n1"));
}

static void a_fencing_seen_by_a_clock_that_was_ahead_does_not_vouch_for_the_next_loss(void **state)
{
	struct fencings *f = *state;

	lose(f, N1_ID, NOON + HOUR);
	add("n1", "reboot", "success", NOON + HOUR + 1000);
	fencings_look(f, history, NOON + HOUR, NOON + HOUR + 2000);
	assert_true(fencings_vouch(f, N1_ID, "n1"));
	/* It comes back, this clock is put right, and it is lost again. */
	fencings_note_loss(f, N1_ID, NOON + 60000);
	assert_false(fencings_vouch(f, N1_ID, "n1"));
	for (int i = 0; i < 3; i++) {
		fencings_look(f, history, NOON + 60000, NOON + 60000 + i * 1000);
		assert_false(fencings_vouch(f, N1_ID, "n1"));
	}
	add("n1", "reboot", "success", NOON + 64000);
	fencings_look(f, history, NOON + 60000, NOON + 65000);
	assert_true(fencings_vouch(f, N1_ID, "n1"));
}

static void the_history_of_long_ago_does_not_vouch_where_this_clock_is_behind(void **state)
{
	struct fencings *f = *state;

	for (int i = 0; i < 20; i++) /* another, ten of which people are shown */
		add("n1", "off", "success", NOON - i * 1000);
	lose(f, N1_ID, NOON - HOUR);
	assert_false(fencings_vouch(f, N1_ID, "n1"));
	/* A later look, in which others are gone. */
	json_array_remove(history, 0);
	fencings_look(f, history, NOON - HOUR, NOON - HOUR + 1000);
	assert_false(fencings_vouch(f, N1_ID, "n1"));
}

static void what_was_completed_by_a_clock_that_is_ahead_does_not_vouch(void **state)
{
	struct fencings *f = *state;

	add("n1", "reboot", "success", NOON + HOUR);
	lose(f, N1_ID, NOON);
	fencings_look(f, history, NOON, NOON + 1000);
	assert_false(fencings_vouch(f, N1_ID, "n1"));
}

/* It came into the history between two losses: nobody knows whether the node came back since. */
static void what_ended_before_the_first_look_after_a_loss_does_not_vouch(void **state)
{
	struct fencings *f = *state;

	lose(f, N1_ID, NOON);
	fencings_note_loss(f, N1_ID, NOON + 10000);
	add("n1", "reboot", "success", NOON + 10000);
	fencings_look(f, history, NOON + 10000, NOON + 10100);
	assert_false(fencings_vouch(f, N1_ID, "n1"));
}

static void only_what_turns_a_node_off_and_succeeds_vouches(void **state)
{
	static const struct {
		const char *action, *status;
	} rows[] = { { "on", "success" },
		     { "monitor", "success" },
		     { "reboot", "failed" },
		     { "off", "pending" } };
	struct fencings *f = *state;

	lose(f, N1_ID, NOON);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		add("n1", rows[i].action, rows[i].status, NOON + 1000 * (int64_t)(i + 1));
		fencings_look(f, history, NOON, NOON + 10000);
		assert_false(fencings_vouch(f, N1_ID, "n1"));
	}
	add("n1", "off", "success", NOON + 9000);
	fencings_look(f, history, NOON, NOON + 10000);
	assert_true(fencings_vouch(f, N1_ID, "n1"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		CASE(a_fencing_that_ends_after_the_loss_vouches),
		CASE(a_fencing_seen_by_a_clock_that_was_ahead_does_not_vouch_for_the_next_loss),
		CASE(the_history_of_long_ago_does_not_vouch_where_this_clock_is_behind),
		CASE(what_was_completed_by_a_clock_that_is_ahead_does_not_vouch),
		CASE(what_ended_before_the_first_look_after_a_loss_does_not_vouch),
		CASE(only_what_turns_a_node_off_and_succeeds_vouches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
