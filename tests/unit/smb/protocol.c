// SPDX-License-Identifier: Apache-2.0
/*
 * What the specification says the server does with a message that a well-behaved client does not
 * send, and what it says of compounds, credits, signatures and waiting, checked byte by byte on a
 * connection within this process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../../src/smb/connection.h"
#include "peer.h"

static const struct smb2_file_id related_id = { SMB2_FILE_ID_RELATED, SMB2_FILE_ID_RELATED };

/* A connection of @dialect with a session and the share "data". */
static void connect_to(struct peer *p, uint16_t dialect, const char *path)
{
	peer_open(p, dialect);
	assert_true(peer_negotiate(p));
	assert_int_equal(peer_log_on(p, PEER_PASSWORD, 1), STATUS_SUCCESS);
	if (path)
		assert_int_equal(peer_tree_connect(p, path), STATUS_SUCCESS);
}

static struct smb2_create_request with_options(uint32_t options)
{
	struct smb2_create_request r =
		peer_file(FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE_ACCESS);

	r.create_options = options;
	return r;
}

static struct buf create_message(struct peer *p, const char *name, uint32_t options)
{
	return peer_create_message(p, name, with_options(options));
}

static struct smb2_file_id create(struct peer *p, const char *name, uint32_t options)
{
	struct smb2_create_response r;

	assert_int_equal(peer_create(p, name, with_options(options), &r), STATUS_SUCCESS);
	return r.file_id;
}

static struct buf echo_message(struct peer *p)
{
	struct buf b = peer_begin(p, SMB2_ECHO);

	smb2_empty_encode(&b);
	return b;
}

static struct buf read_message(struct peer *p, struct smb2_file_id id, uint32_t length)
{
	struct smb2_read_request r = { .length = length, .file_id = id };
	struct buf b = peer_begin(p, SMB2_READ);

	smb2_read_request_encode(&b, &r);
	return b;
}

/* Append @next to @first as the next message of a compound, related or not. */
static void chain(struct buf *first, size_t *last_at, struct buf *next, bool is_related)
{
	buf_align(first, 0, 8);
	buf_put_u32le(first, *last_at + SMB2_HEADER_NEXT_AT, (uint32_t)(first->len - *last_at));
	*last_at = first->len;
	if (is_related) {
		buf_put_u32le(next, SMB2_HEADER_FLAGS_AT, SMB2_FLAGS_RELATED_OPERATIONS);
		buf_put_u32le(next, 36, UINT32_MAX);
		buf_put_u64le(next, 40, UINT64_MAX);
	}
	buf_bytes(first, next->data, next->len);
	buf_free(next);
}

/* The statuses of the responses in the frame that came. */
static size_t statuses(struct peer *p, ntstatus *out, size_t room)
{
	size_t at = 4, n = 0;

	while (n < room) {
		struct cursor c = cur_of(p->in.data + at, p->in.len - at);
		struct smb2_header h;

		assert_int_equal(smb2_header_decode(&c, &h), STATUS_SUCCESS);
		out[n++] = h.status;
		if (!h.next_command)
			break;
		at += h.next_command;
	}
	return n;
}

static void a_second_negotiate_ends_the_connection(void **state)
{
	struct peer p;

	peer_open(&p, SMB2_DIALECT_300);
	assert_true(peer_negotiate(&p));
	assert_false(peer_gone(&p));
	assert_false(peer_negotiate(&p));
	assert_true(peer_gone(&p));
	peer_close(&p);
}

static void nothing_is_answered_before_negotiate(void **state)
{
	struct peer p;
	struct buf b;

	peer_open(&p, SMB2_DIALECT_210);
	b = echo_message(&p);
	peer_send(&p, &b);
	assert_true(peer_gone(&p));
	peer_close(&p);
}

