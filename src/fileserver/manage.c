// SPDX-License-Identifier: Apache-2.0
/*
 * The management interface as a whole: who may, what a server says of itself, settings, sessions
 * and open files. Shares and accounts have files of their own.
 */
#include "manage_parts.h"

#include <base/log.h>
#include <base/utf16.h>

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define SV_TYPE_WORKSTATION 0x00000001u
#define SV_TYPE_SERVER	    0x00000002u
#define SV_TYPE_NT	    0x00001000u
#define SV_TYPE_SERVER_NT   0x00008000u
#define SV_TYPE_CLUSTER_NT  0x01000000u
#define SV_TYPE_CLUSTER_VS  0x04000000u
#define VERSION_MAJOR	    10u
#define VERSION_MINOR	    0u

static void (*on_change)(struct server *server);

void manage_on_change(void (*changed)(struct server *server))
{
	on_change = changed;
}

ntstatus manage_fail(struct manage_error *error, ntstatus status, const char *format, ...)
{
	va_list args;

	if (!error)
		return status;
	error->status = status;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return status;
}

ntstatus manage_fail_store(struct manage_error *error, int code, struct server *server)
{
	ntstatus status = code == -EEXIST   ? STATUS_OBJECT_NAME_COLLISION
			  : code == -ENOENT ? STATUS_OBJECT_NAME_NOT_FOUND
					    : ntstatus_of_errno(code);

	return manage_fail(error, status, "%s: %s", server->name, store_problem());
}

bool manage_is_administrator(const struct server *server, const struct token *who)
{
	if (!who)
		return true;
	return who->is_admin && token_is_somebody(who) && scope_vouches(server, who);
}

ntstatus manage_begin(struct server *server, const struct token *who, const char *what,
		      struct manage_error *error)
{
	if (!manage_is_administrator(server, who)) {
		log_info("management refused user=%s\\%s server=%s what=%s",
			 LOG_TEXT(who->domain_name), LOG_TEXT(who->user_name), server->name, what);
		return manage_fail(error, STATUS_ACCESS_DENIED,
				   "cannot %s on %s: %s\\%s is not one of its Administrators", what,
				   server->name, who->domain_name, who->user_name);
	}
	if (!server->online)
		return manage_fail(error, STATUS_NETWORK_NAME_DELETED,
				   "cannot %s on %s: it is leaving this node; try again", what,
				   server->name);
	return STATUS_SUCCESS;
}

ntstatus manage_changed(struct server *server, struct manage_error *error)
{
	auto_free char *why = NULL;
	int code = server_reload(server, &why);

	if (code)
		return manage_fail(error, ntstatus_of_errno(code),
				   "%s: the change is stored but cannot be seen yet: %s",
				   server->name, why ? why : strerror(-code));
	if (on_change)
		on_change(server);
	return STATUS_SUCCESS;
}

void manage_server_info(struct server *server, struct manage_server_info *out)
{
	struct server_private *own = server->private_part;

	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "%s", server->name);
	pthread_mutex_lock(&own->lock);
	if (own->comment)
		snprintf(out->comment, sizeof(out->comment), "%s", own->comment);
	pthread_mutex_unlock(&own->lock);
	out->type = SV_TYPE_WORKSTATION | SV_TYPE_SERVER | SV_TYPE_NT | SV_TYPE_SERVER_NT |
		    (server->is_node ? SV_TYPE_CLUSTER_NT : SV_TYPE_CLUSTER_VS);
	out->version_major = VERSION_MAJOR;
	out->version_minor = VERSION_MINOR;
}

/* ---- settings */

/* One of the words in setting->values, which has '|' between them. */
static bool fits_word(const struct manage_setting *setting, const char *value)
{
	const char *at = setting->values;
	size_t length = strlen(value);

	while (at) {
		if (length && !strncmp(at, value, length) && (at[length] == '|' || !at[length]))
			return true;
		at = strchr(at, '|');
		at = at ? at + 1 : NULL;
	}
	return false;
}

