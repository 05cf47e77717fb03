// SPDX-License-Identifier: Apache-2.0
/*
 * The management interface: what an administrator may ask of a file server that is online on this
 * node. The control socket and the RPC services call it, nothing else; it takes names and plain
 * values, checks them, changes the store, and makes the change visible (server_reload). Every
 * refusal carries a sentence that says what failed, on what, why, what to do.
 *
 * @who: the token of the caller, or NULL for the control socket (root of this machine). A caller
 * that is no Administrator of the server gets STATUS_ACCESS_DENIED for everything that changes
 * something or lists other people's sessions and files.
 */
#ifndef FILESERVER_MANAGE_H
#define FILESERVER_MANAGE_H

#include <fileserver/open.h>
#include <fileserver/server.h>
#include <fileserver/session.h>
#include <wire/sid_names.h>

struct manage_error {
	ntstatus status;
	char text[512];
};

/*
 * manage_is_administrator - is @who an Administrator by accounts that count at @server? NULL (root
 * of this machine) is; a guest, an anonymous session and an account of another file server are not.
 */
bool manage_is_administrator(const struct server *server, const struct token *who) MUST_CHECK;
/* manage_on_change - call @changed, with no lock held, after each change of a server's shares or
 * settings. Once, early. */
void manage_on_change(void (*changed)(struct server *server));

/* A share, as managers see it (MS-SRVS 2.2.4.26 SHARE_INFO_502 and 503). */
struct manage_share {
	char *name, *remark, *path; /* path as a client of RPC sees it: "S:\packages" */
	char *scope;		    /* the server's name; "*" for the node's */
	uint32_t type;		    /* STYPE_* with STYPE_SPECIAL, STYPE_CLUSTER_FS */
	uint32_t flags, max_uses, uses, caching;
	char *hide_names; /* as store_share has it; never NULL */
	uint8_t *sd;
	size_t sd_length;
};
#define STYPE_DISKTREE	 0x00000000u
#define STYPE_IPC	 0x00000003u
#define STYPE_CLUSTER_FS 0x02000000u
#define STYPE_SPECIAL	 0x80000000u
void manage_shares_free(struct manage_share *shares, size_t count);
/* manage_shares - what the scope of @server shows (hidden and special ones too); @all_scopes: every
 * scope on this node (level 503). */
ntstatus manage_shares(struct server *server, const struct token *who, bool all_scopes,
		       struct manage_share **out, size_t *count) MUST_CHECK;
ntstatus manage_share_add(struct server *server, const struct token *who,
			  const struct store_share *share, bool make_directory,
			  struct manage_error *error) MUST_CHECK;
ntstatus manage_share_set(struct server *server, const struct token *who,
			  const struct store_share *share, struct manage_error *error) MUST_CHECK;
ntstatus manage_share_remove(struct server *server, const struct token *who, const char *name,
			     struct manage_error *error) MUST_CHECK;

ntstatus manage_user_add(struct server *server, const struct token *who, const char *name,
			 const char *full_name, const char *password,
			 struct manage_error *error) MUST_CHECK;
ntstatus manage_user_remove(struct server *server, const struct token *who, const char *name,
			    struct manage_error *error) MUST_CHECK;
ntstatus manage_user_password(struct server *server, const struct token *who, const char *name,
			      const char *password, struct manage_error *error) MUST_CHECK;
ntstatus manage_user_enable(struct server *server, const struct token *who, const char *name,
			    bool enabled, struct manage_error *error) MUST_CHECK;
ntstatus manage_group_add(struct server *server, const struct token *who, const char *name,
			  struct manage_error *error) MUST_CHECK;
ntstatus manage_group_remove(struct server *server, const struct token *who, const char *name,
			     struct manage_error *error) MUST_CHECK;
ntstatus manage_member(struct server *server, const struct token *who, const char *group,
		       const char *user, bool add, struct manage_error *error) MUST_CHECK;
/*
 * Names and SIDs of whoever counts at @server: its own accounts and groups, under visibility node
 * those that it shares with its node, and what is well known. For callers with an account of those:
 * guests and the nameless get STATUS_ACCESS_DENIED, as names are half of what a guesser of
 * passwords needs. No lock; reads the stores.
 */
#define MANAGE_NAME_MAX 1024
struct manage_principal {
	enum sid_use use; /* SID_USE_UNKNOWN where there is none */
	struct sid sid;
	char name[MANAGE_NAME_MAX]; /* "" where it is unknown */
	bool has_domain;	    /* the domain is known, even where the account in it is not */
	struct sid domain_sid;
	char domain[TOKEN_MAX_NAME];
};
/* manage_may_look_up - has @who an account that counts at @server? */
bool manage_may_look_up(const struct server *server, const struct token *who) MUST_CHECK;
/* manage_circle_of - those whose accounts count at @server, for as many look-ups as the caller has
 * now; it holds them. NULL: @who may not look up. */
struct manage_circle;
struct manage_circle *manage_circle_of(struct server *server, const struct token *who) MUST_CHECK;
void manage_circle_free(struct manage_circle *c);
/* manage_principal_of_sid - STATUS_SUCCESS, STATUS_NONE_MAPPED (with what is known in @out),
 * STATUS_ACCESS_DENIED where there is no circle. */
ntstatus manage_principal_of_sid(const struct manage_circle *servers, const struct sid *sid,
				 struct manage_principal *out) MUST_CHECK;
/* manage_principal_of_name - "alice", "FS\alice", "alice@fs.example.org", "BUILTIN\Users", "FS";
 * without case (MS-LSAT 3.1.4.5). The same. */
ntstatus manage_principal_of_name(const struct manage_circle *servers, const char *name,
				  struct manage_principal *out) MUST_CHECK;
