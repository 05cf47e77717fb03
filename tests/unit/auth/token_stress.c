// SPDX-License-Identifier: Apache-2.0
/* Tokens are shared by loops: references taken and put by several threads at once (run under TSan).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <auth/access.h>
#include <pthread.h>

#define THREADS 4
#define ROUNDS	5000

struct shared {
	struct token *token;
	struct security_descriptor *sd;
	unsigned refused;
};

/* Each thread owns one reference when it starts, and drops it at its end. */
static void *use_and_put(void *arg)
{
	struct shared *s = arg;
	unsigned refused = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct token *t auto_token = token_get(s->token);
		uint32_t granted;

		refused += access_check(s->sd, t, GENERIC_READ, &granted) != STATUS_SUCCESS;
	}
	__atomic_fetch_add(&s->refused, refused, __ATOMIC_RELAXED);
	token_put(s->token);
	return NULL;
}

static void a_token_is_used_by_many_threads_and_freed_by_the_last(void **state)
{
	struct shared s = { 0 };
	pthread_t threads[THREADS];

	s.token = token_new(&(struct token_info){ .user = SID_USERS, .user_name = "alice" });
	assert_non_null(s.token);
	assert_int_equal(sd_parse_sddl("O:BAD:(A;;FR;;;AU)", &s.sd), STATUS_SUCCESS);
	for (int i = 0; i < THREADS; i++) {
		token_get(s.token);
		assert_int_equal(pthread_create(&threads[i], NULL, use_and_put, &s), 0);
	}
	token_put(s.token); /* the maker's: from here on only the threads keep it */
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(s.refused, 0);
	free(s.sd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_used_by_many_threads_and_freed_by_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
