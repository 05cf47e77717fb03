// SPDX-License-Identifier: Apache-2.0
/*
 * A whole connection to a server of its own, fed with the frames of the input.
 *
 * Byte 0 of the input: bit 0 asks for a session first, with the rights of an administrator and a
 * tree connect to the share "data" (or, with bit 1, IPC$); bits 2 and 3 choose its dialect. What
 * follows is frames: two bytes of length, little-endian, then that many bytes. With a session, each
 * message of a frame gets the next message id, the session and the tree, and 16 bytes of 0xEE
 * anywhere in it are replaced with the file id that the last CREATE was answered with, so that
 * mutations stay deep.
 */
#include <base/log.h>
#include <base/utf16.h>
#include <crypto/ntlm.h>
#include <errno.h>
#include <fcntl.h>
#include <fileserver/pipe.h>
#include <fileserver/server.h>
#include <signal.h>
#include <smb/smb.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wire/ntlm.h>
#include <wire/smb2.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PASSWORD   "Passw0rd"
#define MAX_FRAMES 32

static struct loop *loop;

static struct {
	int fd;
	uint64_t message_id, session_id;
	uint32_t tree_id;
	uint8_t file_id[16];
	struct buf in; /* the last answer, with its four bytes */
} peer;

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "fuzz: %s: %s\n", what, strerror(errno));
	abort();
}

static char directory[] = "/tmp/berth-fuzz-XXXXXX";

static void remove_directory(void)
{
	auto_free char *command = xasprintf("rm -rf %s", directory);

	(void)!system(command);
}

static void *pipe_opened(const struct pipe_peer *p)
{
	return xalloc(1, 1);
}

static ntstatus pipe_echo(void *state, struct cursor in, struct buf *out)
{
	buf_bytes(out, in.at, cur_left(&in));
	return STATUS_SUCCESS;
}

static const struct pipe_endpoint echo = { "srvsvc", pipe_opened, pipe_echo, free };

