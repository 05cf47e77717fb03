// SPDX-License-Identifier: Apache-2.0
/*
 * Compressed messages between our client and our server, with what goes around them: signatures,
 * encryption; and messages that lie, sent by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <client/client.h>
#include <wire/dtyp.h>

#include "peer.h"

#define FILE_BYTES (300u << 10)

static uint8_t content[FILE_BYTES];

struct link {
	struct client *client; /* NULL once closed */
	struct client_tree tree;
	struct client_facts facts; /* the last that were seen */
	bool ready;
	int fd; /* the client's end once more, to send by hand */
};

static void on_ready(struct client *client)
{
	((struct link *)client_owner(client))->ready = true;
}

static void on_closed(struct client *client, const struct client_failure *failure)
{
	((struct link *)client_owner(client))->client = NULL;
}

static const struct client_events events = { .ready = on_ready, .closed = on_closed };

struct call {
	struct client_request request;
	ntstatus (*decode)(struct cursor *c, void *out);
	void *out;
	bool done;
};

static void call_done(struct client_request *request)
{
	struct call *call = container_of(request, struct call, request);

	call->done = true;
	if (request->answered && !request->status && call->decode)
		request->status = call->decode(&request->body, call->out);
}

static void begin(struct link *l, struct call *call, struct client_message *message,
		  uint16_t command, size_t payload)
{
	call->request.done = call_done;
	client_begin(l->client, message, &l->tree);
	client_add(message, l->client, &call->request, command, payload, false);
}

static ntstatus finish(struct link *l, struct call *call, struct client_message *message)
{
	client_send(l->client, message);
	while (!call->done)
		loop_run_once(peer_loop, -1);
	if (l->client)
		l->facts = *client_facts(l->client);
	return call->request.status;
}

static void tree_done(struct client_tree_request *rq)
{
	*(bool *)rq->request.owner = true;
}

static void link_open(struct link *l, const struct client_options *options, const char *share)
{
	struct client_tree_request rq = { .done = tree_done };
	char auto_free *path = xasprintf("\\\\FS\\%s", share);
	bool done = false;
	int ends[2];

	*l = (struct link){ .fd = -1 };
	must(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), "socket");
	l->fd = dup(ends[1]);
	smb_accept(peer_loop, ends[0]);
	l->client = client_adopt(peer_loop, ends[1], options, &events, l);
	while (l->client && !l->ready)
		loop_run_once(peer_loop, -1);
	assert_non_null(l->client);
	rq.request.owner = &done;
	client_tree_connect(l->client, &rq, path);
	while (!done)
		loop_run_once(peer_loop, -1);
	assert_int_equal(rq.status, STATUS_SUCCESS);
	l->tree = rq.tree;
	l->facts = *client_facts(l->client);
}

static void link_close(struct link *l)
{
	struct smb_statistics now = { .connections = 1 };

	close(l->fd);
	if (l->client)
		client_close(l->client);
	for (int turns = 0; turns < 10000 && (l->client || now.connections); turns++) {
		loop_run_once(peer_loop, 1);
		smb_statistics(&now);
	}
	assert_int_equal(now.connections, 0);
}

static ntstatus take_create(struct cursor *c, void *out)
{
	return smb2_create_response_decode(c, out);
}

static struct smb2_file_id create_file(struct link *l)
{
	struct smb2_create_request r = {
		.impersonation_level = 2,
		.desired_access = FILE_READ_DATA | FILE_WRITE_DATA | DELETE_ACCESS,
		.create_disposition = FILE_OPEN_IF,
		.create_options = FILE_DELETE_ON_CLOSE,
	};
	struct smb2_create_response response = { 0 };
	struct call call = { .decode = take_create, .out = &response };
	struct client_message message;
	auto_buf struct buf name = { 0 };

	peer_utf16(&name, &r.name, "file");
	begin(l, &call, &message, SMB2_CREATE, 0);
	smb2_create_request_encode(&message.buf, &r);
	assert_int_equal(finish(l, &call, &message), STATUS_SUCCESS);
	return response.file_id;
}

static void write_content(struct link *l, struct smb2_file_id id)
{
	struct smb2_write_request r = { .file_id = id, .data = cur_of(content, FILE_BYTES) };
	struct call call = { 0 };
	struct client_message message;

	begin(l, &call, &message, SMB2_WRITE, FILE_BYTES);
	smb2_write_request_encode(&message.buf, &r);
	assert_int_equal(finish(l, &call, &message), STATUS_SUCCESS);
}

