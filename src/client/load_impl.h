// SPDX-License-Identifier: Apache-2.0
/*
 * What the files of the load driver share. All of it lives on one loop: a struct load holds
 * connections, and each connection lanes; a lane does one operation after the other.
 */
#ifndef CLIENT_LOAD_IMPL_H
#define CLIENT_LOAD_IMPL_H

#include <client/load.h>

#define LOAD_CONNECTIONS_MAX 4096
#define LOAD_NAME_MAX	     96

struct load;
struct lane;

struct connection {
	struct load *load;
	struct client *client; /* NULL once closed */
	struct client_tree_request tree_request;
	struct client_tree tree;
	struct smb2_file_id file; /* what the row opened before it began */
	bool ready;
	struct lane *lane; /* of a row that connects anew for each operation */
};

struct lane {
	struct load *load;
	struct connection *connection;
	struct client_request request;
	unsigned index;
	unsigned phase;	 /* the row's own */
	uint64_t serial; /* operations begun */
	uint64_t begun_ns;
	struct smb2_file_id file;
	bool idle;
};

struct load_row {
	const char *name;
	unsigned connections, depth; /* lanes of each connection */
	enum client_wish signing, encryption;
	/* prepare - before the clock starts, and blocking: files, directories. May be NULL. */
	bool (*prepare)(struct load *load);
	/* next - begin the lane's next operation; it ends with lane_done or load_failed. */
	void (*next)(struct lane *lane);
	/* clear - after the clock has stopped, and blocking. May be NULL. */
	void (*clear)(struct load *load);
	bool connects;			/* an operation is a connection, made and closed */
	void (*run)(struct load *load); /* instead of all that; may be NULL */
};

struct load {
	const struct load_options *options;
	const struct load_row *row;
	struct load_result *result;
	struct loop *loop;
	struct sockaddr_storage address;
	socklen_t address_length;
	char path[256]; /* "\\server\share" */
	struct connection *connections;
	unsigned connection_count, ready;
	struct lane *lanes;
	unsigned lane_count, busy;
	bool running, failed;
	uint64_t begun_ns, deadline_ns, ended_ns;
	uint64_t next_offset; /* shared by all lanes of a sequential row */
	uint64_t seed;
	uint8_t *block; /* what is written, LOAD_BLOCK_BYTES of noise */
};
#define LOAD_BLOCK_BYTES (1u << 20)

extern const struct load_row load_rows[];

/* lane_done - one operation, of @ops units and @bytes, is over; the next one begins. */
void lane_done(struct lane *lane, uint64_t ops, uint64_t bytes);
/* load_failed - note the first failure and stop. */
void load_failed(struct load *load, const char *step, ntstatus status);
uint64_t load_random(struct load *load);

/* Setting up, blocking: turns the loop. */
bool load_connect_all(struct load *load, unsigned count);
void load_close_all(struct load *load);
/* load_call - send @message, whose last request is @request, and wait for its answer. */
ntstatus load_call(struct load *load, struct client *client, struct client_message *message,
		   struct client_request *request,
		   ntstatus (*decode)(struct client_request *request, void *out), void *out);
struct load_open {
	const char *name; /* '\\' between parts */
	uint32_t access, disposition, options;
};
/* load_create_message - a message that opens; the request is the caller's. */
void load_create_message(struct connection *connection, struct client_message *message,
			 struct client_request *request, const struct load_open *how);
ntstatus load_open_file(struct connection *connection, const struct load_open *how,
			struct smb2_create_response *response);
ntstatus load_close_file(struct connection *connection, struct smb2_file_id id);
/* load_connect_lane - a new connection and tree for one operation, closed again when it is there.
 */
void load_connect_lane(struct lane *lane);

/* What the processes of the server have used up to now; false where it cannot be read. */
bool server_cpu_seconds(int pid, double *seconds);
bool server_pss_kib(int pid, double *kib);

#endif
