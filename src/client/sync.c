// SPDX-License-Identifier: Apache-2.0
/* Blocking calls: a request, and the loop turned until its answer has come. */
#include <client/client_sync.h>

#include <base/utf16.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <wire/fscc.h>

struct client_sync {
	struct loop *loop;
	struct client *client; /* NULL once closed */
	bool ready;
	struct client_failure failure;
	char address[NI_MAXHOST];
};

static void on_ready(struct client *client)
{
	((struct client_sync *)client_owner(client))->ready = true;
}

static void on_closed(struct client *client, const struct client_failure *failure)
{
	struct client_sync *sync = client_owner(client);

	sync->client = NULL;
	sync->ready = false;
	sync->failure = *failure;
}

static const struct client_events events = { .ready = on_ready, .closed = on_closed };

static struct client_failure try_address(struct client_sync *sync, const struct addrinfo *address,
					 const struct client_options *options)
{
	getnameinfo(address->ai_addr, address->ai_addrlen, sync->address, sizeof(sync->address),
		    NULL, 0, NI_NUMERICHOST);
	sync->client = client_connect(sync->loop, address->ai_addr, address->ai_addrlen, options,
				      &events, sync);
	while (sync->client && !sync->ready)
		loop_run_once(sync->loop, -1);
	return sync->failure;
}

static struct client_failure resolve_failure(int error)
{
	return (struct client_failure){
		.step = CLIENT_STEP_RESOLVE,
		.status = STATUS_BAD_NETWORK_PATH,
		.error = error == EAI_SYSTEM ? errno : 0,
		.detail = gai_strerror(error),
	};
}

struct client_sync *sync_connect(const char *host, uint16_t port,
				 const struct client_options *options,
				 struct client_failure *failure)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct client_options copy = *options;
	struct client_sync *sync;
	struct addrinfo *list;
	char service[8];
	int error;

	snprintf(service, sizeof(service), "%u", port ? port : 445u);
	error = getaddrinfo(host, service, &hints, &list);
	if (error) {
		*failure = resolve_failure(error);
		return NULL;
	}
	sync = xalloc(1, sizeof(*sync));
	sync->loop = loop_new(IO_AUTO);
	if (!sync->loop) {
		*failure = (struct client_failure){ CLIENT_STEP_CONNECT, STATUS_NO_MEMORY, errno,
						    NULL };
		freeaddrinfo(list);
		free(sync);
		return NULL;
	}
	if (!copy.server)
		copy.server = host;
	/* Only what never got a connection is worth another address. */
	for (const struct addrinfo *a = list; a; a = a->ai_next) {
		*failure = try_address(sync, a, &copy);
		if (sync->ready || failure->step != CLIENT_STEP_CONNECT)
			break;
	}
	freeaddrinfo(list);
	if (sync->ready)
		return sync;
	sync_disconnect(sync);
	return NULL;
}

void sync_disconnect(struct client_sync *sync)
{
	if (!sync)
		return;
	if (sync->client)
		client_close(sync->client);
	while (sync->client)
		loop_run_once(sync->loop, -1);
	loop_free(sync->loop);
	free(sync);
}

struct client *sync_client(struct client_sync *sync)
{
	return sync->client;
}

const char *sync_address(const struct client_sync *sync)
{
	return sync->address;
}

struct call {
	struct client_request request;
	struct sync_answer *answer;
	bool done;
};

static void call_done(struct client_request *request)
{
	struct call *call = container_of(request, struct call, request);
	struct sync_answer *answer = call->answer;
	const struct cursor *body = &request->body;

	call->done = true;
	answer->status = request->status;
	answer->answered = request->answered;
	answer->header = request->header;
	if (!body->base)
		return;
	buf_bytes(&answer->bytes, body->base, (size_t)(body->end - body->base));
	answer->body = cur_of(answer->bytes.data, answer->bytes.len);
	cur_skip(&answer->body, cur_position(body));
}

void sync_answer_free(struct sync_answer *answer)
{
	buf_free(&answer->bytes);
}
#define auto_answer cleanup(sync_answer_free)

static ntstatus gone(const struct client_sync *sync)
{
	return sync->failure.status ? sync->failure.status : STATUS_CONNECTION_DISCONNECTED;
}

ntstatus sync_call(struct client_sync *sync, const struct client_tree *tree, uint16_t command,
		   void (*encode)(struct buf *b, const void *body), const void *body,
		   size_t payload, struct sync_answer *answer)
{
	struct call call = { .request.done = call_done, .answer = answer };
	struct client_message message;

	*answer = (struct sync_answer){ 0 };
	if (!sync->client) {
		answer->status = gone(sync);
		return answer->status;
	}
	client_begin(sync->client, &message, tree);
	client_add(&message, sync->client, &call.request, command, payload, false);
	encode(&message.buf, body);
	client_send(sync->client, &message);
	while (!call.done)
		loop_run_once(sync->loop, -1);
	return answer->status;
}

