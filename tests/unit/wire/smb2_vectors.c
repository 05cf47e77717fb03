// SPDX-License-Identifier: Apache-2.0
/* Messages of other implementations, messages laid out by hand, and what must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/utf16.h>
#include <wire/smb2.h>

#include "guarded.h"

/* Recorded from smbclient and smbtorture 4.17. */
static const uint8_t negotiate_311[] = {
	0xfe, 0x53, 0x4d, 0x42, 0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x1f,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x24, 0x00, 0x05, 0x00, 0x01, 0x00, 0x00, 0x00, 0x7f, 0x00, 0x00,
	0x00, 0x56, 0xe1, 0xdc, 0x08, 0x75, 0x30, 0xf5, 0x41, 0x8a, 0x59, 0x5f, 0x80, 0x6a, 0x31,
	0x23, 0x67, 0x70, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x02, 0x02, 0x10, 0x02, 0x00,
	0x03, 0x02, 0x03, 0x11, 0x03, 0x00, 0x00, 0x01, 0x00, 0x26, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x01, 0x00, 0x20, 0x00, 0x01, 0x00, 0x97, 0xed, 0xd4, 0x7f, 0x1e, 0x96, 0x16, 0x14, 0x7f,
	0x7f, 0xeb, 0x16, 0x1f, 0xc6, 0xfe, 0x4c, 0xbd, 0xbf, 0xf0, 0xf5, 0xfb, 0x77, 0x56, 0x83,
	0x2b, 0xf8, 0x6d, 0xf4, 0x9c, 0xda, 0x43, 0xc2, 0x00, 0x00, 0x02, 0x00, 0x0a, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x04, 0x00, 0x02, 0x00, 0x01, 0x00, 0x04, 0x00, 0x03, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x08, 0x00, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x02,
	0x00, 0x01, 0x00, 0x00, 0x00, 0x05, 0x00, 0x12, 0x00, 0x00, 0x00, 0x00, 0x00, 0x31, 0x00,
	0x32, 0x00, 0x37, 0x00, 0x2e, 0x00, 0x30, 0x00, 0x2e, 0x00, 0x30, 0x00, 0x2e, 0x00, 0x31,
	0x00,
};

static const uint8_t create_durable_lease[] = {
	0xfe, 0x53, 0x4d, 0x42, 0x40, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x00, 0x01,
	0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0b, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x06, 0x90, 0x32, 0x28, 0xbd, 0xba, 0xd1, 0xb3, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x39, 0x00, 0x00, 0xff, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0x01,
	0x1f, 0x00, 0x80, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x64,
	0x00, 0x20, 0x00, 0x78, 0x00, 0x48, 0x00, 0xc0, 0x00, 0x00, 0x00, 0x60, 0x00, 0x00, 0x00,
	0x64, 0x00, 0x75, 0x00, 0x72, 0x00, 0x61, 0x00, 0x62, 0x00, 0x6c, 0x00, 0x65, 0x00, 0x5f,
	0x00, 0x6f, 0x00, 0x70, 0x00, 0x65, 0x00, 0x6e, 0x00, 0x5f, 0x00, 0x6f, 0x00, 0x70, 0x00,
	0x65, 0x00, 0x6e, 0x00, 0x5f, 0x00, 0x6c, 0x00, 0x65, 0x00, 0x61, 0x00, 0x73, 0x00, 0x65,
	0x00, 0x5f, 0x00, 0x71, 0x00, 0x41, 0x00, 0x34, 0x00, 0x69, 0x00, 0x56, 0x00, 0x45, 0x00,
	0x52, 0x00, 0x2b, 0x00, 0x2e, 0x00, 0x64, 0x00, 0x61, 0x00, 0x74, 0x00, 0x28, 0x00, 0x00,
	0x00, 0x10, 0x00, 0x04, 0x00, 0x00, 0x00, 0x18, 0x00, 0x10, 0x00, 0x00, 0x00, 0x44, 0x48,
	0x6e, 0x51, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x04, 0x00,
	0x00, 0x00, 0x18, 0x00, 0x20, 0x00, 0x00, 0x00, 0x52, 0x71, 0x4c, 0x73, 0x00, 0x00, 0x00,
	0x00, 0xef, 0x65, 0x31, 0x63, 0x00, 0x00, 0x00, 0x00, 0x10, 0x9a, 0xce, 0x9c, 0xff, 0xff,
	0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00,
};

