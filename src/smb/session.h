// SPDX-License-Identifier: Apache-2.0
/*
 * Sessions, their channels, tree connects and pipes: what a client has once it is known.
 *
 * A session lives on one or more connections, which may be on different loops (multichannel,
 * MS-SMB2 3.3.1.8, 3.3.1.14). What it has on one of them is a channel, which belongs to that
 * connection and its loop and is touched there only: the keys that it signs with, the contexts that
 * it seals with, a login that is under way. The session itself is shared:
 *
 *   never changes once it is SESSION_VALID: its rules, keys, server, what NEGOTIATE agreed on
 *   session->lock                           state, the lists of channels, trees and pipes
 *   its identity                            whom it acts as now (auth/identity.h)
 *   session->access_lock                    writing maximal_access of its trees, which follows from
 *                                           that
 *   pipe->lock                              what an open pipe holds, and who waits for it
 *   atomic                                  the counts of references, the nonce, was_encrypted,
 *                                           is_evicted, expires_ms, is_gone and maximal_access
 *                                           of a tree
 *
 * Order of locks: pipe, session. session->lock is held for no call outwards; pipe->lock for the
 * call of the pipe's service, which does not come back here; access_lock, under which no other of
 * these is taken, for asking the share.
 *
 * References. To a session: the table of all sessions until it has ended, each of its channels,
 * each message on its way to it. To a channel, counted by its loop: its connection until the
 * channel has left it, and each request that came over it. To a tree: its session until it is
 * disconnected, each request that uses it. To a pipe: its session until it is closed, each request
 * that uses it.
 *
 * A session ends once, on whichever thread: what it has open is closed there, and its channels
 * leave their connections each on its own loop. A request that another loop had begun by then looks
 * again after it has entered something (session_has_tree), and takes it back.
 */
#ifndef SMB_SESSION_H
#define SMB_SESSION_H

#include <auth/identity.h>
#include <auth/login.h>
#include <fileserver/open.h>
#include <fileserver/pipe.h>
#include <fileserver/session.h>
#include <pthread.h>
#include <stdatomic.h>

#include "connection.h"

enum session_state {
	SESSION_IN_PROGRESS, /* being authenticated */
	SESSION_VALID,
	SESSION_ENDED, /* logged off, or its last connection is gone */
};

struct tree {
	uint32_t id;
	uint32_t refs; /* atomic */
	struct tree *next;
	struct server *server;	    /* whose name was dialled; counted */
	struct share *share;	    /* counted, and connected until the tree is gone */
	char *dialled;		    /* the server part of the path, as the client wrote it */
	atomic_uint maximal_access; /* what the share leaves whom the session acts as */
	bool encrypt;		    /* refuses what is not encrypted */
	bool sign;		    /* refuses what is neither signed nor encrypted */
	bool is_gone;		    /* atomic */
};

/* An open named pipe. Belongs to its session; one client reads and writes it. */
struct pipe_open {
	struct smb2_file_id id;
	uint32_t tree_id;
	uint32_t refs;		/* atomic */
	struct pipe_open *next; /* under session->lock */
	pthread_mutex_t lock;	/* of what follows */
	const struct pipe_endpoint *endpoint;
	void *state;
	struct pipe_peer peer;
	struct buf out;	     /* what the client has not read yet */
	size_t out_taken;    /* so much of it has been read */
	size_t message_left; /* of a message that was read in part */
	bool is_broken;
	struct smb_request *reader; /* waits for bytes */
};

/* One authentication: its login, and what the login looks at. */
struct attempt {
	struct login_config config;
	struct login *login;
	uint8_t preauth[64];
};

enum channel_state {
	CHANNEL_IN_PROGRESS, /* of a session in progress, or being bound to a valid one */
	CHANNEL_VALID,
	CHANNEL_GONE, /* has left its connection */
};

struct channel {
	struct session *session; /* counted */
	struct connection *conn; /* counted; NULL once gone */
	struct channel *next_in_connection;
	struct channel
		*next_in_session; /* under session->lock, as are number and state for reading */
	uint64_t number;	  /* in its session; later ones are higher */
	uint32_t refs;
	enum channel_state state;
	bool is_binding;		/* in progress, to a session that is valid */
	struct attempt *attempt;	/* while SESSION_SETUP is under way */
	struct signer *signer;		/* NULL: neither signs nor seals */
	struct sealer *sealer, *opener; /* made when first needed */
};

