// SPDX-License-Identifier: Apache-2.0
/*
 * Which nodes were lost, and which of them the fencer's history says to have been fenced since.
 *
 * A clock of this host or of another may jump, or be wrong, and the history remembers fencings of
 * long ago; so times are for telling only. What vouches for the end of a node is a success that was
 * not in the history when it was looked at after the loss of that node, and is there now: losses
 * are counted, and a success has the count of the look before it.
 *
 * Not locked: its owner does (membership.c).
 */
#ifndef CLUSTER_FENCINGS_H
#define CLUSTER_FENCINGS_H

#include <cluster/record.h>
#include <jansson.h>

struct loss {
	uint32_t id;
	int64_t lost_ms;
	uint64_t number; /* which of all losses that were seen: 1, 2, ... */
};
struct fencing {
	char node[CLUSTER_MAX_NAME];
	int64_t begun_ms, ended_ms; /* when it was seen, to tell people */
	uint64_t after;		    /* it has ended, after this loss; 0: nothing is known */
};
struct fencings {
	struct loss losses[CLUSTER_MAX_NODES];
	size_t loss_count;
	struct fencing list[CLUSTER_MAX_NODES];
	size_t count;
	uint64_t lost;	 /* how many losses there were so far, */
	uint64_t looked; /* and had been at the last look */
	json_t *known;	 /* the successes of the last look; NULL: there was none */
};

/* fencings_note_loss - the node @id was lost, at @now (realtime, ms). */
void fencings_note_loss(struct fencings *f, uint32_t id, int64_t now);
/*
 * fencings_look - what the history (crm_fencing) is now, asked for after all losses that were
 * noted. True: a fencing that ended after @from (realtime, ms) is in it that was not seen before,
 * and none is on its way.
 */
bool fencings_look(struct fencings *f, const json_t *events, int64_t from, int64_t now);
/* fencings_vouch - has @node, with the number @id, ended since it was lost? */
bool fencings_vouch(const struct fencings *f, uint32_t id, const char *node) MUST_CHECK;
/* fencings_lost - when @id was lost last (realtime, ms); 0: not that we know. */
int64_t fencings_lost(const struct fencings *f, uint32_t id);
/* fencings_forget_losses - nothing vouches for a node any more until it is lost anew. */
void fencings_forget_losses(struct fencings *f);
void fencings_free(struct fencings *f);

#endif
