// SPDX-License-Identifier: Apache-2.0
/* A client whose server says whatever the input says: its bytes are the server's side of the
 * stream. */
#include <client/client.h>
#include <io/loop.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	struct client *client;
	struct client_tree_request tree;
	struct client_request requests[6];
} run;

static void take_answer(struct client_request *request)
{
	struct cursor c = request->body, output;
	struct smb2_create_response create;
	struct smb2_read_response read;
	struct smb2_ioctl_response ioctl;

	if (!request->answered)
		return;
	if (!smb2_create_response_decode(&c, &create))
		return;
	c = request->body;
	if (!smb2_read_response_decode(&c, &read))
		return;
	c = request->body;
	if (!smb2_ioctl_response_decode(&c, &ioctl))
		return;
	c = request->body;
	(void)!smb2_output_response_decode(&c, &output);
}

static void ask(struct client_message *message, unsigned index, uint16_t command, bool related)
{
	run.requests[index] = (struct client_request){ .done = take_answer };
	client_add(message, run.client, &run.requests[index], command, 65536, related);
}

static void tree_connected(struct client_tree_request *rq)
{
	static const struct smb2_create_request create = { .desired_access = 0x81,
							   .share_access = 7,
							   .create_disposition = FILE_OPEN };
	static const struct smb2_file_id related = { SMB2_FILE_ID_RELATED, SMB2_FILE_ID_RELATED };
	const struct smb2_query_directory_request list = { .info_class = 37,
							   .file_id = related,
							   .pattern = cur_of("*\0", 2),
							   .output_length = 65536 };
	const struct smb2_close_request end = { .file_id = related };
	const struct smb2_read_request read = { .length = 65536 };
	struct client_message message;

	if (rq->status)
		return;
	client_begin(run.client, &message, &rq->tree);
	ask(&message, 0, SMB2_CREATE, false);
	smb2_create_request_encode(&message.buf, &create);
	ask(&message, 1, SMB2_QUERY_DIRECTORY, true);
	smb2_query_directory_request_encode(&message.buf, &list);
	ask(&message, 2, SMB2_CLOSE, true);
	smb2_close_request_encode(&message.buf, &end);
	client_send(run.client, &message);
	client_begin(run.client, &message, &rq->tree);
	ask(&message, 3, SMB2_READ, false);
	smb2_read_request_encode(&message.buf, &read);
	client_send(run.client, &message);
}

static void ready(struct client *client)
{
	run.tree = (struct client_tree_request){ .done = tree_connected };
	client_tree_connect(client, &run.tree, "\\\\server\\share");
}

static void closed(struct client *client, const struct client_failure *failure)
{
	run.client = NULL;
}

static void broken(struct client *client, const struct smb2_oplock_break *notice)
{
}

static const struct client_events events = { .ready = ready, .closed = closed, .broken = broken };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct client_options options = { .server = "server", .user = "u", .password = "p" };
	struct loop *loop = loop_new(IO_POOL);
	int ends[2];

	if (!loop || size > 150000 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
		loop_free(loop);
		return 0;
	}
	/* The last byte chooses what is offered: below 3.0 a session needs no signature to begin.
	 */
	if (size && data[size - 1] & 1)
		options.dialect_max = SMB2_DIALECT_210;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	run.client = client_adopt(loop, ends[0], &options, &events, NULL);
	if (write(ends[1], data, size) < 0)
		client_close(run.client);
	shutdown(ends[1], SHUT_WR); /* what the client sends still has somewhere to go */
	while (run.client)
		loop_run_once(loop, 1000);
	close(ends[1]);
	loop_free(loop);
	return 0;
}
