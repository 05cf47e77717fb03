// SPDX-License-Identifier: Apache-2.0
#include "fixture.h"

#include "../../../src/volume/private.h"

static void make_stream(struct volume_node *file, const char *name, const char *text)
{
	struct volume_node *stream;

	assert_int_equal(volume_stream_create(file, name, &stream), STATUS_SUCCESS);
	assert_int_equal(pwrite(stream->fd, text, strlen(text), 0), strlen(text));
	volume_node_put(stream);
}

static void assert_stream(struct volume_node *file, const char *name, const char *text)
{
	struct volume_node *stream;
	char got[64] = "";

	assert_int_equal(volume_stream_open(file, name, &stream), STATUS_SUCCESS);
	assert_int_equal(pread(stream->fd, got, sizeof(got) - 1, 0), strlen(text));
	assert_string_equal(got, text);
	volume_node_put(stream);
}

static size_t count_streams(struct volume_node *file)
{
	struct volume_stream *streams;
	size_t count;

	assert_int_equal(volume_stream_list(file, &streams, &count), STATUS_SUCCESS);
	for (size_t i = 0; i < count; i++)
		free(streams[i].name);
	free(streams);
	return count;
}

static char *depot_path(struct volume_node *file)
{
	uint64_t id = node_inode(file)->meta.depot_id;

	assert_int_not_equal(id, 0);
	return xasprintf(VOLUME_HOME "/streams/%02x/%016llx", (unsigned)(id >> 56),
			 (unsigned long long)id);
}

