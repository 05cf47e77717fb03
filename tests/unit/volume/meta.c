// SPDX-License-Identifier: Apache-2.0
#include "fixture.h"

#include "../../../src/volume/private.h"

static void round_trip(const struct meta *meta)
{
	auto_buf struct buf record = { 0 };
	struct meta back;

	meta_encode(&record, meta);
	assert_int_equal(meta_decode(cur_of(record.data, record.len), &back), STATUS_SUCCESS);
	assert_int_equal(back.attributes, meta->attributes);
	assert_int_equal(back.creation_time.ticks, meta->creation_time.ticks);
	assert_int_equal(back.change_time.ticks, meta->change_time.ticks);
	assert_int_equal(back.change_until.ticks, meta->change_until.ticks);
	assert_int_equal(back.depot_id, meta->depot_id);
	assert_int_equal(back.ea_size, meta->ea_size);
	assert_int_equal(back.reparse_tag, meta->reparse_tag);
	assert_int_equal(back.sd_in_depot, meta->sd_in_depot);
	if (!meta->sd_in_depot) {
		assert_int_equal(back.sd_length, meta->sd_length);
		if (meta->sd_length)
			assert_memory_equal(back.sd, meta->sd, meta->sd_length);
	}
	for (size_t cut = 0; cut < record.len; cut++)
		assert_int_not_equal(meta_decode(cur_of(record.data, cut), &back), STATUS_SUCCESS);
	buf_u8(&record, 0);
	assert_int_not_equal(meta_decode(cur_of(record.data, record.len), &back), STATUS_SUCCESS);
}

static void every_record_is_read_as_it_was_written_and_no_part_of_it_is(void **state)
{
	const uint8_t sd[] = { 1, 2, 3, 4, 5 };
	struct meta meta = { .attributes = FILE_ATTRIBUTE_ARCHIVE };

	(void)state;
	round_trip(&meta);
	meta.creation_time = nttime_of(0x01d9000000000001);
	round_trip(&meta);
	meta.change_time = nttime_of(5), meta.change_until = nttime_of(6);
	round_trip(&meta);
	meta.depot_id = 77;
	round_trip(&meta);
	meta.reparse_tag = 0xA000000C;
	round_trip(&meta);
	meta.ea_size = 4711;
	round_trip(&meta);
	meta.sd = sd, meta.sd_length = sizeof(sd);
	round_trip(&meta);
	meta.sd_in_depot = true;
	round_trip(&meta);
}

static void a_record_of_a_version_or_field_not_known_is_refused(void **state)
{
	uint8_t record[] = { 1, 0, 0, 0, 0x20, 0, 0, 0 };
	struct meta meta;

	(void)state;
	assert_int_equal(meta_decode(cur_of(record, sizeof(record)), &meta), STATUS_SUCCESS);
	record[0] = 2;
	assert_int_equal(meta_decode(cur_of(record, sizeof(record)), &meta),
			 STATUS_FILE_SYSTEM_LIMITATION);
	record[0] = 1, record[2] = 0x80;
	assert_int_equal(meta_decode(cur_of(record, sizeof(record)), &meta),
			 STATUS_FILE_SYSTEM_LIMITATION);
	record[2] = 0, record[6] = 1;
	assert_int_equal(meta_decode(cur_of(record, sizeof(record)), &meta),
			 STATUS_FILE_SYSTEM_LIMITATION);
}

static void a_file_whose_record_cannot_be_read_does_not_open(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_lookup lookup;

	touch_on_disk(f, "newer");
	assert_int_equal(setxattr(on_disk(f, "newer"), META_XATTR, "\x07\0\0\0\0\0\0\0", 8, 0), 0);
	assert_int_equal(volume_lookup(f->root, "newer", &lookup), STATUS_FILE_SYSTEM_LIMITATION);
	assert_false(lookup.exists);
	volume_lookup_end(&lookup);
}

static void attributes_and_times_stay(void **state)
{
	struct fixture *f = fixture_of(state);
	const nttime a = nttime_of(131000000000000001), b = nttime_of(132000000000000002),
		     c = nttime_of(133000000000000003), d = nttime_of(134000000000000004);
	struct volume_attributes set = { .creation_time = a,
					 .last_access_time = b,
					 .last_write_time = c,
					 .change_time = d,
					 .attributes =
						 FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_HIDDEN };
	struct volume_attributes got;
	struct volume_node *node;

	create_ok(f->root, "file", false);
	node = open_ok(f->root, "file");
	assert_int_equal(volume_set_attributes(node, &set, 0x1f), STATUS_SUCCESS);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(volume_attributes(node, &got), STATUS_SUCCESS);
		assert_int_equal(got.creation_time.ticks, a.ticks);
		assert_int_equal(got.last_access_time.ticks, b.ticks);
		assert_int_equal(got.last_write_time.ticks, c.ticks);
		assert_int_equal(got.change_time.ticks, d.ticks);
		assert_int_equal(got.attributes, FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_HIDDEN);
		volume_node_put(node); /* the second time from the disk */
		node = open_ok(f->root, "file");
	}
	usleep(40000);
	assert_int_equal(pwrite(node->fd, "x", 1, 0), 1);
	assert_int_equal(volume_attributes(node, &got), STATUS_SUCCESS);
	assert_true(got.change_time.ticks > d.ticks + 1);
	assert_int_not_equal(got.change_time.ticks, d.ticks);
	volume_node_put(node);
}

