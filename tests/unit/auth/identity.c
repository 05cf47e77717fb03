// SPDX-License-Identifier: Apache-2.0
/* Whom a session acts as, and that threads read it while it becomes another (run under TSan). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <auth/identity.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define THREADS 3

static struct token *user(unsigned rid, bool more)
{
	char name[16];
	const struct sid domain = SID_USERS;

	snprintf(name, sizeof(name), "user%u", rid);
	return token_new(&(struct token_info){ .user = sid_child(&domain, rid),
					       .user_name = name,
					       .groups = &SID_BACKUP_OPERATORS,
					       .group_count = more });
}

static void become(struct identity *identity, unsigned rid, bool more, bool expected)
{
	struct token *t auto_token = user(rid, more);

	assert_non_null(t);
	assert_int_equal(identity_become(identity, t), expected);
}

static struct identity *of_user(unsigned rid)
{
	struct token *t auto_token = user(rid, false);

	return identity_new(t);
}

static void the_token_is_the_one_of_who_came_last(void **state)
{
	struct identity *identity = of_user(1);
	const struct token *first = identity_token(identity);

	become(identity, 2, false, true);
	assert_string_equal(identity_token(identity)->user_name, "user2");
	assert_string_equal(first->user_name, "user1"); /* and is still there to read */
	become(identity, 1, false, true);
	assert_ptr_equal(identity_token(identity), first);
	identity_put(identity);
}

static void the_same_account_with_other_groups_is_another(void **state)
{
	struct identity *identity = of_user(1);
	const struct token *first = identity_token(identity);

	become(identity, 1, true, true);
	assert_ptr_not_equal(identity_token(identity), first);
	assert_true(identity_token(identity)->privileges & PRIVILEGE_BACKUP);
	identity_put(identity);
}

static void there_is_a_limit_to_how_many_it_was(void **state)
{
	struct identity *identity = of_user(0);

	for (unsigned rid = 1; rid < IDENTITY_MAX_TOKENS; rid++)
		become(identity, rid, false, true);
	become(identity, IDENTITY_MAX_TOKENS, false, false);
	assert_string_equal(identity_token(identity)->user_name, "user15");
	become(identity, 3, false, true); /* one that it has been */
	assert_string_equal(identity_token(identity)->user_name, "user3");
	identity_put(identity);
}

struct shared {
	struct identity *identity;
	atomic_bool stop;
};

static void *read_on(void *arg)
{
	struct shared *s = arg;
	size_t wrong = 0;

	while (!atomic_load(&s->stop))
		wrong += strncmp(identity_token(s->identity)->user_name, "user", 4) != 0;
	identity_put(s->identity);
	return (void *)wrong;
}

static void others_read_it_while_it_changes(void **state)
{
	struct shared s = { .identity = of_user(0) };
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++) {
		identity_get(s.identity);
		assert_int_equal(pthread_create(&threads[i], NULL, read_on, &s), 0);
	}
	for (unsigned i = 0; i < 2000; i++)
		become(s.identity, i % IDENTITY_MAX_TOKENS, false, true);
	identity_put(s.identity); /* the readers' own keep it */
	atomic_store(&s.stop, true);
	for (int i = 0; i < THREADS; i++) {
		void *wrong;

		assert_int_equal(pthread_join(threads[i], &wrong), 0);
		assert_null(wrong);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_token_is_the_one_of_who_came_last),
		cmocka_unit_test(the_same_account_with_other_groups_is_another),
		cmocka_unit_test(there_is_a_limit_to_how_many_it_was),
		cmocka_unit_test(others_read_it_while_it_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
