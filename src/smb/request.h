// SPDX-License-Identifier: Apache-2.0
/*
 * A request: one frame on its way through the server, message by message where it is a compound.
 *
 * It belongs to its connection's loop. A handler answers, or makes it wait and returns
 * STATUS_PENDING; what ends the wait (any thread) posts it to its loop, where the same handler is
 * called again with rq->resumed set. Because a wait has exactly one waker, and a cancel only
 * completes the request when waiter_cancel says that the waker will not come, each wait ends
 * exactly once:
 *
 *   RUNNING -> WAITING -> (wake: posted) RUNNING       WAITING -> (cancel won) answered, freed
 *   RUNNING -> ON_DISK -> (done) RUNNING               cannot be cancelled
 *
 * It holds references to its connection, channel, tree and open, and the frame that its cursors
 * look into. Where its connection closes while it waits, the answer is dropped when the wait is
 * over.
 */
#ifndef SMB_REQUEST_H
#define SMB_REQUEST_H

#include "connection.h"
#include "session.h"

enum request_state { REQUEST_RUNNING, REQUEST_WAITING, REQUEST_ON_DISK };

/* What ends a wait. */
enum wait_kind {
	WAIT_WAKER,   /* whoever has its waiter */
	WAIT_PIPE,    /* the pipe that it reads from */
	WAIT_TURN,    /* posted already: a cancel only says so in wake_status */
	WAIT_LOGIN,   /* its timer, and then the handler again */
	WAIT_REFUSED, /* its timer; wake_status is the answer, which nothing makes come earlier */
};

struct command;

struct smb_request {
	struct connection *conn;
	struct smb_request *next, *previous; /* in conn->waiting, or in the spares */
	enum request_state state;
	struct frame frame;
	size_t next_at; /* where in the frame the next message begins */
	uint32_t index; /* of the message in the frame */

	/* The message at hand. */
	struct smb2_header header;
	const struct command *command;
	struct cursor message; /* base: its header; at: its body */
	bool is_signed;	       /* and the signature was right */
	bool is_related;
	bool resumed;
	bool keep_body; /* the handler's body stays although the status is an error */
	bool no_answer; /* CANCEL */
	bool granted;	/* its credits were, with the interim response */
	bool drop;	/* the connection is to be dropped in place of an answer */
	struct channel *channel;
	struct session *session; /* the channel's, and counted by it */
	struct tree *tree;
	struct open *open;	 /* counted; kept over a wait */
	bool is_counted;	 /* by its channel sequence, in open */
	bool is_stale;		 /* its channel sequence says that it must change nothing */
	struct barrier *barrier; /* the breaks that it caused; NULL: none */
	bool tells_caching;	 /* what its client may cache: no break of that may be first */
	struct replay *replay;	 /* of a CREATE: how a replay of it is known while it waits */
	bool is_lost;		 /* its connection is, and it waits on: counted in its session */
	struct pipe_open *pipe;	 /* of an IPC$ tree; counted, looked up anew after a wait */
	uint64_t async_id;	 /* once an interim response was sent */

	/* What related messages take over from the one before. */
	uint64_t last_session_id;
	uint32_t last_tree_id;
	bool last_had_session;
	bool has_last_file;
	struct smb2_file_id last_file;
	ntstatus last_status; /* why there is no last_file */

	/* The reply frame. */
	struct buf reply;
	size_t base_at;	   /* where its first message begins */
	size_t head_at;	   /* where the response at hand begins */
	bool has_response; /* at head_at stands one that is not finished off (signed) */
	bool force_sign;   /* the handler asks for it (the end of SESSION_SETUP) */
	bool sign;	   /* the response at head_at is to be signed, by: */
	struct channel *signing_channel;
	uint64_t signed_id;
	uint8_t *hash; /* pre-authentication hash that the response goes into */
	bool is_encrypted;
	struct channel *sealing_channel;
	bool is_paid;  /* every message of the frame has given its credits already */
	bool compress; /* the reply frame, but for its first compress_plain bytes */
	size_t compress_plain;
	size_t held;	   /* what connection_hold was told */
	size_t held_reply; /* of it, for the reply frame while the request waits */

	/* Waiting. */
	struct waiter waiter;
	struct loop_task task;
	struct io_op io;
	enum wait_kind wait_kind;
	struct loop_timer timer; /* of a wait for a time */
	ntstatus wake_status;
	ssize_t io_result;
	size_t progress;     /* of the handler: bytes done before it went to the disk */
	char *path;	     /* of the handler: kept over a wait, freed with the message */
	void *kept;	     /* likewise */
	struct open *source; /* likewise, counted: what is copied from */
};

struct command {
	ntstatus (*handle)(struct smb_request *rq);
	bool needs_session;
	bool needs_tree;
	bool on_ipc;	   /* answered on IPC$ */
	bool when_expired; /* also where the client of the session must log on anew */
	bool interim;	   /* where it waits, the client is told (STATUS_PENDING) and may cancel */
};
/* command_find - the row of a command, or NULL. dispatch.c has the table. */
const struct command *command_find(uint16_t command);
/* dispatch - check what the command needs and call its handler. */
ntstatus dispatch(struct smb_request *rq) MUST_CHECK;