static ntstatus take_read(struct cursor *c, void *out)
{
	struct smb2_read_response r;
	ntstatus status = smb2_read_response_decode(c, &r);

	if (!status)
		buf_bytes(out, r.data.at, cur_left(&r.data));
	return status;
}

static void read_content(struct link *l, struct smb2_file_id id, uint8_t flags)
{
	struct smb2_read_request r = { .file_id = id, .length = FILE_BYTES, .flags = flags };
	struct client_message message;
	auto_buf struct buf got = { 0 };
	struct call call = { .decode = take_read, .out = &got };

	begin(l, &call, &message, SMB2_READ, FILE_BYTES);
	smb2_read_request_encode(&message.buf, &r);
	assert_int_equal(finish(l, &call, &message), STATUS_SUCCESS);
	assert_int_equal(got.len, FILE_BYTES);
	assert_memory_equal(got.data, content, FILE_BYTES);
}

/* Text, a run, noise, a run. */
static void fill_content(void)
{
	for (size_t i = 0; i < FILE_BYTES; i++)
		content[i] = (uint8_t) "and so on, and so forth; "[(i * i / 97) % 25];
	memset(content + 100000, 0, 70000);
	random_bytes(content + 200000, 20000);
	memset(content + 290000, 'x', FILE_BYTES - 290000);
}

static struct client_options options_of(void)
{
	return (struct client_options){
		.server = "FS",
		.user = "alice",
		.password = PEER_PASSWORD,
		.compression = true,
	};
}

static void goes_there_and_back(const struct client_options *options, const char *share)
{
	struct smb2_file_id id;
	struct link l;

	link_open(&l, options, share);
	assert_true(l.facts.compression.algorithms);
	id = create_file(&l);
	write_content(&l, id);
	assert_int_equal(l.facts.compressed_out, 1);
	read_content(&l, id, 0);
	assert_int_equal(l.facts.compressed_in, 0);
	read_content(&l, id, SMB2_READFLAG_REQUEST_COMPRESSED);
	assert_int_equal(l.facts.compressed_in, 1);
	link_close(&l);
}

static void every_algorithm_works_with_signing_and_encryption(void **unused)
{
	for (uint16_t id = SMB2_COMPRESSION_LZNT1; id <= SMB2_COMPRESSION_LZ77_HUFFMAN; id++) {
		for (int unchained = 0; unchained < 2; unchained++) {
			struct client_options o = options_of();

			o.compressions[0] = id;
			o.compressions[1] = SMB2_COMPRESSION_PATTERN_V1;
			o.compression_count = 2;
			o.compression_unchained = unchained;
			goes_there_and_back(&o, "data");
			o.signing = CLIENT_REQUIRED;
			goes_there_and_back(&o, "data");
			o.encryption = CLIENT_REQUIRED;
			goes_there_and_back(&o, "data");
		}
	}
}

static void who_offers_everything_gets_it(void **unused)
{
	struct client_options o = options_of();

	goes_there_and_back(&o, "data");
	goes_there_and_back(&o, "sealed");
}

static void a_share_can_ask_for_it(void **unused)
{
	struct client_options o = options_of();
	struct smb2_file_id id;
	struct link l;

	link_open(&l, &o, "packed");
	assert_true(l.tree.flags & SMB2_SHAREFLAG_COMPRESS_DATA);
	id = create_file(&l);
	write_content(&l, id);
	read_content(&l, id, 0);
	assert_int_equal(l.facts.compressed_in, 1);
	link_close(&l);
	o.compression = false;
	link_open(&l, &o, "packed");
	assert_false(l.tree.flags & SMB2_SHAREFLAG_COMPRESS_DATA);
	id = create_file(&l);
	write_content(&l, id);
	read_content(&l, id, SMB2_READFLAG_REQUEST_COMPRESSED);
	assert_int_equal(l.facts.compressed_in + l.facts.compressed_out, 0);
	link_close(&l);
}

static void older_dialects_do_not_compress(void **unused)
{
	struct client_options o = options_of();
	struct link l;

	o.dialect_max = SMB2_DIALECT_302;
	link_open(&l, &o, "packed");
	assert_int_equal(l.facts.compression.algorithms, 0);
	assert_false(l.tree.flags & SMB2_SHAREFLAG_COMPRESS_DATA);
	link_close(&l);
}

/* ---- messages that lie ---- */

static void send_by_hand(int fd, const struct buf *b)
{
	uint8_t head[4] = { 0, 0, (uint8_t)(b->len >> 8), (uint8_t)b->len };

	assert_int_equal(send(fd, head, sizeof(head), MSG_NOSIGNAL), sizeof(head));
	assert_int_equal(send(fd, b->data, b->len, MSG_NOSIGNAL), b->len);
}

