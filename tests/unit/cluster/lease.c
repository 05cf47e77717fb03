// SPDX-License-Identifier: Apache-2.0
/* The lease of a home, taken by nodes that are threads of one test: each has a file descriptor of
 * its own. */
#include <cluster/home_lease.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <errno.h>

static int64_t jump_s; /* what this machine's clock is wrong by */

/* In place of the library's: the clock on the wall jumps, those that only count do not. */
int clock_gettime(clockid_t clock, struct timespec *ts)
{
	int answer = (int)syscall(SYS_clock_gettime, clock, ts);

	if (clock == CLOCK_REALTIME)
		ts->tv_sec += __atomic_load_n(&jump_s, __ATOMIC_SEQ_CST);
	return answer;
}

static char home[64];
static bool quorate, gone;
static char last_words[512];

static bool may_hold(void *arg, const char **why)
{
	*why = "no quorum";
	return __atomic_load_n(&quorate, __ATOMIC_SEQ_CST);
}

static bool is_gone(void *arg, const char *node)
{
	return gone;
}

static void lost(void *arg, const char *why)
{
	snprintf(last_words, sizeof(last_words), "%s", why);
	__atomic_store_n((bool *)arg, true, __ATOMIC_SEQ_CST);
}

static int take(const char *node, bool *is_lost, struct home_lease **out, char **why)
{
	const struct home_lease_config config = { .home = home,
						  .node = node,
						  .boot_id = "boot",
						  .may_hold = may_hold,
						  .is_gone = is_gone,
						  .lost = lost,
						  .arg = is_lost };

	*why = NULL;
	return home_lease_take(&config, 1, out, why);
}

static void await(bool *what)
{
	struct timespec nap = { .tv_nsec = 20 * 1000000 };

	for (int i = 0; i < 500 && !__atomic_load_n(what, __ATOMIC_SEQ_CST); i++)
		nanosleep(&nap, NULL);
	assert_true(*what);
}

static int setup(void **state)
{
	snprintf(home, sizeof(home), "/var/tmp/berth-lease.XXXXXX");
	quorate = true;
	gone = false;
	return mkdtemp(home) ? 0 : -1;
}

static int teardown(void **state)
{
	auto_free char *block = xasprintf("%s/lease", home);
	auto_free char *lock = xasprintf("%s/owner.lock", home);

	unlink(block);
	unlink(lock);
	return rmdir(home);
}

static void a_released_lease_is_taken_at_once_under_a_higher_epoch(void **state)
{
	struct home_lease *lease;
	bool is_lost = false;
	uint64_t first, began;
	char *why;

	assert_int_equal(take("a", &is_lost, &lease, &why), 0);
	first = home_lease_epoch(lease);
	assert_true(home_lease_holds(lease));
	home_lease_release(lease);
	began = monotonic_ms();
	assert_int_equal(take("b", &is_lost, &lease, &why), 0);
	assert_true(monotonic_ms() - began < LEASE_WATCH_MS);
	assert_true(home_lease_epoch(lease) > first);
	home_lease_release(lease);
	assert_false(is_lost);
}

static void a_live_lease_is_refused_with_the_name_of_its_node(void **state)
{
	struct home_lease *lease, *other = NULL;
	bool is_lost = false;
	char *why;

	assert_int_equal(take("a", &is_lost, &lease, &why), 0);
	assert_int_equal(take("b", &is_lost, &other, &why), -EBUSY);
	assert_non_null(strstr(why, "node a "));
	free(why);
	assert_true(home_lease_holds(lease));
	home_lease_release(lease);
}

static void a_clock_that_jumps_neither_ends_a_lease_nor_lets_it_live_on(void **state)
{
	static const int64_t jumps[] = { 86400, -86400, 0 };
	const struct timespec nap = { .tv_nsec = (LEASE_BEAT_MS + 200) * 1000000L };
	struct home_lease *lease, *other = NULL;
	bool is_lost = false;
	char *why;

	assert_int_equal(take("a", &is_lost, &lease, &why), 0);
	for (size_t i = 0; i < ARRAY_LEN(jumps); i++) {
		__atomic_store_n(&jump_s, jumps[i], __ATOMIC_SEQ_CST);
		assert_true(home_lease_holds(lease));
		nanosleep(&nap, NULL);
		assert_true(home_lease_holds(lease));
	}
	__atomic_store_n(&jump_s, 86400, __ATOMIC_SEQ_CST);
	assert_int_equal(take("b", &is_lost, &other, &why), -EBUSY);
	free(why);
	__atomic_store_n(&quorate, false, __ATOMIC_SEQ_CST);
	__atomic_store_n(&jump_s, -86400, __ATOMIC_SEQ_CST);
	await(&is_lost);
	assert_false(home_lease_holds(lease));
	home_lease_release(lease);
	__atomic_store_n(&jump_s, 0, __ATOMIC_SEQ_CST);
}