struct session {
	uint64_t id;
	int refs; /* atomic */
	pthread_mutex_t lock;
	pthread_mutex_t access_lock;
	enum session_state state;      /* atomic for reading */
	struct smb_loop *home;	       /* where it began, and where it is ended for others */
	struct session *next_in_table; /* under the table's lock */
	struct server *server;	       /* whose accounts; counted */
	struct identity *identity;     /* whom it acts as: counted */
	/* What NEGOTIATE agreed on with its first connection; others must agree on the same. */
	uint16_t dialect;
	enum cipher cipher;
	enum sign_algorithm signing;
	struct guid client_guid;
	bool signing_required;
	bool encrypt; /* refuses what is not encrypted */
	bool is_entered;
	bool is_evicted;	 /* by an administrator; atomic */
	bool was_encrypted;	 /* over any channel: messages to the client are, too; atomic */
	uint64_t expires_ms;	 /* monotonic; 0: never; atomic */
	bool has_keys;		 /* else it can neither sign nor seal */
	uint8_t signing_key[16]; /* of its first login: the proof of who binds a channel */
	uint8_t seal_key[32], open_key[32];
	uint64_t nonce; /* atomic: all channels seal with one key */
	struct channel *channels;
	uint32_t channel_count;
	uint32_t lost_creates; /* of SMB_MAX_LOST_CREATES; under the lock */
	uint64_t last_channel;
	struct tree *trees;
	uint32_t tree_count, next_tree_id;
	struct pipe_open *pipes;
	uint32_t pipe_count;
	uint64_t next_pipe_id;
	struct session_entry entry;
};

struct session *session_get(struct session *session);
void session_put(struct session *session);
void session_put_ptr(struct session **session);
/* session_find_anywhere - a counted reference, on any thread. */
struct session *session_find_anywhere(uint64_t id);
/* session_state - as it is now; another thread may end it at any time. */
enum session_state session_state(const struct session *session);
/* session_end - end it: trees, opens, pipes, channels, the entry for people. Any thread. */
void session_end(struct session *session, bool connection_lost);
/* session_keep_lost - may one more CREATE that came over a connection which is lost go on waiting?
 * Only where the session has more channels than that one. session_end_lost: it waits no more. */
bool session_keep_lost(struct session *session) MUST_CHECK;
void session_end_lost(struct session *session);
/* session_token - whom it acts as now; of one that has been valid. Lives as long as the session. */
struct token *session_token(const struct session *session);
/* session_user - the same for people, a new string: "FS\alice". */
char *session_user(const struct session *session);
/* session_is_evicted - does an administrator end it? Then nothing of it is kept for its client. */
bool session_is_evicted(const struct session *session);
/* session_end_all - a connection has closed: end what lived on it alone. */
void session_end_all(struct connection *conn);
/* session_renew - its client has just logged on: session_lifetime_ms begins. session_is_expired -
 * it is over, and the client must do so again before it may do anything else. */
void session_renew(struct session *session);
bool session_is_expired(const struct session *session);
/* session_was_encrypted - has its client encrypted a message, over whichever channel? */
bool session_was_encrypted(const struct session *session);
/* session_cancel - cancel what still waits in @session (and @tree_id, UINT32_MAX: all), on each of
 * its loops: at once on this one, soon on the others. */
void session_cancel(struct session *session, uint32_t tree_id);

/* channel.c */
/* channel_find - of this connection, by session id, whatever its state; not counted. */
struct channel *channel_find(struct connection *conn, uint64_t session_id);
/* channel_new - one that nobody knows yet; the caller's reference. */
struct channel *channel_new(struct session *session);
/* channel_enter - make it known to @conn and its session; false where that has ended, or has as
 * many as it may have. */