static bool fits_number(const struct manage_setting *setting, const char *value)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(value, &end, 10);
	return !errno && end != value && !*end && number >= setting->low && number <= setting->high;
}

static bool fits_letter(const struct manage_setting *setting, const char *value)
{
	return value[0] >= 'A' && value[0] <= 'Z' && !value[1];
}

static bool fits_text(const struct manage_setting *setting, const char *value)
{
	for (const char *at = value; *at; at++) {
		if (iscntrl((unsigned char)*at))
			return false;
	}
	return strlen(value) < 256;
}

/* Names of hosts, or addresses, with commas between them; may be empty. */
static bool fits_names(const struct manage_setting *setting, const char *value)
{
	return strlen(value) < 1024 &&
	       strspn(value,
		      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.,:/%") ==
		       strlen(value);
}

/* One word, or nothing. */
static bool fits_class(const struct manage_setting *setting, const char *value)
{
	return fits_names(setting, value) && !strpbrk(value, ", ");
}

/* "no", "*", or names of shares with commas between them. */
static bool fits_share_list(const struct manage_setting *setting, const char *value)
{
	return value[0] && fits_text(setting, value);
}

static const struct manage_setting settings[] = {
	{ "visibility", "node|scoped|server", "which shares its name shows", fits_word },
	{ "drive_letter", "A-Z", "letter of its drive share", fits_letter },
	{ "aliases", "NAME,...", "further names it answers to", fits_names },
	{ "fqdn", "NAME", "its name in DNS", fits_names },
	{ "addresses", "ADDRESS/PREFIX,...", "where it listens", fits_names, .next_online = true },
	{ "port", "1-65535", "TCP port it listens on", fits_number, 1, 65535, true },
	{ "comment", "TEXT", "what lists of servers say of it", fits_text },
	{ "signing", "required|enabled", "whether clients must sign", fits_word },
	{ "encryption", "off|desired|required", "whether clients must encrypt", fits_word },
	{ "guest", "no|*|SHARE,...", "shares that unknown users may use as guests",
	  fits_share_list },
	{ "anonymous", "no|*|SHARE,...", "shares that need no account", fits_share_list },
	{ "preferred_owners", "NODE,...", "nodes that should own it, best first", fits_names },
	{ "anti_affinity", "CLASS", "it keeps off the nodes of others of that class (pacemaker)",
	  fits_class },
	{ "failback", "no|yes", "whether it returns to a better node that comes back", fits_word },
	{ "failback_from", "-1-23", "first hour in which it may return; -1: any", fits_number, -1,
	  23 },
	{ "failback_to", "-1-23", "hour before which it may return; -1: any", fits_number, -1, 23 },
	{ "restart_threshold", "0-30", "restarts on one node before it goes to the next",
	  fits_number, 0, 30 },
	{ "restart_period_s", "1-86400", "seconds in which they are counted", fits_number, 1,
	  86400 },
	{ "retry_period_s", "0-604800", "seconds until a failed one is tried again; 0: never",
	  fits_number, 0, 604800 },
	{ "pending_timeout_s", "1-3600", "seconds it may take to go offline", fits_number, 1,
	  3600 },
};

const struct manage_setting *manage_settings(size_t *count)
{
	*count = ARRAY_LEN(settings);
	return settings;
}

ntstatus manage_setting_check(const char *server_name, const char *key, const char *value,
			      struct manage_error *error)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		if (strcmp(settings[i].key, key) != 0)
			continue;
		if (settings[i].fits(&settings[i], value))
			return STATUS_SUCCESS;
		if (settings[i].fits == fits_text)
			return manage_fail(error, STATUS_INVALID_PARAMETER,
					   "cannot set %s of %s: it may have 255 bytes, none of "
					   "them a control character",
					   key, server_name);
		return manage_fail(error, STATUS_INVALID_PARAMETER,
				   "cannot set %s of %s: \"%.80s\" is not one of %s", key,
				   server_name, value, settings[i].values);
	}
	return manage_fail(error, STATUS_INVALID_PARAMETER,
			   "%s has no setting \"%s\"; berth server set --help lists them",
			   server_name, key);
}

