// SPDX-License-Identifier: Apache-2.0
/* The life of a connection: connect, negotiate, set up the session, and its end. */
#include "impl.h"

#include <base/utf16.h>
#include <crypto/ntlm.h>
#include <errno.h>

#define CONNECT_TIMEOUT_MS 10000

static const uint16_t all_dialects[] = { SMB2_DIALECT_202, SMB2_DIALECT_210, SMB2_DIALECT_300,
					 SMB2_DIALECT_302, SMB2_DIALECT_311 };

const char *client_step_name(enum client_step step)
{
	static const char *const names[] = {
		[CLIENT_STEP_RESOLVE] = "resolve",
		[CLIENT_STEP_CONNECT] = "connect",
		[CLIENT_STEP_NEGOTIATE] = "negotiate",
		[CLIENT_STEP_SESSION_SETUP] = "session setup",
		[CLIENT_STEP_TREE_CONNECT] = "tree connect",
		[CLIENT_STEP_VALIDATE] = "validate negotiate",
		[CLIENT_STEP_REQUEST] = "request",
	};

	return (size_t)step < ARRAY_LEN(names) ? names[step] : "unknown";
}

ntstatus client_network_status(int error)
{
	static const struct {
		int error;
		ntstatus status;
	} rows[] = {
		{ ECONNREFUSED, STATUS_CONNECTION_REFUSED },
		{ ETIMEDOUT, STATUS_IO_TIMEOUT },
		{ ECONNRESET, STATUS_CONNECTION_RESET },
		{ EPIPE, STATUS_CONNECTION_RESET },
		{ ENETUNREACH, STATUS_NETWORK_UNREACHABLE },
		{ EHOSTUNREACH, STATUS_HOST_UNREACHABLE },
		{ EHOSTDOWN, STATUS_HOST_UNREACHABLE },
		{ EMSGSIZE, STATUS_INVALID_NETWORK_RESPONSE },
		{ EPROTO, STATUS_INVALID_NETWORK_RESPONSE },
		{ 0, STATUS_CONNECTION_DISCONNECTED },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].error == error)
			return rows[i].status;
	return ntstatus_of_errno(error);
}

void client_fail(struct client *client, enum client_step step, ntstatus status, int error,
		 const char *detail)
{
	if (client->failed)
		return;
	client->failed = true;
	client->failure = (struct client_failure){ step, status, error, detail };
	stream_close(client->stream);
}

static void free_client(struct client *client)
{
	keys_free(client);
	logon_free(client->logon);
	free(client->server);
	free(client->user);
	free(client->domain);
	secret_wipe(client->nt_hash, sizeof(client->nt_hash));
	free(client);
}

static void on_closed(struct stream *stream, int error)
{
	struct client *client = stream_owner(stream);

	if (!client->failed) {
		client->failed = true;
		client->failure =
			(struct client_failure){ client->step, client_network_status(-error),
						 -error, NULL };
	}
	requests_fail_all(client, client->failure.status ? client->failure.status
							 : STATUS_CONNECTION_DISCONNECTED);
	client->events->closed(client, &client->failure);
	free_client(client);
}

/* SESSION SETUP (MS-SMB2 3.2.4.2.3, 3.2.5.3). */

static void session_answered(struct client_request *request);

static void session_failed(struct client *client, ntstatus status, const char *detail)
{
	client_fail(client, CLIENT_STEP_SESSION_SETUP, status, 0, detail);
}

static void send_session_setup(struct client *client, struct cursor token)
{
	auto_buf struct buf out = { 0 };
	struct smb2_session_setup_request body = {
		.security_mode = (uint8_t)client->security_mode,
		.capabilities = client->capabilities & SMB2_GLOBAL_CAP_DFS,
	};
	struct client_message message;
	ntstatus status = logon_step(client->logon, token, &out);

	if (status) {
		session_failed(client, status, "The server's logon token cannot be used.");
		return;
	}
	body.security_buffer = cur_of(out.data, out.len);
	client->setup.done = session_answered;
	client_begin(client, &message, NULL);
	client_add(&message, client, &client->setup, SMB2_SESSION_SETUP, 0, false);
	smb2_session_setup_request_encode(&message.buf, &body);
	client_send(client, &message);
}