static struct cursor body(const void *data, size_t length)
{
	struct cursor c = guarded(data, length);
	struct smb2_header h;

	assert_int_equal(smb2_header_decode(&c, &h), STATUS_SUCCESS);
	return c;
}

static void assert_name(struct cursor name, const char *text)
{
	char *got = utf16_to_string(name);

	assert_non_null(got);
	assert_string_equal(got, text);
	free(got);
}

static void a_real_negotiate_with_contexts_is_understood(void **state)
{
	struct smb2_negotiate_request r;
	struct cursor c = body(negotiate_311, sizeof(negotiate_311));

	(void)state;
	assert_int_equal(smb2_negotiate_request_decode(&c, &r), STATUS_SUCCESS);
	assert_int_equal(r.dialect_count, 5);
	assert_int_equal(r.dialects[4], SMB2_DIALECT_311);
	assert_int_equal(r.security_mode, SMB2_NEGOTIATE_SIGNING_ENABLED);
	assert_int_equal(r.capabilities, 0x7f);
	assert_true(r.contexts.has_preauth && r.contexts.has_encryption && r.contexts.has_signing);
	assert_false(r.contexts.has_compression);
	assert_int_equal(r.contexts.preauth_count, 1);
	assert_int_equal(r.contexts.preauth_hash[0], SMB2_HASH_SHA512);
	assert_int_equal(r.contexts.salt_length, 32);
	assert_int_equal(r.contexts.salt[0], 0x97);
	assert_int_equal(r.contexts.salt[31], 0xc2);
	assert_int_equal(r.contexts.cipher_count, 4);
	assert_int_equal(r.contexts.cipher[0], 2);
	assert_int_equal(r.contexts.cipher[3], 3);
	assert_int_equal(r.contexts.signing_count, 3);
	assert_int_equal(r.contexts.signing[0], 2);
	assert_name(r.contexts.netname, "127.0.0.1");
}

static void a_real_create_with_a_durable_handle_and_a_lease_is_understood(void **state)
{
	struct smb2_create_request r;
	struct cursor c = body(create_durable_lease, sizeof(create_durable_lease));

	(void)state;
	assert_int_equal(smb2_create_request_decode(&c, &r), STATUS_SUCCESS);
	assert_int_equal(r.oplock_level, SMB2_OPLOCK_LEVEL_LEASE);
	assert_int_equal(r.impersonation_level, 2);
	assert_int_equal(r.desired_access, 0x1f01ff);
	assert_int_equal(r.file_attributes, 0x80);
	assert_int_equal(r.share_access, FILE_SHARE_READ);
	assert_int_equal(r.create_disposition, FILE_OPEN_IF);
	assert_int_equal(r.create_options, 0x200064);
	assert_name(r.name, "durable_open_open_lease_qA4iVER+.dat");
	assert_true(r.contexts.durable.request_v1);
	assert_true(r.contexts.lease.present);
	assert_int_equal(r.contexts.lease.version, 1);
	assert_int_equal(r.contexts.lease.key[0], 0xef);
	assert_false(r.contexts.wants_maximal_access);
}

/* Field by field as MS-SMB2 2.2.5 lists them; the example of 4.4 has this shape. */
static void a_session_setup_laid_out_by_hand_is_read_and_written(void **state)
{
	static const uint8_t fields[] = {
		0x19, 0x00, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x58, 0x00,
		0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x60, 0x48, 0x06, 0x06,
	};
	struct smb2_session_setup_request r;
	struct buf b = { 0 };
	struct buf again = { 0 };
	struct cursor c;

	(void)state;
	smb2_header_encode(&b, &(struct smb2_header){ .command = SMB2_SESSION_SETUP });
	buf_bytes(&b, fields, sizeof(fields));
	c = body(b.data, b.len);
	assert_int_equal(smb2_session_setup_request_decode(&c, &r), STATUS_SUCCESS);
	assert_int_equal(r.flags, 0);
	assert_int_equal(r.security_mode, 1);
	assert_int_equal(r.capabilities, 1);
	assert_int_equal(r.previous_session_id, 0);
	assert_int_equal(cur_left(&r.security_buffer), 4);
	smb2_header_encode(&again, &(struct smb2_header){ .command = SMB2_SESSION_SETUP });
	smb2_session_setup_request_encode(&again, &r);
	assert_int_equal(again.len, b.len);
	assert_memory_equal(again.data, b.data, b.len);
	buf_free(&b);
	buf_free(&again);
}