static void the_dialect_is_the_highest_in_common(void **state)
{
	static const struct {
		uint16_t offered[3], chosen;
	} rows[] = {
		{ { SMB2_DIALECT_302, SMB2_DIALECT_202, SMB2_DIALECT_210 }, SMB2_DIALECT_302 },
		{ { SMB2_DIALECT_202, 0x0310, 0x0400 }, SMB2_DIALECT_202 },
		{ { 0x0222, SMB2_DIALECT_300, SMB2_DIALECT_210 }, SMB2_DIALECT_300 },
		{ { 0x0222, 0x0224, 0x0310 }, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct smb2_negotiate_request r = { .dialect_count = 3 };
		struct smb2_negotiate_response answer;
		struct smb2_header h;
		struct cursor body;
		struct peer p;
		struct buf b;

		peer_open(&p, 0);
		b = peer_begin(&p, SMB2_NEGOTIATE);
		memcpy(r.dialects, rows[i].offered, sizeof(rows[i].offered));
		smb2_negotiate_request_encode(&b, &r);
		assert_true(peer_ask(&p, &b, &h, &body));
		assert_int_equal(h.status, rows[i].chosen ? STATUS_SUCCESS : STATUS_NOT_SUPPORTED);
		if (rows[i].chosen) {
			assert_int_equal(smb2_negotiate_response_decode(&body, &answer), 0);
			assert_int_equal(answer.dialect, rows[i].chosen);
			assert_int_equal(answer.capabilities & (SMB2_GLOBAL_CAP_DFS |
								SMB2_GLOBAL_CAP_MULTI_CHANNEL |
								SMB2_GLOBAL_CAP_PERSISTENT_HANDLES),
					 0);
		}
		peer_close(&p);
	}
}

static void dialect_311_needs_a_preauth_context(void **state)
{
	struct smb2_negotiate_request r = { .dialect_count = 1, .dialects = { SMB2_DIALECT_311 } };
	struct peer p;
	struct buf b;

	peer_open(&p, SMB2_DIALECT_311);
	b = peer_begin(&p, SMB2_NEGOTIATE);
	smb2_negotiate_request_encode(&b, &r); /* no contexts at all */
	assert_int_equal(peer_status(&p, &b), STATUS_INVALID_PARAMETER);
	peer_close(&p);
}

/* How 3.1.1 is signed with a client that knows GMAC and, or not, CMAC. */
static void assert_signs(enum sign_algorithm expected, bool answered, uint16_t known)
{
	struct smb2_negotiate_request r = {
		.dialect_count = 1,
		.dialects = { SMB2_DIALECT_311 },
		.security_mode = 1,
		.contexts = { .has_preauth = true,
			      .preauth_count = 1,
			      .preauth_hash = { SMB2_HASH_SHA512 },
			      .has_signing = true,
			      .signing_count = known,
			      .signing = { SIGN_AES_GMAC, SIGN_AES_CMAC } },
	};
	struct smb2_negotiate_response answer;
	struct smb2_header h;
	struct cursor body;
	struct peer p;
	struct buf b;

	peer_open(&p, SMB2_DIALECT_311);
	b = peer_begin(&p, SMB2_NEGOTIATE);
	smb2_negotiate_request_encode(&b, &r);
	assert_true(peer_ask(&p, &b, &h, &body));
	assert_int_equal(smb2_negotiate_response_decode(&body, &answer), STATUS_SUCCESS);
	assert_int_equal(answer.contexts.has_signing, answered);
	if (answered)
		assert_int_equal(answer.contexts.signing[0], expected);
	peer_close(&p);
}

static void gmac_is_not_agreed_on_where_a_setting_says_so(void **state)
{
	assert_signs(SIGN_AES_GMAC, true, 2);
	smb.config.gmac = false;
	assert_signs(SIGN_AES_CMAC, true, 2);
	assert_signs(SIGN_AES_CMAC, false, 1); /* what 3.1.1 has without an answer to it */
	smb.config.gmac = true;
}

static void a_session_that_is_too_old_takes_nothing_until_its_client_logs_on_anew(void **state)
{
	struct smb2_file_id id;
	struct peer p;
	struct buf b;

	connect_to(&p, SMB2_DIALECT_302, "\\\\FS\\data");
	p.signer = peer_signer_30(&p);
	id = create(&p, "lasting", 0);
	smb.config.session_lifetime_ms = 1;
	assert_int_equal(peer_log_on(&p, PEER_PASSWORD, 1), STATUS_SUCCESS);
	usleep(5000);
	b = create_message(&p, "lasting", 0);
	assert_int_equal(peer_status(&p, &b), STATUS_NETWORK_SESSION_EXPIRED);
	assert_int_equal(peer_tree_connect(&p, "\\\\FS\\data"), STATUS_NETWORK_SESSION_EXPIRED);
	b = echo_message(&p);
	assert_int_equal(peer_status(&p, &b), STATUS_SUCCESS);
	/* Who cannot log on has no session any more; who can has all that was there. */
	smb.config.session_lifetime_ms = 3600000;
	assert_int_equal(peer_log_on(&p, PEER_PASSWORD, 1), STATUS_SUCCESS);
	b = create_message(&p, "lasting", 0);
	assert_int_equal(peer_status(&p, &b), STATUS_SUCCESS);
	smb.config.session_lifetime_ms = 1;
	assert_int_equal(peer_log_on(&p, PEER_PASSWORD, 1), STATUS_SUCCESS);
	usleep(5000);
	assert_int_equal(peer_close_file(&p, id), STATUS_SUCCESS);
	assert_int_equal(peer_close_file(&p, id), STATUS_FILE_CLOSED);
	assert_int_equal(peer_log_on(&p, "wrong", 1), STATUS_LOGON_FAILURE);
	assert_int_equal(peer_close_file(&p, id), STATUS_USER_SESSION_DELETED);
	smb.config.session_lifetime_ms = 0;
	peer_close(&p);
}

/* ---- refused logins ---- */

static uint64_t waiting_now(void)
{
	struct smb_statistics now;

	smb_statistics(&now);
	return now.requests_waiting;
}

static void turn_a_while(void)
{
	for (int turns = 0; turns < 20; turns++)
		peer_turn(1);
}

static void nothing_makes_the_answer_to_a_refused_login_come_earlier(void **state)
{
	struct peer p, other;
	struct buf b;
	char byte;

	smb.config.login_delay_ms = 3600000;
	peer_open(&p, SMB2_DIALECT_302);
	assert_true(peer_negotiate(&p));
	assert_int_equal(peer_log_on_begin(&p, "wrong", 1, &b), STATUS_SUCCESS);
	peer_send(&p, &b);
	turn_a_while();
	assert_int_equal(waiting_now(), 1);
	/* Neither a cancel nor the right password. */
	p.message_id--;
	b = peer_begin(&p, SMB2_CANCEL);
	smb2_empty_encode(&b);
	peer_send(&p, &b);
	p.session_id = 0;
	b = peer_begin(&p, SMB2_SESSION_SETUP);
	smb2_session_setup_request_encode(&b, &(struct smb2_session_setup_request){ 0 });
	peer_send(&p, &b);
	turn_a_while();
	assert_int_equal(waiting_now(), 2);
	assert_int_equal(recv(p.fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK), -1);
	/* Other connections do not mind. */
	connect_to(&other, SMB2_DIALECT_302, "\\\\FS\\data");
	peer_close(&other);
	peer_close(&p);
	assert_int_equal(waiting_now(), 0);
	smb.config.login_delay_ms = 0;
}

static void after_a_refused_login_was_answered_the_next_goes_on(void **state)
{
	uint64_t begun = monotonic_ms();
	struct peer p;

	smb.config.login_delay_ms = 50;
	peer_open(&p, SMB2_DIALECT_302);
	assert_true(peer_negotiate(&p));
	for (int i = 1; i < 3; i++) {
		assert_int_equal(peer_log_on(&p, "wrong", 1), STATUS_LOGON_FAILURE);
		assert_true(monotonic_ms() - begun >= 50u * (unsigned)i);
		p.session_id = 0;
	}
	assert_int_equal(peer_log_on(&p, PEER_PASSWORD, 1), STATUS_SUCCESS);
	peer_close(&p);
	smb.config.login_delay_ms = 0;
}

static void who_leaves_before_the_answer_has_fewer_places(void **state)
{
	struct sockaddr_storage peer = { .ss_family = AF_INET };
	uint32_t slot, most = smb.config.max_unauthenticated_per_client;

	assert_true(client_count_take(&peer, &slot));
	for (uint32_t i = 0; i < most - 1; i++)
		client_bare_owe(slot, 3600000);
	assert_true(client_bare_take(slot));
	assert_false(client_bare_take(slot));
	client_bare_release(slot);
	client_bare_owe(slot, 0); /* its time is over: all is forgotten */
	for (uint32_t i = 0; i < most; i++)
		assert_true(client_bare_take(slot));
	assert_false(client_bare_take(slot));
	for (uint32_t i = 0; i < most; i++)
		client_bare_release(slot);
	client_count_release(slot);
}

/* ---- searches that find nothing for long ---- */

#define MANY_FILES 20000

static struct smb2_file_id open_many(struct peer *p)
{
	char auto_free *path = xasprintf("%s/data/many", peer_directory);

	if (!mkdir(path, 0755)) {
		auto_close int fd = open(path, O_RDONLY | O_DIRECTORY);

		for (int i = 0; i < MANY_FILES; i++) {
			char name[16];

			snprintf(name, sizeof(name), "n%d", i);
			assert_int_equal(mknodat(fd, name, S_IFREG | 0644, 0), 0);
		}
	}
	return create(p, "many", FILE_DIRECTORY_FILE);
}

static struct buf search_message(struct peer *p, struct smb2_file_id id, const char *pattern)
{
	auto_buf struct buf text = { 0 };
	struct smb2_query_directory_request r = { .info_class = 12, /* FileNamesInformation */
						  .file_id = id,
						  .output_length = 4096 };
	struct buf b = peer_begin(p, SMB2_QUERY_DIRECTORY);

	peer_utf16(&text, &r.pattern, pattern);
	smb2_query_directory_request_encode(&b, &r);
	return b;
}

static void begin_long_search(struct peer *p, struct smb2_file_id id)
{
	struct buf b = search_message(p, id, "zz*");

	peer_send(p, &b);
	for (int turns = 0; turns < 100 && !waiting_now(); turns++)
		peer_turn(0);
	assert_int_equal(waiting_now(), 1);
}

static void a_search_that_finds_nothing_lets_others_have_their_turn(void **state)
{
	struct smb2_file_id id;
	struct peer p, other;
	struct smb2_header h;
	struct cursor body;
	struct buf b;
	char byte;

	connect_to(&p, SMB2_DIALECT_302, "\\\\FS\\data");
	connect_to(&other, SMB2_DIALECT_302, NULL);
	id = open_many(&p);
	begin_long_search(&p, id);
	b = echo_message(&other);
	peer_send(&other, &b);
	for (int turns = 0; turns < 2; turns++)
		peer_turn(0);
	assert_int_equal(recv(other.fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK), 1);
	assert_int_equal(recv(p.fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK), -1);
	assert_int_equal(waiting_now(), 1);
	assert_true(peer_answer(&p, &h, &body));
	assert_int_equal(h.status, STATUS_NO_SUCH_FILE); /* its first search, over many turns */
	b = search_message(&p, id, "zz*");
	assert_int_equal(peer_status(&p, &b), STATUS_NO_MORE_FILES);
	peer_close(&other);
	peer_close(&p);
}

static void a_search_can_be_cancelled_between_its_turns(void **state)
{
	struct smb2_file_id id;
	struct smb2_header h;
	struct cursor body;
	struct peer p;
	struct buf b;

	connect_to(&p, SMB2_DIALECT_302, "\\\\FS\\data");
	id = open_many(&p);
	begin_long_search(&p, id);
	p.message_id--;
	b = peer_begin(&p, SMB2_CANCEL);
	smb2_empty_encode(&b);
	peer_send(&p, &b);
	assert_true(peer_answer(&p, &h, &body));
	assert_int_equal(h.command, SMB2_QUERY_DIRECTORY);
	assert_int_equal(h.status, STATUS_CANCELLED);
	/* And one whose client goes leaves nothing. */
	id = create(&p, "many", FILE_DIRECTORY_FILE);
	begin_long_search(&p, id);
	peer_close(&p);
}

static void an_old_message_other_than_negotiate_ends_the_connection(void **state)
{
	static const uint8_t session_setup[40] = { 0xff, 'S', 'M', 'B', 0x73 };
	struct peer p;

	peer_open(&p, 0);
	peer_transmit(&p, session_setup, sizeof(session_setup));
	assert_true(peer_gone(&p));
	peer_close(&p);
}

static void a_message_id_outside_the_window_ends_the_connection(void **state)
{
	static const int64_t steps[] = { -1, 1 << 20 };

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct peer p;
		struct buf b;

		connect_to(&p, SMB2_DIALECT_210, NULL);
		p.message_id += (uint64_t)steps[i];
		b = echo_message(&p);
		peer_send(&p, &b);
		assert_true(peer_gone(&p));
		peer_close(&p);
	}
}

