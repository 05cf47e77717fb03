// SPDX-License-Identifier: Apache-2.0
#include "fixture.h"

static struct volume_node *file_of(struct fixture *f, const char *name, size_t length)
{
	auto_free uint8_t *data = xalloc(1, length + 1);
	struct volume_node *node;

	for (size_t i = 0; i < length; i++)
		data[i] = (uint8_t)(i * 7 + i / 256) | 1;
	create_ok(f->root, name, false);
	node = open_ok(f->root, name);
	assert_int_equal(pwrite(node->fd, data, length, 0), length);
	return node;
}

static struct volume_attributes attributes_of(struct volume_node *node)
{
	struct volume_attributes a;

	assert_int_equal(volume_attributes(node, &a), STATUS_SUCCESS);
	return a;
}

static uint8_t byte_at(struct volume_node *node, uint64_t offset)
{
	uint8_t byte;

	assert_int_equal(pread(node->fd, &byte, 1, (off_t)offset), 1);
	return byte;
}

static void a_large_record_does_not_show_in_the_allocation_size(void **state)
{
	struct fixture *f = fixture_of(state);
	uint8_t sd[3000] = { 1 };
	struct volume_node *node = file_of(f, "file", 5);

	assert_int_equal(volume_set_sd(node, sd, sizeof(sd)), STATUS_SUCCESS);
	assert_int_equal(attributes_of(node).allocation_size, 4096);
	assert_int_equal(volume_truncate(node, 0), STATUS_SUCCESS);
	assert_int_equal(attributes_of(node).allocation_size, 0);
	volume_node_put(node);
}

static void a_reservation_shows_and_ends_with_a_truncation(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_node *node = file_of(f, "file", 5000);

	assert_int_equal(attributes_of(node).allocation_size, 8192);
	assert_int_equal(volume_allocate(node, 1000000), STATUS_SUCCESS);
	assert_int_equal(attributes_of(node).end_of_file, 5000);
	assert_int_equal(attributes_of(node).allocation_size, 1003520);
	volume_node_put(node);
	node = open_ok(f->root, "file");
	assert_int_equal(attributes_of(node).allocation_size, 1003520);
	assert_int_equal(volume_allocate(node, 100000), STATUS_SUCCESS);
	assert_int_equal(attributes_of(node).allocation_size, 102400);
	assert_int_equal(volume_allocate(node, 3000), STATUS_SUCCESS);
	assert_int_equal(attributes_of(node).end_of_file, 3000);
	assert_int_equal(attributes_of(node).allocation_size, 4096);
	volume_node_put(node);
}

static void a_truncation_sets_the_end(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_node *node = file_of(f, "file", 5000);

	assert_int_equal(volume_truncate(node, 1 << 20), STATUS_SUCCESS);
	assert_int_equal(attributes_of(node).end_of_file, 1 << 20);
	assert_int_equal(attributes_of(node).allocation_size, 1 << 20);
	assert_int_equal(byte_at(node, 5000), 0);
	assert_int_equal(volume_truncate(node, UINT64_MAX), STATUS_INVALID_PARAMETER);
	assert_int_equal(attributes_of(node).end_of_file, 1 << 20);
	volume_node_put(node);
}

static void zeroing_reads_as_zeros_and_does_not_grow(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_node *node = file_of(f, "file", 100000);

	assert_int_equal(volume_zero(node, 1000, 50000), STATUS_SUCCESS);
	assert_int_not_equal(byte_at(node, 999), 0);
	assert_int_equal(byte_at(node, 1000), 0);
	assert_int_equal(byte_at(node, 50999), 0);
	assert_int_not_equal(byte_at(node, 51000), 0);
	assert_int_equal(volume_zero(node, 99999, 50000), STATUS_SUCCESS);
	assert_int_equal(volume_zero(node, 200000, 50000), STATUS_SUCCESS);
	assert_int_equal(attributes_of(node).end_of_file, 100000);
	volume_node_put(node);
}

static int fallocate_not_there(int fd, int mode, uint64_t offset, uint64_t length)
{
	(void)fd, (void)mode, (void)offset, (void)length;
	return -EOPNOTSUPP;
}

static void zeroing_works_where_the_file_system_cannot(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_node *node = file_of(f, "file", 600000);

	sys.fallocate = fallocate_not_there;
	assert_int_equal(volume_zero(node, 1, 599998), STATUS_SUCCESS);
	assert_int_not_equal(byte_at(node, 0), 0);
	assert_int_equal(byte_at(node, 1), 0);
	assert_int_equal(byte_at(node, 599998), 0);
	assert_int_not_equal(byte_at(node, 599999), 0);
	volume_node_put(node);
}

