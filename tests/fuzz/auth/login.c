// SPDX-License-Identifier: Apache-2.0
/*
 * The whole login: the input is a script of steps against one login. A step sends raw bytes of the
 * input, or what an honest client would send next with some bytes of it changed. No script may log
 * on without the password: one that knows it (the script says so) may succeed, no other.
 */
#include "../../unit/auth/ntlm_client.h"

#include <auth/login.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_STEPS 8

enum { KNOWS_PASSWORD = 1, ALLOW_GUEST = 2, ALLOW_ANONYMOUS = 4, SENDS_MIC = 8, IS_ANONYMOUS = 16 };
enum { STEP_RAW, STEP_NEGOTIATE, STEP_AUTHENTICATE, STEP_SIGN, STEP_KINDS };
enum { WRAP_BARE, WRAP_INIT, WRAP_INIT_SECOND, WRAP_RESP, WRAP_RESP_SIGNED, WRAPS };

static uint8_t hash[16];

static ntstatus lookup(void *arg, const char *domain, const char *user, struct account *out)
{
	if (name_compare(user, "alice"))
		return STATUS_NO_SUCH_USER;
	strcpy(out->name, "alice");
	out->has_nt_hash = true;
	memcpy(out->nt_hash, hash, sizeof(hash));
	out->user = SID_USERS;
	return STATUS_SUCCESS;
}

static ntstatus lookup_guest(void *arg, struct account *out)
{
	strcpy(out->name, "guest");
	out->user = SID_GUESTS;
	return STATUS_SUCCESS;
}

static nttime now(void *arg)
{
	return nttime_of(133000000000000000u);
}

struct script {
	struct cursor c;
	struct login *login;
	struct client client;
	struct buf list; /* what the client's first message offered */
	struct buf out;	 /* what the server said last */
};

static const enum spnego_mech mechs[] = { MECH_KRB5, MECH_NTLMSSP };

static void offer(struct script *s, unsigned first, const struct buf *token, struct buf *in)
{
	s->list.len = 0;
	spnego_mech_list_encode(&s->list, mechs + first, 2 - first);
	spnego_init_encode(in, mechs + first, 2 - first, of_buf(token));
}

static void wrap(struct script *s, unsigned how, const struct buf *token, struct buf *in)
{
	uint8_t mic[16];

	if (how == WRAP_BARE) {
		buf_bytes(in, token->data, token->len);
	} else if (how == WRAP_INIT || how == WRAP_INIT_SECOND) {
		offer(s, how == WRAP_INIT, token, in);
	} else {
		bool signs = how == WRAP_RESP_SIGNED &&
			     client_sign_list(&s->client, of_buf(&s->list), false, mic);

		spnego_resp_encode(in, &(struct spnego_resp){ .token = of_buf(token),
							      .mic = cur_of(mic, signs ? 16 : 0) });
	}
}

/* build - the next message of the script into @in. */
static void build(struct script *s, struct buf *in)
{
	unsigned kind = cur_u8(&s->c) % STEP_KINDS, how = cur_u8(&s->c) % WRAPS;
	struct buf token auto_buf = { 0 };
	struct spnego_message m;
	struct cursor raw;

	switch (kind) {
	case STEP_RAW:
		raw = cur_take(&s->c, cur_u16le(&s->c));
		buf_bytes(in, raw.at, cur_left(&raw));
		return;
	case STEP_NEGOTIATE:
		client_negotiate(&s->client, &token);
		break;
	case STEP_AUTHENTICATE:
		if (spnego_decode(of_buf(&s->out), &m) != STATUS_SUCCESS || !m.has_token ||
		    !client_authenticate(&s->client, m.token, &token))
			token.len = 0;
		break;
	default:
		break;
	}
	wrap(s, how, &token, in);
}

/* spoil - change bytes of the message as the script says. */
static void spoil(struct script *s, struct buf *in)
{
	unsigned changes = cur_u8(&s->c) % 4;

	for (unsigned i = 0; i < changes; i++) {
		unsigned at = cur_u16le(&s->c);
		uint8_t by = cur_u8(&s->c);

		if (at < in->len)
			in->data[at] ^= by;
	}
}

static void check(const struct login *l, uint8_t mode, const struct client *c)
{
	struct login_result result;

	BUG_ON(!login_result(l, &result));
	BUG_ON(result.token->is_guest && !(mode & ALLOW_GUEST));
	BUG_ON(result.token->is_anonymous && !(mode & ALLOW_ANONYMOUS));
	if (result.token->is_guest || result.token->is_anonymous) {
		BUG_ON(result.has_key);
		return;
	}
	BUG_ON(!(mode & KNOWS_PASSWORD) || !result.has_key);
}

static void run(struct script *s, uint8_t mode)
{
	for (int i = 0; i < MAX_STEPS && !s->c.bad && cur_left(&s->c); i++) {
		struct buf in auto_buf = { 0 };
		ntstatus status;

		build(s, &in);
		spoil(s, &in);
		s->out.len = 0;
		status = login_step(s->login, of_buf(&in), &s->out);
		BUG_ON(s->out.failed);
		if (status == STATUS_SUCCESS)
			check(s->login, mode, &s->client);
		if (status != STATUS_MORE_PROCESSING_REQUIRED)
			return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = { .c = cur_of(data, size) };
	uint8_t mode = cur_u8(&s.c);
	struct login_config config = {
		.netbios_computer = "FS",
		.netbios_domain = "FS",
		.lookup = lookup,
		.lookup_guest = lookup_guest,
		.now = now,
		.guest_allowed = mode & ALLOW_GUEST,
		.anonymous_allowed = mode & ALLOW_ANONYMOUS,
	};

	BUG_ON(!ntlm_nt_hash("right", hash));
	s.client = (struct client){ .user = "alice",
				    .domain = "FS",
				    .password = mode & KNOWS_PASSWORD ? "right" : "wrong",
				    .flags = CLIENT_FLAGS,
				    .sends_mic = mode & SENDS_MIC,
				    .is_anonymous = mode & IS_ANONYMOUS };
	s.login = login_new(&config);
	BUG_ON(!s.login);
	run(&s, mode);
	login_free(s.login);
	client_free(&s.client);
	buf_free(&s.list);
	buf_free(&s.out);
	return 0;
}
