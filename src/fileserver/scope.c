// SPDX-License-Identifier: Apache-2.0
/*
 * Which shares a name shows, and whose accounts count under it. The rules, in the order in which a
 * share is looked for under the name of server Y:
 *
 *   1. Y's own shares; of its administrative ones, those its visibility leaves it;
 *   2. where Y has visibility node, it is an alias of its node: the node's shares with ADMIN$ and
 * the drive share, then those of every other server that is online here;
 *   3. where Y is the node, the shares of every server here that has visibility node.
 *
 * Nothing else: a share of X is not shown under Y. The oracle table in the tests holds the answers.
 */
#include "scopes.h"

#include <base/log.h>
#include <base/utf16.h>

static const char *const visibility_names[] = {
	[VISIBILITY_NODE] = "node",
	[VISIBILITY_SCOPED] = "scoped",
	[VISIBILITY_SERVER] = "server",
};

const char *visibility_name(enum visibility v)
{
	return (size_t)v < ARRAY_LEN(visibility_names) ? visibility_names[v] : "unknown";
}

bool visibility_parse(const char *text, enum visibility *out)
{
	for (size_t i = 0; i < ARRAY_LEN(visibility_names); i++) {
		if (!strcmp(text, visibility_names[i])) {
			*out = (enum visibility)i;
			return true;
		}
	}
	return false;
}

struct server *scope_server(const char *dialled, const struct sockaddr *local)
{
	struct server *server = dialled && dialled[0] ? registry_find(dialled) : NULL;

	return server ? server : registry_by_address(local);
}

uint64_t scope_principal(const struct server *server)
{
	cleanup(server_put_ptr) struct server *node = NULL;

	if (server->is_node || server->visibility != VISIBILITY_NODE)
		return server->id;
	node = registry_node();
	return node ? node->id : server->id;
}

bool scope_vouches(const struct server *server, const struct token *token)
{
	cleanup(server_put_ptr) struct server *authority = NULL;

	if (token->authority == server->id)
		return true;
	authority = registry_by_id(token->authority);
	return authority && scope_principal(authority) == scope_principal(server);
}

bool scope_list_holds(const char *list, const char *name)
{
	auto_free char *copy = list ? xstrdup(list) : NULL;
	char *rest = copy, *word;

	while (rest && (word = strsep(&rest, ",")) != NULL) {
		if (!strcmp(word, "*") || (word[0] && !name_compare(word, name)))
			return true;
	}
	return false;
}

/* Does the scope of @shown show @share, which belongs to @owner? */
static bool shows(const struct server *shown, const struct server *owner, const struct share *share)
{
	if (shown == owner) {
		if (share->is_ipc || !share->is_admin || owner->is_node)
			return true;
		/* ADMIN$ of its own only where it is a server of its own; the drive share always.
		 */
		return owner->visibility == VISIBILITY_SERVER ||
		       name_compare(share->name, ADMIN_SHARE) != 0;
	}
	if (share->is_ipc)
		return false;
	if (!shown->is_node && shown->visibility == VISIBILITY_NODE)
		return owner->is_node || !share->is_admin;
	if (shown->is_node && owner->visibility == VISIBILITY_NODE)
		return name_compare(share->name, ADMIN_SHARE) != 0;
	return false;
}

/* Every server online here as @shown looks through them: itself, the node, the others by name. */
struct line_up {
	struct server **servers;
	size_t count;
};

static void line_up_end(struct line_up *l)
{
	for (size_t i = 0; i < l->count; i++)
		server_put(l->servers[i]);
	free(l->servers);
}

static int rank(const struct server *server, const struct server *shown)
{
	return server == shown ? 0 : server->is_node ? 1 : 2;
}

static void line_up_begin(struct line_up *l, struct server *shown)
{
	bool has_itself = false;

	l->count = registry_servers(&l->servers);
	for (size_t i = 0; i < l->count; i++)
		has_itself |= l->servers[i] == shown;
	if (!has_itself) { /* it has left meanwhile: it answers for itself alone */
		line_up_end(l);
		l->servers = xalloc(1, sizeof(struct server *));
		l->servers[0] = server_get(shown);
		l->count = 1;
	}
	for (size_t i = 1; i < l->count; i++) {
		struct server *this_one = l->servers[i];
		size_t at = i;

		for (; at > 0; at--) {
			struct server *before = l->servers[at - 1];
			int order = rank(this_one, shown) - rank(before, shown);

			if (order > 0 ||
			    (!order && name_compare(this_one->name, before->name) >= 0))
				break;
			l->servers[at] = before;
		}
		l->servers[at] = this_one;
	}
}

/* The share called @name of @owner, counted, whether it is shown or not; NULL where there is none.
 */
static struct share *share_of(struct server *owner, const char *name)
{
	struct server_private *own = owner->private_part;
	struct share *found = NULL;

	pthread_mutex_lock(&own->lock);
	for (size_t i = 0; i < own->share_count && !found; i++) {
		if (!name_compare(own->shares[i]->name, name))
			found = share_get(own->shares[i]);
	}
	pthread_mutex_unlock(&own->lock);
	return found;
}

static bool has_directory(struct share *share)
{
	struct server_private *own = share->server->private_part;
	bool there;

	pthread_mutex_lock(&own->lock);
	there = share->is_ipc || share_root(share);
	pthread_mutex_unlock(&own->lock);
	return there;
}

ntstatus scope_share(struct server *server, const char *name, struct share **out, const char **why)
{
	cleanup(line_up_end) struct line_up all = { 0 };
	const char *reason = "no share of that name";

	*out = NULL;
	line_up_begin(&all, server);
	for (size_t i = 0; i < all.count; i++) {
		cleanup(share_put_ptr) struct share *share = share_of(all.servers[i], name);

		if (!share)
			continue;
		if (!shows(server, all.servers[i], share)) {
			reason = server == all.servers[i]
					 ? "the visibility of this name leaves it no such "
					   "administrative share"
					 : "a share of that name exists under another name of this "
					   "node";
			continue;
		}
		if (!has_directory(share)) {
			reason = "the directory of the share is missing on the volume";
			break;
		}
		*out = share;
		share = NULL;
		return STATUS_SUCCESS;
	}
	if (why)
		*why = reason;
	return STATUS_BAD_NETWORK_NAME;
}

size_t scope_list(struct server *server, struct share ***out)
{
	cleanup(line_up_end) struct line_up all = { 0 };
	size_t count = 0;

	*out = NULL;
	line_up_begin(&all, server);
	for (size_t i = 0; i < all.count; i++) {
		struct server_private *own = all.servers[i]->private_part;

		pthread_mutex_lock(&own->lock);
		*out = reallocarray(*out, count + own->share_count + 1, sizeof(struct share *));
		BUG_ON(!*out);
		for (size_t s = 0; s < own->share_count; s++) {
			struct share *share = own->shares[s];
			bool taken = !shows(server, all.servers[i], share);

			/* One name, one share: the one that scope_share finds. */
			for (size_t k = 0; k < count && !taken && i > 0; k++)
				taken = !name_compare((*out)[k]->name, share->name);
			if (!taken)
				(*out)[count++] = share_get(share);
		}
		pthread_mutex_unlock(&own->lock);
	}
	return count;
}