/* request_begin - a frame came in: handle its messages; owns the frame. */
void request_begin(struct connection *conn, struct frame *frame);
/* request_waiter - the waiter to give to a call that may return STATUS_PENDING. */
struct waiter *request_waiter(struct smb_request *rq);
/* request_wait - that call returned STATUS_PENDING: wait. What it returns the handler returns. */
ntstatus request_wait(struct smb_request *rq) MUST_CHECK;
/* request_wait_disk - the operation to start; the handler returns STATUS_PENDING behind it. */
struct io_op *request_wait_disk(struct smb_request *rq);
/* request_wait_disk_long - the same, where the disk may take longer than a client waits without
 * having been told (MS-SMB2 3.3.4.2). */
struct io_op *request_wait_disk_long(struct smb_request *rq);
/* request_wait_none - that operation was not started after all. */
void request_wait_none(struct smb_request *rq);
/*
 * request_wait_turn - the handler has done enough for now: the others of its loop have their turn,
 * and then it is called again. What the handler returns.
 */
ntstatus request_wait_turn(struct smb_request *rq) MUST_CHECK;
/*
 * request_refuse_later - a login was refused: the answer (@status) waits for login_delay_ms,
 * whatever the client does, and its address pays with a place should it leave meanwhile. Other
 * logins on the connection wait for that (request_wait_login: then the handler is called again), so
 * that guesses come one after the other. What the handlers return.
 */
ntstatus request_refuse_later(struct smb_request *rq, ntstatus status) MUST_CHECK;
ntstatus request_wait_login(struct smb_request *rq) MUST_CHECK;
/* request_wait_pipe - wait for bytes in rq->pipe. */
ntstatus request_wait_pipe(struct smb_request *rq) MUST_CHECK;
/* request_wake - end a wait for a pipe; any thread. */
void request_wake(struct smb_request *rq, ntstatus status);
/* request_cancel - take a waiting request back and answer it with @status; false where it cannot
 * be. */
bool request_cancel(struct smb_request *rq, ntstatus status);
/* request_cancel_all - the connection has closed. */
void request_cancel_all(struct connection *conn);
/* request_cancel_session - cancel what still waits on @conn in @session (and @tree_id, UINT32_MAX:
 * all). */
void request_cancel_session(struct connection *conn, const struct session *session,
			    uint32_t tree_id);
/* request_cancel_id - CANCEL: by async id, else by message id. */
void request_cancel_id(struct connection *conn, bool is_async, uint64_t id);

/* request_open - find the open or pipe that @id names (or the related one) and keep it in rq. */
ntstatus request_open(struct smb_request *rq, const struct smb2_file_id *id) MUST_CHECK;
/* request_file - the same, and it must be a file or directory (not a pipe). */
ntstatus request_file(struct smb_request *rq, const struct smb2_file_id *id) MUST_CHECK;
/* request_set_channel - the message at hand came over @channel; takes a reference. */
void request_set_channel(struct smb_request *rq, struct channel *channel);
/* request_charge - does the credit charge pay for @bytes in either direction? MS-SMB2 3.3.5.2.5. */
ntstatus request_charge(const struct smb_request *rq, uint64_t bytes) MUST_CHECK;
/* request_path - a name from the wire as UTF-8 with '/'; STATUS_OBJECT_NAME_INVALID where it is
 * none. */
ntstatus request_path(struct cursor name, char **out) MUST_CHECK;
/* request_sequence - does the channel sequence let a request change its open's file? Asked by
 * WRITE, SET_INFO and IOCTL (MS-SMB2 3.3.5.2.10). */
ntstatus request_sequence(const struct smb_request *rq) MUST_CHECK;

/* Between request.c and wait.c. */
void request_free(struct smb_request *rq);
/* request_send_interim - tell the client that the message at hand waits (MS-SMB2 3.3.4.2). */
void request_send_interim(struct smb_request *rq);
/* request_go_on - the wait of a request is over: its handler again, then what follows it. */
void request_go_on(struct smb_request *rq);
/* request_settle - answer a request that waited with @status, and go on with what follows it. */
void request_settle(struct smb_request *rq, ntstatus status);

/* request_bounds - the header and the length of the message at @at of @frame. NULL, or why the
 * connection must go. */
const char *request_bounds(const struct frame *frame, size_t at, struct smb2_header *h,
			   size_t *length) MUST_CHECK;
/* request_pay - take the credits of a message; *charge: how many (a CANCEL none). Likewise. */
const char *request_pay(struct connection *conn, const struct smb2_header *h,
			uint32_t *charge) MUST_CHECK;

/* compress.c: is what comes next in the frame compressed? */
bool compress_is_compressed(const struct smb_request *rq);
/* compress_open_frame - put the decompressed frame in its place. NULL, or why the connection must
 * go. */
const char *compress_open_frame(struct smb_request *rq) MUST_CHECK;
/* compress_wish - compress the reply that is being made, if the client @asked for that or the share
 * says so; its first @plain bytes of body are not worth it. */
