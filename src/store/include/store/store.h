// SPDX-License-Identifier: Apache-2.0
/*
 * The file server's own database in its home (<volume>/.berth/server.db, SQLite): shares, accounts,
 * settings. The owner of the file server is the only one who has it open. Every change is durable
 * when the call returns. A store is used by any thread, one at a time: it has a lock of its own.
 *
 * Errors are negative errno: -ENOENT, -EEXIST, -EUCLEAN (the database is damaged; store_problem
 * says how), -ENOSPC, -EROFS, -EINVAL, -EIO. Nothing is repaired silently.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <base/base.h>
#include <base/guid.h>
#include <wire/dtyp.h>

struct store;

/* store_create - make @home (a directory that must not hold a store yet) and the empty database in
 * it. */
int store_create(const char *home, const char *server_name) MUST_CHECK;
/* store_open - open and check (schema version, quick integrity check) the database of @home. */
int store_open(const char *home, struct store **out) MUST_CHECK;
void store_close(struct store *store);
/* store_problem - why the last call in this thread failed, one sentence for a person. */
const char *store_problem(void);

/* Settings: short texts by key. What is there by default is in store.c's table. */
char *store_setting(struct store *store,
		    const char *key); /* a new string, or NULL where it is not set */
int store_set_setting(struct store *store, const char *key,
		      const char *value) MUST_CHECK; /* NULL removes */

enum store_share_flags {
	STORE_SHARE_CONTINUOUSLY_AVAILABLE = 0x01,
	STORE_SHARE_ENCRYPT = 0x02,
	STORE_SHARE_ACCESS_BASED_ENUMERATION = 0x04,
	STORE_SHARE_READ_ONLY = 0x08,
	STORE_SHARE_HIDDEN = 0x10,
	STORE_SHARE_SHORT_NAMES = 0x20, /* 8.3 names for what has none */
	STORE_SHARE_NO_STREAMS = 0x100, /* files have no named streams, and the share says so */
	STORE_SHARE_NO_NOTIFY = 0x200,	/* nobody is told of changes */
	STORE_SHARE_INHERITED_AS_SET = 0x400, /* a list counts as inherited if its writer says so */
	STORE_SHARE_DELAYED_WRITE_TIME = 0x800, /* LastWriteTime lags behind writes */
	STORE_SHARE_COMPRESS = 0x1000,		/* data travels compressed where clients can */
};
struct store_share {
	char *name; /* UTF-8, compared without case */
	char *path; /* beneath the volume, '/' separated; "" is its root */
	char *remark;
	uint32_t flags;
	uint32_t max_uses; /* UINT32_MAX: no limit */
	uint32_t caching;  /* SMB2_SHAREFLAG_*_CACHING */
	char *hide_names;  /* patterns with '/' between them: what has such a name shows as hidden;
			      NULL or "": none */
	uint8_t *sd;	   /* who may connect; NULL: everyone who is authenticated */
	size_t sd_length;
};
void store_share_free(struct store_share *share); /* what it points to, not itself */
int store_share_add(struct store *store, const struct store_share *share) MUST_CHECK;
int store_share_update(struct store *store, const struct store_share *share) MUST_CHECK;
int store_share_remove(struct store *store, const char *name) MUST_CHECK;
/* store_shares - all of them, by name; the caller frees each and the array. */
int store_shares(struct store *store, struct store_share **out, size_t *count) MUST_CHECK;

#define STORE_USER_DISABLED	    0x1u
#define STORE_USER_PASSWORD_EXPIRED 0x2u
struct store_user {
	char *name;
	char *full_name;
	uint32_t rid;
	uint32_t flags;
	uint8_t nt_hash[16];
};
void store_user_free(struct store_user *user); /* wipes the hash */
/* store_user_add - @user->rid is given out here (from 1000 on). */
int store_user_add(struct store *store, struct store_user *user) MUST_CHECK;
int store_user_update(struct store *store, const struct store_user *user) MUST_CHECK;
int store_user_remove(struct store *store, const char *name) MUST_CHECK;
int store_user_find(struct store *store, const char *name, struct store_user *out) MUST_CHECK;
int store_users(struct store *store, struct store_user **out, size_t *count) MUST_CHECK;

