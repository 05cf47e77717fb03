// SPDX-License-Identifier: Apache-2.0
/* The keys of a site: made once, and never in the place of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scratch.h"

#include "place_impl.h"
#include "publish_impl.h"

#include <crypto/crypto.h>
#include <fcntl.h>
#include <site/db.h>
#include <site/library.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int set_up(void **state)
{
	scratch_site_make("library");
	return 0;
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
	auto_free char *left = scratch_below("keys.new");

	assert_true(opens(first));
	assert_true(opens(second));
	assert_string_equal(first, second);
	assert_int_equal(access(left, F_OK), -1);
}

static void an_owner_that_cannot_be_read_makes_no_new_keys(void **state)
{
	auto_free char *owner = scratch_below("keys/owner"), *kept = scratch_below("kept"),
		       *root = scratch_below("keys/root.pem");
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
	auto_free char *keys = scratch_below("keys"), *kept = scratch_below("kept"),
		       *fresh = scratch_below("keys.new");
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
	auto_free char *keys = scratch_below("keys"), *fresh = scratch_below("keys.new");
	char first[SHA256_HEX_SIZE], again[SHA256_HEX_SIZE];

	assert_true(opens(first));
	assert_int_equal(rename(keys, fresh), 0);
	assert_true(opens(again));
	assert_string_equal(first, again);
}

/* A point that is slow: while it makes its drop, the policy is built anew many times. */
struct slow {
	struct place place;
	struct place *inner;
};

static struct place *inner_of(struct place *at)
{
	return container_of(at, struct slow, place)->inner;
}

static void slow_begin(struct place *at, struct place_request *rq)
{
	struct place_request copy = *rq;

	place_begin(inner_of(at), &copy);
	place_drain(inner_of(at));
	place_finish(at, rq, copy.status, copy.got);
}

static ntstatus slow_write(struct place *at, const char *name, const void *data, size_t length)
{
	return place_write(inner_of(at), name, data, length);
}

static ntstatus slow_list(struct place *at, const char *name, place_list_fn *each, void *owner)
{
	return place_list(inner_of(at), name, each, owner);
}

static void run(const char *sql)
{
	struct query q = query_begin(site, sql);

	assert_int_equal(query_run(&q, NULL), 0);
}

static ntstatus slow_make_directory(struct place *at, const char *name)
{
	run("UPDATE policy_state SET generation = generation + 100");
	return place_make_directory(inner_of(at), name);
}

static void a_slow_point_has_the_nodes_of_its_own_documents(void **state)
{
	static const struct place_ops ops = { .begin = slow_begin,
					      .write = slow_write,
					      .list = slow_list,
					      .make_directory = slow_make_directory };
	auto_free char *at = scratch_below("point"), *title = xstrdup("slow"), *why = NULL;
	struct slow slow = { .place = { .ops = &ops, .title = title, .depth = 4 } };
	struct site_library library = { 0 };
	auto_buf struct buf bytes = { 0 };
	uint8_t hash[SHA256_LENGTH];
	int64_t generation;
	struct query q;

	assert_int_equal(mkdir(at, 0755), 0);
	slow.inner = place_open_directory(at, NULL);
	assert_non_null(slow.inner);
	assert_int_equal(policy_publish(site, true, &why), 0);
	/* A node, as the policy for many clients has them. */
	assert_int_equal(library_open(site, &library, &why), 0);
	assert_true(hash_sha256("a node", 6, hash));
	assert_true(layout_write_target(library.place, hash, "a node", 6, NULL));
	assert_true(layout_prepare(slow.inner, library.owner, NULL));
	library_close(&library);
	q = query_begin(site, "INSERT INTO policy_nodes(hash, generation) VALUES(?1, 1)");
	query_blob(&q, hash, SHA256_LENGTH);
	assert_int_equal(query_run(&q, NULL), 0);
	/* It is sent, and stays. */
	for (int i = 0; i < 2; i++) {
		run("UPDATE policy_state SET generation = 1");
		assert_int_equal(place_bring(site, &slow.place, &generation, &why), 0);
		assert_int_equal(generation, 1);
		bytes.len = 0;
		assert_true(layout_read_target(slow.inner, hash, 6, &bytes, NULL));
	}
	place_close(slow.inner);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, scratch_site_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keys_are_made_once),
		TEST(an_owner_that_cannot_be_read_makes_no_new_keys),
		TEST(keys_that_are_gone_are_not_made_anew),
		TEST(a_first_use_that_was_interrupted_goes_on),
		TEST(a_slow_point_has_the_nodes_of_its_own_documents),
		TEST(root_does_not_work_on_what_is_of_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
