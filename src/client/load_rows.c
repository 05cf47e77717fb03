// SPDX-License-Identifier: Apache-2.0
/* The rows: what one operation of each kind of work is. */
#include "load_impl.h"

#include <ctype.h>
#include <stdio.h>
#include <unistd.h>
#include <wire/fscc.h>

#define ACCESS_READ	0x00120089u
#define ACCESS_WRITE	0x0012019fu
#define ACCESS_LIST	0x00100081u
#define ACCESS_DELETE	0x00010080u
#define SMALL_BYTES	4096u
#define RANDOM_BYTES	4096u
#define LIST_BYTES	65536u
#define LARGE_FILE	"bench-large"
#define LARGE_DIRECTORY "bench-many-%u" /* its entries */
#define SMALL_DIRECTORY "bench-small"
#define ONE_FILE	"bench-one"

/* A request whose answer the lane goes on with. */
static void send_for(struct lane *lane, struct client_message *message,
		     void (*done)(struct client_request *request))
{
	lane->request.done = done;
	client_send(lane->connection->client, message);
}

static struct lane *lane_of(struct client_request *request)
{
	return container_of(request, struct lane, request);
}

static void begin_message(struct lane *lane, struct client_message *message, uint16_t command,
			  size_t payload)
{
	struct connection *c = lane->connection;

	client_begin(c->client, message, &c->tree);
	client_add(message, c->client, &lane->request, command, payload, false);
}

static void open_for(struct lane *lane, const struct load_open *how,
		     void (*done)(struct client_request *request))
{
	struct client_message message;

	load_create_message(lane->connection, &message, &lane->request, how);
	send_for(lane, &message, done);
}

/* What the lane opened is now lane->file; false where it was not opened. */
static bool opened(struct lane *lane, const char *step)
{
	struct smb2_create_response response = { 0 };
	ntstatus status = lane->request.status;

	if (!status && smb2_create_response_decode(&lane->request.body, &response))
		status = STATUS_INVALID_NETWORK_RESPONSE;
	if (status) {
		load_failed(lane->load, step, status);
		return false;
	}
	lane->file = response.file_id;
	return true;
}

static void close_for(struct lane *lane, void (*done)(struct client_request *request))
{
	struct smb2_close_request body = { .file_id = lane->file };
	struct client_message message;

	begin_message(lane, &message, SMB2_CLOSE, 0);
	smb2_close_request_encode(&message.buf, &body);
	send_for(lane, &message, done);
}

/* The end of most operations. */
static void counted(struct client_request *request)
{
	struct lane *lane = lane_of(request);

	if (request->status)
		load_failed(lane->load, smb2_command_name(request->command), request->status);
	else
		lane_done(lane, 1, 0);
}

/* Large files. */

static ntstatus write_block(struct load *load, struct connection *c, struct smb2_file_id id,
			    uint64_t offset)
{
	struct smb2_write_request body = {
		.offset = offset,
		.file_id = id,
		.data = cur_of(load->block, LOAD_BLOCK_BYTES),
	};
	struct client_request request = { 0 };
	struct client_message message;

	client_begin(c->client, &message, &c->tree);
	client_add(&message, c->client, &request, SMB2_WRITE, LOAD_BLOCK_BYTES, false);
	smb2_write_request_encode(&message.buf, &body);
	return load_call(load, c->client, &message, &request, NULL, NULL);
}

static bool fill_large_file(struct load *load, struct connection *c,
			    const struct smb2_create_response *file)
{
	uint64_t at = file->facts.end_of_file / LOAD_BLOCK_BYTES * LOAD_BLOCK_BYTES;

	for (; at < load->options->file_bytes; at += LOAD_BLOCK_BYTES) {
		ntstatus status = write_block(load, c, file->file_id, at);

		if (status) {
			load_failed(load, "fill the large file", status);
			return false;
		}
	}
	return true;
}