/* Groups: the file server's own (rid from 1000 on) and the built-in aliases (rid 544
 * Administrators, 545 Users, 551 Backup Operators). */
struct store_group {
	char *name;
	char *remark;
	uint32_t rid;
	bool builtin;
};
void store_group_free(struct store_group *group);
int store_group_add(struct store *store, struct store_group *group) MUST_CHECK;
int store_group_remove(struct store *store, const char *name) MUST_CHECK;
int store_groups(struct store *store, struct store_group **out, size_t *count) MUST_CHECK;
int store_member_add(struct store *store, const char *group, const char *user) MUST_CHECK;
int store_member_remove(struct store *store, const char *group, const char *user) MUST_CHECK;
/* store_groups_of - the groups that @user is in. */
int store_groups_of(struct store *store, const char *user, struct store_group **out,
		    size_t *count) MUST_CHECK;
/*
 * What a name or a relative id stands for, a user or a group, without what only a login may know.
 * The built-in groups have ids of their own (@builtin), apart from those of the file server.
 */
struct store_account {
	char *name; /* free() */
	uint32_t rid;
	bool is_group, builtin;
};
/* store_account_named, store_account_numbered - -ENOENT where there is none. */
int store_account_named(struct store *store, const char *name,
			struct store_account *out) MUST_CHECK;
int store_account_numbered(struct store *store, uint32_t rid, bool builtin,
			   struct store_account *out) MUST_CHECK;
/* store_members_of - names of the users in @group; the caller frees each and the array. */
int store_members_of(struct store *store, const char *group, char ***out, size_t *count) MUST_CHECK;

/*
 * The registry: keys by their path ("SOFTWARE\\Vendor", without case; "" is the root), values by
 * name. -ENOENT where a key or value is not there, -EEXIST for a key that is there or, in removing,
 * has keys of its own, -ENOSPC over the limits.
 */
#define STORE_REGISTRY_KEYS_MAX	  4096
#define STORE_REGISTRY_VALUES_MAX 16384
struct store_registry_value {
	char *name;
	uint32_t type;
	uint8_t *data;
	size_t length;
};
struct store_registry_info {
	uint32_t subkeys, longest_subkey, values, longest_name, longest_data; /* bytes */
};
void store_registry_value_free(struct store_registry_value *value);
/* store_registry_find - is it there? @changed: NT time. */
int store_registry_find(struct store *store, const char *path, int64_t *changed) MUST_CHECK;
/* store_registry_create - one level; its parent must be there. */
int store_registry_create(struct store *store, const char *path) MUST_CHECK;
int store_registry_remove(struct store *store, const char *path) MUST_CHECK;
int store_registry_child(struct store *store, const char *path, uint32_t index, char **name,
			 int64_t *changed) MUST_CHECK;
int store_registry_info(struct store *store, const char *path,
			struct store_registry_info *out) MUST_CHECK;
int store_registry_set(struct store *store, const char *path,
		       const struct store_registry_value *value) MUST_CHECK;
int store_registry_get(struct store *store, const char *path, const char *name,
		       struct store_registry_value *out) MUST_CHECK;
int store_registry_value_at(struct store *store, const char *path, uint32_t index,
			    struct store_registry_value *out) MUST_CHECK;
int store_registry_unset(struct store *store, const char *path, const char *name) MUST_CHECK;

/* store_server_name - what the file server was called when it was made; a new string, NULL where it
 * cannot be read. */
char *store_server_name(struct store *store);
/* store_domain_sid - S-1-5-21-x-y-z of this file server's accounts, drawn when it was created. */
int store_domain_sid(struct store *store, struct sid *out) MUST_CHECK;
/* store_server_guid - the ServerGuid that clients see; the same on every node. */
int store_server_guid(struct store *store, struct guid *out) MUST_CHECK;

#endif