/* The example of MS-SMB2 4.9 laid out by hand: DH2Q, and RqLs of version 2 with a parent key. */
static void a_create_with_the_contexts_of_smb_3_is_read(void **state)
{
	static const uint8_t contexts[] = {
		/* Next, NameOffset, NameLength, Reserved, DataOffset, DataLength, name, padding */
		0x38,
		0,
		0,
		0,
		0x10,
		0,
		4,
		0,
		0,
		0,
		0x18,
		0,
		0x20,
		0,
		0,
		0,
		'D',
		'H',
		'2',
		'Q',
		0,
		0,
		0,
		0,
		/* Timeout, Flags, Reserved, CreateGuid */
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0xa1,
		1,
		2,
		3,
		4,
		5,
		6,
		7,
		8,
		9,
		10,
		11,
		12,
		13,
		14,
		0xaf,
		0,
		0,
		0,
		0,
		0x10,
		0,
		4,
		0,
		0,
		0,
		0x18,
		0,
		0x34,
		0,
		0,
		0,
		'R',
		'q',
		'L',
		's',
		0,
		0,
		0,
		0,
		/* LeaseKey, LeaseState RWH, Flags PK, LeaseDuration, ParentLeaseKey, Epoch,
		   Reserved */
		0xb1,
		1,
		2,
		3,
		4,
		5,
		6,
		7,
		8,
		9,
		10,
		11,
		12,
		13,
		14,
		0xbf,
		7,
		0,
		0,
		0,
		4,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0xc1,
		1,
		2,
		3,
		4,
		5,
		6,
		7,
		8,
		9,
		10,
		11,
		12,
		13,
		14,
		0xcf,
		5,
		0,
		0,
		0,
	};
	static const uint8_t fields[] = {
		0x39,
		0,
		0,
		0xff,
		2,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0x9f,
		1,
		0x12,
		0,
		0x80,
		0,
		0,
		0,
		7,
		0,
		0,
		0,
		3,
		0,
		0,
		0,
		0x60,
		0,
		0,
		0,
		0x78,
		0,
		20,
		0,
		0x90,
		0,
		0,
		0,
		sizeof(contexts),
		0,
		0,
		0,
	};
	struct smb2_create_request r;
	struct buf b = { 0 };
	struct cursor c;

	(void)state;
	smb2_header_encode(&b, &(struct smb2_header){ .command = SMB2_CREATE });
	buf_bytes(&b, fields, sizeof(fields));
	utf16_encode(&b, "Replay.txt");
	buf_align(&b, 0, 8);
	buf_bytes(&b, contexts, sizeof(contexts));
	c = body(b.data, b.len);
	assert_int_equal(smb2_create_request_decode(&c, &r), STATUS_SUCCESS);
	assert_name(r.name, "Replay.txt");
	assert_true(r.contexts.durable.request_v2);
	assert_int_equal(r.contexts.durable.create_guid.bytes[0], 0xa1);
	assert_int_equal(r.contexts.durable.create_guid.bytes[15], 0xaf);
	assert_int_equal(r.contexts.lease.version, 2);
	assert_int_equal(r.contexts.lease.key[15], 0xbf);
	assert_int_equal(r.contexts.lease.state,
			 SMB2_LEASE_READ | SMB2_LEASE_WRITE | SMB2_LEASE_HANDLE);
	assert_int_equal(r.contexts.lease.flags, SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET);
	assert_int_equal(r.contexts.lease.parent_key[0], 0xc1);
	assert_int_equal(r.contexts.lease.epoch, 5);
	buf_free(&b);
}

/* What is refused in the contexts of CREATE. */

#define LIST_AT 0x80 /* where the chain begins, from the header, behind a name of one unit */

struct create {
	struct buf b;
	size_t last;
};

