// SPDX-License-Identifier: Apache-2.0
/*
 * One try of a probe, on a loop: resolve, connect, log on, look at the share, look at ADMIN$,
 * close.
 *
 * A try belongs to its loop. At each time exactly one thing is waited for (a name, the connection,
 * one request, the end of the connection), and its callback starts the next. The deadline closes
 * the connection, which ends whatever is waited for.
 */
#include "probe_impl.h"
#include "resolve.h"

#include <base/utf16.h>
#include <wire/fscc.h>

#define TIMEOUT_MS   10000
#define ACCESS_LOOK  0x00100081u /* list, read attributes, synchronize */
#define FS_SIZE_ROOM 256
#define SMB_PORT     445

struct attempt {
	struct loop *loop;
	struct probe_options options; /* its texts are this try's own */
	uint8_t nt_hash[16];
	struct probe_result result;
	probe_done *done;
	void *owner;
	uint64_t begun_ms;
	struct loop_timer deadline;
	struct loop_task early; /* a path that is none: done from the loop as well */
	bool is_late;
	struct resolved found;
	size_t address; /* of found, that is tried */
	struct client *client;
	bool ready;
	struct client_tree_request tree_rq;
	struct client_request request;
	/* what is looked at */
	enum probe_place place;
	char *root, *whole;
	const char *below;
	struct smb2_file_id file;
};

static void look_at(struct attempt *a, enum probe_place place, const char *share,
		    const char *below);

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static void free_attempt(struct attempt *a)
{
	char *password = (char *)(uintptr_t)a->options.password;

	if (password)
		explicit_bzero(password, strlen(password));
	explicit_bzero(a->nt_hash, sizeof(a->nt_hash));
	free((char *)(uintptr_t)a->options.unc);
	free((char *)(uintptr_t)a->options.address);
	free((char *)(uintptr_t)a->options.user);
	free((char *)(uintptr_t)a->options.domain);
	free((char *)(uintptr_t)a->options.account);
	free(password);
	free(a->root);
	free(a->whole);
	free(a);
}

static void finish(struct attempt *a)
{
	struct probe_result result = a->result;

	loop_timer_stop(a->loop, &a->deadline);
	if (result.step_count) {
		result.attempts = 1;
		probe_judge(&a->options, &result);
	}
	result.duration_ms = monotonic_ms() - a->begun_ms;
	a->done(a->owner, &result);
	free_attempt(a);
}

static void too_late(struct loop_timer *timer)
{
	struct attempt *a = container_of(timer, struct attempt, deadline);

	a->is_late = true;
	if (a->client)
		client_close(a->client);
}

/* What ended the connection, or the request on it, is the deadline where that has passed. */
static ntstatus status_now(const struct attempt *a, ntstatus status)
{
	return a->is_late ? STATUS_IO_TIMEOUT : status;
}

/* The share has been looked at, well or not: ADMIN$ is next, or the end. */
static void looked(struct attempt *a)
{
	if (a->place == PLACE_SHARE && !a->options.skip_admin && !a->is_late)
		look_at(a, PLACE_ADMIN, "ADMIN$", "");
	else
		client_close(a->client);
}

/* The request failed with its connection: closed() follows. */
static bool is_gone(const struct attempt *a)
{
	return !a->request.answered;
}

static void send_request(struct attempt *a, uint16_t command, void (*done)(struct client_request *),
			 void (*encode)(struct buf *b, const struct attempt *a))
{
	struct client_message message;

	a->request = (struct client_request){ .done = done, .owner = a };
	client_begin(a->client, &message, &a->tree_rq.tree);
	client_add(&message, a->client, &a->request, command, FS_SIZE_ROOM, false);
	encode(&message.buf, a);
	client_send(a->client, &message);
}

static void encode_empty(struct buf *b, const struct attempt *a)
{
	smb2_empty_encode(b);
}

static void encode_create(struct buf *b, const struct attempt *a)
{
	auto_buf struct buf name = { 0 };
	struct smb2_create_request create = {
		.impersonation_level = 2,
		.desired_access = ACCESS_LOOK,
		.file_attributes = FILE_ATTRIBUTE_NORMAL,
		.share_access = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
		.create_disposition = FILE_OPEN,
		.create_options = FILE_DIRECTORY_FILE,
	};

	utf16_encode(&name, a->below);
	create.name = cur_of(name.data, name.len);
	smb2_create_request_encode(b, &create);
}

