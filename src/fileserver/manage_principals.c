// SPDX-License-Identifier: Apache-2.0
/*
 * Who a SID is and which SID a name has, as the management interface tells it. The order is that of
 * MS-LSAT 2.2.16 for a machine in no domain: what is well known, then the accounts.
 */
#include "manage_parts.h"

#include <base/utf16.h>

#include <stdio.h>

bool manage_may_look_up(const struct server *server, const struct token *who)
{
	return !who || (token_is_somebody(who) && scope_vouches(server, who));
}

/* The server that is asked comes first, then those that share its node's accounts. */
struct manage_circle {
	size_t count;
	struct server *servers[]; /* counted */
};

void manage_circle_free(struct manage_circle *c)
{
	for (size_t i = 0; c && i < c->count; i++)
		server_put(c->servers[i]);
	free(c);
}

struct manage_circle *manage_circle_of(struct server *server, const struct token *who)
{
	struct server **online;
	uint64_t principal = scope_principal(server);
	struct manage_circle *c;
	size_t count;

	if (!manage_may_look_up(server, who))
		return NULL;
	count = registry_servers(&online);
	c = xalloc(1, sizeof(*c) + (count + 1) * sizeof(struct server *));
	c->servers[c->count++] = server_get(server);
	for (size_t i = 0; i < count; i++) {
		if (online[i] != server && scope_principal(online[i]) == principal)
			c->servers[c->count++] = online[i];
		else
			server_put(online[i]);
	}
	free(online);
	return c;
}

static void in_domain(struct manage_principal *out, const char *name, const struct sid *sid)
{
	out->has_domain = true;
	out->domain_sid = *sid;
	snprintf(out->domain, sizeof(out->domain), "%s", name);
}

static void say(struct manage_principal *out, enum sid_use use, const struct sid *sid,
		const char *name)
{
	out->use = use;
	out->sid = *sid;
	snprintf(out->name, sizeof(out->name), "%s", name);
}

static void say_well_known(struct manage_principal *out, const struct sid_name *known)
{
	struct sid domain = known->use == SID_USE_DOMAIN ? known->sid : sid_parent(&known->sid);

	in_domain(out, known->domain, &domain);
	say(out, known->use, &known->sid, known->name);
}

static void say_server(struct manage_principal *out, const struct server *server)
{
	in_domain(out, server->name, &server->domain_sid);
	say(out, SID_USE_DOMAIN, &server->domain_sid, server->name);
}

/* What each file server has without having it in its store. */
static const struct {
	uint32_t rid;
	const char *name;
	enum sid_use use;
} unstored[] = {
	{ RID_GUEST, "Guest", SID_USE_USER },
	{ RID_NONE_GROUP, "None", SID_USE_GROUP },
};

static void say_unstored(struct manage_principal *out, const struct server *server, size_t which)
{
	struct sid sid = sid_child(&server->domain_sid, unstored[which].rid);

	in_domain(out, server->name, &server->domain_sid);
	say(out, unstored[which].use, &sid, unstored[which].name);
}

static void say_stored(struct manage_principal *out, const struct server *server,
		       const struct store_account *account)
{
	struct sid sid = server_account_sid(server, account), domain = sid_parent(&sid);

	in_domain(out, account->builtin ? "BUILTIN" : server->name, &domain);
	say(out, account->is_group ? SID_USE_ALIAS : SID_USE_USER, &sid, account->name);
}

/* ---- by SID */

/* @sid is in the domain of @server, whether or not something of it is called so. */
static void account_numbered(struct server *server, const struct sid *sid,
			     struct manage_principal *out)
{
	uint32_t rid = sid->sub[sid->sub_count - 1];
	struct store_account account;

	in_domain(out, server->name, &server->domain_sid);
	for (size_t i = 0; i < ARRAY_LEN(unstored); i++) {
		if (unstored[i].rid == rid)
			say_unstored(out, server, i);
	}
	if (out->use != SID_USE_UNKNOWN ||
	    store_account_numbered(server->store, rid, false, &account))
		return;
	say_stored(out, server, &account);
	free(account.name);
}

static bool is_in(const struct server *server, const struct sid *sid)
{
	struct sid parent;

	if (!sid->sub_count)
		return false;
	parent = sid_parent(sid);
	return sid_equal(&parent, &server->domain_sid);
}

