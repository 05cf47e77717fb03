// SPDX-License-Identifier: Apache-2.0
/* The steps, as requests to the server. */
#include "drive_impl.h"

#include <stdio.h>
#include <wire/dtyp.h>

#define DURABLE_MS 300000 /* longer than a tree of steps takes */

/* ---- what comes back ---- */

static ntstatus decode_create(struct client_request *request, void *out)
{
	return smb2_create_response_decode(&request->body, out);
}

static ntstatus decode_read(struct client_request *request, void *out)
{
	struct smb2_read_response response;
	struct outcome *outcome = out;
	ntstatus status = smb2_read_response_decode(&request->body, &response);

	if (status)
		return status;
	outcome->size = cur_left(&response.data);
	if (outcome->size > sizeof(outcome->data))
		return STATUS_INVALID_NETWORK_RESPONSE;
	cur_copy(&response.data, outcome->data, outcome->size);
	return STATUS_SUCCESS;
}

static ntstatus decode_output(struct client_request *request, void *out)
{
	struct cursor output;
	ntstatus status = smb2_output_response_decode(&request->body, &output);

	if (!status)
		buf_bytes(out, output.at, cur_left(&output));
	return status;
}

/* ---- the steps ---- */

static void tell_create(const struct smb2_create_response *response, struct outcome *out)
{
	out->action = response->create_action;
	out->attributes = response->facts.file_attributes;
	out->size = response->facts.end_of_file;
	out->oplock = response->oplock_level;
	out->durable = response->durable_v2;
	if (!response->lease.present)
		return;
	out->lease_state = response->lease.state;
	out->lease_epoch = response->lease.epoch;
	out->lease_breaking = response->lease.flags & SMB2_LEASE_FLAG_BREAK_IN_PROGRESS;
}

static void note_open(const struct kept *kept)
{
	kept->drive->ids[kept->op.slot] = kept->response.file_id;
	kept->drive->owners[kept->op.slot] = kept->op.client;
	kept->drive->guids[kept->op.slot] = kept->guid;
}

/* The answer to a request whose step is long over. */
static void answered(struct call *call)
{
	struct kept *kept = container_of(call, struct kept, call);
	struct outcome answer = { .status = call->status };

	if (!kept->is_waiting)
		return;
	kept->is_waiting = false;
	if ((kept->op.kind == OP_CREATE || kept->op.kind == OP_RETURN) && !call->status) {
		note_open(kept);
		tell_create(&kept->response, &answer);
	}
	if (kept->drive->out)
		event_answer(kept->drive->out, (unsigned)(kept - kept->drive->kept), &answer);
}

/* keep - the call for a step whose request may wait. */
static struct call *keep(struct drive *drive, const struct op *op)
{
	struct kept *kept = &drive->kept[op->wait];

	*kept = (struct kept){ .drive = drive, .op = *op };
	kept->call.may_wait = true;
	kept->call.answered = answered;
	return &kept->call;
}

static ntstatus finish_kept(struct drive *drive, const struct op *op,
			    struct client_message *message)
{
	struct kept *kept = &drive->kept[op->wait];
	ntstatus status = drive_finish(drive, op->client, &kept->call, message);

	kept->is_waiting = status == STATUS_PENDING;
	return status;
}

static void key_of(unsigned key, uint8_t out[16])
{
	memset(out, (int)key, 16);
}

static void ask_for_lease(const struct op *op, struct smb2_lease *lease)
{
	*lease = (struct smb2_lease){
		.present = true,
		.version = 2,
		.state = op->lease_state,
		.flags = op->parent_key ? SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET : 0,
	};
	key_of(op->lease_key, lease->key);
	key_of(op->parent_key, lease->parent_key);
}