static void encode_query(struct buf *b, const struct attempt *a)
{
	struct smb2_query_info_request query = {
		.info_type = SMB2_0_INFO_FILESYSTEM,
		.info_class = FileFsFullSizeInformation,
		.output_length = FS_SIZE_ROOM,
		.file_id = a->file,
	};

	smb2_query_info_request_encode(b, &query);
}

static void encode_close(struct buf *b, const struct attempt *a)
{
	struct smb2_close_request close = { .file_id = a->file };

	smb2_close_request_encode(b, &close);
}

static void tree_gone(struct client_request *request)
{
	struct attempt *a = request->owner;

	if (!is_gone(a))
		looked(a);
}

static void disconnect_tree(struct attempt *a)
{
	send_request(a, SMB2_TREE_DISCONNECT, tree_gone, encode_empty);
}

static void file_closed(struct client_request *request)
{
	struct attempt *a = request->owner;

	if (!is_gone(a))
		disconnect_tree(a);
}

static void close_file(struct attempt *a)
{
	send_request(a, SMB2_CLOSE, file_closed, encode_close);
}

static ntstatus take_space(struct attempt *a)
{
	struct cursor output = { 0 };
	struct fs_facts facts = { 0 };
	uint64_t unit;

	if (a->request.status)
		return a->request.status;
	if (smb2_output_response_decode(&a->request.body, &output) ||
	    fscc_fs_full_size_decode(output, &facts))
		return STATUS_INVALID_NETWORK_RESPONSE;
	unit = (uint64_t)facts.sectors_per_unit * facts.bytes_per_sector;
	if (unit &&
	    (facts.total_units > UINT64_MAX / unit || facts.caller_free_units > UINT64_MAX / unit))
		return STATUS_INVALID_NETWORK_RESPONSE;
	a->result.has_space = true;
	a->result.total_bytes = facts.total_units * unit;
	a->result.free_bytes = facts.caller_free_units * unit;
	return STATUS_SUCCESS;
}

static void space_answered(struct client_request *request)
{
	struct attempt *a = request->owner;

	probe_note(&a->result, a->place, "query free space", a->whole,
		   status_now(a, take_space(a)));
	if (!is_gone(a))
		close_file(a);
}

static void opened(struct client_request *request)
{
	struct attempt *a = request->owner;
	struct smb2_create_response response = { 0 };
	ntstatus status = request->status;

	if (!status && smb2_create_response_decode(&request->body, &response))
		status = STATUS_INVALID_NETWORK_RESPONSE;
	probe_note(&a->result, a->place, "open", a->whole, status_now(a, status));
	if (is_gone(a))
		return;
	a->file = response.file_id;
	if (status)
		disconnect_tree(a);
	else if (a->place == PLACE_SHARE)
		send_request(a, SMB2_QUERY_INFO, space_answered, encode_query);
	else
		close_file(a);
}

static void tree_connected(struct client_tree_request *rq)
{
	struct attempt *a = container_of(rq, struct attempt, tree_rq);
	bool is_there = probe_note(&a->result, a->place, client_step_name(rq->step), a->root,
				   status_now(a, rq->status));

	if (!rq->request.answered)
		return;
	if (!is_there) {
		looked(a);
	} else if (rq->tree.type != SMB2_SHARE_TYPE_DISK) {
		probe_note(&a->result, a->place, "share type", a->root, STATUS_BAD_DEVICE_TYPE);
		disconnect_tree(a);
	} else {
		send_request(a, SMB2_CREATE, opened, encode_create);
	}
}

static void look_at(struct attempt *a, enum probe_place place, const char *share, const char *below)
{
	free(a->root);
	free(a->whole);
	a->place = place;
	a->below = below;
	a->root = xasprintf("\\\\%s\\%s", a->result.server, share);
	a->whole = *below ? xasprintf("%s\\%s", a->root, below) : xstrdup(a->root);
	a->tree_rq = (struct client_tree_request){ .done = tree_connected };
	client_tree_connect(a->client, &a->tree_rq, a->root);
}

static void on_ready(struct client *client)
{
	struct attempt *a = client_owner(client);
	const struct client_facts *facts = client_facts(client);
	auto_free char *path = xasprintf("\\\\%s", a->result.server);

	a->ready = true;
	probe_note(&a->result, PLACE_SERVER, "session setup", path, STATUS_SUCCESS);
	a->result.dialect = facts->dialect;
	a->result.is_signed = facts->signs;
	a->result.is_encrypted = facts->encrypts;
	look_at(a, PLACE_SHARE, a->result.share, a->result.path);
}