/* Does @server have a say about @sid: is it its domain, or of it? */
static bool by_server(struct server *server, const struct sid *sid, struct manage_principal *out)
{
	if (sid_equal(sid, &server->domain_sid))
		say_server(out, server);
	else if (is_in(server, sid))
		account_numbered(server, sid, out);
	else
		return false;
	return true;
}

static ntstatus outcome(const struct manage_principal *out)
{
	return out->use == SID_USE_UNKNOWN ? STATUS_NONE_MAPPED : STATUS_SUCCESS;
}

ntstatus manage_principal_of_sid(const struct manage_circle *servers, const struct sid *sid,
				 struct manage_principal *out)
{
	const struct sid_name *known = sid_well_known(sid);

	*out = (struct manage_principal){ .use = SID_USE_UNKNOWN, .sid = *sid };
	if (!servers)
		return STATUS_ACCESS_DENIED;
	if (known)
		say_well_known(out, known);
	for (size_t i = 0; !known && i < servers->count; i++) {
		if (by_server(servers->servers[i], sid, out))
			break;
	}
	return outcome(out);
}

/* ---- by name */

static bool account_named(struct server *server, const char *name, struct manage_principal *out)
{
	struct store_account account;

	if (!*name) /* nobody is called so */
		return false;
	if (!store_account_named(server->store, name, &account)) {
		say_stored(out, server, &account);
		free(account.name);
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(unstored); i++) {
		if (!name_compare(unstored[i].name, name)) {
			say_unstored(out, server, i);
			return true;
		}
	}
	return false;
}

/* The first that is called @name, by whichever of its names; NULL: none of them. */
static struct server *called(const struct manage_circle *servers, const char *name)
{
	cleanup(server_put_ptr) struct server *found = registry_find(name);

	for (size_t i = 0; i < servers->count; i++) {
		struct server *server = servers->servers[i];

		if (found == server || !name_compare(server->name, name))
			return server;
	}
	return NULL;
}

/* "FS\alice", "BUILTIN\Users" */
static void find_qualified(const struct manage_circle *servers, const char *domain,
			   const char *name, struct manage_principal *out)
{
	const struct sid_name *known = sid_well_known_named(domain, name);
	struct server *server;

	if (known) {
		say_well_known(out, known);
		return;
	}
	server = called(servers, domain);
	if (!server)
		return;
	in_domain(out, server->name, &server->domain_sid);
	/* A group that is built in is in BUILTIN, not in the server's own domain. */
	if (account_named(server, name, out) && !strcmp(out->domain, "BUILTIN"))
		*out = (struct manage_principal){ .use = SID_USE_UNKNOWN };
}

/* "Everyone", "FS", "alice"; the aliases that no server has stored come last, as a server may have
 * a group of its own of such a name. */
static void find_isolated(const struct manage_circle *servers, const char *name,
			  struct manage_principal *out)
{
	const struct sid_name *known = sid_well_known_named(NULL, name);
	struct server *server;

	if (known && known->use != SID_USE_ALIAS) {
		say_well_known(out, known);
		return;
	}
	server = called(servers, name);
	if (server) {
		say_server(out, server);
		return;
	}
	for (size_t i = 0; i < servers->count; i++) {
		if (account_named(servers->servers[i], name, out))
			return;
	}
	if (known)
		say_well_known(out, known);
}

ntstatus manage_principal_of_name(const struct manage_circle *servers, const char *name,
				  struct manage_principal *out)
{
	auto_free char *text = xstrdup(name);
	char *slash = strchr(text, '\\'), *at = strrchr(text, '@');

	*out = (struct manage_principal){ .use = SID_USE_UNKNOWN };
	if (!servers)
		return STATUS_ACCESS_DENIED;
	if (!*name)
		return STATUS_NONE_MAPPED;
	if (slash)
		*slash++ = 0;
	else if (at)
		*at++ = 0;
	if (slash && *text)
		find_qualified(servers, text, slash, out);
	else if (slash)
		find_isolated(servers, slash, out);
	else if (at)
		find_qualified(servers, at, text, out);
	else
		find_isolated(servers, text, out);
	return outcome(out);
}
