// SPDX-License-Identifier: Apache-2.0
/*
 * Who is asking. A token says what a session may be checked against: the SIDs, privileges and kind
 * of one account of one file server. It is made at logon and never changes afterwards, so that it
 * is read without a lock by every loop; references are counted atomically, and whoever drops the
 * last one frees it.
 */
#ifndef AUTH_TOKEN_H
#define AUTH_TOKEN_H

#include <wire/dtyp.h>

/* Privileges that matter to files (MS-LSAD 3.1.1.2.1); a token carries them enabled. */
#define PRIVILEGE_BACKUP                                                                           \
	0x1u /* SeBackupPrivilege: reads whatever an open with backup intent asks */
#define PRIVILEGE_RESTORE	 0x2u /* SeRestorePrivilege: writes, and may set any owner */
#define PRIVILEGE_SECURITY	 0x4u /* SeSecurityPrivilege: the SACL */
#define PRIVILEGE_TAKE_OWNERSHIP 0x8u /* SeTakeOwnershipPrivilege: WRITE_OWNER */
#define PRIVILEGE_CHANGE_NOTIFY                                                                    \
	0x10u /* SeChangeNotifyPrivilege: traverses without being checked                          \
	       */

#define TOKEN_MAX_GROUPS 1024
#define TOKEN_MAX_NAME	 256 /* bytes of a user, domain or authority name, its end included */

struct token {
	int refs; /* atomic; token_get and token_put only */
	struct sid user;
	struct sid primary_group;
	char user_name[TOKEN_MAX_NAME];	     /* UTF-8, as the account is written */
	char domain_name[TOKEN_MAX_NAME];    /* whose account it is, for people: "FS" */
	char authority_name[TOKEN_MAX_NAME]; /* the file server that vouched for it */
	uint64_t authority;		     /* its id: a token counts on that file server only */
	uint32_t privileges;
	bool is_guest;
	bool is_anonymous;
	bool is_admin; /* holds BUILTIN\Administrators */
	uint32_t group_count;
	struct sid groups[]; /* each with the primary group, Everyone, and so on: all that count */
};

/* What a token is made from. Nothing is kept: all of it is copied. */
struct token_info {
	struct sid user;
	struct sid primary_group;
	const char *user_name, *domain_name, *authority_name; /* NULL: empty */
	uint64_t authority;
	uint32_t privileges;
	bool is_guest, is_anonymous;
	const struct sid *groups;
	size_t group_count;
};

/*
 * token_new - a token with one reference; NULL where memory is short or the limits are passed.
 * Adds what every logon over the network holds: Everyone, NETWORK, and Authenticated Users unless
 * it is guest or anonymous; removes what is named twice; sets is_admin; gives CHANGE_NOTIFY to all,
 * and all privileges to an administrator, backup and restore to a backup operator.
 */
struct token *token_new(const struct token_info *info) MUST_CHECK;
/* token_new_anonymous - the null session: S-1-5-7 with Everyone and NETWORK. */
struct token *token_new_anonymous(uint64_t authority, const char *authority_name) MUST_CHECK;
/* token_new_system - S-1-5-18 with everything, for the server's own doing; never for a session. */
struct token *token_new_system(void) MUST_CHECK;

struct token *token_get(struct token *t);
void token_put(struct token *t); /* NULL is allowed */

static inline void token_put_ptr(struct token **t)
{
	token_put(*t);
}
#define auto_token cleanup(token_put_ptr)

/* token_is_somebody - a user of its own: guests, and nobody, are one user to all who come as such.
 */
static inline bool token_is_somebody(const struct token *t)
{
	return !t->is_guest && !t->is_anonymous;
}

/* token_has_sid - is @sid the user or one of the groups? */
bool token_has_sid(const struct token *t, const struct sid *sid);
/* token_same_user - the same account, vouched for by the same file server? */
bool token_same_user(const struct token *a, const struct token *b);
/* token_equal - the same account, vouched for by the same file server, with the same groups and
 * rights? */
bool token_equal(const struct token *a, const struct token *b);
/* token_full_name - for people, a new string: "FS\alice". */
char *token_full_name(const struct token *t);

#endif
