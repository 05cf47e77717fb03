// SPDX-License-Identifier: Apache-2.0
/* Every message once: what is encoded decodes to the same, and no prefix of it is overread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <wire/hash_range.h>
#include <wire/offload.h>
#include <wire/smb2.h>

#include "guarded.h"

#define LEAD	4 /* what stands in front of the header: a transport's length */

#define TEXT(s) cur_of(s, sizeof(s) - 1)
#define ID                                                                                         \
	{                                                                                          \
		0x1122334455667788, 0x99aabbccddeeff00                                             \
	}
#define GUID                                                                                       \
	{                                                                                          \
		{                                                                                  \
			1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16                      \
		}                                                                                  \
	}

/* One instance of each message. */
static const struct smb2_negotiate_request negotiate_request = {
	.dialect_count = 3,
	.dialects = { SMB2_DIALECT_202, SMB2_DIALECT_300, SMB2_DIALECT_311 },
	.security_mode = 1,
	.capabilities = 0x7f,
	.client_guid = GUID,
	.contexts = { .has_preauth = true,
		      .preauth_count = 1,
		      .preauth_hash = { 1 },
		      .salt_length = 5,
		      .salt = "salt",
		      .has_encryption = true,
		      .cipher_count = 3,
		      .cipher = { 1, 2, 4 },
		      .has_signing = true,
		      .signing_count = 2,
		      .signing = { 1, 2 },
		      .has_compression = true,
		      .compression_count = 3,
		      .compression_flags = 1,
		      .compression = { 1, 2, 3 },
		      .netname = { (const uint8_t *)"F\0S", (const uint8_t *)"F\0S",
				   (const uint8_t *)"F\0S" + 4, false } },
};
static const struct smb2_negotiate_request negotiate_old_request = {
	.dialect_count = 2,
	.dialects = { SMB2_DIALECT_202, SMB2_DIALECT_210 },
	.security_mode = 3,
	.client_guid = GUID,
};
static const struct smb2_flush_request flush_request = { ID };
static const struct smb2_close_request close_request = { 1, ID };
static const struct smb2_read_request read_request = { 0x50, 1, 65536, 1ull << 40, ID, 7, 0, 9 };
static const struct smb2_lock_request lock_request = {
	.count = 2,
	.lock_sequence = 0x31,
	.file_id = ID,
	.locks = { { 1, 2, 2 }, { 3, 4, 17 } },
};
static const struct smb2_change_notify_request change_notify_request = { 1, 4096, ID, 0xfff };
static const struct smb2_tree_connect_response tree_connect_response = { 1, 0x800, 0x50, 0x1f01ff };
static const struct smb2_write_response write_response = { 4096, 3 };
#define FACTS                                                                                      \
	{                                                                                          \
		{ 1 }, { 2 }, { 3 }, { 4 }, 5, 6, 7                                                \
	}
static const struct smb2_close_response close_response = { 1, FACTS };
static const struct smb2_oplock_break oplock_ack = { .oplock_level = 1, .file_id = ID };
static const struct smb2_oplock_break lease_ack = {
	.is_lease = true,
	.lease_key = "0123456789abcde",
	.lease_flags = 2,
	.lease_state = 3,
};
static const struct smb2_oplock_break lease_notification = {
	.is_lease = true,
	.lease_key = "0123456789abcde",
	.lease_flags = 1,
	.current_state = 7,
	.new_state = 3,
	.new_epoch = 12,
};
static const struct smb2_create_response create_response = {
	.oplock_level = 0xff,
	.flags = 1,
	.create_action = 2,
	.facts = FACTS,
	.file_id = ID,
	.has_maximal_access = true,
	.maximal_access_status = 0,
	.maximal_access = 0x1f01ff,
	.has_disk_id = true,
	.disk_file_id = 77,
	.disk_volume_id = 88,
	.lease = { true, 2, "0123456789abcde", 7, 4, "fedcba987654321", 9 },
	.durable_v1 = true,
	.durable_v2 = true,
	.durable_timeout_ms = 60000,
	.durable_flags = 2,
};
static const struct smb2_create_response create_bare_response = {
	.create_action = 1,
	.facts = FACTS,
	.file_id = ID,
};

