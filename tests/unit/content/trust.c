// SPDX-License-Identifier: Apache-2.0
/* What a client comes to trust, and what a thief of a distribution point cannot make it trust. */
#include "places.h"

#include <content/repository.h>
#include <content/trust.h>
#include <crypto/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW 1800000000LL
#define DAY 86400LL

static struct place *library, *point;
static struct repository *site;
static struct trust *client;
static struct buf pinned;

static void add_target(const char *name, const char *bytes, int64_t now)
{
	struct target target = { .length = strlen(bytes) };

	snprintf(target.name, sizeof(target.name), "%s", name);
	assert_true(hash_sha256(bytes, strlen(bytes), target.hash));
	target.custom = json_pack("{s:b}", "everywhere", 1);
	assert_true(layout_write_target(library, target.hash, bytes, strlen(bytes), NULL));
	assert_true(repository_set(site, &target, NULL));
	json_decref(target.custom);
	assert_true(repository_commit(site, now, NULL));
}

static void publish(void)
{
	struct content_failure why = { 0 };

	struct publication *now auto_publication = repository_publication(site, &why);

	if (!now || !publication_bring(now, library, point, &why))
		fail_msg("publish: %s: %s", why.path, why.text);
}

static void reopen_site(void)
{
	struct content_failure why = { 0 };

	repository_close(site);
	site = repository_open(library, scratch("keys"), NULL, &why);
	if (!site)
		fail_msg("open: %s: %s", why.path, why.text);
}

static void reopen_client(void)
{
	trust_close(client);
	client = trust_open(scratch("trust"), pinned.data, pinned.len, NULL);
	assert_non_null(client);
}

static int begin(void **state)
{
	char owner[SHA256_HEX_SIZE];

	if (scratch_make(state))
		return -1;
	library = new_place("library");
	point = new_place("point");
	assert_true(repository_make_keys(scratch("keys"), owner, NULL));
	assert_true(repository_create(library, scratch("keys"), NULL, NOW, NULL));
	site = NULL;
	reopen_site();
	pinned = (struct buf){ 0 };
	assert_true(repository_pin(site, &pinned, NULL));
	client = NULL;
	reopen_client();
	assert_string_equal(trust_root_id(client), owner);
	add_target("policy/all", "policy one", NOW);
	publish();
	return 0;
}

static int end(void **state)
{
	trust_close(client);
	repository_close(site);
	place_close(point);
	place_close(library);
	buf_free(&pinned);
	return scratch_remove(state);
}

static bool refreshes(int64_t now)
{
	struct content_failure why = { 0 };

	if (trust_refresh(client, point, now, &why))
		return true;
	print_message("refused: %s: %s\n", why.path, why.text);
	return false;
}

static void is_refused(int64_t now, enum content_problem problem)
{
	struct content_failure why = { 0 };

	assert_false(trust_refresh(client, point, now, &why));
	if (why.problem != problem)
		fail_msg("%s instead of %s: %s: %s", content_problem_name(why.problem),
			 content_problem_name(problem), why.path, why.text);
}

static void says(const char *expected)
{
	auto_buf struct buf bytes = { 0 };
	struct target target;

	assert_true(trust_find(client, "policy/all", &target, NULL));
	assert_true(trust_read(client, point, &target, &bytes, NULL));
	assert_int_equal(bytes.len, strlen(expected));
	assert_memory_equal(bytes.data, expected, bytes.len);
}

/* What the thief does: keep a copy of the whole distribution point, put one back. */
static void shell(const char *format, ...) PRINTF_LIKE(1, 2);
static void shell(const char *format, ...)
{
	char command[1024];
	va_list list;

	va_start(list, format);
	vsnprintf(command, sizeof(command), format, list);
	va_end(list);
	assert_int_equal(system(command), 0);
}
static void keep_copy(void)
{
	shell("cp -a '%s' '%s'", scratch("point"), scratch("copy"));
}
static void put_copy_back(void)
{
	shell("cp -a '%s/.' '%s/'", scratch("copy"), scratch("point"));
}

