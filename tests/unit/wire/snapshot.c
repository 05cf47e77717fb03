// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/cursor.h>
#include <wire/snapshot.h>

static nttime at(int64_t unix_seconds)
{
	return nttime_from_timespec((struct timespec){ .tv_sec = unix_seconds });
}

static void a_time_and_its_token_lead_to_each_other(void **state)
{
	char token[GMT_TOKEN];
	nttime back;

	gmt_token(at(1764228600), token);
	assert_string_equal(token, "@GMT-2025.11.27-07.30.00");
	assert_true(gmt_token_parse(token, strlen(token), &back));
	assert_int_equal(back.ticks, at(1764228600).ticks);
}

static void what_is_no_time_is_no_token(void **state)
{
	static const char *const texts[] = {
		"@GMT-2025.02.30-07.30.00",
		"@GMT-2025.13.01-07.30.00",
		"@GMT-2025.11.27-24.30.00",
		"@GMT-2025.11.27-07.60.00",
		"@gmt-2025.11.27-07.30.00",
		"@GMT-2025.11.27 07.30.00",
		"@GMT-2025.11.27-07.30.0",
		"@GMT-2025.11.27-07.30.000",
		"@GMT-0000.00.00-00.00.00",
		"@GMT-2025.11.27-07.30.0x",
		"",
	};
	nttime ignored;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (gmt_token_parse(texts[i], strlen(texts[i]), &ignored))
			fail_msg("%s is a token", texts[i]);
}

static void a_list_that_does_not_fit_says_how_much_room_it_needs(void **state)
{
	const nttime times[] = { at(1764228600), at(1700000000) };
	const size_t whole = 12 + 2 * GMT_TOKEN * 2 + 2;
	struct buf auto_buf few = { 0 }, all = { 0 }, none = { 0 };
	struct cursor c;

	snapshot_array_encode(&few, times, 2, whole - 1);
	assert_int_equal(few.len, 16);
	c = cur_of(few.data, few.len);
	assert_int_equal(cur_u32le(&c), 2);
	assert_int_equal(cur_u32le(&c), 0);
	assert_int_equal(cur_u32le(&c), whole - 12);
	snapshot_array_encode(&all, times, 2, whole);
	assert_int_equal(all.len, whole);
	c = cur_of(all.data, all.len);
	cur_skip(&c, 4);
	assert_int_equal(cur_u32le(&c), 2);
	assert_int_equal(all.data[12], '@');
	assert_int_equal(all.data[12 + GMT_TOKEN * 2], '@');
	snapshot_array_encode(&none, NULL, 0, 16);
	assert_int_equal(none.len, 16);
	buf_free(&all);
	buf_free(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_time_and_its_token_lead_to_each_other),
		cmocka_unit_test(what_is_no_time_is_no_token),
		cmocka_unit_test(a_list_that_does_not_fit_says_how_much_room_it_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