ntstatus manage_set(struct server *server, const struct token *who, const char *key,
		    const char *value, struct manage_error *error)
{
	const struct manage_value one = { key, value };

	return manage_set_all(server, who, &one, 1, error);
}

static ntstatus check_value(const struct server *server, const struct manage_value *value,
			    struct manage_error *error)
{
	if (server->is_node && !strcmp(value->key, "visibility"))
		return manage_fail(error, STATUS_NOT_SUPPORTED,
				   "%s is the node itself: it has no visibility to set",
				   server->name);
	return manage_setting_check(server->name, value->key, value->value, error);
}

ntstatus manage_set_all(struct server *server, const struct token *who,
			const struct manage_value *values, size_t count, struct manage_error *error)
{
	ntstatus status = manage_begin(server, who, "change a setting", error);
	int code = 0;

	for (size_t i = 0; i < count && status == STATUS_SUCCESS; i++)
		status = check_value(server, &values[i], error);
	if (status != STATUS_SUCCESS)
		return status;
	for (size_t i = 0; i < count && !code; i++)
		code = store_set_setting(server->store, values[i].key,
					 values[i].value[0] ? values[i].value : NULL);
	return code ? manage_fail_store(error, code, server) : manage_changed(server, error);
}

/* ---- sessions and open files */

ntstatus manage_sessions(struct server *server, const struct token *who, struct session_row **out,
			 size_t *count)
{
	ntstatus status = manage_begin(server, who, "list sessions", NULL);

	*out = NULL;
	*count = 0;
	if (status == STATUS_SUCCESS)
		*count = session_list(server, out);
	return status;
}

ntstatus manage_session_close(struct server *server, const struct token *who, uint64_t id,
			      struct manage_error *error)
{
	ntstatus status = manage_begin(server, who, "close a session", error);
	struct session_row *rows;
	size_t count;
	bool is_here = false;

	if (status != STATUS_SUCCESS)
		return status;
	count = session_list(server, &rows);
	for (size_t i = 0; i < count; i++)
		is_here |= rows[i].id == id;
	session_rows_free(rows, count);
	if (is_here && session_close(id))
		return STATUS_SUCCESS;
	return manage_fail(error, STATUS_OBJECT_NAME_NOT_FOUND,
			   "%s has no session %llu; berth session list %s shows those it has",
			   server->name, (unsigned long long)id, server->name);
}

ntstatus manage_files(struct server *server, const struct token *who, struct open_listing_row **out,
		      size_t *count)
{
	ntstatus status = manage_begin(server, who, "list open files", NULL);

	*out = NULL;
	*count = 0;
	if (status == STATUS_SUCCESS)
		*count = open_list(server, out);
	return status;
}

ntstatus manage_file_close(struct server *server, const struct token *who, uint64_t id,
			   struct manage_error *error)
{
	ntstatus status = manage_begin(server, who, "close an open file", error);
	struct open_listing_row *rows;
	size_t count;
	bool is_here = false;

	if (status != STATUS_SUCCESS)
		return status;
	count = open_list(server, &rows);
	for (size_t i = 0; i < count; i++) {
		is_here |= rows[i].id == id;
		free(rows[i].path);
		free(rows[i].user);
	}
	free(rows);
	if (is_here && open_force_close(id))
		return STATUS_SUCCESS;
	return manage_fail(error, STATUS_OBJECT_NAME_NOT_FOUND,
			   "%s has no open file %llu; berth file list %s shows those it has",
			   server->name, (unsigned long long)id, server->name);
}
