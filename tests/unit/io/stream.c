// SPDX-License-Identifier: Apache-2.0
#include "backends.h"

#include <arpa/inet.h>
#include <errno.h>
#include <io/stream.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

/* One end of a connection, which notes what happens to it. */
struct end {
	struct stream *stream;
	int connected, frames, closed, error, drained;
	uint64_t bytes, sum;
	bool echo, close_at_first, pause_at_each;
};

static uint64_t sum_of(const uint8_t *data, size_t length)
{
	uint64_t sum = 14695981039346656037u;

	for (size_t i = 0; i < length; i++)
		sum = (sum ^ data[i]) * 1099511628211u;
	return sum;
}

static void send_frame(struct stream *stream, const void *data, size_t length)
{
	struct buf frame = { 0 };

	buf_zero(&frame, STREAM_HEADER);
	buf_bytes(&frame, data, length);
	stream_send(stream, &frame);
	assert_null(frame.data);
}

static void on_connected(struct stream *stream)
{
	((struct end *)stream_owner(stream))->connected++;
}

static void on_frame(struct stream *stream, struct frame *frame)
{
	struct end *end = stream_owner(stream);

	end->frames++;
	end->bytes += frame->length;
	end->sum = sum_of(frame->data, frame->length);
	if (end->echo)
		send_frame(stream, frame->data, frame->length);
	if (end->close_at_first)
		stream_close(stream);
	if (end->pause_at_each)
		stream_pause(stream);
	frame_free(frame);
}

static void on_drained(struct stream *stream)
{
	((struct end *)stream_owner(stream))->drained++;
}

static void on_closed(struct stream *stream, int error)
{
	struct end *end = stream_owner(stream);

	end->closed++;
	end->error = error;
	end->stream = NULL;
}

static const struct stream_events events = {
	.connected = on_connected,
	.frame = on_frame,
	.drained = on_drained,
	.closed = on_closed,
};

static struct io_listener listener;
static struct end server, client;

static void accepted(struct io_listener *from, int fd)
{
	server.stream = stream_new(from->loop, fd, &events, &server);
}

static int listening_socket(struct sockaddr_in *address)
{
	socklen_t length = sizeof(*address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*address = (struct sockaddr_in){ .sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof(*address)), 0);
	assert_int_equal(listen(fd, 10), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)address, &length), 0);
	return fd;
}

static void connect_both(struct loop *loop)
{
	struct sockaddr_in address;

	server = client = (struct end){ 0 };
	listener = (struct io_listener){ .accepted = accepted };
	assert_int_equal(io_listen(loop, &listener, listening_socket(&address)), 0);
	client.stream = stream_connect(loop, (struct sockaddr *)&address, sizeof(address), 5000,
				       &events, &client);
	assert_int_equal(client.connected, 0);
	TURN_UNTIL(loop, client.connected == 1 && server.stream);
	io_listen_stop(&listener);
}

/* A connection whose client end is a plain socket. */
static int connect_raw(struct loop *loop)
{
	struct sockaddr_in address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	server = (struct end){ 0 };
	listener = (struct io_listener){ .accepted = accepted };
	assert_int_equal(io_listen(loop, &listener, listening_socket(&address)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	TURN_UNTIL(loop, server.stream);
	io_listen_stop(&listener);
	return fd;
}

static void close_both(struct loop *loop)
{
	if (client.stream)
		stream_close(client.stream);
	if (server.stream)
		stream_close(server.stream);
	TURN_UNTIL(loop, !client.stream && !server.stream);
	assert_int_equal(server.closed, 1);
}

static void frames_of_every_size_come_back_as_they_were(void **state)
{
	static const size_t lengths[] = { 0, 1, 64 << 10, 131068, 131072, 1 << 20, 8 << 20, 3 };
	struct loop *loop = LOOP_OF(state);

	connect_both(loop);
	server.echo = true;
	stream_set_limit(server.stream, 8 << 20);
	stream_set_limit(client.stream, 8 << 20);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		auto_free uint8_t *data = malloc(lengths[i] + 1);

		random_bytes(data, lengths[i]);
		client.frames = 0;
		send_frame(client.stream, data, lengths[i]);
		TURN_UNTIL(loop, client.frames == 1);
		assert_true(client.sum == sum_of(data, lengths[i]));
	}
	assert_true(client.drained > 0);
	assert_int_equal(stream_queued_bytes(client.stream), 0);
	close_both(loop);
}

static void many_large_frames_at_once_all_come_back(void **state)
{
	struct loop *loop = LOOP_OF(state);
	auto_free uint8_t *data = malloc(1 << 20);

	connect_both(loop);
	server.echo = true;
	stream_set_limit(server.stream, 8 << 20);
	stream_set_limit(client.stream, 8 << 20);
	random_bytes(data, 1 << 20);
	for (int i = 0; i < 32; i++)
		send_frame(client.stream, data, (1 << 20) - (size_t)i * 777);
	TURN_UNTIL(loop, client.frames == 32);
	assert_int_equal(client.bytes, 32 * (1 << 20) - 777 * (31 * 32 / 2));
	assert_true(client.sum == sum_of(data, (1 << 20) - 31 * 777));
	close_both(loop);
}

static void a_frame_split_byte_by_byte_arrives_whole(void **state)
{
	struct loop *loop = LOOP_OF(state);
	static const char bytes[] = "\0\0\0\3abc\0\0\0\0\0\0\0\2de";
	int fd = connect_raw(loop);

	for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
		assert_int_equal(write(fd, bytes + i, 1), 1);
		loop_run_once(loop, 20);
	}
	TURN_UNTIL(loop, server.frames == 3);
	assert_int_equal(server.bytes, 5);
	close(fd);
	TURN_UNTIL(loop, server.closed);
	assert_int_equal(server.error, 0);
}

