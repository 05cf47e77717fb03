// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ntlm_client.h"

#include <auth/login.h>
#include <stdio.h>

/* One account, alice with the password "correct horse", and what the tests change about it. */
static struct {
	struct account account;
	ntstatus status; /* what the lookup answers for alice */
	nttime now;
	char asked_user[64], asked_domain[64];
	char reason[128]; /* of the last log_on */
} world;

static const struct sid alice = { 5, { 0, 0, 0, 0, 0, 5 }, { 21, 1, 2, 3, 1001 } };
static const struct sid nobody = { 5, { 0, 0, 0, 0, 0, 5 }, { 21, 1, 2, 3, 501 } };

static ntstatus lookup(void *arg, const char *domain, const char *user, struct account *out)
{
	snprintf(world.asked_user, sizeof(world.asked_user), "%s", user);
	snprintf(world.asked_domain, sizeof(world.asked_domain), "%s", domain);
	if (world.status != STATUS_SUCCESS)
		return world.status;
	if (name_compare(user, "alice"))
		return STATUS_NO_SUCH_USER;
	*out = world.account;
	out->groups = xalloc(1, sizeof(struct sid));
	out->groups[0] = SID_USERS;
	out->group_count = 1;
	return STATUS_SUCCESS;
}

static ntstatus lookup_guest(void *arg, struct account *out)
{
	strcpy(out->name, "Guest");
	out->user = nobody;
	return STATUS_SUCCESS;
}

static nttime now(void *arg)
{
	return world.now;
}

static const struct login_config strict = {
	.netbios_computer = "FS",
	.netbios_domain = "FS",
	.dns_computer = "fs.example.org",
	.authority = 7,
	.lookup = lookup,
	.lookup_guest = lookup_guest,
	.now = now,
};

static int setup(void **state)
{
	memset(&world, 0, sizeof(world));
	strcpy(world.account.name, "Alice");
	world.account.has_nt_hash = true;
	world.account.user = alice;
	world.account.primary_group = SID_USERS;
	world.now = nttime_of(133000000000000000u);
	return !ntlm_nt_hash("correct horse", world.account.nt_hash);
}

static struct client good_client(void)
{
	return (struct client){ .user = "aLiCe",
				.domain = "FS",
				.password = "correct horse",
				.flags = CLIENT_FLAGS,
				.sends_mic = true };
}

static ntstatus give(struct login *l, const struct buf *in, struct buf *out)
{
	out->len = 0;
	return login_step(l, of_buf(in), out);
}

/* How a client wraps what it sends. */
struct talk {
	bool is_bare;
	enum spnego_mech mechs[3];
	unsigned mech_count;
	bool signs_list;   /* with the AUTHENTICATE message */
	bool spoils_list;  /* signs another list */
	bool keeps_silent; /* where the server waits for the signature */
	bool spoils_last;  /* a wrong signature there */
};

static const struct talk bare = { .is_bare = true };
static const struct talk spnego = { .mechs = { MECH_NTLMSSP }, .mech_count = 1 };

static void wrap(const struct talk *t, const struct buf *token, const uint8_t *mic, struct buf *out)
{
	out->len = 0;
	if (t->is_bare)
		buf_bytes(out, token->data, token->len);
	else
		spnego_resp_encode(out, &(struct spnego_resp){ .token = of_buf(token),
							       .mic = cur_of(mic, mic ? 16 : 0) });
}

/* The first messages, until the challenge is there (in @m, inside @out). */
static ntstatus open_talk(struct login *l, struct client *c, const struct talk *t, struct buf *out,
			  struct spnego_message *m)
{
	struct buf token auto_buf = { 0 }, in auto_buf = { 0 };
	bool first = t->mechs[0] == MECH_NTLMSSP;
	ntstatus status;

