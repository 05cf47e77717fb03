// SPDX-License-Identifier: Apache-2.0
/*
 * A session on several connections (MS-SMB2 3.3.5.5): who may bind, what a bound channel has, and
 * what remains when one of them goes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fileserver/session.h>

#include "../../../src/smb/connection.h"
#include "peer.h"

#define CHANNELS_MAX 4

static void connect_to(struct peer *p)
{
	peer_open(p, SMB2_DIALECT_300);
	assert_true(peer_negotiate(p));
	assert_int_equal(peer_log_on(p, PEER_PASSWORD, 1), STATUS_SUCCESS);
	p->signer = peer_signer_30(p);
	assert_int_equal(peer_tree_connect(p, "\\\\FS\\data"), STATUS_SUCCESS);
}

/* A connection that is ready to bind to the session of @to: it has its id, and its key to sign. */
static void prepare(struct peer *p, const struct peer *to, uint16_t dialect)
{
	peer_open(p, dialect);
	assert_true(peer_negotiate(p));
	p->session_id = to->session_id;
	p->tree_id = to->tree_id;
	p->setup_flags = SMB2_SESSION_FLAG_BINDING;
	p->signer = peer_signer_30(to);
}

static ntstatus bind_as(struct peer *p, const struct peer *to, const char *password)
{
	ntstatus status;

	prepare(p, to, SMB2_DIALECT_300);
	status = peer_log_on(p, password, 1);
	if (status)
		return status;
	signer_free(p->signer);
	p->signer = peer_signer_30(p);
	return STATUS_SUCCESS;
}

/* One SESSION_SETUP that binds, as far as its first answer. */
static ntstatus first_leg(struct peer *p)
{
	struct smb2_session_setup_request r = { .flags = SMB2_SESSION_FLAG_BINDING };
	struct buf b = peer_begin(p, SMB2_SESSION_SETUP);

	smb2_session_setup_request_encode(&b, &r);
	return peer_status(p, &b);
}

static struct smb2_file_id create(struct peer *p, const char *name, uint8_t oplock_level,
				  uint32_t access)
{
	struct smb2_create_request r = peer_file(access);
	struct smb2_create_response answer;

	r.oplock_level = oplock_level;
	assert_int_equal(peer_create(p, name, r, &answer), STATUS_SUCCESS);
	return answer.file_id;
}

static ntstatus echo(struct peer *p)
{
	struct buf b = peer_begin(p, SMB2_ECHO);

	smb2_empty_encode(&b);
	return peer_status(p, &b);
}

static void a_bound_channel_has_the_trees_and_opens_of_the_session(void **state)
{
	struct peer first, second;
	struct smb2_file_id id;

	connect_to(&first);
	id = create(&first, "shared", 0, FILE_GENERIC_READ | FILE_GENERIC_WRITE);
	assert_int_equal(bind_as(&second, &first, PEER_PASSWORD), STATUS_SUCCESS);
	assert_int_equal(peer_close_file(&second, id), STATUS_SUCCESS);
	assert_int_equal(peer_close_file(&first, id), STATUS_FILE_CLOSED);
	peer_close(&first);
	peer_close(&second);
}

static void assert_listed_channels(uint32_t expected)
{
	struct session_row *rows;
	size_t count = session_list(peer_server, &rows);

	assert_int_equal(count, 1);
	assert_int_equal(rows[0].channel_count, expected);
	for (uint32_t i = 0; i < expected; i++)
		assert_string_equal(rows[0].channels[i], rows[0].client);
	session_rows_free(rows, count);
}

static void a_session_is_listed_with_its_channels(void **state)
{
	struct peer first, second, third;

	connect_to(&first);
	assert_listed_channels(1);
	assert_int_equal(bind_as(&second, &first, PEER_PASSWORD), STATUS_SUCCESS);
	assert_listed_channels(2);
	assert_int_equal(bind_as(&third, &first, "wrong"), STATUS_LOGON_FAILURE);
	assert_listed_channels(2);
	peer_close(&third);
	peer_close(&first);
	assert_listed_channels(1);
	peer_close(&second);
}

