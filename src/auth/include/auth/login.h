// SPDX-License-Identifier: Apache-2.0
/*
 * The server's side of authentication in SESSION_SETUP: SPNEGO (or bare NTLMSSP) in, a token and a
 * session key out (MS-SMB2 3.3.5.5, MS-SPNG, MS-NLMP 3.2.5.1). NTLMv2 is the only proof accepted.
 *
 * A login belongs to one session that is being set up and is used by one thread at a time. It
 * proves one thing once: after success or refusal it answers STATUS_INVALID_PARAMETER.
 */
#ifndef AUTH_LOGIN_H
#define AUTH_LOGIN_H

#include <auth/token.h>
#include <base/buf.h>
#include <base/cursor.h>
#include <base/nttime.h>

#define LOGIN_KEY_LENGTH 16
#define LOGIN_MAX_TOKEN	 16384 /* bytes of one security blob; longer is refused unread */

/* An account as the lookup found it. */
struct account {
	char name[TOKEN_MAX_NAME]; /* as the account is written, whatever case the client used */
	uint8_t nt_hash[16];	   /* wiped by the login */
	bool has_nt_hash;	   /* without one nobody logs on by password */
	struct sid user;
	struct sid primary_group;
	struct sid *groups; /* malloc: freed by the login */
	size_t group_count;
	uint32_t privileges;
	bool is_disabled;
	bool is_locked_out;
	bool must_change_password;
	nttime account_expires;	 /* zero: never */
	nttime password_expires; /* zero: never */
};

/*
 * What a login needs to know. Everything the pointers name must outlive the login; nothing is
 * copied.
 */
struct login_config {
	const char *netbios_computer; /* the file server's name as clients dial it: "FS" */
	const char *netbios_domain;   /* for a file server with accounts of its own the same name */
	const char *dns_computer;     /* "fs.example.org"; NULL: netbios_computer in lower case */
	const char *dns_domain;	      /* NULL: left out */
	uint64_t authority;	      /* for the token: which file server vouches */

	/*
	 * Finds @user in this file server. @domain is what the client wrote: the server's name,
	 * empty, a UPN's right side or anything else; the lookup decides which it answers for.
	 * Fills @out (given zeroed) and returns STATUS_SUCCESS, or STATUS_NO_SUCH_USER, or another
	 * failure when it cannot know (the client is then told that, not that its password is
	 * wrong).
	 */
	ntstatus (*lookup)(void *arg, const char *domain, const char *user, struct account *out);
	/* Who guests are; used only with guest_allowed. As lookup; NULL: guests are refused. */
	ntstatus (*lookup_guest)(void *arg, struct account *out);
	nttime (*now)(void *arg); /* NULL: nttime_now */
	void *arg;

	bool guest_allowed;	/* an unknown user becomes guest; a wrong password never does */
	bool anonymous_allowed; /* a null session is let in */
};

struct login;

/* login_new - NULL where memory is short. login_free - NULL is allowed. */
struct login *login_new(const struct login_config *config) MUST_CHECK;
void login_free(struct login *l);

/*
 * login_offer - append the token that a NEGOTIATE response carries: the mechanisms of this server
 * (NegTokenInit2, MS-SPNG 2.2.1). The same for every client.
 */
void login_offer(struct buf *out);

/*
 * login_step - take one security blob @in of the client and append the answer to @out (which may
 * stay empty). STATUS_MORE_PROCESSING_REQUIRED: send @out and wait for the next. STATUS_SUCCESS:
 * login_result has it all. Everything else ends this login:
 *   STATUS_INVALID_PARAMETER    not a message that belongs here
 *   STATUS_LOGON_FAILURE        unknown user, wrong password, wrong kind of proof, wrong MIC
 *   STATUS_ACCESS_DENIED        anonymous, and that is not allowed
 *   STATUS_ACCOUNT_DISABLED, _LOCKED_OUT, STATUS_ACCOUNT_EXPIRED, STATUS_PASSWORD_EXPIRED,
 *   STATUS_PASSWORD_MUST_CHANGE only after the right password
 *   STATUS_NOT_SUPPORTED        no mechanism in common
 */
ntstatus login_step(struct login *l, struct cursor in, struct buf *out) MUST_CHECK;

struct login_result {
	struct token *token; /* borrowed: token_get it */
	bool has_key; /* guest and anonymous sessions have none: they neither sign nor seal */
	uint8_t session_key[LOGIN_KEY_LENGTH]; /* wipe after use */
};

/* login_result - of a login that ended in STATUS_SUCCESS. False before that. */
bool login_result(const struct login *l, struct login_result *out) MUST_CHECK;

/*
 * What the client called itself, for the log, after success and refusal alike ("" before it has
 * said it); chosen by the client: LOG_TEXT it. login_reason says for people at the log what the
 * status does not tell a client, such as "wrong password" ("" after success).
 */
const char *login_user(const struct login *l);
const char *login_domain(const struct login *l);
const char *login_workstation(const struct login *l);
const char *login_reason(const struct login *l);

#endif