static void a_client_follows_what_is_published(void **state)
{
	assert_true(refreshes(NOW));
	says("policy one");
	add_target("policy/all", "policy two", NOW + 1);
	publish();
	assert_true(refreshes(NOW + 2));
	says("policy two");
	assert_true(trust_is_current(client, NOW + 2, NULL));
	assert_true(refreshes(NOW + 3)); /* nothing new is no failure */
}

static void what_is_trusted_survives_a_restart(void **state)
{
	assert_true(refreshes(NOW));
	reopen_client();
	says("policy one");
	assert_true(trust_is_current(client, NOW, NULL));
}

static void an_old_state_is_refused(void **state)
{
	keep_copy();
	add_target("policy/all", "policy two", NOW + 1);
	publish();
	assert_true(refreshes(NOW + 2));
	put_copy_back();
	is_refused(NOW + 3, CONTENT_ROLLED_BACK);
	says("policy two");
	reopen_client();
	is_refused(NOW + 3, CONTENT_ROLLED_BACK);
}

static void a_frozen_state_expires(void **state)
{
	struct content_failure why;

	assert_true(refreshes(NOW));
	assert_true(trust_is_current(client, NOW + 6 * DAY, &why));
	is_refused(NOW + 8 * DAY, CONTENT_EXPIRED);
	assert_false(trust_is_current(client, NOW + 8 * DAY, &why));
	assert_int_equal(why.problem, CONTENT_EXPIRED);
}

static void renewal_keeps_a_site_alive(void **state)
{
	bool renewed;

	assert_true(refreshes(NOW));
	assert_true(repository_renew(site, NOW + DAY, false, &renewed, NULL));
	assert_false(renewed);
	assert_true(repository_renew(site, NOW + 5 * DAY, false, &renewed, NULL));
	assert_true(renewed);
	publish();
	assert_true(refreshes(NOW + 8 * DAY));
	assert_true(repository_renew(site, NOW + 364 * DAY, false, &renewed, NULL));
	publish();
	assert_true(refreshes(NOW + 366 * DAY));
	assert_int_equal(trust_version(client, ROLE_ROOT), 2);
}

static void documents_of_different_times_do_not_mix(void **state)
{
	assert_true(refreshes(NOW));
	add_target("policy/all", "policy two", NOW + 1);
	publish();
	/* The new timestamp and snapshot, with the old targets under the new name. */
	shell("cd '%s/metadata' && cp 2.targets.json 3.targets.json", scratch("point"));
	is_refused(NOW + 2, CONTENT_INCONSISTENT);
	says("policy one");
	shell("cd '%s/metadata' && cp 2.snapshot.json 3.snapshot.json", scratch("point"));
	is_refused(NOW + 2, CONTENT_INCONSISTENT);
}

static void endless_documents_are_not_read(void **state)
{
	shell("truncate -s 64M '%s/metadata/timestamp.json'", scratch("point"));
	is_refused(NOW, CONTENT_TOO_LARGE);
	publish();
	shell("truncate -s 1G '%s/metadata/2.snapshot.json'", scratch("point"));
	is_refused(NOW, CONTENT_TOO_LARGE);
	publish();
	shell("truncate -s 1G '%s/metadata/2.targets.json'", scratch("point"));
	is_refused(NOW, CONTENT_TOO_LARGE);
	publish();
	shell("truncate -s 1G '%s/metadata/2.root.json'", scratch("point"));
	is_refused(NOW, CONTENT_TOO_LARGE);
}