static void a_payload_must_be_paid_for_by_its_charge(void **state)
{
	struct smb2_file_id id;
	struct peer p;
	struct buf b;

	connect_to(&p, SMB2_DIALECT_210, "\\\\FS\\data");
	id = create(&p, "paid", 0);
	b = read_message(&p, id, 65537);
	assert_int_equal(peer_status(&p, &b), STATUS_INVALID_PARAMETER);
	b = read_message(&p, id, 65536);
	assert_int_equal(peer_status(&p, &b), STATUS_END_OF_FILE);
	b = read_message(&p, id, 65537);
	b.data[6] = 2; /* CreditCharge */
	p.message_id++;
	assert_int_equal(peer_status(&p, &b), STATUS_END_OF_FILE);
	peer_close(&p);
}

static void a_wrong_next_command_ends_the_connection(void **state)
{
	static const uint32_t nexts[] = { 1, 8, 63, 68, 4096, UINT32_MAX & ~7u };

	for (size_t i = 0; i < ARRAY_LEN(nexts); i++) {
		struct peer p;
		struct buf b;

		connect_to(&p, SMB2_DIALECT_210, NULL);
		b = echo_message(&p);
		buf_zero(&b, 60);
		buf_put_u32le(&b, SMB2_HEADER_NEXT_AT, nexts[i]);
		peer_send(&p, &b);
		assert_true(peer_gone(&p));
		peer_close(&p);
	}
}