struct tree_call {
	struct client_tree_request rq;
	bool done;
};

static void tree_done(struct client_tree_request *rq)
{
	container_of(rq, struct tree_call, rq)->done = true;
}

ntstatus sync_tree_connect(struct client_sync *sync, const char *path, struct client_tree *tree,
			   enum client_step *step)
{
	struct tree_call call = { .rq.done = tree_done };

	if (step)
		*step = CLIENT_STEP_TREE_CONNECT;
	if (!sync->client)
		return gone(sync);
	client_tree_connect(sync->client, &call.rq, path);
	while (!call.done)
		loop_run_once(sync->loop, -1);
	*tree = call.rq.tree;
	if (step)
		*step = call.rq.step;
	return call.rq.status;
}

/* ENCODER(x): an encoder of wire/smb2.h with the type that sync_call takes. */
#define ENCODER(name)                                                                              \
	static void encode_##name(struct buf *b, const void *body)                                 \
	{                                                                                          \
		smb2_##name##_request_encode(b, body);                                             \
	}
ENCODER(create)
ENCODER(close)
ENCODER(read)
ENCODER(write)
ENCODER(flush)
ENCODER(query_info)
ENCODER(query_directory)
ENCODER(ioctl)
ENCODER(set_info)

static void encode_empty(struct buf *b, const void *body)
{
	smb2_empty_encode(b);
}

static ntstatus empty_call(struct client_sync *sync, const struct client_tree *tree,
			   uint16_t command)
{
	auto_answer struct sync_answer answer = { 0 };

	return sync_call(sync, tree, command, encode_empty, NULL, 0, &answer);
}

ntstatus sync_tree_disconnect(struct client_sync *sync, const struct client_tree *tree)
{
	return empty_call(sync, tree, SMB2_TREE_DISCONNECT);
}

ntstatus sync_logoff(struct client_sync *sync)
{
	return empty_call(sync, NULL, SMB2_LOGOFF);
}

ntstatus sync_echo(struct client_sync *sync)
{
	return empty_call(sync, NULL, SMB2_ECHO);
}

/* What decodes wrongly was not said by a server that can be talked to. */
static ntstatus decoded(ntstatus status)
{
	return status ? STATUS_INVALID_NETWORK_RESPONSE : STATUS_SUCCESS;
}

ntstatus sync_create(struct client_sync *sync, const struct client_tree *tree, const char *name,
		     struct smb2_create_request *create, struct smb2_create_response *response)
{
	auto_answer struct sync_answer answer = { 0 };
	auto_free char *path = xstrdup(name);
	auto_buf struct buf wide = { 0 };
	ntstatus status;

	for (char *at = path; *at; at++)
		if (*at == '/')
			*at = '\\';
	utf16_encode(&wide, path);
	create->name = cur_of(wide.data, wide.len);
	status = sync_call(sync, tree, SMB2_CREATE, encode_create, create, 0, &answer);
	if (status)
		return status;
	return decoded(smb2_create_response_decode(&answer.body, response));
}

ntstatus sync_open(struct client_sync *sync, const struct client_tree *tree, const char *name,
		   uint32_t access, uint32_t disposition, uint32_t options, struct smb2_file_id *id)
{
	struct smb2_create_request create = {
		.impersonation_level = 2,
		.desired_access = access,
		.file_attributes = FILE_ATTRIBUTE_NORMAL,
		.share_access = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
		.create_disposition = disposition,
		.create_options = options,
	};
	struct smb2_create_response response = { 0 };
	ntstatus status = sync_create(sync, tree, name, &create, &response);

	*id = response.file_id;
	return status;
}

ntstatus sync_close(struct client_sync *sync, const struct client_tree *tree,
		    struct smb2_file_id id)
{
	auto_answer struct sync_answer answer = { 0 };
	struct smb2_close_request body = { .file_id = id };

	return sync_call(sync, tree, SMB2_CLOSE, encode_close, &body, 0, &answer);
}

ntstatus sync_read(struct client_sync *sync, const struct client_tree *tree, struct smb2_file_id id,
		   uint64_t offset, void *data, size_t length, size_t *got)
{
	auto_answer struct sync_answer answer = { 0 };
	struct smb2_read_request body = {
		.length = (uint32_t)length,
		.offset = offset,
		.file_id = id,
	};
	struct smb2_read_response response = { 0 };
	ntstatus status;

	*got = 0;
	status = sync_call(sync, tree, SMB2_READ, encode_read, &body, length, &answer);
	if (status && status != STATUS_BUFFER_OVERFLOW)
		return status;
	if (smb2_read_response_decode(&answer.body, &response) || cur_left(&response.data) > length)
		return STATUS_INVALID_NETWORK_RESPONSE;
	*got = cur_left(&response.data);
	cur_copy(&response.data, data, *got);
	return status;
}

