// SPDX-License-Identifier: Apache-2.0
/*
 * The SMB2/3 server: what a node starts, stops, listens with and counts. What is served comes from
 * fileserver/ (the registry of file servers), who asks from auth/; this room turns both into the
 * protocol of MS-SMB2.
 *
 * A connection belongs to one loop and is touched on it only; a session may have several of them.
 * The functions here may be called on any thread unless they say otherwise; what they end is ended
 * on its own loop, soon after.
 */
#ifndef SMB_SMB_H
#define SMB_SMB_H

#include <crypto/crypto.h>
#include <fileserver/server.h>
#include <io/loop.h>

#define SMB_MAX_LOOPS		 64
#define SMB_MAX_ALGORITHMS	 8

/* CREATEs of a session that go on waiting though their connection is lost (wait.c), and the longest
 * frame that one of them may be in. */
#define SMB_MAX_LOST_CREATES	 64
#define SMB_MAX_LOST_FRAME_BYTES (128u << 10)

/* What is declared of an interface whose driver cannot tell. */
#define SMB_MAX_INTERFACES	 16
struct smb_interface {
	char name[16];
	uint64_t speed_mbit;
	bool has_rss; /* several connections over it are spread over processors */
};

/* Limits and policy. smb_config_defaults fills in what stands behind each. */
struct smb_config {
	/* How much a client, or all of them, may hold. */
	uint32_t max_connections;		 /* 16,384 on this node */
	uint32_t max_unauthenticated;		 /* 1,024 connections that have no session yet */
	uint32_t max_unauthenticated_per_client; /* 384 of them from one address */
	uint32_t max_connections_per_client;	 /* 2,048 from one address */
	uint32_t max_sessions_per_connection;	 /* 1,024 */
	uint32_t max_channels_per_session;	 /* 32 connections that one session is on */
	uint32_t max_trees_per_session;		 /* 4,096 */
	uint32_t max_pipes_per_session;		 /* 256 */
	uint32_t max_credits;			 /* 8,192 for a connection; a power of two */
	uint32_t max_outstanding;		 /* 1,024 requests of a connection that wait */
	uint32_t max_compound;			 /* 128 requests in one frame */
	uint32_t max_transact_bytes;		 /* 8 MiB (64 KiB for dialect 2.0.2) */
	uint32_t max_read_bytes;		 /* 8 MiB, likewise */
	uint32_t max_write_bytes;		 /* 8 MiB, likewise */
	uint32_t max_unsent_bytes; /* 2 MiB of replies that the network has not taken: likewise */
	uint32_t max_queued_bytes; /* 32 MiB held for a client before no more is read from it */

	/* How long. 0: no limit. */
	uint32_t negotiate_timeout_ms;	  /* 15,000 from the connection to its NEGOTIATE */
	uint32_t authenticate_timeout_ms; /* 45,000 from there to the first session */
	uint32_t idle_timeout_ms;	  /* 60,000 without a session */
	uint32_t login_delay_ms;	  /* 2,000 until a refused login is answered */
	uint32_t session_lifetime_ms;	  /* 0: a session, until its client must log on anew */
	uint32_t partial_timeout_ms;	  /* 60,000 from the first byte of a frame to its last */

	/* What is spoken: dialects from min to max, algorithms in order of preference. */
	uint16_t min_dialect; /* SMB2_DIALECT_202 */
	uint16_t max_dialect; /* SMB2_DIALECT_311 */
	bool smb1_negotiate;  /* true: answer the SMB1 multi-protocol negotiate that upgrades */
	enum cipher ciphers[SMB_MAX_ALGORITHMS]; /* 128-GCM, 128-CCM, 256-GCM, 256-CCM */
	size_t cipher_count;
	enum sign_algorithm signing[SMB_MAX_ALGORITHMS]; /* GMAC, CMAC, HMAC-SHA256 */
	size_t signing_count;
	bool gmac;	  /* true: sign with AES-GMAC where the client knows it (3.1.1) */
	bool compression; /* true: agree to compress; done where a client or a share asks for it */
	bool signing_required;	  /* false: for all servers; each server has a setting of its own */
	bool encryption_required; /* false: likewise */
	struct smb_interface interfaces[SMB_MAX_INTERFACES];
	size_t interface_count;
};
/* smb_interfaces_parse - "lo=10000+rss, eth1=25000" into @config; false where it is not that. */
bool smb_interfaces_parse(const char *text, struct smb_config *config) MUST_CHECK;
void smb_config_defaults(struct smb_config *config);

/*
 * smb_start - serve on these loops, which outlive smb_stop; @config is copied. Once a process.
 * Before the loops turn, or on any thread while they do.
 */
int smb_start(struct loop *const *loops, size_t count, const struct smb_config *config) MUST_CHECK;
/*
 * smb_stop - end every listener and connection. Returns at once; the loops must turn until
 * smb_statistics says that no connection is left (or for as long as the caller is willing to wait).
 */
void smb_stop(void);

struct smb_listener;
/*
 * smb_listen - accept on @address (TCP; an address that is not yet there may be bound). Connections
 * go to the loop that has the fewest. 0 with *out, or -errno: -EADDRINUSE, -EACCES, -EADDRNOTAVAIL.
 */
int smb_listen(const struct sockaddr *address, socklen_t length,
	       struct smb_listener **out) MUST_CHECK;
/* smb_listener_address - what it is bound to: the port, where 0 was asked for. */
int smb_listener_address(const struct smb_listener *listener,
			 struct sockaddr_storage *out) MUST_CHECK;
/*
 * smb_unlisten - no new connections from now on; with @drop_connections those that it accepted are
 * closed. @listener is gone for the caller. The address is free to be listened on again.
 */
void smb_unlisten(struct smb_listener *listener, bool drop_connections);

/*
 * smb_accept - take over a connected, non-blocking socket as if it had been accepted, for tests and
 * for sockets that are handed over. On the thread of @loop (one of smb_start), or before it turns.
 */
void smb_accept(struct loop *loop, int fd);

/*
 * smb_drop_server - end every session and tree connect of @server, and every connection that came
 * to it. done(arg) is called once all loops have done so (on one of them); its opens are closed by
 * then. The caller has taken @server out of the registry, so that no new ones come.
 */
void smb_drop_server(struct server *server, void (*done)(void *arg), void *arg);

/* Counters since the start, and gauges of now. A snapshot; cheap. */
struct smb_statistics {
	uint64_t connections, unauthenticated, sessions, trees, requests_waiting; /* now */
	uint64_t connections_accepted, connections_refused, connections_failed;
	uint64_t sessions_made, logins_refused, trees_refused;
	uint64_t requests[19], requests_failed[19]; /* by command */
	uint64_t bytes_read, bytes_written;	    /* file data */
	uint64_t frames_in, frames_out, bytes_in, bytes_out;
	uint64_t bad_signatures, bad_seals, protocol_errors, timeouts;
	uint64_t oplock_breaks, lease_breaks;
};
void smb_statistics(struct smb_statistics *out);

#endif