static void a_frame_holds_no_more_messages_than_the_limit(void **state)
{
	struct peer p;
	struct buf b, next;
	size_t at = 0;

	connect_to(&p, SMB2_DIALECT_210, NULL);
	b = echo_message(&p);
	for (int i = 0; i < 7; i++) { /* earn credits */
		next = echo_message(&p);
		chain(&b, &at, &next, false);
	}
	peer_send(&p, &b);
	assert_true(peer_receive(&p, 1000));
	at = 0;
	b = echo_message(&p);
	for (int i = 0; i < 128; i++) {
		next = echo_message(&p);
		chain(&b, &at, &next, false);
	}
	peer_send(&p, &b);
	assert_true(peer_gone(&p));
	peer_close(&p);
}

static void related_messages_use_the_file_of_the_create_before(void **state)
{
	ntstatus got[8];
	struct peer p;
	struct buf b, next;
	size_t at = 0;

	connect_to(&p, SMB2_DIALECT_300, "\\\\FS\\data");
	b = create_message(&p, "chained", 0);
	next = read_message(&p, related_id, 10);
	chain(&b, &at, &next, true);
	next = peer_close_message(&p, related_id);
	chain(&b, &at, &next, true);
	next = peer_close_message(&p, related_id);
	chain(&b, &at, &next, true);
	peer_send(&p, &b);
	assert_true(peer_receive(&p, 1000));
	assert_int_equal(statuses(&p, got, ARRAY_LEN(got)), 4);
	assert_int_equal(got[0], STATUS_SUCCESS);
	assert_int_equal(got[1], STATUS_END_OF_FILE);
	assert_int_equal(got[2], STATUS_SUCCESS);
	assert_int_equal(got[3], STATUS_FILE_CLOSED);
	peer_close(&p);
}