static void each_channel_signs_with_a_key_of_its_own(void **state)
{
	struct peer first, second;

	connect_to(&first);
	assert_int_equal(bind_as(&second, &first, PEER_PASSWORD), STATUS_SUCCESS);
	signer_free(second.signer);
	second.signer = peer_signer_30(&first);
	assert_int_equal(echo(&second), STATUS_ACCESS_DENIED);
	assert_int_equal(echo(&first), STATUS_SUCCESS);
	peer_close(&first);
	peer_close(&second);
}

static void who_binds_must_have_the_key_of_the_session(void **state)
{
	struct peer first, second;

	connect_to(&first);
	prepare(&second, &first, SMB2_DIALECT_300);
	signer_free(second.signer);
	second.signer = NULL;
	assert_int_equal(first_leg(&second), STATUS_INVALID_PARAMETER);
	second.signer = signer_new(SIGN_AES_CMAC, (const uint8_t[16]){ 1 });
	assert_int_equal(first_leg(&second), STATUS_ACCESS_DENIED);
	assert_int_equal(echo(&first), STATUS_SUCCESS);
	peer_close(&first);
	peer_close(&second);
}

static void who_binds_must_be_the_user_of_the_session(void **state)
{
	struct peer first, second;

	connect_to(&first);
	assert_int_equal(bind_as(&second, &first, "wrong"), STATUS_LOGON_FAILURE);
	peer_close(&second);
	prepare(&second, &first, SMB2_DIALECT_300);
	second.user = "bob";
	assert_int_equal(peer_log_on(&second, PEER_PASSWORD, 1), STATUS_ACCESS_DENIED);
	assert_int_equal(echo(&first), STATUS_SUCCESS);
	peer_close(&first);
	peer_close(&second);
}

static void what_cannot_be_bound_is_refused(void **state)
{
	struct peer first, second;

	connect_to(&first);
	prepare(&second, &first, SMB2_DIALECT_210);
	assert_int_equal(first_leg(&second), STATUS_REQUEST_NOT_ACCEPTED);
	peer_close(&second);
	prepare(&second, &first, SMB2_DIALECT_302);
	assert_int_equal(first_leg(&second), STATUS_INVALID_PARAMETER);
	peer_close(&second);
	prepare(&second, &first, SMB2_DIALECT_300);
	second.session_id ^= 0x5555;
	assert_int_equal(first_leg(&second), STATUS_USER_SESSION_DELETED);
	peer_close(&second);
	assert_int_equal(first_leg(&first), STATUS_REQUEST_NOT_ACCEPTED); /* it is there already */
	peer_close(&first);
}

/* SESSION_SETUPs that are answered one after the other, because one was refused: the second of two
 * that wait comes back to a channel that went with the first. */
static void logins_that_wait_come_back_to_a_channel_that_is_gone(void **state)
{
	struct smb2_session_setup_request wrong = { .security_buffer = cur_of("x", 1) };
	struct peer first, second;
	struct smb2_header h;
	struct cursor body;
	struct buf leg, again, other;
	uint64_t id;

	connect_to(&first);
	prepare(&second, &first, SMB2_DIALECT_300);
	smb.config.login_delay_ms = 50;
	assert_int_equal(peer_log_on_begin(&second, "wrong", 1, &leg), STATUS_SUCCESS);
	again = peer_begin(&second, SMB2_SESSION_SETUP);
	buf_bytes(&again, leg.data + SMB2_HEADER_SIZE, leg.len - SMB2_HEADER_SIZE);
	id = second.session_id;
	second.session_id = 0; /* a login of its own, which makes the others wait */
	other = peer_begin(&second, SMB2_SESSION_SETUP);
	smb2_session_setup_request_encode(&other, &wrong);
	peer_send(&second, &other);
	second.session_id = id;
	peer_send(&second, &leg);
	peer_send(&second, &again);
	assert_true(peer_answer(&second, &h, &body));
	assert_true(h.status && h.session_id != id);
	assert_true(peer_answer(&second, &h, &body));
	assert_int_equal(h.status, STATUS_LOGON_FAILURE);
	assert_true(peer_answer(&second, &h, &body));
	assert_int_equal(h.status, STATUS_USER_SESSION_DELETED);
	smb.config.login_delay_ms = 0;
	assert_int_equal(echo(&first), STATUS_SUCCESS);
	peer_close(&first);
	peer_close(&second);
}

