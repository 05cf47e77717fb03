// SPDX-License-Identifier: Apache-2.0
/*
 * An SMB2/3 client (MS-SMB2 3.2): one connection with one session, on a loop, without a thread of
 * its own. It speaks dialects 2.0.2 to 3.1.1, signs, encrypts, keeps pre-authentication integrity,
 * counts credits, and tells the exact NTSTATUS and at which step it came.
 *
 *   client_connect -> ready(client)                   or closed(client, failure)
 *   client_tree_connect -> rq->done(rq)               a share
 *   client_begin, client_add + smb2_X_request_encode, client_send -> request->done(request)
 *
 * A struct client belongs to its loop, and everything here is called there. It ends with closed(),
 * after every request that was under way has had its done() called; then it is gone.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <base/buf.h>
#include <base/cursor.h>
#include <crypto/crypto.h>
#include <io/loop.h>
#include <wire/ntstatus.h>
#include <wire/smb2.h>

struct client;

/* How far a connection, or whoever uses it, has come. */
enum client_step {
	CLIENT_STEP_RESOLVE,
	CLIENT_STEP_CONNECT,
	CLIENT_STEP_NEGOTIATE,
	CLIENT_STEP_SESSION_SETUP,
	CLIENT_STEP_TREE_CONNECT,
	CLIENT_STEP_VALIDATE, /* that nobody changed the negotiation: dialects before 3.1.1 */
	CLIENT_STEP_REQUEST,
};
const char *client_step_name(enum client_step step); /* "session setup" */

struct client_failure {
	enum client_step step;
	ntstatus status;    /* STATUS_SUCCESS: closed by client_close */
	int error;	    /* errno (positive) where the network failed, else 0 */
	const char *detail; /* a constant sentence, or NULL */
};

enum client_wish { CLIENT_IF_ASKED, CLIENT_REQUIRED, CLIENT_FORBIDDEN };

#define CLIENT_ALGORITHMS_MAX 4

/* Zero-initialised, the widest offer. Strings are copied. */
struct client_options {
	uint16_t dialect_min, dialect_max; /* 0: 2.0.2 and 3.1.1 */
	enum client_wish signing;	   /* IF_ASKED: when the server requires it */
	enum client_wish encryption;	   /* IF_ASKED: when the session or the share demands it */
	uint16_t ciphers[CLIENT_ALGORITHMS_MAX]; /* by preference; none: all, GCM first */
	unsigned cipher_count;
	uint16_t signings[CLIENT_ALGORITHMS_MAX]; /* by preference; none: GMAC, CMAC, HMAC */
	unsigned signing_count;
	bool compression; /* offer it (3.1.1): then what is written is compressed, and what is read
			     may be, if SMB2_READFLAG_REQUEST_COMPRESSED asks for it */
	bool compression_spares; /* what is written is compressed only where that pays (compress.c)
				  */
	uint16_t compressions[CLIENT_ALGORITHMS_MAX]; /* by preference; none: all, LZ77 first */
	unsigned compression_count;
	bool compression_unchained;  /* offer only one compressed piece in a message */
	uint64_t connect_timeout_ms; /* 0: 10 s */
	uint64_t request_timeout_ms; /* 0: 30 s */
	uint64_t pending_timeout_ms; /* of what was answered with "pending"; 0: 5 min; UINT64_MAX:
					as long as it takes */
	const char *server;	     /* the name that is dialled */
	bool anonymous;
	bool guest_allowed; /* go on where the server takes the account for a guest: unprotected */
	const char *user, *domain, *password;
	const uint8_t *nt_hash; /* 16 bytes, in place of the password */
};

struct client_events {
	/* ready - negotiated, and the session is set up. */
	void (*ready)(struct client *client);
	/* closed - once, last. */
	void (*closed)(struct client *client, const struct client_failure *failure);
	/* broken - the server takes an oplock or a lease back (may be NULL). */
	void (*broken)(struct client *client, const struct smb2_oplock_break *notice);
};

/* client_connect - begin; ready or closed follows, never from inside this call. */
struct client *client_connect(struct loop *loop, const struct sockaddr *address, socklen_t length,
			      const struct client_options *options,
			      const struct client_events *events, void *owner);
