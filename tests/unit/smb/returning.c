// SPDX-License-Identifier: Apache-2.0
/*
 * A client is back for its handle over a new connection, of which the server hears before it has
 * seen the end of the old one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fileserver/open.h>

#include "peer.h"

static void connect_to(struct peer *p)
{
	peer_open(p, SMB2_DIALECT_300);
	assert_true(peer_negotiate(p));
	assert_int_equal(peer_log_on(p, PEER_PASSWORD, 1), STATUS_SUCCESS);
	p->signer = peer_signer_30(p);
	assert_int_equal(peer_tree_connect(p, "\\\\FS\\data"), STATUS_SUCCESS);
}

static void bind_to(struct peer *p, const struct peer *to)
{
	peer_open(p, SMB2_DIALECT_300);
	assert_true(peer_negotiate(p));
	p->session_id = to->session_id;
	p->tree_id = to->tree_id;
	p->setup_flags = SMB2_SESSION_FLAG_BINDING;
	p->signer = peer_signer_30(to);
	assert_int_equal(peer_log_on(p, PEER_PASSWORD, 1), STATUS_SUCCESS);
	signer_free(p->signer);
	p->signer = peer_signer_30(p);
}

/* The CREATE of a durable handle, or (@id) one that asks for it back. */
static struct buf message(struct peer *p, const char *name, const struct smb2_file_id *id)
{
	struct smb2_create_request r = peer_file(FILE_GENERIC_READ | FILE_GENERIC_WRITE);

	r.oplock_level = SMB2_OPLOCK_LEVEL_BATCH;
	r.contexts.durable.request_v2 = !id;
	r.contexts.durable.reconnect_v2 = id != NULL;
	r.contexts.durable.create_guid.bytes[0] = 7;
	if (id)
		r.contexts.durable.file_id = *id;
	return peer_create_message(p, name, r);
}

/* The final answer to what was sent. */
static ntstatus answer(struct peer *p, struct smb2_create_response *r)
{
	struct smb2_header h;
	struct cursor body;

	do
		assert_true(peer_answer(p, &h, &body));
	while (h.status == STATUS_PENDING);
	if (!h.status)
		assert_int_equal(smb2_create_response_decode(&body, r), STATUS_SUCCESS);
	return h.status;
}

static struct smb2_file_id open_durable(struct peer *p, const char *name)
{
	struct buf b = message(p, name, NULL);
	struct smb2_create_response r;

	peer_send(p, &b);
	assert_int_equal(answer(p, &r), STATUS_SUCCESS);
	assert_true(r.durable_v2);
	return r.file_id;
}

static void a_client_that_was_quicker_than_the_end_of_its_connection_gets_its_handle(void **state)
{
	struct smb2_create_response r;
	struct peer first, second;
	struct smb2_file_id id;
	struct buf b;

	connect_to(&first);
	id = open_durable(&first, "quick");
	connect_to(&second);
	b = message(&second, "quick", &id);
	peer_send(&second, &b); /* it lies in its socket before the other is closed */
	peer_close(&first);
	assert_int_equal(answer(&second, &r), STATUS_SUCCESS);
	assert_int_equal(r.file_id.persistent, id.persistent);
	peer_close(&second);
}

static void a_replay_that_was_quicker_than_the_end_of_its_connection_gets_its_handle(void **state)
{
	struct smb2_create_response r;
	struct peer first, second;
	struct smb2_file_id id;
	struct smb2_header h;
	struct cursor c;
	struct buf b;

	connect_to(&first);
	id = open_durable(&first, "replayed");
	connect_to(&second);
	b = message(&second, "replayed", NULL);
	c = cur_of(b.data, b.len);
	assert_int_equal(smb2_header_decode(&c, &h), STATUS_SUCCESS);
	h.flags |= SMB2_FLAGS_REPLAY_OPERATION;
	{
		auto_buf struct buf head = { 0 };

		smb2_header_encode(&head, &h);
		memcpy(b.data, head.data, head.len);
	}
	peer_send(&second, &b);
	peer_close(&first);
	assert_int_equal(answer(&second, &r), STATUS_SUCCESS);
	assert_int_equal(r.file_id.persistent, id.persistent);
	peer_close(&second);
}

/* What it waits at most is longer here than the test waits for the answer. */
static void a_handle_whose_client_is_there_is_refused_without_a_wait(void **state)
{
	struct smb2_create_response r;
	struct peer first, second;
	struct smb2_file_id id;
	struct buf b;

	connect_to(&first);
	id = open_durable(&first, "held");
	connect_to(&second);
	b = message(&second, "held", &id);
	peer_send(&second, &b);
	assert_int_equal(answer(&second, &r), STATUS_OBJECT_NAME_NOT_FOUND);
	peer_close(&first);
	b = message(&second, "held", &id);
	peer_send(&second, &b);
	assert_int_equal(answer(&second, &r), STATUS_SUCCESS);
	peer_close(&second);
}

static void one_channel_that_is_left_keeps_the_handle(void **state)
{
	struct smb2_create_response r;
	struct peer first, bound, other;
	struct smb2_file_id id;
	struct buf b;

	connect_to(&first);
	id = open_durable(&first, "bound");
	bind_to(&bound, &first);
	connect_to(&other);
	b = message(&other, "bound", &id);
	peer_send(&other, &b);
	peer_close(&first);
	assert_int_equal(answer(&other, &r), STATUS_OBJECT_NAME_NOT_FOUND);
	b = message(&other, "bound", &id);
	peer_send(&other, &b);
	peer_close(&bound);
	assert_int_equal(answer(&other, &r), STATUS_SUCCESS);
	peer_close(&other);
}

static void another_user_does_not_get_it(void **state)
{
	struct smb2_create_response r;
	struct peer first, second;
	struct smb2_file_id id;
	struct buf b;

	connect_to(&first);
	id = open_durable(&first, "alice's");
	peer_open(&second, SMB2_DIALECT_300);
	second.user = "bob";
	assert_true(peer_negotiate(&second));
	assert_int_equal(peer_log_on(&second, PEER_PASSWORD, 1), STATUS_SUCCESS);
	second.signer = peer_signer_30(&second);
	assert_int_equal(peer_tree_connect(&second, "\\\\FS\\data"), STATUS_SUCCESS);
	b = message(&second, "alice's", &id);
	peer_send(&second, &b);
	peer_close(&first);
	assert_int_equal(answer(&second, &r), STATUS_OBJECT_NAME_NOT_FOUND);
	peer_close(&second);
}

static int start(void **state)
{
	struct smb_config config;

	smb_config_defaults(&config);
	config.login_delay_ms = 0;
	open_limits.max_return_wait_ms = 600000;
	peer_start(&config);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_client_that_was_quicker_than_the_end_of_its_connection_gets_its_handle),
		cmocka_unit_test(
			a_replay_that_was_quicker_than_the_end_of_its_connection_gets_its_handle),
		cmocka_unit_test(a_handle_whose_client_is_there_is_refused_without_a_wait),
		cmocka_unit_test(one_channel_that_is_left_keeps_the_handle),
		cmocka_unit_test(another_user_does_not_get_it),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
