// SPDX-License-Identifier: Apache-2.0
/*
 * A file server in this process, and the other end of a connection to it: for the tests of the
 * protocol and for the fuzz target, which say each byte themselves. One loop, turned by whoever
 * waits for an answer; or (peer_start_threads) several, each turned by a thread of its own, and
 * clients on threads of their own.
 *
 * The server is FS, a node's own, in a directory that goes when the process ends. It has the share
 * "data", the accounts alice (an Administrator) and bob, and a pipe srvsvc that says back what it
 * is told.
 */
#ifndef TESTS_SMB_PEER_H
#define TESTS_SMB_PEER_H

#include <base/log.h>
#include <base/utf16.h>
#include <crypto/ntlm.h>
#include <errno.h>
#include <fcntl.h>
#include <fileserver/pipe.h>
#include <fileserver/server.h>
#include <pthread.h>
#include <signal.h>
#include <smb/smb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wire/fscc.h>
#include <wire/ntlm.h>
#include <wire/smb2.h>

#define PEER_PASSWORD "Passw0rd"

static struct loop *peer_loop; /* NULL: threads turn them */
static struct loop *peer_loops[4];
static size_t peer_loop_count;
static struct server *peer_server;
static unsigned peer_count; /* connections that are open */
static char peer_directory[] = "/tmp/berth-smb-XXXXXX";

struct peer {
	int fd;
	uint16_t dialect;
	uint64_t message_id, session_id;
	uint32_t tree_id;
	const char *user;		/* NULL: alice */
	uint8_t setup_flags;		/* of its SESSION_SETUP */
	uint8_t key[16];		/* of the session */
	struct signer *signer;		/* not NULL: what is sent is signed */
	struct sealer *sealer, *opener; /* not NULL: it is encrypted */
	uint8_t file_id[16];
	struct buf in; /* the last answer, with its four bytes */
};

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "smb peer: %s: %s\n", what, strerror(errno));
	abort();
}

static void peer_remove_directory(void)
{
	auto_free char *command = xasprintf("rm -rf %s", peer_directory);

	(void)!system(command);
}

static void *peer_pipe_opened(const struct pipe_peer *p)
{
	return xalloc(1, 1);
}

static ntstatus peer_pipe_echo(void *state, struct cursor in, struct buf *out)
{
	buf_bytes(out, in.at, cur_left(&in));
	return STATUS_SUCCESS;
}

static const struct pipe_endpoint peer_echo = { "srvsvc", peer_pipe_opened, peer_pipe_echo, free };

static void peer_fill_store(struct store *store)
{
	struct store_user user = { .name = xstrdup("alice"), .full_name = xstrdup("") };
	struct store_share share = { .name = xstrdup("data"),
				     .path = xstrdup("data"),
				     .remark = xstrdup(""),
				     .max_uses = UINT32_MAX };

	must(ntlm_nt_hash(PEER_PASSWORD, user.nt_hash) && !store_user_add(store, &user) &&
		     !store_member_add(store, "Administrators", "alice") &&
		     !store_share_add(store, &share),
	     "accounts");
	free(user.name);
	user.name = xstrdup("bob");
	must(!store_user_add(store, &user), "bob");
	free(share.name);
	share.name = xstrdup("sealed");
	share.flags = STORE_SHARE_ENCRYPT;
	must(!store_share_add(store, &share), "share");
	free(share.name);
	share.name = xstrdup("packed");
	share.flags = STORE_SHARE_COMPRESS;
	must(!store_share_add(store, &share), "share");
	must(!store_set_setting(store, "signing", "enabled"), "setting");
	store_user_free(&user);
	store_share_free(&share);
}