static ntstatus create(struct drive *drive, const struct op *op, struct outcome *out)
{
	struct smb2_create_request body = {
		.oplock_level = op->oplock,
		.impersonation_level = 2,
		.desired_access = op->access,
		.file_attributes = op->attributes,
		.share_access = op->share,
		.create_disposition = op->disposition,
		.create_options = op->options,
	};
	struct call *call = keep(drive, op);
	struct kept *kept = &drive->kept[op->wait];
	struct buf auto_buf wide = { 0 };
	struct client_message message;
	ntstatus status;

	call->decode = decode_create;
	call->out = &kept->response;
	if (op->kind == OP_RETURN) {
		body.contexts.durable.reconnect_v2 = true;
		body.contexts.durable.file_id = drive->ids[op->slot];
		kept->guid = drive->guids[op->slot];
	} else if (op->durable) {
		body.contexts.durable.request_v2 = true;
		body.contexts.durable.timeout_ms = DURABLE_MS;
		kept->guid = guid_random();
	}
	body.contexts.durable.create_guid = kept->guid;
	if (op->oplock == SMB2_OPLOCK_LEVEL_LEASE)
		ask_for_lease(op, &body.contexts.lease);
	utf16_encode(&wide, op->path);
	body.name = cur_of(wide.data, wide.len);
	drive_begin(drive, op->client, call, &message, SMB2_CREATE);
	smb2_create_request_encode(&message.buf, &body);
	status = finish_kept(drive, op, &message);
	if (status)
		return status;
	note_open(kept);
	tell_create(&kept->response, out);
	return status;
}

static ntstatus close_slot(struct drive *drive, unsigned slot)
{
	struct smb2_close_request body = { .file_id = drive->ids[slot] };
	struct call call = { 0 };
	struct client_message message;

	drive_begin(drive, drive->owners[slot], &call, &message, SMB2_CLOSE);
	smb2_close_request_encode(&message.buf, &body);
	return drive_finish(drive, drive->owners[slot], &call, &message);
}

static ntstatus read_data(struct drive *drive, const struct op *op, struct outcome *out)
{
	struct smb2_read_request body = {
		.length = op->length,
		.offset = op->offset,
		.file_id = drive->ids[op->slot],
	};
	struct call call = { .decode = decode_read, .out = out };
	struct client_message message;

	drive_begin(drive, op->client, &call, &message, SMB2_READ);
	smb2_read_request_encode(&message.buf, &body);
	return drive_finish(drive, op->client, &call, &message);
}

static ntstatus write_data(struct drive *drive, const struct op *op)
{
	uint8_t data[MODEL_DATA];
	struct smb2_write_request body = {
		.offset = op->offset,
		.file_id = drive->ids[op->slot],
		.data = cur_of(data, op->length),
	};
	struct call call = { 0 };
	struct client_message message;

	memset(data, op->byte, sizeof(data));
	drive_begin(drive, op->client, &call, &message, SMB2_WRITE);
	smb2_write_request_encode(&message.buf, &body);
	return drive_finish(drive, op->client, &call, &message);
}

static ntstatus set_info(struct drive *drive, const struct op *op, uint8_t info_class,
			 const struct buf *input)
{
	struct smb2_set_info_request body = {
		.info_type = SMB2_0_INFO_FILE,
		.info_class = info_class,
		.file_id = drive->ids[op->slot],
		.input = cur_of(input->data, input->len),
	};
	struct call *call = keep(drive, op);
	struct client_message message;

	drive_begin(drive, op->client, call, &message, SMB2_SET_INFO);
	smb2_set_info_request_encode(&message.buf, &body);
	return finish_kept(drive, op, &message);
}

static ntstatus set_size(struct drive *drive, const struct op *op)
{
	struct buf auto_buf input = { 0 };

	buf_u64le(&input, op->length);
	return set_info(drive, op, FileEndOfFileInformation, &input);
}

static ntstatus set_attributes(struct drive *drive, const struct op *op)
{
	struct buf auto_buf input = { 0 };

	buf_zero(&input, 32); /* the times stay */
	buf_u32le(&input, op->attributes);
	buf_u32le(&input, 0);
	return set_info(drive, op, FileBasicInformation, &input);
}

static ntstatus set_times(struct drive *drive, const struct op *op)
{
	struct buf auto_buf input = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(op->times); i++)
		buf_u64le(&input, op->times[i]);
	buf_zero(&input, 8 + 4 + 4); /* change time and attributes stay */
	return set_info(drive, op, FileBasicInformation, &input);
}

static ntstatus disposition(struct drive *drive, const struct op *op)
{
	struct buf auto_buf input = { 0 };

	buf_u8(&input, op->flag);
	return set_info(drive, op, FileDispositionInformation, &input);
}

static ntstatus rename_to(struct drive *drive, const struct op *op)
{
	struct buf auto_buf input = { 0 };

	buf_u8(&input, op->flag);
	buf_zero(&input, 7 + 8);
	buf_u32le(&input, (uint32_t)utf16_length(op->path));
	utf16_encode(&input, op->path);
	while (input.len < 24)
		buf_u8(&input, 0);
	return set_info(drive, op, FileRenameInformation, &input);
}

