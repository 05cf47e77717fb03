// SPDX-License-Identifier: Apache-2.0
/* What the files of the driver share. One thread, one loop. */
#ifndef MODEL_DRIVE_IMPL_H
#define MODEL_DRIVE_IMPL_H

#include "drive.h"

#include <base/utf16.h>
#include <client/client.h>

#define OUTPUT_BYTES  65536
#define STEPS_AN_ECHO 8 /* how often what nobody expects is looked for */

struct actor {
	struct drive *drive;
	struct client *client; /* NULL once closed */
	bool ready;
	struct client_tree tree;
	struct client_tree other; /* of a share that the model knows nothing of */
};

/* One request and its answer. */
struct call {
	struct client_request request;
	ntstatus (*decode)(struct client_request *request, void *out);
	void *out;
	void (*answered)(struct call *call); /* may be NULL */
	bool may_wait;			     /* it outlives its step then */
	ntstatus status;
	bool done;
};

/* A request that may wait: its step is over when the server says that it does. */
struct kept {
	struct call call;
	struct drive *drive;
	struct op op;
	struct smb2_create_response response;
	struct guid guid; /* of a durable one */
	bool is_waiting;
};

struct drive {
	struct loop *loop;
	struct actor actors[MODEL_CLIENTS];
	struct smb2_file_id ids[MODEL_OPENS];
	unsigned owners[MODEL_OPENS];
	struct guid guids[MODEL_OPENS]; /* null: not durable */
	const struct drive_options *options;
	struct kept kept[MODEL_WAITS];
	struct outcome *out; /* of the step under way; NULL: what comes is nobody's */
	bool expects_wait;   /* the model says that the step waits */
	unsigned long steps;
};

void call_done(struct client_request *request);
/* drive_begin - a message with one request; the caller encodes its body, then calls drive_finish.
 */
void drive_begin(struct drive *drive, unsigned actor, struct call *call,
		 struct client_message *message, uint16_t command);
/* drive_finish - send it; its status, or STATUS_PENDING where it may wait and does. */
ntstatus drive_finish(struct drive *drive, unsigned actor, struct call *call,
		      struct client_message *message);
/* drive_settle - wait for what the model says must come besides the answer, and look for more. */
void drive_settle(struct drive *drive, const struct outcome *expected);
/* drive_join - (again) in the share. drive_reconnect - connected anew, after drive_disconnect,
 * which returns when the server has come to know of it. */
ntstatus drive_join(struct drive *drive, unsigned actor);
bool drive_disconnect(struct drive *drive, unsigned actor);
bool drive_reconnect(struct drive *drive, unsigned actor);

/* drive_control.c */
ntstatus drive_zero(struct drive *drive, const struct op *op);
ntstatus drive_copy(struct drive *drive, const struct op *op, struct outcome *out);

#endif
