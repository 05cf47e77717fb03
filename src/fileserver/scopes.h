// SPDX-License-Identifier: Apache-2.0
/*
 * What the files about servers, scopes and management share; the public side is server.h.
 *
 * Locks, outermost first: the registry (registry.c), then a server's private lock, which guards its
 * table of shares and whatever of it and of them changes on a reload. Neither is held for a call
 * outwards.
 */
#ifndef FILESERVER_SCOPES_H
#define FILESERVER_SCOPES_H

#include <fileserver/server.h>

#include <pthread.h>
#include <stdatomic.h>

#define DRIVE_OF_NODE	  'C'
#define DRIVE_OF_SERVER	  'S'
#define ADMIN_SHARE	  "ADMIN$"
#define IPC_SHARE	  "IPC$"
#define ADMIN_DIRECTORY	  VOLUME_HOME "/admin"
#define SERVER_MAX_SHARES 10000

struct server_private {
	pthread_mutex_t reload; /* held for a whole reload; before every other lock of the room */
	pthread_mutex_t lock;
	struct share **shares; /* one reference each */
	size_t share_count;
	char *comment;
	char *guest_shares, *anonymous_shares; /* "*", or names with commas between; NULL: none */
};

/* share_new - one reference, which is the table's: it does not count the server. */
struct share *share_new(struct server *server, const struct store_share *from);
struct share *share_new_special(struct server *server, const char *name, const char *path,
				const char *remark, bool is_admin);
void share_update(struct share *share,
		  const struct store_share *from); /* under the server's lock */
void share_drop(struct share *share);		   /* the table's reference */

/* ---- names that a share hides (hide.c) ---- */
#define HIDE_PATTERNS_MAX 64u
#define HIDE_TEXT_MAX	  4096u /* bytes of all patterns, with the '/' between them */
bool hide_names_valid(const char *text);
/* hide_names_set - the patterns in @text (NULL: none) from now on; under the server's lock. */
void hide_names_set(struct share *share, const char *text);
const char *hide_names_text(const struct share *share); /* "" for none */
void hide_names_free(struct share *share);
/* share_root - see that the share's directory is open; false where it is missing. Under the
 * server's lock. */
bool share_root(struct share *share);

/* scope_principal - the id of whose accounts count at @server: its own, or its node's under
 * visibility node. */
uint64_t scope_principal(const struct server *server);
/* scope_vouches - does @token come from accounts that count at @server? */
bool scope_vouches(const struct server *server, const struct token *token);
/* scope_list_holds - is @name in "a,b,c" or is that "*"? NULL holds nothing. */
bool scope_list_holds(const char *list, const char *name);

/* registry_by_id - counted, or NULL. */
struct server *registry_by_id(uint64_t id);

#endif