/* The server ends the connection, whatever had been agreed on. */
static void assert_ends_it(const struct buf *b, bool offers)
{
	struct client_options o = options_of();
	struct link l;

	o.compression = offers;
	link_open(&l, &o, "data");
	send_by_hand(l.fd, b);
	for (int turns = 0; turns < 10000 && l.client; turns++)
		loop_run_once(peer_loop, 1);
	assert_null(l.client);
	link_close(&l);
}

static struct buf unchained_of(uint32_t size, uint16_t algorithm, uint16_t flags, uint32_t offset,
			       const void *packed, size_t length)
{
	struct buf b = { 0 };

	buf_u32le(&b, SMB2_COMPRESSION_ID);
	buf_u32le(&b, size);
	buf_u16le(&b, algorithm);
	buf_u16le(&b, flags);
	buf_u32le(&b, offset);
	buf_bytes(&b, packed, length);
	return b;
}

static void an_empty_echo(struct buf *b)
{
	struct smb2_header h = { .command = SMB2_ECHO, .credit_charge = 1, .message_id = 900 };

	smb2_header_encode(b, &h);
	smb2_empty_encode(b);
}

static void messages_that_lie_end_the_connection(void **unused)
{
	auto_buf struct buf echo = { 0 }, packed = { 0 }, twice = { 0 };
	struct smb2_compression all = { .algorithms = smb2_compression_known(),
					.preferred = SMB2_COMPRESSION_LZ77,
					.chained = true };
	static const uint8_t noise[40] = { 0x17, 0xff, 0xff, 0xff, 0xff };
	const struct {
		uint32_t size, offset;
		uint16_t algorithm, flags;
	} rows[] = {
		{ 100, 0, SMB2_COMPRESSION_LZ77, 0 }, /* noise */
		{ 100, 0, SMB2_COMPRESSION_LZ77_HUFFMAN, 0 },
		{ 100, 0, SMB2_COMPRESSION_LZNT1, 0 },
		{ 100, 41, SMB2_COMPRESSION_LZ77, 0 }, /* begins behind its end */
		{ 100, UINT32_MAX, SMB2_COMPRESSION_LZ77, 0 },
		{ UINT32_MAX, 0, SMB2_COMPRESSION_LZ77, 0 }, /* larger than anything may be */
		{ 16u << 20, 0, SMB2_COMPRESSION_LZ77, 0 },
		{ 100, 0, SMB2_COMPRESSION_NONE, 0 },
		{ 100, 0, 5, 0 }, /* not agreed on */
		{ 100, 0, SMB2_COMPRESSION_PATTERN_V1, 0 },
		{ 100, 0, SMB2_COMPRESSION_LZ77, 0x80 },
		{ 100, 0xffffff, SMB2_COMPRESSION_NONE, 1 }, /* a chain that goes too far */
		{ UINT32_MAX, 8, SMB2_COMPRESSION_PATTERN_V1, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf b = unchained_of(rows[i].size, rows[i].algorithm, rows[i].flags,
						     rows[i].offset, noise, sizeof(noise));

		assert_ends_it(&b, true);
	}
	/* Compressed twice; and compressed where nobody had agreed to that. */
	an_empty_echo(&echo);
	buf_zero(&echo, 2000);
	assert_true(smb2_compress(&all, echo.data, echo.len, SMB2_HEADER_SIZE, &packed));
	assert_ends_it(&packed, false);
	buf_zero(&packed, 2000);
	assert_true(smb2_compress(&all, packed.data, packed.len, 16, &twice));
	assert_ends_it(&twice, true);
}

/* ---- messages that are larger than what was paid for them ---- */

#define NEXT_ID	   4 /* behind NEGOTIATE, two of SESSION_SETUP, TREE_CONNECT */
#define MANY_BYTES (1u << 20)

/* An ECHO of @length bytes, nearly all of them nothing. */
static void a_long_echo(struct buf *b, uint64_t message_id, uint16_t charge, size_t length,
			bool another_follows)
{
	struct smb2_header h = { .command = SMB2_ECHO,
				 .credit_charge = charge,
				 .message_id = message_id,
				 .next_command = another_follows ? (uint32_t)length : 0 };
	size_t end = b->len + length;

	smb2_header_encode(b, &h);
	smb2_empty_encode(b);
	buf_zero(b, end - b->len);
}

/* How many ECHOs the server handles of @plain, compressed; whether it ends the connection. */
static uint64_t echoes_handled(const struct buf *plain, bool *ended)
{
	struct smb2_compression all = { .algorithms = smb2_compression_known(),
					.preferred = SMB2_COMPRESSION_LZ77,
					.chained = true };
	auto_buf struct buf packed = { 0 };
	struct client_options o = options_of();
	struct smb_statistics before, after;
	struct link l;

	assert_true(smb2_compress(&all, plain->data, plain->len, SMB2_HEADER_SIZE, &packed));
	assert_true(packed.len < UINT16_MAX);
	link_open(&l, &o, "data");
	smb_statistics(&before);
	after = before;
	send_by_hand(l.fd, &packed);
	for (int turns = 0;
	     turns < 1000 && after.requests[SMB2_ECHO] == before.requests[SMB2_ECHO] &&
	     after.protocol_errors == before.protocol_errors;
	     turns++) {
		loop_run_once(peer_loop, 1);
		smb_statistics(&after);
	}
	*ended = after.protocol_errors > before.protocol_errors;
	link_close(&l);
	return after.requests[SMB2_ECHO] - before.requests[SMB2_ECHO];
}

static void a_message_decompresses_to_no_more_than_its_credits_pay_for(void **unused)
{
	const struct {
		uint16_t charge;
		uint64_t handled;
	} rows[] = { { 1, 0 }, { 14, 0 }, { 15, 1 }, { 16, 1 } }; /* one more is for the headers */

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf b = { 0 };
		bool ended;

		a_long_echo(&b, NEXT_ID, rows[i].charge, MANY_BYTES, false);
		assert_int_equal(echoes_handled(&b, &ended), rows[i].handled);
		assert_int_equal(ended, !rows[i].handled);
	}
}

