// SPDX-License-Identifier: Apache-2.0
/*
 * Whoever comes first at the lock of a home need not be who should have the file server. The lock
 * is what keeps two from owning it; who is preferred is settled after it, by giving it on once: the
 * record gets a target for a moment, and the epoch in which that was done, so that no epoch sees it
 * twice.
 */
#include "engine.h"

#include <base/log.h>

#include <errno.h>
#include <stdio.h>
#include <strings.h>

struct offer {
	unsigned yield_ms;
	uint64_t epoch;
	const char *seen; /* the target when this node looked */
	const char *heir;
	bool made;
};

static int make_offer(struct server_record *record, void *arg)
{
	struct offer *offer = arg;

	/* Meanwhile it was given on, by another that had the lock, or wished somewhere. */
	if (record->yielded_epoch == offer->epoch || !record->want_online ||
	    strcmp(record->target, offer->seen) != 0)
		return 1;
	snprintf(record->target, sizeof(record->target), "%s", offer->heir);
	record->target_until_ms = realtime_ms() + offer->yield_ms;
	record->yielded_epoch = offer->epoch;
	offer->made = true;
	return 0;
}

bool keeper_yields(struct keeper *k, const char *home)
{
	struct cluster *c = k->engine;
	struct server_record record = k->record; /* facts are not looked at */
	struct owner_record before = { 0 };
	struct offer offer = { .yield_ms = c->yield_ms, .seen = record.target };
	int error;

	if (!record.preferred_count || !strcasecmp(record.target, c->node))
		return false;
	pthread_mutex_unlock(&c->lock);
	error = owner_record_read(home, &before);
	if (!error) {
		offer.epoch = before.epoch;
		offer.heir = engine_better_owner(c, &record, before.node);
		if (offer.heir)
			error = server_record_change(c->directory, record.name, make_offer, &offer);
	}
	pthread_mutex_lock(&c->lock);
	if (error && error != -ENOENT)
		log_warn("not given on to a preferred owner name=%s error=%s", record.name,
			 strerror(-error));
	if (offer.made)
		log_info("given on name=%s to=%s epoch=%llu", record.name, offer.heir,
			 (unsigned long long)offer.epoch);
	return offer.made;
}
