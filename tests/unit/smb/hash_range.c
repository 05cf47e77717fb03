// SPDX-License-Identifier: Apache-2.0
/*
 * FSCTL_BERTH_HASH_RANGE: it says what a READ would have sent, and nothing to whom a READ would
 * have been refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <wire/hash_range.h>

#include "peer.h"

#define FILE_BYTES	 (1u << 20)
#define PART		 65536u /* of one WRITE */
#define CREDIT_CHARGE_AT 6	/* in the header */
#define LOCKED_FROM	 100000u
#define LOCKED_BYTES	 1000u

static uint8_t data[FILE_BYTES];

static struct smb2_file_id opened(struct peer *p, const char *name, uint32_t access,
				  uint32_t options)
{
	struct smb2_create_request r = peer_file(access);
	struct smb2_create_response answer = { 0 };

	r.create_options = options;
	assert_int_equal(peer_create(p, name, r, &answer), STATUS_SUCCESS);
	return answer.file_id;
}

/* A file of noise, open with all rights. */
static struct smb2_file_id written(struct peer *p, const char *name)
{
	struct smb2_file_id id = opened(p, name, FILE_ALL_ACCESS, 0);

	for (uint32_t at = 0; at < FILE_BYTES; at += PART) {
		struct smb2_write_request w = { .file_id = id,
						.offset = at,
						.data = cur_of(data + at, PART) };
		struct buf b = peer_begin(p, SMB2_WRITE);

		smb2_write_request_encode(&b, &w);
		assert_int_equal(peer_status(p, &b), STATUS_SUCCESS);
	}
	return id;
}

static ntstatus ask(struct peer *p, struct smb2_file_id id, struct cursor input, uint32_t room,
		    uint16_t charge, struct hash_range_reply *reply)
{
	struct smb2_ioctl_request r = { .code = FSCTL_BERTH_HASH_RANGE,
					.file_id = id,
					.max_output_response = room,
					.flags = SMB2_IOCTL_IS_FSCTL,
					.input = input };
	struct smb2_ioctl_response answer;
	struct buf b = peer_begin(p, SMB2_IOCTL);
	struct smb2_header h;
	struct cursor body;

	buf_put_u16le(&b, CREDIT_CHARGE_AT, charge);
	p->message_id += charge - 1u;
	smb2_ioctl_request_encode(&b, &r);
	assert_true(peer_ask(p, &b, &h, &body));
	while (h.status == STATUS_PENDING)
		assert_true(peer_answer(p, &h, &body));
	if (h.status)
		return h.status;
	assert_int_equal(smb2_ioctl_response_decode(&body, &answer), STATUS_SUCCESS);
	assert_int_equal(answer.code, FSCTL_BERTH_HASH_RANGE);
	assert_int_equal(cur_left(&answer.output), HASH_RANGE_REPLY_BYTES);
	assert_int_equal(hash_range_reply_decode(answer.output, reply), STATUS_SUCCESS);
	return STATUS_SUCCESS;
}

static ntstatus hash(struct peer *p, struct smb2_file_id id, uint64_t offset, uint32_t length,
		     struct hash_range_reply *reply)
{
	const struct hash_range range = { offset, length };
	auto_buf struct buf input = { 0 };

	hash_range_encode(&input, &range);
	return ask(p, id, cur_of(input.data, input.len), HASH_RANGE_REPLY_BYTES,
		   (uint16_t)((length + PART - 1) / PART), reply);
}

static void must_hash(struct peer *p, struct smb2_file_id id, uint32_t offset, uint32_t length,
		      uint32_t expected)
{
	struct hash_range_reply reply = { 0 };
	uint8_t right[HASH_RANGE_HASH_BYTES];

	assert_int_equal(hash(p, id, offset, length, &reply), STATUS_SUCCESS);
	assert_int_equal(reply.length, expected);
	assert_true(hash_sha256(data + offset, expected, right));
	assert_memory_equal(reply.hash, right, sizeof(right));
}

static void what_is_stored_is_hashed_to_the_end_of_the_file(void **state)
{
	struct hash_range_reply reply = { 0 };
	struct smb2_file_id id, stream;
	struct peer p;

	peer_connect(&p);
	id = written(&p, "hashed");
	must_hash(&p, id, 0, 1, 1);
	must_hash(&p, id, 0, PART, PART);
	must_hash(&p, id, 12345, 200000, 200000);
	must_hash(&p, id, 0, FILE_BYTES, FILE_BYTES); /* by a helper */
	must_hash(&p, id, FILE_BYTES - 10, PART, 10);
	must_hash(&p, id, 1000, HASH_RANGE_MAX, FILE_BYTES - 1000);
	assert_int_equal(hash(&p, id, FILE_BYTES, 1, &reply), STATUS_END_OF_FILE);
	assert_int_equal(hash(&p, id, FILE_BYTES, HASH_RANGE_MAX, &reply), STATUS_END_OF_FILE);
	stream = written(&p, "hashed:beside");
	must_hash(&p, stream, 77, PART, PART);
	assert_int_equal(peer_close_file(&p, stream), STATUS_SUCCESS);
	assert_int_equal(peer_close_file(&p, id), STATUS_SUCCESS);
	peer_close(&p);
}