static void an_endless_target_is_not_read(void **state)
{
	auto_buf struct buf bytes = { 0 };
	struct content_failure why;
	struct target target;
	char name[LAYOUT_NAME_MAX];

	assert_true(refreshes(NOW));
	assert_true(trust_find(client, "policy/all", &target, NULL));
	layout_target(name, target.hash);
	shell("truncate -s 1G '%s/%s'", scratch("point"), name);
	assert_false(trust_read(client, point, &target, &bytes, &why));
	assert_int_equal(why.problem, CONTENT_TOO_LARGE);
	shell("truncate -s 3 '%s/%s'", scratch("point"), name);
	assert_false(trust_read(client, point, &target, &bytes, &why));
	assert_int_equal(why.problem, CONTENT_DAMAGED);
}

static void damage_is_refused(void **state)
{
	shell("cd '%s/metadata' && sed -i s/version/versiom/ timestamp.json", scratch("point"));
	is_refused(NOW, CONTENT_FORGED);
	shell("cd '%s/metadata' && echo '{' > timestamp.json", scratch("point"));
	is_refused(NOW, CONTENT_DAMAGED);
	shell("cd '%s/metadata' && rm timestamp.json", scratch("point"));
	is_refused(NOW, CONTENT_MISSING);
}

static void another_sites_documents_are_forgeries(void **state)
{
	char owner[SHA256_HEX_SIZE];
	struct place *other = new_place("other");

	assert_true(refreshes(NOW));
	assert_true(repository_make_keys(scratch("keys2"), owner, NULL));
	assert_true(repository_create(other, scratch("keys2"), NULL, NOW, NULL));
	place_close(other);
	shell("cp '%s/metadata/timestamp.json' '%s/metadata/'", scratch("other"), scratch("point"));
	is_refused(NOW, CONTENT_FORGED);
	publish();
	/* Nor does its root come behind ours. */
	shell("cp '%s/metadata/1.root.json' '%s/metadata/2.root.json'", scratch("other"),
	      scratch("point"));
	is_refused(NOW, CONTENT_FORGED);
}

static void a_root_out_of_turn_is_refused(void **state)
{
	shell("cd '%s/metadata' && cp 1.root.json 2.root.json", scratch("point"));
	is_refused(NOW, CONTENT_ROLLED_BACK);
}

static void keys_can_be_rotated_and_the_old_ones_are_worth_nothing(void **state)
{
	assert_true(refreshes(NOW));
	keep_copy();
	for (int role = 0; role < ROLE_COUNT; role++)
		assert_true(repository_rotate(site, (enum role)role, NOW + 1, NULL));
	publish();
	assert_true(refreshes(NOW + 2));
	assert_int_equal(trust_version(client, ROLE_ROOT), 5);
	says("policy one");
	/* What the stolen old timestamp key has signed. */
	shell("cp '%s/metadata/timestamp.json' '%s/metadata/'", scratch("copy"), scratch("point"));
	is_refused(NOW + 3, CONTENT_FORGED);
	/* A client that has slept through it all comes along. */
	publish();
	shell("rm -r '%s'", scratch("trust"));
	reopen_client();
	assert_true(refreshes(NOW + 3));
	reopen_site();
	add_target("policy/all", "policy two", NOW + 4);
	publish();
	assert_true(refreshes(NOW + 5));
	says("policy two");
}

/* A thief of the timestamp key drives the version up; a new key begins anew. */
static void a_version_driven_up_is_undone_by_rotation(void **state)
{
	assert_true(refreshes(NOW));
	for (int i = 0; i < 5; i++)
		assert_true(repository_commit(site, NOW, NULL));
	publish();
	assert_true(refreshes(NOW));
	/* The site that is restored from a copy of before knows nothing of these versions. */
	shell("cd '%s/metadata' && rm -f [4-9].snapshot.json [4-9].targets.json",
	      scratch("library"));
	shell("cd '%s/metadata' && rm -f [4-9].snapshot.json [4-9].targets.json", scratch("point"));
	assert_true(repository_rotate(site, ROLE_TIMESTAMP, NOW + 1, NULL));
	publish();
	assert_true(refreshes(NOW + 2));
}

