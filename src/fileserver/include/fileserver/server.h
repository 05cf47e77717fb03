// SPDX-License-Identifier: Apache-2.0
/*
 * What this node serves: file servers, their names, their shares. A file server is the unit of
 * failover; the node's own shares form one too, which is pinned to its node (is_node).
 *
 * The registry holds the file servers that are online here. Its lock is the outermost: registry,
 * then server, then the locks of opens (open.h). A server and a share are counted; what is served
 * stays until the last reference is gone, but a server that has left the registry answers no new
 * request.
 */
#ifndef FILESERVER_SERVER_H
#define FILESERVER_SERVER_H

#include <auth/login.h>
#include <auth/token.h>
#include <base/guid.h>
#include <store/store.h>
#include <sys/socket.h>
#include <volume/volume.h>
#include <wire/dtyp.h>

/* Which scope a name gets: see docs and the oracle table. */
enum visibility {
	VISIBILITY_NODE,   /* as Windows Server 2003: the name is an alias of its node */
	VISIBILITY_SCOPED, /* as 2008: its own shares and drive share, no ADMIN$ */
	VISIBILITY_SERVER, /* its own shares, ADMIN$, drive share, IPC$ (the default) */
};
const char *visibility_name(enum visibility v); /* "node", "scoped", "server" */
bool visibility_parse(const char *text, enum visibility *out) MUST_CHECK;

enum require { REQUIRE_NO, REQUIRE_IF_OFFERED, REQUIRE_YES };

struct share {
	struct server *server;
	char *name;
	char *remark;
	char *path;		/* beneath the volume */
	uint32_t type;		/* SMB2_SHARE_TYPE_* */
	_Atomic uint32_t flags; /* enum store_share_flags */
	_Atomic uint32_t caching;
	uint32_t max_uses;
	uint32_t uses; /* tree connects now */
	bool is_admin; /* ADMIN$ or the drive share: Administrators of the server only */
	bool is_ipc;
	struct volume_node *root;		 /* NULL for IPC$ */
	struct security_descriptor *sd;		 /* NULL: everyone who is authenticated */
	_Atomic(struct hide_names *) hide_names; /* NULL: it hides none */
	_Atomic bool removed;			 /* no longer in the server's table */
	uint32_t refs;
};

#define SERVER_MAX_NAMES     16
#define SERVER_MAX_ADDRESSES 16

struct server {
	char *name;		       /* as its administrator writes it */
	char *names[SERVER_MAX_NAMES]; /* every name it answers to: short, FQDN, aliases */
	size_t name_count;
	struct sockaddr_storage addresses[SERVER_MAX_ADDRESSES]; /* with the port */
	size_t address_count;
	/* What a reload may change while others read: atomic, each by itself. */
	_Atomic enum visibility visibility;
	bool is_node;
	_Atomic char drive_letter; /* 'S' gives the drive share S$ */
	struct guid guid;
	struct sid domain_sid;
	uint64_t id; /* of this registration: what a token's authority is compared with */
	struct volume *volume;
	struct store *store;
	/* security settings */
	_Atomic bool signing_required;
	_Atomic bool encryption_required; /* STATUS_ACCESS_DENIED for sessions that cannot */
	_Atomic bool encryption_desired;  /* sessions that can are encrypted, others are let in */
	_Atomic bool guest_allowed, anonymous_allowed;
	_Atomic bool online; /* false once it is leaving: new work is refused */
	/* guard - asked before anything is done for a client, and again before it is acknowledged;
	 * NULL: nothing to ask. Set before server_publish; what it needs outlives the server. */
	bool (*guard)(void *arg);
	void *guard_arg;
	uint32_t refs;
	struct server_private *private_part;
};

/*
 * server_load - read the file server whose home is @volume_path/.berth: opens its store and volume,
 * makes ADMIN$'s directory and the share objects. The caller has the ownership of the home. *why
 * (to be freed) says what failed.
 */