bool channel_enter(struct channel *channel, struct connection *conn) MUST_CHECK;
/* channel_leave - it has no more to do with its connection. True: it was its session's last. */
bool channel_leave(struct channel *channel);
/* channel_become_valid - its login has succeeded. */
void channel_become_valid(struct channel *channel);
struct channel *channel_get(struct channel *channel);
void channel_put(struct channel *channel);
/* channel_next_here - the first on this loop whose number is above @last, or NULL; not counted. */
struct channel *channel_next_here(struct session *session, const struct smb_loop *here,
				  uint64_t last);
/*
 * channel_next_valid - for what goes from channel to channel of @session, each on its own loop: the
 * first that is valid and whose number is above *@number, in *@number and *@on. False: there is
 * none (left). Any thread; it may have left when that loop comes to it, which channel_here tells
 * there.
 */
bool channel_next_valid(struct session *session, uint64_t *number, struct smb_loop **on) MUST_CHECK;
/* channel_here - the channel of that number while it is on this loop, or NULL; not counted. */
struct channel *channel_here(struct session *session, const struct smb_loop *here, uint64_t number);
/* channel_can_seal - has it keys to encrypt with? */
bool channel_can_seal(const struct channel *channel);
struct sealer *channel_sealer(struct channel *channel);
struct sealer *channel_opener(struct channel *channel);

/*
 * keys.c: channel_make_keys - from the session key of a login to the keys of the channel, and of
 * its session where that is new. channel_prove - a channel to be bound signs with the session's key
 * until it has its own. False: out of memory.
 */
bool channel_make_keys(struct channel *channel, const uint8_t key[16],
		       const uint8_t preauth[64]) MUST_CHECK;
bool channel_prove(struct channel *channel) MUST_CHECK;

/* tree_find - by id, counted; NULL where there is none. */
struct tree *tree_find(struct session *session, uint32_t id);
void tree_put(struct tree *tree);
bool tree_is_gone(const struct tree *tree);
/* tree_end - disconnect: its opens and pipes are closed. Any thread; once is enough. */
void tree_end(struct session *session, struct tree *tree);
/* tree_end_all - those of @server, or (NULL) all. */
void tree_end_all(struct session *session, const struct server *server);
/* tree_check_all - the session acts as somebody else: what the shares of its trees leave that one.
 */
void tree_check_all(struct session *session);
/* session_has_tree - are both still there? What was entered before this was asked is closed by
 * whoever ends them. */
bool session_has_tree(struct session *session, const struct tree *tree);
/* unc_parse - split "\\server\share"; false where it is none. Both are new strings. */
bool unc_parse(const char *path, char **server, char **share) MUST_CHECK;

/* pipe.c */
/* pipe_open - @out is the caller's reference; @client: for the service to show. */
ntstatus pipe_open(struct session *session, struct tree *tree, const char *name, const char *client,
		   struct pipe_open **out) MUST_CHECK;
/* pipe_find - counted. */
struct pipe_open *pipe_find(struct session *session, const struct smb2_file_id *id,
			    uint32_t tree_id);
void pipe_put(struct pipe_open *pipe);
/* pipe_close - STATUS_FILE_CLOSED where another has done so. */
ntstatus pipe_close(struct session *session, struct pipe_open *pipe) MUST_CHECK;
void pipe_close_tree(struct session *session, uint32_t tree_id); /* UINT32_MAX: all */
/* pipe_write - give bytes to the service; a read that waits is woken. */
ntstatus pipe_write(struct pipe_open *pipe, struct cursor data) MUST_CHECK;
/*
 * pipe_read - append at most @room bytes of the next message to @out. STATUS_BUFFER_OVERFLOW where
 * there is more of the message, STATUS_PIPE_EMPTY where there is nothing, STATUS_PIPE_DISCONNECTED
 * where the service has ended it.
 */
ntstatus pipe_read(struct pipe_open *pipe, size_t room, struct buf *out) MUST_CHECK;
/* pipe_available - bytes that can be read. */
size_t pipe_available(struct pipe_open *pipe);
/* pipe_wait_begin - have @reader woken when there is something to read; STATUS_PIPE_BUSY where
 * another waits. pipe_wait_end - true: it will not be woken. */
ntstatus pipe_wait_begin(struct pipe_open *pipe, struct smb_request *reader) MUST_CHECK;
bool pipe_wait_end(struct pipe_open *pipe, const struct smb_request *reader) MUST_CHECK;

#endif
