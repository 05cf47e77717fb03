// SPDX-License-Identifier: Apache-2.0
#include "fixture.h"

static unsigned getdents_calls;
static ssize_t (*real_getdents)(int, void *, size_t);
static ssize_t counting_getdents(int fd, void *data, size_t length)
{
	getdents_calls++;
	return real_getdents(fd, data, length);
}

static size_t count_matches(struct volume_node *dir, const char *pattern)
{
	struct volume_listing *listing;
	struct volume_entry entry;
	size_t n = 0;
	ntstatus status;

	assert_int_equal(volume_list(dir, &listing), STATUS_SUCCESS);
	while (!(status = volume_list_next(listing, pattern, &entry)))
		n++;
	assert_int_equal(status, STATUS_NO_MORE_FILES);
	assert_int_equal(volume_list_next(listing, pattern, &entry), STATUS_NO_MORE_FILES);
	volume_list_free(listing);
	return n;
}

static void a_listing_begins_with_the_dots_and_shows_files_and_directories_only(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_listing *listing;
	struct volume_entry entry;
	bool file = false, dir = false;

	create_ok(f->root, "file", false);
	create_ok(f->root, "dir", true);
	touch_on_disk(f, "not:valid");
	assert_int_equal(symlink("/etc", on_disk(f, "link")), 0);
	assert_int_equal(mkfifo(on_disk(f, "pipe"), 0600), 0);
	assert_int_equal(volume_list(f->root, &listing), STATUS_SUCCESS);
	assert_int_equal(volume_list_next(listing, NULL, &entry), STATUS_SUCCESS);
	assert_string_equal(entry.name, ".");
	assert_int_equal(entry.attributes.attributes, FILE_ATTRIBUTE_DIRECTORY);
	assert_int_equal(volume_list_next(listing, NULL, &entry), STATUS_SUCCESS);
	assert_string_equal(entry.name, "..");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(volume_list_next(listing, NULL, &entry), STATUS_SUCCESS);
		if (!strcmp(entry.name, "file")) {
			file = true;
			assert_int_equal(entry.attributes.attributes, FILE_ATTRIBUTE_ARCHIVE);
		} else {
			assert_string_equal(entry.name, "dir");
			dir = true;
			assert_int_equal(entry.attributes.attributes, FILE_ATTRIBUTE_DIRECTORY);
		}
	}
	assert_true(file && dir);
	assert_int_equal(volume_list_next(listing, NULL, &entry), STATUS_NO_MORE_FILES);
	volume_list_free(listing);
}

static void a_listing_shows_what_the_record_says(void **state)
{
	struct fixture *f = fixture_of(state);
	const struct volume_attributes set = { .attributes = FILE_ATTRIBUTE_HIDDEN |
							     FILE_ATTRIBUTE_READONLY,
					       .creation_time = nttime_of(131000000000000001) };
	static uint8_t sd[60000];
	struct volume_listing *listing;
	struct volume_entry entry;
	struct volume_node *node;

	create_ok(f->root, "file", false);
	node = open_ok(f->root, "file");
	assert_int_equal(volume_set_sd(node, sd, 3000), STATUS_SUCCESS);
	assert_int_equal(
		volume_set_attributes(node, &set, VOLUME_SET_ATTRIBUTES | VOLUME_SET_CREATION_TIME),
		STATUS_SUCCESS);
	assert_int_equal(pwrite(node->fd, "12345", 5, 0), 5);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(volume_list(f->root, &listing), STATUS_SUCCESS);
		assert_int_equal(volume_list_next(listing, "f*", &entry), STATUS_SUCCESS);
		assert_string_equal(entry.name, "file");
		assert_int_equal(entry.attributes.attributes, set.attributes);
		assert_int_equal(entry.attributes.creation_time.ticks, set.creation_time.ticks);
		assert_int_equal(entry.attributes.end_of_file, 5);
		assert_int_equal(entry.attributes.allocation_size, 4096);
		assert_int_equal(entry.attributes.file_id, node->key.inode);
		volume_list_free(listing);
		assert_int_equal(volume_set_sd(node, sd, sizeof(sd)), STATUS_SUCCESS);
	}
	volume_node_put(node);
}