static void note_failure(struct attempt *a, const struct client_failure *failure)
{
	auto_free char *path = xasprintf("\\\\%s", a->result.server);
	ntstatus status = status_now(a, failure->status);

	probe_note(&a->result, PLACE_SERVER, client_step_name(failure->step), path, status);
	a->result.steps[a->result.failed].error = failure->error;
	a->result.steps[a->result.failed].detail =
		a->is_late ? "The probe's own time is up." : failure->detail;
	/* A Windows client says "no such path" wherever no server could be talked to. */
	if (failure->step == CLIENT_STEP_RESOLVE || failure->step == CLIENT_STEP_CONNECT)
		a->result.shown = STATUS_BAD_NETWORK_PATH;
}

static void try_address(struct attempt *a);

static void on_closed(struct client *client, const struct client_failure *failure)
{
	struct attempt *a = client_owner(client);

	a->client = NULL;
	/* Only what never got a connection is worth another address. */
	if (!a->ready && !a->is_late && failure->step == CLIENT_STEP_CONNECT &&
	    ++a->address < a->found.count) {
		try_address(a);
		return;
	}
	if (!a->ready)
		note_failure(a, failure);
	finish(a);
}

static const struct client_events events = { .ready = on_ready, .closed = on_closed };

static void try_address(struct attempt *a)
{
	const struct probe_options *o = &a->options;
	const struct sockaddr *address = (const struct sockaddr *)&a->found.addresses[a->address];
	uint64_t timeout_ms = o->timeout_ms ? o->timeout_ms : TIMEOUT_MS;
	char text[NI_MAXHOST] = "";
	struct client_options how = {
		.signing = o->signing,
		.encryption = o->encryption,
		.connect_timeout_ms = timeout_ms,
		.request_timeout_ms = timeout_ms,
		.server = a->result.server,
		.anonymous = !o->user,
		.user = o->user,
		.domain = o->domain,
		.password = o->password,
		.nt_hash = o->nt_hash,
	};

	getnameinfo(address, a->found.lengths[a->address], text, sizeof(text), NULL, 0,
		    NI_NUMERICHOST);
	free(a->result.address);
	a->result.address = xstrdup(text);
	a->client =
		client_connect(a->loop, address, a->found.lengths[a->address], &how, &events, a);
}

static void resolved(void *owner, const struct resolved *found)
{
	struct attempt *a = owner;
	struct client_failure failure = { .step = CLIENT_STEP_RESOLVE,
					  .status = STATUS_BAD_NETWORK_PATH };

	a->found = *found;
	if (!found->error && found->count && !a->is_late) {
		try_address(a);
		return;
	}
	failure.error = found->system_error;
	failure.detail = found->error ? gai_strerror(found->error) : NULL;
	note_failure(a, &failure);
	if (a->options.address) {
		free(a->result.address);
		a->result.address = xstrdup(a->options.address); /* where it was tried */
	}
	finish(a);
}

static void end_early(struct loop_task *task)
{
	finish(container_of(task, struct attempt, early));
}

void probe_start(struct loop *loop, const struct probe_options *options, probe_done *done,
		 void *owner)
{
	struct attempt *a = xalloc(1, sizeof(*a));
	struct probe_options *o = &a->options;

	a->loop = loop;
	a->done = done;
	a->owner = owner;
	a->begun_ms = monotonic_ms();
	*o = *options;
	o->unc = copy(options->unc);
	o->address = copy(options->address);
	o->user = copy(options->user);
	o->domain = copy(options->domain);
	o->account = copy(options->account);
	o->password = copy(options->password);
	if (options->nt_hash) {
		memcpy(a->nt_hash, options->nt_hash, sizeof(a->nt_hash));
		o->nt_hash = a->nt_hash;
	}
	if (!probe_begin(o, &a->result)) {
		a->early.run = end_early;
		loop_post(loop, &a->early);
		return;
	}
	if (o->deadline_ms)
		loop_timer_start(loop, &a->deadline, o->deadline_ms, too_late);
	resolve(loop, o->address ? o->address : a->result.server, o->port ? o->port : SMB_PORT,
		resolved, a);
}