static ntstatus lock_range(struct drive *drive, const struct op *op)
{
	struct smb2_lock_request body = {
		.count = 1,
		.file_id = drive->ids[op->slot],
		.locks = { { op->offset, op->length, SMB2_LOCKFLAG_UNLOCK } },
	};
	struct call *call = keep(drive, op);
	struct client_message message;

	if (op->kind == OP_LOCK)
		body.locks[0].flags =
			(op->waits ? 0 : SMB2_LOCKFLAG_FAIL_IMMEDIATELY) |
			(op->flag ? SMB2_LOCKFLAG_EXCLUSIVE_LOCK : SMB2_LOCKFLAG_SHARED_LOCK);
	drive_begin(drive, op->client, call, &message, SMB2_LOCK);
	smb2_lock_request_encode(&message.buf, &body);
	return finish_kept(drive, op, &message);
}

static ntstatus query_info(struct drive *drive, const struct op *op, uint8_t info_class,
			   struct buf *output)
{
	struct smb2_query_info_request body = {
		.info_type = SMB2_0_INFO_FILE,
		.info_class = info_class,
		.output_length = OUTPUT_BYTES,
		.file_id = drive->ids[op->slot],
	};
	struct call call = { .decode = decode_output, .out = output };
	struct client_message message;

	drive_begin(drive, op->client, &call, &message, SMB2_QUERY_INFO);
	smb2_query_info_request_encode(&message.buf, &body);
	return drive_finish(drive, op->client, &call, &message);
}

/* FILE_ALL_INFORMATION (MS-FSCC 2.4.2). */
static ntstatus query(struct drive *drive, const struct op *op, struct outcome *out)
{
	struct buf auto_buf output = { 0 };
	ntstatus status = query_info(drive, op, FileAllInformation, &output);
	struct cursor c = cur_of(output.data, output.len);
	char auto_free *name = NULL;
	uint32_t length;

	if (status)
		return status;
	for (size_t i = 0; i < MODEL_TIMES; i++)
		out->times[i] = (struct model_time){ .kind = TIME_KNOWN, .value = cur_u64le(&c) };
	out->attributes = cur_u32le(&c);
	cur_skip(&c, 4 + 8); /* reserved, allocation size */
	out->size = cur_u64le(&c);
	out->links = cur_u32le(&c);
	out->delete_pending = cur_u8(&c);
	out->is_directory = cur_u8(&c);
	cur_skip(&c,
		 2 + 8 + 4 + 4 + 8 + 4 + 4); /* internal, EA, access, position, mode, alignment */
	length = cur_u32le(&c);
	name = utf16_to_string(cur_take(&c, length));
	if (c.bad || !name)
		return STATUS_INVALID_NETWORK_RESPONSE;
	snprintf(out->name, sizeof(out->name), "%s", name);
	return STATUS_SUCCESS;
}

static void add_line(struct outcome *out, const char *format, const char *name, uint64_t a,
		     uint64_t b)
{
	size_t length = strlen(out->listing);

	snprintf(out->listing + length, sizeof(out->listing) - length, format, name, a, b);
}

