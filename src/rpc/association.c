// SPDX-License-Identifier: Apache-2.0
/*
 * One pipe as a connection-oriented association (C706 chapter 12, MS-RPCE 3.3.1): its presentation
 * contexts, and the request that is being put together from fragments. Only one request is in work
 * at a time, as its reply is written before the next PDU is looked at; so there is nothing that a
 * cancel could stop.
 *
 * A PDU that cannot be trusted (its header is wrong) ends the pipe at once. A breach of the
 * protocol is answered by a fault or bind_nak, and the pipe takes nothing more.
 *
 * The session under the pipe has authenticated the caller and protects the bytes, so binds carry no
 * credentials of their own; one that does is refused with the reason that says so.
 */
#include <base/log.h>

#include "interface.h"

#define MAX_FRAGMENT                                                                               \
	5840u /* what a client may send before it knows that we take DCERPC_MAX_FRAG               \
	       */
#define FIRST_AND_LAST (DCERPC_FIRST_FRAG | DCERPC_LAST_FRAG)

struct association {
	const struct rpc_interface *interface;
	struct pipe_peer peer; /* holds a reference to its server */
	bool is_bound;
	bool is_dead;
	uint16_t max_xmit; /* of the fragments that we send */
	uint32_t group;
	struct {
		uint16_t id;
		const struct rpc_interface *interface;
	} contexts[DCERPC_MAX_CONTEXTS];
	size_t context_count;
	struct buf in; /* the PDU whose end has not come yet */

	/* the request that is being put together */
	bool is_assembling;
	bool is_skipping; /* it has been answered by a fault; its other fragments mean nothing */
	uint32_t call_id;
	uint16_t context_id, opnum;
	struct buf stub;
	struct rpc_pipe pipe;
};

void *association_open(const struct rpc_interface *interface, const struct pipe_peer *peer)
{
	struct association *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	BUG_ON(interface->beside && interface->beside->state_free);
	BUG_ON(interface->row_count + (interface->beside ? interface->beside->row_count : 0) >
	       RPC_MAX_ROWS);
	a->interface = interface;
	a->peer = *peer;
	a->peer.server = server_get(peer->server);
	a->max_xmit = DCERPC_MUST_RECV_FRAG;
	a->in.limit = MAX_FRAGMENT;
	a->stub.limit = RPC_MAX_REQUEST;
	return a;
}

void association_close(void *state)
{
	struct association *a = state;

	call_log_refusals(a->interface, &a->peer, &a->pipe);
	if (a->pipe.state)
		a->interface->state_free(a->pipe.state);
	server_put(a->peer.server);
	buf_free(&a->in);
	buf_free(&a->stub);
	free(a);
}

static void breach(struct association *a, const char *what)
{
	log_info("rpc protocol error client=%s user=%s\\%s server=%s pipe=%s error=\"%s\"",
		 LOG_TEXT(a->peer.client), LOG_TEXT(a->peer.token->domain_name),
		 LOG_TEXT(a->peer.token->user_name), a->peer.server->name, a->interface->pipe,
		 what);
	a->is_dead = true;
}

static void fault(struct association *a, const struct dcerpc_header *header, uint16_t context_id,
		  uint32_t status, struct buf *out)
{
	dcerpc_fault_encode(out, header->call_id, context_id, DCERPC_DID_NOT_EXECUTE, status);
}

/* context_interface - NULL where there is no such context. */
static const struct rpc_interface *context_interface(const struct association *a, uint16_t id)
{
	for (size_t i = 0; i < a->context_count; i++) {
		if (a->contexts[i].id == id)
			return a->contexts[i].interface;
	}
	return NULL;
}

/* serves - the same interface and major version, and no minor version that is above ours. */
static bool serves(const struct rpc_interface *interface, const struct dcerpc_syntax *wanted)
{
	return !memcmp(interface->syntax->uuid, wanted->uuid, sizeof(wanted->uuid)) &&
	       (interface->syntax->version & 0xffff) == (wanted->version & 0xffff) &&
	       interface->syntax->version >> 16 >= wanted->version >> 16;
}

/* served - which interface of the pipe is @wanted; NULL: none. */
static const struct rpc_interface *served(const struct association *a,
					  const struct dcerpc_syntax *wanted)
{
	const struct rpc_interface *beside = a->interface->beside;

	if (serves(a->interface, wanted))
		return a->interface;
	return beside && serves(beside, wanted) ? beside : NULL;
}

static bool offers_ndr(const struct dcerpc_context *context)
{
	for (uint8_t i = 0; i < context->transfer_count; i++) {
		if (dcerpc_syntax_equal(&context->transfers[i], &DCERPC_NDR))
			return true;
	}
	return false;
}