static bool prepare_large_file(struct load *load)
{
	static const struct load_open how = { LARGE_FILE, ACCESS_WRITE, FILE_OPEN_IF,
					      FILE_NON_DIRECTORY_FILE };
	struct smb2_create_response file = { 0 };

	for (unsigned i = 0; i < load->connection_count; i++) {
		struct connection *c = &load->connections[i];
		ntstatus status = load_open_file(c, &how, &file);

		if (status) {
			load_failed(load, "open the large file", status);
			return false;
		}
		c->file = file.file_id;
		if (i == 0 && !fill_large_file(load, c, &file))
			return false;
	}
	return true;
}

static void close_large_file(struct load *load)
{
	for (unsigned i = 0; i < load->connection_count; i++)
		(void)load_close_file(&load->connections[i], load->connections[i].file);
}

static void read_done(struct client_request *request)
{
	struct lane *lane = lane_of(request);
	struct smb2_read_response response;
	ntstatus status = request->status;

	if (!status && smb2_read_response_decode(&request->body, &response))
		status = STATUS_INVALID_NETWORK_RESPONSE;
	if (status)
		load_failed(lane->load, "READ", status);
	else
		lane_done(lane, 1, cur_left(&response.data));
}

static void read_at(struct lane *lane, uint64_t offset, uint32_t length)
{
	struct smb2_read_request body = {
		.length = length,
		.offset = offset,
		.file_id = lane->connection->file,
	};
	struct client_message message;

	begin_message(lane, &message, SMB2_READ, length);
	smb2_read_request_encode(&message.buf, &body);
	send_for(lane, &message, read_done);
}

static void write_done(struct client_request *request)
{
	struct lane *lane = lane_of(request);
	struct smb2_write_response response;
	ntstatus status = request->status;

	if (!status && smb2_write_response_decode(&request->body, &response))
		status = STATUS_INVALID_NETWORK_RESPONSE;
	if (status)
		load_failed(lane->load, "WRITE", status);
	else
		lane_done(lane, 1, response.count);
}

static void write_at(struct lane *lane, struct smb2_file_id id, uint64_t offset, uint32_t length,
		     void (*done)(struct client_request *request))
{
	struct smb2_write_request body = {
		.offset = offset,
		.file_id = id,
		.data = cur_of(lane->load->block, length),
	};
	struct client_message message;

	begin_message(lane, &message, SMB2_WRITE, length);
	buf_room(&message.buf, length + 64);
	smb2_write_request_encode(&message.buf, &body);
	send_for(lane, &message, done);
}

static uint64_t next_block(struct load *load)
{
	uint64_t at = load->next_offset;

	load->next_offset += LOAD_BLOCK_BYTES;
	return at % (load->options->file_bytes / LOAD_BLOCK_BYTES * LOAD_BLOCK_BYTES);
}

static uint64_t random_block(struct load *load)
{
	return load_random(load) % (load->options->file_bytes / RANDOM_BYTES) * RANDOM_BYTES;
}

static void next_read(struct lane *lane)
{
	read_at(lane, next_block(lane->load), LOAD_BLOCK_BYTES);
}

static void next_write(struct lane *lane)
{
	write_at(lane, lane->connection->file, next_block(lane->load), LOAD_BLOCK_BYTES,
		 write_done);
}

static void next_random_read(struct lane *lane)
{
	read_at(lane, random_block(lane->load), RANDOM_BYTES);
}

static void next_random_write(struct lane *lane)
{
	write_at(lane, lane->connection->file, random_block(lane->load), RANDOM_BYTES, write_done);
}

/* Nothing but the way there and back. */

static void next_echo(struct lane *lane)
{
	struct client_message message;

	begin_message(lane, &message, SMB2_ECHO, 0);
	smb2_empty_encode(&message.buf);
	send_for(lane, &message, counted);
}

/* Opening and closing one file. */

static bool make_file(struct load *load, const char *name)
{
	const struct load_open how = { name, ACCESS_WRITE, FILE_OPEN_IF, FILE_NON_DIRECTORY_FILE };
	struct smb2_create_response file = { 0 };
	ntstatus status = load_open_file(&load->connections[0], &how, &file);

	if (!status)
		status = load_close_file(&load->connections[0], file.file_id);
	if (status)
		load_failed(load, "make a file", status);
	return !status;
}

