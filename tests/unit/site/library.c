// SPDX-License-Identifier: Apache-2.0
/* The keys of a site: made once, and never in the place of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <site/db.h>
#include <site/library.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64];
static struct site *site;

static char *below(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static int set_up(void **state)
{
	char *why = NULL;

	strcpy(dir, "/var/tmp/berth-library-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(site_create(dir, "P01", "a test", &why), 0);
	assert_int_equal(site_open(dir, &site, &why), 0);
	return 0;
}

static int tear_down(void **state)
{
	auto_free char *command = xasprintf("rm -rf %s", dir);

	site_close(site);
	return system(command);
}

static bool opens(char owner[SHA256_HEX_SIZE])
{
	struct site_library library auto_library = { 0 };
	auto_free char *why = NULL;

	if (library_open(site, &library, &why)) {
		assert_non_null(why);
		return false;
	}
	memcpy(owner, library.owner, SHA256_HEX_SIZE);
	return true;
}

static void keys_are_made_once(void **state)
{
	char first[SHA256_HEX_SIZE], second[SHA256_HEX_SIZE];
	auto_free char *left = below("keys.new");

	assert_true(opens(first));
	assert_true(opens(second));
	assert_string_equal(first, second);
	assert_int_equal(access(left, F_OK), -1);
}

static void an_owner_that_cannot_be_read_makes_no_new_keys(void **state)
{
	auto_free char *owner = below("keys/owner"), *kept = below("kept"),
		       *root = below("keys/root.pem");
	char first[SHA256_HEX_SIZE], again[SHA256_HEX_SIZE];
	struct stat before, after;

	assert_true(opens(first));
	assert_int_equal(stat(root, &before), 0);
	assert_int_equal(rename(owner, kept), 0);
	assert_false(opens(again)); /* gone */
	assert_int_equal(mkdir(owner, 0700), 0);
	assert_false(opens(again)); /* not to be read */
	assert_int_equal(rmdir(owner), 0);
	close(open(owner, O_WRONLY | O_CREAT, 0600));
	assert_false(opens(again)); /* not whole */
	assert_int_equal(stat(root, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(rename(kept, owner), 0);
	assert_true(opens(again));
	assert_string_equal(first, again);
}

static void keys_that_are_gone_are_not_made_anew(void **state)
{
	auto_free char *keys = below("keys"), *kept = below("kept"), *fresh = below("keys.new");
	char first[SHA256_HEX_SIZE], again[SHA256_HEX_SIZE];

	assert_true(opens(first));
	assert_int_equal(rename(keys, kept), 0);
	assert_false(opens(again));
	assert_int_equal(access(keys, F_OK) | access(fresh, F_OK), -1);
	assert_int_equal(rename(kept, keys), 0);
	assert_true(opens(again));
	assert_string_equal(first, again);
}

/* As an interrupted first use leaves it: everything but the last name. */
static void a_first_use_that_was_interrupted_goes_on(void **state)
{
	auto_free char *keys = below("keys"), *fresh = below("keys.new");
	char first[SHA256_HEX_SIZE], again[SHA256_HEX_SIZE];

	assert_true(opens(first));
	assert_int_equal(rename(keys, fresh), 0);
	assert_true(opens(again));
	assert_string_equal(first, again);
}

static void root_does_not_work_on_what_is_of_another(void **state)
{
	auto_free char *why = NULL;
	int status;
	pid_t pid;

	if (geteuid())
		skip();
	assert_int_equal(chown(dir, 65534, 65534), 0);
	pid = fork();
	if (!pid)
		_exit(site_become_owner(dir, &why) || geteuid() != 65534 || getegid() != 65534 ||
		      !setuid(0) || !setgid(0) || getgroups(0, NULL) != 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(chown(dir, 0, 0), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keys_are_made_once),
		TEST(an_owner_that_cannot_be_read_makes_no_new_keys),
		TEST(keys_that_are_gone_are_not_made_anew),
		TEST(a_first_use_that_was_interrupted_goes_on),
		TEST(root_does_not_work_on_what_is_of_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
