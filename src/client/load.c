// SPDX-License-Identifier: Apache-2.0
/* Running a row: connections, lanes, the clock, the counts. */
#include "load_impl.h"

#include <base/utf16.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <wire/fscc.h>

/* Latencies: sixteen buckets for each doubling, which is an error of a sixteenth at most. */
static unsigned bucket_of(uint64_t ns)
{
	unsigned power, index;

	if (ns < 16)
		return (unsigned)ns;
	power = 63u - (unsigned)__builtin_clzll(ns);
	index = (power - 3) * 16 + (unsigned)(ns >> (power - 4) & 15);
	return (unsigned)min_u64(index, LOAD_BUCKETS - 1);
}

static uint64_t top_of(unsigned bucket)
{
	unsigned power = bucket / 16 + 3;

	if (bucket < 16)
		return bucket;
	return ((uint64_t)(16 + bucket % 16 + 1) << (power - 4)) - 1;
}

uint64_t load_percentile(const struct load_result *result, double percent)
{
	uint64_t total = 0, seen = 0;

	for (unsigned i = 0; i < LOAD_BUCKETS; i++)
		total += result->buckets[i];
	for (unsigned i = 0; i < LOAD_BUCKETS; i++) {
		seen += result->buckets[i];
		if (total && (double)seen >= (double)total * percent / 100)
			return min_u64(top_of(i), result->latency_max_ns);
	}
	return 0;
}

uint64_t load_random(struct load *load)
{
	/* xorshift64*: which blocks are read need not be secret. */
	load->seed ^= load->seed >> 12;
	load->seed ^= load->seed << 25;
	load->seed ^= load->seed >> 27;
	return load->seed * 2685821657736338717u;
}

void load_failed(struct load *load, const char *step, ntstatus status)
{
	load->running = false;
	load->result->errors++;
	if (load->failed)
		return;
	load->failed = true;
	load->result->step = step;
	load->result->status = status;
}

/* Connections. */

static void on_tree(struct client_tree_request *rq)
{
	struct connection *c = container_of(rq, struct connection, tree_request);

	if (rq->status) {
		load_failed(c->load, client_step_name(rq->step), rq->status);
		return;
	}
	c->tree = rq->tree;
	c->ready = true;
	c->load->ready++;
	if (c->lane)
		client_close(c->client);
}

static void on_ready(struct client *client)
{
	struct connection *c = client_owner(client);

	client_tree_connect(client, &c->tree_request, c->load->path);
}

static void on_closed(struct client *client, const struct client_failure *failure)
{
	struct connection *c = client_owner(client);

	c->client = NULL;
	if (failure->status)
		load_failed(c->load, client_step_name(failure->step), failure->status);
	if (c->lane && !failure->status)
		lane_done(c->lane, 1, 0);
}

static const struct client_events events = { .ready = on_ready, .closed = on_closed };

static void connect_one(struct load *load, struct connection *c, struct lane *lane)
{
	struct client_options options = load->options->session;

	options.signing = load->row->signing;
	options.encryption = load->row->encryption;
	options.server = load->options->server ? load->options->server : load->options->host;
	*c = (struct connection){ .load = load, .lane = lane };
	c->tree_request.done = on_tree;
	c->client = client_connect(load->loop, (struct sockaddr *)&load->address,
				   load->address_length, &options, &events, c);
}

void load_connect_lane(struct lane *lane)
{
	connect_one(lane->load, lane->connection, lane);
}

/* At most sixteen log on at a time: a server may limit those who have not yet. */
bool load_connect_all(struct load *load, unsigned count)
{
	load->connections = xalloc(count, sizeof(*load->connections));
	load->ready = 0;
	while (load->ready < count && !load->failed) {
		while (load->connection_count < count && load->connection_count < load->ready + 16)
			connect_one(load, &load->connections[load->connection_count++], NULL);
		loop_run_once(load->loop, 1000);
	}
	return !load->failed;
}

