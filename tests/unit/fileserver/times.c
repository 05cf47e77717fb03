// SPDX-License-Identifier: Apache-2.0
/* Times that handles set, stop and let go (MS-FSA 2.1.5.15.2, MS-FSCC 2.4.7). */
#include "opens_fixture.h"

#define SET   126000000000000000u /* some day in 2000 */
#define LATER (SET + 77)
#define GO_ON (UINT64_MAX - 1)

static struct open *writer(const char *path)
{
	return OPEN(.path = path, .access = FILE_ALL_ACCESS, .disposition = FILE_OPEN_IF,
		    .token = F.admin);
}

static void set_write(struct open *open, uint64_t time)
{
	const struct file_set set = { .last_write_time = time };

	assert_status(open_set_basic(open, &set), STATUS_SUCCESS);
}

static void set_access(struct open *open, uint64_t time)
{
	const struct file_set set = { .last_access_time = time };

	assert_status(open_set_basic(open, &set), STATUS_SUCCESS);
}

static struct file_facts facts_of(struct open *open)
{
	struct file_facts facts;

	assert_status(open_query_attributes(open, &facts), STATUS_SUCCESS);
	return facts;
}

static void write_byte(struct open *open)
{
	assert_status(open_check_write(open, 0, 1), STATUS_SUCCESS);
	assert_int_equal(pwrite(open_facts(open)->node->fd, "x", 1, 0), 1);
	open_wrote(open, 0, 1);
}

static void read_byte(struct open *open)
{
	char byte;

	assert_status(open_check_read(open, 0, 1), STATUS_SUCCESS);
	assert_int_equal(pread(open_facts(open)->node->fd, &byte, 1, 0), 1);
}

static void a_time_that_is_held_stays_when_another_that_held_it_ends(void **state)
{
	struct open *first = writer("f"), *second = writer("f");

	(void)state;
	set_write(first, SET);
	set_write(second, LATER);
	done(first);
	write_byte(second);
	assert_int_equal(facts_of(second).last_write_time.ticks, LATER);
	done(second);
	second = writer("f");
	assert_int_equal(facts_of(second).last_write_time.ticks, LATER);
	done(second);
}

static void a_time_that_is_let_go_stays_until_something_moves_it(void **state)
{
	struct open *open = writer("f");

	(void)state;
	set_write(open, SET);
	write_byte(open);
	set_write(open, GO_ON);
	assert_int_equal(facts_of(open).last_write_time.ticks, SET);
	write_byte(open);
	assert_true(facts_of(open).last_write_time.ticks > SET);
	done(open);
}

static void reading_through_who_set_the_access_time_does_not_move_it(void **state)
{
	struct open *open = writer("f");

	(void)state;
	write_byte(open);
	set_access(open, SET);
	read_byte(open);
	assert_int_equal(facts_of(open).last_access_time.ticks, SET);
	done(open);
	open = writer("f");
	assert_int_equal(facts_of(open).last_access_time.ticks, SET);
	done(open);
}

static void what_the_handle_of_a_stream_holds_ends_with_it(void **state)
{
	struct open *file = writer("f"), *stream = writer("f:s");

	(void)state;
	set_write(stream, SET);
	assert_int_equal(facts_of(file).last_write_time.ticks, SET);
	set_access(stream, SET);
	done(stream);
	assert_int_equal(facts_of(file).last_access_time.ticks, SET);
	set_access(file, LATER); /* nobody else's is in the way */
	set_access(file, GO_ON);
	write_byte(file);
	assert_true(facts_of(file).last_write_time.ticks > SET);
	assert_int_equal(facts_of(file).last_access_time.ticks, LATER);
	done(file);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_time_that_is_held_stays_when_another_that_held_it_ends),
		TEST(a_time_that_is_let_go_stays_until_something_moves_it),
		TEST(reading_through_who_set_the_access_time_does_not_move_it),
		TEST(what_the_handle_of_a_stream_holds_ends_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