void compress_wish(struct smb_request *rq, bool asked, size_t plain);
/* compress_reply - the whole reply frame, where that makes it smaller. */
void compress_reply(struct smb_request *rq);

/* sign.c */
bool sign_check(struct channel *channel, const struct smb_request *rq) MUST_CHECK;
/* sign_response - sign the message that runs from @at to the end of @b. */
void sign_response(struct channel *channel, struct buf *b, size_t at, uint64_t message_id);
/* seal.c: rq->frame is a transform: decrypt it in place. NULL, or why the connection must go. */
const char *seal_open_frame(struct smb_request *rq) MUST_CHECK;
bool seal_reply(struct channel *channel, struct buf *b) MUST_CHECK;

/* negotiate.c */
ntstatus cmd_negotiate(struct smb_request *rq);
/* negotiate_smb1 - a frame that is SMB1: answers the NEGOTIATE that upgrades, or says why to drop.
 */
const char *negotiate_smb1(struct connection *conn, const struct frame *frame) MUST_CHECK;
uint32_t negotiate_capabilities(uint16_t dialect, enum cipher cipher, uint32_t of_client);
uint16_t negotiate_dialect(const uint16_t *dialects, size_t count);

ntstatus cmd_session_setup(struct smb_request *rq);
ntstatus cmd_logoff(struct smb_request *rq);
/* cmd_session_bind.c: session_bind - a SESSION_SETUP with the flag for it: rq->channel is the one
 * to be bound, or what it returns says why not. */
ntstatus session_bind(struct smb_request *rq) MUST_CHECK;
ntstatus cmd_tree_connect(struct smb_request *rq);
ntstatus cmd_tree_disconnect(struct smb_request *rq);
ntstatus cmd_create(struct smb_request *rq);
ntstatus cmd_close(struct smb_request *rq);
ntstatus cmd_flush(struct smb_request *rq);
ntstatus cmd_read(struct smb_request *rq);
ntstatus cmd_write(struct smb_request *rq);
ntstatus cmd_lock(struct smb_request *rq);
ntstatus cmd_ioctl(struct smb_request *rq);
ntstatus cmd_cancel(struct smb_request *rq);
ntstatus cmd_echo(struct smb_request *rq);
ntstatus cmd_query_directory(struct smb_request *rq);
ntstatus cmd_change_notify(struct smb_request *rq);
ntstatus cmd_query_info(struct smb_request *rq);
ntstatus cmd_set_info(struct smb_request *rq);
ntstatus cmd_oplock_break(struct smb_request *rq);

/* interfaces.c */
ntstatus fsctl_network_interfaces(struct smb_request *rq, const struct smb2_ioctl_request *r,
				  struct buf *out);
/* fsctl_copy.c: SRV_REQUEST_RESUME_KEY, SRV_COPYCHUNK and SRV_COPYCHUNK_WRITE. */
ntstatus fsctl_resume_key(struct smb_request *rq, const struct smb2_ioctl_request *r,
			  struct buf *out);
ntstatus fsctl_duplicate_extents(struct smb_request *rq, const struct smb2_ioctl_request *r,
				 struct buf *out);
ntstatus fsctl_copychunk(struct smb_request *rq, const struct smb2_ioctl_request *r,
			 struct buf *out);

/* barrier.c */
/* barrier_begin, barrier_end - breaks that are decided on this thread in between are caused by @rq.
 * What the first returns goes to the second. */
struct smb_request *barrier_begin(struct smb_request *rq);
void barrier_end(struct smb_request *outer);
/* barrier_join - a break begins its way: what to leave when it is sent, or will not be; NULL where
 * no request caused it. barrier_leave - any thread. */
struct barrier *barrier_join(void);
void barrier_leave(struct barrier *barrier);
/* barrier_answer - send rq->reply, which is complete, behind the breaks of @rq. */
void barrier_answer(struct smb_request *rq);

/* fsctl_hash.c: BERTH_HASH_RANGE. */
ntstatus fsctl_hash_range(struct smb_request *rq, const struct smb2_ioctl_request *r,
			  struct buf *out);

/* fsctl_offload.c: OFFLOAD_READ and OFFLOAD_WRITE. */
ntstatus fsctl_offload_read(struct smb_request *rq, const struct smb2_ioctl_request *r,
			    struct buf *out);
ntstatus fsctl_offload_write(struct smb_request *rq, const struct smb2_ioctl_request *r,
			     struct buf *out);

/* returning.c: returning_ask - where the client that has @open is there, say so (open_stays). Any
 * thread. */
void returning_ask(struct open *open);

/* breaks.c: break_oplock, break_lease - tell the client of it (open_events). Any thread. */
void break_oplock(struct open *open, uint8_t level);
void break_lease(struct open *open, const uint8_t key[16], uint32_t current_state,
		 uint32_t new_state, uint16_t new_epoch, bool ack_required);
/* breaks_closed - the connection has closed: what it may not have carried goes over another one. */
void breaks_closed(struct connection *conn);

#endif