	client_negotiate(c, &token);
	if (t->is_bare)
		buf_bytes(&in, token.data, token.len);
	else
		spnego_init_encode(&in, t->mechs, t->mech_count,
				   first ? of_buf(&token) : cur_of("kerberos", 8));
	status = give(l, &in, out);
	if (status == STATUS_MORE_PROCESSING_REQUIRED && !t->is_bare && !first) {
		assert_int_equal(spnego_decode(of_buf(out), m), STATUS_SUCCESS);
		assert_int_equal(m->state, SPNEGO_REQUEST_MIC);
		assert_int_equal(m->mech, MECH_NTLMSSP);
		assert_false(m->has_token);
		wrap(t, &token, NULL, &in);
		status = give(l, &in, out);
	}
	if (status != STATUS_MORE_PROCESSING_REQUIRED)
		return status;
	assert_int_equal(spnego_decode(of_buf(out), m), STATUS_SUCCESS);
	assert_true(m->has_token);
	if (!t->is_bare && first) {
		assert_int_equal(m->state, SPNEGO_ACCEPT_INCOMPLETE);
		assert_int_equal(m->mech, MECH_NTLMSSP);
	}
	return status;
}

/* Where the server asks for the signature of the list after the proof. */
static ntstatus sign_last(struct login *l, struct client *c, const struct talk *t,
			  const struct buf *list, struct buf *out)
{
	struct buf nothing = { 0 }, in auto_buf = { 0 };
	uint8_t mic[16];

	assert_true(client_sign_list(c, of_buf(list), false, mic));
	mic[4] ^= t->spoils_last;
	wrap(t, &nothing, t->keeps_silent ? NULL : mic, &in);
	return give(l, &in, out);
}

static ntstatus talk(struct login *l, struct client *c, const struct talk *t)
{
	struct buf token auto_buf = { 0 }, in auto_buf = { 0 }, out auto_buf = { 0 };
	struct buf list auto_buf = { 0 };
	struct spnego_message m;
	uint8_t mic[16], expected[16];
	ntstatus status = open_talk(l, c, t, &out, &m);

	if (status != STATUS_MORE_PROCESSING_REQUIRED)
		return status;
	assert_true(client_authenticate(c, m.token, &token));
	spnego_mech_list_encode(&list, t->mechs, t->mech_count);
	assert_true(client_sign_list(c, of_buf(&list), false, mic));
	mic[5] ^= t->spoils_list;
	wrap(t, &token, t->signs_list ? mic : NULL, &in);
	status = give(l, &in, &out);
	if (nt_failed(status) && status != STATUS_MORE_PROCESSING_REQUIRED) {
		assert_int_equal(out.len, 0);
		return status;
	}
	if (t->is_bare) {
		assert_int_equal(out.len, 0);
		return status;
	}
	assert_int_equal(spnego_decode(of_buf(&out), &m), STATUS_SUCCESS);
	if (m.has_mic) {
		assert_true(client_sign_list(c, of_buf(&list), true, expected));
		assert_int_equal(cur_left(&m.mic), 16);
		assert_memory_equal(m.mic.at, expected, 16);
	}
	assert_int_equal(m.state, status == STATUS_SUCCESS ? SPNEGO_ACCEPT_COMPLETED
							   : SPNEGO_ACCEPT_INCOMPLETE);
	if (status == STATUS_MORE_PROCESSING_REQUIRED)
		return sign_last(l, c, t, &list, &out);
	assert_int_equal(m.has_mic, t->signs_list && !c->is_anonymous);
	return status;
}

/* log_on - one login from its first byte; on success the result is that of alice. */
static ntstatus log_on(const struct login_config *config, struct client c, const struct talk *t)
{
	struct login *l = login_new(config);
	struct login_result result;
	ntstatus status;

	assert_non_null(l);
	status = talk(l, &c, t);
	assert_int_equal(login_result(l, &result), status == STATUS_SUCCESS);
	snprintf(world.reason, sizeof(world.reason), "%s", login_reason(l));
	if (status == STATUS_SUCCESS) {
		assert_true(result.has_key);
		assert_memory_equal(result.session_key, c.key, 16);
		assert_true(sid_equal(&result.token->user, &alice));
		assert_string_equal(result.token->user_name, "Alice");
		assert_int_equal(result.token->authority, 7);
		assert_false(result.token->is_guest || result.token->is_anonymous);
		assert_string_equal(login_reason(l), "");
	} else {
		assert_null(result.token);
		assert_string_not_equal(login_reason(l), "");
	}
	client_free(&c);
	login_free(l);
	return status;
}