/* Those with parts of variable length, filled in by setup(). */
static struct smb2_negotiate_response negotiate_response;
static struct smb2_session_setup_request session_setup_request;
static struct smb2_session_setup_response session_setup_response;
static struct smb2_tree_connect_request tree_connect_request;
static struct smb2_create_request create_request;
static struct smb2_write_request write_request;
static struct smb2_ioctl_request ioctl_request;
static struct smb2_ioctl_response ioctl_response;
static struct smb2_query_directory_request query_directory_request;
static struct smb2_query_info_request query_info_request;
static struct smb2_set_info_request set_info_request;

static int setup(void **state)
{
	(void)state;
	negotiate_response = (struct smb2_negotiate_response){
		1,
		SMB2_DIALECT_311,
		GUID,
		0x2f,
		1 << 20,
		1 << 21,
		1 << 22,
		{ 5 },
		{ 6 },
		TEXT("token"),
		negotiate_request.contexts,
	};
	negotiate_response.contexts.netname = cur_of(NULL, 0);
	session_setup_request = (struct smb2_session_setup_request){ 1, 2, 3, 4, TEXT("blob") };
	session_setup_response = (struct smb2_session_setup_response){ 4, TEXT("answer") };
	tree_connect_request = (struct smb2_tree_connect_request){ 1, TEXT("\\\0\\\0a\0\\\0b\0") };
	create_request = (struct smb2_create_request){
		9,
		2,
		0x120089,
		0x80,
		7,
		3,
		0x40,
		TEXT("d\0\\\0f\0"),
		{ .has_ea = true,
		  .ea = TEXT("some ea"),
		  .has_sd = true,
		  .sd = TEXT("a descriptor"),
		  .durable = { true, true, true, true, ID, GUID, 3000, 2 },
		  .has_allocation_size = true,
		  .allocation_size = 1 << 20,
		  .wants_maximal_access = true,
		  .maximal_access_timestamp = { 99 },
		  .has_timewarp = true,
		  .timewarp = { 100 },
		  .wants_disk_id = true,
		  .lease = { true, 1, "0123456789abcde", 7 },
		  .has_app_instance = true,
		  .app_instance_id = GUID,
		  .has_app_instance_version = true,
		  .app_instance_version_high = 5,
		  .app_instance_version_low = 6 },
	};
	write_request = (struct smb2_write_request){ 1ull << 33, ID, 0, 2, 1, TEXT("written") };
	ioctl_request =
		(struct smb2_ioctl_request){ FSCTL_PIPE_TRANSCEIVE, ID, 1, 2, 1, TEXT("in") };
	ioctl_response = (struct smb2_ioctl_response){ FSCTL_PIPE_TRANSCEIVE, ID, 1, TEXT("in"),
						       TEXT("output") };
	query_directory_request =
		(struct smb2_query_directory_request){ 37, 1, 2, ID, TEXT("*\0"), 65536 };
	query_info_request =
		(struct smb2_query_info_request){ 1, 5, 4096, 7, 1, ID, TEXT("input") };
	set_info_request = (struct smb2_set_info_request){ 1, 20, 3, ID, TEXT("12345678") };
	return 0;
}

/* The functions of a message, with their types taken away. */
#define THUNKS(name, type)                                                                         \
	static void name##_encode_any(struct buf *b, const void *r)                                \
	{                                                                                          \
		smb2_##name##_encode(b, r);                                                        \
	}                                                                                          \
	static ntstatus name##_decode_any(struct cursor *c, void *r)                               \
	{                                                                                          \
		return smb2_##name##_decode(c, (type *)r);                                         \
	}
#define ROW_OF(name, instance)                                                                     \
	{                                                                                          \
#instance, name##_encode_any, name##_decode_any, &(instance)                       \
	}

