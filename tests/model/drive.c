// SPDX-License-Identifier: Apache-2.0
/* Connections, requests and what comes back: the part of the driver that knows no step. */
#include "drive_impl.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <time.h>
#include <wire/dtyp.h>

#define PATIENCE_MS 30000 /* for what the model says must come */

static void on_ready(struct client *client)
{
	((struct actor *)client_owner(client))->ready = true;
}

static void on_closed(struct client *client, const struct client_failure *failure)
{
	struct actor *actor = client_owner(client);

	actor->client = NULL;
	actor->ready = false;
	if (failure->status)
		fprintf(stderr, "connection closed: %s at %s\n", ntstatus_name(failure->status),
			client_step_name(failure->step));
}

static unsigned client_of(const struct drive *drive, const struct actor *actor)
{
	return (unsigned)(actor - drive->actors);
}

static unsigned slot_of(const struct drive *drive, const struct smb2_file_id *id)
{
	unsigned slot = 0;

	while (slot < MODEL_OPENS && (drive->ids[slot].volatile_id != id->volatile_id ||
				      drive->ids[slot].persistent != id->persistent))
		slot++;
	return slot;
}

static void on_broken(struct client *client, const struct smb2_oplock_break *notice)
{
	struct actor *actor = client_owner(client);
	struct drive *drive = actor->drive;

	if (!drive->out)
		return;
	if (notice->is_lease)
		event_lease_break(drive->out, client_of(drive, actor), notice->lease_key[0],
				  notice->current_state, notice->new_state, notice->new_epoch,
				  notice->lease_flags & SMB2_NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED);
	else
		event_oplock_break(drive->out, client_of(drive, actor),
				   slot_of(drive, &notice->file_id), notice->oplock_level);
}

static const struct client_events events = { .ready = on_ready,
					     .closed = on_closed,
					     .broken = on_broken };

/* ---- one request and its answer ---- */

void call_done(struct client_request *request)
{
	struct call *call = container_of(request, struct call, request);

	call->status = request->status;
	if (!request->answered)
		call->status = STATUS_CONNECTION_DISCONNECTED;
	else if (!request->status && call->decode)
		call->status = call->decode(request, call->out);
	call->done = true;
	if (call->answered)
		call->answered(call);
}

void drive_begin(struct drive *drive, unsigned actor, struct call *call,
		 struct client_message *message, uint16_t command)
{
	struct actor *a = &drive->actors[actor];

	call->request.done = call_done;
	client_begin(a->client, message, &a->tree);
	client_add(message, a->client, &call->request, command, OUTPUT_BYTES, false);
}

ntstatus drive_finish(struct drive *drive, unsigned actor, struct call *call,
		      struct client_message *message)
{
	uint64_t end = monotonic_ms() + PATIENCE_MS;

	client_send(drive->actors[actor].client, message);
	while (!call->done && !(call->may_wait && call->request.pending && drive->expects_wait) &&
	       (!call->may_wait || monotonic_ms() < end))
		loop_run_once(drive->loop, 1000);
	return call->done ? call->status : STATUS_PENDING;
}

/* ---- what comes besides an answer ---- */