static void the_right_password_logs_on_with_the_client_s_key(void **state)
{
	static const uint32_t without[] = { 0, NTLM_NEGOTIATE_KEY_EXCH, NTLM_NEGOTIATE_128,
					    NTLM_NEGOTIATE_128 | NTLM_NEGOTIATE_56,
					    NTLM_NEGOTIATE_VERSION };

	for (size_t i = 0; i < ARRAY_LEN(without); i++) {
		for (int mic = 0; mic < 2; mic++) {
			static const struct talk signing = { .mechs = { MECH_NTLMSSP },
							     .mech_count = 1,
							     .signs_list = true };
			struct client c = good_client();

			c.flags &= ~without[i];
			c.sends_mic = mic;
			assert_int_equal(log_on(&strict, c, &bare), STATUS_SUCCESS);
			assert_int_equal(log_on(&strict, c, &spnego), STATUS_SUCCESS);
			assert_int_equal(log_on(&strict, c, &signing), STATUS_SUCCESS);
		}
	}
}

static void every_wrong_response_is_a_logon_failure(void **state)
{
	static const char *const reasons[] = {
		[WRONG_NTLMV1] = "NTLMv1 is not accepted",
		[WRONG_LM_ONLY] = "LM alone is not accepted",
		[WRONG_NOT_UNICODE] = "the client does not speak Unicode",
		[WRONG_PROOF] = "wrong password",
		[WRONG_PAIR_DROPPED] = "the response was made for another server's challenge",
		[WRONG_PAIR_CHANGED] = "the response was made for another server's challenge",
		[WRONG_TIMESTAMP] = "the response was made for another server's challenge",
		[WRONG_MIC] = "the messages were changed (wrong MIC)",
		[WRONG_MIC_MISSING] = "the messages were changed (wrong MIC)",
		[WRONG_FLAGS_CHANGED] = "the messages were changed (wrong MIC)",
		[WRONG_NO_SESSION_KEY] = "no session key, though one was agreed",
	};

	for (enum wrong wrong = WRONG_NTLMV1; wrong < ARRAY_LEN(reasons); wrong++) {
		struct client c = good_client();

		if (!reasons[wrong])
			continue;
		c.wrong = wrong;
		assert_int_equal(log_on(&strict, c, &bare), STATUS_LOGON_FAILURE);
		assert_string_equal(world.reason, reasons[wrong]);
		assert_int_equal(log_on(&strict, c, &spnego), STATUS_LOGON_FAILURE);
		assert_string_equal(world.reason, reasons[wrong]);
	}
}

static void a_response_that_is_none_is_an_invalid_parameter(void **state)
{
	struct client c = good_client();

	c.wrong = WRONG_SHORT_RESPONSE;
	assert_int_equal(log_on(&strict, c, &bare), STATUS_INVALID_PARAMETER);
	assert_string_equal(world.reason, "the response is no NTLMv2");
}

static void a_wrong_password_and_an_unknown_user_answer_alike(void **state)
{
	struct client c = good_client();

	c.password = "Correct horse";
	assert_int_equal(log_on(&strict, c, &spnego), STATUS_LOGON_FAILURE);
	c = good_client();
	c.user = "mallory";
	assert_int_equal(log_on(&strict, c, &spnego), STATUS_LOGON_FAILURE);
	c = good_client();
	c.password = "";
	assert_int_equal(log_on(&strict, c, &spnego), STATUS_LOGON_FAILURE);
}

static void an_account_without_a_password_lets_nobody_in(void **state)
{
	struct client c = good_client();

	memset(world.account.nt_hash, 0, 16);
	world.account.has_nt_hash = false;
	assert_int_equal(log_on(&strict, c, &spnego), STATUS_LOGON_FAILURE);
	c.password = "";
	assert_int_equal(log_on(&strict, c, &spnego), STATUS_LOGON_FAILURE);
}

/* Each property of the account: what it answers after the right password. */
static void what_is_wrong_with_an_account_is_told_after_the_right_password_only(void **state)
{
	nttime past = nttime_of(world.now.ticks - 1), future = nttime_of(world.now.ticks + 1);
	const struct {
		bool is_disabled, is_locked_out, must_change;
		nttime account_expires, password_expires;
		ntstatus status;
	} rows[] = {
		{ .is_disabled = true, .status = STATUS_ACCOUNT_DISABLED },
		{ .is_locked_out = true, .status = STATUS_ACCOUNT_LOCKED_OUT },
		{ .must_change = true, .status = STATUS_PASSWORD_MUST_CHANGE },
		{ .account_expires = past, .status = STATUS_ACCOUNT_EXPIRED },
		{ .password_expires = past, .status = STATUS_PASSWORD_EXPIRED },
		{ .account_expires = future, .password_expires = future, .status = STATUS_SUCCESS },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct client c = good_client();

		world.account.is_disabled = rows[i].is_disabled;
		world.account.is_locked_out = rows[i].is_locked_out;
		world.account.must_change_password = rows[i].must_change;
		world.account.account_expires = rows[i].account_expires;
		world.account.password_expires = rows[i].password_expires;
		assert_int_equal(log_on(&strict, c, &spnego), rows[i].status);
		c.password = "wrong";
		assert_int_equal(log_on(&strict, c, &spnego), STATUS_LOGON_FAILURE);
	}
}