static void peer_make_server(void)
{
	struct store *store = NULL;
	char *why;

	log_set_level(getenv("SMB_PEER_LOG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	signal(SIGPIPE, SIG_IGN);
	must(mkdtemp(peer_directory) != NULL, "mkdtemp");
	atexit(peer_remove_directory);
	{
		auto_free char *home = xasprintf("%s/.berth", peer_directory);
		auto_free char *data = xasprintf("%s/data", peer_directory);

		must(!store_create(home, "FS") && !store_open(home, &store), "store");
		must(!mkdir(data, 0755), "mkdir");
	}
	peer_fill_store(store);
	store_close(store);
	must(!server_load(peer_directory, true, &peer_server, &why), "server");
	server_publish(peer_server);
	pipe_register(&peer_echo);
}

/* peer_start - make the server and begin to serve, by @config or (NULL) as a node does that was
 * told nothing; once a process. */
static inline void peer_start(const struct smb_config *config)
{
	struct smb_config usual;

	smb_config_defaults(&usual);
	peer_make_server();
	peer_loop = peer_loops[0] = loop_new(IO_POOL);
	peer_loop_count = 1;
	must(peer_loop && !smb_start(&peer_loop, 1, config ? config : &usual), "start");
}

static void *peer_turn_loop(void *loop)
{
	loop_run(loop);
	return NULL;
}

/* peer_start_threads - the same with @count loops that turn by themselves. */
static inline void peer_start_threads(const struct smb_config *config, size_t count,
				      pthread_t *threads)
{
	peer_make_server();
	peer_loop_count = count;
	for (size_t i = 0; i < count; i++)
		must((peer_loops[i] = loop_new(IO_POOL)) != NULL, "loop");
	must(!smb_start(peer_loops, count, config), "start");
	for (size_t i = 0; i < count; i++)
		must(!pthread_create(&threads[i], NULL, peer_turn_loop, peer_loops[i]), "thread");
}

/* Let the server work: at most @ms where nothing is to be done. */
static void peer_turn(int ms)
{
	if (peer_loop)
		loop_run_once(peer_loop, ms);
	else
		usleep(ms ? 1000 : 50);
}

struct peer_arrival {
	struct loop_task task;
	struct loop *loop;
	int fd;
};

static void peer_arrived(struct loop_task *task)
{
	struct peer_arrival *arrival = container_of(task, struct peer_arrival, task);

	smb_accept(arrival->loop, arrival->fd);
	free(arrival);
}

static void peer_arrive(struct loop *loop, int fd)
{
	struct peer_arrival *arrival = xalloc(1, sizeof(*arrival));

	arrival->task.run = peer_arrived;
	arrival->loop = loop;
	arrival->fd = fd;
	loop_post(loop, &arrival->task);
}

/* peer_open - a new connection. */
static inline void peer_open(struct peer *p, uint16_t dialect)
{
	int ends[2];

	*p = (struct peer){ .dialect = dialect };
	must(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), "socket");
	p->fd = ends[1];
	__atomic_add_fetch(&peer_count, 1, __ATOMIC_RELAXED);
	if (peer_loop)
		smb_accept(peer_loop, ends[0]);
	else
		peer_arrive(peer_loops[(unsigned)ends[0] % peer_loop_count], ends[0]);
}

/* peer_close - end the connection; what is left of the last on the server's side is an error. */
static inline void peer_close(struct peer *p)
{
	struct smb_statistics now;

	close(p->fd);
	__atomic_sub_fetch(&peer_count, 1, __ATOMIC_RELAXED);
	if (!peer_loop) /* whoever began the threads looks at what is left */
		goto freed;
	for (int turns = 0; turns < 10000; turns++) {
		peer_turn(turns > 8);
		smb_statistics(&now);
		if (now.connections <= peer_count &&
		    (peer_count || (!now.sessions && !now.requests_waiting)))
			break;
	}
	must(now.connections <= peer_count &&
		     (peer_count || (!now.sessions && !now.trees && !now.requests_waiting)),
	     "something is left of a connection that has gone");
freed:
	signer_free(p->signer);
	sealer_free(p->sealer);
	sealer_free(p->opener);
	buf_free(&p->in);
}

static bool peer_is_waited_for(void)
{
	struct smb_statistics now;

	smb_statistics(&now);
	return now.requests_waiting;
}

/* Decrypt what came, in place of the transform. */
static void peer_unseal(struct peer *p)
{
	uint8_t *frame = p->in.data + 4;
	size_t length = p->in.len - 4;
	struct cursor c = cur_of(frame, length);
	struct smb2_transform t;

	if (!p->opener || smb2_transform_decode(&c, &t))
		return;
	must(sealer_open(p->opener, t.nonce, frame + SMB2_TRANSFORM_NONCE_AT,
			 SMB2_TRANSFORM_SIZE - SMB2_TRANSFORM_NONCE_AT, frame + SMB2_TRANSFORM_SIZE,
			 length - SMB2_TRANSFORM_SIZE, t.signature),
	     "an answer does not open");
	memmove(frame, frame + SMB2_TRANSFORM_SIZE, length - SMB2_TRANSFORM_SIZE);
	p->in.len -= SMB2_TRANSFORM_SIZE;
}

/*
 * peer_receive - one answer into p->in; false where none comes within @patience turns of a
 * millisecond (the connection has gone, or the request waits).
 */
static bool peer_receive(struct peer *p, int patience)
{
	uint8_t head[4];
	size_t length = 0;
	ssize_t n;

	p->in.len = 0;
	for (int turns = 0; turns < 8 + patience; turns++) {
		n = recv(p->fd, head, sizeof(head), MSG_DONTWAIT | MSG_PEEK);
		if (n == 4)
			length = (size_t)head[1] << 16 | head[2] << 8 | head[3];
		if (!n || (n < 0 && errno != EAGAIN))
			return false;
		if (n == 4 && buf_room(&p->in, length + 4)) {
			n = recv(p->fd, p->in.data, length + 4, MSG_DONTWAIT | MSG_PEEK);
			if (n == (ssize_t)length + 4) {
				p->in.len = length + 4;
				(void)!recv(p->fd, p->in.data, length + 4, 0);
				peer_unseal(p);
				return true;
			}
		}
		if (peer_loop && turns >= 8 && !peer_is_waited_for())
			return false;
		peer_turn(turns >= 8);
	}
	return false;
}

/* peer_gone - has the server closed the connection? */
static inline bool peer_gone(struct peer *p)
{
	char byte;

	for (int turns = 0; turns < 16; turns++) {
		ssize_t n = recv(p->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);

		if (!n || (n < 0 && errno != EAGAIN))
			return true;
		peer_turn(0);
	}
	return false;
}

static void peer_transmit(struct peer *p, const uint8_t *data, size_t length)
{
	const uint8_t head[4] = { 0, (uint8_t)(length >> 16), (uint8_t)(length >> 8),
				  (uint8_t)length };
	size_t sent = 0;

	if (send(p->fd, head, sizeof(head), MSG_NOSIGNAL) != sizeof(head))
		return;
	for (int turns = 0; sent < length && turns < 1000; turns++) {
		ssize_t n = send(p->fd, data + sent, length - sent, MSG_NOSIGNAL);

		if (n > 0)
			sent += (size_t)n;
		else if (errno != EAGAIN)
			return;
		else
			peer_turn(0);
	}
}

/* peer_begin - the header of the next message; its body is appended to it. */
static struct buf peer_begin(struct peer *p, uint16_t command)
{
	struct smb2_header h = {
		.credit_charge = p->dialect >= SMB2_DIALECT_210 && command,
		.command = command,
		.credits = 64,
		.flags = p->signer && !p->sealer ? SMB2_FLAGS_SIGNED : 0,
		.message_id = p->message_id++,
		.session_id = p->session_id,
		.tree_id = p->tree_id,
	};
	struct buf b = { 0 };

	smb2_header_encode(&b, &h);
	return b;
}

static void peer_sign(struct peer *p, struct buf *b)
{
	struct iovec part = { b->data, b->len };
	struct cursor c = cur_of(b->data, b->len);
	struct smb2_header h;
	uint8_t signature[16];

	if (!p->signer || p->sealer || smb2_header_decode(&c, &h) || !(h.flags & SMB2_FLAGS_SIGNED))
		return;
	must(signer_sign(p->signer, &part, 1, h.message_id, false, false, signature), "sign");
	memcpy(b->data + SMB2_HEADER_SIGNATURE_AT, signature, sizeof(signature));
}

/* peer_send - sign or encrypt as the session does, and send; @b is freed. */
static void peer_send(struct peer *p, struct buf *b)
{
	auto_buf struct buf sealed = { 0 };
	struct smb2_transform t = { .original_size = (uint32_t)b->len,
				    .flags = 1,
				    .session_id = p->session_id };
	static uint8_t nonce;

	peer_sign(p, b);
	if (!p->sealer) {
		peer_transmit(p, b->data, b->len);
		buf_free(b);
		return;
	}
	t.nonce[0] = ++nonce;
	smb2_transform_encode(&sealed, &t);
	buf_bytes(&sealed, b->data, b->len);
	must(sealer_seal(p->sealer, t.nonce, sealed.data + SMB2_TRANSFORM_NONCE_AT,
			 SMB2_TRANSFORM_SIZE - SMB2_TRANSFORM_NONCE_AT,
			 sealed.data + SMB2_TRANSFORM_SIZE, b->len, sealed.data + 4),
	     "seal");
	peer_transmit(p, sealed.data, sealed.len);
	buf_free(b);
}

/* peer_answer - the header of the next answer; *body is what follows. */
static inline bool peer_answer(struct peer *p, struct smb2_header *h, struct cursor *body)
{
	*h = (struct smb2_header){ 0 };
	if (!peer_receive(p, 3000))
		return false;
	*body = cur_of(p->in.data + 4, p->in.len - 4);
	return !smb2_header_decode(body, h);
}

static bool peer_ask(struct peer *p, struct buf *b, struct smb2_header *h, struct cursor *body)
{
	peer_send(p, b);
	return peer_answer(p, h, body);
}

/* peer_status - what comes for @b, which is freed; nothing: STATUS_CONNECTION_DISCONNECTED. */
static inline ntstatus peer_status(struct peer *p, struct buf *b)
{
	struct smb2_header h;
	struct cursor body;

	return peer_ask(p, b, &h, &body) ? h.status : STATUS_CONNECTION_DISCONNECTED;
}

static void peer_utf16(struct buf *b, struct cursor *c, const char *text)
{
	utf16_encode(b, text);
	*c = cur_of(b->data, b->len);
}

/* peer_file - a CREATE of a file that is made where it is missing, and shared with everybody. */
static inline struct smb2_create_request peer_file(uint32_t access)
{
	return (struct smb2_create_request){ .impersonation_level = 2,
					     .desired_access = access,
					     .share_access = 7,
					     .create_disposition = FILE_OPEN_IF };
}

/* peer_create_message - @r for @name. */
static inline struct buf peer_create_message(struct peer *p, const char *name,
					     struct smb2_create_request r)
{
	auto_buf struct buf text = { 0 };
	struct buf b = peer_begin(p, SMB2_CREATE);

	peer_utf16(&text, &r.name, name);
	smb2_create_request_encode(&b, &r);
	return b;
}

/* peer_create - ask for it; *@answer is set on success. */
static inline ntstatus peer_create(struct peer *p, const char *name, struct smb2_create_request r,
				   struct smb2_create_response *answer)
{
	struct buf b = peer_create_message(p, name, r);
	struct smb2_header h;
	struct cursor body;

	if (!peer_ask(p, &b, &h, &body))
		return STATUS_CONNECTION_DISCONNECTED;
	must(h.status || !smb2_create_response_decode(&body, answer), "the answer to a CREATE");
	return h.status;
}

static inline struct buf peer_close_message(struct peer *p, struct smb2_file_id id)
{
	struct smb2_close_request r = { .file_id = id };
	struct buf b = peer_begin(p, SMB2_CLOSE);

	smb2_close_request_encode(&b, &r);
	return b;
}

static inline ntstatus peer_close_file(struct peer *p, struct smb2_file_id id)
{
	struct buf b = peer_close_message(p, id);

	return peer_status(p, &b);
}

static inline bool peer_negotiate(struct peer *p)
{
	struct smb2_negotiate_request r = { .dialect_count = 1,
					    .dialects = { p->dialect },
					    .security_mode = 1,
					    .capabilities = 0x7f };
	struct buf b = peer_begin(p, SMB2_NEGOTIATE);
	struct smb2_header h;
	struct cursor body;

	smb2_negotiate_request_encode(&b, &r);
	return peer_ask(p, &b, &h, &body) && !h.status;
}

static void peer_authenticate(struct peer *p, struct cursor challenge, const char *password,
			      struct buf *out)
{
	const char *user = p->user ? p->user : "alice";
	auto_buf struct buf blob = { 0 }, text = { 0 }, response = { 0 };
	struct ntlm_authenticate m = { 0 };
	struct ntlm_challenge c;
	uint8_t hash[16], owf[16], proof[16];
	static const uint8_t nonce[8];

	must(!ntlm_challenge_decode(challenge, &c), "challenge");
	ntlm_v2_blob_encode(&blob, nttime_now(), nonce, c.target_info);
	must(ntlm_nt_hash(password, hash) && ntlm_owf_v2(hash, user, "", owf) &&
		     ntlm_v2_proof(owf, c.server_challenge, blob.data, blob.len, proof) &&
		     ntlm_v2_base_key(owf, proof, p->key),
	     "proof");
	buf_bytes(&response, proof, sizeof(proof));
	buf_bytes(&response, blob.data, blob.len);
	m.flags = NTLM_NEGOTIATE_UNICODE | NTLM_NEGOTIATE_NTLM | NTLM_NEGOTIATE_EXTENDED_SECURITY;
	m.nt_response = cur_of(response.data, response.len);
	peer_utf16(&text, &m.user, user);
	ntlm_authenticate_encode(out, &m);
}

/* peer_log_on_begin - the first leg of a SESSION_SETUP; *second is the message of the other. */
static inline ntstatus peer_log_on_begin(struct peer *p, const char *password,
					 uint8_t security_mode, struct buf *second)
{
	struct ntlm_negotiate hello = { .flags = NTLM_NEGOTIATE_UNICODE | NTLM_NEGOTIATE_NTLM |
						 NTLM_NEGOTIATE_EXTENDED_SECURITY |
						 NTLM_REQUEST_TARGET };
	struct smb2_session_setup_request setup = { .flags = p->setup_flags,
						    .security_mode = security_mode };
	struct smb2_session_setup_response answer;
	auto_buf struct buf token = { 0 };
	struct smb2_header h;
	struct cursor body;
	struct buf b = peer_begin(p, SMB2_SESSION_SETUP);

	ntlm_negotiate_encode(&token, &hello);
	setup.security_buffer = cur_of(token.data, token.len);
	smb2_session_setup_request_encode(&b, &setup);
	if (!peer_ask(p, &b, &h, &body) || h.status != STATUS_MORE_PROCESSING_REQUIRED ||
	    smb2_session_setup_response_decode(&body, &answer))
		return h.status ? h.status : STATUS_CONNECTION_DISCONNECTED;
	p->session_id = h.session_id;
	token.len = 0;
	peer_authenticate(p, answer.security_buffer, password, &token);
	setup.security_buffer = cur_of(token.data, token.len);
	*second = peer_begin(p, SMB2_SESSION_SETUP);
	smb2_session_setup_request_encode(second, &setup);
	return STATUS_SUCCESS;
}

/* peer_log_on - SESSION_SETUP in two legs; the status of the last. */
static inline ntstatus peer_log_on(struct peer *p, const char *password, uint8_t security_mode)
{
	struct smb2_header h;
	struct cursor body;
	struct buf b;
	ntstatus status = peer_log_on_begin(p, password, security_mode, &b);

	if (status)
		return status;
	return peer_ask(p, &b, &h, &body) ? h.status : STATUS_CONNECTION_DISCONNECTED;
}

/* peer_signer_30 - what a session of 3.0 or 3.0.2 signs with, from the key of its login (3.1.4.2).
 */
static inline struct signer *peer_signer_30(const struct peer *p)
{
	uint8_t key[16];

	must(kdf_sp800_108(p->key, 16, "SMB2AESCMAC", 12, "SmbSign", 8, key, 16), "key");
	return signer_new(SIGN_AES_CMAC, key);
}

static inline ntstatus peer_tree_connect(struct peer *p, const char *path)
{
	auto_buf struct buf text = { 0 };
	struct smb2_tree_connect_request r = { 0 };
	struct buf b = peer_begin(p, SMB2_TREE_CONNECT);
	struct smb2_header h;
	struct cursor body;

	peer_utf16(&text, &r.path, path);
	smb2_tree_connect_request_encode(&b, &r);
	if (!peer_ask(p, &b, &h, &body))
		return STATUS_CONNECTION_DISCONNECTED;
	if (!h.status)
		p->tree_id = h.tree_id;
	return h.status;
}

/* peer_connect - a new connection of dialect 3.0, logged on, with the share "data". */
static inline void peer_connect(struct peer *p)
{
	peer_open(p, SMB2_DIALECT_300);
	must(peer_negotiate(p), "negotiate");
	must(!peer_log_on(p, PEER_PASSWORD, 1), "log on");
	must(!peer_tree_connect(p, "\\\\FS\\data"), "connect the share");
}

#endif