static void what_one_handle_sets_another_sees(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_attributes set = { .attributes = FILE_ATTRIBUTE_SYSTEM }, got;
	struct volume_node *a, *b;

	create_ok(f->root, "file", false);
	a = open_ok(f->root, "file");
	b = open_ok(f->root, "FILE");
	assert_int_equal(volume_set_attributes(a, &set, VOLUME_SET_ATTRIBUTES), STATUS_SUCCESS);
	assert_int_equal(volume_attributes(b, &got), STATUS_SUCCESS);
	assert_int_equal(got.attributes, FILE_ATTRIBUTE_SYSTEM);
	volume_node_put(a);
	volume_node_put(b);
}

static void a_file_with_no_attributes_is_normal_and_a_directory_a_directory(void **state)
{
	struct fixture *f = fixture_of(state);
	const struct volume_attributes none = { 0 };
	struct volume_attributes got;
	struct volume_node *node;

	create_ok(f->root, "file", false);
	create_ok(f->root, "dir", true);
	node = open_ok(f->root, "file");
	assert_int_equal(volume_set_attributes(node, &none, VOLUME_SET_ATTRIBUTES), STATUS_SUCCESS);
	assert_int_equal(volume_attributes(node, &got), STATUS_SUCCESS);
	assert_int_equal(got.attributes, FILE_ATTRIBUTE_NORMAL);
	assert_int_not_equal(got.file_id, 0);
	volume_node_put(node);
	node = open_ok(f->root, "dir");
	assert_int_equal(volume_attributes(node, &got), STATUS_SUCCESS);
	assert_int_equal(got.attributes, FILE_ATTRIBUTE_DIRECTORY);
	assert_int_equal(got.end_of_file, 0);
	volume_node_put(node);
}

static void check_sd(struct fixture *f, const char *name, size_t length)
{
	uint8_t *sd = xalloc(1, length);
	auto_buf struct buf got = { 0 };
	struct volume_node *node = open_ok(f->root, name);

	memset(sd, (int)(length & 0xff) | 1, length);
	assert_int_equal(volume_set_sd(node, sd, length), STATUS_SUCCESS);
	volume_node_put(node);
	node = open_ok(f->root, name);
	assert_int_equal(volume_get_sd(node, &got), STATUS_SUCCESS);
	assert_int_equal(got.len, length);
	assert_memory_equal(got.data, sd, length);
	volume_node_put(node);
	free(sd);
}

static void a_descriptor_of_any_size_stays(void **state)
{
	static const size_t sizes[] = { 20, 300, 3000, 61440, 65536, 200, 5000, 40 };
	struct fixture *f = fixture_of(state);
	auto_buf struct buf got = { 0 };
	struct volume_node *node;

	create_ok(f->root, "file", false);
	create_ok(f->root, "dir", true);
	node = open_ok(f->root, "file");
	assert_int_equal(volume_get_sd(node, &got), STATUS_NOT_FOUND);
	assert_int_equal(volume_set_sd(node, f, 65537), STATUS_INVALID_SECURITY_DESCR);
	volume_node_put(node);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		check_sd(f, "file", sizes[i]);
		check_sd(f, "dir", sizes[i]);
	}
}

static int set_record_full(int fd, const void *data, size_t length)
{
	(void)fd, (void)data;
	return length > 1000 ? -ENOSPC : fsetxattr(fd, META_XATTR, data, length, 0);
}

