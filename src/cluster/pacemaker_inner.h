// SPDX-License-Identifier: Apache-2.0
/* What the files of the engine pacemaker share. */
#ifndef CLUSTER_PACEMAKER_INNER_H
#define CLUSTER_PACEMAKER_INNER_H

#include "pacemaker.h"

#include <cluster/failover.h>
#include <cluster/home_lease.h>

#include "membership.h"

#define MAX_LATER 64

/* A file server that the agent started here, or tried to. */
struct local {
	struct local *next;
	struct pacemaker *p;
	char name[CLUSTER_MAX_NAME];
	char home[CLUSTER_MAX_PATH + 16];
	char volume[CLUSTER_MAX_PATH];
	enum cluster_state state;
	char reason[512];
	int64_t since_ms;
	struct home_lease *lease;
	uint64_t epoch;
	struct failover coming; /* how it came here; kept until the next start, */
	json_t *told;		/* ... and as it is told, when that is known; owned */
	int home_lock;
	bool busy;
};

struct pacemaker {
	struct cluster *cluster;
	struct membership *membership; /* NULL: none to be had */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct local *locals;
	pthread_mutex_t view_lock;
	struct crm_view view;
	uint64_t viewed_ms; /* 0: never */
	char trouble[512];  /* why there is no view */
	pthread_t worker;
	bool stopping;
	struct server_record publish[MAX_LATER];
	size_t publish_count;
	struct {
		char group[CRM_MAX_ID];
		uint64_t until_ms;
	} settle[MAX_LATER];
	size_t settle_count;
};

/* pacemaker_look - with view_lock: a view that is not older than @age_ms; empty where Pacemaker
 * does not answer. */
struct crm_view *pacemaker_look(struct pacemaker *p, uint64_t age_ms);
/* pacemaker_find - with the lock. */
struct local *pacemaker_find(struct pacemaker *p, const char *name);
/* pacemaker_note_coming - what the volume tells of its last owner: the lease and the record @owner
 * that it left. */
void pacemaker_note_coming(struct local *l, const struct owner_record *owner);
/* pacemaker_work - the thread for what can wait; its argument is the engine. */
void *pacemaker_work(void *arg);

#endif