static void a_lookup_that_cannot_know_is_not_a_wrong_password(void **state)
{
	world.status = STATUS_IO_DEVICE_ERROR;
	assert_int_equal(log_on(&strict, good_client(), &spnego), STATUS_IO_DEVICE_ERROR);
}

static void a_late_answer_is_refused(void **state)
{
	static const struct {
		int64_t seconds;
		bool in_time;
	} rows[] = { { 299, true }, { 301, false }, { -299, true }, { -301, false } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf out auto_buf = { 0 }, token auto_buf = { 0 };
		struct client c cleanup(client_free) = good_client();
		struct login *l = login_new(&strict);
		struct spnego_message m;

		assert_int_equal(open_talk(l, &c, &bare, &out, &m),
				 STATUS_MORE_PROCESSING_REQUIRED);
		assert_true(client_authenticate(&c, m.token, &token));
		world.now.ticks += (uint64_t)(rows[i].seconds * 10000000);
		assert_int_equal(give(l, &token, &out),
				 rows[i].in_time ? STATUS_SUCCESS : STATUS_LOGON_FAILURE);
		login_free(l);
	}
}

static void an_answer_to_one_challenge_is_none_to_another(void **state)
{
	struct buf out auto_buf = { 0 }, other auto_buf = { 0 }, token auto_buf = { 0 };
	struct client a cleanup(client_free) = good_client(), b cleanup(client_free) = a;
	struct login *first = login_new(&strict), *second = login_new(&strict);
	struct spnego_message m, n;

	a.sends_mic = false;
	assert_int_equal(open_talk(first, &a, &bare, &out, &m), STATUS_MORE_PROCESSING_REQUIRED);
	assert_int_equal(open_talk(second, &b, &bare, &other, &n), STATUS_MORE_PROCESSING_REQUIRED);
	assert_true(client_authenticate(&a, m.token, &token));
	assert_int_equal(give(second, &token, &other), STATUS_LOGON_FAILURE);
	assert_int_equal(give(first, &token, &out), STATUS_SUCCESS);
	assert_int_equal(give(first, &token, &out), STATUS_INVALID_PARAMETER);
	login_free(first);
	login_free(second);
}

static void anonymous_is_refused_unless_it_is_allowed(void **state)
{
	struct login_config lenient = strict;
	struct client c cleanup(client_free) = good_client();
	struct login_result result;
	struct login *l;

	c.is_anonymous = true;
	c.sends_mic = false;
	assert_int_equal(log_on(&strict, c, &spnego), STATUS_ACCESS_DENIED);
	lenient.guest_allowed = true;
	assert_int_equal(log_on(&lenient, c, &spnego), STATUS_ACCESS_DENIED);
	lenient.guest_allowed = false;
	lenient.anonymous_allowed = true;
	l = login_new(&lenient);
	assert_int_equal(talk(l, &c, &spnego), STATUS_SUCCESS);
	assert_true(login_result(l, &result));
	assert_true(result.token->is_anonymous);
	assert_false(result.has_key);
	assert_false(token_has_sid(result.token, &SID_AUTHENTICATED));
	login_free(l);
}

static void an_unknown_user_is_guest_only_where_that_is_allowed(void **state)
{
	struct login_config lenient = strict;
	struct client c cleanup(client_free) = good_client();
	struct login_result result;
	struct login *l;

	lenient.guest_allowed = true;
	c.user = "mallory";
	assert_int_equal(log_on(&strict, c, &spnego), STATUS_LOGON_FAILURE);
	l = login_new(&lenient);
	assert_int_equal(talk(l, &c, &spnego), STATUS_SUCCESS);
	assert_true(login_result(l, &result));
	assert_true(result.token->is_guest);
	assert_true(sid_equal(&result.token->user, &nobody));
	assert_false(result.has_key);
	assert_string_equal(login_reason(l), "");
	login_free(l);
}