/* The first leg of a login: its session is in progress from there on. */
static void begin_to_log_on(struct peer *p)
{
	struct ntlm_negotiate hello = { .flags = NTLM_NEGOTIATE_UNICODE | NTLM_NEGOTIATE_NTLM |
						 NTLM_NEGOTIATE_EXTENDED_SECURITY |
						 NTLM_REQUEST_TARGET };
	struct smb2_session_setup_request r = { .security_mode = 1 };
	auto_buf struct buf token = { 0 };
	struct smb2_header h;
	struct cursor body;
	struct buf b;

	peer_open(p, SMB2_DIALECT_300);
	assert_true(peer_negotiate(p));
	ntlm_negotiate_encode(&token, &hello);
	r.security_buffer = cur_of(token.data, token.len);
	b = peer_begin(p, SMB2_SESSION_SETUP);
	smb2_session_setup_request_encode(&b, &r);
	assert_true(peer_ask(p, &b, &h, &body));
	assert_int_equal(h.status, STATUS_MORE_PROCESSING_REQUIRED);
	p->session_id = h.session_id;
}

static void a_session_that_nobody_has_yet_cannot_be_bound(void **state)
{
	struct peer first, second;

	begin_to_log_on(&first);
	prepare(&second, &first, SMB2_DIALECT_300);
	assert_int_equal(first_leg(&second), STATUS_REQUEST_NOT_ACCEPTED);
	peer_close(&first);
	peer_close(&second);
}

/* Else the session would go on for as long as there is somebody who binds. */
static void a_session_that_is_too_old_cannot_be_bound(void **state)
{
	struct peer first, second;

	connect_to(&first);
	smb.config.session_lifetime_ms = 1;
	assert_int_equal(peer_log_on(&first, PEER_PASSWORD, 1), STATUS_SUCCESS);
	usleep(5000);
	prepare(&second, &first, SMB2_DIALECT_300);
	assert_int_equal(first_leg(&second), STATUS_NETWORK_SESSION_EXPIRED);
	peer_close(&second);
	smb.config.session_lifetime_ms = 0;
	peer_close(&first);
}

static void a_session_has_no_more_channels_than_the_limit(void **state)
{
	struct peer first, more[CHANNELS_MAX];

	connect_to(&first);
	for (size_t i = 0; i < CHANNELS_MAX - 1; i++)
		assert_int_equal(bind_as(&more[i], &first, PEER_PASSWORD), STATUS_SUCCESS);
	assert_int_equal(bind_as(&more[CHANNELS_MAX - 1], &first, PEER_PASSWORD),
			 STATUS_INSUFFICIENT_RESOURCES);
	peer_close(&more[CHANNELS_MAX - 1]);
	peer_close(&more[0]); /* makes room for one */
	assert_int_equal(bind_as(&more[0], &first, PEER_PASSWORD), STATUS_SUCCESS);
	for (size_t i = 0; i < CHANNELS_MAX - 1; i++)
		peer_close(&more[i]);
	peer_close(&first);
}

static void a_bound_channel_logs_on_anew_only_with_its_key(void **state)
{
	struct peer first, second;
	struct signer *signer;

	connect_to(&first);
	assert_int_equal(bind_as(&second, &first, PEER_PASSWORD), STATUS_SUCCESS);
	second.setup_flags = 0;
	signer = second.signer;
	second.signer = NULL;
	assert_int_equal(peer_log_on(&second, PEER_PASSWORD, 1), STATUS_ACCESS_DENIED);
	second.signer = signer;
	assert_int_equal(peer_log_on(&second, PEER_PASSWORD, 1), STATUS_SUCCESS);
	assert_int_equal(echo(&first), STATUS_SUCCESS);
	peer_close(&first);
	peer_close(&second);
}

static void a_session_ends_with_its_last_channel(void **state)
{
	struct smb_statistics now;
	struct peer first, second;
	struct smb2_file_id id;

	connect_to(&first);
	id = create(&first, "survives", 0, FILE_GENERIC_READ);
	assert_int_equal(bind_as(&second, &first, PEER_PASSWORD), STATUS_SUCCESS);
	peer_close(&first);
	assert_int_equal(peer_close_file(&second, id), STATUS_SUCCESS);
	peer_close(&second);
	smb_statistics(&now);
	assert_int_equal(now.sessions, 0);
	assert_int_equal(now.trees, 0);
}