static bool make_directory(struct load *load, const char *name)
{
	const struct load_open how = { name, ACCESS_LIST, FILE_OPEN_IF, FILE_DIRECTORY_FILE };
	struct smb2_create_response directory = { 0 };
	ntstatus status = load_open_file(&load->connections[0], &how, &directory);

	if (!status)
		status = load_close_file(&load->connections[0], directory.file_id);
	if (status)
		load_failed(load, "make a directory", status);
	return !status;
}

static bool prepare_one_file(struct load *load)
{
	return make_file(load, ONE_FILE);
}

static void close_counted(struct client_request *request)
{
	struct lane *lane = lane_of(request);

	if (opened(lane, "CREATE"))
		close_for(lane, counted);
}

static void next_open(struct lane *lane)
{
	static const struct load_open how = { ONE_FILE, ACCESS_READ, FILE_OPEN,
					      FILE_NON_DIRECTORY_FILE };

	open_for(lane, &how, close_counted);
}

/* The life of a small file: create, write, close; open to delete, close. */

static bool prepare_small(struct load *load)
{
	return make_directory(load, SMALL_DIRECTORY);
}

static void name_small(const struct lane *lane, char name[LOAD_NAME_MAX])
{
	snprintf(name, LOAD_NAME_MAX, SMALL_DIRECTORY "\\file-%u-%llu.dat", lane->index,
		 (unsigned long long)lane->serial);
}

static void next_small(struct lane *lane);

static void small_step(struct client_request *request)
{
	struct lane *lane = lane_of(request);
	char name[LOAD_NAME_MAX];
	struct load_open how = { name, ACCESS_DELETE, FILE_OPEN, FILE_DELETE_ON_CLOSE };

	if (request->status) {
		load_failed(lane->load, smb2_command_name(request->command), request->status);
		return;
	}
	switch (lane->phase++) {
	case 0:
		if (opened(lane, "CREATE"))
			write_at(lane, lane->file, 0, SMALL_BYTES, small_step);
		break;
	case 1:
		close_for(lane, small_step);
		break;
	case 2:
		name_small(lane, name);
		open_for(lane, &how, small_step);
		break;
	case 3:
		if (opened(lane, "CREATE to delete"))
			close_for(lane, small_step);
		break;
	default:
		lane_done(lane, 1, SMALL_BYTES);
	}
}

static void next_small(struct lane *lane)
{
	char name[LOAD_NAME_MAX];
	struct load_open how = { name, ACCESS_WRITE, FILE_CREATE, FILE_NON_DIRECTORY_FILE };

	name_small(lane, name);
	open_for(lane, &how, small_step);
}

/* The large directory. */

static bool is_there(struct load *load, const char *name)
{
	const struct load_open how = { name, ACCESS_READ, FILE_OPEN, FILE_NON_DIRECTORY_FILE };
	struct smb2_create_response file = { 0 };

	if (load_open_file(&load->connections[0], &how, &file))
		return false;
	(void)load_close_file(&load->connections[0], file.file_id);
	return true;
}

static void upper_case(char *name)
{
	for (char *at = strchr(name, '\\'); *at; at++)
		*at = (char)toupper((unsigned char)*at);
}

static void name_entry(const struct load *load, unsigned index, char name[LOAD_NAME_MAX])
{
	snprintf(name, LOAD_NAME_MAX, LARGE_DIRECTORY "\\entry-%06u.txt", load->options->entries,
		 index);
}

/* The last one tells that all are there; who has the disk at hand may make them faster. */
static bool prepare_many(struct load *load)
{
	unsigned count = load->options->entries;
	char name[LOAD_NAME_MAX];

	snprintf(name, sizeof(name), LARGE_DIRECTORY, count);
	if (!make_directory(load, name))
		return false;
	name_entry(load, count - 1, name);
	if (is_there(load, name)) {
		/* What a server makes once when it is first asked for a name in another case is
		 * made before the clock starts. */
		upper_case(name);
		(void)is_there(load, name);
		return true;
	}
	for (unsigned i = 0; i < count; i++) {
		name_entry(load, i, name);
		if (!make_file(load, name))
			return false;
	}
	return true;
}