static void a_wrong_password_is_never_guest(void **state)
{
	struct login_config lenient = strict;
	struct client c = good_client();

	lenient.guest_allowed = true;
	c.password = "wrong";
	assert_int_equal(log_on(&lenient, c, &spnego), STATUS_LOGON_FAILURE);
	lenient.lookup_guest = NULL;
	c.user = "mallory";
	assert_int_equal(log_on(&lenient, c, &spnego), STATUS_LOGON_FAILURE);
}

static void a_client_that_prefers_kerberos_must_sign_its_list(void **state)
{
	static const struct {
		struct talk talk;
		ntstatus status;
	} rows[] = {
		/* At once, as Windows does, and when asked. */
		{ { .signs_list = true }, STATUS_SUCCESS },
		{ { .signs_list = false }, STATUS_SUCCESS },
		{ { .signs_list = true, .spoils_list = true }, STATUS_LOGON_FAILURE },
		{ { .keeps_silent = true }, STATUS_LOGON_FAILURE },
		{ { .spoils_last = true }, STATUS_LOGON_FAILURE },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct talk t = rows[i].talk;

		t.mechs[0] = MECH_MS_KRB5;
		t.mechs[1] = MECH_KRB5;
		t.mechs[2] = MECH_NTLMSSP;
		t.mech_count = 3;
		assert_int_equal(log_on(&strict, good_client(), &t), rows[i].status);
	}
}

static void a_wrong_signature_is_refused_even_where_none_was_needed(void **state)
{
	struct talk t = spnego;
	struct client c = good_client();

	t.signs_list = true;
	assert_int_equal(log_on(&strict, c, &t), STATUS_SUCCESS);
	t.spoils_list = true;
	assert_int_equal(log_on(&strict, c, &t), STATUS_LOGON_FAILURE);
	t.spoils_list = false;
	c.flags &= ~NTLM_NEGOTIATE_EXTENDED_SECURITY;
	assert_int_equal(log_on(&strict, c, &t), STATUS_LOGON_FAILURE);
}

static void a_client_without_ntlm_is_told_so(void **state)
{
	static const struct talk t = { .mechs = { MECH_MS_KRB5, MECH_KRB5 }, .mech_count = 2 };

	assert_int_equal(log_on(&strict, good_client(), &t), STATUS_NOT_SUPPORTED);
}

static void a_user_principal_name_is_looked_up_in_its_domain(void **state)
{
	struct client c = good_client();

	c.user = "alice@fs.example.org";
	c.domain = "";
	assert_int_equal(log_on(&strict, c, &spnego), STATUS_SUCCESS);
	assert_string_equal(world.asked_user, "alice");
	assert_string_equal(world.asked_domain, "fs.example.org");
	c.user = "alice";
	assert_int_equal(log_on(&strict, c, &spnego), STATUS_SUCCESS);
	assert_string_equal(world.asked_domain, "");
}

static void messages_out_of_order_are_refused(void **state)
{
	static const uint8_t garbage[] = { 0x60, 0x82, 1, 2 };
	struct buf out auto_buf = { 0 }, in auto_buf = { 0 }, token auto_buf = { 0 };
	struct client c cleanup(client_free) = good_client();
	struct login *l = login_new(&strict);
	uint8_t *large = xalloc(LOGIN_MAX_TOKEN + 1, 1);
	struct spnego_message m;
	struct login_result result;

	assert_int_equal(login_step(l, cur_of(garbage, sizeof(garbage)), &out),
			 STATUS_INVALID_PARAMETER);
	client_negotiate(&c, &token);
	assert_int_equal(give(l, &token, &out), STATUS_INVALID_PARAMETER); /* it has failed */
	login_free(l);

	l = login_new(&strict); /* an answer before a question */
	wrap(&spnego, &token, NULL, &in);
	assert_int_equal(give(l, &in, &out), STATUS_INVALID_PARAMETER);
	login_free(l);

	l = login_new(&strict); /* two NEGOTIATE messages */
	assert_int_equal(give(l, &token, &out), STATUS_MORE_PROCESSING_REQUIRED);
	assert_false(login_result(l, &result));
	assert_int_equal(give(l, &token, &out), STATUS_INVALID_PARAMETER);
	login_free(l);

	l = login_new(&strict); /* SPNEGO in a bare talk */
	token.len = 0;
	assert_int_equal(open_talk(l, &c, &bare, &out, &m), STATUS_MORE_PROCESSING_REQUIRED);
	assert_true(client_authenticate(&c, m.token, &token));
	wrap(&spnego, &token, NULL, &in);
	assert_int_equal(give(l, &in, &out), STATUS_INVALID_PARAMETER);
	login_free(l);

	l = login_new(&strict);
	assert_int_equal(login_step(l, cur_of(large, LOGIN_MAX_TOKEN + 1), &out),
			 STATUS_INVALID_PARAMETER);
	login_free(l);
	free(large);
}