/*
 * Lists of accounts, for Administrators: STATUS_ACCESS_DENIED for others. Only the server's own, by
 * name; manage_accounts_free gives them back.
 */
enum manage_account_kind {
	MANAGE_USERS,
	MANAGE_GROUPS,	 /* those that were made */
	MANAGE_BUILTINS, /* those that are built in */
};
struct manage_account {
	char *name, *full_name; /* full_name: of a group its remark */
	uint32_t rid;
	bool is_disabled, must_change_password;
};
ntstatus manage_accounts(struct server *server, const struct token *who,
			 enum manage_account_kind kind, struct manage_account **out,
			 size_t *count) MUST_CHECK;
/* manage_account_numbered - one of them, into @out, whose texts the caller frees, after a failure
 * too; STATUS_NO_SUCH_USER, STATUS_NO_SUCH_ALIAS. */
ntstatus manage_account_numbered(struct server *server, const struct token *who,
				 enum manage_account_kind kind, uint32_t rid,
				 struct manage_account *out) MUST_CHECK;
void manage_accounts_free(struct manage_account *accounts, size_t count);
/* manage_members - SIDs of the members of the group @rid, in an array that the caller frees;
 * STATUS_NO_SUCH_ALIAS where there is none. */
ntstatus manage_members(struct server *server, const struct token *who, uint32_t rid, bool builtin,
			struct sid **out, size_t *count) MUST_CHECK;
/* manage_set - one setting of the server (visibility, signing, encryption, drive letter, guest
 * ...); the table is in manage.c. */
ntstatus manage_set(struct server *server, const struct token *who, const char *key,
		    const char *value, struct manage_error *error) MUST_CHECK;
/* manage_set_all - several at once: none is stored where one is refused, and what follows from them
 * follows when all are stored (a window of failback comes with the failback). */
struct manage_value {
	const char *key, *value;
};
ntstatus manage_set_all(struct server *server, const struct token *who,
			const struct manage_value *values, size_t count,
			struct manage_error *error) MUST_CHECK;

/* The settings that manage_set takes. */
struct manage_setting {
	const char *key, *values, *help;
	bool (*fits)(const struct manage_setting *setting, const char *value);
	long low, high;	  /* numbers */
	bool next_online; /* it counts from the next time that the server comes online */
};
const struct manage_setting *manage_settings(size_t *count);
/* manage_setting_check - would manage_set take it? Else a sentence in @error; @server_name is for
 * the sentence. */
ntstatus manage_setting_check(const char *server_name, const char *key, const char *value,
			      struct manage_error *error) MUST_CHECK;

ntstatus manage_sessions(struct server *server, const struct token *who, struct session_row **out,
			 size_t *count) MUST_CHECK;
ntstatus manage_session_close(struct server *server, const struct token *who, uint64_t id,
			      struct manage_error *error) MUST_CHECK;
ntstatus manage_files(struct server *server, const struct token *who, struct open_listing_row **out,
		      size_t *count) MUST_CHECK;
ntstatus manage_file_close(struct server *server, const struct token *who, uint64_t id,
			   struct manage_error *error) MUST_CHECK;

/*
 * The file server's registry, for the tools that keep settings of a server there: Administrators
 * only. Paths are below HKEY_LOCAL_MACHINE, without case. STATUS_OBJECT_NAME_NOT_FOUND where there
 * is none, STATUS_NO_MORE_ENTRIES behind the last of a list, STATUS_DIRECTORY_NOT_EMPTY.
 */
#define MANAGE_REGISTRY_DEPTH_MAX 32
#define MANAGE_REGISTRY_NAME_MAX  255	/* UTF-16 units of one key */
#define MANAGE_REGISTRY_VALUE_MAX 16383 /* UTF-16 units of a value's name */
#define MANAGE_REGISTRY_DATA_MAX  32768 /* bytes of one value */
ntstatus manage_registry_open(struct server *server, const struct token *who, const char *path,
			      struct manage_error *error) MUST_CHECK;
/* manage_registry_create - with the keys over it; *@created: it was not there. */
ntstatus manage_registry_create(struct server *server, const struct token *who, const char *path,
				bool *created, struct manage_error *error) MUST_CHECK;
ntstatus manage_registry_delete(struct server *server, const struct token *who, const char *path,
				struct manage_error *error) MUST_CHECK;
/* manage_registry_child - the name of the key @index below @path; to be freed. */
ntstatus manage_registry_child(struct server *server, const struct token *who, const char *path,
			       uint32_t index, char **name, uint64_t *changed) MUST_CHECK;
ntstatus manage_registry_info(struct server *server, const struct token *who, const char *path,
			      struct store_registry_info *out, uint64_t *changed) MUST_CHECK;
ntstatus manage_registry_set(struct server *server, const struct token *who, const char *path,
			     const struct store_registry_value *value,
			     struct manage_error *error) MUST_CHECK;
/* manage_registry_get - by @name, or by @index where @name is NULL; free with
 * store_registry_value_free. */
ntstatus manage_registry_get(struct server *server, const struct token *who, const char *path,
			     const char *name, uint32_t index,
			     struct store_registry_value *out) MUST_CHECK;
ntstatus manage_registry_unset(struct server *server, const struct token *who, const char *path,
			       const char *name, struct manage_error *error) MUST_CHECK;

/* What NetrServerGetInfo and NetrWkstaGetInfo say of a server. */
struct manage_server_info {
	char name[64];
	char comment[256];
	uint32_t type; /* SV_TYPE_*: SERVER, NT, and CLUSTER_VS_NT for a clustered name */
	uint32_t version_major, version_minor;
};
void manage_server_info(struct server *server, struct manage_server_info *out);

#endif
