// SPDX-License-Identifier: Apache-2.0
/* What a client does next with a deployment. */
#include <policy/decide.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NOW 1795737600 /* a Friday, 00:00 UTC */

static char word[] = "install", *words[] = { word, NULL }, name[] = "n", package[] = "p",
	    always[] = "", never[] = "false";
static struct deployment d;
static struct history h;
static struct circumstances c;
static json_t *facts;

static int begin(void **state)
{
	setenv("TZ", "UTC", 1);
	facts = json_object();
	d = (struct deployment){ .id = "D1",
				 .name = name,
				 .package = package,
				 .version = 1,
				 .command = words,
				 .word_count = 1,
				 .condition = always,
				 .limit_s = 600,
				 .purpose = PURPOSE_REQUIRED };
	h = (struct history){ 0 };
	c = (struct circumstances){ .now_s = NOW, .facts = facts, .has_content = true };
	return 0;
}

static int end(void **state)
{
	json_decref(facts);
	return 0;
}

static void expect(enum step step, enum delivery state, int64_t again)
{
	struct decision what = decide(&d, &h, &c);

	assert_int_equal(what.step, step);
	assert_string_equal(delivery_name(what.state), delivery_name(state));
	assert_int_equal(what.again_s, again);
}

static void what_is_required_is_fetched_and_run(void **state)
{
	c.has_content = false;
	expect(STEP_FETCH, DELIVERY_DOWNLOADING, 0);
	c.has_content = true;
	expect(STEP_RUN, DELIVERY_RUNNING, 0);
}

static void what_is_available_waits_for_a_user(void **state)
{
	d.purpose = PURPOSE_AVAILABLE;
	expect(STEP_NONE, DELIVERY_ACCEPTED, 0);
	h.requested = true;
	expect(STEP_RUN, DELIVERY_RUNNING, 0);
}

static void nothing_runs_before_its_time_or_after_its_end(void **state)
{
	d.available_s = NOW + 10;
	expect(STEP_NONE, DELIVERY_ACCEPTED, NOW + 10);
	d.available_s = 0;
	d.expires_s = NOW;
	expect(STEP_NONE, DELIVERY_EXPIRED, 0);
}

static void a_run_condition_that_does_not_hold_rejects(void **state)
{
	d.condition = never;
	expect(STEP_NONE, DELIVERY_REJECTED, 0);
}

static void a_program_runs_only_in_a_window_that_is_long_enough(void **state)
{
	struct window w;

	assert_true(window_parse("fri 01:00-02:00 utc", &w));
	c.windows = &w;
	c.window_count = 1;
	expect(STEP_NONE, DELIVERY_WAITING, NOW + 3600);
	c.now_s = NOW + 3600;
	expect(STEP_RUN, DELIVERY_RUNNING, 0);
	c.now_s = NOW + 3600 + 3001;
	expect(STEP_NONE, DELIVERY_WAITING, NOW + 3600 + 7 * 86400);
	d.limit_s = 4000;
	expect(STEP_NONE, DELIVERY_WAITING, 0);
	c.has_content = false;
	expect(STEP_FETCH, DELIVERY_DOWNLOADING, 0);
}

static void a_deadline_beats_windows_only_where_it_says_so(void **state)
{
	struct window w;

	assert_true(window_parse("sat 01:00-02:00 utc", &w));
	c.windows = &w;
	c.window_count = 1;
	d.deadline_s = NOW - 1;
	expect(STEP_NONE, DELIVERY_WAITING, NOW + 25 * 3600);
	d.deadline_beats_windows = true;
	expect(STEP_RUN, DELIVERY_RUNNING, 0);
	d.deadline_s = NOW + 50;
	expect(STEP_NONE, DELIVERY_WAITING, NOW + 50);
}

static void without_windows_it_runs_at_its_deadline(void **state)
{
	d.deadline_s = NOW + 50;
	expect(STEP_NONE, DELIVERY_WAITING, NOW + 50);
	c.now_s = NOW + 50;
	expect(STEP_RUN, DELIVERY_RUNNING, 0);
}

static void the_rerun_rule_decides_about_a_new_revision(void **state)
{
	static const struct {
		enum rerun rule;
		enum outcome outcome;
		enum delivery state;
	} rows[] = {
		{ RERUN_NEVER, OUTCOME_SUCCEEDED, DELIVERY_NO_RERUN },
		{ RERUN_NEVER, OUTCOME_FAILED, DELIVERY_NO_RERUN },
		{ RERUN_ALWAYS, OUTCOME_SUCCEEDED, DELIVERY_RUNNING },
		{ RERUN_ALWAYS, OUTCOME_FAILED, DELIVERY_RUNNING },
		{ RERUN_IF_FAILED, OUTCOME_SUCCEEDED, DELIVERY_NO_RERUN },
		{ RERUN_IF_FAILED, OUTCOME_FAILED, DELIVERY_RUNNING },
		{ RERUN_IF_SUCCEEDED, OUTCOME_SUCCEEDED, DELIVERY_RUNNING },
		{ RERUN_IF_SUCCEEDED, OUTCOME_FAILED, DELIVERY_NO_RERUN },
		{ RERUN_NEVER, OUTCOME_NONE, DELIVERY_RUNNING },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		d.rerun = rows[i].rule;
		d.revision = 2;
		h = (struct history){ .version = 1,
				      .revision = 1,
				      .state = DELIVERY_SUCCEEDED,
				      .outcome = rows[i].outcome,
				      .finished = true };
		assert_string_equal(delivery_name(decide(&d, &h, &c).state),
				    delivery_name(rows[i].state));
	}
}

