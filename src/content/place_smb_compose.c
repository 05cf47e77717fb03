// SPDX-License-Identifier: Apache-2.0
/*
 * A file put together on an SMB server: parts of files that it has are copied there by itself
 * (FSCTL_SRV_COPYCHUNK, MS-SMB2 3.3.5.15.6), and only the others are written. All files are opened
 * at once, then all parts are under way, then all files are closed: three round trips, not one for
 * each part.
 */
#include "place_smb.h"

#include <base/utf16.h>
#include <crypto/sha256.h>
#include <wire/dtyp.h>
#include <wire/fscc.h>

#define RESUME_KEY_BYTES 24
#define RESUME_KEY_ROOM	 64
#define COPIED_ROOM	 64
#define COPY_CHUNKS_MAX	 16u	     /* in one request: every server allows so many, */
#define COPY_CHUNK_BYTES (1u << 20)  /* each of so many bytes, */
#define COPY_BYTES_MAX	 (16u << 20) /* and so many together (MS-SMB2 3.3.3) */
#define IN_FLIGHT_MAX	 48u	     /* requests of one file */
#define SOURCES_MAX	 64u	     /* different files that parts are copied from */
#define READ_ACCESS	 (FILE_READ_DATA | FILE_READ_ATTRIBUTES | SYNCHRONIZE)
#define BOTH_ACCESS	 (READ_ACCESS | FILE_WRITE_DATA)
#define SHARE_ALL	 (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

struct source {
	const char *name;
	struct smb2_file_id id;
	bool is_open;
	uint8_t key[RESUME_KEY_BYTES];
};

struct compose {
	struct place_smb *smb;
	const struct place_part *parts;
	size_t count;
	struct source sources[SOURCES_MAX];
	size_t source_count;
	struct smb2_file_id to;
	unsigned in_flight;
	ntstatus status; /* the first that is not success */
};

/* One request, and where its answer goes. */
struct step {
	struct client_request request;
	struct compose *c;
	void (*take)(struct step *step);
	struct source *source;
	uint32_t expected; /* bytes that are to be copied or written */
};

static void note(struct compose *c, ntstatus status)
{
	if (!c->status)
		c->status = status;
}

static void step_done(struct client_request *request)
{
	struct step *step = container_of(request, struct step, request);

	if (request->status)
		note(step->c, request->status);
	else
		step->take(step);
	step->c->in_flight--;
	free(step);
}

static struct client *client_of(const struct compose *c)
{
	return c->smb->sync ? sync_client(c->smb->sync) : NULL;
}

static void wait_until(struct compose *c, unsigned most)
{
	/* A connection that is gone has ended all that was in flight. */
	while (c->in_flight > most)
		loop_run_once(client_loop(client_of(c)), -1);
}

static struct step *add(struct compose *c, struct client_message *message, uint16_t command,
			size_t payload, void (*take)(struct step *step), bool related)
{
	struct step *step = xalloc(1, sizeof(*step));

	step->c = c;
	step->take = take;
	step->request.done = step_done;
	c->in_flight++;
	client_add(message, client_of(c), &step->request, command, payload, related);
	return step;
}

static void take_open(struct step *step)
{
	struct smb2_create_response response = { 0 };

	if (smb2_create_response_decode(&step->request.body, &response)) {
		note(step->c, STATUS_INVALID_NETWORK_RESPONSE);
		return;
	}
	step->source->id = response.file_id;
	step->source->is_open = true;
}

static struct cursor output_of(struct step *step)
{
	struct smb2_ioctl_response response = { 0 };

	if (smb2_ioctl_response_decode(&step->request.body, &response))
		return cur_of(NULL, 0);
	return response.output;
}

/* MS-SMB2 2.2.32.3: the key is what comes first. */
static void take_key(struct step *step)
{
	struct cursor c = output_of(step);

	cur_copy(&c, step->source->key, RESUME_KEY_BYTES);
	if (c.bad)
		note(step->c, STATUS_INVALID_NETWORK_RESPONSE);
}

/* MS-SMB2 2.2.32.1: chunks, bytes of one that failed, bytes in all. */
static void take_copied(struct step *step)
{
	struct cursor c = output_of(step);

	cur_skip(&c, 8);
	if (cur_u32le(&c) != step->expected || c.bad)
		note(step->c, STATUS_INVALID_NETWORK_RESPONSE);
}

static void take_written(struct step *step)
{
	struct smb2_write_response response = { 0 };

	if (smb2_write_response_decode(&step->request.body, &response) ||
	    response.count != step->expected)
		note(step->c, STATUS_INVALID_NETWORK_RESPONSE);
}

static void take_closed(struct step *step)
{
}