static const uint8_t *message_bytes(const struct client_request *request)
{
	return request->body.base;
}

static size_t message_length(const struct client_request *request)
{
	return (size_t)(request->body.end - request->body.base);
}

/* A guest and nobody have no key, so that nothing of theirs is signed or sealed. */
static bool has_key(const struct client *client)
{
	return !(client->facts.session_flags &
		 (SMB2_SESSION_FLAG_IS_GUEST | SMB2_SESSION_FLAG_IS_NULL)) &&
	       !logon_is_anonymous(client->logon);
}

static bool last_answer_is_genuine(struct client *client, const struct client_request *request)
{
	if (client->options.signing == CLIENT_FORBIDDEN)
		return true;
	if (request->header.flags & SMB2_FLAGS_SIGNED)
		return keys_verify(client, message_bytes(request), message_length(request),
				   &request->header);
	return client->facts.dialect < SMB2_DIALECT_311 && !client->facts.signs;
}

static void session_is_set_up(struct client *client, const struct client_request *request)
{
	const struct client_options *options = &client->options;
	struct client_facts *facts = &client->facts;

	if (!has_key(client)) {
		/* Whoever is in between can say "guest" too, and what follows is not protected. */
		if (!logon_is_anonymous(client->logon) && !options->guest_allowed) {
			session_failed(client, STATUS_LOGON_FAILURE,
				       "The server took the account for a guest.");
			return;
		}
		if (options->signing == CLIENT_REQUIRED || options->encryption == CLIENT_REQUIRED) {
			session_failed(client, STATUS_ACCESS_DENIED,
				       "A guest's session can be neither signed nor encrypted.");
			return;
		}
		client->validated = true;
		facts->signs = false;
	} else {
		if (!keys_derive(client, logon_key(client->logon))) {
			session_failed(client, STATUS_NO_MEMORY, NULL);
			return;
		}
		if (!last_answer_is_genuine(client, request)) {
			session_failed(client, STATUS_INVALID_NETWORK_RESPONSE,
				       "The signature of the last session setup answer is wrong.");
			return;
		}
		facts->encrypts = facts->session_flags & SMB2_SESSION_FLAG_ENCRYPT_DATA ||
				  options->encryption == CLIENT_REQUIRED;
		if (facts->encrypts && !client->seal) {
			session_failed(client, STATUS_NOT_SUPPORTED,
				       "Encryption is required, but was not negotiated.");
			return;
		}
	}
	logon_free(client->logon);
	client->logon = NULL;
	client->ready = true;
	client->step = CLIENT_STEP_REQUEST;
	stream_set_limit(client->stream, FRAME_LIMIT);
	client->events->ready(client);
}

static void session_answered(struct client_request *request)
{
	struct client *client = container_of(request, struct client, setup);
	struct smb2_session_setup_response response = { 0 };
	ntstatus status;

	if (!request->answered)
		return;
	if (request->status != STATUS_SUCCESS &&
	    request->status != STATUS_MORE_PROCESSING_REQUIRED) {
		session_failed(client, request->status, NULL);
		return;
	}
	if (smb2_session_setup_response_decode(&request->body, &response) ||
	    ++client->rounds > SESSION_ROUNDS_MAX) {
		session_failed(client, STATUS_INVALID_NETWORK_RESPONSE, NULL);
		return;
	}
	client->facts.session_id = request->header.session_id;
	if (request->status == STATUS_MORE_PROCESSING_REQUIRED) {
		preauth_extend(client, message_bytes(request), message_length(request));
		send_session_setup(client, response.security_buffer);
		return;
	}
	client->facts.session_flags = response.session_flags;
	status = logon_finish(client->logon, response.security_buffer);
	if (status)
		session_failed(client, status, "The server's last logon token is wrong.");
	else
		session_is_set_up(client, request);
}

