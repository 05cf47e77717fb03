// SPDX-License-Identifier: Apache-2.0
/* Users and groups through the management interface. Of a password only its NT hash goes further.
 */
#include "manage_parts.h"

#include <base/log.h>
#include <base/utf16.h>
#include <crypto/crypto.h>

#include <errno.h>
#include <stdio.h>

#define ACCOUNT_NAME_MAX 20  /* characters of a user's name, as Windows has it */
#define PASSWORD_MAX	 256 /* characters */

static bool name_ok(const char *name, size_t most)
{
	size_t length = strlen(name);

	if (!length || utf16_length(name) > most * 2 || name[length - 1] == '.')
		return false;
	for (const char *at = name; *at; at++) {
		if ((unsigned char)*at < 0x20 || strchr("\"/\\[]:;|=,+*?<>@", *at))
			return false;
	}
	return true;
}

static ntstatus hash_password(const char *password, uint8_t hash[16], struct manage_error *error)
{
	struct buf text = { 0 };
	bool done;

	if (!password[0] || utf16_length(password) > (size_t)PASSWORD_MAX * 2)
		return manage_fail(error, STATUS_INVALID_PARAMETER,
				   "a password has 1 to %d characters", PASSWORD_MAX);
	utf16_encode(&text, password);
	done = !text.failed && hash_md4(text.data, text.len, hash);
	secret_wipe(text.data, text.len);
	buf_free(&text);
	return done ? STATUS_SUCCESS
		    : manage_fail(error, STATUS_INTERNAL_ERROR, "the password cannot be hashed");
}

ntstatus manage_user_add(struct server *server, const struct token *who, const char *name,
			 const char *full_name, const char *password, struct manage_error *error)
{
	auto_free char *name_copy = xstrdup(name);
	auto_free char *full_copy = xstrdup(full_name ? full_name : "");
	struct store_user user = { .name = name_copy, .full_name = full_copy };
	ntstatus status = manage_begin(server, who, "add a user", error);
	int code;

	if (status != STATUS_SUCCESS)
		return status;
	if (!name_ok(name, ACCOUNT_NAME_MAX))
		return manage_fail(error, STATUS_INVALID_PARAMETER,
				   "\"%s\" is no name for a user: 1 to %d characters without "
				   "\" / \\ [ ] : ; | = , + * ? < > @",
				   name, ACCOUNT_NAME_MAX);
	status = hash_password(password, user.nt_hash, error);
	if (status != STATUS_SUCCESS)
		return status;
	code = store_user_add(server->store, &user);
	secret_wipe(user.nt_hash, sizeof(user.nt_hash));
	if (code)
		return manage_fail_store(error, code, server);
	log_info("user added server=%s user=%s rid=%u", server->name, LOG_TEXT(name), user.rid);
	return STATUS_SUCCESS;
}

ntstatus manage_user_remove(struct server *server, const struct token *who, const char *name,
			    struct manage_error *error)
{
	ntstatus status = manage_begin(server, who, "remove a user", error);
	int code;

	if (status != STATUS_SUCCESS)
		return status;
	code = store_user_remove(server->store, name);
	if (code)
		return manage_fail_store(error, code, server);
	log_info("user removed server=%s user=%s", server->name, LOG_TEXT(name));
	return STATUS_SUCCESS;
}

/* Reads the user, has @change done to it, writes it. */
static ntstatus change_user(struct server *server, const struct token *who, const char *name,
			    const char *what, const uint8_t *hash, const bool *enable,
			    struct manage_error *error)
{
	struct store_user user;
	ntstatus status = manage_begin(server, who, what, error);
	int code;

	if (status != STATUS_SUCCESS)
		return status;
	code = store_user_find(server->store, name, &user);
	if (code)
		return manage_fail_store(error, code, server);
	if (hash) {
		memcpy(user.nt_hash, hash, sizeof(user.nt_hash));
		user.flags &= ~STORE_USER_PASSWORD_EXPIRED;
	}
	if (enable)
		user.flags = *enable ? user.flags & ~STORE_USER_DISABLED
				     : user.flags | STORE_USER_DISABLED;
	code = store_user_update(server->store, &user);
	store_user_free(&user);
	if (code)
		return manage_fail_store(error, code, server);
	log_info("user changed server=%s user=%s what=\"%s\"", server->name, LOG_TEXT(name), what);
	return STATUS_SUCCESS;
}

ntstatus manage_user_password(struct server *server, const struct token *who, const char *name,
			      const char *password, struct manage_error *error)
{
	uint8_t hash[16];
	ntstatus status = hash_password(password, hash, error);

	if (status == STATUS_SUCCESS)
		status = change_user(server, who, name, "set a password", hash, NULL, error);
	secret_wipe(hash, sizeof(hash));
	return status;
}

ntstatus manage_user_enable(struct server *server, const struct token *who, const char *name,
			    bool enabled, struct manage_error *error)
{
	return change_user(server, who, name, enabled ? "enable a user" : "disable a user", NULL,
			   &enabled, error);
}

ntstatus manage_group_add(struct server *server, const struct token *who, const char *name,
			  struct manage_error *error)
{
	auto_free char *name_copy = xstrdup(name);
	auto_free char *remark = xstrdup("");
	struct store_group group = { .name = name_copy, .remark = remark };
	ntstatus status = manage_begin(server, who, "add a group", error);
	int code;

	if (status != STATUS_SUCCESS)
		return status;
	if (!name_ok(name, 256))
		return manage_fail(error, STATUS_INVALID_PARAMETER, "\"%s\" is no name for a group",
				   name);
	code = store_group_add(server->store, &group);
	return code ? manage_fail_store(error, code, server) : STATUS_SUCCESS;
}

ntstatus manage_group_remove(struct server *server, const struct token *who, const char *name,
			     struct manage_error *error)
{
	ntstatus status = manage_begin(server, who, "remove a group", error);
	int code;

	if (status != STATUS_SUCCESS)
		return status;
	code = store_group_remove(server->store, name);
	return code ? manage_fail_store(error, code, server) : STATUS_SUCCESS;
}

ntstatus manage_member(struct server *server, const struct token *who, const char *group,
		       const char *user, bool add, struct manage_error *error)
{
	ntstatus status =
		manage_begin(server, who, add ? "add a member" : "remove a member", error);
	int code;

	if (status != STATUS_SUCCESS)
		return status;
	code = add ? store_member_add(server->store, group, user)
		   : store_member_remove(server->store, group, user);
	if (code)
		return manage_fail_store(error, code, server);
	log_info("member %s server=%s group=%s user=%s", add ? "added" : "removed", server->name,
		 LOG_TEXT(group), LOG_TEXT(user));
	return STATUS_SUCCESS;
}