static void a_logoff_ends_the_session_on_all_channels(void **state)
{
	struct peer first, second;
	struct buf b;

	connect_to(&first);
	assert_int_equal(bind_as(&second, &first, PEER_PASSWORD), STATUS_SUCCESS);
	b = peer_begin(&second, SMB2_LOGOFF);
	smb2_empty_encode(&b);
	assert_int_equal(peer_status(&second, &b), STATUS_SUCCESS);
	assert_int_equal(peer_tree_connect(&first, "\\\\FS\\data"), STATUS_USER_SESSION_DELETED);
	peer_close(&first);
	peer_close(&second);
}

static struct buf open_message(struct peer *p, const char *name)
{
	struct smb2_create_request r = peer_file(FILE_GENERIC_READ);

	r.create_disposition = FILE_OPEN;
	return peer_create_message(p, name, r);
}

static ntstatus answer_break(struct peer *p, struct smb2_file_id id)
{
	struct smb2_oplock_break r = { .oplock_level = SMB2_OPLOCK_LEVEL_II, .file_id = id };
	struct buf b = peer_begin(p, SMB2_OPLOCK_BREAK);

	smb2_oplock_break_ack_encode(&b, &r);
	return peer_status(p, &b);
}

static void a_break_goes_over_a_channel_that_is_left(void **state)
{
	struct peer first, second, other;
	struct smb2_header h;
	struct cursor body;
	struct buf b;
	struct smb2_file_id id;

	connect_to(&first);
	id = create(&first, "cached", SMB2_OPLOCK_LEVEL_BATCH,
		    FILE_GENERIC_READ | FILE_GENERIC_WRITE);
	assert_int_equal(bind_as(&second, &first, PEER_PASSWORD), STATUS_SUCCESS);
	connect_to(&other);
	peer_close(&first);
	b = open_message(&other, "cached");
	assert_int_equal(peer_status(&other, &b), STATUS_PENDING);
	assert_true(peer_answer(&second, &h, &body));
	assert_int_equal(h.command, SMB2_OPLOCK_BREAK);
	assert_int_equal(h.message_id, UINT64_MAX);
	assert_int_equal(answer_break(&second, id), STATUS_SUCCESS);
	assert_true(peer_answer(&other, &h, &body));
	assert_int_equal(h.status, STATUS_SUCCESS);
	peer_close(&second);
	peer_close(&other);
}

/* The same, where the connection closes with the break on its way. */
static void a_break_that_was_under_way_goes_over_a_channel_that_is_left(void **state)
{
	struct peer first, second, other;
	struct smb2_header h;
	struct cursor body;
	struct buf b;
	struct smb2_file_id id;

	connect_to(&first);
	id = create(&first, "under-way", SMB2_OPLOCK_LEVEL_BATCH,
		    FILE_GENERIC_READ | FILE_GENERIC_WRITE);
	assert_int_equal(bind_as(&second, &first, PEER_PASSWORD), STATUS_SUCCESS);
	connect_to(&other);
	b = open_message(&other, "under-way");
	assert_int_equal(peer_status(&other, &b), STATUS_PENDING);
	peer_close(&first);
	assert_true(peer_answer(&second, &h, &body));
	assert_int_equal(h.command, SMB2_OPLOCK_BREAK);
	assert_int_equal(answer_break(&second, id), STATUS_SUCCESS);
	assert_true(peer_answer(&other, &h, &body));
	assert_int_equal(h.status, STATUS_SUCCESS);
	peer_close(&second);
	peer_close(&other);
}

#define MANY 50

/* Whatever of them the first connection had been given goes over the second, in the same order. */
static void many_breaks_under_way_go_over_a_channel_that_is_left_in_order(void **state)
{
	struct smb2_file_id ids[MANY];
	struct peer first, second, other;
	struct smb2_oplock_break notice;
	struct smb2_header h;
	struct cursor body;

	connect_to(&first);
	for (int i = 0; i < MANY; i++) {
		char auto_free *name = xasprintf("many-%d", i);

		ids[i] = create(&first, name, SMB2_OPLOCK_LEVEL_BATCH,
				FILE_GENERIC_READ | FILE_GENERIC_WRITE);
	}
	assert_int_equal(bind_as(&second, &first, PEER_PASSWORD), STATUS_SUCCESS);
	connect_to(&other);
	for (int i = 0; i < MANY; i++) {
		char auto_free *name = xasprintf("many-%d", i);
		struct buf b = open_message(&other, name);

		assert_int_equal(peer_status(&other, &b), STATUS_PENDING);
	}
	peer_close(&first);
	for (int i = 0; i < MANY; i++) {
		assert_true(peer_answer(&second, &h, &body));
		assert_int_equal(h.command, SMB2_OPLOCK_BREAK);
		assert_int_equal(smb2_oplock_break_notification_decode(&body, &notice),
				 STATUS_SUCCESS);
		assert_int_equal(notice.file_id.persistent, ids[i].persistent);
	}
	peer_close(&second);
	peer_close(&other);
}