static void a_create_that_fails_fails_what_is_related_to_it(void **state)
{
	ntstatus got[8];
	struct peer p;
	struct buf b, next;
	size_t at = 0;

	connect_to(&p, SMB2_DIALECT_300, "\\\\FS\\data");
	b = create_message(&p, "nowhere\\at\\all", 0);
	next = read_message(&p, related_id, 10);
	chain(&b, &at, &next, true);
	next = peer_close_message(&p, related_id);
	chain(&b, &at, &next, true);
	next = echo_message(&p);
	chain(&b, &at, &next, false);
	peer_send(&p, &b);
	assert_true(peer_receive(&p, 1000));
	assert_int_equal(statuses(&p, got, ARRAY_LEN(got)), 4);
	assert_int_equal(got[0], STATUS_OBJECT_PATH_NOT_FOUND);
	assert_int_equal(got[1], STATUS_OBJECT_PATH_NOT_FOUND);
	assert_int_equal(got[2], STATUS_OBJECT_PATH_NOT_FOUND);
	assert_int_equal(got[3], STATUS_SUCCESS);
	peer_close(&p);
}

static void a_first_message_cannot_be_related(void **state)
{
	struct peer p;
	struct buf b;

	connect_to(&p, SMB2_DIALECT_300, "\\\\FS\\data");
	b = echo_message(&p);
	buf_put_u32le(&b, SMB2_HEADER_FLAGS_AT, SMB2_FLAGS_RELATED_OPERATIONS);
	assert_int_equal(peer_status(&p, &b), STATUS_INVALID_PARAMETER);
	peer_close(&p);
}

static void what_does_not_exist_is_said_to_be_deleted(void **state)
{
	struct peer p;
	struct buf b;

	connect_to(&p, SMB2_DIALECT_210, "\\\\FS\\data");
	p.tree_id += 7;
	b = create_message(&p, "x", 0);
	assert_int_equal(peer_status(&p, &b), STATUS_NETWORK_NAME_DELETED);
	p.session_id += 7;
	b = create_message(&p, "x", 0);
	assert_int_equal(peer_status(&p, &b), STATUS_USER_SESSION_DELETED);
	peer_close(&p);
}

static void sign_with_session_key(struct peer *p)
{
	p->signer = signer_new(SIGN_HMAC_SHA256, p->key);
	assert_non_null(p->signer);
}

static void a_session_that_must_sign_refuses_what_is_not_signed(void **state)
{
	struct peer p;
	struct buf b;

	peer_open(&p, SMB2_DIALECT_210);
	assert_true(peer_negotiate(&p));
	assert_int_equal(peer_log_on(&p, PEER_PASSWORD, SMB2_NEGOTIATE_SIGNING_REQUIRED), 0);
	assert_int_equal(peer_tree_connect(&p, "\\\\FS\\data"), STATUS_ACCESS_DENIED);
	sign_with_session_key(&p);
	assert_int_equal(peer_tree_connect(&p, "\\\\FS\\data"), STATUS_SUCCESS);
	b = echo_message(&p);
	assert_int_equal(peer_status(&p, &b), STATUS_SUCCESS);
	peer_close(&p);
}

static void a_wrong_signature_is_refused_and_the_answer_is_signed(void **state)
{
	struct smb2_header h;
	struct cursor body;
	struct peer p;
	struct buf b;

	connect_to(&p, SMB2_DIALECT_210, "\\\\FS\\data");
	sign_with_session_key(&p);
	b = echo_message(&p);
	assert_true(peer_ask(&p, &b, &h, &body));
	assert_int_equal(h.status, STATUS_SUCCESS);
	assert_true(h.flags & SMB2_FLAGS_SIGNED);
	b = echo_message(&p);
	peer_sign(&p, &b);
	b.data[SMB2_HEADER_SIGNATURE_AT] ^= 1;
	peer_transmit(&p, b.data, b.len);
	buf_free(&b);
	assert_true(peer_answer(&p, &h, &body));
	assert_int_equal(h.status, STATUS_ACCESS_DENIED);
	peer_close(&p);
}

static void begin_to_encrypt(struct peer *p)
{
	uint8_t in[16], out[16];

	assert_true(kdf_sp800_108(p->key, 16, "SMB2AESCCM", 11, "ServerIn ", 10, in, 16));
	assert_true(kdf_sp800_108(p->key, 16, "SMB2AESCCM", 11, "ServerOut", 10, out, 16));
	p->sealer = sealer_new(CIPHER_AES_128_CCM, in);
	p->opener = sealer_new(CIPHER_AES_128_CCM, out);
}

