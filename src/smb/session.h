// SPDX-License-Identifier: Apache-2.0
/*
 * Sessions, tree connects and pipes: what a client has once it is known.
 *
 * A session belongs to one connection and its loop. It is counted atomically, because a break on
 * another thread looks it up by id in the table of all sessions and takes a reference along to the
 * session's loop; everything else of it is touched on its loop only. References: its connection
 * until it has ended, each request that names it, each message on its way to it.
 *
 * A tree connect is counted by its session's loop: by the session until it is disconnected, and by
 * each request that uses it.
 */
#ifndef SMB_SESSION_H
#define SMB_SESSION_H

#include <auth/login.h>
#include <fileserver/open.h>
#include <fileserver/pipe.h>
#include <fileserver/session.h>

#include "connection.h"

enum session_state {
	SESSION_IN_PROGRESS, /* being authenticated */
	SESSION_VALID,
	SESSION_ENDED, /* logged off, or its connection is gone */
};

struct tree {
	uint32_t id;
	uint32_t refs;
	struct tree *next;
	struct server *server; /* whose name was dialled; counted */
	struct share *share;   /* counted, and connected until the tree is gone */
	char *dialled;	       /* the server part of the path, as the client wrote it */
	uint32_t maximal_access;
	bool encrypt; /* refuses what is not encrypted */
	bool sign;    /* refuses what is neither signed nor encrypted */
	bool is_gone;
};

/* An open named pipe. Belongs to its session; one client reads and writes it. */
struct pipe_open {
	struct smb2_file_id id;
	uint32_t tree_id;
	struct pipe_open *next;
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
	struct session *session;
	uint8_t preauth[64];
};

struct session {
	uint64_t id;
	int refs; /* atomic */
	enum session_state state;
	struct smb_loop *home;
	struct connection *conn; /* NULL once ended */
	struct session *next_in_connection;
	struct session *next_in_table; /* under the table's lock */
	struct server *server;	       /* whose accounts; counted */
	struct token *token;
	struct attempt *attempt; /* while SESSION_SETUP is under way */
	bool signing_required;
	bool encrypt;	    /* refuses what is not encrypted */
	bool was_encrypted; /* the client has encrypted: messages to it are, too */
	bool is_guest, is_anonymous;
	bool is_entered;
	struct signer *signer;		/* NULL: neither signs nor seals */
	struct sealer *sealer, *opener; /* made when first needed */
	uint8_t seal_key[32], open_key[32];
	uint64_t nonce;
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
/* session_find - of this connection, by id, whatever its state; not counted. */
struct session *session_find(struct connection *conn, uint64_t id);
/* session_find_anywhere - a counted reference, on any thread. */
struct session *session_find_anywhere(uint64_t id);
/* session_end - end it on its loop: trees, opens, pipes, the entry for people. */
void session_end(struct session *session, bool connection_lost);
/* session_end_all - those of a connection that has closed. */
void session_end_all(struct connection *conn);
/* session_can_seal - has it keys to encrypt with? */
bool session_can_seal(const struct session *session);
struct sealer *session_sealer(struct session *session);
struct sealer *session_opener(struct session *session);

/* keys.c: from the session key of the login to the session's contexts. False: out of memory. */
bool session_make_keys(struct session *session, const uint8_t key[16],
		       const uint8_t preauth[64]) MUST_CHECK;

struct tree *tree_find(struct session *session, uint32_t id);
struct tree *tree_get(struct tree *tree);
void tree_put(struct tree *tree);
/* tree_end - disconnect: its opens and pipes are closed. */
void tree_end(struct session *session, struct tree *tree);
/* unc_parse - split "\\server\share"; false where it is none. Both are new strings. */
bool unc_parse(const char *path, char **server, char **share) MUST_CHECK;

/* pipe.c */
ntstatus pipe_open(struct session *session, struct tree *tree, const char *name,
		   struct pipe_open **out) MUST_CHECK;
struct pipe_open *pipe_find(struct session *session, const struct smb2_file_id *id,
			    uint32_t tree_id);
void pipe_close(struct session *session, struct pipe_open *pipe);
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
size_t pipe_available(const struct pipe_open *pipe);

#endif
