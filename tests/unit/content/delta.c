// SPDX-License-Identifier: Apache-2.0
/* Deltas: what is put together from the parts is the new bytes, and what was there is not sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/buf.h>
#include <content/delta.h>

static uint64_t random_state = 20101228;

static uint64_t draw(void)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return random_state >> 33;
}

static void add_noise(struct buf *b, size_t length)
{
	uint8_t *to = buf_grow(b, length);

	for (size_t i = 0; i < length; i++)
		to[i] = (uint8_t)draw();
}

static void add_range(struct buf *b, const struct buf *from, size_t begin, size_t end)
{
	buf_bytes(b, from->data + begin, end - begin);
}

/* How many bytes are no copy; that the parts make @now is checked. */
static size_t travels(const struct buf *old, const struct buf *now)
{
	struct delta d auto_delta = { 0 };
	size_t at = 0, sum = 0;

	assert_true(delta_find(old->data, old->len, now->data, now->len, &d));
	for (size_t i = 0; i < d.count; i++) {
		const struct delta_part *part = &d.parts[i];

		assert_true(part->length && part->length <= now->len - at);
		if (part->is_copy) {
			assert_true(part->at <= old->len && part->length <= old->len - part->at);
			assert_memory_equal(old->data + part->at, now->data + at, part->length);
		} else {
			assert_int_equal(part->at, at);
			sum += part->length;
		}
		at += part->length;
	}
	assert_int_equal(at, now->len);
	return sum;
}

static void the_same_bytes_are_one_copy(void **state)
{
	auto_buf struct buf old = { 0 };
	struct delta d auto_delta = { 0 };

	add_noise(&old, 100000);
	assert_true(delta_find(old.data, old.len, old.data, old.len, &d));
	assert_int_equal(d.count, 1);
	assert_true(d.parts[0].is_copy);
}

static void several_edits_cost_what_they_are(void **state)
{
	auto_buf struct buf old = { 0 }, now = { 0 };

	add_noise(&old, 400000);
	add_range(&now, &old, 0, 50000);
	add_noise(&now, 777); /* inserted */
	add_range(&now, &old, 50000, 120000);
	add_range(&now, &old, 120500, 200000); /* cut out */
	add_noise(&now, 1000);		       /* written over */
	add_range(&now, &old, 201000, 400000);
	assert_in_range(travels(&old, &now), 1777, 1777 + 8);
}

static void what_was_moved_is_found(void **state)
{
	auto_buf struct buf old = { 0 }, now = { 0 };

	add_noise(&old, 100000);
	add_range(&now, &old, 70001, 100000);
	add_range(&now, &old, 0, 70001);
	assert_in_range(travels(&old, &now), 0, 2 * DELTA_BLOCK);
}

static void what_is_new_travels(void **state)
{
	auto_buf struct buf old = { 0 }, now = { 0 }, nothing = { 0 };

	add_noise(&old, 5000);
	add_noise(&now, 7000);
	assert_int_equal(travels(&old, &now), 7000);
	assert_int_equal(travels(&nothing, &now), 7000);
	assert_int_equal(travels(&old, &nothing), 0);
	now.len = DELTA_BLOCK - 1;
	assert_int_equal(travels(&old, &now), DELTA_BLOCK - 1);
}

/* Nothing but one byte: every block has the same sum. */
static void a_run_of_one_byte_takes_no_time(void **state)
{
	auto_buf struct buf old = { 0 }, now = { 0 };

	memset(buf_grow(&old, 4u << 20), 0, 4u << 20);
	memset(buf_grow(&now, 5u << 20), 0, 5u << 20);
	now.data[1u << 20] = 1;
	assert_in_range(travels(&old, &now), 1, 2 * DELTA_BLOCK);
}

static void random_edits_make_the_new_bytes(void **state)
{
	for (int round = 0; round < 200; round++) {
		auto_buf struct buf old = { 0 }, now = { 0 };
		size_t edits = draw() % 8, at = 0;

		add_noise(&old, draw() % 20000);
		for (size_t i = 0; i < edits && at < old.len; i++) {
			size_t end = at + draw() % (old.len - at + 1);

			add_range(&now, &old, at, end);
			add_noise(&now, draw() % 3 ? draw() % 500 : 0);
			at = end + draw() % 300;
		}
		if (at < old.len)
			add_range(&now, &old, at, old.len);
		(void)travels(&old, &now);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_bytes_are_one_copy),
		cmocka_unit_test(several_edits_cost_what_they_are),
		cmocka_unit_test(what_was_moved_is_found),
		cmocka_unit_test(what_is_new_travels),
		cmocka_unit_test(a_run_of_one_byte_takes_no_time),
		cmocka_unit_test(random_edits_make_the_new_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