static void a_share_that_must_be_encrypted_refuses_what_is_not(void **state)
{
	struct peer p;
	struct buf b;

	connect_to(&p, SMB2_DIALECT_210, NULL);
	assert_int_equal(peer_tree_connect(&p, "\\\\FS\\sealed"), STATUS_ACCESS_DENIED);
	peer_close(&p);

	connect_to(&p, SMB2_DIALECT_300, "\\\\FS\\sealed");
	b = create_message(&p, "secret", 0);
	assert_int_equal(peer_status(&p, &b), STATUS_ACCESS_DENIED);
	begin_to_encrypt(&p);
	b = create_message(&p, "secret", 0);
	assert_int_equal(peer_status(&p, &b), STATUS_SUCCESS);
	peer_close(&p);
}

static void what_does_not_decrypt_ends_the_connection(void **state)
{
	struct peer p;
	struct buf b;

	connect_to(&p, SMB2_DIALECT_302, "\\\\FS\\data");
	begin_to_encrypt(&p);
	b = echo_message(&p);
	assert_int_equal(peer_status(&p, &b), STATUS_SUCCESS);
	sealer_free(p.sealer);
	p.sealer = sealer_new(CIPHER_AES_128_CCM, p.key); /* not the key for this */
	b = echo_message(&p);
	peer_send(&p, &b);
	assert_true(peer_gone(&p));
	peer_close(&p);
}

static void a_wrong_password_leaves_no_session(void **state)
{
	struct smb_statistics now;
	struct peer p;

	peer_open(&p, SMB2_DIALECT_300);
	assert_true(peer_negotiate(&p));
	assert_int_equal(peer_log_on(&p, "wrong", 1), STATUS_LOGON_FAILURE);
	smb_statistics(&now);
	assert_int_equal(now.sessions, 0);
	assert_int_equal(now.unauthenticated, 1);
	assert_int_equal(peer_tree_connect(&p, "\\\\FS\\data"), STATUS_USER_SESSION_DELETED);
	peer_close(&p);
}

static struct buf notify_message(struct peer *p, struct smb2_file_id id)
{
	struct smb2_change_notify_request r = { .output_length = 1000,
						.file_id = id,
						.completion_filter = FILE_NOTIFY_CHANGE_FILE_NAME };
	struct buf b = peer_begin(p, SMB2_CHANGE_NOTIFY);

	smb2_change_notify_request_encode(&b, &r);
	return b;
}

static void a_request_that_waits_is_cancelled_once(void **state)
{
	struct smb2_file_id directory;
	struct smb2_header h;
	struct cursor body;
	struct peer p;
	struct buf b;
	uint64_t waits, async_id;

	connect_to(&p, SMB2_DIALECT_300, "\\\\FS\\data");
	directory = create(&p, "watched", FILE_DIRECTORY_FILE);
	waits = p.message_id;
	b = notify_message(&p, directory);
	assert_true(peer_ask(&p, &b, &h, &body));
	assert_int_equal(h.status, STATUS_PENDING);
	assert_true(h.flags & SMB2_FLAGS_ASYNC_COMMAND);
	assert_true(h.credits > 0);
	async_id = h.async_id;
	for (int i = 0; i < 2; i++) {
		b = peer_begin(&p, SMB2_CANCEL);
		p.message_id--;
		buf_put_u32le(&b, SMB2_HEADER_FLAGS_AT, SMB2_FLAGS_ASYNC_COMMAND);
		buf_put_u64le(&b, 32, async_id);
		smb2_empty_encode(&b);
		peer_send(&p, &b);
	}
	assert_true(peer_answer(&p, &h, &body));
	assert_int_equal(h.status, STATUS_CANCELLED);
	assert_int_equal(h.message_id, waits);
	assert_int_equal(h.async_id, async_id);
	assert_int_equal(h.credits, 0);
	b = echo_message(&p);
	assert_true(peer_ask(&p, &b, &h, &body));
	assert_int_equal(h.command, SMB2_ECHO); /* no second answer came before it */
	peer_close(&p);
}

static void a_change_answers_the_request_that_waits_for_it(void **state)
{
	struct smb2_file_id directory;
	struct smb2_header h;
	struct cursor body;
	struct peer p, other;
	struct buf b;

	connect_to(&p, SMB2_DIALECT_300, "\\\\FS\\data");
	directory = create(&p, "changing", FILE_DIRECTORY_FILE);
	b = notify_message(&p, directory);
	assert_int_equal(peer_status(&p, &b), STATUS_PENDING);
	connect_to(&other, SMB2_DIALECT_210, "\\\\FS\\data");
	(void)create(&other, "changing\\new", 0);
	assert_true(peer_answer(&p, &h, &body));
	assert_int_equal(h.command, SMB2_CHANGE_NOTIFY);
	assert_int_equal(h.status, STATUS_SUCCESS);
	close(other.fd);
	buf_free(&other.in);
	peer_close(&p);
}