THUNKS(negotiate_request, struct smb2_negotiate_request)
THUNKS(negotiate_response, struct smb2_negotiate_response)
THUNKS(session_setup_request, struct smb2_session_setup_request)
THUNKS(session_setup_response, struct smb2_session_setup_response)
THUNKS(tree_connect_request, struct smb2_tree_connect_request)
THUNKS(tree_connect_response, struct smb2_tree_connect_response)
THUNKS(create_request, struct smb2_create_request)
THUNKS(create_response, struct smb2_create_response)
THUNKS(close_request, struct smb2_close_request)
THUNKS(close_response, struct smb2_close_response)
THUNKS(flush_request, struct smb2_flush_request)
THUNKS(read_request, struct smb2_read_request)
THUNKS(write_request, struct smb2_write_request)
THUNKS(write_response, struct smb2_write_response)
THUNKS(lock_request, struct smb2_lock_request)
THUNKS(ioctl_request, struct smb2_ioctl_request)
THUNKS(ioctl_response, struct smb2_ioctl_response)
THUNKS(query_directory_request, struct smb2_query_directory_request)
THUNKS(change_notify_request, struct smb2_change_notify_request)
THUNKS(query_info_request, struct smb2_query_info_request)
THUNKS(set_info_request, struct smb2_set_info_request)
THUNKS(oplock_break_ack, struct smb2_oplock_break)
THUNKS(oplock_break_notification, struct smb2_oplock_break)

static const struct row {
	const char *name;
	void (*encode)(struct buf *b, const void *r);
	ntstatus (*decode)(struct cursor *c, void *r);
	const void *value;
} rows[] = {
	ROW_OF(negotiate_request, negotiate_request),
	ROW_OF(negotiate_request, negotiate_old_request),
	ROW_OF(negotiate_response, negotiate_response),
	ROW_OF(session_setup_request, session_setup_request),
	ROW_OF(session_setup_response, session_setup_response),
	ROW_OF(tree_connect_request, tree_connect_request),
	ROW_OF(tree_connect_response, tree_connect_response),
	ROW_OF(create_request, create_request),
	ROW_OF(create_response, create_response),
	ROW_OF(create_response, create_bare_response),
	ROW_OF(close_request, close_request),
	ROW_OF(close_response, close_response),
	ROW_OF(flush_request, flush_request),
	ROW_OF(read_request, read_request),
	ROW_OF(write_request, write_request),
	ROW_OF(write_response, write_response),
	ROW_OF(lock_request, lock_request),
	ROW_OF(ioctl_request, ioctl_request),
	ROW_OF(ioctl_response, ioctl_response),
	ROW_OF(query_directory_request, query_directory_request),
	ROW_OF(change_notify_request, change_notify_request),
	ROW_OF(query_info_request, query_info_request),
	ROW_OF(set_info_request, set_info_request),
	ROW_OF(oplock_break_ack, oplock_ack),
	ROW_OF(oplock_break_ack, lease_ack),
	ROW_OF(oplock_break_notification, oplock_ack),
	ROW_OF(oplock_break_notification, lease_notification),
};

union any_message {
	struct smb2_negotiate_request negotiate_request;
	struct smb2_negotiate_response negotiate_response;
	struct smb2_create_request create_request;
	struct smb2_create_response create_response;
	struct smb2_lock_request lock_request;
	struct smb2_copychunk_request copychunk;
	uint8_t bytes[4096];
};

static void encode_whole(struct buf *b, const struct row *row, const void *value)
{
	buf_zero(b, LEAD);
	smb2_header_encode(b, &(struct smb2_header){ .command = 1 });
	row->encode(b, value);
	assert_false(b->failed);
}

/* body_of - a cursor at the body of a message of @length bytes that begins at LEAD of @b. */
static struct cursor body_of(const struct buf *b, size_t length)
{
	struct cursor c = guarded(b->data + LEAD, length);

	cur_skip(&c, SMB2_HEADER_SIZE);
	return c;
}

static void what_is_encoded_decodes_to_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		union any_message back;
		struct buf first = { 0 };
		struct buf second = { 0 };
		struct cursor c;

		memset(&back, 0xa5, sizeof(back));
		encode_whole(&first, &rows[i], rows[i].value);
		c = body_of(&first, first.len - LEAD);
		if (rows[i].decode(&c, &back))
			fail_msg("%s does not decode", rows[i].name);
		encode_whole(&second, &rows[i], &back);
		if (first.len != second.len || memcmp(first.data, second.data, first.len))
			fail_msg("%s comes back as something else", rows[i].name);
		buf_free(&first);
		buf_free(&second);
	}
}