static void a_sparse_file_gives_space_back_and_tells_its_ranges(void **state)
{
	struct fixture *f = fixture_of(state);
	const struct volume_attributes sparse = { .attributes = FILE_ATTRIBUTE_SPARSE_FILE };
	struct volume_node *node = file_of(f, "file", 1 << 20);
	uint64_t offset = 0, length;

	assert_int_equal(volume_set_attributes(node, &sparse, VOLUME_SET_ATTRIBUTES),
			 STATUS_SUCCESS);
	assert_int_equal(volume_zero(node, 65536, 524288), STATUS_SUCCESS);
	assert_int_equal(attributes_of(node).attributes, FILE_ATTRIBUTE_SPARSE_FILE);
	assert_true(attributes_of(node).allocation_size <= (1 << 20) - 524288 + 4096);
	assert_int_equal(volume_next_range(node, &offset, &length), STATUS_SUCCESS);
	assert_int_equal(offset, 0);
	assert_int_equal(length, 65536);
	offset += length;
	assert_int_equal(volume_next_range(node, &offset, &length), STATUS_SUCCESS);
	assert_int_equal(offset, 65536 + 524288);
	assert_int_equal(offset + length, 1 << 20);
	offset += length;
	assert_int_equal(volume_next_range(node, &offset, &length), STATUS_NO_MORE_ENTRIES);
	volume_node_put(node);
}

static void assert_same(struct volume_node *a, uint64_t at, struct volume_node *b, uint64_t bt,
			size_t length)
{
	auto_free uint8_t *x = xalloc(1, length), *y = xalloc(1, length);

	assert_int_equal(pread(a->fd, x, length, (off_t)at), length);
	assert_int_equal(pread(b->fd, y, length, (off_t)bt), length);
	assert_memory_equal(x, y, length);
}

static ssize_t copy_not_there(int from, uint64_t from_offset, int to, uint64_t to_offset,
			      size_t length)
{
	(void)from, (void)from_offset, (void)to, (void)to_offset, (void)length;
	return -EXDEV;
}

static void a_copy_is_the_same_and_short_at_the_end_of_the_source(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_node *from = file_of(f, "from", 700000), *to = file_of(f, "to", 10);
	uint64_t copied;

	for (int by_hand = 0; by_hand < 2; by_hand++) {
		assert_int_equal(volume_copy(from, 100, to, 7, 600000, &copied), STATUS_SUCCESS);
		assert_int_equal(copied, 600000);
		assert_same(from, 100, to, 7, 600000);
		assert_int_equal(volume_copy(from, 699000, to, 0, 5000, &copied), STATUS_SUCCESS);
		assert_int_equal(copied, 1000);
		assert_int_equal(volume_copy(from, 700000, to, 0, 5000, &copied), STATUS_SUCCESS);
		assert_int_equal(copied, 0);
		assert_int_equal(volume_truncate(to, 0), STATUS_SUCCESS);
		sys.copy = copy_not_there;
	}
	volume_node_put(from);
	volume_node_put(to);
}

static void a_copy_onto_itself_copies_what_was_there(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_node *kept = file_of(f, "kept", 900000), *node = file_of(f, "file", 900000);
	uint64_t copied;

	assert_int_equal(volume_copy(node, 0, node, 1000, 800000, &copied), STATUS_SUCCESS);
	assert_int_equal(copied, 800000);
	assert_same(kept, 0, node, 1000, 800000);
	assert_int_equal(volume_copy(node, 1000, node, 0, 800000, &copied), STATUS_SUCCESS);
	assert_same(kept, 0, node, 0, 800000);
	volume_node_put(kept);
	volume_node_put(node);
}

static void the_space_of_the_volume_is_told(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_space space;

	assert_int_equal(volume_space(f->volume, &space), STATUS_SUCCESS);
	assert_true(space.total_bytes >= space.free_bytes &&
		    space.free_bytes >= space.caller_free_bytes);
	assert_true(space.total_bytes > 0 && space.block_bytes > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VOLUME_TEST(a_large_record_does_not_show_in_the_allocation_size),
		VOLUME_TEST(a_reservation_shows_and_ends_with_a_truncation),
		VOLUME_TEST(a_truncation_sets_the_end),
		VOLUME_TEST(zeroing_reads_as_zeros_and_does_not_grow),
		VOLUME_TEST(zeroing_works_where_the_file_system_cannot),
		VOLUME_TEST(a_sparse_file_gives_space_back_and_tells_its_ranges),
		VOLUME_TEST(a_copy_is_the_same_and_short_at_the_end_of_the_source),
		VOLUME_TEST(a_copy_onto_itself_copies_what_was_there),
		VOLUME_TEST(the_space_of_the_volume_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