void load_close_all(struct load *load)
{
	for (unsigned i = 0; i < load->connection_count; i++)
		if (load->connections[i].client)
			client_close(load->connections[i].client);
	for (unsigned i = 0; i < load->connection_count; i++)
		while (load->connections[i].client)
			loop_run_once(load->loop, 1000);
	free(load->connections);
	load->connections = NULL;
	load->connection_count = 0;
}

/* Blocking calls, for what comes before and after the clock. */

struct waiting {
	bool done;
	ntstatus status;
	ntstatus (*decode)(struct client_request *request, void *out);
	void *out;
};

static void call_done(struct client_request *request)
{
	struct waiting *waiting = request->owner;

	waiting->done = true;
	waiting->status = request->status;
	if (!request->status && waiting->decode && waiting->decode(request, waiting->out))
		waiting->status = STATUS_INVALID_NETWORK_RESPONSE;
}

ntstatus load_call(struct load *load, struct client *client, struct client_message *message,
		   struct client_request *request,
		   ntstatus (*decode)(struct client_request *request, void *out), void *out)
{
	struct waiting waiting = { .decode = decode, .out = out };

	request->done = call_done;
	request->owner = &waiting;
	client_send(client, message);
	while (!waiting.done)
		loop_run_once(load->loop, 1000);
	return waiting.status;
}

void load_create_message(struct connection *connection, struct client_message *message,
			 struct client_request *request, const struct load_open *how)
{
	auto_buf struct buf name = { 0 };
	struct smb2_create_request create = {
		.impersonation_level = 2,
		.desired_access = how->access,
		.file_attributes = FILE_ATTRIBUTE_NORMAL,
		.share_access = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
		.create_disposition = how->disposition,
		.create_options = how->options,
	};

	utf16_encode(&name, how->name);
	create.name = cur_of(name.data, name.len);
	client_begin(connection->client, message, &connection->tree);
	client_add(message, connection->client, request, SMB2_CREATE, 0, false);
	smb2_create_request_encode(&message->buf, &create);
}

static ntstatus decode_create(struct client_request *request, void *out)
{
	return smb2_create_response_decode(&request->body, out);
}

ntstatus load_open_file(struct connection *connection, const struct load_open *how,
			struct smb2_create_response *response)
{
	struct client_request request = { 0 };
	struct client_message message;

	if (!connection->client)
		return STATUS_CONNECTION_DISCONNECTED;
	load_create_message(connection, &message, &request, how);
	return load_call(connection->load, connection->client, &message, &request, decode_create,
			 response);
}

ntstatus load_close_file(struct connection *connection, struct smb2_file_id id)
{
	struct smb2_close_request body = { .file_id = id };
	struct client_request request = { 0 };
	struct client_message message;

	if (!connection->client)
		return STATUS_CONNECTION_DISCONNECTED;
	client_begin(connection->client, &message, &connection->tree);
	client_add(&message, connection->client, &request, SMB2_CLOSE, 0, false);
	smb2_close_request_encode(&message.buf, &body);
	return load_call(connection->load, connection->client, &message, &request, NULL, NULL);
}

/* Lanes. */

static void begin_next(struct lane *lane)
{
	struct load *load = lane->load;

	if (!load->running || (load->deadline_ns && monotonic_ns() >= load->deadline_ns)) {
		lane->idle = true;
		load->busy--;
		load->ended_ns = monotonic_ns();
		return;
	}
	lane->begun_ns = monotonic_ns();
	lane->serial++;
	lane->phase = 0;
	load->row->next(lane);
}

void lane_done(struct lane *lane, uint64_t ops, uint64_t bytes)
{
	struct load_result *result = lane->load->result;
	uint64_t ns = monotonic_ns() - lane->begun_ns;

	result->ops += ops;
	result->bytes += bytes;
	result->buckets[bucket_of(ns)]++;
	result->latency_max_ns = max_u64(result->latency_max_ns, ns);
	begin_next(lane);
}

static void make_lanes(struct load *load)
{
	unsigned depth = load->row->depth;

	load->lane_count = load->connection_count * depth;
	load->lanes = xalloc(load->lane_count, sizeof(*load->lanes));
	for (unsigned i = 0; i < load->lane_count; i++) {
		load->lanes[i].load = load;
		load->lanes[i].index = i;
		load->lanes[i].connection = &load->connections[i / depth];
	}
}