static void write_turning(struct loop *loop, int fd, const uint8_t *data, size_t length)
{
	while (length) {
		ssize_t n = write(fd, data, min_u64(length, 50001));

		assert_true(n > 0);
		data += n;
		length -= (size_t)n;
		loop_run_once(loop, 1);
	}
}

static void a_large_frame_in_small_pieces_arrives_with_its_last_piece(void **state)
{
	struct loop *loop = LOOP_OF(state);
	auto_free uint8_t *data = calloc(1, STREAM_HEADER + (1 << 20));
	int fd = connect_raw(loop);

	stream_set_limit(server.stream, 1 << 20);
	random_bytes(data + STREAM_HEADER, 1 << 20);
	data[1] = 0x10; /* a megabyte */
	for (int i = 1; i <= 3; i++) {
		write_turning(loop, fd, data, STREAM_HEADER + (1 << 20) - 1);
		assert_int_equal(server.frames, 2 * i - 2);
		write_turning(loop, fd, data + STREAM_HEADER + (1 << 20) - 1, 1);
		TURN_UNTIL(loop, server.frames == 2 * i - 1);
		assert_true(server.sum == sum_of(data + STREAM_HEADER, 1 << 20));
		assert_int_equal(write(fd, "\0\0\0\1a", 5), 5); /* a small one as soon as ever */
		TURN_UNTIL(loop, server.frames == 2 * i);
	}
	write_turning(loop, fd, data, 100000);
	close(fd);
	TURN_UNTIL(loop, server.closed);
	assert_int_equal(server.error, -ECONNRESET);
}

static void many_frames_in_one_write_are_all_delivered(void **state)
{
	struct loop *loop = LOOP_OF(state);
	int fd = connect_raw(loop);
	struct buf bytes = { 0 };

	for (unsigned i = 0; i < 1000; i++) {
		buf_u32be(&bytes, i % 50);
		buf_zero(&bytes, i % 50);
	}
	assert_int_equal(write(fd, bytes.data, bytes.len), bytes.len);
	close(fd);
	TURN_UNTIL(loop, server.closed);
	assert_int_equal(server.frames, 1000);
	assert_int_equal(server.error, 0);
	buf_free(&bytes);
}

static void closing_inside_a_frame_ends_delivery(void **state)
{
	struct loop *loop = LOOP_OF(state);
	int fd = connect_raw(loop);

	server.close_at_first = true;
	assert_int_equal(write(fd, "\0\0\0\1a\0\0\0\1b", 10), 10);
	TURN_UNTIL(loop, server.closed);
	assert_int_equal(server.frames, 1);
	close(fd);
}

static void a_peer_sees_the_end_though_the_loop_turns_no_more(void **state)
{
	struct loop *loop = LOOP_OF(state);
	int fd = connect_raw(loop);
	char byte;

	server.close_at_first = true;
	assert_int_equal(write(fd, "\0\0\0\1a", 5), 5);
	TURN_UNTIL(loop, server.closed);
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
	close(fd);
}

static void a_frame_over_the_limit_closes_with_emsgsize(void **state)
{
	struct loop *loop = LOOP_OF(state);
	int fd = connect_raw(loop);

	stream_set_limit(server.stream, 100);
	assert_int_equal(write(fd, "\0\0\0\x65", 4), 4);
	TURN_UNTIL(loop, server.closed);
	assert_int_equal(server.error, -EMSGSIZE);
	close(fd);
}