/* NEGOTIATE (MS-SMB2 3.2.4.2.2, 3.2.5.2). */

static void choose_dialects(struct client *client)
{
	uint16_t low = client->options.dialect_min, high = client->options.dialect_max;

	for (size_t i = 0; i < ARRAY_LEN(all_dialects); i++)
		if (all_dialects[i] >= low && (!high || all_dialects[i] <= high))
			client->dialects[client->dialect_count++] = all_dialects[i];
	if (!client->dialect_count)
		client->dialects[client->dialect_count++] = SMB2_DIALECT_311;
}

static bool offers(const struct client *client, uint16_t dialect)
{
	for (unsigned i = 0; i < client->dialect_count; i++)
		if (client->dialects[i] == dialect)
			return true;
	return false;
}

static void fill_algorithms(const struct client *client, struct smb2_negotiate_contexts *contexts)
{
	static const uint16_t ciphers[] = { CIPHER_AES_128_GCM, CIPHER_AES_128_CCM,
					    CIPHER_AES_256_GCM, CIPHER_AES_256_CCM };
	static const uint16_t compressions[] = { SMB2_COMPRESSION_LZ77,
						 SMB2_COMPRESSION_LZ77_HUFFMAN,
						 SMB2_COMPRESSION_LZNT1,
						 SMB2_COMPRESSION_PATTERN_V1 };
	static const uint16_t signings[] = { SIGN_AES_GMAC, SIGN_AES_CMAC, SIGN_HMAC_SHA256 };
	const struct client_options *o = &client->options;

	contexts->has_preauth = true;
	contexts->preauth_count = 1;
	contexts->preauth_hash[0] = SMB2_HASH_SHA512;
	contexts->salt_length = 32;
	random_bytes(contexts->salt, 32);
	contexts->has_encryption = o->encryption != CLIENT_FORBIDDEN;
	contexts->cipher_count = (uint16_t)(o->cipher_count ? o->cipher_count : ARRAY_LEN(ciphers));
	memcpy(contexts->cipher, o->cipher_count ? o->ciphers : ciphers,
	       contexts->cipher_count * sizeof(uint16_t));
	contexts->has_signing = true;
	contexts->signing_count =
		(uint16_t)(o->signing_count ? o->signing_count : ARRAY_LEN(signings));
	memcpy(contexts->signing, o->signing_count ? o->signings : signings,
	       contexts->signing_count * sizeof(uint16_t));
	if (!o->compression)
		return;
	contexts->has_compression = true;
	contexts->compression_flags = o->compression_unchained ? 0 : SMB2_COMPRESSION_FLAG_CHAINED;
	contexts->compression_count =
		(uint16_t)(o->compression_count ? o->compression_count : ARRAY_LEN(compressions));
	memcpy(contexts->compression, o->compression_count ? o->compressions : compressions,
	       contexts->compression_count * sizeof(uint16_t));
}

static bool chosen_from(uint16_t value, const uint16_t *list, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (list[i] == value)
			return true;
	return false;
}

/* What is chosen is of what was offered; none is "none" (MS-SMB2 3.2.5.2). */
static bool take_compression(struct client *client, const struct smb2_negotiate_contexts *got,
			     const struct smb2_negotiate_contexts *sent)
{
	bool none = got->compression_count == 1 && got->compression[0] == SMB2_COMPRESSION_NONE;

	if (!got->has_compression || none)
		return true;
	for (size_t i = 0; i < got->compression_count; i++)
		if (!chosen_from(got->compression[i], sent->compression, sent->compression_count))
			return false;
	if (got->compression_flags & ~sent->compression_flags)
		return false;
	client->facts.compression = smb2_compression_agree(got);
	return true;
}