static struct dcerpc_context_result negotiate(struct association *a,
					      const struct dcerpc_context *wanted)
{
	struct dcerpc_context_result no = { .result = DCERPC_PROVIDER_REJECTION };
	const struct rpc_interface *interface = served(a, &wanted->abstract), *known;
	uint16_t bits;

	if (dcerpc_is_feature_negotiation(&wanted->transfers[0], &bits))
		return (struct dcerpc_context_result){
			.result = DCERPC_NEGOTIATE_ACK
		}; /* none of them */
	if (!interface) {
		no.reason = DCERPC_ABSTRACT_SYNTAX_NOT_SUPPORTED;
		return no;
	}
	if (!offers_ndr(wanted)) {
		no.reason = DCERPC_TRANSFER_SYNTAXES_NOT_SUPPORTED;
		return no;
	}
	known = context_interface(a, wanted->id);
	if (known && known != interface) { /* a context keeps the interface that it was made for */
		no.reason = DCERPC_ABSTRACT_SYNTAX_NOT_SUPPORTED;
		return no;
	}
	if (!known) {
		if (a->context_count == ARRAY_LEN(a->contexts)) {
			no.reason = DCERPC_LOCAL_LIMIT_EXCEEDED;
			return no;
		}
		a->contexts[a->context_count].id = wanted->id;
		a->contexts[a->context_count++].interface = interface;
	}
	return (struct dcerpc_context_result){ .result = DCERPC_ACCEPTANCE,
					       .transfer = DCERPC_NDR };
}

static uint16_t clamp_fragment(uint16_t offered)
{
	if (offered < DCERPC_MUST_RECV_FRAG)
		return DCERPC_MUST_RECV_FRAG;
	return offered > DCERPC_MAX_FRAG ? DCERPC_MAX_FRAG : offered;
}

static void acknowledge(struct association *a, const struct dcerpc_header *header,
			const struct dcerpc_bind *bind, uint8_t type, struct buf *out)
{
	struct dcerpc_bind_ack ack = { .assoc_group = a->group, .secondary_address = "" };
	char address[32] = "";

	if (type == DCERPC_BIND_ACK) {
		size_t length = strlen(a->interface->pipe);

		BUG_ON(length > 16);
		memcpy(address, "\\PIPE\\", 6);
		memcpy(address + 6, a->interface->pipe, length + 1);
		ack.secondary_address = address;
	}
	ack.max_xmit_frag = a->max_xmit;
	ack.max_recv_frag = clamp_fragment(bind->max_xmit_frag);
	ack.result_count = bind->context_count;
	for (uint8_t i = 0; i < bind->context_count; i++)
		ack.results[i] = negotiate(a, &bind->contexts[i]);
	dcerpc_bind_ack_encode(out, type, header->call_id, &ack);
}

/* refuse_bind - nothing more is taken after it. */
static void refuse_bind(struct association *a, const struct dcerpc_header *header, uint16_t reason,
			const char *what, struct buf *out)
{
	dcerpc_bind_nak_encode(out, header->call_id, reason);
	breach(a, what);
}

static void take_bind(struct association *a, const struct dcerpc_header *header, struct cursor body,
		      struct buf *out)
{
	struct dcerpc_bind bind;

	if (header->auth_length) {
		refuse_bind(a, header, DCERPC_NAK_AUTH_TYPE, "bind with credentials of its own",
			    out);
		return;
	}
	if (a->is_bound || (header->flags & FIRST_AND_LAST) != FIRST_AND_LAST ||
	    !dcerpc_bind_decode(&body, &bind)) {
		refuse_bind(a, header, DCERPC_NAK_NOT_SPECIFIED, "bind cannot be taken", out);
		return;
	}
	a->is_bound = true;
	a->max_xmit = clamp_fragment(bind.max_recv_frag);
	a->group = bind.assoc_group;
	while (!a->group)
		a->group = (uint32_t)random_u64();
	acknowledge(a, header, &bind, DCERPC_BIND_ACK, out);
}

static void take_alter_context(struct association *a, const struct dcerpc_header *header,
			       struct cursor body, struct buf *out)
{
	struct dcerpc_bind bind;

	if (!a->is_bound || a->is_assembling || header->auth_length ||
	    (header->flags & FIRST_AND_LAST) != FIRST_AND_LAST ||
	    !dcerpc_bind_decode(&body, &bind)) {
		fault(a, header, 0, RPC_FAULT_PROTOCOL, out);
		breach(a, "alter_context cannot be taken");
		return;
	}
	acknowledge(a, header, &bind, DCERPC_ALTER_CONTEXT_RESPONSE, out);
}

/* first_fragment - false where the request has been answered already. */
static bool first_fragment(struct association *a, const struct dcerpc_header *header,
			   const struct dcerpc_request *request, struct buf *out)
{
	a->is_assembling = true;
	a->is_skipping = false;
	a->call_id = header->call_id;
	a->context_id = request->context_id;
	a->opnum = request->opnum;
	a->stub.len = 0;
	if (!context_interface(a, request->context_id)) {
		fault(a, header, request->context_id, RPC_FAULT_UNKNOWN_INTERFACE, out);
		a->is_skipping = true;
		return false;
	}
	return true;
}

