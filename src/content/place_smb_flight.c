// SPDX-License-Identifier: Apache-2.0
/*
 * Requests of an SMB place on their way. A small file travels as one compound (create, write or
 * read, perhaps look at what was written, or rename, close), and one that goes as another (create
 * to delete, close), so that each costs one round trip, and many are under way at a time.
 */
#include "place_smb.h"

#include <base/utf16.h>
#include <wire/dtyp.h>
#include <wire/fscc.h>
#include <wire/hash_range.h>

#define SLOWEST_BYTES_MS 4u    /* 32 kbit/s: so much longer than others a piece may take */
#define COMPOUND_HEADS	 4096u /* of a compound, names included */

#define ACCESS_GET	 (FILE_READ_DATA | FILE_READ_ATTRIBUTES | SYNCHRONIZE)
#define ACCESS_PUT	 (FILE_WRITE_DATA | FILE_READ_ATTRIBUTES | SYNCHRONIZE)
#define ACCESS_REMOVE	 (DELETE_ACCESS | FILE_READ_ATTRIBUTES | SYNCHRONIZE)
#define SHARE_ALL	 (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

static const struct smb2_file_id related = { SMB2_FILE_ID_RELATED, SMB2_FILE_ID_RELATED };

/* A request on its way: the parts of its compound. */
enum { PART_CREATE, PART_DATA, PART_BACK, PART_RENAME, PART_CLOSE, PART_COUNT };
struct part {
	struct client_request request;
	struct flight *flight;
};
struct flight {
	struct place_smb *smb;
	struct place_request *rq;
	struct part parts[PART_COUNT];
	unsigned left; /* answers that have not come */
	ntstatus status;
	bool by_hash;	  /* PART_BACK asks for the hash alone */
	ntstatus refused; /* and the server does not know how */
	size_t got;
	char staged[PLACE_STAGING_NAME];
};

static void note_status(struct flight *flight, ntstatus status)
{
	/* The first failure is the cause; the parts behind it only repeat it. */
	if (!flight->status)
		flight->status = status;
}

/* What was read; nothing where it is a failure, or the end of the file. */
static struct cursor data_of(struct flight *flight, struct client_request *request)
{
	struct smb2_read_response response = { 0 };

	if (request->status == STATUS_END_OF_FILE)
		return cur_of(NULL, 0);
	if (request->status) {
		note_status(flight, request->status);
		return cur_of(NULL, 0);
	}
	if (smb2_read_response_decode(&request->body, &response) ||
	    cur_left(&response.data) > flight->rq->length) {
		note_status(flight, STATUS_INVALID_NETWORK_RESPONSE);
		return cur_of(NULL, 0);
	}
	flight->got = cur_left(&response.data);
	return response.data;
}

static void take_data(struct flight *flight, struct client_request *request)
{
	struct cursor data = data_of(flight, request);

	if (cur_left(&data))
		cur_copy(&data, flight->rq->data, cur_left(&data));
}

/* How a server says that it does not know a control code. */
static bool is_unknown(ntstatus status)
{
	return status == STATUS_INVALID_DEVICE_REQUEST || status == STATUS_NOT_SUPPORTED ||
	       status == STATUS_INVALID_PARAMETER;
}

/* A refusal is no failure: whoever asked reads it back, and nobody asks this server again. */
static void take_hash(struct flight *flight, struct client_request *request)
{
	struct smb2_ioctl_response response = { 0 };
	struct hash_range_reply reply = { 0 };

	if (request->status == STATUS_END_OF_FILE) {
		return; /* nothing of it is there */
	} else if (!flight->status && is_unknown(request->status)) {
		flight->refused = request->status;
		flight->smb->hashes_nothing = true;
	} else if (request->status) {
		note_status(flight, request->status);
	} else if (smb2_ioctl_response_decode(&request->body, &response) ||
		   hash_range_reply_decode(response.output, &reply) ||
		   reply.length > flight->rq->length) {
		note_status(flight, STATUS_INVALID_NETWORK_RESPONSE);
	} else {
		flight->got = reply.length;
		memcpy(flight->rq->back, reply.hash, SHA256_LENGTH);
	}
}

/* Only the hash of it is wanted: it is not copied for that. */
static void take_back(struct flight *flight, struct client_request *request)
{
	struct cursor data = data_of(flight, request);

	flight->smb->place.counts.bytes_got += cur_left(&data);
	if (cur_left(&data) && !hash_sha256(data.at, cur_left(&data), flight->rq->back))
		note_status(flight, STATUS_NO_MEMORY);
}

