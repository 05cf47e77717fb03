// SPDX-License-Identifier: Apache-2.0
/* The engine that leaves the decision to Pacemaker, behind the calls of cluster.h. */
#ifndef CLUSTER_PACEMAKER_H
#define CLUSTER_PACEMAKER_H

#include <cluster/crm.h>
#include "engine.h"

struct pacemaker;
struct pacemaker *pacemaker_start(struct cluster *cluster) MUST_CHECK;
/* pacemaker_stop - take everything offline that is online here, and free. */
void pacemaker_stop(struct pacemaker *p);
size_t pacemaker_rows(struct pacemaker *p, struct cluster_row **out);
json_t *pacemaker_view(struct pacemaker *p);
int pacemaker_publish(struct pacemaker *p, const struct server_record *changed) MUST_CHECK;

/* Wishes (pacemaker_wishes.c). */
int pacemaker_want(struct pacemaker *p, const char *name, bool online, char **why) MUST_CHECK;
int pacemaker_move(struct pacemaker *p, const char *name, const char *target,
		   char **why) MUST_CHECK;
int pacemaker_add(struct pacemaker *p, struct server_record *record, char **why) MUST_CHECK;
int pacemaker_remove(struct pacemaker *p, const char *name, char **why) MUST_CHECK;
/* pacemaker_settle_later - forget the move of @group when it is over. */
void pacemaker_settle_later(struct pacemaker *p, const char *group);
const char *pacemaker_node(const struct pacemaker *p);

/* Asked for by the resource agent. */
int pacemaker_local_start(struct pacemaker *p, const char *name, const char *volume,
			  char **why) MUST_CHECK;
int pacemaker_local_stop(struct pacemaker *p, const char *name, const char *volume,
			 char **why) MUST_CHECK;
int pacemaker_local_check(struct pacemaker *p, const char *name, char **why) MUST_CHECK;
void *pacemaker_guard(struct pacemaker *p, const char *name);

#endif