static void a_stream_is_found_in_any_case_and_keeps_its_own(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_node *file, *stream;

	create_ok(f->root, "file", false);
	file = open_ok(f->root, "file");
	assert_int_equal(volume_stream_open(file, "none", &stream), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_int_equal(count_streams(file), 0);
	make_stream(file, "Zone.Identifier", "zone");
	make_stream(file, "..", "dots");
	assert_stream(file, "zone.IDENTIFIER", "zone");
	assert_stream(file, "..", "dots");
	assert_int_equal(count_streams(file), 2);
	assert_int_equal(volume_stream_create(file, "ZONE.identifier", &stream),
			 STATUS_OBJECT_NAME_COLLISION);
	assert_int_equal(volume_stream_create(file, "a/b", &stream), STATUS_OBJECT_NAME_INVALID);
	assert_int_equal(volume_stream_create(file, "", &stream), STATUS_OBJECT_NAME_INVALID);
	volume_node_put(file);
	file = open_ok(f->root, "FILE");
	assert_stream(file, "ZONE.identifier", "zone");
	volume_node_put(file);
}

static void a_stream_has_its_own_size_and_the_rest_of_its_file(void **state)
{
	struct fixture *f = fixture_of(state);
	const struct volume_attributes hidden = { .attributes = FILE_ATTRIBUTE_HIDDEN };
	struct volume_attributes of_file, of_stream;
	struct volume_node *file, *stream;

	create_ok(f->root, "file", false);
	file = open_ok(f->root, "file");
	assert_int_equal(pwrite(file->fd, "12345678", 8, 0), 8);
	assert_int_equal(volume_stream_create(file, "s", &stream), STATUS_SUCCESS);
	assert_int_equal(pwrite(stream->fd, "123", 3, 0), 3);
	assert_int_equal(volume_set_attributes(stream, &hidden, VOLUME_SET_ATTRIBUTES),
			 STATUS_SUCCESS);
	assert_int_equal(volume_attributes(file, &of_file), STATUS_SUCCESS);
	assert_int_equal(volume_attributes(stream, &of_stream), STATUS_SUCCESS);
	assert_true(stream->is_stream);
	assert_false(stream->is_directory);
	assert_int_equal(of_file.attributes, FILE_ATTRIBUTE_HIDDEN);
	assert_int_equal(of_stream.attributes, FILE_ATTRIBUTE_HIDDEN);
	assert_int_equal(of_stream.end_of_file, 3);
	assert_int_equal(of_file.end_of_file, 8);
	assert_int_equal(of_stream.file_id, of_file.file_id);
	assert_int_not_equal(of_stream.key.inode, of_file.key.inode);
	assert_int_equal(of_stream.creation_time.ticks, of_file.creation_time.ticks);
	assert_int_equal(volume_sync(stream), STATUS_SUCCESS);
	assert_int_equal(count_streams(stream), 1);
	assert_stream(stream, "S", "123");
	volume_node_put(file);
	volume_node_put(stream);
}

static void a_directory_can_have_streams(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_node *dir, *stream;
	struct volume_attributes a;

	create_ok(f->root, "dir", true);
	dir = open_ok(f->root, "dir");
	make_stream(dir, "s", "content");
	assert_int_equal(volume_stream_open(dir, "S", &stream), STATUS_SUCCESS);
	assert_int_equal(volume_attributes(stream, &a), STATUS_SUCCESS);
	assert_false(a.is_directory);
	assert_int_equal(a.end_of_file, 7);
	volume_node_put(stream);
	volume_node_put(dir);
}

static void streams_stay_with_the_file_when_it_moves_and_go_when_it_goes(void **state)
{
	struct fixture *f = fixture_of(state);
	auto_free char *depot = NULL;
	struct volume_lookup to;
	struct volume_node *file;

	create_ok(f->root, "file", false);
	create_ok(f->root, "dir", true);
	file = open_ok(f->root, "file");
	make_stream(file, "s", "content");
	depot = depot_path(file);
	assert_true(is_on_disk(f, depot));
	assert_int_equal(volume_lookup(f->root, "dir/moved", &to), STATUS_SUCCESS);
	assert_int_equal(volume_rename(f->root, "file", file, &to, false), STATUS_SUCCESS);
	volume_node_put(file);
	file = open_ok(f->root, "dir/moved");
	assert_stream(file, "s", "content");
	assert_int_equal(volume_unlink(to.parent, "moved", file), STATUS_SUCCESS);
	volume_lookup_end(&to);
	volume_node_put(file);
	assert_false(is_on_disk(f, depot));
}

static void streams_of_a_file_with_two_names_stay_until_the_last_goes(void **state)
{
	struct fixture *f = fixture_of(state);
	auto_free char *depot = NULL;
	struct volume_lookup to;
	struct volume_node *file;

	create_ok(f->root, "file", false);
	file = open_ok(f->root, "file");
	make_stream(file, "s", "content");
	depot = depot_path(file);
	assert_int_equal(volume_lookup(f->root, "second", &to), STATUS_SUCCESS);
	assert_int_equal(volume_link(file, &to, false), STATUS_SUCCESS);
	volume_lookup_end(&to);
	assert_int_equal(volume_unlink(f->root, "file", file), STATUS_SUCCESS);
	assert_stream(file, "s", "content");
	assert_int_equal(volume_unlink(f->root, "second", file), STATUS_SUCCESS);
	assert_false(is_on_disk(f, depot));
	volume_node_put(file);
}

static void streams_of_what_a_rename_replaces_go_with_it(void **state)
{
	struct fixture *f = fixture_of(state);
	auto_free char *depot = NULL;
	struct volume_lookup to;
	struct volume_node *file;

	create_ok(f->root, "old", false);
	create_ok(f->root, "new", false);
	file = open_ok(f->root, "old");
	make_stream(file, "s", "content");
	depot = depot_path(file);
	volume_node_put(file);
	file = open_ok(f->root, "new");
	assert_int_equal(volume_lookup(f->root, "old", &to), STATUS_SUCCESS);
	assert_int_equal(volume_rename(f->root, "new", file, &to, true), STATUS_SUCCESS);
	volume_lookup_end(&to);
	assert_int_equal(count_streams(file), 0);
	assert_false(is_on_disk(f, depot));
	volume_node_put(file);
}

static void an_overwrite_drops_data_and_streams(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_attributes a;
	struct volume_node *file;

	create_ok(f->root, "file", false);
	file = open_ok(f->root, "file");
	assert_int_equal(pwrite(file->fd, "12345678", 8, 0), 8);
	make_stream(file, "s", "content");
	assert_int_equal(volume_set_sd(file, "descriptor", 10), STATUS_SUCCESS);
	assert_int_equal(volume_overwrite(file, FILE_ATTRIBUTE_HIDDEN), STATUS_SUCCESS);
	assert_int_equal(volume_attributes(file, &a), STATUS_SUCCESS);
	assert_int_equal(a.end_of_file, 0);
	assert_int_equal(a.attributes, FILE_ATTRIBUTE_HIDDEN);
	assert_int_equal(count_streams(file), 0);
	volume_node_put(file);
}

static void streams_are_renamed_and_removed(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_node *file, *one;

	create_ok(f->root, "file", false);
	file = open_ok(f->root, "file");
	make_stream(file, "one", "1");
	make_stream(file, "two", "2");
	assert_int_equal(volume_stream_open(file, "one", &one), STATUS_SUCCESS);
	assert_int_equal(volume_stream_rename(file, "ONE", one, "TWO", false),
			 STATUS_OBJECT_NAME_COLLISION);
	assert_int_equal(volume_stream_rename(file, "one", one, "One", false), STATUS_SUCCESS);
	assert_stream(file, "one", "1");
	assert_int_equal(volume_stream_rename(file, "ONE", one, "TWO", true), STATUS_SUCCESS);
	assert_stream(file, "two", "1");
	assert_int_equal(count_streams(file), 1);
	assert_int_equal(volume_stream_rename(file, "one", one, "x", true),
			 STATUS_OBJECT_NAME_NOT_FOUND);
	assert_int_equal(volume_stream_remove(file, "one", one), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_int_equal(volume_stream_remove(file, "tWO", one), STATUS_SUCCESS);
	assert_int_equal(count_streams(file), 0);
	volume_node_put(one);
	volume_node_put(file);
}

/* A handle outlives its stream where the file is overwritten; then somebody makes the name anew. */
static void a_stream_is_not_removed_for_one_that_had_its_name(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_node *file, *old;

	create_ok(f->root, "file", false);
	file = open_ok(f->root, "file");
	make_stream(file, "one", "1");
	assert_int_equal(volume_stream_open(file, "ONE", &old), STATUS_SUCCESS);
	assert_string_equal(volume_stream_name(old), "one");
	assert_int_equal(volume_overwrite(file, FILE_ATTRIBUTE_NORMAL), STATUS_SUCCESS);
	make_stream(file, "one", "2");
	assert_int_equal(volume_stream_remove(file, "one", old), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_int_equal(volume_stream_rename(file, "one", old, "x", true),
			 STATUS_OBJECT_NAME_NOT_FOUND);
	assert_stream(file, "one", "2");
	volume_node_put(old);
	volume_node_put(file);
}

static int (*real_rename)(int, const char *, int, const char *, unsigned);

/* Another case of a name is a rename that replaces nothing. */
static int fail_other_case(int from_dir, const char *from, int to_dir, const char *to,
			   unsigned flags)
{
	return flags ? -EIO : real_rename(from_dir, from, to_dir, to, flags);
}

static void a_stream_that_has_been_replaced_is_no_failure(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_node *file, *one;

	create_ok(f->root, "file", false);
	file = open_ok(f->root, "file");
	make_stream(file, "one", "1");
	make_stream(file, "two", "2");
	assert_int_equal(volume_stream_open(file, "one", &one), STATUS_SUCCESS);
	real_rename = sys.rename;
	sys.rename = fail_other_case;
	assert_int_equal(volume_stream_rename(file, "one", one, "TWO", true), STATUS_SUCCESS);
	sys.rename = real_rename;
	assert_stream(file, "TWO", "1");
	assert_int_equal(count_streams(file), 1);
	assert_int_equal(volume_stream_remove(file, "TWO", one), STATUS_SUCCESS);
	volume_node_put(one);
	volume_node_put(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VOLUME_TEST(a_stream_is_found_in_any_case_and_keeps_its_own),
		VOLUME_TEST(a_stream_has_its_own_size_and_the_rest_of_its_file),
		VOLUME_TEST(a_directory_can_have_streams),
		VOLUME_TEST(streams_stay_with_the_file_when_it_moves_and_go_when_it_goes),
		VOLUME_TEST(streams_of_a_file_with_two_names_stay_until_the_last_goes),
		VOLUME_TEST(streams_of_what_a_rename_replaces_go_with_it),
		VOLUME_TEST(an_overwrite_drops_data_and_streams),
		VOLUME_TEST(streams_are_renamed_and_removed),
		VOLUME_TEST(a_stream_that_has_been_replaced_is_no_failure),
		VOLUME_TEST(a_stream_is_not_removed_for_one_that_had_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
