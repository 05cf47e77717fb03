// SPDX-License-Identifier: Apache-2.0
/* Shares through the management interface: listing, adding, changing, removing. */
#include "manage_parts.h"

#include <base/log.h>
#include <base/utf16.h>

#include <errno.h>
#include <stdio.h>

#define SHARE_NAME_MAX 80 /* UTF-16 units, MS-SRVS 2.2.4.22 */

void manage_shares_free(struct manage_share *shares, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(shares[i].name);
		free(shares[i].remark);
		free(shares[i].path);
		free(shares[i].scope);
		free(shares[i].sd);
		free(shares[i].hide_names);
	}
	free(shares);
}

/* "S:\packages\x" of "packages/x": as a client of RPC sees a path of the volume. */
static char *dos_path(const struct share *share)
{
	char *path = xasprintf("%c:\\%s", share->server->drive_letter, share->path);

	for (char *at = path; *at; at++) {
		if (*at == '/')
			*at = '\\';
	}
	return path;
}

static void fill(const struct share *share, struct manage_share *out)
{
	struct server_private *own = share->server->private_part;
	struct server *server = share->server;

	*out = (struct manage_share){
		.name = xstrdup(share->name),
		.path = share->is_ipc ? xstrdup("") : dos_path(share),
		.scope = xstrdup(server->is_node ? "*" : server->name),
		.type = share->is_ipc ? STYPE_IPC : STYPE_DISKTREE,
	};
	if (share->is_ipc || share->is_admin)
		out->type |= STYPE_SPECIAL;
	else if (share->flags & STORE_SHARE_HIDDEN)
		out->type |= STYPE_SPECIAL;
	pthread_mutex_lock(&own->lock);
	out->remark = xstrdup(share->remark);
	out->flags = share->flags;
	out->max_uses = share->max_uses;
	out->uses = share->uses;
	out->caching = share->caching;
	out->hide_names = xstrdup(hide_names_text(share));
	if (share->sd) {
		auto_buf struct buf sd = { 0 };

		sd_encode(&sd, share->sd,
			  OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION |
				  DACL_SECURITY_INFORMATION);
		if (!sd.failed) {
			out->sd = sd.data;
			out->sd_length = sd.len;
			sd = (struct buf){ 0 };
		}
	}
	pthread_mutex_unlock(&own->lock);
}

static void append(struct share **shares, size_t found, struct manage_share **out, size_t *count)
{
	*out = reallocarray(*out, *count + found + 1, sizeof(**out));
	BUG_ON(!*out);
	for (size_t i = 0; i < found; i++) {
		fill(shares[i], &(*out)[(*count)++]);
		share_put(shares[i]);
	}
	free(shares);
}

/* The shares of @server itself, whatever others its name shows. */
static size_t own_shares(struct server *server, struct share ***out)
{
	struct server_private *own = server->private_part;
	size_t count;

	pthread_mutex_lock(&own->lock);
	count = own->share_count;
	*out = xalloc(count, sizeof(struct share *));
	for (size_t i = 0; i < count; i++)
		(*out)[i] = share_get(own->shares[i]);
	pthread_mutex_unlock(&own->lock);
	return count;
}

ntstatus manage_shares(struct server *server, const struct token *who, bool all_scopes,
		       struct manage_share **out, size_t *count)
{
	struct server **servers;
	struct share **shares;
	size_t found;

	*out = NULL;
	*count = 0;
	if (!all_scopes) {
		found = scope_list(server, &shares);
		append(shares, found, out, count);
		return STATUS_SUCCESS;
	}
	if (!manage_is_administrator(server, who))
		return STATUS_ACCESS_DENIED;
	found = registry_servers(&servers);
	for (size_t i = 0; i < found; i++) {
		size_t own = own_shares(servers[i], &shares);

		append(shares, own, out, count);
		server_put(servers[i]);
	}
	free(servers);
	return STATUS_SUCCESS;
}

static bool name_ok(const char *name)
{
	if (!name[0] || utf16_length(name) > (size_t)SHARE_NAME_MAX * 2)
		return false;
	for (const char *at = name; *at; at++) {
		if ((unsigned char)*at < 0x20 || strchr("\"\\/[]:|<>+=;,*?", *at))
			return false;
	}
	return true;
}

/* Beneath the volume, with no empty, dotted or reserved component; "" is the volume's root. */
static bool path_ok(const char *path)
{
	auto_free char *copy = xstrdup(path);
	char *rest = copy, *component;

	if (strlen(path) > 4000)
		return false;
	if (!path[0])
		return true;
	while ((component = strsep(&rest, "/")) != NULL) {
		if (!volume_name_valid(component))
			return false;
	}
	return true;
}

static bool is_reserved(const struct server *server, const char *name)
{
	char drive[3] = { server->drive_letter, '$', 0 };

	return !name_compare(name, ADMIN_SHARE) || !name_compare(name, IPC_SHARE) ||
	       !name_compare(name, drive) || !name_compare(name, "global");
}

static ntstatus check_share(struct server *server, const struct store_share *share,
			    struct manage_error *error)
{
	struct security_descriptor *sd = NULL;