static void begin_create(struct create *m)
{
	*m = (struct create){ .last = SIZE_MAX };
	smb2_header_encode(&m->b, &(struct smb2_header){ .command = SMB2_CREATE });
	smb2_create_request_encode(&m->b,
				   &(struct smb2_create_request){ .name = cur_of("a\0", 2) });
	buf_align(&m->b, 0, 8);
	assert_int_equal(m->b.len, LIST_AT);
}

static void add_context(struct create *m, const char *name, size_t name_length,
			uint32_t data_length)
{
	size_t at;

	buf_align(&m->b, 0, 8);
	if (m->last != SIZE_MAX)
		buf_put_u32le(&m->b, m->last, (uint32_t)(m->b.len - m->last));
	m->last = at = m->b.len;
	buf_u32le(&m->b, 0);
	buf_u16le(&m->b, 16);
	buf_u16le(&m->b, (uint16_t)name_length);
	buf_u16le(&m->b, 0);
	buf_u16le(&m->b, (uint16_t)align_up(16 + name_length, 8));
	buf_u32le(&m->b, data_length);
	buf_bytes(&m->b, name, name_length);
	buf_align(&m->b, at, 8);
	buf_zero(&m->b, data_length);
}

static ntstatus end_create(struct create *m, struct smb2_create_request *r)
{
	struct cursor c;

	buf_put_u32le(&m->b, SMB2_HEADER_SIZE + 48, LIST_AT);
	buf_put_u32le(&m->b, SMB2_HEADER_SIZE + 52, (uint32_t)(m->b.len - LIST_AT));
	c = body(m->b.data, m->b.len);
	return smb2_create_request_decode(&c, r);
}