static void patterns_match_without_case(void **state)
{
	struct fixture *f = fixture_of(state);

	create_ok(f->root, "One.txt", false);
	create_ok(f->root, "two.TXT", false);
	create_ok(f->root, "three.doc", false);
	assert_int_equal(count_matches(f->root, NULL), 5);
	assert_int_equal(count_matches(f->root, "*"), 5);
	assert_int_equal(count_matches(f->root, "*.txt"), 2);
	assert_int_equal(count_matches(f->root, "T*"), 2);
	assert_int_equal(count_matches(f->root, "t??.txt"), 1);
	assert_int_equal(count_matches(f->root, "ONE.TXT"), 1);
	assert_int_equal(count_matches(f->root, "none"), 0);
	assert_int_equal(count_matches(f->root, ".BERTH"), 0);
}

static void a_pattern_without_wildcards_is_no_scan(void **state)
{
	struct fixture *f = fixture_of(state);

	create_ok(f->root, "dir", true);
	for (unsigned i = 0; i < 200; i++) {
		char name[32];

		snprintf(name, sizeof(name), "dir/f%u", i);
		create_ok(f->root, name, false);
	}
	{
		struct volume_node *dir = open_ok(f->root, "dir");

		real_getdents = sys.getdents;
		sys.getdents = counting_getdents;
		getdents_calls = 0;
		assert_int_equal(count_matches(dir, "F17"), 1);
		assert_int_equal(count_matches(dir, "f18"), 1);
		assert_int_equal(count_matches(dir, "f999"), 0);
		assert_int_equal(getdents_calls, 0);
		volume_node_put(dir);
	}
}

static void an_entry_can_be_given_back_and_the_listing_begun_again(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_listing *listing;
	struct volume_entry a, b;

	create_ok(f->root, "only", false);
	assert_int_equal(volume_list(f->root, &listing), STATUS_SUCCESS);
	volume_list_back(listing);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(volume_list_next(listing, "*", &a), STATUS_SUCCESS);
		volume_list_back(listing);
		assert_int_equal(volume_list_next(listing, "*", &b), STATUS_SUCCESS);
		assert_string_equal(a.name, b.name);
		assert_string_equal(b.name, ".");
		assert_int_equal(volume_list_next(listing, "*", &a), STATUS_SUCCESS);
		assert_int_equal(volume_list_next(listing, "*", &a), STATUS_SUCCESS);
		assert_string_equal(a.name, "only");
		volume_list_back(listing);
		assert_int_equal(volume_list_next(listing, "*", &a), STATUS_SUCCESS);
		assert_string_equal(a.name, "only");
		assert_int_equal(volume_list_next(listing, "*", &a), STATUS_NO_MORE_FILES);
		volume_list_back(listing);
		assert_int_equal(volume_list_next(listing, "*", &a), STATUS_NO_MORE_FILES);
		volume_list_rewind(listing);
	}
	volume_list_free(listing);
}

#define MANY 2000u

static void a_listing_neither_repeats_nor_loses_what_stays_while_others_come_and_go(void **state)
{
	struct fixture *f = fixture_of(state);
	uint8_t seen[MANY] = { 0 };
	struct volume_listing *listing;
	struct volume_entry entry;
	char name[32];
	unsigned steps = 0;

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "f%05u", i);
		create_ok(f->root, name, false);
	}
	assert_int_equal(volume_list(f->root, &listing), STATUS_SUCCESS);
	while (!volume_list_next(listing, "f*", &entry)) {
		unsigned i = (unsigned)atoi(entry.name + 1);

		assert_true(i < MANY);
		assert_int_equal(seen[i], 0);
		seen[i] = 1;
		/* odd ones go while the listing runs, the one just shown and one it has not come to
		 */
		if (i % 2) {
			assert_int_equal(unlink(on_disk(f, entry.name)), 0);
		} else if (i + 1 < MANY && !seen[i + 1]) {
			snprintf(name, sizeof(name), "f%05u", i + 1);
			assert_int_equal(unlink(on_disk(f, name)), 0);
			seen[i + 1] = 2;
		}
		if (steps++ < 500) {
			snprintf(name, sizeof(name), "new%05u", steps);
			touch_on_disk(f, name);
		}
	}
	volume_list_free(listing);
	for (unsigned i = 0; i < MANY; i++)
		assert_true(seen[i] == 1 || (i % 2 && seen[i] == 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VOLUME_TEST(a_listing_begins_with_the_dots_and_shows_files_and_directories_only),
		VOLUME_TEST(a_listing_shows_what_the_record_says),
		VOLUME_TEST(patterns_match_without_case),
		VOLUME_TEST(a_pattern_without_wildcards_is_no_scan),
		VOLUME_TEST(an_entry_can_be_given_back_and_the_listing_begun_again),
		VOLUME_TEST(
			a_listing_neither_repeats_nor_loses_what_stays_while_others_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