ntstatus sync_write(struct client_sync *sync, const struct client_tree *tree,
		    struct smb2_file_id id, uint64_t offset, const void *data, size_t length)
{
	auto_answer struct sync_answer answer = { 0 };
	struct smb2_write_request body = {
		.offset = offset,
		.file_id = id,
		.data = cur_of(data, length),
	};
	struct smb2_write_response response = { 0 };
	ntstatus status;

	status = sync_call(sync, tree, SMB2_WRITE, encode_write, &body, length, &answer);
	if (status)
		return status;
	if (smb2_write_response_decode(&answer.body, &response) || response.count != length)
		return STATUS_INVALID_NETWORK_RESPONSE;
	return STATUS_SUCCESS;
}

ntstatus sync_flush(struct client_sync *sync, const struct client_tree *tree,
		    struct smb2_file_id id)
{
	auto_answer struct sync_answer answer = { 0 };
	struct smb2_flush_request body = { .file_id = id };

	return sync_call(sync, tree, SMB2_FLUSH, encode_flush, &body, 0, &answer);
}

/* An answer that is one output buffer; a warning comes with what fitted. */
static ntstatus take_output(struct sync_answer *answer, struct buf *out)
{
	struct cursor output;

	if (answer->status && answer->status != STATUS_BUFFER_OVERFLOW)
		return answer->status;
	if (smb2_output_response_decode(&answer->body, &output))
		return STATUS_INVALID_NETWORK_RESPONSE;
	buf_bytes(out, output.at, cur_left(&output));
	return answer->status;
}

ntstatus sync_query_info(struct client_sync *sync, const struct client_tree *tree,
			 struct smb2_file_id id, uint8_t info_type, uint8_t info_class,
			 uint32_t additional, uint32_t room, struct buf *out)
{
	auto_answer struct sync_answer answer = { 0 };
	struct smb2_query_info_request body = {
		.info_type = info_type,
		.info_class = info_class,
		.output_length = room,
		.additional_information = additional,
		.file_id = id,
	};

	sync_call(sync, tree, SMB2_QUERY_INFO, encode_query_info, &body, room, &answer);
	return take_output(&answer, out);
}

ntstatus sync_query_directory(struct client_sync *sync, const struct client_tree *tree,
			      struct smb2_file_id id, uint8_t info_class, uint8_t flags,
			      const char *pattern, uint32_t room, struct buf *out)
{
	auto_answer struct sync_answer answer = { 0 };
	auto_buf struct buf wide = { 0 };
	struct smb2_query_directory_request body = {
		.info_class = info_class,
		.flags = flags,
		.file_id = id,
		.output_length = room,
	};

	utf16_encode(&wide, pattern);
	body.pattern = cur_of(wide.data, wide.len);
	sync_call(sync, tree, SMB2_QUERY_DIRECTORY, encode_query_directory, &body, room, &answer);
	return take_output(&answer, out);
}

ntstatus sync_ioctl(struct client_sync *sync, const struct client_tree *tree,
		    struct smb2_file_id id, uint32_t code, struct cursor input, uint32_t room,
		    struct buf *out)
{
	auto_answer struct sync_answer answer = { 0 };
	struct smb2_ioctl_request body = {
		.code = code,
		.file_id = id,
		.max_output_response = room,
		.flags = SMB2_IOCTL_IS_FSCTL,
		.input = input,
	};
	struct smb2_ioctl_response response = { 0 };
	size_t payload = cur_left(&input) > room ? cur_left(&input) : room;

	sync_call(sync, tree, SMB2_IOCTL, encode_ioctl, &body, payload, &answer);
	if (answer.status && answer.status != STATUS_BUFFER_OVERFLOW)
		return answer.status;
	if (smb2_ioctl_response_decode(&answer.body, &response))
		return STATUS_INVALID_NETWORK_RESPONSE;
	buf_bytes(out, response.output.at, cur_left(&response.output));
	return answer.status;
}

ntstatus sync_set_info(struct client_sync *sync, const struct client_tree *tree,
		       struct smb2_file_id id, uint8_t info_type, uint8_t info_class,
		       uint32_t additional, struct cursor input)
{
	auto_answer struct sync_answer answer = { 0 };
	struct smb2_set_info_request body = {
		.info_type = info_type,
		.info_class = info_class,
		.additional_information = additional,
		.file_id = id,
		.input = input,
	};

	return sync_call(sync, tree, SMB2_SET_INFO, encode_set_info, &body, cur_left(&input),
			 &answer);
}

ntstatus sync_delete(struct client_sync *sync, const struct client_tree *tree,
		     struct smb2_file_id id)
{
	return sync_set_info(sync, tree, id, SMB2_0_INFO_FILE, FileDispositionInformation, 0,
			     cur_of("\1", 1));
}