static void ioctl_body(struct client_message *message, struct smb2_file_id id, uint32_t code,
		       struct cursor input, uint32_t room)
{
	const struct smb2_ioctl_request body = {
		.code = code,
		.file_id = id,
		.max_output_response = room,
		.flags = SMB2_IOCTL_IS_FSCTL,
		.input = input,
	};

	smb2_ioctl_request_encode(&message->buf, &body);
}

/* Opened, and its key asked for, in one message. */
static void open_source(struct compose *c, struct source *source)
{
	const struct smb2_file_id related = { SMB2_FILE_ID_RELATED, SMB2_FILE_ID_RELATED };
	auto_free char *path = place_smb_path(c->smb, source->name);
	struct smb2_create_request create = {
		.impersonation_level = 2,
		.desired_access = READ_ACCESS,
		.file_attributes = FILE_ATTRIBUTE_NORMAL,
		.share_access = SHARE_ALL,
		.create_disposition = FILE_OPEN,
		.create_options = FILE_NON_DIRECTORY_FILE,
	};
	struct client_message message;
	auto_buf struct buf wide = { 0 };

	if (!client_of(c)) {
		note(c, STATUS_CONNECTION_DISCONNECTED);
		return;
	}
	utf16_encode(&wide, path);
	create.name = cur_of(wide.data, wide.len);
	client_begin(client_of(c), &message, &c->smb->tree);
	add(c, &message, SMB2_CREATE, 0, take_open, false)->source = source;
	smb2_create_request_encode(&message.buf, &create);
	add(c, &message, SMB2_IOCTL, RESUME_KEY_ROOM, take_key, true)->source = source;
	ioctl_body(&message, related, FSCTL_SRV_REQUEST_RESUME_KEY, cur_of(NULL, 0),
		   RESUME_KEY_ROOM);
	client_send(client_of(c), &message);
}

static struct source *find_source(struct compose *c, const char *name)
{
	for (size_t i = c->source_count; i > 0; i--)
		if (!strcmp(c->sources[i - 1].name, name))
			return &c->sources[i - 1];
	return NULL;
}

static ntstatus open_sources(struct compose *c)
{
	for (size_t i = 0; i < c->count && !c->status; i++) {
		if (!c->parts[i].from || find_source(c, c->parts[i].from))
			continue;
		if (c->source_count == SOURCES_MAX)
			return STATUS_INVALID_PARAMETER;
		c->sources[c->source_count].name = c->parts[i].from;
		open_source(c, &c->sources[c->source_count++]);
		wait_until(c, IN_FLIGHT_MAX);
	}
	wait_until(c, 0);
	return c->status;
}

static void close_sources(struct compose *c)
{
	for (size_t i = 0; i < c->source_count && client_of(c); i++) {
		const struct smb2_close_request close = { .file_id = c->sources[i].id };
		struct client_message message;

		if (!c->sources[i].is_open)
			continue;
		client_begin(client_of(c), &message, &c->smb->tree);
		add(c, &message, SMB2_CLOSE, 0, take_closed, false);
		smb2_close_request_encode(&message.buf, &close);
		client_send(client_of(c), &message);
	}
	wait_until(c, 0);
}

/* Chunks of one source, until a request is full. */
struct copying {
	struct smb2_copychunk_request request;
	struct source *source;
	uint32_t bytes;
};

static void send_copies(struct compose *c, struct copying *copying)
{
	auto_buf struct buf input = { 0 };
	struct client_message message;
	uint32_t room = COPIED_ROOM;

	if (!copying->request.count || c->status)
		return;
	wait_until(c, IN_FLIGHT_MAX);
	if (!client_of(c)) {
		note(c, STATUS_CONNECTION_DISCONNECTED);
		return;
	}
	memcpy(copying->request.source_key, copying->source->key, RESUME_KEY_BYTES);
	smb2_copychunk_request_encode(&input, &copying->request);
	client_begin(client_of(c), &message, &c->smb->tree);
	add(c, &message, SMB2_IOCTL, input.len > room ? input.len : room, take_copied, false)
		->expected = copying->bytes;
	ioctl_body(&message, c->to, FSCTL_SRV_COPYCHUNK, cur_of(input.data, input.len), room);
	client_send(client_of(c), &message);
	copying->request.count = copying->bytes = 0;
}

static void copy_part(struct compose *c, struct copying *copying, const struct place_part *part,
		      uint64_t at)
{
	struct source *source = find_source(c, part->from);

	for (uint32_t done = 0; done < part->length;) {
		uint32_t bytes = (uint32_t)min_u64(part->length - done, COPY_CHUNK_BYTES);
		struct smb2_copychunk_request *rq = &copying->request;

		if (copying->source != source || rq->count == COPY_CHUNKS_MAX ||
		    copying->bytes + bytes > COPY_BYTES_MAX)
			send_copies(c, copying);
		copying->source = source;
		rq->chunks[rq->count++] =
			(struct smb2_copychunk){ part->offset + done, at + done, bytes };
		copying->bytes += bytes;
		done += bytes;
	}
}