/* A CREATE that a replay finds, of a file that another caches. */
static void ask_for(struct peer *p, const char *name, uint8_t number)
{
	struct smb2_create_request r = peer_file(FILE_GENERIC_READ);
	struct buf b;

	r.create_disposition = FILE_OPEN;
	r.contexts.durable.request_v2 = true;
	r.contexts.durable.create_guid.bytes[0] = number;
	b = peer_create_message(p, name, r);
	assert_int_equal(peer_status(p, &b), STATUS_PENDING);
}

static uint64_t waiting_now(void)
{
	struct smb_statistics now;

	smb_statistics(&now);
	return now.requests_waiting;
}

static void lost_connections_leave_no_more_creates_waiting_than_the_limit(void **state)
{
	struct peer first, second, third, other;
	struct smb2_file_id id;

	connect_to(&other);
	id = create(&other, "wanted", SMB2_OPLOCK_LEVEL_BATCH,
		    FILE_GENERIC_READ | FILE_GENERIC_WRITE);
	connect_to(&first);
	assert_int_equal(bind_as(&second, &first, PEER_PASSWORD), STATUS_SUCCESS);
	assert_int_equal(bind_as(&third, &first, PEER_PASSWORD), STATUS_SUCCESS);
	for (uint8_t i = 0; i < 40; i++)
		ask_for(&first, "wanted", i);
	peer_close(&first);
	assert_int_equal(waiting_now(), 40);
	for (uint8_t i = 40; i < 80; i++)
		ask_for(&second, "wanted", i);
	peer_close(&second);
	assert_int_equal(waiting_now(), SMB_MAX_LOST_CREATES);
	/* What is through makes room. */
	assert_int_equal(peer_close_file(&other, id), STATUS_SUCCESS);
	for (int turns = 0; turns < 1000 && waiting_now(); turns++)
		peer_turn(1);
	assert_int_equal(waiting_now(), 0);
	peer_close(&third);
	peer_close(&other);
}

/* The client encrypts what it sends over @p from here on, and can open what comes. */
static void encrypt_from_here(struct peer *p, const struct peer *first)
{
	uint8_t in[16], out[16];

	assert_true(kdf_sp800_108(first->key, 16, "SMB2AESCCM", 11, "ServerIn ", 10, in, 16) &&
		    kdf_sp800_108(first->key, 16, "SMB2AESCCM", 11, "ServerOut", 10, out, 16));
	p->sealer = sealer_new(CIPHER_AES_128_CCM, in);
	p->opener = sealer_new(CIPHER_AES_128_CCM, out);
}

/* The break goes over the first channel, which has seen nothing encrypted yet. */
static void a_break_is_encrypted_where_any_channel_was(void **state)
{
	for (int encrypts = 0; encrypts < 2; encrypts++) {
		struct peer first, second, other;
		struct buf b;
		struct smb2_file_id id;

		connect_to(&first);
		id = create(&first, "secret", SMB2_OPLOCK_LEVEL_BATCH,
			    FILE_GENERIC_READ | FILE_GENERIC_WRITE);
		assert_int_equal(bind_as(&second, &first, PEER_PASSWORD), STATUS_SUCCESS);
		if (encrypts)
			encrypt_from_here(&second, &first);
		assert_int_equal(echo(&second), STATUS_SUCCESS);
		connect_to(&other);
		b = open_message(&other, "secret");
		assert_int_equal(peer_status(&other, &b), STATUS_PENDING);
		assert_true(peer_receive(&first, 3000)); /* it has no key to open it with */
		assert_int_equal(first.in.data[4], encrypts ? 0xfd : 0xfe);
		assert_int_equal(peer_close_file(&second, id), STATUS_SUCCESS);
		assert_true(peer_receive(&other, 3000));
		peer_close(&first);
		peer_close(&second);
		peer_close(&other);
	}
}