static void no_prefix_of_a_message_is_overread(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = { 0 };
		size_t refused = 0;

		encode_whole(&b, &rows[i], rows[i].value);
		for (size_t n = SMB2_HEADER_SIZE; n < b.len - LEAD; n++) {
			union any_message back;
			struct cursor c = body_of(&b, n);
			ntstatus status = rows[i].decode(&c, &back);

			if (status)
				assert_int_equal(status, STATUS_INVALID_PARAMETER);
			refused += status != 0;
		}
		/* All but the byte that stands for an empty part, where there is one. */
		if (refused + 1 < b.len - LEAD - SMB2_HEADER_SIZE)
			fail_msg("%s: prefixes are taken for whole", rows[i].name);
		buf_free(&b);
	}
}

static void every_byte_of_a_message_may_be_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = { 0 };

		encode_whole(&b, &rows[i], rows[i].value);
		for (size_t at = LEAD + SMB2_HEADER_SIZE; at < b.len; at++) {
			uint8_t was = b.data[at];

			for (unsigned v = 0; v < 256; v += was == v + 1 ? 2 : 1) {
				union any_message back;
				struct cursor c;
				ntstatus status;

				b.data[at] = (uint8_t)v;
				c = body_of(&b, b.len - LEAD);
				status = rows[i].decode(&c, &back);
				assert_true(!status || status == STATUS_INVALID_PARAMETER);
			}
			b.data[at] = was;
		}
		buf_free(&b);
	}
}

static void a_wrong_structure_size_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = { 0 };
		union any_message back;
		struct cursor c;

		encode_whole(&b, &rows[i], rows[i].value);
		b.data[LEAD + SMB2_HEADER_SIZE] ^= 0x40;
		c = body_of(&b, b.len - LEAD);
		assert_int_equal(rows[i].decode(&c, &back), STATUS_INVALID_PARAMETER);
		buf_free(&b);
	}
}