	if (!name_ok(share->name))
		return manage_fail(error, STATUS_INVALID_PARAMETER,
				   "\"%s\" is no name for a share: 1 to %d characters without "
				   "\\ / : * ? \" < > | [ ] + = ; ,",
				   share->name, SHARE_NAME_MAX);
	if (is_reserved(server, share->name))
		return manage_fail(error, STATUS_INVALID_PARAMETER,
				   "the name \"%s\" is kept for a share that %s makes itself",
				   share->name, server->name);
	if (!path_ok(share->path))
		return manage_fail(
			error, STATUS_OBJECT_PATH_SYNTAX_BAD,
			"\"%s\" is no path for a share: give it from the root of the volume, "
			"such as packages/stable",
			share->path);
	if (share->sd && sd_decode(cur_of(share->sd, share->sd_length), &sd) != STATUS_SUCCESS)
		return manage_fail(error, STATUS_INVALID_SECURITY_DESCR,
				   "the permissions of the share \"%s\" cannot be understood",
				   share->name);
	free(sd);
	if (share->hide_names && !hide_names_valid(share->hide_names))
		return manage_fail(error, STATUS_INVALID_PARAMETER,
				   "the names to hide on \"%s\" cannot be used: give up to %u "
				   "patterns, together %u bytes, with / between them, such as "
				   ".*/Thumbs.db",
				   share->name, HIDE_PATTERNS_MAX, HIDE_TEXT_MAX);
	if (share->flags & STORE_SHARE_CONTINUOUSLY_AVAILABLE)
		return manage_fail(
			error, STATUS_NOT_SUPPORTED,
			"the share \"%s\" cannot be continuously available: this version "
			"keeps no handles over a failover",
			share->name);
	return STATUS_SUCCESS;
}

/* The share's directory, made where that is asked for. */
static ntstatus check_directory(struct server *server, const struct store_share *share, bool make,
				struct manage_error *error)
{
	struct volume_node *node = NULL;
	ntstatus status = make ? volume_directory_make(server->volume, share->path, &node)
			       : volume_directory(server->volume, share->path, &node);

	if (status != STATUS_SUCCESS)
		return manage_fail(error, status,
				   "the directory \"%s\" of the share \"%s\" cannot be used on the "
				   "volume of %s: %s",
				   share->path, share->name, server->name, ntstatus_text(status));
	volume_node_put(node);
	return STATUS_SUCCESS;
}

static size_t count_shares(struct server *server)
{
	struct server_private *own = server->private_part;
	size_t count;

	pthread_mutex_lock(&own->lock);
	count = own->share_count;
	pthread_mutex_unlock(&own->lock);
	return count;
}

static ntstatus put_share(struct server *server, const struct token *who,
			  const struct store_share *share, bool is_new, bool make,
			  struct manage_error *error)
{
	ntstatus status =
		manage_begin(server, who, is_new ? "add a share" : "change a share", error);
	int code;

	if (status == STATUS_SUCCESS)
		status = check_share(server, share, error);
	if (status == STATUS_SUCCESS && is_new && count_shares(server) >= SERVER_MAX_SHARES)
		status = manage_fail(error, STATUS_INSUFFICIENT_RESOURCES,
				     "%s has %d shares already", server->name, SERVER_MAX_SHARES);
	if (status == STATUS_SUCCESS)
		status = check_directory(server, share, make, error);
	if (status != STATUS_SUCCESS)
		return status;
	code = is_new ? store_share_add(server->store, share)
		      : store_share_update(server->store, share);
	if (code)
		return manage_fail_store(error, code, server);
	log_info("share %s server=%s share=%s path=%s", is_new ? "added" : "changed", server->name,
		 LOG_TEXT(share->name), LOG_TEXT(share->path));
	return manage_changed(server, error);
}

ntstatus manage_share_add(struct server *server, const struct token *who,
			  const struct store_share *share, bool make_directory,
			  struct manage_error *error)
{
	return put_share(server, who, share, true, make_directory, error);
}

ntstatus manage_share_set(struct server *server, const struct token *who,
			  const struct store_share *share, struct manage_error *error)
{
	return put_share(server, who, share, false, false, error);
}

ntstatus manage_share_remove(struct server *server, const struct token *who, const char *name,
			     struct manage_error *error)
{
	ntstatus status = manage_begin(server, who, "remove a share", error);
	struct share **shares;
	size_t count;
	int code;

	if (status != STATUS_SUCCESS)
		return status;
	if (is_reserved(server, name))
		return manage_fail(error, STATUS_NOT_SUPPORTED,
				   "\"%s\" of %s cannot be removed: it belongs to every server",
				   name, server->name);
	count = own_shares(server, &shares);
	code = store_share_remove(server->store, name);
	status = code ? manage_fail_store(error, code, server) : manage_changed(server, error);
	for (size_t i = 0; i < count; i++) {
		if (!code && shares[i]->removed)
			open_close_share(shares[i]);
		share_put(shares[i]);
	}
	free(shares);
	if (!code)
		log_info("share removed server=%s share=%s", server->name, LOG_TEXT(name));
	return status;
}