static void list_more(struct client_request *request);

static void ask_list(struct lane *lane)
{
	struct smb2_query_directory_request body = {
		.info_class = FileIdBothDirectoryInformation,
		.file_id = lane->file,
		.pattern = cur_of("*\0", 2),
		.output_length = LIST_BYTES,
	};
	struct client_message message;

	begin_message(lane, &message, SMB2_QUERY_DIRECTORY, LIST_BYTES);
	smb2_query_directory_request_encode(&message.buf, &body);
	send_for(lane, &message, list_more);
}

static void list_ended(struct client_request *request)
{
	struct lane *lane = lane_of(request);

	if (request->status)
		load_failed(lane->load, "CLOSE", request->status);
	else
		lane_done(lane, lane->phase, 0);
}

/* lane->phase counts the entries. */
static void list_more(struct client_request *request)
{
	struct lane *lane = lane_of(request);
	struct directory_entry entry;
	struct cursor list;

	if (request->status == STATUS_NO_MORE_FILES) {
		if (lane->phase < lane->load->options->entries)
			load_failed(lane->load, "count the entries", STATUS_NOT_FOUND);
		else
			close_for(lane, list_ended);
		return;
	}
	if (request->status || smb2_output_response_decode(&request->body, &list)) {
		load_failed(lane->load, "QUERY_DIRECTORY",
			    request->status ? request->status : STATUS_INVALID_NETWORK_RESPONSE);
		return;
	}
	while (fscc_directory_next(FileIdBothDirectoryInformation, &list, &entry))
		lane->phase++;
	ask_list(lane);
}

static void list_opened(struct client_request *request)
{
	struct lane *lane = lane_of(request);

	if (opened(lane, "CREATE"))
		ask_list(lane);
}

static void next_list(struct lane *lane)
{
	char name[LOAD_NAME_MAX];
	struct load_open how = { name, ACCESS_LIST, FILE_OPEN, FILE_DIRECTORY_FILE };

	snprintf(name, sizeof(name), LARGE_DIRECTORY, lane->load->options->entries);
	open_for(lane, &how, list_opened);
}

/* Any of the entries, by the name that it has. */
static void next_lookup(struct lane *lane)
{
	char name[LOAD_NAME_MAX];
	struct load_open how = { name, ACCESS_READ, FILE_OPEN, FILE_NON_DIRECTORY_FILE };
	struct load *load = lane->load;

	name_entry(load, (unsigned)(load_random(load) % load->options->entries), name);
	open_for(lane, &how, close_counted);
}

/* The same, as somebody else writes it. */
static void next_lookup_other_case(struct lane *lane)
{
	char name[LOAD_NAME_MAX];
	struct load_open how = { name, ACCESS_READ, FILE_OPEN, FILE_NON_DIRECTORY_FILE };
	struct load *load = lane->load;

	name_entry(load, (unsigned)(load_random(load) % load->options->entries), name);
	upper_case(name);
	open_for(lane, &how, close_counted);
}

static void name_new(const struct lane *lane, uint64_t serial, char name[LOAD_NAME_MAX])
{
	snprintf(name, LOAD_NAME_MAX, LARGE_DIRECTORY "\\new-%u-%u-%llu.tmp",
		 lane->load->options->entries, (unsigned)getpid(), lane->index,
		 (unsigned long long)serial);
}

static void next_create_in_many(struct lane *lane)
{
	char name[LOAD_NAME_MAX];
	struct load_open how = { name, ACCESS_WRITE, FILE_OVERWRITE_IF, FILE_NON_DIRECTORY_FILE };

	name_new(lane, lane->serial, name);
	open_for(lane, &how, close_counted);
}