static unsigned lines_of(const char *text)
{
	unsigned lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

/* Each connection answers once more: what was on its way before that has come. */
static void echo_all(struct drive *drive)
{
	struct call calls[MODEL_CLIENTS] = { 0 };

	for (unsigned i = 0; i < MODEL_CLIENTS; i++) {
		struct client_message message;

		if (!drive->actors[i].client)
			continue;
		drive_begin(drive, i, &calls[i], &message, SMB2_ECHO);
		smb2_empty_encode(&message.buf);
		client_send(drive->actors[i].client, &message);
	}
	for (unsigned i = 0; i < MODEL_CLIENTS; i++)
		while (drive->actors[i].client && !calls[i].done)
			loop_run_once(drive->loop, 1000);
}

void drive_settle(struct drive *drive, const struct outcome *expected)
{
	unsigned lines = lines_of(expected->events);
	uint64_t end = monotonic_ms() + PATIENCE_MS;

	while (lines_of(drive->out->events) < lines && monotonic_ms() < end)
		loop_run_once(drive->loop, 100);
	if (lines || drive->steps++ % STEPS_AN_ECHO == 0)
		echo_all(drive);
	sort_lines(drive->out->events);
}

static void tree_done(struct client_tree_request *rq)
{
	*(bool *)rq->request.owner = true;
}

static ntstatus join(struct drive *drive, unsigned actor, const char *share,
		     struct client_tree *tree)
{
	struct client_tree_request rq = { .done = tree_done };
	char path[256];
	bool done = false;

	snprintf(path, sizeof(path), "\\\\%s\\%s", drive->options->server, share);
	rq.request.owner = &done;
	client_tree_connect(drive->actors[actor].client, &rq, path);
	while (!done)
		loop_run_once(drive->loop, -1);
	*tree = rq.tree;
	if (rq.status)
		fprintf(stderr, "%s: %s\n", path, ntstatus_name(rq.status));
	return rq.status;
}

ntstatus drive_join(struct drive *drive, unsigned actor)
{
	return join(drive, actor, drive->options->share, &drive->actors[actor].tree);
}

/* ---- connections, and their end ---- */

static ntstatus decode_create(struct client_request *request, void *out)
{
	return smb2_create_response_decode(&request->body, out);
}

/*
 * A file in the other share, which the session of @whose opens before all else, for itself alone.
 * Its opens go the youngest first: when this one has gone, all have gone or are kept.
 */
static ntstatus open_last(struct drive *drive, unsigned actor, unsigned whose)
{
	struct actor *a = &drive->actors[actor];
	struct smb2_create_response response;
	struct smb2_create_request body = {
		.impersonation_level = 2,
		.desired_access = FILE_READ_DATA,
		.create_disposition = FILE_OPEN_IF,
		.create_options = FILE_NON_DIRECTORY_FILE,
	};
	struct call call = { .decode = decode_create, .out = &response };
	struct smb2_close_request close = { 0 };
	struct buf auto_buf name = { 0 };
	struct client_message message;
	char text[16];
	ntstatus status;

	snprintf(text, sizeof(text), "last-of-%u", whose);
	utf16_encode(&name, text);
	body.name = cur_of(name.data, name.len);
	call.request.done = call_done;
	client_begin(a->client, &message, &a->other);
	client_add(&message, a->client, &call.request, SMB2_CREATE, OUTPUT_BYTES, false);
	smb2_create_request_encode(&message.buf, &body);
	status = drive_finish(drive, actor, &call, &message);
	if (status || actor == whose)
		return status;
	close.file_id = response.file_id;
	call = (struct call){ .request.done = call_done };
	client_begin(a->client, &message, &a->other);
	client_add(&message, a->client, &call.request, SMB2_CLOSE, OUTPUT_BYTES, false);
	smb2_close_request_encode(&message.buf, &close);
	return drive_finish(drive, actor, &call, &message);
}

bool drive_disconnect(struct drive *drive, unsigned actor)
{
	uint64_t end = monotonic_ms() + PATIENCE_MS;
	struct timespec nap = { .tv_nsec = 1000000 };
	ntstatus status;

	client_close(drive->actors[actor].client);
	while (drive->actors[actor].client)
		loop_run_once(drive->loop, -1);
	while ((status = open_last(drive, (actor + 1) % MODEL_CLIENTS, actor)) ==
		       STATUS_SHARING_VIOLATION &&
	       monotonic_ms() < end)
		nanosleep(&nap, NULL);
	return !status;
}

static bool connect_actor(struct drive *drive, struct actor *actor)
{
	const struct drive_options *options = drive->options;
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(options->port) };
	struct client_options client = {
		.server = options->server,
		.user = options->user,
		.password = options->password,
	};

	actor->drive = drive;
	if (inet_pton(AF_INET, options->address, &address.sin_addr) != 1)
		return false;
	actor->client = client_connect(drive->loop, (struct sockaddr *)&address, sizeof(address),
				       &client, &events, actor);
	while (actor->client && !actor->ready)
		loop_run_once(drive->loop, -1);
	return actor->ready;
}

bool drive_reconnect(struct drive *drive, unsigned actor)
{
	struct actor *a = &drive->actors[actor];

	return connect_actor(drive, a) &&
	       !join(drive, actor, drive->options->other_share, &a->other) &&
	       !open_last(drive, actor, actor) && !drive_join(drive, actor);
}

struct drive *drive_new(const struct drive_options *options)
{
	struct drive *drive = xalloc(1, sizeof(*drive));

	drive->options = options;
	drive->loop = loop_new(IO_AUTO);
	for (unsigned i = 0; drive->loop && i < MODEL_CLIENTS; i++)
		if (!drive_reconnect(drive, i)) {
			drive_free(drive);
			return NULL;
		}
	return drive->loop ? drive : NULL;
}

void drive_free(struct drive *drive)
{
	for (unsigned i = 0; i < MODEL_CLIENTS; i++) {
		if (drive->actors[i].client)
			client_close(drive->actors[i].client);
		while (drive->actors[i].client)
			loop_run_once(drive->loop, -1);
	}
	loop_free(drive->loop);
	free(drive);
}
