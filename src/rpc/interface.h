// SPDX-License-Identifier: Apache-2.0
/*
 * What the files of this room share: an interface is a table of calls, a pipe is an association
 * that finds the row of each request and runs it.
 *
 * Nothing here is shared between pipes, so nothing has a lock: a pipe is worked on by one thread at
 * a time (fileserver/pipe.h), and every fact comes as a copy from fileserver/manage.h.
 */
#ifndef RPC_INTERFACE_H
#define RPC_INTERFACE_H

#include <fileserver/manage.h>
#include <fileserver/pipe.h>
#include <wire/dcerpc.h>
#include <wire/ndr.h>

#define RPC_MAX_REQUEST                                                                            \
	(256u << 10) /* bytes of stub that one call may bring, all fragments together */
#define RPC_MAX_REPLY (768u << 10) /* bytes of stub that one call may answer */
#define RPC_LIST_BYTES                                                                             \
	(512u << 10) /* what one listing call gives at most; the resume handle gives the rest */

#define RPC_WORKGROUP	 "WORKGROUP" /* a file server is in no domain */

/*
 * A client may put many calls into one write, which are all run before others of its loop have
 * their turn. Those beyond this are answered by a fault that says so, and are not run; clients send
 * the next call when they have the reply to the last.
 */
#define RPC_TURN_CALLS	 64
#define RPC_TURN_LOOKUPS 2000 /* names or SIDs, two calls full of them: each may ask stores */

#define RPC_MAX_ROWS	 64 /* of an interface and the one beside it */

struct rpc_row;

/* What the calls of one pipe share. */
struct rpc_pipe {
	void *state;			   /* the interface's own (one beside it has none) */
	unsigned calls_left, lookups_left; /* in this turn */
	struct refusal {
		const struct rpc_row *row;
		unsigned times;
	} refusals[RPC_MAX_ROWS]; /* of each row the first has a line in the log */
	size_t refusal_count;
};

/* One call while it runs. */
struct rpc_call {
	const struct pipe_peer *peer;
	const struct rpc_row *row;
	uint16_t opnum;
	bool is_admin;	       /* an Administrator of the file server that was dialled */
	uint32_t refused;      /* WERR_ACCESS_DENIED where the row needs what the caller has not */
	struct ndr_reader *in; /* its memory is also that of the reply's texts */
	struct ndr_writer *out;
	uint32_t status;	   /* what was answered, for the log */
	const char *object;	   /* what it was about, for the log; NULL: nothing in particular */
	struct manage_error error; /* why the management interface refused */
	void **state;		   /* the interface's own, of this pipe: context handles */
	struct rpc_pipe *pipe;
};

enum rpc_needs {
	RPC_NEEDS_PIPE,	   /* whoever may open the pipe */
	RPC_NEEDS_ACCOUNT, /* an account that counts at the file server: no guest, not nobody */
	RPC_NEEDS_ADMIN,   /* an Administrator of the file server */
};

struct rpc_row {
	uint16_t opnum;
	const char *name;
	enum rpc_needs needs;
	bool changes; /* always a line in the log; others only where refused */
	/* handle - decode, do, encode; RPC_FAULT_NONE or the status of the fault that is sent
	 * instead. */
	uint32_t (*handle)(struct rpc_call *call);
};

struct rpc_interface {
	const char *pipe; /* "srvsvc" */
	/* beside - another interface that this pipe serves, one without state; or NULL. */
	const struct rpc_interface *beside;
	const struct dcerpc_syntax *syntax;
	const struct rpc_row *rows;
	size_t row_count;
	/* state_free - what the calls of a pipe left in rpc_call.state (NULL: they leave nothing).
	 */
	void (*state_free)(void *state);
};
extern const struct rpc_interface rpc_dssetup, rpc_lsarpc, rpc_samr, rpc_srvsvc, rpc_winreg,
	rpc_wkssvc;

/* association.c: a pipe of an interface. */
void *association_open(const struct rpc_interface *interface, const struct pipe_peer *peer);
ntstatus association_exchange(void *state, struct cursor in, struct buf *out) MUST_CHECK;
void association_close(void *state);

/* call.c: run one request; @stub is whole. Appends the response or fault to @out. */
void call_run(const struct rpc_interface *interface, const struct pipe_peer *peer, uint16_t opnum,
	      uint16_t context_id, uint32_t call_id, uint16_t max_frag, struct cursor stub,
	      struct rpc_pipe *pipe, struct buf *out);
/* call_log_refusals - as a pipe closes: how often what had a line was refused. */
void call_log_refusals(const struct rpc_interface *interface, const struct pipe_peer *peer,
		       const struct rpc_pipe *pipe);
/* call_may_look_up - take @count names or SIDs from what this turn has; false where it has not so
 * many left: RPC_FAULT_SERVER_TOO_BUSY. */
bool call_may_look_up(struct rpc_call *call, uint32_t count) MUST_CHECK;
/* call_text - a text in the memory of the call; NULL (and a fault later) where there is none left.
 */
const char *call_text(struct rpc_call *call, const char *format, ...) PRINTF_LIKE(2, 3);

static inline const char *text_or_empty(const char *text)
{
	return text ? text : "";
}

/* srvsvc_*.c: the calls, by what they are about. */
uint32_t srvsvc_share_enum(struct rpc_call *call);
uint32_t srvsvc_share_get_info(struct rpc_call *call);
uint32_t srvsvc_share_add(struct rpc_call *call);
uint32_t srvsvc_share_set_info(struct rpc_call *call);
uint32_t srvsvc_share_del(struct rpc_call *call);
uint32_t srvsvc_share_del_ex(struct rpc_call *call);
uint32_t srvsvc_share_check(struct rpc_call *call);
uint32_t srvsvc_session_enum(struct rpc_call *call);
uint32_t srvsvc_session_del(struct rpc_call *call);
uint32_t srvsvc_connection_enum(struct rpc_call *call);
uint32_t srvsvc_file_enum(struct rpc_call *call);
uint32_t srvsvc_file_get_info(struct rpc_call *call);
uint32_t srvsvc_file_close(struct rpc_call *call);
uint32_t srvsvc_path_type(struct rpc_call *call);
uint32_t srvsvc_name_validate(struct rpc_call *call);

/*
 * A list that a call gives: @fill writes row @index of @count. list_answer gives the part of it
 * that the request's resume handle and preferred length ask for; with a @status that is an error,
 * an empty one.
 */
struct srvsvc_enum_request;
struct list {
	size_t count;
	void (*fill)(struct rpc_call *call, const void *source, size_t index, void *row);
	const void *source;
};
uint32_t list_answer(struct rpc_call *call, const struct srvsvc_enum_request *request,
		     const struct list *list, uint32_t status);

#endif