static void request_done(struct association *a)
{
	a->is_assembling = false;
	buf_free(&a->stub);
	a->stub.limit = RPC_MAX_REQUEST;
}

/* run - the request that is whole now. */
static void run(struct association *a, const struct dcerpc_header *header, struct buf *out)
{
	if (!a->pipe.calls_left) {
		fault(a, header, a->context_id, RPC_FAULT_SERVER_TOO_BUSY, out);
		return;
	}
	a->pipe.calls_left--;
	call_run(context_interface(a, a->context_id), &a->peer, a->opnum, a->context_id, a->call_id,
		 a->max_xmit, cur_of(a->stub.data, a->stub.len), &a->pipe, out);
}

static void take_request(struct association *a, const struct dcerpc_header *header,
			 struct cursor body, struct buf *out)
{
	bool is_first = header->flags & DCERPC_FIRST_FRAG;
	struct dcerpc_request request;

	if (!a->is_bound || header->auth_length ||
	    !dcerpc_request_decode(&body, header, &request) || is_first == a->is_assembling ||
	    (!is_first && (header->call_id != a->call_id || request.context_id != a->context_id ||
			   request.opnum != a->opnum))) {
		fault(a, header, 0, RPC_FAULT_PROTOCOL, out);
		breach(a, "request cannot be taken");
		return;
	}
	if (is_first)
		(void)first_fragment(a, header, &request, out);
	if (!a->is_skipping) {
		buf_bytes(&a->stub, request.stub.at, cur_left(&request.stub));
		if (a->stub.failed) {
			fault(a, header, a->context_id, RPC_FAULT_OUT_OF_MEMORY, out);
			a->is_skipping = true;
		}
	}
	if (!(header->flags & DCERPC_LAST_FRAG))
		return;
	if (!a->is_skipping)
		run(a, header, out);
	request_done(a);
}

static void take_orphaned(struct association *a, const struct dcerpc_header *header,
			  struct cursor body, struct buf *out)
{
	if (a->is_assembling && header->call_id == a->call_id)
		request_done(a);
}

static void take_cancel(struct association *a, const struct dcerpc_header *header,
			struct cursor body, struct buf *out)
{
	/* what could be cancelled has been answered */
}

static const struct {
	uint8_t type;
	void (*take)(struct association *a, const struct dcerpc_header *header, struct cursor body,
		     struct buf *out);
} pdus[] = {
	{ DCERPC_REQUEST, take_request },
	{ DCERPC_BIND, take_bind },
	{ DCERPC_ALTER_CONTEXT, take_alter_context },
	{ DCERPC_CO_CANCEL, take_cancel },
	{ DCERPC_ORPHANED, take_orphaned },
};

static void take_pdu(struct association *a, const struct dcerpc_header *header, struct cursor pdu,
		     struct buf *out)
{
	struct dcerpc_auth auth;
	struct cursor body;

	if (!dcerpc_auth_split(pdu, header, &body, &auth)) {
		fault(a, header, 0, RPC_FAULT_PROTOCOL, out);
		breach(a, "auth verifier outside of its PDU");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(pdus); i++) {
		if (pdus[i].type == header->type) {
			pdus[i].take(a, header, body, out);
			return;
		}
	}
	fault(a, header, 0, RPC_FAULT_PROTOCOL, out);
	breach(a, "type of PDU that a client does not send");
}

/* fill - move bytes of @in to a->in until it holds @wanted; false where they do not suffice. */
static bool fill(struct association *a, struct cursor *in, size_t wanted)
{
	size_t more = (size_t)min_u64(wanted - min_u64(wanted, a->in.len), cur_left(in));

	buf_bytes(&a->in, cur_bytes(in, more), more);
	return !a->in.failed && a->in.len >= wanted;
}

ntstatus association_exchange(void *state, struct cursor in, struct buf *out)
{
	struct association *a = state;

	a->pipe.calls_left = RPC_TURN_CALLS;
	a->pipe.lookups_left = RPC_TURN_LOOKUPS;
	while (!a->is_dead) {
		struct dcerpc_header header;
		struct cursor c;

		if (!fill(a, &in, DCERPC_HEADER_SIZE))
			return a->in.failed ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
		c = cur_of(a->in.data, a->in.len);
		if (!dcerpc_header_decode(&c, &header) || header.frag_length > MAX_FRAGMENT) {
			breach(a, "header of a PDU that is none");
			return STATUS_PIPE_DISCONNECTED;
		}
		if (!fill(a, &in, header.frag_length))
			return a->in.failed ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
		take_pdu(a, &header, cur_of(a->in.data, a->in.len), out);
		if (out->failed || out->len > PIPE_MAX_MESSAGE) {
			breach(a, "replies that are not read");
			return STATUS_PIPE_DISCONNECTED;
		}
		buf_free(&a->in);
		a->in.limit = MAX_FRAGMENT;
		if (!cur_left(&in))
			return STATUS_SUCCESS;
	}
	return STATUS_PIPE_DISCONNECTED;
}