static void a_connection_that_goes_takes_its_waiting_requests_along(void **state)
{
	struct smb2_file_id directory;
	struct peer p;
	struct buf b;

	connect_to(&p, SMB2_DIALECT_300, "\\\\FS\\data");
	directory = create(&p, "left", FILE_DIRECTORY_FILE);
	for (int i = 0; i < 5; i++) {
		b = notify_message(&p, directory);
		assert_int_equal(peer_status(&p, &b), STATUS_PENDING);
	}
	peer_close(&p); /* and nothing is left: it says so itself */
}

static void a_watch_inside_a_compound_does_not_hold_it_up(void **state)
{
	ntstatus got[4];
	struct peer p;
	struct buf b, next;
	size_t at = 0;

	connect_to(&p, SMB2_DIALECT_300, "\\\\FS\\data");
	b = create_message(&p, "middle", FILE_DIRECTORY_FILE);
	next = notify_message(&p, related_id);
	chain(&b, &at, &next, true);
	next = peer_close_message(&p, related_id);
	chain(&b, &at, &next, true);
	peer_send(&p, &b);
	assert_true(peer_receive(&p, 1000));
	assert_int_equal(statuses(&p, got, ARRAY_LEN(got)), 3);
	assert_int_equal(got[1], STATUS_INTERNAL_ERROR);
	assert_int_equal(got[2], STATUS_SUCCESS);
	peer_close(&p);
}

static struct buf validate_message(struct peer *p, uint32_t capabilities)
{
	auto_buf struct buf in = { 0 };
	struct smb2_validate_negotiate v = { .capabilities = capabilities,
					     .security_mode = 1,
					     .dialect_count = 1,
					     .dialects = { p->dialect } };
	struct smb2_ioctl_request r = { .code = FSCTL_VALIDATE_NEGOTIATE_INFO,
					.file_id = related_id,
					.max_output_response = 24,
					.flags = SMB2_IOCTL_IS_FSCTL };
	struct buf b = peer_begin(p, SMB2_IOCTL);

	smb2_validate_negotiate_request_encode(&in, &v);
	r.input = cur_of(in.data, in.len);
	smb2_ioctl_request_encode(&b, &r);
	return b;
}

static void a_negotiation_that_was_tampered_with_ends_the_connection(void **state)
{
	struct peer p;
	struct buf b;

	connect_to(&p, SMB2_DIALECT_300, "\\\\FS\\data");
	b = validate_message(&p, 0x7f);
	assert_int_equal(peer_status(&p, &b), STATUS_SUCCESS);
	b = validate_message(&p, 0x3f);
	peer_send(&p, &b);
	assert_true(peer_gone(&p));
	peer_close(&p);
}

static void a_control_that_is_for_no_file_must_name_none(void **state)
{
	static const uint32_t codes[] = { FSCTL_VALIDATE_NEGOTIATE_INFO, FSCTL_DFS_GET_REFERRALS,
					  FSCTL_DFS_GET_REFERRALS_EX,
					  FSCTL_QUERY_NETWORK_INTERFACE_INFO, FSCTL_PIPE_WAIT };
	struct peer p;

	connect_to(&p, SMB2_DIALECT_300, "\\\\FS\\data");
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		struct smb2_ioctl_request r = { .code = codes[i],
						.file_id = { UINT64_MAX, 1 },
						.max_output_response = 4096,
						.flags = SMB2_IOCTL_IS_FSCTL };
		struct buf b = peer_begin(&p, SMB2_IOCTL);

		smb2_ioctl_request_encode(&b, &r);
		assert_int_equal(peer_status(&p, &b), STATUS_INVALID_PARAMETER);
	}
	peer_close(&p);
}

static void a_pipe_gives_back_one_message_at_a_time(void **state)
{
	/* Two PDUs of DCE/RPC, 16 and 20 bytes long. */
	static const uint8_t pdus[36] = { 5, 0, 2, 3, 0x10, 0, 0, 0, 16, [16] = 5, [24] = 20 };
	struct smb2_write_request w = { .data = cur_of(pdus, sizeof(pdus)) };
	static const struct {
		uint32_t room, status, length;
	} reads[] = {
		{ 100, STATUS_SUCCESS, 16 },
		{ 12, STATUS_BUFFER_OVERFLOW, 12 },
		{ 100, STATUS_SUCCESS, 8 },
	};
	struct peer p;
	struct buf b;

	connect_to(&p, SMB2_DIALECT_300, "\\\\FS\\IPC$");
	w.file_id = create(&p, "srvsvc", 0);
	b = peer_begin(&p, SMB2_WRITE);
	smb2_write_request_encode(&b, &w);
	assert_int_equal(peer_status(&p, &b), STATUS_SUCCESS);
	for (size_t i = 0; i < ARRAY_LEN(reads); i++) {
		struct smb2_read_response r;
		struct smb2_header h;
		struct cursor body;

		b = read_message(&p, w.file_id, reads[i].room);
		assert_true(peer_ask(&p, &b, &h, &body));
		assert_int_equal(h.status, reads[i].status);
		assert_int_equal(smb2_read_response_decode(&body, &r), STATUS_SUCCESS);
		assert_int_equal(cur_left(&r.data), reads[i].length);
	}
	b = read_message(&p, w.file_id, 100);
	assert_int_equal(peer_status(&p, &b), STATUS_PENDING); /* until something is written */
	peer_close(&p);
}