static void take_count(struct flight *flight, struct client_request *request)
{
	struct smb2_write_response response = { 0 };

	if (request->status)
		note_status(flight, request->status);
	else if (smb2_write_response_decode(&request->body, &response) ||
		 response.count != flight->rq->length)
		note_status(flight, STATUS_INVALID_NETWORK_RESPONSE);
}

static void part_done(struct client_request *request)
{
	struct part *part = container_of(request, struct part, request);
	struct flight *flight = part->flight;

	if (part == &flight->parts[PART_DATA] && flight->rq->verb == PLACE_GET)
		take_data(flight, request);
	else if (part == &flight->parts[PART_BACK] && flight->by_hash)
		take_hash(flight, request);
	else if (part == &flight->parts[PART_BACK])
		take_back(flight, request);
	else if (part == &flight->parts[PART_DATA])
		take_count(flight, request);
	else if (!flight->refused || request->status != flight->refused) /* it may say it again */
		note_status(flight, request->status);
	if (--flight->left)
		return;
	flight->rq->is_back = flight->parts[PART_BACK].flight && !flight->refused;
	place_finish(&flight->smb->place, flight->rq, flight->status,
		     flight->status ? 0 : flight->got);
	free(flight);
}

static void add(struct flight *flight, struct client_message *message, unsigned index,
		uint16_t command, size_t payload)
{
	struct part *part = &flight->parts[index];

	part->flight = flight;
	part->request.done = part_done;
	part->request.extra_ms = flight->rq->length / SLOWEST_BYTES_MS;
	flight->left++;
	client_add(message, sync_client(flight->smb->sync), &part->request, command, payload,
		   index != PART_CREATE);
}

static void add_create(struct flight *flight, struct client_message *message, const char *path)
{
	const struct place_request *rq = flight->rq;
	bool get = rq->verb == PLACE_GET, gone = rq->verb == PLACE_REMOVE;
	struct smb2_create_request create = {
		.impersonation_level = 2,
		.desired_access = get	 ? ACCESS_GET
				  : gone ? ACCESS_REMOVE
					 : ACCESS_PUT,
		.file_attributes = FILE_ATTRIBUTE_NORMAL,
		.share_access = SHARE_ALL,
		.create_disposition = get || gone  ? FILE_OPEN
				      : rq->is_new ? FILE_CREATE
						   : FILE_OVERWRITE_IF,
		.create_options = FILE_NON_DIRECTORY_FILE | (gone ? FILE_DELETE_ON_CLOSE : 0u),
	};
	auto_buf struct buf wide = { 0 };

	if (rq->replace)
		create.desired_access |= DELETE_ACCESS;
	else if (rq->wants_back)
		create.desired_access |= FILE_READ_DATA;
	utf16_encode(&wide, path);
	create.name = cur_of(wide.data, wide.len);
	add(flight, message, PART_CREATE, SMB2_CREATE, 0);
	smb2_create_request_encode(&message->buf, &create);
}

/* What comes back may be compressed where that way is slow, too. */
static void add_read(struct flight *flight, struct client_message *message, unsigned index,
		     uint64_t offset)
{
	struct client *client = sync_client(flight->smb->sync);
	bool compress =
		client_facts(client)->compression.algorithms && client_network_is_slow(client);
	const struct smb2_read_request read = {
		.flags = compress ? SMB2_READFLAG_REQUEST_COMPRESSED : 0,
		.length = (uint32_t)flight->rq->length,
		.offset = offset,
		.file_id = related,
	};

	add(flight, message, index, SMB2_READ, flight->rq->length);
	smb2_read_request_encode(&message->buf, &read);
}

/*
 * A server of Berth hashes what it has stored: that is the same bytes, from the same file, as it
 * would send, and it could lie about either. Only what has just been written is looked at like
 * this; every other verification (of a package, a schedule, a mover, a client) reads the bytes.
 */
static void add_hash(struct flight *flight, struct client_message *message)
{
	const struct hash_range range = { .length = (uint32_t)flight->rq->length };
	auto_buf struct buf input = { 0 };
	struct smb2_ioctl_request ioctl = {
		.code = FSCTL_BERTH_HASH_RANGE,
		.file_id = related,
		.max_output_response = HASH_RANGE_REPLY_BYTES,
		.flags = SMB2_IOCTL_IS_FSCTL,
	};

	hash_range_encode(&input, &range);
	ioctl.input = cur_of(input.data, input.len);
	flight->by_hash = true;
	add(flight, message, PART_BACK, SMB2_IOCTL, flight->rq->length);
	smb2_ioctl_request_encode(&message->buf, &ioctl);
}