static void a_clock_that_is_behind_is_not_believed(void **state)
{
	struct content_failure why;

	assert_true(refreshes(NOW));
	/* In 1970 nothing has expired yet; but this has been signed in 2027. */
	assert_true(refreshes(0));
	assert_true(trust_is_current(client, 0, &why));
}

static void a_clock_that_is_ahead_is_told(void **state)
{
	struct content_failure why;

	assert_false(trust_refresh(client, point, NOW + 3650 * DAY, &why));
	assert_int_equal(why.problem, CONTENT_EXPIRED);
	assert_non_null(strstr(why.text, "wrong clock"));
}

/* The library's disk ends at every single operation of a commit and of a rotation. */
static void a_site_interrupted_while_signing_goes_on(void **state)
{
	for (int rotating = 0; rotating < 2; rotating++) {
		bool done = false;

		for (unsigned step = 1; !done; step++) {
			struct faults faults = { .status = STATUS_DISK_FULL };
			struct place *bad = faulty_place(library, &faults);
			struct repository *r = repository_open(bad, scratch("keys"), NULL, NULL);
			bool renewed;

			assert_non_null(r);
			faults.fail_at = faults.operations + step;
			done = rotating ? repository_rotate(r, ROLE_TIMESTAMP, NOW, NULL)
					: repository_commit(r, NOW, NULL);
			repository_close(r);
			place_close(bad);
			reopen_site();
			assert_true(repository_renew(site, NOW, false, &renewed, NULL));
			publish();
			assert_true(refreshes(NOW));
			assert_true(step < 100);
		}
	}
	says("policy one");
}

static void old_documents_are_cleared_away(void **state)
{
	for (int i = 0; i < 10; i++) {
		assert_true(repository_commit(site, NOW, NULL));
		publish();
	}
	assert_int_not_equal(access(scratch("point/metadata/5.targets.json"), F_OK), 0);
	assert_int_equal(access(scratch("point/metadata/12.targets.json"), F_OK), 0);
	assert_int_equal(access(scratch("point/metadata/1.root.json"), F_OK), 0);
	assert_int_not_equal(access(scratch("library/metadata/5.snapshot.json"), F_OK), 0);
}

static void a_name_that_is_no_target_name_is_refused(void **state)
{
	struct target target = { .name = "../up" };

	assert_false(repository_set(site, &target, NULL));
	assert_false(target_name_is_good("a//b"));
	assert_false(target_name_is_good("a/./b"));
	assert_false(target_name_is_good("/a"));
	assert_false(target_name_is_good("a b"));
	assert_true(target_name_is_good("packages/P0100001/3..x"));
}

#define TRUST_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRUST_TEST(a_client_follows_what_is_published),
		TRUST_TEST(what_is_trusted_survives_a_restart),
		TRUST_TEST(an_old_state_is_refused),
		TRUST_TEST(a_frozen_state_expires),
		TRUST_TEST(renewal_keeps_a_site_alive),
		TRUST_TEST(documents_of_different_times_do_not_mix),
		TRUST_TEST(endless_documents_are_not_read),
		TRUST_TEST(an_endless_target_is_not_read),
		TRUST_TEST(damage_is_refused),
		TRUST_TEST(another_sites_documents_are_forgeries),
		TRUST_TEST(a_root_out_of_turn_is_refused),
		TRUST_TEST(keys_can_be_rotated_and_the_old_ones_are_worth_nothing),
		TRUST_TEST(a_version_driven_up_is_undone_by_rotation),
		TRUST_TEST(a_clock_that_is_behind_is_not_believed),
		TRUST_TEST(a_clock_that_is_ahead_is_told),
		TRUST_TEST(a_site_interrupted_while_signing_goes_on),
		TRUST_TEST(old_documents_are_cleared_away),
		TRUST_TEST(a_name_that_is_no_target_name_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