static void a_name_longer_than_a_name_is_refused(void **state)
{
	struct client c = good_client();

	c.wrong = WRONG_LONG_NAME;
	assert_int_equal(log_on(&strict, c, &bare), STATUS_INVALID_PARAMETER);
}

static void the_offer_is_ntlmssp(void **state)
{
	struct buf out auto_buf = { 0 };
	struct spnego_message m;

	login_offer(&out);
	assert_int_equal(spnego_decode(of_buf(&out), &m), STATUS_SUCCESS);
	assert_int_equal(m.mech_count, 1);
	assert_int_equal(m.mechs[0], MECH_NTLMSSP);
}

static void a_challenge_says_who_serves_and_when(void **state)
{
	struct buf out auto_buf = { 0 };
	struct client c cleanup(client_free) = good_client();
	struct login *l = login_new(&strict);
	struct ntlm_challenge challenge;
	struct spnego_message m;
	struct cursor value;
	char *text;

	assert_int_equal(open_talk(l, &c, &spnego, &out, &m), STATUS_MORE_PROCESSING_REQUIRED);
	assert_int_equal(ntlm_challenge_decode(m.token, &challenge), STATUS_SUCCESS);
	assert_true(challenge.flags & NTLM_TARGET_TYPE_SERVER);
	assert_false(challenge.flags & NTLM_NEGOTIATE_LM_KEY);
	assert_true(ntlm_av_find(challenge.target_info, NTLM_AV_DNS_COMPUTER, &value));
	text = utf16_to_string(value);
	assert_string_equal(text, "fs.example.org");
	free(text);
	assert_true(ntlm_av_find(challenge.target_info, NTLM_AV_TIMESTAMP, &value));
	assert_true(cur_u64le(&value) == world.now.ticks);
	login_free(l);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_right_password_logs_on_with_the_client_s_key, setup),
		cmocka_unit_test_setup(every_wrong_response_is_a_logon_failure, setup),
		cmocka_unit_test_setup(a_response_that_is_none_is_an_invalid_parameter, setup),
		cmocka_unit_test_setup(a_wrong_password_and_an_unknown_user_answer_alike, setup),
		cmocka_unit_test_setup(an_account_without_a_password_lets_nobody_in, setup),
		cmocka_unit_test_setup(
			what_is_wrong_with_an_account_is_told_after_the_right_password_only, setup),
		cmocka_unit_test_setup(a_lookup_that_cannot_know_is_not_a_wrong_password, setup),
		cmocka_unit_test_setup(a_late_answer_is_refused, setup),
		cmocka_unit_test_setup(an_answer_to_one_challenge_is_none_to_another, setup),
		cmocka_unit_test_setup(anonymous_is_refused_unless_it_is_allowed, setup),
		cmocka_unit_test_setup(an_unknown_user_is_guest_only_where_that_is_allowed, setup),
		cmocka_unit_test_setup(a_wrong_password_is_never_guest, setup),
		cmocka_unit_test_setup(a_client_that_prefers_kerberos_must_sign_its_list, setup),
		cmocka_unit_test_setup(a_wrong_signature_is_refused_even_where_none_was_needed,
				       setup),
		cmocka_unit_test_setup(a_client_without_ntlm_is_told_so, setup),
		cmocka_unit_test_setup(a_user_principal_name_is_looked_up_in_its_domain, setup),
		cmocka_unit_test_setup(messages_out_of_order_are_refused, setup),
		cmocka_unit_test_setup(a_name_longer_than_a_name_is_refused, setup),
		cmocka_unit_test_setup(the_offer_is_ntlmssp, setup),
		cmocka_unit_test_setup(a_challenge_says_who_serves_and_when, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
