// SPDX-License-Identifier: Apache-2.0
/* Programs of packages: run, bounded, and nothing of them left. */
#include <agent/runner.h>

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct run_result result;
static char directory[] = "/tmp/berth-runner-XXXXXX";

static void run(int64_t limit_s, const char *first, const char *second, const char *third)
{
	auto_free char *a = xstrdup(first), *b = second ? xstrdup(second) : NULL,
		       *c = third ? xstrdup(third) : NULL;
	char *const command[] = { a, b, c, NULL };
	const struct run_options options = { .command = command,
					     .directory = directory,
					     .limit_s = limit_s };

	run_program(&options, &result);
}

/* The shell is the test's own program here; the runner starts none. */
static void script(int64_t limit_s, const char *text)
{
	run(limit_s, "sh", "-c", text);
}

static bool is_alive(const char *name)
{
	auto_free char *path = xasprintf("%s/%s", directory, name);
	FILE *file = fopen(path, "re");
	int pid = 0;

	if (!file || fscanf(file, "%d", &pid) != 1)
		fail_msg("%s was not written", name);
	fclose(file);
	return !kill(pid, 0);
}

static int make_directory(void **state)
{
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	static const char *const names[] = { "pid", "tool" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		auto_free char *path = xasprintf("%s/%s", directory, names[i]);

		unlink(path);
	}
	return rmdir(directory);
}

static void an_exit_code_and_output_come_back(void **state)
{
	script(20, "echo out; echo err >&2; exit 7");
	assert_int_equal(result.error, 0);
	assert_int_equal(result.code, 7);
	assert_int_equal(result.signal, 0);
	assert_string_equal(result.output, "out\nerr\n");
}

static void words_are_not_for_a_shell(void **state)
{
	run(20, "echo", "$(id); `id` | x > y", "*");
	assert_string_equal(result.output, "$(id); `id` | x > y *\n");
}

static void a_missing_program_is_an_error(void **state)
{
	run(20, "no-such-program", NULL, NULL);
	assert_int_equal(result.error, ENOENT);
	run(20, "/etc/passwd", NULL, NULL);
	assert_int_equal(result.error, EACCES);
}

static void a_program_of_the_package_comes_first(void **state)
{
	auto_free char *path = xasprintf("%s/tool", directory);
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs("#!/bin/sh\npwd\n", file);
	fchmod(fileno(file), 0755);
	fclose(file);
	run(20, "tool", NULL, NULL);
	result.output[strcspn(result.output, "\n")] = 0;
	assert_string_equal(result.output, directory);
}

static void a_program_that_hangs_is_ended_at_its_limit(void **state)
{
	uint64_t began = monotonic_ms();

	script(1, "echo $$ > pid; sleep 600");
	assert_true(result.timed_out);
	assert_true(monotonic_ms() - began < 60000);
	assert_false(is_alive("pid"));
}

static void one_that_ignores_the_polite_signal_is_ended_too(void **state)
{
	script(1, "trap '' TERM; echo $$ > pid; while :; do sleep 1; done");
	assert_true(result.timed_out);
	assert_false(is_alive("pid"));
}

static void the_polite_signal_is_heard(void **state)
{
	script(1, "trap 'echo polite; exit 0' TERM; sleep 600 & wait");
	assert_true(result.timed_out);
	assert_string_equal(result.output, "polite\n");
}

static void a_daemon_that_is_left_behind_is_ended(void **state)
{
	/* A pid that another test left would end the wait before this one is written. */
	script(30, "rm -f pid; setsid sh -c 'echo $$ > pid; sleep 600' >/dev/null 2>&1 & "
		   "while [ ! -s pid ]; do sleep 0.05; done; rm -f x; exit 3");
	assert_int_equal(result.code, 3);
	assert_true(result.left >= 1);
	assert_false(is_alive("pid"));
}

static void one_that_forks_on_is_ended(void **state)
{
	script(1, "f() { sleep 0.01; f & }; echo $$ > pid; f; f; f; sleep 600");
	assert_true(result.timed_out);
	assert_false(is_alive("pid"));
}

static void output_is_bounded_and_its_end_is_kept(void **state)
{
	script(60, "head -c 3000000 /dev/zero | tr '\\0' x; echo end");
	assert_int_equal(result.output_total, 3000004);
	assert_int_equal(result.output_length, RUN_OUTPUT_MAX);
	assert_string_equal(result.output + RUN_OUTPUT_MAX - 5, "xend\n");
}

static void a_signal_is_told_from_an_exit(void **state)
{
	script(20, "kill -SEGV $$");
	assert_int_equal(result.signal, SIGSEGV);
	assert_false(result.timed_out);
}

static void descriptors_of_the_agent_are_not_handed_on(void **state)
{
	int fd = dup(0);

	script(20, "ls /proc/self/fd | tr '\\n' ' '");
	close(fd);
	assert_string_equal(result.output, "0 1 2 3 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_exit_code_and_output_come_back),
		cmocka_unit_test(words_are_not_for_a_shell),
		cmocka_unit_test(a_missing_program_is_an_error),
		cmocka_unit_test(a_program_of_the_package_comes_first),
		cmocka_unit_test(a_program_that_hangs_is_ended_at_its_limit),
		cmocka_unit_test(the_polite_signal_is_heard),
		cmocka_unit_test(one_that_ignores_the_polite_signal_is_ended_too),
		cmocka_unit_test(a_daemon_that_is_left_behind_is_ended),
		cmocka_unit_test(one_that_forks_on_is_ended),
		cmocka_unit_test(output_is_bounded_and_its_end_is_kept),
		cmocka_unit_test(a_signal_is_told_from_an_exit),
		cmocka_unit_test(descriptors_of_the_agent_are_not_handed_on),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