int server_load(const char *volume_path, bool is_node, struct server **out, char **why) MUST_CHECK;
struct server *server_get(struct server *server);
/* server_may_serve - is it online here, and is this node still its owner? */
static inline bool server_may_serve(const struct server *server)
{
	return server->online && (!server->guard || server->guard(server->guard_arg));
}
void server_put(struct server *server);
void server_put_ptr(struct server **server);

/* server_publish / server_withdraw - enter it in, and take it out of, the registry (taking over no
 * reference). */
void server_publish(struct server *server);
void server_withdraw(struct server *server);
/* server_reload - read shares and settings from the store again after a change; opens are not
 * touched. */
int server_reload(struct server *server, char **why) MUST_CHECK;

/* What it answers to and listens on, where that is not in its store; seen by registry_find and
 * registry_by_address. */
void server_set_names(struct server *server, char *const *names, size_t count);
void server_set_addresses(struct server *server, const struct sockaddr_storage *addresses,
			  size_t count);

/* registry_servers - references to all that are online here, in an array that the caller frees
 * (putting each). */
size_t registry_servers(struct server ***out);
/* registry_find - the server called @name in any of its names, without case, or NULL; a counted
 * reference. */
struct server *registry_find(const char *name);
/* registry_by_address - the server that owns the local address (port ignored) @local; a counted
 * reference or NULL. */
struct server *registry_by_address(const struct sockaddr *local);
/* registry_node - the node's own file server; a counted reference or NULL. */
struct server *registry_node(void);

/*
 * scope_server - which server @dialled (the server part of a UNC path, "" for none) means on a
 * connection that came to @local: by name, else (an IP literal, an unknown name) the owner of the
 * local address. Counted, or NULL.
 */
struct server *scope_server(const char *dialled, const struct sockaddr *local);
/*
 * scope_share - @share in the scope of the name of @server. STATUS_BAD_NETWORK_NAME where the scope
 * does not show it, and *why (static text) says whether it exists elsewhere. DOMAIN section 10 is
 * the table of answers.
 */
ntstatus scope_share(struct server *server, const char *share, struct share **out,
		     const char **why) MUST_CHECK;
/* scope_list - every share the scope of @server shows, hidden and administrative ones included;
 * counted. */
size_t scope_list(struct server *server, struct share ***out);

struct share *share_get(struct share *share);
void share_put(struct share *share);
void share_put_ptr(struct share **share);
/*
 * share_connect - may @token connect to @share, dialled as a share of @dialled? Fills the maximal
 * access that the share allows, and counts the use (share_disconnect). STATUS_ACCESS_DENIED (also
 * for an account of another file server, and for administrative shares without being its
 * Administrator), STATUS_REQUEST_NOT_ACCEPTED when it is full.
 */
ntstatus share_connect(struct share *share, struct server *dialled, const struct token *token,
		       uint32_t *maximal_access) MUST_CHECK;
void share_disconnect(struct share *share);
/* share_access - what @share, dialled as a share of @dialled, leaves @token at most; 0: it may not
 * connect. Counts nothing. */
uint32_t share_access(struct share *share, struct server *dialled, const struct token *token);
/* share_shown_attributes - @attributes of the file at @path (or of that name) as @share shows them:
 * with FILE_ATTRIBUTE_HIDDEN where the share hides such names. No lock. */
uint32_t share_shown_attributes(const struct share *share, const char *path, uint32_t attributes);

/* Relative ids that every file server has without having stored them. */
#define RID_GUEST      501u /* who comes as a guest */
#define RID_NONE_GROUP 513u /* the primary group of every account of a server that is no domain */
/* server_group_sid - of a group of @server's store: a built-in one is everywhere the same. */
struct sid server_group_sid(const struct server *server, const struct store_group *group);
/* server_account_sid - the same of whatever a name or a number in @server's store stands for. */
struct sid server_account_sid(const struct server *server, const struct store_account *account);
/* server_account - the login callback: looks @user up in the accounts of @server (and of the node,
 * under VISIBILITY_NODE). */
ntstatus server_account(void *server, const char *domain, const char *user,
			struct account *out) MUST_CHECK;

#endif