static void each_context_has_its_lengths_and_no_other(void **state)
{
	static const struct {
		const char *name;
		uint32_t right, or_right;
	} rows[] = {
		{ "DHnQ", 16, 16 }, { "DHnC", 16, 16 }, { "DH2Q", 32, 32 },
		{ "DH2C", 36, 36 }, { "AlSi", 8, 8 },	{ "MxAc", 0, 8 },
		{ "TWrp", 8, 8 },   { "QFid", 0, 0 },	{ "RqLs", 32, 52 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (uint32_t length = 0; length < 70; length++) {
			bool right = length == rows[i].right || length == rows[i].or_right;
			struct smb2_create_request r;
			struct create m;

			begin_create(&m);
			add_context(&m, rows[i].name, 4, length);
			assert_int_equal(end_create(&m, &r),
					 right ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER);
			buf_free(&m.b);
		}
	}
}

static void a_context_may_come_once_only(void **state)
{
	static const char *const names[] = {
		"DHnQ", "AlSi", "MxAc", "QFid", "RqLs", "ExtA", "SecD"
	};
	static const uint32_t lengths[] = { 16, 8, 0, 0, 32, 12, 20 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct smb2_create_request r;
		struct create m;

		begin_create(&m);
		add_context(&m, names[i], 4, lengths[i]);
		add_context(&m, "xxxx", 4, 5); /* unknown: skipped, as often as it comes */
		add_context(&m, "xxxx", 4, 0);
		assert_int_equal(end_create(&m, &r), STATUS_SUCCESS);
		add_context(&m, names[i], 4, lengths[i]);
		assert_int_equal(end_create(&m, &r), STATUS_INVALID_PARAMETER);
		buf_free(&m.b);
	}
}

static void a_chain_that_does_not_hold_together_is_refused(void **state)
{
	/* Offset in the first link, width, and a value that must not stand there. */
	static const struct {
		uint8_t at, width;
		uint32_t value;
	} rows[] = {
		{ 0, 4, 8 },	       /* Next inside the link */
		{ 0, 4, 36 },	       /* Next not aligned */
		{ 0, 4, 24 },	       /* Next in front of the data */
		{ 0, 4, 4096 },	       /* Next behind the end */
		{ 0, 4, 0xfffffff8 },  /* Next wraps */
		{ 4, 2, 8 },	       /* name over the link's own fields */
		{ 4, 2, 24 },	       /* name elsewhere */
		{ 6, 2, 3 },	       /* name too short */
		{ 6, 2, 12 },	       /* name over the data */
		{ 6, 2, 4096 },	       /* name behind the end */
		{ 10, 2, 0 },	       /* data over the link's own fields */
		{ 10, 2, 16 },	       /* data over the name */
		{ 10, 2, 28 },	       /* data not aligned */
		{ 10, 2, 32 },	       /* data over the next link */
		{ 12, 4, 17 },	       /* data over the next link */
		{ 12, 4, 0xffffffff }, /* data wraps */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct smb2_create_request r;
		struct create m;

		begin_create(&m);
		add_context(&m, "xxxx", 4, 16);
		add_context(&m, "MxAc", 4, 0);
		assert_int_equal(end_create(&m, &r), STATUS_SUCCESS);
		assert_true(r.contexts.wants_maximal_access);
		if (rows[i].width == 2)
			buf_put_u16le(&m.b, LIST_AT + rows[i].at, (uint16_t)rows[i].value);
		else
			buf_put_u32le(&m.b, LIST_AT + rows[i].at, rows[i].value);
		if (end_create(&m, &r) != STATUS_INVALID_PARAMETER)
			fail_msg("row %zu is taken", i);
		buf_free(&m.b);
	}
}

static void a_chain_that_never_ends_or_is_too_long_is_refused(void **state)
{
	struct smb2_create_request r;
	struct create m;

	(void)state;
	begin_create(&m);
	for (size_t i = 0; i < 64; i++)
		add_context(&m, "xxxx", 4, 0);
	assert_int_equal(end_create(&m, &r), STATUS_SUCCESS);
	add_context(&m, "xxxx", 4, 0);
	assert_int_equal(end_create(&m, &r), STATUS_INVALID_PARAMETER);
	buf_free(&m.b);
	begin_create(&m);
	add_context(&m, "MxAc", 4, 0);
	buf_put_u32le(&m.b, LIST_AT, 24); /* there is a next link, where the message ends */
	assert_int_equal(end_create(&m, &r), STATUS_INVALID_PARAMETER);
	buf_free(&m.b);
}

static void contexts_lie_aligned_behind_the_name(void **state)
{
	static const uint32_t offsets[] = { 0, 64, 112, 120, 121, 124, 127, 132 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
		struct smb2_create_request r;
		struct create m;
		struct cursor c;

		begin_create(&m);
		add_context(&m, "MxAc", 4, 0);
		assert_int_equal(end_create(&m, &r), STATUS_SUCCESS);
		buf_put_u32le(&m.b, SMB2_HEADER_SIZE + 48, offsets[i]);
		c = body(m.b.data, m.b.len);
		assert_int_equal(smb2_create_request_decode(&c, &r), STATUS_INVALID_PARAMETER);
		buf_free(&m.b);
	}
}

/* What is refused in the contexts of NEGOTIATE. */

static struct buf negotiate_with(const struct smb2_negotiate_contexts *x)
{
	struct smb2_negotiate_request r = { .dialect_count = 1,
					    .dialects = { SMB2_DIALECT_311 },
					    .contexts = *x };
	struct buf b = { 0 };

	smb2_header_encode(&b, &(struct smb2_header){ .command = SMB2_NEGOTIATE });
	smb2_negotiate_request_encode(&b, &r);
	return b;
}

static ntstatus decode_negotiate(const struct buf *b)
{
	static struct smb2_negotiate_request r;
	struct cursor c = body(b->data, b->len);

	return smb2_negotiate_request_decode(&c, &r);
}

static const struct smb2_negotiate_contexts preauth_only = {
	.has_preauth = true,
	.preauth_count = 1,
	.preauth_hash = { 1 },
	.salt_length = 2,
};

static void smb_3_1_1_needs_one_preauth_context(void **state)
{
	struct smb2_negotiate_contexts none = { .has_encryption = true,
						.cipher_count = 1,
						.cipher = { 2 } };
	struct smb2_negotiate_contexts empty = preauth_only;
	struct buf b = negotiate_with(&preauth_only);
	size_t list = SMB2_HEADER_SIZE + 40;
	size_t length = b.len - list;
	uint8_t copy[64];

	(void)state;
	assert_int_equal(decode_negotiate(&b), STATUS_SUCCESS);
	/* The same context once more. */
	memcpy(copy, b.data + list, length);
	buf_align(&b, 0, 8);
	buf_bytes(&b, copy, length);
	buf_put_u16le(&b, SMB2_HEADER_SIZE + 32, 2);
	assert_int_equal(decode_negotiate(&b), STATUS_INVALID_PARAMETER);
	buf_free(&b);
	b = negotiate_with(&none);
	assert_int_equal(decode_negotiate(&b), STATUS_INVALID_PARAMETER);
	buf_free(&b);
	b = negotiate_with(&(struct smb2_negotiate_contexts){ 0 });
	assert_int_equal(decode_negotiate(&b), STATUS_INVALID_PARAMETER);
	buf_free(&b);
	empty.preauth_count = 0;
	b = negotiate_with(&empty);
	assert_int_equal(decode_negotiate(&b), STATUS_INVALID_PARAMETER);
	buf_free(&b);
}

static void negotiate_contexts_lie_where_they_say(void **state)
{
	struct buf b = negotiate_with(&preauth_only);
	size_t context = SMB2_HEADER_SIZE + 40;

	(void)state;
	buf_put_u32le(&b, SMB2_HEADER_SIZE + 28, (uint32_t)context + 4); /* not aligned */
	assert_int_equal(decode_negotiate(&b), STATUS_INVALID_PARAMETER);
	buf_put_u32le(&b, SMB2_HEADER_SIZE + 28, SMB2_HEADER_SIZE + 32); /* over the dialects */
	assert_int_equal(decode_negotiate(&b), STATUS_INVALID_PARAMETER);
	buf_put_u32le(&b, SMB2_HEADER_SIZE + 28, 0xfffffff8);
	assert_int_equal(decode_negotiate(&b), STATUS_INVALID_PARAMETER);
	buf_put_u32le(&b, SMB2_HEADER_SIZE + 28, (uint32_t)context);
	assert_int_equal(decode_negotiate(&b), STATUS_SUCCESS);
	buf_put_u16le(&b, SMB2_HEADER_SIZE + 32, 2); /* more than there are */
	assert_int_equal(decode_negotiate(&b), STATUS_INVALID_PARAMETER);
	buf_put_u16le(&b, SMB2_HEADER_SIZE + 32, SMB2_MAX_NEG_CONTEXTS + 1);
	assert_int_equal(decode_negotiate(&b), STATUS_INVALID_PARAMETER);
	buf_put_u16le(&b, SMB2_HEADER_SIZE + 32, 1);
	buf_put_u16le(&b, context + 10, 3); /* the salt is longer than its context */
	assert_int_equal(decode_negotiate(&b), STATUS_INVALID_PARAMETER);
	buf_put_u16le(&b, context + 10, 2);
	buf_put_u16le(&b, context + 8, 9); /* more algorithms than it holds */
	assert_int_equal(decode_negotiate(&b), STATUS_INVALID_PARAMETER);
	buf_free(&b);
}

static void contexts_mean_nothing_without_smb_3_1_1(void **state)
{
	struct buf b = negotiate_with(&preauth_only);

	(void)state;
	buf_put_u16le(&b, SMB2_HEADER_SIZE + 36, SMB2_DIALECT_302);
	buf_put_u32le(&b, SMB2_HEADER_SIZE + 28, 0x12345678); /* ClientStartTime */
	assert_int_equal(decode_negotiate(&b), STATUS_SUCCESS);
	buf_put_u16le(&b, SMB2_HEADER_SIZE + 2, 0); /* no dialects at all */
	assert_int_equal(decode_negotiate(&b), STATUS_INVALID_PARAMETER);
	buf_free(&b);
}

static void locks_are_one_to_sixty_four(void **state)
{
	static struct smb2_lock_request r;
	static const uint16_t counts[] = { 0, 1, 64, 65, 0xffff };
	struct buf b = { 0 };

	(void)state;
	smb2_header_encode(&b, &(struct smb2_header){ .command = SMB2_LOCK });
	buf_u16le(&b, 48);
	buf_zero(&b, 22 + 65 * 24);
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		struct cursor c;

		buf_put_u16le(&b, SMB2_HEADER_SIZE + 2, counts[i]);
		c = body(b.data, b.len);
		assert_int_equal(smb2_lock_request_decode(&c, &r),
				 counts[i] == 1 || counts[i] == 64 ? STATUS_SUCCESS
								   : STATUS_INVALID_PARAMETER);
	}
	buf_free(&b);
}

