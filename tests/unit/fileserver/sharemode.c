// SPDX-License-Identifier: Apache-2.0
#include "opens_fixture.h"

/* Bit 0 reads, bit 1 writes, bit 2 deletes, as in share access. */
static uint32_t access_of(uint32_t bits)
{
	return FILE_READ_ATTRIBUTES | (bits & 1 ? FILE_READ_DATA : 0) |
	       (bits & 2 ? FILE_WRITE_DATA : 0) | (bits & 4 ? DELETE_ACCESS : 0);
}

static ntstatus model(uint32_t access1, uint32_t share1, uint32_t access2, uint32_t share2)
{
	if (!access1 || !access2)
		return STATUS_SUCCESS;
	return (access1 & ~share2) || (access2 & ~share1) ? STATUS_SHARING_VIOLATION
							  : STATUS_SUCCESS;
}

static struct ask ask_of(uint32_t access, uint32_t share)
{
	return (struct ask){
		.path = "f", .access = access_of(access), .share = share, .no_share = !share
	};
}

static void two_opens_live_together_as_both_allow(void **state)
{
	(void)state;
	make_file("f");
	for (uint32_t first = 0; first < 64; first++) {
		struct open *open = must_open(ask_of(first >> 3, first & 7));

		for (uint32_t second = 0; second < 64; second++)
			if (try_open(ask_of(second >> 3, second & 7)) !=
			    model(first >> 3, first & 7, second >> 3, second & 7))
				fail_msg("access %x share %x, then access %x share %x", first >> 3,
					 first & 7, second >> 3, second & 7);
		done(open);
	}
}

static void overwriting_counts_as_writing(void **state)
{
	struct open *open;

	(void)state;
	make_file("f");
	open = OPEN(.path = "f", .access = FILE_READ_DATA, .share = FILE_SHARE_READ);
	assert_status(TRY(.path = "f", .access = FILE_READ_DATA, .disposition = FILE_OVERWRITE),
		      STATUS_SHARING_VIOLATION);
	done(open);
}

static void streams_of_a_file_are_shared_apart(void **state)
{
	struct open *open;

	(void)state;
	make_file("f");
	open = OPEN(.path = "f", .access = FILE_READ_DATA, .no_share = true);
	assert_status(TRY(.path = "f:s", .access = FILE_MODIFY_ACCESS, .disposition = FILE_OPEN_IF),
		      STATUS_SUCCESS);
	assert_status(TRY(.path = "f"), STATUS_SHARING_VIOLATION);
	done(open);
}

static void a_stream_that_does_not_share_delete_keeps_its_file(void **state)
{
	struct open *stream;

	(void)state;
	make_file("f");
	stream = OPEN(.path = "f:s", .access = FILE_MODIFY_ACCESS, .disposition = FILE_OPEN_IF,
		      .share = FILE_SHARE_READ);
	assert_status(TRY(.path = "f", .access = DELETE_ACCESS), STATUS_SHARING_VIOLATION);
	done(stream);
	assert_status(TRY(.path = "f", .access = DELETE_ACCESS), STATUS_SUCCESS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(two_opens_live_together_as_both_allow),
		TEST(overwriting_counts_as_writing),
		TEST(streams_of_a_file_are_shared_apart),
		TEST(a_stream_that_does_not_share_delete_keeps_its_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
