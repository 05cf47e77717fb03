// SPDX-License-Identifier: Apache-2.0
/*
 * A file system as MS-FSA describes it, in memory and without a disk: what the model test expects
 * of a server. Plain data, one thread; the driver (drive.h) does the same to a server, and main.c
 * compares the two.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <base/base.h>
#include <wire/fscc.h>
#include <wire/smb2.h>

#define MODEL_CLIENTS 3
#define MODEL_OPENS   24 /* at a time, of all clients */
#define MODEL_DATA    2048
#define MODEL_STREAMS 12 /* of a file: its data, named ones, and deleted ones that are open */
#define MODEL_LOCKS   4	 /* of an open */
#define MODEL_NAME    16
#define MODEL_PATH    96
#define MODEL_LISTING 1024

enum kind {
	OP_CREATE,
	OP_CLOSE,
	OP_READ,
	OP_WRITE,
	OP_SET_SIZE,
	OP_SET_ATTRIBUTES,
	OP_DISPOSITION,
	OP_RENAME,
	OP_LOCK,
	OP_UNLOCK,
	OP_QUERY,
	OP_LIST,
	OP_STREAMS,
	OP_LEAVE, /* the client disconnects its tree: all of its opens end */
	OP_KINDS,
};
extern const char *const kind_names[OP_KINDS];

/* One step, as main.c draws it. */
struct op {
	enum kind kind;
	unsigned client;
	unsigned slot;	       /* of the open that is used, or that the new one gets */
	char path[MODEL_PATH]; /* CREATE, RENAME: '\\' between components */
	uint32_t access, share, disposition, options, attributes;
	uint32_t offset, length;
	uint8_t byte; /* what is written */
	bool flag;    /* delete, replace, exclusive */
};

/* What a step comes to, in the model or on the server; what does not apply is zero. */
struct outcome {
	ntstatus status;
	uint32_t action;     /* CREATE */
	uint32_t attributes; /* CREATE, QUERY */
	uint64_t size;	     /* CREATE, QUERY; READ: how much */
	uint32_t links;
	bool is_directory, delete_pending;
	char name[MODEL_PATH];	     /* QUERY */
	char listing[MODEL_LISTING]; /* LIST, STREAMS: sorted, one a line */
	uint8_t data[MODEL_DATA];    /* READ */
};

struct model_open;

struct stream {
	bool exists, delete_pending;
	char name[MODEL_NAME]; /* "" is the data */
	uint32_t size;
	uint8_t data[MODEL_DATA];
};

struct node {
	struct node *parent, *children, *next; /* next: brother */
	char name[MODEL_NAME];
	bool is_directory;
	bool gone;	     /* no name leads here; freed with its last open */
	bool delete_pending; /* the whole file */
	uint32_t attributes;
	struct stream streams[MODEL_STREAMS];
};

struct model_lock {
	uint32_t offset, length;
	bool exclusive;
};

struct model_open {
	struct node *node; /* NULL: a free slot */
	struct stream *stream;
	unsigned client;
	uint32_t access, sharing_access, share;
	bool delete_on_close;
	bool written; /* the file is marked for archiving when this handle ends */
	struct model_lock locks[MODEL_LOCKS];
	unsigned lock_count;
};

struct model {
	struct node root;
	struct model_open opens[MODEL_OPENS];
};

/* model_apply - do @op and tell what it must come to. */
void model_apply(struct model *model, const struct op *op, struct outcome *out);
/* model_print - all that is there and who has it open, for a person. */
void model_print(const struct model *model);
/* model_clear - forget everything, as for a new share. */
void model_clear(struct model *model);

/* sort_lines - put the lines of @text (MODEL_LISTING bytes) in order. */
void sort_lines(char *text);

#endif
