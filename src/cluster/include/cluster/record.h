// SPDX-License-Identifier: Apache-2.0
/*
 * What the nodes of a cluster write down for each other, as JSON in files that are replaced whole:
 *
 *   <cluster>/servers/<NAME>.json  what is wanted of a file server, and where it lives (struct
 * server_record) <cluster>/nodes/<name>.json    how a node is reached; it holds a lock on
 * nodes/<name>.lock while it lives <home>/owner.json              who owns a file server, and since
 * which epoch (struct owner_record)
 *
 * Everything read is checked: a record that cannot be understood is an error with a sentence, never
 * a guess.
 */
#ifndef CLUSTER_RECORD_H
#define CLUSTER_RECORD_H

#include <cluster/lock.h>
#include <jansson.h>

#define CLUSTER_MAX_NAME      64 /* bytes of the name of a node or file server, its end included */
#define CLUSTER_MAX_PATH      4096
#define CLUSTER_MAX_PREFERRED 16
#define CLUSTER_MAX_SERVERS   256
#define CLUSTER_MAX_NODES     64
#define RECORD_MAX_BYTES      (1u << 20) /* of one file */

/* When to try again, and when to give up (DOMAIN names of the Windows cluster in brackets). */
struct cluster_policy {
	uint32_t restart_threshold; /* restarts on one node inside the period [RestartThreshold], 3
				     */
	uint32_t restart_period_s;  /* [RestartPeriod], 900 */
	uint32_t retry_period_s; /* after it has failed everywhere [RetryPeriodOnFailure], 3600; 0:
				    never */
	uint32_t pending_timeout_s;	/* [PendingTimeout], 180 */
	bool failback;			/* back to a preferred owner that returns; off */
	int failback_from, failback_to; /* hours 0-23 of local time, or -1: at any time */
};

struct server_record {
	char name[CLUSTER_MAX_NAME];
	char volume[CLUSTER_MAX_PATH];
	bool want_online;
	uint64_t generation;	       /* raised by whoever asks for a new try */
	char target[CLUSTER_MAX_NAME]; /* the node that is to take it first; "" for none */
	int64_t target_until_ms;       /* realtime; after that anyone may */
	uint64_t yielded_epoch; /* the last owner's epoch after which it was given on to a better
				   node; that is done once */
	char preferred[CLUSTER_MAX_PREFERRED][CLUSTER_MAX_NAME];
	size_t preferred_count;
	struct cluster_policy policy;
	json_t *facts; /* what was last known of it, for listings; an object; owned */
};
struct node_record {
	char name[CLUSTER_MAX_NAME];
	char control[CLUSTER_MAX_PATH]; /* the control socket */
	char address[128];
	uint16_t port;
	int pid;
	bool is_alive; /* not in the file: its lock is held */
};
struct owner_record {
	char node[CLUSTER_MAX_NAME];
	char boot_id[40];
	int pid;
	uint64_t epoch;
	char state[20];	    /* "online-pending", "online", "offline-pending", "released" */
	uint32_t deaths;    /* owners in a row that died while it was coming online */
	int64_t leaving_ms; /* when one that has released it began to; realtime; 0: not told */
};

/* cluster_name_ok - letters, digits, '-', '_' and '.', not first; 1 to 63 bytes. */
bool cluster_name_ok(const char *name);

/* *_parse - from the text of a file; false and a sentence in @why (static or in a thread's buffer).
 */
bool server_record_parse(const char *text, size_t length, struct server_record *out,
			 const char **why) MUST_CHECK;
bool node_record_parse(const char *text, size_t length, struct node_record *out,
		       const char **why) MUST_CHECK;
bool owner_record_parse(const char *text, size_t length, struct owner_record *out,
			const char **why) MUST_CHECK;
void server_record_free(struct server_record *record);

/* Files; negative errno (-EUCLEAN: cannot be understood, and it is logged). A write is durable and
 * whole. */
int server_record_read(const char *cluster_dir, const char *name,
		       struct server_record *out) MUST_CHECK;
int server_record_write(const char *cluster_dir, const struct server_record *record) MUST_CHECK;
int server_record_remove(const char *cluster_dir, const char *name) MUST_CHECK;
/*
 * server_record_change - read, change, write, with the directory's lock held, so that no change is
 * lost. @change returns 0 to write, 1 to leave it, or an error, which is given back.
 */
int server_record_change(const char *cluster_dir, const char *name,
			 int (*change)(struct server_record *record, void *arg),
			 void *arg) MUST_CHECK;
/* server_record_names - of every record; the caller frees each and the array. */
int server_record_names(const char *cluster_dir, char ***out, size_t *count) MUST_CHECK;

int node_record_write(const char *cluster_dir, const struct node_record *record) MUST_CHECK;
/* cluster_nodes - every node that was ever here, by name; the caller frees the array. */
int cluster_nodes(const char *cluster_dir, struct node_record **out, size_t *count) MUST_CHECK;
bool cluster_node_is_alive(const char *cluster_dir, const char *name);

int owner_record_read(const char *home, struct owner_record *out) MUST_CHECK;
int owner_record_write(const char *home, const struct owner_record *record) MUST_CHECK;

/*
 * home_look - is there a home to use? -ENOTDIR where it is no directory itself (a link would lead
 * this process, which may write anywhere, to where whoever wrote the volume wants it), -ENOENT.
 */
int home_look(const char *home) MUST_CHECK;

/* cluster_directories - make the cluster directory and what is in it where it is missing. */
int cluster_directories(const char *cluster_dir) MUST_CHECK;

#endif