/* What is written is hashed by the server, or read again, before it is closed, where it has its
 * name already. */
static void add_data(struct flight *flight, struct client_message *message)
{
	const struct place_request *rq = flight->rq;

	if (rq->verb == PLACE_GET) {
		add_read(flight, message, PART_DATA, rq->offset);
	} else {
		const struct smb2_write_request write = {
			.file_id = related,
			.data = cur_of(rq->data, rq->length),
		};

		add(flight, message, PART_DATA, SMB2_WRITE, rq->length);
		smb2_write_request_encode(&message->buf, &write);
		if (!rq->wants_back || rq->replace)
			return;
		if (flight->smb->hashes_nothing || rq->length > HASH_RANGE_MAX)
			add_read(flight, message, PART_BACK, 0);
		else
			add_hash(flight, message);
	}
}

/* FileRenameInformation and FileRenameInformationEx (MS-FSCC 2.4.42.2, 2.4.43): over what is
 * there. They differ in what the first four bytes mean. */
void place_smb_rename_encode(struct buf *out, const char *path, bool posix)
{
	auto_buf struct buf wide = { 0 };

	utf16_encode(&wide, path);
	buf_u32le(out, FILE_RENAME_REPLACE_IF_EXISTS | (posix ? FILE_RENAME_POSIX_SEMANTICS : 0));
	buf_zero(out, 4);
	buf_u64le(out, 0);
	buf_u32le(out, (uint32_t)wide.len);
	buf_bytes(out, wide.data, wide.len);
}

static void add_rename(struct flight *flight, struct client_message *message, const char *path)
{
	auto_buf struct buf input = { 0 };
	bool posix = flight->smb->renames == RENAMES_POSIX;
	struct smb2_set_info_request set = {
		.info_type = SMB2_0_INFO_FILE,
		.info_class = posix ? FileRenameInformationEx : FileRenameInformation,
		.file_id = related,
	};

	place_smb_rename_encode(&input, path, posix);
	set.input = cur_of(input.data, input.len);
	add(flight, message, PART_RENAME, SMB2_SET_INFO, input.len);
	smb2_set_info_request_encode(&message->buf, &set);
}

/* What does not fit one request goes in parts, and waits. */
static ntstatus in_parts(struct place_smb *smb, struct place_request *rq, size_t *got)
{
	size_t most = smb->part;

	if (rq->verb == PLACE_PUT)
		return place_smb_write(smb, rq->name, rq->data, rq->length,
				       rq->is_new    ? SMB_WRITE_NEW
				       : rq->replace ? SMB_WRITE_STAGED
						     : SMB_WRITE_IN_PLACE,
				       false);
	return place_smb_read(smb, rq->name, rq->offset, rq->data, rq->length, most, got);
}

void place_smb_begin(struct place *place, struct place_request *rq)
{
	const struct smb2_close_request close = { .file_id = related };
	struct place_smb *smb = container_of(place, struct place_smb, place);
	auto_free char *path = place_smb_path(smb, rq->name);
	struct client_message message;
	struct flight *flight;
	size_t got = 0;

	if (!smb->sync || !sync_client(smb->sync)) {
		place_finish(place, rq, STATUS_CONNECTION_DISCONNECTED, 0);
		return;
	}
	if (rq->verb != PLACE_REMOVE && (!rq->length || rq->length > smb->part)) {
		ntstatus status = in_parts(smb, rq, &got);

		place_finish(place, rq, status, got);
		return;
	}
	flight = xalloc(1, sizeof(*flight));
	flight->smb = smb;
	flight->rq = rq;
	client_begin(sync_client(smb->sync), &message, &smb->tree);
	if (rq->verb == PLACE_PUT) /* at once, so that no data moves while the message grows */
		buf_room(&message.buf, rq->length + COMPOUND_HEADS);
	if (rq->replace) {
		auto_free char *staged = NULL;

		place_staging_name(flight->staged);
		staged = place_smb_path(smb, flight->staged);
		add_create(flight, &message, staged);
	} else {
		add_create(flight, &message, path);
	}
	if (rq->verb != PLACE_REMOVE)
		add_data(flight, &message);
	if (rq->replace)
		add_rename(flight, &message, path);
	add(flight, &message, PART_CLOSE, SMB2_CLOSE, 0);
	smb2_close_request_encode(&message.buf, &close);
	client_send(sync_client(smb->sync), &message);
}