static void a_header_comes_back(void **state)
{
	static const struct smb2_header headers[] = {
		{ 2, 0, 7, SMB2_READ, 31, 0x10, 0, 9, 0, 5, 77, "0123456789abcde" },
		{ 2, 0xc0000022, 0x22, SMB2_READ, 31,
		  SMB2_FLAGS_SERVER_TO_REDIR | SMB2_FLAGS_ASYNC_COMMAND, 96, 9, 1234, 0, 77,
		  "0123456789abcde" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		struct buf b = { 0 };
		struct smb2_header h = { 0 };
		struct cursor c;

		smb2_header_encode(&b, &headers[i]);
		assert_int_equal(b.len, SMB2_HEADER_SIZE);
		for (size_t n = 0; n < b.len; n++) {
			c = guarded(b.data, n);
			assert_int_equal(smb2_header_decode(&c, &h), STATUS_INVALID_PARAMETER);
		}
		c = guarded(b.data, b.len);
		assert_int_equal(smb2_header_decode(&c, &h), STATUS_SUCCESS);
		assert_int_equal(h.credit_charge, 2);
		assert_int_equal(h.credits, 31);
		assert_int_equal(h.flags, headers[i].flags);
		assert_int_equal(h.next_command, headers[i].next_command);
		assert_int_equal(h.message_id, 9);
		assert_int_equal(h.async_id, headers[i].async_id);
		assert_int_equal(h.tree_id, headers[i].tree_id);
		assert_int_equal(h.session_id, 77);
		assert_int_equal(i ? h.status : h.channel_sequence, i ? 0xc0000022 : 7);
		assert_memory_equal(h.signature, headers[i].signature, 16);
		buf_free(&b);
	}
}

static void a_transform_header_comes_back(void **state)
{
	static const struct smb2_transform t = { "0123456789abcde", "ABCDEFGHIJKLMNO", 500, 1, 99 };
	struct smb2_transform back = { 0 };
	struct buf b = { 0 };
	struct cursor c;

	(void)state;
	smb2_transform_encode(&b, &t);
	assert_int_equal(b.len, SMB2_TRANSFORM_SIZE);
	for (size_t n = 0; n < b.len; n++) {
		c = guarded(b.data, n);
		assert_int_equal(smb2_transform_decode(&c, &back), STATUS_INVALID_PARAMETER);
	}
	c = guarded(b.data, b.len);
	assert_int_equal(smb2_transform_decode(&c, &back), STATUS_SUCCESS);
	assert_memory_equal(back.signature, t.signature, 16);
	assert_memory_equal(b.data + SMB2_TRANSFORM_NONCE_AT, t.nonce, 16);
	assert_int_equal(back.original_size, 500);
	assert_int_equal(back.flags, 1);
	assert_int_equal(back.session_id, 99);
	buf_free(&b);
}

static void an_error_always_carries_a_byte(void **state)
{
	struct smb2_error e;
	struct buf b = { 0 };
	struct cursor c;

	(void)state;
	smb2_error_encode(&b, NULL, 0, 0);
	assert_int_equal(b.len, 9);
	c = guarded(b.data, b.len);
	assert_int_equal(smb2_error_decode(&c, &e), STATUS_SUCCESS);
	assert_int_equal(cur_left(&e.data), 0);
	b.len = 0;
	smb2_error_encode(&b, "abcd", 4, 1);
	c = guarded(b.data, b.len);
	assert_int_equal(smb2_error_decode(&c, &e), STATUS_SUCCESS);
	assert_int_equal(cur_left(&e.data), 4);
	assert_int_equal(e.context_count, 1);
	c = guarded(b.data, b.len - 1);
	assert_int_equal(smb2_error_decode(&c, &e), STATUS_INVALID_PARAMETER);
	buf_free(&b);
}

static void an_output_buffer_comes_back(void **state)
{
	struct buf b = { 0 };
	struct cursor output;
	struct cursor c;
	size_t at;

	(void)state;
	smb2_header_encode(&b, &(struct smb2_header){ 0 });
	at = smb2_output_response_begin(&b);
	buf_text(&b, "listing");
	smb2_output_response_end(&b, at);
	c = guarded(b.data, b.len);
	cur_skip(&c, SMB2_HEADER_SIZE);
	assert_int_equal(smb2_output_response_decode(&c, &output), STATUS_SUCCESS);
	assert_int_equal(cur_left(&output), 7);
	assert_memory_equal(output.at, "listing", 7);
	buf_free(&b);
}

static void a_read_answer_comes_back(void **state)
{
	struct smb2_read_response r;
	struct buf b = { 0 };
	struct cursor c;

	(void)state;
	smb2_header_encode(&b, &(struct smb2_header){ 0 });
	smb2_read_response_encode_head(&b, 4, 2);
	assert_int_equal(b.len, SMB2_HEADER_SIZE + SMB2_READ_RESPONSE_HEAD);
	buf_text(&b, "data");
	c = guarded(b.data, b.len);
	cur_skip(&c, SMB2_HEADER_SIZE);
	assert_int_equal(smb2_read_response_decode(&c, &r), STATUS_SUCCESS);
	assert_memory_equal(r.data.at, "data", 4);
	assert_int_equal(r.data_remaining, 2);
	c = guarded(b.data, b.len - 1);
	cur_skip(&c, SMB2_HEADER_SIZE);
	assert_int_equal(smb2_read_response_decode(&c, &r), STATUS_INVALID_PARAMETER);
	buf_free(&b);
}

static void network_interfaces_come_back(void **state)
{
	static const struct smb2_network_interface told[] = {
		{ 1, SMB2_INTERFACE_RSS_CAPABLE, 10000000000u, false, { 10, 0, 0, 50 } },
		{ 7, 0, 1000000000u, true, { 0xfd, [15] = 0x50 } },
	};
	struct smb2_network_interface back;
	struct buf b = { 0 };
	size_t last = SIZE_MAX;
	struct cursor c;

	(void)state;
	smb2_network_interface_encode(&b, &told[0], &last);
	smb2_network_interface_encode(&b, &told[1], &last);
	assert_int_equal(b.len, 2 * SMB2_INTERFACE_INFO_SIZE);
	c = guarded(b.data, b.len);
	for (size_t i = 0; i < 2; i++) {
		assert_true(smb2_network_interface_next(&c, &back));
		assert_memory_equal(&back, &told[i], sizeof(back));
	}
	assert_false(smb2_network_interface_next(&c, &back));
	assert_false(c.bad);
	c = guarded(b.data, 40); /* the second row is beyond the end */
	assert_false(smb2_network_interface_next(&c, &back));
	assert_true(c.bad);
	buf_free(&b);
}

static void fsctl_payloads_come_back(void **state)
{
	static const struct smb2_validate_negotiate v = {
		0x7f, GUID, 1, 2, { 0x202, 0x300 }, 0x302
	};
	static const struct smb2_copychunk_request k = { "a key of twenty four by",
							 2,
							 { { 1, 2, 3 }, { 4, 5, 6 } } };
	static struct smb2_copychunk_request chunks;
	struct smb2_validate_negotiate back;
	struct buf b = { 0 };

	(void)state;
	smb2_validate_negotiate_request_encode(&b, &v);
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(smb2_validate_negotiate_request_decode(guarded(b.data, n), &back),
				 STATUS_INVALID_PARAMETER);
	assert_int_equal(smb2_validate_negotiate_request_decode(guarded(b.data, b.len), &back), 0);
	assert_int_equal(back.capabilities, 0x7f);
	assert_int_equal(back.dialect_count, 2);
	assert_int_equal(back.dialects[1], 0x300);
	b.len = 0;
	smb2_validate_negotiate_response_encode(&b, &v);
	assert_int_equal(b.len, 24);
	assert_int_equal(smb2_validate_negotiate_response_decode(guarded(b.data, b.len), &back), 0);
	assert_int_equal(back.dialect, 0x302);
	b.len = 0;
	smb2_copychunk_request_encode(&b, &k);
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(smb2_copychunk_request_decode(guarded(b.data, n), &chunks),
				 STATUS_INVALID_PARAMETER);
	assert_int_equal(smb2_copychunk_request_decode(guarded(b.data, b.len), &chunks), 0);
	assert_int_equal(chunks.chunks[1].target_offset, 5);
	buf_put_u32le(&b, 24, SMB2_COPYCHUNK_MAX_CHUNKS + 1);
	assert_int_equal(smb2_copychunk_request_decode(guarded(b.data, b.len), &chunks),
			 STATUS_INVALID_PARAMETER);
	buf_free(&b);
}

static void offload_copies_are_decoded_whole_or_not_at_all(void **state)
{
	struct offload_read read = { 0 };
	struct offload_write write = { 0 };
	struct offload_token token = { .type = OFFLOAD_TOKEN_ZERO };
	struct buf b = { 0 };

	(void)state;
	buf_u32le(&b, 32);
	buf_u32le(&b, 0);
	buf_u64le(&b, 1000);
	buf_u64le(&b, 0x100000200);
	buf_u64le(&b, 0x4000);
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(offload_read_decode(guarded(b.data, n), &read),
				 STATUS_BUFFER_TOO_SMALL);
	assert_int_equal(offload_read_decode(guarded(b.data, b.len), &read), 0);
	assert_int_equal(read.time_to_live_ms, 1000);
	assert_int_equal(read.offset, 0x100000200);
	assert_int_equal(read.length, 0x4000);
	buf_put_u32le(&b, 0, 33);
	assert_int_equal(offload_read_decode(guarded(b.data, b.len), &read),
			 STATUS_INVALID_PARAMETER);
	b.len = 0;
	token.id[0] = 7;
	token.id[OFFLOAD_TOKEN_ID_BYTES - 1] = 9;
	offload_read_reply(&b, 512, &token);
	assert_int_equal(b.len, OFFLOAD_READ_REPLY_BYTES);
	b.len = 0;
	buf_u32le(&b, 544);
	buf_u32le(&b, 0);
	buf_u64le(&b, 1);
	buf_u64le(&b, 2);
	buf_u64le(&b, 3);
	buf_u32be(&b, OFFLOAD_TOKEN_ZERO);
	buf_u16le(&b, 0);
	buf_u16be(&b, OFFLOAD_TOKEN_ID_BYTES);
	buf_bytes(&b, token.id, sizeof(token.id));
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(offload_write_decode(guarded(b.data, n), &write),
				 STATUS_BUFFER_TOO_SMALL);
	assert_int_equal(offload_write_decode(guarded(b.data, b.len), &write), 0);
	assert_int_equal(write.transfer_offset, 3);
	assert_int_equal(write.token.type, OFFLOAD_TOKEN_ZERO);
	assert_memory_equal(write.token.id, token.id, sizeof(token.id));
	buf_free(&b);
}

static ntstatus decode_hash_range(uint32_t algorithm, uint32_t reserved, uint64_t length)
{
	auto_buf struct buf b = { 0 };
	struct hash_range r;

	buf_u32le(&b, algorithm);
	buf_u32le(&b, reserved);
	buf_u64le(&b, 0);
	buf_u64le(&b, length);
	return hash_range_decode(guarded(b.data, b.len), &r);
}

static void the_hash_of_a_range_is_asked_for_exactly(void **state)
{
	const struct hash_range asked = { .offset = 0x100000200, .length = HASH_RANGE_MAX };
	struct hash_range r = { 0 };
	auto_buf struct buf b = { 0 };

	hash_range_encode(&b, &asked);
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(hash_range_decode(guarded(b.data, n), &r),
				 STATUS_INVALID_PARAMETER);
	assert_int_equal(hash_range_decode(guarded(b.data, b.len), &r), STATUS_SUCCESS);
	assert_int_equal(r.offset, asked.offset);
	assert_int_equal(r.length, asked.length);
	assert_int_equal(decode_hash_range(HASH_RANGE_SHA256, 0, 1), STATUS_SUCCESS);
	assert_int_equal(decode_hash_range(0, 0, 1), STATUS_INVALID_PARAMETER);
	assert_int_equal(decode_hash_range(2, 0, 1), STATUS_INVALID_PARAMETER);
	assert_int_equal(decode_hash_range(HASH_RANGE_SHA256, 1, 1), STATUS_INVALID_PARAMETER);
	assert_int_equal(decode_hash_range(HASH_RANGE_SHA256, 0, 0), STATUS_INVALID_PARAMETER);
	assert_int_equal(decode_hash_range(HASH_RANGE_SHA256, 0, HASH_RANGE_MAX + 1),
			 STATUS_INVALID_PARAMETER);
	assert_int_equal(decode_hash_range(HASH_RANGE_SHA256, 0, 0x100000001),
			 STATUS_INVALID_PARAMETER);
}

static void the_hash_of_a_range_comes_back(void **state)
{
	struct hash_range_reply told = { .length = 1000, .hash = { 1, 2, 3, [31] = 9 } }, r;
	auto_buf struct buf b = { 0 };

	hash_range_reply_encode(&b, &told);
	assert_int_equal(b.len, HASH_RANGE_REPLY_BYTES);
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(hash_range_reply_decode(guarded(b.data, n), &r),
				 STATUS_INVALID_PARAMETER);
	assert_int_equal(hash_range_reply_decode(guarded(b.data, b.len), &r), STATUS_SUCCESS);
	assert_int_equal(r.length, 1000);
	assert_memory_equal(r.hash, told.hash, sizeof(r.hash));
	buf_put_u32le(&b, 0, 0);
	assert_int_equal(hash_range_reply_decode(guarded(b.data, b.len), &r),
			 STATUS_INVALID_PARAMETER);
	buf_put_u32le(&b, 4, 1);
	assert_int_equal(hash_range_reply_decode(guarded(b.data, b.len), &r),
			 STATUS_INVALID_PARAMETER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_encoded_decodes_to_the_same),
		cmocka_unit_test(no_prefix_of_a_message_is_overread),
		cmocka_unit_test(every_byte_of_a_message_may_be_wrong),
		cmocka_unit_test(a_wrong_structure_size_is_refused),
		cmocka_unit_test(a_header_comes_back),
		cmocka_unit_test(a_transform_header_comes_back),
		cmocka_unit_test(an_error_always_carries_a_byte),
		cmocka_unit_test(an_output_buffer_comes_back),
		cmocka_unit_test(a_read_answer_comes_back),
		cmocka_unit_test(network_interfaces_come_back),
		cmocka_unit_test(fsctl_payloads_come_back),
		cmocka_unit_test(offload_copies_are_decoded_whole_or_not_at_all),
		cmocka_unit_test(the_hash_of_a_range_is_asked_for_exactly),
		cmocka_unit_test(the_hash_of_a_range_comes_back),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
