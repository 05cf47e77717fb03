// SPDX-License-Identifier: Apache-2.0
/* The moves of a package on a distribution point. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <site/distribution.h>

static void only_a_good_try_installs(void **state)
{
	static const enum distribution_verb verbs[] = { DIST_DISTRIBUTE, DIST_REDISTRIBUTE,
							DIST_VALIDATE };

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		assert_int_equal(distribution_move(verbs[i], true, true), DIST_INSTALLED);
		assert_int_equal(distribution_move(verbs[i], false, true), DIST_INSTALL_RETRYING);
		assert_int_equal(distribution_move(verbs[i], false, false), DIST_INSTALL_FAILED);
	}
}

static void a_removal_that_fails_is_a_removal_still(void **state)
{
	assert_int_equal(distribution_move(DIST_REMOVE, false, true), DIST_REMOVAL_RETRYING);
	assert_int_equal(distribution_move(DIST_REMOVE, false, false), DIST_REMOVAL_FAILED);
}

static void the_numbers_are_those_that_are_known(void **state)
{
	assert_string_equal(distribution_state_name((enum distribution_state)0), "installed");
	assert_string_equal(distribution_state_name((enum distribution_state)3), "install-failed");
	assert_string_equal(distribution_state_name((enum distribution_state)6), "removal-failed");
	assert_string_equal(distribution_state_name((enum distribution_state)7), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_good_try_installs),
		cmocka_unit_test(a_removal_that_fails_is_a_removal_still),
		cmocka_unit_test(the_numbers_are_those_that_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