/* A client whose first connection takes nothing any more, though nobody has closed it. */
static void a_break_that_is_not_taken_goes_over_the_next_channel(void **state)
{
	struct peer first, second, other;
	struct smb2_header h;
	struct cursor body;
	struct buf b;
	struct smb2_file_id id;

	connect_to(&first);
	id = create(&first, "stalled", SMB2_OPLOCK_LEVEL_BATCH,
		    FILE_GENERIC_READ | FILE_GENERIC_WRITE);
	assert_int_equal(bind_as(&second, &first, PEER_PASSWORD), STATUS_SUCCESS);
	connect_to(&other);
	b = open_message(&other, "stalled");
	assert_int_equal(peer_status(&other, &b), STATUS_PENDING);
	/* first is not read from: what was sent stays in its socket. */
	assert_true(peer_answer(&second, &h, &body));
	assert_int_equal(h.command, SMB2_OPLOCK_BREAK);
	assert_int_equal(answer_break(&second, id), STATUS_SUCCESS);
	assert_true(peer_answer(&other, &h, &body));
	assert_int_equal(h.status, STATUS_SUCCESS);
	peer_close(&first);
	peer_close(&second);
	peer_close(&other);
}

static ntstatus write_to(struct peer *p, struct smb2_file_id id)
{
	struct smb2_write_request r = { .file_id = id, .data = cur_of("x", 1) };
	struct buf b = peer_begin(p, SMB2_WRITE);

	smb2_write_request_encode(&b, &r);
	return peer_status(p, &b);
}

/* What the holder has cached is old from the write on: whoever is told of the write must not be
 * able to tell the holder of it before the server does. */
static void a_break_is_sent_before_the_answer_to_what_caused_it(void **state)
{
	struct peer holder, writer;
	struct smb2_file_id id;
	char byte;

	connect_to(&holder);
	connect_to(&writer);
	(void)create(&holder, "cached", SMB2_OPLOCK_LEVEL_II, FILE_GENERIC_READ);
	id = create(&writer, "cached", 0, FILE_GENERIC_WRITE);
	assert_int_equal(recv(holder.fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK), -1);
	assert_int_equal(write_to(&writer, id), STATUS_SUCCESS);
	assert_int_equal(recv(holder.fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK), 1);
	peer_close(&holder);
	peer_close(&writer);
}

static int start(void **state)
{
	struct smb_config config;

	smb_config_defaults(&config);
	config.login_delay_ms = 0;
	config.max_channels_per_session = CHANNELS_MAX;
	peer_start(&config);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bound_channel_has_the_trees_and_opens_of_the_session),
		cmocka_unit_test(a_session_is_listed_with_its_channels),
		cmocka_unit_test(each_channel_signs_with_a_key_of_its_own),
		cmocka_unit_test(who_binds_must_have_the_key_of_the_session),
		cmocka_unit_test(who_binds_must_be_the_user_of_the_session),
		cmocka_unit_test(what_cannot_be_bound_is_refused),
		cmocka_unit_test(logins_that_wait_come_back_to_a_channel_that_is_gone),
		cmocka_unit_test(a_session_that_nobody_has_yet_cannot_be_bound),
		cmocka_unit_test(a_session_that_is_too_old_cannot_be_bound),
		cmocka_unit_test(a_session_has_no_more_channels_than_the_limit),
		cmocka_unit_test(a_bound_channel_logs_on_anew_only_with_its_key),
		cmocka_unit_test(a_session_ends_with_its_last_channel),
		cmocka_unit_test(a_logoff_ends_the_session_on_all_channels),
		cmocka_unit_test(a_break_goes_over_a_channel_that_is_left),
		cmocka_unit_test(a_break_that_was_under_way_goes_over_a_channel_that_is_left),
		cmocka_unit_test(many_breaks_under_way_go_over_a_channel_that_is_left_in_order),
		cmocka_unit_test(lost_connections_leave_no_more_creates_waiting_than_the_limit),
		cmocka_unit_test(a_break_is_encrypted_where_any_channel_was),
		cmocka_unit_test(a_break_that_is_not_taken_goes_over_the_next_channel),
		cmocka_unit_test(a_break_is_sent_before_the_answer_to_what_caused_it),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