static void who_may_not_read_is_told_no_hash(void **state)
{
	struct hash_range_reply reply = { 0 };
	struct smb2_file_id id, directory;
	struct peer p;

	peer_connect(&p);
	id = written(&p, "closed");
	assert_int_equal(peer_close_file(&p, id), STATUS_SUCCESS);
	id = opened(&p, "closed", FILE_WRITE_DATA | FILE_READ_ATTRIBUTES, 0);
	assert_int_equal(hash(&p, id, 0, PART, &reply), STATUS_ACCESS_DENIED);
	assert_int_equal(peer_close_file(&p, id), STATUS_SUCCESS);
	id = opened(&p, "closed", FILE_EXECUTE | FILE_READ_ATTRIBUTES, 0);
	assert_int_equal(hash(&p, id, 0, PART, &reply), STATUS_ACCESS_DENIED);
	assert_int_equal(peer_close_file(&p, id), STATUS_SUCCESS);
	assert_int_equal(hash(&p, id, 0, PART, &reply), STATUS_FILE_CLOSED);
	directory = opened(&p, "folder", FILE_READ_DATA, FILE_DIRECTORY_FILE);
	assert_int_equal(hash(&p, directory, 0, PART, &reply), STATUS_INVALID_DEVICE_REQUEST);
	assert_int_equal(peer_close_file(&p, directory), STATUS_SUCCESS);
	peer_close(&p);
}

static void a_locked_range_is_not_hashed_for_others(void **state)
{
	struct smb2_lock_request lock = {
		.count = 1,
		.locks = { { .offset = LOCKED_FROM,
			     .length = LOCKED_BYTES,
			     .flags = SMB2_LOCKFLAG_EXCLUSIVE_LOCK |
				      SMB2_LOCKFLAG_FAIL_IMMEDIATELY } },
	};
	struct hash_range_reply reply = { 0 };
	struct smb2_file_id id;
	struct peer p, other;
	struct buf b;

	peer_connect(&p);
	lock.file_id = written(&p, "locked");
	b = peer_begin(&p, SMB2_LOCK);
	smb2_lock_request_encode(&b, &lock);
	assert_int_equal(peer_status(&p, &b), STATUS_SUCCESS);
	peer_connect(&other);
	id = opened(&other, "locked", FILE_READ_DATA, 0);
	assert_int_equal(hash(&other, id, 0, FILE_BYTES, &reply), STATUS_FILE_LOCK_CONFLICT);
	assert_int_equal(hash(&other, id, LOCKED_FROM + LOCKED_BYTES - 1, 1, &reply),
			 STATUS_FILE_LOCK_CONFLICT);
	must_hash(&other, id, 0, LOCKED_FROM, LOCKED_FROM);
	must_hash(&p, lock.file_id, 0, FILE_BYTES, FILE_BYTES);
	assert_int_equal(peer_close_file(&other, id), STATUS_SUCCESS);
	peer_close(&other);
	assert_int_equal(peer_close_file(&p, lock.file_id), STATUS_SUCCESS);
	peer_close(&p);
}

static ntstatus ask_for(struct peer *p, struct smb2_file_id id, const uint64_t words[3],
			size_t bytes, uint32_t room, uint16_t charge)
{
	struct hash_range_reply reply;
	auto_buf struct buf input = { 0 };

	for (int i = 0; i < 3; i++)
		buf_u64le(&input, words[i]);
	return ask(p, id, cur_of(input.data, bytes), room, charge, &reply);
}

static void a_wrong_request_is_refused(void **state)
{
	static const uint64_t wrong[][3] = {
		{ 1, 0, 0 },		      /* no length */
		{ 1, 0, HASH_RANGE_MAX + 1 }, /* more than the limit */
		{ 1, 0, 1ULL << 32 | 1 },
		{ 0, 0, 1 }, /* another algorithm */
		{ 2, 0, 1 },
		{ 1ULL << 32 | 1, 0, 1 }, /* the reserved field */
		{ 1, INT64_MAX, 1 },	  /* behind every file */
		{ 1, UINT64_MAX, 1 },
	};
	static const uint64_t good[3] = { 1, 0, PART };
	struct smb2_file_id id;
	struct peer p;

	peer_connect(&p);
	id = written(&p, "refused");
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_int_equal(ask_for(&p, id, wrong[i], 24, HASH_RANGE_REPLY_BYTES, 16),
				 STATUS_INVALID_PARAMETER);
	assert_int_equal(ask_for(&p, id, good, 23, HASH_RANGE_REPLY_BYTES, 1),
			 STATUS_INVALID_PARAMETER);
	assert_int_equal(ask_for(&p, id, good, 0, HASH_RANGE_REPLY_BYTES, 1),
			 STATUS_INVALID_PARAMETER);
	assert_int_equal(ask_for(&p, id, good, 24, HASH_RANGE_REPLY_BYTES - 1, 1),
			 STATUS_BUFFER_TOO_SMALL);
	assert_int_equal(ask_for(&p, id, good, 24, 0, 1), STATUS_BUFFER_TOO_SMALL);
	/* As a READ of a byte more than is paid for. */
	assert_int_equal(ask_for(&p, id, (const uint64_t[3]){ 1, 0, PART + 1 }, 24,
				 HASH_RANGE_REPLY_BYTES, 1),
			 STATUS_INVALID_PARAMETER);
	assert_int_equal(ask_for(&p, id, good, 24, HASH_RANGE_REPLY_BYTES, 1), STATUS_SUCCESS);
	assert_int_equal(peer_close_file(&p, id), STATUS_SUCCESS);
	peer_close(&p);
}

static int start(void **state)
{
	random_bytes(data, sizeof(data));
	peer_start(NULL);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_stored_is_hashed_to_the_end_of_the_file),
		cmocka_unit_test(who_may_not_read_is_told_no_hash),
		cmocka_unit_test(a_locked_range_is_not_hashed_for_others),
		cmocka_unit_test(a_wrong_request_is_refused),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
