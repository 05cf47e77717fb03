// SPDX-License-Identifier: Apache-2.0
/*
 * Shares as objects. A table's reference counts the share alone; every other reference counts its
 * server as well, so that whoever holds a share holds its server, its store and its volume, and a
 * server with its own table is not held by itself.
 *
 * Name, path and type never change. What a reload changes is guarded by the server's lock (remark,
 * limit, descriptor) or atomic (flags, caching).
 */
#include "scopes.h"

#include <auth/access.h>
#include <base/log.h>
#include <base/utf16.h>
#include <wire/smb2.h>

static struct share *share_alloc(struct server *server, const char *name, const char *path,
				 const char *remark)
{
	struct share *share = xalloc(1, sizeof(*share));

	share->server = server;
	share->name = xstrdup(name);
	share->path = xstrdup(path);
	share->remark = xstrdup(remark);
	share->type = SMB2_SHARE_TYPE_DISK;
	share->max_uses = UINT32_MAX;
	share->refs = 1;
	return share;
}

static struct security_descriptor *decode_sd(const struct share *share,
					     const struct store_share *from)
{
	struct security_descriptor *sd = NULL;
	ntstatus status;

	if (!from->sd)
		return NULL;
	status = sd_decode(cur_of(from->sd, from->sd_length), &sd);
	if (status == STATUS_SUCCESS)
		return sd;
	/* What cannot be read must not open the share to everyone: nobody is let in. */
	log_error("share descriptor unreadable server=%s share=%s status=%s", share->server->name,
		  LOG_TEXT(share->name), ntstatus_name(status));
	sd = xalloc(1, sizeof(*sd) + sizeof(struct acl));
	sd->control = SD_DACL_PRESENT | SD_SELF_RELATIVE;
	sd->dacl = (struct acl *)(sd + 1);
	sd->dacl->revision = 2;
	return sd;
}

struct share *share_new(struct server *server, const struct store_share *from)
{
	struct share *share = share_alloc(server, from->name, from->path, from->remark);

	share->flags = from->flags;
	share->caching = from->caching;
	share->max_uses = from->max_uses;
	share->sd = decode_sd(share, from);
	hide_names_set(share, from->hide_names);
	return share;
}

struct share *share_new_special(struct server *server, const char *name, const char *path,
				const char *remark, bool is_admin)
{
	struct share *share = share_alloc(server, name, path, remark);

	share->is_admin = is_admin;
	share->is_ipc = !is_admin;
	if (share->is_ipc)
		share->type = SMB2_SHARE_TYPE_PIPE;
	share->flags = STORE_SHARE_HIDDEN;
	return share;
}

void share_update(struct share *share, const struct store_share *from)
{
	free(share->remark);
	share->remark = xstrdup(from->remark);
	share->flags = from->flags;
	share->caching = from->caching;
	share->max_uses = from->max_uses;
	free(share->sd);
	share->sd = decode_sd(share, from);
	hide_names_set(share, from->hide_names);
}

bool share_root(struct share *share)
{
	ntstatus status;

	if (share->root)
		return true;
	status = volume_directory(share->server->volume, share->path, &share->root);
	if (status == STATUS_SUCCESS)
		return true;
	share->root = NULL;
	log_error("share not made server=%s share=%s path=%s status=%s", share->server->name,
		  LOG_TEXT(share->name), LOG_TEXT(share->path), ntstatus_name(status));
	return false;
}

static void share_free(struct share *share)
{
	if (share->root)
		volume_node_put(share->root);
	free(share->name);
	free(share->path);
	free(share->remark);
	free(share->sd);
	hide_names_free(share);
	free(share);
}

struct share *share_get(struct share *share)
{
	server_get(share->server);
	__atomic_add_fetch(&share->refs, 1, __ATOMIC_RELAXED);
	return share;
}

void share_drop(struct share *share)
{
	if (__atomic_sub_fetch(&share->refs, 1, __ATOMIC_ACQ_REL) == 0)
		share_free(share);
}

