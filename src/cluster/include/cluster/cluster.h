// SPDX-License-Identifier: Apache-2.0
/*
 * The embedded engine: any number of nodes on one machine, no other daemon. Each node keeps one
 * thread for each file server of the cluster directory. The thread waits for the lock in the
 * server's home, which the kernel drops when the owner's process dies, so that a standby takes over
 * at once; then it brings the server online, serves until it is no longer to, takes it offline and
 * gives the lock back. Epochs only rise.
 *
 * What is wanted stands in the server's record, which any node may change and all nodes watch. What
 * a server is, the engine does not know: node/ gives it three calls.
 *
 * Locks: engine->lock guards every keeper; it is held for no call outwards.
 */
#ifndef CLUSTER_CLUSTER_H
#define CLUSTER_CLUSTER_H

#include <cluster/record.h>

enum cluster_state {
	CLUSTER_OFFLINE, /* an administrator wants it so, or the node is stopping */
	CLUSTER_STANDBY, /* another node has it, or is to have it; this one waits */
	CLUSTER_ONLINE_PENDING,
	CLUSTER_ONLINE,
	CLUSTER_OFFLINE_PENDING,
	CLUSTER_FAILED, /* this node has given up; see the reason */
	CLUSTER_STATES,
};
const char *cluster_state_name(enum cluster_state state); /* "online-pending" */
bool cluster_state_parse(const char *text, enum cluster_state *out) MUST_CHECK;
/* cluster_move_allowed - the table of moves: may a keeper go from one state to the other? */
bool cluster_move_allowed(enum cluster_state from, enum cluster_state to);

struct cluster_events {
	/* bring_online - 0, or negative errno and a sentence in *why (to be freed). On a thread of
	 * the engine. */
	int (*bring_online)(void *arg, const struct server_record *record, uint64_t epoch,
			    char **why);
	/* take_offline - drain and close; when it returns nothing of the server is open on this
	 * node. */
	void (*take_offline)(void *arg, const char *name);
	/* check - is it still well? Called every few seconds; as bring_online. */
	int (*check)(void *arg, const char *name, char **why);
};
/* Who decides the owner. */
enum cluster_engine {
	CLUSTER_EMBEDDED,  /* the nodes of one machine, by the lock of the home */
	CLUSTER_PACEMAKER, /* Corosync and Pacemaker, through the resource agent */
};
struct cluster_config {
	enum cluster_engine engine;
	const char *directory;
	const char *node;
	const char *control; /* this node's control socket */
	const char *address;
	uint16_t port;
	const char *version; /* of this program, for the other nodes */
	unsigned yield_ms;   /* how long it is left to a better owner (embedded); 0: 2000 */
};
struct cluster;

/* cluster_start - enter this node and begin to keep servers; -EEXIST where a living node has the
 * name. @out is set before the first callback, which may come before this returns; NULL after an
 * error. */
int cluster_start(const struct cluster_config *config, const struct cluster_events *events,
		  void *arg, struct cluster **out, char **why) MUST_CHECK;
/* cluster_stop - hand every server over, leave, and free. */
void cluster_stop(struct cluster *cluster);

/* What this node knows of a server. */
struct cluster_row {
	struct server_record record;
	enum cluster_state state;
	char reason[512]; /* why it is in this state, "" where that needs no words */
	int64_t since_ms; /* realtime */
	uint64_t epoch;	  /* while it is, or was, ours */
	/* Pacemaker only: which node has it, and the resources that it is made of (an array,
	 * owned). */
	char owner[CLUSTER_MAX_NAME];
	json_t *parts;
};
size_t cluster_rows(struct cluster *cluster, struct cluster_row **out);
void cluster_rows_free(struct cluster_row *rows, size_t count);

/*
 * Wishes; any node may be asked. They return when the wish is written, not when it is fulfilled.
 * cluster_want - online or offline, remembered over restarts; online also ends every node's
 * failure. cluster_move - to @target ("" picks the best other living node: preferred owners in
 * order, then the next by name).
 */
int cluster_want(struct cluster *cluster, const char *name, bool online, char **why) MUST_CHECK;
int cluster_move(struct cluster *cluster, const char *name, const char *target,
		 char **why) MUST_CHECK;
int cluster_add(struct cluster *cluster, struct server_record *record, char **why) MUST_CHECK;
/* cluster_remove - forget a server that is offline; -EBUSY where it is not. */
int cluster_remove(struct cluster *cluster, const char *name, char **why) MUST_CHECK;
/* cluster_publish - let the record of @name show @facts (reference taken over), @preferred and
 * @policy from now on. */
int cluster_publish(struct cluster *cluster, const struct server_record *changed) MUST_CHECK;
/* cluster_rescan - look at the directory now, after a change of its own. */
void cluster_rescan(struct cluster *cluster);

/*
 * Under Pacemaker, for the resource agent: start, stop and check a file server on this node. They
 * wait until it is so. cluster_local_check - 0: online; -ENOENT: not here; else what is wrong with
 * it. -ENOTSUP under the embedded engine.
 */
int cluster_local_start(struct cluster *cluster, const char *name, const char *volume,
			char **why) MUST_CHECK;
int cluster_local_stop(struct cluster *cluster, const char *name, const char *volume,
		       char **why) MUST_CHECK;
int cluster_local_check(struct cluster *cluster, const char *name, char **why) MUST_CHECK;
/* cluster_guard - what cluster_guard_holds is to be asked with for @name, from bring_online on;
 * NULL: no need to ask. It lives until take_offline has returned. */
void *cluster_guard(struct cluster *cluster, const char *name);
bool cluster_guard_holds(void *guard);
/* cluster_view - nodes, votes, quorum, fencing, as a new object; NULL under the embedded engine. */
json_t *cluster_view(struct cluster *cluster);

/* cluster_choose - the node that should get @record next: for tests, and for cluster_move. "" where
 * there is none. */
const char *cluster_choose(const struct server_record *record, const struct node_record *nodes,
			   size_t count, const char *current);
/* cluster_policy_default - what holds where nothing is set. */
struct cluster_policy cluster_policy_default(void);

#endif