static ntstatus list(struct drive *drive, const struct op *op, struct outcome *out)
{
	struct buf auto_buf pattern = { 0 }, output = { 0 };
	struct smb2_query_directory_request body = {
		.info_class = FileIdBothDirectoryInformation,
		.flags = SMB2_RESTART_SCANS,
		.file_id = drive->ids[op->slot],
		.output_length = OUTPUT_BYTES,
	};
	struct call call = { .decode = decode_output, .out = &output };
	struct client_message message;
	struct directory_entry entry;
	struct cursor list;
	ntstatus status;

	utf16_encode(&pattern, "*");
	body.pattern = cur_of(pattern.data, pattern.len);
	drive_begin(drive, op->client, &call, &message, SMB2_QUERY_DIRECTORY);
	smb2_query_directory_request_encode(&message.buf, &body);
	status = drive_finish(drive, op->client, &call, &message);
	list = cur_of(output.data, output.len);
	while (!status && fscc_directory_next(body.info_class, &list, &entry)) {
		char auto_free *name = utf16_to_string(entry.name);

		if (name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
			add_line(out, "%s %lx %lu\n", name, entry.facts.attributes,
				 entry.facts.end_of_file);
	}
	sort_lines(out->listing);
	return list.bad ? STATUS_INVALID_NETWORK_RESPONSE : status;
}

/* FILE_STREAM_INFORMATION (MS-FSCC 2.4.43). */
static ntstatus streams(struct drive *drive, const struct op *op, struct outcome *out)
{
	struct buf auto_buf output = { 0 };
	ntstatus status = query_info(drive, op, FileStreamInformation, &output);
	size_t at = 0, next = output.len ? 1 : 0;

	while (!status && next) {
		struct cursor c = cur_of(output.data + at, output.len - at);
		char auto_free *name = NULL;
		uint32_t length;
		uint64_t size;

		next = cur_u32le(&c);
		length = cur_u32le(&c);
		size = cur_u64le(&c);
		cur_skip(&c, 8);
		name = utf16_to_string(cur_take(&c, length));
		if (c.bad || !name || next > output.len - at)
			return STATUS_INVALID_NETWORK_RESPONSE;
		add_line(out, "%s %lu\n", name, size, 0);
		at += next;
	}
	sort_lines(out->listing);
	return status;
}

static ntstatus leave(struct drive *drive, const struct op *op)
{
	struct call call = { 0 };
	struct client_message message;
	ntstatus status;

	drive_begin(drive, op->client, &call, &message, SMB2_TREE_DISCONNECT);
	smb2_empty_encode(&message.buf);
	status = drive_finish(drive, op->client, &call, &message);
	return status ? status : drive_join(drive, op->client);
}

static ntstatus decode_acknowledgement(struct client_request *request, void *out)
{
	return smb2_oplock_break_ack_decode(&request->body, out);
}

static ntstatus acknowledge(struct drive *drive, const struct op *op, struct outcome *out)
{
	struct smb2_oplock_break body = {
		.is_lease = op->lease_key,
		.oplock_level = op->oplock,
		.file_id = drive->ids[op->slot],
		.lease_state = op->lease_state,
	};
	struct smb2_oplock_break response = { 0 };
	struct call call = { .decode = decode_acknowledgement, .out = &response };
	struct client_message message;
	ntstatus status;

	key_of(op->lease_key, body.lease_key);
	drive_begin(drive, op->client, &call, &message, SMB2_OPLOCK_BREAK);
	smb2_oplock_break_ack_encode(&message.buf, &body);
	status = drive_finish(drive, op->client, &call, &message);
	out->oplock = response.oplock_level;
	out->lease_state = response.lease_state;
	return status;
}

/* The answers to what waited go with the connection. */
static ntstatus lose(struct drive *drive, const struct op *op)
{
	for (unsigned i = 0; i < MODEL_WAITS; i++)
		if (drive->kept[i].op.client == op->client)
			drive->kept[i].is_waiting = false;
	return drive_disconnect(drive, op->client) && drive_reconnect(drive, op->client)
		       ? STATUS_SUCCESS
		       : STATUS_CONNECTION_DISCONNECTED;
}

static bool run(struct drive *drive, const struct op *op, struct outcome *out)
{
	switch (op->kind) {
	case OP_CREATE:
	case OP_RETURN:
		out->status = create(drive, op, out);
		break;
	case OP_LOSE:
		out->status = lose(drive, op);
		break;
	case OP_CLOSE:
		out->status = close_slot(drive, op->slot);
		break;
	case OP_READ:
		out->status = read_data(drive, op, out);
		break;
	case OP_WRITE:
		out->status = write_data(drive, op);
		break;
	case OP_SET_SIZE:
		out->status = set_size(drive, op);
		break;
	case OP_SET_ATTRIBUTES:
		out->status = set_attributes(drive, op);
		break;
	case OP_SET_TIMES:
		out->status = set_times(drive, op);
		break;
	case OP_DISPOSITION:
		out->status = disposition(drive, op);
		break;
	case OP_RENAME:
		out->status = rename_to(drive, op);
		break;
	case OP_LOCK:
	case OP_UNLOCK:
		out->status = lock_range(drive, op);
		break;
	case OP_QUERY:
		out->status = query(drive, op, out);
		break;
	case OP_LIST:
		out->status = list(drive, op, out);
		break;
	case OP_STREAMS:
		out->status = streams(drive, op, out);
		break;
	case OP_LEAVE:
		out->status = leave(drive, op);
		break;
	case OP_ACK:
		out->status = acknowledge(drive, op, out);
		break;
	case OP_ZERO:
		out->status = drive_zero(drive, op);
		break;
	case OP_COPY:
		out->status = drive_copy(drive, op, out);
		break;
	case OP_CANCEL:
		client_cancel(drive->actors[op->client].client,
			      &drive->kept[op->wait].call.request);
		break;
	case OP_KINDS:
		return false;
	}
	return drive->actors[op->client].client != NULL;
}

bool drive_apply(struct drive *drive, const struct op *op, const struct outcome *expected,
		 struct outcome *out)
{
	bool good;

	memset(out, 0, sizeof(*out));
	drive->out = expected ? out : NULL;
	drive->expects_wait = expected && expected->status == STATUS_PENDING;
	good = run(drive, op, out);
	if (good && expected)
		drive_settle(drive, expected);
	drive->out = NULL;
	return good;
}

/* What is below @path goes; its own slot is @slot. */
static bool empty_directory(struct drive *drive, const char *path, unsigned slot)
{
	struct op open = { .kind = OP_CREATE,
			   .slot = slot,
			   .access = FILE_READ_DATA,
			   .share = 7,
			   .disposition = FILE_OPEN };
	struct op listing = { .kind = OP_LIST, .slot = slot };
	struct outcome outcome, ignored;
	char *save = NULL;

	snprintf(open.path, sizeof(open.path), "%s", path);
	if (slot + 1 >= MODEL_OPENS || !drive_apply(drive, &open, NULL, &outcome) ||
	    outcome.status || !drive_apply(drive, &listing, NULL, &outcome) || outcome.status)
		return false;
	for (char *line = strtok_r(outcome.listing, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		bool is_directory = strtoul(strchr(line, ' ') + 1, NULL, 16) & 0x10;
		struct op gone = { .kind = OP_CREATE,
				   .slot = slot + 1,
				   .access = DELETE_ACCESS | FILE_WRITE_ATTRIBUTES,
				   .share = 7,
				   .disposition = FILE_OPEN };
		struct op plain = { .kind = OP_SET_ATTRIBUTES,
				    .slot = slot + 1,
				    .attributes = FILE_ATTRIBUTE_NORMAL };
		struct op mark = { .kind = OP_DISPOSITION, .slot = slot + 1, .flag = true };

		*strchr(line, ' ') = 0;
		snprintf(gone.path, sizeof(gone.path), "%.60s%s%.30s", path, *path ? "\\" : "",
			 line);
		if (is_directory && !empty_directory(drive, gone.path, slot + 1))
			return false;
		drive_apply(drive, &gone, NULL, &ignored);
		drive_apply(drive, &plain, NULL, &ignored);
		drive_apply(drive, &mark, NULL, &ignored);
		if (ignored.status || close_slot(drive, slot + 1))
			return false;
	}
	return !close_slot(drive, slot);
}

/* Requests that still wait are given up. */
static void cancel_all(struct drive *drive)
{
	for (unsigned i = 0; i < MODEL_WAITS; i++) {
		struct kept *kept = &drive->kept[i];
		struct client *client = drive->actors[kept->op.client].client;

		if (!kept->is_waiting || !client)
			continue;
		client_cancel(client, &kept->call.request);
		while (!kept->call.done)
			loop_run_once(drive->loop, 1000);
	}
}

static bool leave_all(struct drive *drive)
{
	struct outcome outcome;

	for (unsigned i = 0; i < MODEL_CLIENTS; i++) {
		struct op op = { .kind = OP_LEAVE, .client = i };

		if (!drive_apply(drive, &op, NULL, &outcome))
			return false;
	}
	return true;
}

/* What is kept for its client is in the way, and may be marked for deletion. */
static bool return_all(struct drive *drive)
{
	static const struct guid none;
	struct outcome ignored;

	for (unsigned slot = 0; slot < MODEL_OPENS; slot++) {
		struct op op = { .kind = OP_RETURN, .slot = slot };

		if (!guid_equal(&drive->guids[slot], &none) &&
		    !drive_apply(drive, &op, NULL, &ignored))
			return false;
		drive->guids[slot] = none;
	}
	return leave_all(drive);
}

bool drive_empty(struct drive *drive)
{
	struct op open = { .kind = OP_CREATE,
			   .access = FILE_WRITE_ATTRIBUTES,
			   .share = 7,
			   .disposition = FILE_OPEN };
	struct op plain = { .kind = OP_SET_ATTRIBUTES, .attributes = FILE_ATTRIBUTE_DIRECTORY };
	struct outcome outcome;

	cancel_all(drive);
	return leave_all(drive) && return_all(drive) && drive_apply(drive, &open, NULL, &outcome) &&
	       drive_apply(drive, &plain, NULL, &outcome) && !outcome.status &&
	       !close_slot(drive, 0) && empty_directory(drive, "", 0);
}
