// SPDX-License-Identifier: Apache-2.0
/*
 * A session that authenticates anew (MS-SMB2 3.3.5.5.2): signed, as the account that it began as,
 * and no other; what was granted stays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fileserver/session.h>

#include "peer.h"

/* alice, an Administrator, on the file server's own directory, which others are not let into. */
static void connect_signing(struct peer *p, uint8_t security_mode)
{
	peer_open(p, SMB2_DIALECT_300);
	assert_true(peer_negotiate(p));
	assert_int_equal(peer_log_on(p, PEER_PASSWORD, security_mode), STATUS_SUCCESS);
	p->signer = peer_signer_30(p);
	assert_int_equal(peer_tree_connect(p, "\\\\FS\\ADMIN$"), STATUS_SUCCESS);
}

static void connect_as_alice(struct peer *p)
{
	connect_signing(p, SMB2_NEGOTIATE_SIGNING_REQUIRED);
}

static ntstatus become(struct peer *p, const char *user)
{
	p->user = user;
	return peer_log_on(p, PEER_PASSWORD, 1);
}

static ntstatus create(struct peer *p, const char *name, struct smb2_file_id *id)
{
	struct smb2_create_response answer = { .file_id = *id };
	ntstatus status =
		peer_create(p, name, peer_file(FILE_GENERIC_READ | DELETE_ACCESS), &answer);

	*id = answer.file_id;
	return status;
}

/* Whoever knows the keys of a session could relay another's login into it. */
static void another_account_does_not_get_the_session(void **state)
{
	struct smb2_file_id id;
	struct peer p;

	connect_as_alice(&p);
	assert_int_equal(create(&p, "one", &id), STATUS_SUCCESS);
	assert_int_equal(become(&p, "bob"), STATUS_ACCESS_DENIED);
	assert_int_equal(create(&p, "two", &id), STATUS_USER_SESSION_DELETED);
	peer_close(&p);
}

/* Whoever is on the way, and has no key, may neither go on as the client nor end its session. */
static void who_does_not_sign_does_not_log_on_anew(void **state)
{
	struct signer *signer;
	struct smb2_file_id id;
	struct peer p;

	connect_as_alice(&p);
	assert_int_equal(create(&p, "kept", &id), STATUS_SUCCESS);
	signer = p.signer;
	p.signer = NULL;
	assert_int_equal(become(&p, "alice"), STATUS_ACCESS_DENIED);
	assert_int_equal(become(&p, "bob"), STATUS_ACCESS_DENIED);
	p.signer = signer;
	assert_int_equal(peer_close_file(&p, id), STATUS_SUCCESS);
	assert_int_equal(become(&p, "alice"), STATUS_SUCCESS);
	peer_close(&p);
}

/* Such a client may keep on as it does: its other messages prove nothing either. */
static void who_signs_nothing_logs_on_anew_without(void **state)
{
	struct peer p;

	connect_signing(&p, SMB2_NEGOTIATE_SIGNING_ENABLED);
	signer_free(p.signer);
	p.signer = NULL;
	assert_int_equal(become(&p, "alice"), STATUS_SUCCESS);
	assert_int_equal(become(&p, "bob"), STATUS_ACCESS_DENIED);
	peer_close(&p);
}

static void a_handle_stays_open_when_its_user_logs_on_anew(void **state)
{
	struct session_row *rows;
	struct smb2_file_id id;
	struct peer p;

	connect_as_alice(&p);
	assert_int_equal(create(&p, "kept", &id), STATUS_SUCCESS);
	assert_int_equal(become(&p, "alice"), STATUS_SUCCESS);
	assert_int_equal(peer_close_file(&p, id), STATUS_SUCCESS);
	assert_int_equal(session_list(peer_server, &rows), 1);
	assert_string_equal(rows[0].user, "FS\\alice");
	session_rows_free(rows, 1);
	peer_close(&p);
}

static void a_login_that_fails_ends_the_session(void **state)
{
	struct smb2_file_id id;
	struct peer p;

	connect_as_alice(&p);
	p.user = "bob";
	assert_int_equal(peer_log_on(&p, "wrong", 1), STATUS_LOGON_FAILURE);
	assert_int_equal(create(&p, "one", &id), STATUS_USER_SESSION_DELETED);
	peer_close(&p);
}

static int start(void **state)
{
	peer_start(NULL);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_account_does_not_get_the_session),
		cmocka_unit_test(who_does_not_sign_does_not_log_on_anew),
		cmocka_unit_test(who_signs_nothing_logs_on_anew_without),
		cmocka_unit_test(a_handle_stays_open_when_its_user_logs_on_anew),
		cmocka_unit_test(a_login_that_fails_ends_the_session),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