static void what_is_no_file_is_no_lease(void **state)
{
	auto_free char *path = xasprintf("%s/lease", home);
	struct home_lease_record record;
	struct home_lease *lease;
	bool is_lost = false;
	char *why;

	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(home_lease_record_read(home, &record), -EUCLEAN);
	assert_int_not_equal(take("a", &is_lost, &lease, &why), 0);
	free(why);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_not_equal(take("a", &is_lost, &lease, &why), 0);
	free(why);
}

static void a_node_that_is_known_to_be_gone_is_not_waited_for(void **state)
{
	struct home_lease *lease, *other;
	bool lost_a = false, lost_b = false;
	uint64_t began = monotonic_ms();
	char *why;

	assert_int_equal(take("a", &lost_a, &lease, &why), 0);
	gone = true;
	assert_int_equal(take("b", &lost_b, &other, &why), 0);
	assert_true(monotonic_ms() - began < LEASE_WATCH_MS);
	/* It was not gone at all: it finds the higher epoch, and is through. */
	await(&lost_a);
	assert_false(home_lease_holds(lease));
	assert_non_null(strstr(last_words, "higher epoch"));
	assert_true(home_lease_holds(other));
	home_lease_release(lease);
	assert_true(home_lease_holds(other));
	home_lease_release(other);
	assert_false(lost_b);
}

static void without_a_quorum_it_is_lost(void **state)
{
	struct home_lease *lease;
	bool is_lost = false;
	char *why;

	assert_int_equal(take("a", &is_lost, &lease, &why), 0);
	__atomic_store_n(&quorate, false, __ATOMIC_SEQ_CST);
	await(&is_lost);
	assert_false(home_lease_holds(lease));
	__atomic_store_n(&quorate, true, __ATOMIC_SEQ_CST);
	assert_false(home_lease_holds(lease)); /* and stays so */
	home_lease_release(lease);
}

static void the_lease_of_an_owner_that_ended_can_be_cleared(void **state)
{
	struct home_lease_record record;
	struct home_lease *lease;
	bool is_lost = false;
	char *why;

	assert_int_equal(take("a", &is_lost, &lease, &why), 0);
	assert_int_equal(home_lease_clear(home, "b"), 0); /* not its own: left alone */
	assert_int_equal(home_lease_record_read(home, &record), 0);
	assert_true(record.is_held);
	assert_int_equal(home_lease_clear(home, "a"), 0);
	assert_int_equal(home_lease_record_read(home, &record), 0);
	assert_false(record.is_held);
	home_lease_release(lease);
}

struct contender {
	const char *node;
	pthread_t thread;
	struct home_lease *lease;
	bool is_lost;
	int error;
};

static void *contend(void *arg)
{
	struct contender *c = arg;
	char *why;

	c->error = take(c->node, &c->is_lost, &c->lease, &why);
	free(why);
	return NULL;
}

static void of_two_that_watch_a_silent_lease_one_gets_it(void **state)
{
	auto_free char *path = xasprintf("%s/lease", home);
	struct contender two[] = { { .node = "a" }, { .node = "b" } };
	FILE *file = fopen(path, "w");

	fprintf(file, "{\"node\":\"ghost\",\"boot_id\":\"x\",\"pid\":1,\"epoch\":4,\"beats\":2,"
		      "\"held\":true}\n");
	fclose(file);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&two[i].thread, NULL, contend, &two[i]), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(two[i].thread, NULL);
	assert_int_equal(!two[0].error + !two[1].error, 1);
	for (int i = 0; i < 2; i++) {
		if (two[i].lease) {
			assert_true(home_lease_holds(two[i].lease));
			assert_int_equal(home_lease_epoch(two[i].lease), 5);
			home_lease_release(two[i].lease);
		}
	}
}

static void damage_is_not_taken_for_a_lease(void **state)
{
	auto_free char *path = xasprintf("%s/lease", home);
	FILE *file = fopen(path, "w");
	struct home_lease *lease;
	bool is_lost = false;
	char *why;

	fputs("{\"node\":", file);
	fclose(file);
	assert_int_equal(take("a", &is_lost, &lease, &why), -EUCLEAN);
	assert_non_null(why);
	free(why);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_released_lease_is_taken_at_once_under_a_higher_epoch),
		TEST(a_live_lease_is_refused_with_the_name_of_its_node),
		TEST(a_clock_that_jumps_neither_ends_a_lease_nor_lets_it_live_on),
		TEST(what_is_no_file_is_no_lease),
		TEST(a_node_that_is_known_to_be_gone_is_not_waited_for),
		TEST(without_a_quorum_it_is_lost),
		TEST(the_lease_of_an_owner_that_ended_can_be_cleared),
		TEST(of_two_that_watch_a_silent_lease_one_gets_it),
		TEST(damage_is_not_taken_for_a_lease),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