static void data_to_write_lies_behind_the_fixed_part(void **state)
{
	static const struct {
		uint16_t offset;
		uint32_t length;
		bool right;
	} rows[] = {
		{ 112, 8, true },  { 113, 7, true },	       { 112, 0, true },
		{ 0, 0, true },	   { 65535, 0, true },	       { 111, 8, false },
		{ 0, 8, false },   { 112, 9, false },	       { 120, 1, false },
		{ 121, 1, false }, { 112, 0xffffffff, false },
	};
	struct buf b = { 0 };

	(void)state;
	smb2_header_encode(&b, &(struct smb2_header){ .command = SMB2_WRITE });
	smb2_write_request_encode(&b,
				  &(struct smb2_write_request){ .data = cur_of("12345678", 8) });
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct smb2_write_request r;
		struct cursor c;

		buf_put_u16le(&b, SMB2_HEADER_SIZE + 2, rows[i].offset);
		buf_put_u32le(&b, SMB2_HEADER_SIZE + 4, rows[i].length);
		c = body(b.data, b.len);
		assert_int_equal(smb2_write_request_decode(&c, &r),
				 rows[i].right ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER);
	}
	buf_free(&b);
}

/* The SMB1 message that leads to SMB2. */

static ntstatus smb1(const char *dialects, size_t length, uint16_t *dialect)
{
	struct buf b = { 0 };
	ntstatus status;
	struct cursor c;

	buf_u32le(&b, SMB1_PROTOCOL_ID);
	buf_u8(&b, 0x72);
	buf_zero(&b, 27);
	buf_u8(&b, 0);
	buf_u16le(&b, (uint16_t)length);
	buf_bytes(&b, dialects, length);
	for (size_t n = 0; n < b.len; n++) {
		c = guarded(b.data, n);
		assert_int_equal(smb1_negotiate_decode(&c, dialect), STATUS_INVALID_PARAMETER);
	}
	c = guarded(b.data, b.len);
	status = smb1_negotiate_decode(&c, dialect);
	buf_free(&b);
	return status;
}
#define SMB1(s, d) smb1(s, sizeof(s) - 1, d)

