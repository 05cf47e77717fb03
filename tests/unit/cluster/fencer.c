// SPDX-License-Identifier: Apache-2.0
/* Pacemaker's library of fencing as berthd loads it: there, or not, or not as it was. */
#include "../../../src/cluster/fencer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The library of this test, laid out as that of Pacemaker is. */
struct stonith;
struct operations {
	int (*free)(struct stonith *connection);
	int (*connect)(struct stonith *connection, const char *name, int *fd);
	int (*disconnect)(struct stonith *connection);
	void (*others[13])(void);
	int (*register_notification)(struct stonith *connection, const char *event,
				     void (*callback)(struct stonith *connection, void *event));
};
struct stonith {
	int state, calls, unused;
	void *own;
	struct operations *do_;
};

static bool installed, talks, tells, lives;
static const char *lacks;
static int made, ended;

static int connect(struct stonith *connection, const char *name, int *fd)
{
	assert_string_equal(name, "berthd");
	*fd = talks ? 7 : -1;
	return talks ? 0 : -107;
}

static int register_notification(struct stonith *connection, const char *event,
				 void (*callback)(struct stonith *connection, void *event))
{
	assert_string_equal(event, "st_notify_history");
	assert_non_null(callback);
	return tells ? 0 : -22;
}

static struct operations operations = { .connect = connect,
					.register_notification = register_notification };
static struct stonith the_one = { .do_ = &operations };

static struct stonith *make(void)
{
	made++;
	return &the_one;
}

static void end(struct stonith *connection)
{
	assert_ptr_equal(connection, &the_one);
	ended++;
}

static bool dispatch(struct stonith *connection)
{
	assert_ptr_equal(connection, &the_one);
	return lives;
}

static const struct {
	const char *name;
	void (*function)(void);
} symbols[] = {
	{ "stonith_api_new", (void (*)(void))make },
	{ "stonith_api_delete", (void (*)(void))end },
	{ "stonith_dispatch", (void (*)(void))dispatch },
};

/* What the linker puts in place of the C library's (--wrap): only where Berth itself asks, as
 * sanitizers ask, too. */
void *__wrap_dlopen(const char *name, int mode);
void *__wrap_dlsym(void *restrict library, const char *restrict name);

void *__wrap_dlopen(const char *name, int mode)
{
	assert_string_equal(name, "libstonithd.so.26");
	return installed ? &the_one : NULL;
}

void *__wrap_dlsym(void *restrict library, const char *restrict name)
{
	void *found = NULL;

	assert_ptr_equal(library, &the_one);
	for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
		if (!strcmp(symbols[i].name, name) && (!lacks || strcmp(lacks, name) != 0))
			memcpy(&found, &symbols[i].function, sizeof(found));
	}
	return found;
}

static int setup(void **state)
{
	installed = talks = tells = lives = true;
	lacks = NULL;
	made = ended = 0;
	return 0;
}

static void is_refused(int connections)
{
	struct fencer f = { .fd = -1 };

	assert_false(fencer_connect(&f));
	assert_int_equal(f.fd, -1);
	assert_null(f.connection);
	assert_int_equal(made, connections);
	assert_int_equal(ended, connections);
}

/* First, as the library is loaded once only. */
static void without_the_library_there_is_no_connection_and_it_is_looked_for_again(void **state)
{
	struct fencer f = { .fd = -1 };

	installed = false;
	is_refused(0);
	is_refused(0);
	installed = true;
	assert_true(fencer_connect(&f));
	fencer_disconnect(&f);
}

static void a_library_that_lacks_a_call_is_not_used(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
		lacks = symbols[i].name;
		is_refused(0);
	}
}

static void a_fencer_that_does_not_answer_or_tell_leaves_no_connection(void **state)
{
	talks = false;
	is_refused(1);
	talks = true;
	tells = false;
	is_refused(2);
}

static void a_connection_ends_with_the_fencer(void **state)
{
	struct fencer f = { .fd = -1 };

	assert_true(fencer_connect(&f));
	assert_int_equal(f.fd, 7);
	fencer_take_in(&f);
	assert_int_equal(f.fd, 7);
	lives = false;
	fencer_take_in(&f);
	assert_int_equal(f.fd, -1);
	assert_null(f.connection);
	assert_int_equal(ended, 1);
	fencer_disconnect(&f);
	assert_int_equal(ended, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(without_the_library_there_is_no_connection_and_it_is_looked_for_again),
		TEST(a_library_that_lacks_a_call_is_not_used),
		TEST(a_fencer_that_does_not_answer_or_tell_leaves_no_connection),
		TEST(a_connection_ends_with_the_fencer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