/* What a 3.1.1 server chose must be one of what was offered. */
static bool take_contexts(struct client *client, const struct smb2_negotiate_contexts *got)
{
	struct smb2_negotiate_contexts sent = { 0 };

	fill_algorithms(client, &sent);
	if (!got->has_preauth || got->preauth_count != 1 ||
	    got->preauth_hash[0] != SMB2_HASH_SHA512)
		return false;
	client->facts.sign_algorithm = SIGN_AES_CMAC;
	if (got->has_signing) {
		if (got->signing_count != 1 ||
		    !chosen_from(got->signing[0], sent.signing, sent.signing_count))
			return false;
		client->facts.sign_algorithm = (enum sign_algorithm)got->signing[0];
	}
	if (got->has_encryption && got->cipher_count == 1 && got->cipher[0]) {
		if (!sent.has_encryption ||
		    !chosen_from(got->cipher[0], sent.cipher, sent.cipher_count))
			return false;
		client->facts.cipher = (enum cipher)got->cipher[0];
	}
	return take_compression(client, got, &sent);
}

static bool take_answer(struct client *client, const struct smb2_negotiate_response *r)
{
	struct client_facts *f = &client->facts;

	if (!offers(client, r->dialect))
		return false;
	f->dialect = r->dialect;
	f->security_mode = r->security_mode;
	f->capabilities = r->capabilities;
	f->server_guid = r->server_guid;
	f->max_transact = r->max_transact_size;
	f->max_read = r->max_read_size;
	f->max_write = r->max_write_size;
	f->sign_algorithm = r->dialect >= SMB2_DIALECT_300 ? SIGN_AES_CMAC : SIGN_HMAC_SHA256;
	f->cipher = CIPHER_NONE;
	if (r->dialect == SMB2_DIALECT_311)
		return take_contexts(client, &r->contexts);
	if (r->dialect >= SMB2_DIALECT_300 && r->capabilities & SMB2_GLOBAL_CAP_ENCRYPTION &&
	    client->options.encryption != CLIENT_FORBIDDEN)
		f->cipher = CIPHER_AES_128_CCM;
	return true;
}

static void negotiate_failed(struct client *client, ntstatus status, const char *detail)
{
	client_fail(client, CLIENT_STEP_NEGOTIATE, status, 0, detail);
}

static void negotiated(struct client_request *request)
{
	struct client *client = container_of(request, struct client, setup);
	struct smb2_negotiate_response response = { 0 };
	struct client_facts *f = &client->facts;

	if (!request->answered)
		return;
	if (request->status != STATUS_SUCCESS) {
		negotiate_failed(client, request->status, NULL);
		return;
	}
	if (smb2_negotiate_response_decode(&request->body, &response) ||
	    !take_answer(client, &response)) {
		negotiate_failed(client, STATUS_INVALID_NETWORK_RESPONSE,
				 "The answer to the negotiation cannot be used.");
		return;
	}
	if (client->options.encryption == CLIENT_REQUIRED && f->cipher == CIPHER_NONE) {
		negotiate_failed(client, STATUS_NOT_SUPPORTED, "The server does not encrypt.");
		return;
	}
	preauth_extend(client, message_bytes(request), message_length(request));
	f->signs = client->options.signing == CLIENT_REQUIRED ||
		   (client->options.signing == CLIENT_IF_ASKED &&
		    f->security_mode & SMB2_NEGOTIATE_SIGNING_REQUIRED);
	client->validated = f->dialect == SMB2_DIALECT_311 ||
			    client->dialects[client->dialect_count - 1] < SMB2_DIALECT_300;
	client->step = CLIENT_STEP_SESSION_SETUP;
	client->logon = logon_new(client);
	send_session_setup(client, response.security_buffer);
}