static void smb1_clients_are_led_to_smb2(void **state)
{
	uint16_t dialect;

	(void)state;
	assert_int_equal(SMB1("\2NT LM 0.12\0\2SMB 2.002\0\2SMB 2.???\0", &dialect), 0);
	assert_int_equal(dialect, SMB2_DIALECT_2FF);
	assert_int_equal(SMB1("\2SMB 2.???\0\2SMB 2.002\0", &dialect), 0);
	assert_int_equal(dialect, SMB2_DIALECT_2FF);
	assert_int_equal(SMB1("\2NT LM 0.12\0\2SMB 2.002\0", &dialect), 0);
	assert_int_equal(dialect, SMB2_DIALECT_202);
	assert_int_equal(SMB1("\2NT LM 0.12\0", &dialect), 0);
	assert_int_equal(dialect, 0);
	assert_int_equal(SMB1("\3NT LM 0.12\0", &dialect), STATUS_INVALID_PARAMETER);
	assert_int_equal(SMB1("\2NT LM 0.12", &dialect), STATUS_INVALID_PARAMETER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_real_negotiate_with_contexts_is_understood),
		cmocka_unit_test(a_real_create_with_a_durable_handle_and_a_lease_is_understood),
		cmocka_unit_test(a_session_setup_laid_out_by_hand_is_read_and_written),
		cmocka_unit_test(a_create_with_the_contexts_of_smb_3_is_read),
		cmocka_unit_test(each_context_has_its_lengths_and_no_other),
		cmocka_unit_test(a_context_may_come_once_only),
		cmocka_unit_test(a_chain_that_does_not_hold_together_is_refused),
		cmocka_unit_test(a_chain_that_never_ends_or_is_too_long_is_refused),
		cmocka_unit_test(contexts_lie_aligned_behind_the_name),
		cmocka_unit_test(smb_3_1_1_needs_one_preauth_context),
		cmocka_unit_test(negotiate_contexts_lie_where_they_say),
		cmocka_unit_test(contexts_mean_nothing_without_smb_3_1_1),
		cmocka_unit_test(locks_are_one_to_sixty_four),
		cmocka_unit_test(data_to_write_lies_behind_the_fixed_part),
		cmocka_unit_test(smb1_clients_are_led_to_smb2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