static void a_first_byte_that_is_not_zero_closes_with_eproto(void **state)
{
	struct loop *loop = LOOP_OF(state);
	int fd = connect_raw(loop);

	assert_int_equal(write(fd, "GET /", 5), 5);
	TURN_UNTIL(loop, server.closed);
	assert_int_equal(server.error, -EPROTO);
	close(fd);
}

static void an_end_inside_a_frame_is_an_error(void **state)
{
	struct loop *loop = LOOP_OF(state);
	int fd = connect_raw(loop);

	assert_int_equal(write(fd, "\0\0\0\5ab", 6), 6);
	close(fd);
	TURN_UNTIL(loop, server.closed);
	assert_int_equal(server.error, -ECONNRESET);
}

static void a_frame_that_takes_too_long_closes_with_etimedout(void **state)
{
	struct loop *loop = LOOP_OF(state);
	int fd = connect_raw(loop);

	stream_set_partial_timeout(server.stream, 30);
	assert_int_equal(write(fd, "\0\0\0\1a", 5), 5);
	TURN_UNTIL(loop, server.frames == 1);
	loop_run_once(loop, 60);
	assert_int_equal(server.closed, 0); /* an idle stream has no time limit */
	assert_int_equal(write(fd, "\0\0", 2), 2);
	TURN_UNTIL(loop, server.closed);
	assert_int_equal(server.error, -ETIMEDOUT);
	close(fd);
}

static void a_paused_stream_delivers_nothing_and_loses_nothing(void **state)
{
	struct loop *loop = LOOP_OF(state);
	int fd = connect_raw(loop);

	server.pause_at_each = true;
	assert_int_equal(write(fd, "\0\0\0\1a\0\0\0\1b\0\0\0\2cd\0\0\0\4e", 21), 21);
	for (int i = 1; i <= 3; i++) {
		TURN_UNTIL(loop, server.frames == i);
		loop_run_once(loop, 10);
		assert_int_equal(server.frames, i);
		stream_resume(server.stream);
	}
	assert_int_equal(write(fd, "fgh", 3), 3);
	TURN_UNTIL(loop, server.frames == 4);
	assert_true(server.sum == sum_of((const uint8_t *)"efgh", 4));
	close(fd);
	stream_resume(server.stream);
	TURN_UNTIL(loop, server.closed);
	assert_int_equal(server.error, 0);
}

static void a_refused_connection_closes_with_econnrefused(void **state)
{
	struct loop *loop = LOOP_OF(state);
	struct sockaddr_in address;
	int fd = listening_socket(&address);

	close(fd);
	client = (struct end){ 0 };
	client.stream = stream_connect(loop, (struct sockaddr *)&address, sizeof(address), 5000,
				       &events, &client);
	assert_int_equal(client.closed, 0);
	TURN_UNTIL(loop, client.closed);
	assert_int_equal(client.error, -ECONNREFUSED);
	assert_int_equal(client.connected, 0);
}

static void what_is_queued_is_sent_before_a_gentle_close(void **state)
{
	struct loop *loop = LOOP_OF(state);
	auto_free uint8_t *data = xalloc(1, 8 << 20);

	connect_both(loop);
	stream_set_limit(client.stream, 8 << 20);
	send_frame(server.stream, data, 8 << 20);
	stream_close_after_send(server.stream);
	TURN_UNTIL(loop, client.closed && server.closed);
	assert_int_equal(client.bytes, 8 << 20);
	assert_int_equal(client.error, 0);
	assert_int_equal(server.error, 0);
}

static void streams_that_are_left_are_closed_with_the_loop(void **state)
{
	struct loop *loop = LOOP_OF(state);

	connect_both(loop);
	loop_free(loop);
	*state = NULL;
	assert_int_equal(client.closed, 1);
	assert_int_equal(server.closed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(frames_of_every_size_come_back_as_they_were),
		BOTH(many_large_frames_at_once_all_come_back),
		BOTH(a_frame_split_byte_by_byte_arrives_whole),
		BOTH(a_large_frame_in_small_pieces_arrives_with_its_last_piece),
		BOTH(many_frames_in_one_write_are_all_delivered),
		BOTH(closing_inside_a_frame_ends_delivery),
		BOTH(a_peer_sees_the_end_though_the_loop_turns_no_more),
		BOTH(a_frame_over_the_limit_closes_with_emsgsize),
		BOTH(a_first_byte_that_is_not_zero_closes_with_eproto),
		BOTH(an_end_inside_a_frame_is_an_error),
		BOTH(a_frame_that_takes_too_long_closes_with_etimedout),
		BOTH(a_paused_stream_delivers_nothing_and_loses_nothing),
		BOTH(a_refused_connection_closes_with_econnrefused),
		BOTH(what_is_queued_is_sent_before_a_gentle_close),
		BOTH(streams_that_are_left_are_closed_with_the_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