static void what_is_done_stays_done_until_a_new_version(void **state)
{
	h = (struct history){ .version = 1,
			      .state = DELIVERY_SUCCEEDED,
			      .outcome = OUTCOME_SUCCEEDED,
			      .finished = true };
	expect(STEP_NONE, DELIVERY_SUCCEEDED, 0);
	d.version = 2;
	expect(STEP_RUN, DELIVERY_RUNNING, 0);
}

static void what_is_to_be_tried_again_waits_for_its_time(void **state)
{
	(void)decide(&d, &h, &c);
	h.retry_at_s = NOW + 60;
	expect(STEP_NONE, DELIVERY_RETRYING, NOW + 60);
	c.now_s = NOW + 60;
	expect(STEP_RUN, DELIVERY_RUNNING, 0);
}

static void exit_codes_mean_what_installers_mean_by_them(void **state)
{
	d.success[0] = 1605;
	d.success_count = 1;
	assert_int_equal(ending_of(&d, 0), ENDED_WELL);
	assert_int_equal(ending_of(&d, 3010), ENDED_REBOOT_NEEDED);
	assert_int_equal(ending_of(&d, 194), ENDED_REBOOT_NEEDED);
	assert_int_equal(ending_of(&d, 1641), ENDED_REBOOTING);
	assert_int_equal(ending_of(&d, 1618), ENDED_BUSY);
	assert_int_equal(ending_of(&d, 1605), ENDED_WELL);
	assert_int_equal(ending_of(&d, 1), ENDED_BADLY);
}

static void every_state_that_is_decided_upon_may_be_moved_to(void **state)
{
	static const enum delivery decided[] = { DELIVERY_ACCEPTED, DELIVERY_REJECTED,
						 DELIVERY_EXPIRED,  DELIVERY_NO_RERUN,
						 DELIVERY_WAITING,  DELIVERY_DOWNLOADING };

	for (unsigned from = 0; from < DELIVERY_COUNT; from++) {
		for (size_t i = 0; i < ARRAY_LEN(decided); i++) {
			bool may = delivery_may(from, decided[i]);

			if (may != (from != DELIVERY_RUNNING))
				fail_msg("%s -> %s", delivery_name(from),
					 delivery_name(decided[i]));
		}
	}
}

static void a_deployment_survives_its_document(void **state)
{
	struct deployment back auto_deployment = { 0 };
	struct content_failure why = { 0 };
	json_t *json auto_json = NULL;

	d.success[0] = 7;
	d.success_count = 1;
	d.restart = RESTART_RUN;
	d.order = -3;
	json = deployment_to_json(&d);
	assert_non_null(json);
	assert_true(deployment_from_json(json, &back, &why));
	assert_string_equal(back.command[0], "install");
	assert_int_equal(back.success[0], 7);
	assert_int_equal(back.restart, RESTART_RUN);
	assert_int_equal(back.order, -3);
}

static void a_deployment_that_is_not_whole_is_refused(void **state)
{
	json_t *json auto_json = deployment_to_json(&d);
	void *at;

	/* Each member is needed. */
	for (at = json_object_iter(json); at; at = json_object_iter_next(json, at)) {
		struct deployment back auto_deployment = { 0 };
		json_t *less auto_json = json_copy(json);

		json_object_del(less, json_object_iter_key(at));
		if (deployment_from_json(less, &back, NULL))
			fail_msg("without %s", json_object_iter_key(at));
	}
	json_object_set_new(json, "id", json_string("../x"));
	struct deployment back auto_deployment = { 0 };
	assert_false(deployment_from_json(json, &back, NULL));
}

#define DECIDE_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

static void a_clock_that_was_ahead_puts_no_try_off(void **state)
{
	h.version = 1;
	h.retry_at_s = NOW + 5 * 365 * (int64_t)86400;
	assert_int_equal(decide(&d, &h, &c).step, STEP_RUN);
	h.retry_at_s = NOW + 7200;
	assert_int_equal(decide(&d, &h, &c).step, STEP_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DECIDE_TEST(what_is_required_is_fetched_and_run),
		DECIDE_TEST(what_is_available_waits_for_a_user),
		DECIDE_TEST(nothing_runs_before_its_time_or_after_its_end),
		DECIDE_TEST(a_run_condition_that_does_not_hold_rejects),
		DECIDE_TEST(a_program_runs_only_in_a_window_that_is_long_enough),
		DECIDE_TEST(a_deadline_beats_windows_only_where_it_says_so),
		DECIDE_TEST(without_windows_it_runs_at_its_deadline),
		DECIDE_TEST(the_rerun_rule_decides_about_a_new_revision),
		DECIDE_TEST(what_is_done_stays_done_until_a_new_version),
		DECIDE_TEST(what_is_to_be_tried_again_waits_for_its_time),
		DECIDE_TEST(a_clock_that_was_ahead_puts_no_try_off),
		DECIDE_TEST(exit_codes_mean_what_installers_mean_by_them),
		DECIDE_TEST(every_state_that_is_decided_upon_may_be_moved_to),
		DECIDE_TEST(a_deployment_survives_its_document),
		DECIDE_TEST(a_deployment_that_is_not_whole_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