/* A lane whose connection failed never comes back: then the loop is only turned for a while. */
static void run_lanes(struct load *load)
{
	uint64_t give_up = 0;

	load->running = true;
	load->begun_ns = monotonic_ns();
	load->deadline_ns = load->begun_ns + (uint64_t)(load->options->seconds * 1e9);
	load->busy = load->lane_count;
	for (unsigned i = 0; i < load->lane_count; i++)
		begin_next(&load->lanes[i]);
	while (load->busy) {
		loop_run_once(load->loop, 100);
		if (load->failed && !give_up)
			give_up = monotonic_ms() + 1000;
		if (give_up && monotonic_ms() >= give_up)
			break;
	}
	load->running = false;
}

static void note_session(struct load *load)
{
	const struct client_facts *facts;

	if (!load->connection_count || !load->connections[0].client)
		return;
	facts = client_facts(load->connections[0].client);
	load->result->dialect = facts->dialect;
	load->result->is_signed = facts->signs && !facts->encrypts;
	load->result->is_encrypted = facts->encrypts;
}

static double thread_cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void run_row(struct load *load)
{
	const struct load_row *row = load->row;
	double before, after, client_before;
	bool known;

	if (row->connects) {
		load->connections = xalloc(row->connections, sizeof(*load->connections));
		load->connection_count = row->connections;
	} else if (!load_connect_all(load, row->connections)) {
		return;
	}
	note_session(load);
	if (row->prepare && !row->prepare(load))
		return;
	make_lanes(load);
	known = server_cpu_seconds(load->options->server_pid, &before);
	client_before = thread_cpu_seconds();
	run_lanes(load);
	load->result->client_cpu_s = thread_cpu_seconds() - client_before;
	if (known && server_cpu_seconds(load->options->server_pid, &after))
		load->result->server_cpu_s = after - before;
	load->result->seconds = (double)(load->ended_ns - load->begun_ns) / 1e9;
	if (row->clear && !load->failed)
		row->clear(load);
}

static bool resolve(struct load *load)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	char service[8];
	struct addrinfo *list;

	snprintf(service, sizeof(service), "%u", load->options->port ? load->options->port : 445u);
	if (getaddrinfo(load->options->host, service, &hints, &list)) {
		load_failed(load, "resolve", STATUS_BAD_NETWORK_PATH);
		return false;
	}
	memcpy(&load->address, list->ai_addr, list->ai_addrlen);
	load->address_length = list->ai_addrlen;
	freeaddrinfo(list);
	return true;
}

static const struct load_row *row_of(const char *name)
{
	for (const struct load_row *row = load_rows; row->name; row++)
		if (!strcmp(row->name, name))
			return row;
	return NULL;
}

const char *load_row_name(unsigned index)
{
	return load_rows[index].name;
}

bool load_run(const struct load_options *options, const char *name, struct load_result *result)
{
	struct load load = {
		.options = options,
		.row = row_of(name),
		.result = result,
		.seed = 0x9e3779b97f4a7c15u,
	};

	*result = (struct load_result){
		.row = name, .server_cpu_s = -1, .client_cpu_s = -1, .pss_kib_a_session = -1
	};
	if (!load.row) {
		load_failed(&load, "find the row", STATUS_NOT_FOUND);
		return false;
	}
	load.loop = loop_new(IO_AUTO);
	if (!load.loop || !resolve(&load)) {
		load_failed(&load, "start", ntstatus_of_errno(errno));
		loop_free(load.loop);
		return false;
	}
	snprintf(load.path, sizeof(load.path), "\\\\%s\\%s",
		 options->server ? options->server : options->host, options->share);
	load.block = xalloc(1, LOAD_BLOCK_BYTES);
	random_bytes(load.block, LOAD_BLOCK_BYTES);
	if (load.row->run)
		load.row->run(&load);
	else
		run_row(&load);
	load_close_all(&load);
	loop_free(load.loop);
	free(load.lanes);
	free(load.block);
	return !load.failed;
}