/* client_adopt - the same over a connected, non-blocking socket, which the client owns from now on.
 */
struct client *client_adopt(struct loop *loop, int fd, const struct client_options *options,
			    const struct client_events *events, void *owner);
/* client_close - end the connection; closed follows, never from inside this call. */
void client_close(struct client *client);
void *client_owner(const struct client *client);
struct loop *client_loop(const struct client *client);

/* What has been agreed upon; known once ready. */
struct client_facts {
	uint16_t dialect;
	uint16_t security_mode; /* the server's */
	uint32_t capabilities;	/* the server's */
	struct guid server_guid;
	uint32_t max_transact, max_read, max_write;
	enum cipher cipher; /* CIPHER_NONE: the connection cannot encrypt */
	enum sign_algorithm sign_algorithm;
	struct smb2_compression compression;
	uint64_t compressed_in, compressed_out; /* messages that came, and went, compressed */
	uint64_t bytes_in, bytes_out;		/* of the connection, headers and all */
	uint64_t bytes_written;			/* to files: of bytes_out, before compression */
	bool signs, encrypts;			/* every message of the session */
	uint16_t session_flags;
	uint64_t session_id;
};
const struct client_facts *client_facts(const struct client *client);

/*
 * One request, embedded in what waits for it. @done is called once, on the loop, never from inside
 * client_send; the fields of the answer are good until it returns.
 */
struct client_request {
	void (*done)(struct client_request *request);
	void *owner;
	uint64_t extra_ms; /* that it may take longer than others; 0 as a rule */
	/* The answer. */
	ntstatus status; /* of the answer, or why there is none */
	bool answered;	 /* false: the connection failed first */
	struct smb2_header header;
	struct cursor body; /* base: the header, next read: the body; for smb2_X_response_decode */
	uint64_t sent_ns;   /* when it was handed to the socket */
	/* The client's own. */
	struct client_request *next, *next_hashed;
	uint64_t message_id, async_id;
	uint32_t charge;
	uint16_t command;
	bool pending;
};

/* A share that is connected. */
struct client_tree {
	uint32_t id;
	uint8_t type; /* SMB2_SHARE_TYPE_* */
	uint32_t flags, capabilities, maximal_access;
};

/* A message that is being put together: one request, or a compound. */
struct client_message {
	struct buf buf;
	const struct client_tree *tree;
	struct client_request *first, *last;
	size_t first_at, last_at;
	size_t write_at;    /* where its WRITE begins; 0: it has none */
	size_t write_bytes; /* that are written */
	bool encrypted;
};

/* client_begin - an empty message for @tree (NULL: none). */
void client_begin(struct client *client, struct client_message *message,
		  const struct client_tree *tree);
/*
 * client_add - append the header of a request; the caller encodes the body to message->buf next.
 * @payload: the larger of what is sent and what may come back, in bytes, for the credit charge.
 * @related: uses the file of the request before it, in the same message.
 */
void client_add(struct client_message *message, struct client *client,
		struct client_request *request, uint16_t command, size_t payload, bool related);
/* client_send - send it, now or as soon as there are credits. */
void client_send(struct client *client, struct client_message *message);
/* client_cancel - ask the server to end @request early; its done() still comes, once. */
void client_cancel(struct client *client, struct client_request *request);
/* client_network_is_slow - is the network, and not one of its ends, what messages wait for? Then
 * what makes them smaller makes them faster. */
bool client_network_is_slow(struct client *client);
/* client_in_flight - how many requests are sent or queued. */
unsigned client_in_flight(const struct client *client);

/*
 * client_tree_connect - connect @path ("\\server\share", UTF-8). @rq->tree is filled in when
 * rq->status is STATUS_SUCCESS. Below dialect 3.1.1 the negotiation is validated first time.
 */
struct client_tree_request {
	void (*done)(struct client_tree_request *rq);
	struct client_request request;
	struct client *client;
	struct client_tree tree;
	enum client_step step; /* where it failed */
	ntstatus status;
};
void client_tree_connect(struct client *client, struct client_tree_request *rq, const char *path);

/* client_network_status - the status a Windows client would report for a failed connection. */
ntstatus client_network_status(int error);

#endif