static void write_part(struct compose *c, const struct place_part *part, uint64_t at)
{
	for (uint32_t done = 0; done < part->length && !c->status;) {
		uint32_t bytes = (uint32_t)min_u64(part->length - done, c->smb->part);
		const struct smb2_write_request write = {
			.file_id = c->to,
			.offset = at + done,
			.data = cur_of(part->data + done, bytes),
		};
		struct client_message message;

		wait_until(c, IN_FLIGHT_MAX);
		if (!client_of(c)) {
			note(c, STATUS_CONNECTION_DISCONNECTED);
			return;
		}
		client_begin(client_of(c), &message, &c->smb->tree);
		add(c, &message, SMB2_WRITE, bytes, take_written, false)->expected = bytes;
		smb2_write_request_encode(&message.buf, &write);
		client_send(client_of(c), &message);
		done += bytes;
	}
}

static ntstatus move_parts(struct compose *c)
{
	auto_free struct copying *copying = xalloc(1, sizeof(*copying));
	uint64_t at = 0;

	for (size_t i = 0; i < c->count && !c->status; i++) {
		if (c->parts[i].from)
			copy_part(c, copying, &c->parts[i], at);
		else
			write_part(c, &c->parts[i], at);
		at += c->parts[i].length;
	}
	send_copies(c, copying);
	wait_until(c, 0);
	return c->status;
}

static uint64_t total_of(const struct compose *c)
{
	uint64_t total = 0;

	for (size_t i = 0; i < c->count; i++)
		total += c->parts[i].length;
	return total;
}

/* What has come of it, read back and hashed; no more than was put together, whatever is sent. */
static ntstatus compare(struct compose *c, const uint8_t *expected)
{
	uint64_t total = total_of(c), at = 0;
	size_t most = (size_t)min_u64(c->smb->part, total + 1);
	struct sha256 *hash = sha256_new();
	auto_free uint8_t *data = malloc(most);
	uint8_t found[SHA256_LENGTH];
	ntstatus status = hash && data ? STATUS_SUCCESS : STATUS_NO_MEMORY;

	while (!status && at <= total) {
		size_t got = 0;

		status = sync_read(c->smb->sync, &c->smb->tree, c->to, at, data, most, &got);
		if (status || !got)
			break;
		if (!sha256_update(hash, data, got))
			status = STATUS_INTERNAL_ERROR;
		at += got;
	}
	if (status == STATUS_END_OF_FILE)
		status = STATUS_SUCCESS;
	if (!status && (at != total || !sha256_final(hash, found) ||
			memcmp(found, expected, SHA256_LENGTH) != 0))
		status = STATUS_FILE_CORRUPT_ERROR;
	sha256_free(hash);
	return status;
}

/* What was made beside gets its name, or goes. */
static ntstatus put_in_place(struct compose *c, const char *name, const uint8_t *expected)
{
	auto_free char *path = place_smb_path(c->smb, name);
	ntstatus status = compare(c, expected);

	if (!status)
		status = sync_flush(c->smb->sync, &c->smb->tree, c->to);
	if (!status)
		status = place_smb_rename(c->smb, c->to, path);
	return status;
}

ntstatus place_smb_compose(struct place *place, const char *name, const struct place_part *parts,
			   size_t count, const uint8_t *expected)
{
	struct place_smb *smb = container_of(place, struct place_smb, place);
	auto_free struct compose *c = xalloc(1, sizeof(*c));
	char beside[PLACE_STAGING_NAME];
	auto_free char *path = NULL;
	ntstatus status, closed;

	*c = (struct compose){ .smb = smb, .parts = parts, .count = count };
	if (!smb->sync)
		return STATUS_CONNECTION_DISCONNECTED;
	place_staging_name(beside);
	path = place_smb_path(smb, expected ? beside : name);
	status = sync_open(smb->sync, &smb->tree, path,
			   BOTH_ACCESS | (expected ? DELETE_ACCESS : 0u), FILE_CREATE,
			   FILE_NON_DIRECTORY_FILE, &c->to);
	if (status)
		return status;
	status = open_sources(c);
	if (!status)
		status = move_parts(c);
	wait_until(c, 0);
	if (!status && expected)
		status = put_in_place(c, name, expected);
	if (status && expected)
		(void)!sync_delete(smb->sync, &smb->tree, c->to);
	close_sources(c);
	closed = sync_close(smb->sync, &smb->tree, c->to);
	return status ? status : closed;
}
