// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/thread.h>
#include <signal.h>
#include <string.h>

struct seen {
	char name[32];
	sigset_t blocked;
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool is_done;
};

static void *look(void *arg)
{
	struct seen *seen = arg;

	pthread_mutex_lock(&seen->lock);
	pthread_getname_np(pthread_self(), seen->name, sizeof(seen->name));
	pthread_sigmask(SIG_SETMASK, NULL, &seen->blocked);
	seen->is_done = true;
	pthread_cond_signal(&seen->done);
	pthread_mutex_unlock(&seen->lock);
	return seen;
}

static void signals_to_the_process_pass_a_thread_by_and_its_own_mistakes_do_not(void **state)
{
	struct seen seen = { .lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER };
	sigset_t before, after;
	pthread_t thread;
	void *result;

	(void)state;
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(thread_start(&thread, "one that looks around", look, &seen), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, &seen);
	assert_string_equal(seen.name, "one that looks ");
	assert_true(sigismember(&seen.blocked, SIGTERM));
	assert_true(sigismember(&seen.blocked, SIGUSR2));
	assert_false(sigismember(&seen.blocked, SIGSEGV));
	assert_false(sigismember(&seen.blocked, SIGABRT));
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	assert_int_equal(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
}

static void a_thread_that_nobody_joins_runs_as_well(void **state)
{
	static struct seen seen = { .lock = PTHREAD_MUTEX_INITIALIZER,
				    .done = PTHREAD_COND_INITIALIZER };

	(void)state;
	assert_int_equal(thread_start(NULL, "short", look, &seen), 0);
	pthread_mutex_lock(&seen.lock);
	while (!seen.is_done)
		pthread_cond_wait(&seen.done, &seen.lock);
	pthread_mutex_unlock(&seen.lock);
	assert_string_equal(seen.name, "short");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			signals_to_the_process_pass_a_thread_by_and_its_own_mistakes_do_not),
		cmocka_unit_test(a_thread_that_nobody_joins_runs_as_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