static void files_are_not_looked_for_on_ipc(void **state)
{
	struct peer p;
	struct buf b;

	connect_to(&p, SMB2_DIALECT_300, "\\\\FS\\IPC$");
	b = create_message(&p, "no-such-pipe", 0);
	assert_int_equal(peer_status(&p, &b), STATUS_OBJECT_NAME_NOT_FOUND);
	peer_close(&p);
}

static void names_that_are_none_are_refused(void **state)
{
	static const struct {
		const char *name;
		ntstatus status;
	} rows[] = {
		{ "\\absolute", STATUS_INVALID_PARAMETER },
		{ "a/b", STATUS_OBJECT_NAME_INVALID },
		{ "..\\up", STATUS_OBJECT_PATH_SYNTAX_BAD },
		{ "what?", STATUS_OBJECT_NAME_INVALID },
	};
	struct peer p;

	connect_to(&p, SMB2_DIALECT_300, "\\\\FS\\data");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = create_message(&p, rows[i].name, 0);
		ntstatus status = peer_status(&p, &b);

		if (status != rows[i].status)
			fail_msg("%s: %s", rows[i].name, ntstatus_name(status));
	}
	peer_close(&p);
}

static bool was_done;

static void done(void *arg)
{
	was_done = true;
}

static void dropping_a_server_ends_what_uses_it(void **state)
{
	struct peer p;

	connect_to(&p, SMB2_DIALECT_300, "\\\\FS\\data");
	(void)create(&p, "open-at-the-end", 0);
	smb_drop_server(peer_server, done, NULL);
	assert_true(peer_gone(&p));
	assert_true(was_done);
	peer_close(&p);
}

static int start(void **state)
{
	struct smb_config config;

	smb_config_defaults(&config);
	config.login_delay_ms = 0;
	peer_start(&config);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_negotiate_ends_the_connection),
		cmocka_unit_test(nothing_is_answered_before_negotiate),
		cmocka_unit_test(the_dialect_is_the_highest_in_common),
		cmocka_unit_test(dialect_311_needs_a_preauth_context),
		cmocka_unit_test(
			a_session_that_is_too_old_takes_nothing_until_its_client_logs_on_anew),
		cmocka_unit_test(a_search_that_finds_nothing_lets_others_have_their_turn),
		cmocka_unit_test(a_search_can_be_cancelled_between_its_turns),
		cmocka_unit_test(nothing_makes_the_answer_to_a_refused_login_come_earlier),
		cmocka_unit_test(after_a_refused_login_was_answered_the_next_goes_on),
		cmocka_unit_test(who_leaves_before_the_answer_has_fewer_places),
		cmocka_unit_test(gmac_is_not_agreed_on_where_a_setting_says_so),
		cmocka_unit_test(an_old_message_other_than_negotiate_ends_the_connection),
		cmocka_unit_test(a_message_id_outside_the_window_ends_the_connection),
		cmocka_unit_test(a_payload_must_be_paid_for_by_its_charge),
		cmocka_unit_test(a_wrong_next_command_ends_the_connection),
		cmocka_unit_test(a_frame_holds_no_more_messages_than_the_limit),
		cmocka_unit_test(related_messages_use_the_file_of_the_create_before),
		cmocka_unit_test(a_create_that_fails_fails_what_is_related_to_it),
		cmocka_unit_test(a_first_message_cannot_be_related),
		cmocka_unit_test(what_does_not_exist_is_said_to_be_deleted),
		cmocka_unit_test(a_session_that_must_sign_refuses_what_is_not_signed),
		cmocka_unit_test(a_wrong_signature_is_refused_and_the_answer_is_signed),
		cmocka_unit_test(a_share_that_must_be_encrypted_refuses_what_is_not),
		cmocka_unit_test(what_does_not_decrypt_ends_the_connection),
		cmocka_unit_test(a_wrong_password_leaves_no_session),
		cmocka_unit_test(a_request_that_waits_is_cancelled_once),
		cmocka_unit_test(a_change_answers_the_request_that_waits_for_it),
		cmocka_unit_test(a_connection_that_goes_takes_its_waiting_requests_along),
		cmocka_unit_test(a_watch_inside_a_compound_does_not_hold_it_up),
		cmocka_unit_test(a_negotiation_that_was_tampered_with_ends_the_connection),
		cmocka_unit_test(a_control_that_is_for_no_file_must_name_none),
		cmocka_unit_test(a_pipe_gives_back_one_message_at_a_time),
		cmocka_unit_test(files_are_not_looked_for_on_ipc),
		cmocka_unit_test(names_that_are_none_are_refused),
		cmocka_unit_test(dropping_a_server_ends_what_uses_it),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
