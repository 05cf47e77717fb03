// SPDX-License-Identifier: Apache-2.0
/* What the files of client share: the connection itself, its logon, its keys. */
#ifndef CLIENT_IMPL_H
#define CLIENT_IMPL_H

#include <client/client.h>
#include <io/stream.h>

#define PREAUTH_HASH_LENGTH 64
#define SESSION_KEY_LENGTH  16
#define FRAME_LIMIT	    ((8u << 20) + (64u << 10) + 4096)
#define FRAME_LIMIT_EARLY   (256u << 10) /* until the session is set up */
#define REQUEST_BUCKETS	    256		 /* a power of two */
#define CREDITS_WANTED	    512
#define SESSION_ROUNDS_MAX  8
#define MESSAGE_ID_UNASKED  UINT64_MAX /* of a break notification */
#define BYTES_A_CREDIT	    65536

struct logon;

struct queued_message {
	struct queued_message *next;
	struct client_message message;
};

struct client {
	struct loop *loop;
	struct stream *stream;
	const struct client_events *events;
	void *owner;
	struct client_failure failure;
	bool failed, ready, validated;

	/* Options, copied. */
	struct client_options options;
	char *server, *user, *domain;
	uint8_t nt_hash[16];
	struct guid guid;
	uint16_t dialects[8], dialect_count;
	uint32_t capabilities; /* ours, as sent */
	uint16_t security_mode;

	struct client_facts facts;
	enum client_step step;
	struct client_request setup; /* negotiate and session setup */
	struct logon *logon;
	unsigned rounds;
	uint8_t preauth[PREAUTH_HASH_LENGTH];
	struct signer *signer;
	struct sealer *seal, *open;
	uint64_t nonce;
	uint8_t nonce_salt[8];

	/* Requests. */
	uint64_t next_message_id;
	uint32_t credits;
	struct client_request *buckets[REQUEST_BUCKETS];
	unsigned in_flight;
	struct queued_message *queue, **queue_end;
	struct loop_timer timer; /* looks for requests that take too long */

	/* Compression: what was seen of the network when it was looked at last. */
	uint64_t pace_ns, pace_network_us, slow_until_ns;
	unsigned slow_looks;
};

/* client_fail - end the connection with this failure; the first one counts. */
void client_fail(struct client *client, enum client_step step, ntstatus status, int error,
		 const char *detail);

/* requests_init - no request yet, one credit. */
void requests_init(struct client *client);
/* requests_take - the request that @message_id answers, off the table; NULL: none. */
struct client_request *requests_find(struct client *client, uint64_t message_id);
void requests_remove(struct client *client, struct client_request *request);
/* requests_grant - credits have come: send what waits for them. */
void requests_grant(struct client *client, uint32_t credits);
/* requests_fail_all - end all with @status, sent and queued. */
void requests_fail_all(struct client *client, ntstatus status);

/* compress_message - the buffer of a message that is numbered and signed, compressed where that was
 * agreed on and makes it smaller. */
void compress_message(struct client *client, struct client_message *message);
/* decompress_message - the message that @c holds, in @out; false: it is none. */
bool decompress_message(struct client *client, struct cursor c, struct buf *out) MUST_CHECK;

/* client_received - one frame of the server. */
void client_received(struct client *client, struct frame *frame);

/* preauth_extend - one message of the negotiation or the session setup (MS-SMB2 3.1.4.4.1). */
void preauth_extend(struct client *client, const void *message, size_t length);
/* keys_derive - signer and sealers from the session key; false: out of memory. */
bool keys_derive(struct client *client, const uint8_t session_key[SESSION_KEY_LENGTH]) MUST_CHECK;
void keys_free(struct client *client);
/* keys_sign - sign one request in place, its header at @data. */
bool keys_sign(struct client *client, uint8_t *data, size_t length) MUST_CHECK;
/* keys_verify - is the signature of this answer right? */
bool keys_verify(struct client *client, const uint8_t *data, size_t length,
		 const struct smb2_header *header) MUST_CHECK;
/* keys_seal - encrypt the @length bytes behind the transform header at @transform. */
bool keys_seal(struct client *client, uint8_t *transform, size_t length) MUST_CHECK;

/*
 * The logon: NTLMv2 in SPNEGO. logon_step takes what the server sent (first: its hint, may be
 * empty) and appends what goes back; a status that is not success ends it.
 */
struct logon *logon_new(const struct client *client);
void logon_free(struct logon *logon);
ntstatus logon_step(struct logon *logon, struct cursor in, struct buf *out) MUST_CHECK;
/* logon_finish - the last token of the server, its check of the mechanism list included. */
ntstatus logon_finish(struct logon *logon, struct cursor in) MUST_CHECK;
/* logon_key - the session key; all zero for an anonymous logon. */
const uint8_t *logon_key(const struct logon *logon);
bool logon_is_anonymous(const struct logon *logon);

#endif