static void remove_new(struct load *load)
{
	for (unsigned i = 0; !load->options->leaves_files && i < load->lane_count; i++) {
		const struct lane *lane = &load->lanes[i];

		for (uint64_t serial = 1; serial <= lane->serial; serial++) {
			char name[LOAD_NAME_MAX];
			struct load_open how = { name, ACCESS_DELETE, FILE_OPEN,
						 FILE_DELETE_ON_CLOSE };
			struct smb2_create_response file = { 0 };

			name_new(lane, serial, name);
			if (!load_open_file(lane->connection, &how, &file))
				(void)load_close_file(lane->connection, file.file_id);
		}
	}
}

/* Sessions that do nothing: what they weigh. */

static void wait_ms(struct load *load, uint64_t ms)
{
	uint64_t end = monotonic_ms() + ms;

	while (monotonic_ms() < end)
		loop_run_once(load->loop, (int)(end - monotonic_ms() + 1));
}

static void run_idle(struct load *load)
{
	struct load_result *result = load->result;
	unsigned count = load->options->idle_sessions;
	double before = 0, after = 0, cpu_before = 0, cpu_after = 0;
	int pid = load->options->server_pid;
	/* One session first, so that what a server makes once is not counted. */
	bool known = load_connect_all(load, 1);

	if (!known)
		return;
	wait_ms(load, 300);
	known = server_pss_kib(pid, &before);
	load_close_all(load);
	if (!load_connect_all(load, count + 1))
		return;
	wait_ms(load, 1000);
	known = known && server_pss_kib(pid, &after) && server_cpu_seconds(pid, &cpu_before);
	load->begun_ns = monotonic_ns();
	wait_ms(load, (uint64_t)(load->options->seconds * 1000));
	result->seconds = (double)(monotonic_ns() - load->begun_ns) / 1e9;
	result->ops = count;
	if (known && server_cpu_seconds(pid, &cpu_after)) {
		result->server_cpu_s = cpu_after - cpu_before;
		result->pss_kib_a_session = (after - before) / count;
	}
}

#define STREAM(name, direction, signing, encryption)                                               \
	{                                                                                          \
		name, 1, 16, signing, encryption, prepare_large_file, direction, close_large_file, \
			false, NULL                                                                \
	}
#define WORK(name, connections, depth, prepare, next, clear)                                       \
	{                                                                                          \
		name, connections, depth, CLIENT_IF_ASKED, CLIENT_IF_ASKED, prepare, next, clear,  \
			false, NULL                                                                \
	}

const struct load_row load_rows[] = {
	STREAM("read", next_read, CLIENT_IF_ASKED, CLIENT_IF_ASKED),
	STREAM("read-signed", next_read, CLIENT_REQUIRED, CLIENT_IF_ASKED),
	STREAM("read-encrypted", next_read, CLIENT_IF_ASKED, CLIENT_REQUIRED),
	STREAM("write", next_write, CLIENT_IF_ASKED, CLIENT_IF_ASKED),
	STREAM("write-signed", next_write, CLIENT_REQUIRED, CLIENT_IF_ASKED),
	STREAM("write-encrypted", next_write, CLIENT_IF_ASKED, CLIENT_REQUIRED),
	WORK("random-read", 4, 4, prepare_large_file, next_random_read, close_large_file),
	WORK("random-write", 4, 4, prepare_large_file, next_random_write, close_large_file),
	WORK("echo", 4, 1, NULL, next_echo, NULL),
	WORK("open-close", 4, 1, prepare_one_file, next_open, NULL),
	WORK("small-files", 4, 1, prepare_small, next_small, NULL),
	WORK("list", 1, 1, prepare_many, next_list, NULL),
	WORK("lookup", 4, 1, prepare_many, next_lookup, NULL),
	WORK("lookup-other-case", 4, 1, prepare_many, next_lookup_other_case, NULL),
	WORK("create-in-large", 4, 1, prepare_many, next_create_in_many, remove_new),
	{ .name = "session",
	  .connections = 4,
	  .depth = 1,
	  .next = load_connect_lane,
	  .connects = true },
	{ .name = "idle", .run = run_idle },
	{ 0 },
};