static void send_negotiate(struct client *client)
{
	struct smb2_negotiate_request body = {
		.dialect_count = client->dialect_count,
		.security_mode = client->security_mode,
		.capabilities = client->capabilities,
		.client_guid = client->guid,
	};
	auto_buf struct buf name = { 0 };
	struct client_message message;

	memcpy(body.dialects, client->dialects, sizeof(client->dialects));
	if (offers(client, SMB2_DIALECT_311)) {
		fill_algorithms(client, &body.contexts);
		utf16_encode(&name, client->server);
		body.contexts.netname = cur_of(name.data, name.len);
	}
	client->step = CLIENT_STEP_NEGOTIATE;
	client->setup.done = negotiated;
	client_begin(client, &message, NULL);
	client_add(&message, client, &client->setup, SMB2_NEGOTIATE, 0, false);
	smb2_negotiate_request_encode(&message.buf, &body);
	client_send(client, &message);
}

static void on_connected(struct stream *stream)
{
	send_negotiate(stream_owner(stream));
}

static void on_frame(struct stream *stream, struct frame *frame)
{
	struct client *client = stream_owner(stream);

	if (!client->failed)
		client_received(client, frame);
	frame_free(frame);
}

static const struct stream_events stream_events = {
	.connected = on_connected,
	.frame = on_frame,
	.closed = on_closed,
};

static struct client *make(struct loop *loop, const struct client_options *options,
			   const struct client_events *events, void *owner)
{
	struct client *client = xalloc(1, sizeof(*client));

	BUG_ON(options->cipher_count > CLIENT_ALGORITHMS_MAX ||
	       options->signing_count > CLIENT_ALGORITHMS_MAX);
	client->loop = loop;
	client->events = events;
	client->owner = owner;
	client->options = *options;
	client->server = xstrdup(options->server ? options->server : "");
	client->user = xstrdup(options->user ? options->user : "");
	client->domain = xstrdup(options->domain ? options->domain : "");
	if (options->nt_hash)
		memcpy(client->nt_hash, options->nt_hash, sizeof(client->nt_hash));
	else
		BUG_ON(!ntlm_nt_hash(options->password ? options->password : "", client->nt_hash));
	client->options.password = NULL;
	client->options.nt_hash = NULL;
	client->guid = guid_random();
	choose_dialects(client);
	client->security_mode = SMB2_NEGOTIATE_SIGNING_ENABLED;
	if (options->signing == CLIENT_REQUIRED)
		client->security_mode |= SMB2_NEGOTIATE_SIGNING_REQUIRED;
	if (client->dialects[client->dialect_count - 1] >= SMB2_DIALECT_300) {
		client->capabilities =
			SMB2_GLOBAL_CAP_DFS | SMB2_GLOBAL_CAP_LEASING | SMB2_GLOBAL_CAP_LARGE_MTU;
		if (options->encryption != CLIENT_FORBIDDEN)
			client->capabilities |= SMB2_GLOBAL_CAP_ENCRYPTION;
	}
	client->step = CLIENT_STEP_CONNECT;
	requests_init(client);
	return client;
}

struct client *client_connect(struct loop *loop, const struct sockaddr *address, socklen_t length,
			      const struct client_options *options,
			      const struct client_events *events, void *owner)
{
	struct client *client = make(loop, options, events, owner);
	uint64_t timeout_ms =
		options->connect_timeout_ms ? options->connect_timeout_ms : CONNECT_TIMEOUT_MS;

	client->stream = stream_connect(loop, address, length, timeout_ms, &stream_events, client);
	stream_set_limit(client->stream, FRAME_LIMIT_EARLY);
	return client;
}

struct client *client_adopt(struct loop *loop, int fd, const struct client_options *options,
			    const struct client_events *events, void *owner)
{
	struct client *client = make(loop, options, events, owner);

	client->stream = stream_new(loop, fd, &stream_events, client);
	stream_set_limit(client->stream, FRAME_LIMIT_EARLY);
	send_negotiate(client);
	return client;
}

void client_close(struct client *client)
{
	client_fail(client, client->step, STATUS_SUCCESS, 0, NULL);
}

void *client_owner(const struct client *client)
{
	return client->owner;
}

struct loop *client_loop(const struct client *client)
{
	return client->loop;
}

const struct client_facts *client_facts(const struct client *client)
{
	return &client->facts;
}