void share_put(struct share *share)
{
	struct server *server;

	if (!share)
		return;
	server = share->server;
	share_drop(share);
	server_put(server);
}

void share_put_ptr(struct share **share)
{
	share_put(*share);
}

#define WRITING_RIGHTS                                                                             \
	(FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_EA | FILE_DELETE_CHILD |                  \
	 FILE_WRITE_ATTRIBUTES | DELETE_ACCESS | WRITE_DAC | WRITE_OWNER)

/* What the share leaves @token at most; 0: nothing. Under the server's lock. */
static uint32_t allowed(struct share *share, const struct token *token, const char **why)
{
	struct server_private *own = share->server->private_part;
	uint32_t access = FILE_ALL_ACCESS;

	*why = "";
	if (share->is_admin) {
		if (token->is_admin && token_is_somebody(token))
			return access;
		*why = "not an administrator of the file server";
		return 0;
	}
	if (token->is_anonymous && !share->is_ipc &&
	    !scope_list_holds(own->anonymous_shares, share->name)) {
		*why = "anonymous is not let in here";
		return 0;
	}
	if (token->is_guest && !share->is_ipc &&
	    !scope_list_holds(own->guest_shares, share->name)) {
		*why = "guests are not let in here";
		return 0;
	}
	if (share->sd)
		access = access_maximal(share->sd, token);
	if (!access)
		*why = "the share's permissions";
	if (share->flags & STORE_SHARE_READ_ONLY)
		access &= ~WRITING_RIGHTS;
	return access;
}

/* An account counts where it was vouched for: at the server that was dialled, and for an
 * administrative share at the share's own. */
static bool is_known_to(const struct share *share, struct server *dialled,
			const struct token *token)
{
	return scope_vouches(dialled, token) &&
	       (!share->is_admin || scope_vouches(share->server, token));
}

uint32_t share_access(struct share *share, struct server *dialled, const struct token *token)
{
	struct server_private *own = share->server->private_part;
	uint32_t access = 0;
	const char *why;

	if (!is_known_to(share, dialled, token))
		return 0;
	pthread_mutex_lock(&own->lock);
	if (!share->removed)
		access = allowed(share, token, &why);
	pthread_mutex_unlock(&own->lock);
	return access;
}

ntstatus share_connect(struct share *share, struct server *dialled, const struct token *token,
		       uint32_t *maximal_access)
{
	struct server_private *own = share->server->private_part;
	ntstatus status = STATUS_SUCCESS;
	const char *why = "";
	uint32_t access = 0;

	*maximal_access = 0;
	if (!is_known_to(share, dialled, token)) {
		why = "the account belongs to another file server";
		status = STATUS_ACCESS_DENIED;
	}
	pthread_mutex_lock(&own->lock);
	if (status == STATUS_SUCCESS) {
		access = allowed(share, token, &why);
		if (share->removed)
			status = STATUS_BAD_NETWORK_NAME;
		else if (!access)
			status = STATUS_ACCESS_DENIED;
		else if (share->uses >= share->max_uses)
			status = STATUS_REQUEST_NOT_ACCEPTED;
		else
			share->uses++;
	}
	pthread_mutex_unlock(&own->lock);
	if (status != STATUS_SUCCESS) {
		log_info("tree-connect refused user=%s\\%s share=%s scope=%s status=%s why=\"%s\"",
			 LOG_TEXT(token->domain_name), LOG_TEXT(token->user_name),
			 LOG_TEXT(share->name), dialled->name, ntstatus_name(status), why);
		return status;
	}
	*maximal_access = access;
	return STATUS_SUCCESS;
}

void share_disconnect(struct share *share)
{
	struct server_private *own = share->server->private_part;

	pthread_mutex_lock(&own->lock);
	BUG_ON(!share->uses);
	share->uses--;
	pthread_mutex_unlock(&own->lock);
}
