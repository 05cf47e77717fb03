// SPDX-License-Identifier: Apache-2.0
/*
 * The node's SMB server, its loops, and a connection on one of them.
 *
 * A connection, its requests and its channels (what a session has on one connection, session.h)
 * belong to one loop and are touched on it only, without locks. What comes from other threads comes
 * as a task posted to that loop: breaks, wake-ups of requests that wait, orders to drop. Shared by
 * all are the counters (atomic), the count of connections by client (atomic), and the table of
 * sessions by id (a lock of its own in session.c, held for no call outwards).
 *
 * References to a connection: its stream until closed, each of its requests, each of its channels.
 * They are counted without atomics, as only its loop has them.
 */
#ifndef SMB_CONNECTION_H
#define SMB_CONNECTION_H

#include <io/loop.h>
#include <io/stream.h>
#include <smb/smb.h>
#include <wire/smb2.h>

#include "sequence.h"

struct channel;
struct notice;
struct session;
struct smb_request;

/* One for each loop that serves. */
struct smb_loop {
	struct loop *loop;
	unsigned index;
	uint32_t load; /* connections; atomic, read by the loop that accepts */
	struct connection *connections;
	struct smb_request *spare; /* requests for re-use */
	uint32_t spare_count;
};

/* Counters: one relaxed atomic add each. */
#define COUNT(field, n) __atomic_fetch_add(&smb.statistics.field, (uint64_t)(n), __ATOMIC_RELAXED)
#define GAUGE(field)	__atomic_load_n(&smb.statistics.field, __ATOMIC_RELAXED)

struct smb {
	struct smb_config config;
	struct smb_loop loops[SMB_MAX_LOOPS];
	size_t loop_count;
	struct guid boot_guid;
	nttime started;
	struct smb_statistics statistics;
};
extern struct smb smb;

#define CONNECTION_BUCKETS 16 /* of channels by session id */
#define CLIENT_TEXT_SIZE   64

struct connection {
	struct smb_loop *home;
	struct stream *stream; /* NULL once it has closed */
	struct connection *next, *previous;
	uint32_t refs;
	uint64_t listener;     /* id of what accepted it; 0: none */
	struct server *server; /* the file server of the address it came to; counted */
	char client[CLIENT_TEXT_SIZE];
	uint32_t client_slot;
	struct sockaddr_storage local;

	/* What NEGOTIATE agreed on. */
	uint16_t dialect;	/* 0: nothing yet; SMB2_DIALECT_2FF: only that it will be SMB2 */
	uint16_t security_mode; /* ours */
	uint16_t client_security_mode;
	uint32_t capabilities; /* ours */
	uint32_t client_capabilities;
	struct guid client_guid;
	enum cipher cipher;
	enum sign_algorithm signing;
	struct smb2_compression compression;
	uint32_t max_transact, max_read, max_write;
	uint8_t preauth[64]; /* 3.1.1: hash over NEGOTIATE request and response */

	struct sequence sequence;
	struct channel *channels[CONNECTION_BUCKETS];
	uint32_t channel_count;
	uint32_t valid_channels;
	struct smb_request *waiting; /* requests that wait: for a break, a lock, a change, a disk */
	uint32_t waiting_count;
	uint32_t refusals;	 /* of logins, whose answers wait */
	uint64_t refusal_due_ms; /* when the last of them is given; monotonic */
	uint64_t next_async_id;
	size_t held_bytes; /* frames and reply buffers of requests that are not answered yet */
	struct loop_timer timer;
	uint64_t sent_bytes;		    /* given to the stream so far */
	struct notice *breaks, *last_break; /* sent, but perhaps not taken: breaks.c */
	struct loop_timer break_timer;
	bool is_unauthenticated; /* counted as such */
	bool is_dropped;	 /* closing: answers nothing more */
	bool is_paused;
	bool is_resting; /* has worked enough for now: its rest is posted, and holds a reference */
	size_t worked_bytes; /* since its last rest */
	struct loop_task rest;
};

/* connection_open - take over a connected socket on the current loop; @listener may be 0. */
void connection_open(struct smb_loop *home, int fd, uint64_t listener);
/* connection_drop - close it because of @why (static text, for the log at level info). */
void connection_drop(struct connection *conn, const char *why);
struct connection *connection_get(struct connection *conn);
void connection_put(struct connection *conn);
/* connection_send - queue a frame (its STREAM_HEADER still free) and keep to the limit on what is
 * queued. */
void connection_send(struct connection *conn, struct buf *frame);
/* connection_hold - account for memory held for the client; negative gives it back. */
void connection_hold(struct connection *conn, ssize_t bytes);
/*
 * connection_worked - the loop went over @bytes to compress or decompress for the client. What that
 * leaves to send may be next to nothing, so that it is counted by itself: after max_unsent_bytes
 * no more is read from the client until the others of its loop have had their turn.
 */
void connection_worked(struct connection *conn, size_t bytes);
/* connection_authenticated / connection_bare - its first valid session came, its last has gone. */
void connection_authenticated(struct connection *conn);
void connection_bare(struct connection *conn);
/* connection_negotiated - NEGOTIATE is done: the next deadline holds. */
void connection_negotiated(struct connection *conn);

/* limits.c: how many connections a client address has. False where that is too many. */
bool client_count_take(const struct sockaddr_storage *peer, uint32_t *slot) MUST_CHECK;
void client_count_release(uint32_t slot);
/* The same for its connections that have no session yet. */
bool client_bare_take(uint32_t slot) MUST_CHECK;
void client_bare_release(uint32_t slot);
/* client_bare_owe - one place less for the next @ms, and as long as others are owed. */
void client_bare_owe(uint32_t slot, uint32_t ms);

#endif