static void start(void)
{
	struct store_user user = { .name = xstrdup("alice"), .full_name = xstrdup("") };
	struct store_share share = { .name = xstrdup("data"),
				     .path = xstrdup("data"),
				     .remark = xstrdup(""),
				     .max_uses = UINT32_MAX };
	const struct rlimit limit = { 64u << 20, 64u << 20 };
	struct server *server;
	struct store *store = NULL;
	struct smb_config config;
	char *why;

	log_set_level(getenv("FUZZ_LOG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	must(mkdtemp(directory) != NULL, "mkdtemp");
	atexit(remove_directory);
	{
		auto_free char *home = xasprintf("%s/.berth", directory);
		auto_free char *data = xasprintf("%s/data", directory);

		must(!store_create(home, "FS") && !store_open(home, &store), "store");
		must(!mkdir(data, 0755), "mkdir");
	}
	must(ntlm_nt_hash(PASSWORD, user.nt_hash) && !store_user_add(store, &user) &&
		     !store_member_add(store, "Administrators", "alice") &&
		     !store_share_add(store, &share) &&
		     !store_set_setting(store, "signing", "offered"),
	     "accounts");
	store_close(store);
	store_user_free(&user);
	store_share_free(&share);
	must(!server_load(directory, true, &server, &why), "server");
	server_publish(server);
	pipe_register(&echo);
	smb_config_defaults(&config);
	config.max_read_bytes = config.max_write_bytes = config.max_transact_bytes = 1u << 20;
	loop = loop_new(IO_POOL);
	must(loop && !smb_start(&loop, 1, &config), "start");
}

static bool waiting(void)
{
	struct smb_statistics now;

	smb_statistics(&now);
	return now.requests_waiting;
}

/* One answer into peer.in; false where none comes (the connection has gone, or the request waits).
 */
static bool receive(void)
{
	peer.in.len = 0;
	for (int turns = 0; turns < 16; turns++) {
		uint8_t *room = buf_room(&peer.in, 65536);
		ssize_t n = recv(peer.fd, room, 65536, MSG_DONTWAIT);
		size_t length;

		if (n > 0)
			peer.in.len += (size_t)n;
		else if (!n || errno != EAGAIN)
			return false;
		if (peer.in.len >= 4) {
			length = (size_t)peer.in.data[1] << 16 | peer.in.data[2] << 8 |
				 peer.in.data[3];
			if (peer.in.len >= length + 4)
				return true;
		}
		if (n < 0 && turns < 8)
			loop_run_once(loop, 0);
		else if (n < 0 && waiting())
			loop_run_once(loop, 1); /* for a helper thread, if not for a change */
		else if (n < 0)
			return false;
	}
	return false;
}

static void transmit(const uint8_t *data, size_t length)
{
	const uint8_t head[4] = { 0, (uint8_t)(length >> 16), (uint8_t)(length >> 8),
				  (uint8_t)length };
	size_t sent = 0;

	if (send(peer.fd, head, sizeof(head), MSG_NOSIGNAL) != sizeof(head))
		return;
	for (int turns = 0; sent < length && turns < 1000; turns++) {
		ssize_t n = send(peer.fd, data + sent, length - sent, MSG_NOSIGNAL);

		if (n > 0)
			sent += (size_t)n;
		else if (errno != EAGAIN)
			return;
		else
			loop_run_once(loop, 0);
	}
}

static struct buf begin(uint16_t command)
{
	struct smb2_header h = {
		.command = command,
		.credits = 64,
		.message_id = peer.message_id++,
		.session_id = peer.session_id,
		.tree_id = peer.tree_id,
	};
	struct buf b = { 0 };

	smb2_header_encode(&b, &h);
	return b;
}

/* Send @b, and read the header of the answer; *body is what follows. */
static bool ask(struct buf *b, struct smb2_header *h, struct cursor *body)
{
	transmit(b->data, b->len);
	buf_free(b);
	if (!receive())
		return false;
	*body = cur_of(peer.in.data + 4, peer.in.len - 4);
	return !smb2_header_decode(body, h);
}

static void put_utf16(struct buf *b, struct cursor *c, const char *text)
{
	size_t at = b->len;

	utf16_encode(b, text);
	*c = cur_of(b->data + at, b->len - at);
}

static void authenticate_message(struct cursor challenge, struct buf *out)
{
	auto_buf struct buf blob = { 0 }, text = { 0 }, response = { 0 };
	struct ntlm_authenticate m = { 0 };
	struct ntlm_challenge c;
	uint8_t hash[16], owf[16], proof[16];
	static const uint8_t nonce[8];

	must(!ntlm_challenge_decode(challenge, &c), "challenge");
	ntlm_v2_blob_encode(&blob, nttime_now(), nonce, c.target_info);
	must(ntlm_nt_hash(PASSWORD, hash) && ntlm_owf_v2(hash, "alice", "", owf) &&
		     ntlm_v2_proof(owf, c.server_challenge, blob.data, blob.len, proof),
	     "proof");
	buf_bytes(&response, proof, sizeof(proof));
	buf_bytes(&response, blob.data, blob.len);
	m.flags = NTLM_NEGOTIATE_UNICODE | NTLM_NEGOTIATE_NTLM | NTLM_NEGOTIATE_EXTENDED_SECURITY;
	m.nt_response = cur_of(response.data, response.len);
	put_utf16(&text, &m.user, "alice");
	ntlm_authenticate_encode(out, &m);
}

static bool log_on(uint16_t dialect)
{
	struct smb2_negotiate_request negotiate = { .dialect_count = 1,
						    .dialects = { dialect },
						    .security_mode = 1,
						    .capabilities = 0x7f };
	struct ntlm_negotiate hello = { .flags = NTLM_NEGOTIATE_UNICODE | NTLM_NEGOTIATE_NTLM |
						 NTLM_NEGOTIATE_EXTENDED_SECURITY |
						 NTLM_REQUEST_TARGET };
	struct smb2_session_setup_request setup = { .security_mode = 1 };
	struct smb2_session_setup_response answer;
	auto_buf struct buf token = { 0 };
	struct smb2_header h;
	struct cursor body;
	struct buf b = begin(SMB2_NEGOTIATE);

	smb2_negotiate_request_encode(&b, &negotiate);
	if (!ask(&b, &h, &body) || h.status)
		return false;
	ntlm_negotiate_encode(&token, &hello);
	setup.security_buffer = cur_of(token.data, token.len);
	b = begin(SMB2_SESSION_SETUP);
	smb2_session_setup_request_encode(&b, &setup);
	if (!ask(&b, &h, &body) || h.status != STATUS_MORE_PROCESSING_REQUIRED ||
	    smb2_session_setup_response_decode(&body, &answer))
		return false;
	peer.session_id = h.session_id;
	token.len = 0;
	authenticate_message(answer.security_buffer, &token);
	setup.security_buffer = cur_of(token.data, token.len);
	b = begin(SMB2_SESSION_SETUP);
	smb2_session_setup_request_encode(&b, &setup);
	return ask(&b, &h, &body) && !h.status;
}

static bool connect_tree(const char *path)
{
	auto_buf struct buf text = { 0 };
	struct smb2_tree_connect_request r = { 0 };
	struct buf b = begin(SMB2_TREE_CONNECT);
	struct smb2_header h;
	struct cursor body;

	put_utf16(&text, &r.path, path);
	smb2_tree_connect_request_encode(&b, &r);
	if (!ask(&b, &h, &body) || h.status)
		return false;
	peer.tree_id = h.tree_id;
	return true;
}

/* Give every message of a frame what the server will look for first. */
static void fill_in(uint8_t *data, size_t length)
{
	static const uint8_t marker[16] = { 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee,
					    0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee };
	struct buf whole = { .data = data, .len = length, .cap = length };
	size_t at = 0;

	for (size_t i = 0; i + 16 <= length; i++)
		if (!memcmp(data + i, marker, 16))
			memcpy(data + i, peer.file_id, 16);
	while (length - at >= SMB2_HEADER_SIZE) {
		struct cursor c = cur_of(data + at, length - at);
		struct smb2_header h;

		if (smb2_header_decode(&c, &h))
			return;
		if (h.command != SMB2_CANCEL) {
			buf_put_u64le(&whole, at + 24, peer.message_id);
			peer.message_id += h.credit_charge ? h.credit_charge : 1;
		}
		if (!(h.flags & SMB2_FLAGS_ASYNC_COMMAND))
			buf_put_u32le(&whole, at + 36, peer.tree_id);
		buf_put_u64le(&whole, at + 40, peer.session_id);
		if (!h.next_command || h.next_command >= length - at)
			return;
		at += h.next_command;
	}
}

static void take_file_id(void)
{
	struct cursor c = cur_of(peer.in.data + 4, peer.in.len - 4);
	struct smb2_create_response r;
	struct smb2_header h;
	struct buf id = { .data = peer.file_id, .len = 16, .cap = 16 };

	if (smb2_header_decode(&c, &h) || h.command != SMB2_CREATE || h.status ||
	    smb2_create_response_decode(&c, &r))
		return;
	buf_put_u64le(&id, 0, r.file_id.persistent);
	buf_put_u64le(&id, 8, r.file_id.volatile_id);
}

static void converse(const uint8_t *data, size_t size)
{
	static const uint16_t dialects[] = { SMB2_DIALECT_202, SMB2_DIALECT_210, SMB2_DIALECT_300,
					     SMB2_DIALECT_302 };
	struct cursor c = cur_of(data, size);
	uint8_t mode = cur_u8(&c);

	if (mode & 1 && (!log_on(dialects[mode >> 2 & 3]) ||
			 !connect_tree(mode & 2 ? "\\\\FS\\IPC$" : "\\\\FS\\data")))
		abort(); /* nothing of the input was used yet: the harness is broken */
	for (int i = 0; i < MAX_FRAMES && cur_left(&c) >= 2; i++) {
		size_t length = min_u64(cur_u16le(&c), cur_left(&c));
		auto_free uint8_t *frame = xalloc(length + 1, 1);

		cur_copy(&c, frame, length);
		if (mode & 1)
			fill_in(frame, length);
		transmit(frame, length);
		if (receive())
			take_file_id();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smb_statistics now;
	int ends[2];

	if (!loop)
		start();
	if (size > 70000 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends))
		return 0;
	peer.fd = ends[1];
	peer.message_id = peer.session_id = peer.tree_id = 0;
	memset(peer.file_id, 0, sizeof(peer.file_id));
	smb_accept(loop, ends[0]);
	converse(data, size);
	close(ends[1]);
	for (int turns = 0; turns < 10000; turns++) {
		loop_run_once(loop, turns > 8);
		smb_statistics(&now);
		if (!now.connections && !now.sessions && !now.requests_waiting)
			break;
	}
	must(!now.connections && !now.sessions && !now.trees && !now.requests_waiting,
	     "something is left of a connection that has gone");
	buf_free(&peer.in);
	return 0;
}
