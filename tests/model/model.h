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
#define MODEL_NODES   120
#define MODEL_KEYS    4 /* lease keys of a client: 1 to this */
#define MODEL_LEASES  (MODEL_CLIENTS * MODEL_KEYS)
#define MODEL_WAITS   6 /* requests that wait at a time */
#define MODEL_EVENTS  2048
#define MODEL_TIMES   4 /* creation, last access, last write, change */
#define TIME_RESUMES  (UINT64_MAX - 1)
#define TIME_STOPS    UINT64_MAX

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
	OP_SET_TIMES,
	OP_ACK,	   /* of a break */
	OP_CANCEL, /* of a request that waits */
	OP_ZERO,   /* FSCTL_SET_ZERO_DATA */
	OP_COPY,   /* FSCTL_SRV_COPYCHUNK, or (flag) _WRITE */
	OP_LOSE,   /* the client loses its connection, and connects anew */
	OP_RETURN, /* and comes back for an open that was kept for it */
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
	unsigned from;		/* COPY: the slot of the source */
	uint32_t target_offset; /* COPY: in the target */
	uint8_t byte;		/* what is written */
	bool flag;		/* delete, replace, exclusive */
	bool waits;		/* LOCK */
	/* CREATE: the caching that is asked for; ACK: what is kept of it. A lease is named by its
	 * client and key, an oplock by its slot. */
	uint8_t oplock; /* SMB2_OPLOCK_LEVEL_* */
	bool durable;	/* CREATE: asked for */
	unsigned lease_key, parent_key;
	uint32_t lease_state;
	uint64_t times[3]; /* SET_TIMES: creation, last access, last write; 0: as it is */
	unsigned wait;	   /* where the request is kept if it waits; CANCEL: which one */
};

struct model_time {
	enum { TIME_OPEN, TIME_KNOWN, TIME_MOVED } kind;
	uint64_t value;	    /* KNOWN: NT ticks */
	unsigned long step; /* MOVED: the one that moved it */
};

/*
 * What a step comes to, in the model or on the server; what does not apply is zero. Of several
 * answers at once, those to earlier requests that waited are told as events.
 */
struct outcome {
	ntstatus status;     /* STATUS_PENDING: it waits */
	uint32_t action;     /* CREATE */
	uint32_t attributes; /* CREATE, QUERY */
	uint64_t size;	     /* CREATE, QUERY; READ: how much */
	uint32_t links;
	bool is_directory, delete_pending;
	char name[MODEL_PATH];	     /* QUERY */
	char listing[MODEL_LISTING]; /* LIST, STREAMS: sorted, one a line */
	uint8_t data[MODEL_DATA];    /* READ */
	uint8_t oplock;		     /* CREATE: what is granted */
	uint32_t lease_state;
	uint16_t lease_epoch;
	bool lease_breaking;
	bool durable;			      /* CREATE: granted */
	struct model_time times[MODEL_TIMES]; /* QUERY */
	/* Breaks, and answers to requests that have waited: sorted, one a line. */
	char events[MODEL_EVENTS];
};

struct model_open;

struct stream {
	bool exists, delete_pending;
	char name[MODEL_NAME]; /* "" is the data */
	uint32_t size;
	uint8_t data[MODEL_DATA];
};

struct node {
	bool is_used;
	struct node *parent, *children, *next; /* next: brother */
	char name[MODEL_NAME];
	bool is_directory;
	bool gone;	     /* no name leads here; freed with its last open */
	bool delete_pending; /* the whole file */
	uint32_t attributes;
	struct model_time creation, access, write, change;
	uint64_t write_holder, access_holder; /* the opens (serials) that do not move them */
	struct stream streams[MODEL_STREAMS];
};

struct model_lease {
	unsigned opens; /* 0: a free place */
	unsigned client, key, parent_key;
	struct node *node;
	struct stream *stream;
	uint32_t state;
	uint16_t epoch;
	bool breaking;
	uint32_t break_to; /* what the client was told */
	uint32_t required; /* what is needed by now */
};

struct model_lock {
	uint32_t offset, length;
	bool exclusive;
};

struct model_open {
	struct node *node; /* NULL: a free slot */
	struct stream *stream;
	unsigned client;
	uint64_t serial;  /* of all opens */
	uint64_t entered; /* the session that has it: the later, the younger */
	bool durable;
	bool is_kept;  /* its client is gone, and may come back for it */
	bool has_held; /* the last write time */
	bool has_held_access;
	uint32_t access, sharing_access, share;
	bool delete_on_close;
	uint8_t oplock;
	bool oplock_breaking;
	uint8_t oplock_break_to, oplock_required;
	struct model_lease *lease;
	unsigned lease_key, parent_key;
	bool written; /* the file is marked for archiving when this handle ends */
	struct model_lock locks[MODEL_LOCKS];
	unsigned lock_count;
};

/* A request that has no answer yet: it waits for a byte-range lock, or for the end of a break. */
struct model_wait {
	bool is_used;
	struct op op;
	uint64_t serial;       /* of the open that it came for, unless it is a CREATE */
	uint64_t order;	       /* who came first has the lower one */
	struct stream *stream; /* a break: where it is on its way */
	bool is_woken;	       /* that one has ended */
};

struct model {
	struct node root;
	struct node nodes[MODEL_NODES];
	struct model_open opens[MODEL_OPENS];
	struct model_lease leases[MODEL_LEASES];
	struct model_wait waits[MODEL_WAITS];
	struct model_wait *parked; /* the one that waits for a break */
	struct stream *break_on;   /* what the step under way has to wait for */
	uint64_t opened, waited;   /* counted, for serials and order */
	unsigned long step;	   /* main.c counts */
	bool is_again;		   /* what was kept has made way: the step begins anew */
	bool is_ambiguous;	   /* the rules leave the order of what happens next open */
	struct outcome *out;	   /* of the step under way */
};

/*
 * model_apply - do @op and tell what it must come to. False, and nothing done: the step cannot be
 * foretold, because a second request would wait for a break, and which of the two goes on first is
 * nobody's promise.
 */
bool model_apply(struct model *model, const struct op *op, struct outcome *out);
/* model_learn - after a QUERY as it should be: the times are as @seen. */
void model_learn(struct model *model, const struct op *op, const struct outcome *seen);
/* model_slot_is_free - may a CREATE use @slot: no open there, and none on its way. */
bool model_slot_is_free(const struct model *model, unsigned slot);
/* model_print - all that is there and who has it open, for a person. */
void model_print(const struct model *model);
/* model_clear - forget everything, as for a new share. */
void model_clear(struct model *model);

/* sort_lines - put the lines of @text in order. */
void sort_lines(char *text);
/* event_answer, event_oplock_break, event_lease_break - one line more in @out->events. */
void event_answer(struct outcome *out, unsigned wait, const struct outcome *answer);
void event_oplock_break(struct outcome *out, unsigned client, unsigned slot, uint8_t level);
void event_lease_break(struct outcome *out, unsigned client, unsigned key, uint32_t from,
		       uint32_t to, uint16_t epoch, bool is_answered);

#endif
