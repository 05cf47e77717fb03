// SPDX-License-Identifier: Apache-2.0
/* What the engine's files share: the engine and its keepers. engine->lock guards everything that
 * changes. */
#ifndef CLUSTER_ENGINE_H
#define CLUSTER_ENGINE_H

#include <cluster/cluster.h>

#include <pthread.h>
#include <signal.h>

#define KEEPER_MAX_FAILURES   32
#define KEEPER_FIRST_DELAY_MS 250  /* before the first restart; doubled for each further one */
#define KEEPER_CHECK_MS	      5000 /* between two health checks */
#define KEEPER_MAX_DEATHS     3	   /* owners in a row that may die while bringing a server online */
#define MOVE_TIMEOUT_MS                                                                            \
	15000		      /* how long others leave a released server to the target of a move   \
			       */
#define MOVE_DRAIN_MS 60000   /* how long the owner may take to release it */
#define WAKE_SIGNAL   SIGUSR2 /* ends a wait for a lock; its handler does nothing */

/* One file server as this node keeps it; a thread of its own. */
struct keeper {
	struct cluster *engine;
	struct keeper *next;
	char name[CLUSTER_MAX_NAME]; /* never changes */
	pthread_t thread;
	pthread_cond_t changed;
	struct server_record record;
	enum cluster_state state;
	char reason[512];
	int64_t since_ms;
	uint64_t epoch;
	bool removed; /* its record is gone: the thread ends */
	bool ended;
	bool waits_for_lock;	   /* in the kernel: WAKE_SIGNAL gets it out */
	uint64_t generation_tried; /* a newer one ends a failure */
	uint64_t failed_until_ms;  /* monotonic; 0: not failed; UINT64_MAX: until someone asks */
	uint64_t failures[KEEPER_MAX_FAILURES]; /* monotonic times, newest last */
	size_t failure_count;
	uint64_t pending_since_ms; /* monotonic; 0: nothing is pending */
};

struct pacemaker;

struct cluster {
	struct pacemaker *pacemaker; /* NULL: the embedded engine, and all below */
	pthread_mutex_t lock;
	char *directory, *node, *control, *address, *version;
	uint16_t port;
	unsigned yield_ms;
	struct cluster_events events;
	void *arg;
	struct keeper *keepers;
	bool stopping;
	int node_lock;
	int inotify;
	int wake; /* eventfd */
	pthread_t watcher;
	char boot_id[40];
};

/* What a keeper is to do now. */
enum wish { WISH_END, WISH_OFFLINE, WISH_WAIT, WISH_OWN };
/* keeper_wish - with the lock held; for WISH_WAIT *until_ms (monotonic) is when to ask again. */
enum wish keeper_wish(struct keeper *k, uint64_t *until_ms);
void *keeper_run(void *arg);
/* keeper_yields - with the lock of the home and the engine's (which is let go meanwhile): is there
 * a better owner that lives? True: it was made the target, and the home's lock is to be given back.
 * Once an epoch at most. */
bool keeper_yields(struct keeper *k, const char *home);
/* keeper_move - go to @state with @reason ("" for none), with the lock held; the move must be in
 * the table. */
void keeper_move(struct keeper *k, enum cluster_state state, const char *reason);

/* keeper_free - one whose thread has ended, or never began. */
void keeper_free(struct keeper *k);
/* engine_better_owner - the first preferred owner of @r that lives and is not @but; NULL: this node
 * is before them, or there is none. It lies in @r. */
const char *engine_better_owner(const struct cluster *c, const struct server_record *r,
				const char *but);
/* engine_watch - the thread that watches the cluster directory; its argument is the engine. */
void *engine_watch(void *arg);

int64_t realtime_ms(void);

#endif
