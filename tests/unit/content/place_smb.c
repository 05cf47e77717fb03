// SPDX-License-Identifier: Apache-2.0
/* An SMB place whose server does not know what only Berth answers: nothing fails because of it. */
#include "../client/private_smbd.h"

#include <content/place_share.h>
#include <crypto/crypto.h>

#define LENGTH 50000u

static uint8_t data[LENGTH];

static struct place *smbd_place(void)
{
	struct place_smb_options options = {
		.host = "127.0.0.1",
		.port = smbd.port,
		.server = "127.0.0.1",
		.share = "share",
		.path = "point",
		.session = { .user = SMBD_USER, .password = SMBD_PASSWORD },
	};
	struct content_failure why = { 0 };
	struct place *place = place_open_smb(&options, &why);

	if (!place)
		fail_msg("%s", why.text);
	return place;
}

static struct place_request put(const char *name)
{
	return (struct place_request){ .verb = PLACE_PUT,
				       .name = name,
				       .data = data,
				       .length = LENGTH,
				       .is_new = true,
				       .wants_back = true };
}

static void wait_for(struct place *place, const struct place_request *rq)
{
	while (!rq->done)
		place_turn(place, -1);
}

static void must_be_stored(struct place *place, const char *name)
{
	auto_buf struct buf got = { 0 };

	assert_int_equal(place_read(place, name, LENGTH, &got), STATUS_SUCCESS);
	assert_int_equal(got.len, LENGTH);
	assert_memory_equal(got.data, data, LENGTH);
}

static void a_server_that_cannot_hash_is_read_back_from_and_asked_no_more(void **state)
{
	struct place_request first = put("first"), meanwhile = put("meanwhile"),
			     later = put("later");
	uint8_t right[SHA256_LENGTH];
	struct place *place;

	NEEDS_SMBD();
	random_bytes(data, sizeof(data));
	assert_true(hash_sha256(data, sizeof(data), right));
	place = smbd_place();
	place_begin(place, &first);
	place_begin(place, &meanwhile);
	wait_for(place, &first);
	wait_for(place, &meanwhile);
	assert_int_equal(first.status, STATUS_SUCCESS);
	assert_false(first.is_back);
	assert_int_equal(meanwhile.status, STATUS_SUCCESS);
	assert_false(meanwhile.is_back);
	assert_int_equal(place_counts(place).bytes_got, 0);
	assert_int_equal(place_reopen(place), STATUS_SUCCESS); /* it remembers */
	place_begin(place, &later);
	wait_for(place, &later);
	assert_int_equal(later.status, STATUS_SUCCESS);
	assert_true(later.is_back);
	assert_int_equal(later.got, LENGTH);
	assert_memory_equal(later.back, right, sizeof(right));
	assert_int_equal(place_counts(place).bytes_got, LENGTH);
	must_be_stored(place, "first");
	must_be_stored(place, "meanwhile");
	must_be_stored(place, "later");
	place_drain(place);
	place_close(place);
}

static void a_name_that_is_taken_is_no_refusal_to_hash(void **state)
{
	struct place_request first = put("taken"), again = put("taken"), next = put("free");
	struct place *place;

	NEEDS_SMBD();
	place = smbd_place();
	place_begin(place, &first);
	wait_for(place, &first);
	place_begin(place, &again);
	wait_for(place, &again);
	assert_int_equal(again.status, STATUS_OBJECT_NAME_COLLISION);
	place_begin(place, &next);
	wait_for(place, &next);
	assert_int_equal(next.status, STATUS_SUCCESS);
	assert_true(next.is_back);
	place_close(place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_that_cannot_hash_is_read_back_from_and_asked_no_more),
		cmocka_unit_test(a_name_that_is_taken_is_no_refusal_to_hash),
	};

	return cmocka_run_group_tests(tests, start_smbd, stop_smbd);
}