/* The first must not wait with what the second only says that it would pay. */
static void a_compound_pays_before_its_first_message_is_handled(void **unused)
{
	const struct {
		uint64_t second_id;
		uint64_t handled;
	} rows[] = { { NEXT_ID + 1, 2 }, { 1000000, 0 }, { NEXT_ID, 0 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf b = { 0 };
		bool ended;

		a_long_echo(&b, NEXT_ID, 1, 128, true);
		a_long_echo(&b, rows[i].second_id, 16, MANY_BYTES, false);
		assert_int_equal(echoes_handled(&b, &ended), rows[i].handled);
		assert_int_equal(ended, !rows[i].handled);
	}
}

/* ---- whose turn it is ---- */

#define READS	   32u
#define READ_BYTES (128u << 10)

static uint64_t reads_so_far(void)
{
	struct smb_statistics now;

	smb_statistics(&now);
	return now.requests[SMB2_READ];
}

/* Answers that become small leave nothing unsent that would hold their client back. */
static void who_has_much_compressed_does_not_keep_the_loop(void **unused)
{
	struct smb2_read_request r = { .length = READ_BYTES,
				       .flags = SMB2_READFLAG_REQUEST_COMPRESSED };
	struct client_options o = options_of();
	struct client_message messages[READS];
	struct call calls[READS];
	uint64_t before, last, most = 0;
	struct link l;

	link_open(&l, &o, "data");
	r.file_id = create_file(&l);
	write_content(&l, r.file_id);
	before = last = reads_so_far();
	for (size_t i = 0; i < READS; i++) {
		calls[i] = (struct call){ 0 };
		begin(&l, &calls[i], &messages[i], SMB2_READ, READ_BYTES);
		smb2_read_request_encode(&messages[i].buf, &r);
		client_send(l.client, &messages[i]);
	}
	while (!calls[READS - 1].done) {
		uint64_t now;

		loop_run_once(peer_loop, -1);
		now = reads_so_far();
		most = max_u64(most, now - last);
		last = now;
	}
	assert_int_equal(last - before, READS);
	for (size_t i = 0; i < READS; i++)
		assert_int_equal(calls[i].request.status, STATUS_SUCCESS);
	/* 2 MiB, and the one that goes beyond. */
	assert_in_range(most, 1, (2u << 20) / READ_BYTES + 1);
	link_close(&l);
}

static int start(void **state)
{
	struct smb_config config;

	smb_config_defaults(&config);
	config.login_delay_ms = 0;
	fill_content();
	peer_start(&config);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_algorithm_works_with_signing_and_encryption),
		cmocka_unit_test(who_offers_everything_gets_it),
		cmocka_unit_test(a_share_can_ask_for_it),
		cmocka_unit_test(older_dialects_do_not_compress),
		cmocka_unit_test(messages_that_lie_end_the_connection),
		cmocka_unit_test(a_message_decompresses_to_no_more_than_its_credits_pay_for),
		cmocka_unit_test(a_compound_pays_before_its_first_message_is_handled),
		cmocka_unit_test(who_has_much_compressed_does_not_keep_the_loop),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