static void a_descriptor_that_the_file_system_refuses_goes_to_the_depot_and_with_the_file(
	void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_attributes set = { .attributes = FILE_ATTRIBUTE_HIDDEN };
	struct volume_lookup lookup;
	struct volume_node *node;
	uint64_t id;
	char path[64];

	sys.set_record = set_record_full;
	create_ok(f->root, "file", false);
	check_sd(f, "file", 61440);
	node = open_ok(f->root, "file");
	assert_int_equal(volume_set_attributes(node, &set, VOLUME_SET_ATTRIBUTES), STATUS_SUCCESS);
	id = node_inode(node)->meta.depot_id;
	assert_true(node_inode(node)->meta.sd_in_depot);
	snprintf(path, sizeof(path), VOLUME_HOME "/streams/%02x/%016llx/=sd", (unsigned)(id >> 56),
		 (unsigned long long)id);
	assert_true(is_on_disk(f, path));
	volume_node_put(node);
	check_sd(f, "file", 100);
	assert_false(is_on_disk(f, path));
	check_sd(f, "file", 61440);
	assert_true(is_on_disk(f, path));
	assert_int_equal(volume_lookup(f->root, "file", &lookup), STATUS_SUCCESS);
	assert_int_equal(lookup.attributes.attributes, FILE_ATTRIBUTE_HIDDEN);
	assert_int_equal(volume_unlink(lookup.parent, lookup.name, lookup.node), STATUS_SUCCESS);
	volume_lookup_end(&lookup);
	assert_false(is_on_disk(f, path));
	*strrchr(path, '/') = 0;
	assert_false(is_on_disk(f, path));
}

static void a_descriptor_lost_from_the_depot_keeps_the_file_closed(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_lookup lookup;
	char command[400];

	sys.set_record = set_record_full;
	create_ok(f->root, "file", false);
	check_sd(f, "file", 61440);
	snprintf(command, sizeof(command), "rm -r '%s/" VOLUME_HOME "/streams'", f->path);
	assert_int_equal(system(command), 0);
	assert_int_not_equal(volume_lookup(f->root, "file", &lookup), STATUS_SUCCESS);
	assert_false(lookup.exists);
	volume_lookup_end(&lookup);
}

static void a_new_file_has_what_it_was_given(void **state)
{
	struct fixture *f = fixture_of(state);
	const struct volume_initial initial = { .attributes = FILE_ATTRIBUTE_HIDDEN |
							      FILE_ATTRIBUTE_ARCHIVE,
						.sd = "descriptor",
						.sd_length = 10,
						.allocation_size = 100000 };
	auto_buf struct buf sd = { 0 };
	struct volume_attributes got;
	struct volume_lookup lookup;
	struct volume_node *node;
	nttime now = nttime_now();

	assert_int_equal(volume_lookup(f->root, "file", &lookup), STATUS_SUCCESS);
	assert_int_equal(volume_create(&lookup, &initial, &node), STATUS_SUCCESS);
	volume_lookup_end(&lookup);
	assert_int_equal(volume_attributes(node, &got), STATUS_SUCCESS);
	assert_int_equal(got.attributes, FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_ARCHIVE);
	assert_int_equal(got.allocation_size, 102400);
	assert_int_equal(got.end_of_file, 0);
	assert_int_equal(got.links, 1);
	assert_true(got.creation_time.ticks + 10000000 > now.ticks);
	assert_true(got.creation_time.ticks < now.ticks + 10000000);
	assert_int_equal(volume_get_sd(node, &sd), STATUS_SUCCESS);
	assert_int_equal(sd.len, 10);
	volume_node_put(node);
}

static int set_record_fails(int fd, const void *data, size_t length)
{
	(void)fd, (void)data, (void)length;
	return -EIO;
}

static void a_file_that_could_not_be_described_is_not_left_behind(void **state)
{
	struct fixture *f = fixture_of(state);
	const struct volume_initial initial = { .sd = "descriptor", .sd_length = 10 };
	struct volume_lookup lookup;
	struct volume_node *node;

	sys.set_record = set_record_fails;
	assert_int_equal(volume_lookup(f->root, "file", &lookup), STATUS_SUCCESS);
	assert_int_equal(volume_create(&lookup, &initial, &node), STATUS_IO_DEVICE_ERROR);
	assert_null(node);
	volume_lookup_end(&lookup);
	assert_false(is_on_disk(f, "file"));
	sys.set_record = f->sys.set_record;
	create_ok(f->root, "FILE", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_record_is_read_as_it_was_written_and_no_part_of_it_is),
		cmocka_unit_test(a_record_of_a_version_or_field_not_known_is_refused),
		VOLUME_TEST(a_file_whose_record_cannot_be_read_does_not_open),
		VOLUME_TEST(attributes_and_times_stay),
		VOLUME_TEST(what_one_handle_sets_another_sees),
		VOLUME_TEST(a_file_with_no_attributes_is_normal_and_a_directory_a_directory),
		VOLUME_TEST(a_descriptor_of_any_size_stays),
		VOLUME_TEST(
			a_descriptor_that_the_file_system_refuses_goes_to_the_depot_and_with_the_file),
		VOLUME_TEST(a_descriptor_lost_from_the_depot_keeps_the_file_closed),
		VOLUME_TEST(a_new_file_has_what_it_was_given),
		VOLUME_TEST(a_file_that_could_not_be_described_is_not_left_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
