// SPDX-License-Identifier: Apache-2.0
/* What the files that do the work of a distribution share. A job belongs to one thread. */
#ifndef SITE_DISTRIBUTION_IMPL_H
#define SITE_DISTRIBUTION_IMPL_H

#include <content/transfer.h>
#include <site/distribution.h>
#include <policy/rates.h>

#define BUSY_AGAIN_S 5 /* someone else writes to the point: not a try */

/*
 * In a query about a row of distributions, called d: the points that could fill its point now, as
 * what stands behind FROM. It is filled from them, they have the version which is current, and
 * they are not in maintenance.
 */
#define SOURCES_THAT_HAVE_IT                                                                       \
	"point_sources s JOIN points f ON f.path = s.source JOIN distributions x ON x.point ="     \
	" s.source AND x.package = d.package JOIN packages v ON v.name = x.package WHERE s.point"  \
	" = d.point AND NOT f.maintenance AND x.version = v.version AND x.verb <> 3"

struct distribution_job {
	char *package, *point;
	enum distribution_verb verb;
	int64_t tries, version; /* the version that is known to be there */
	bool is_pulled;		/* its point has a mover, which is to bring it there */
	char *reason;		/* of the last try */
	/* While it is done. */
	struct site *site;
	const atomic_bool *stop;
	uint64_t told_ms;
	struct throttle throttle;
	bool interrupted; /* for another wish, another hour, or the end of the server */
};

/* distribution_done - write down that it went well, with its messages. */
int distribution_done(struct distribution_job *job, const struct transfer_result *result,
		      int64_t version, char **why) MUST_CHECK;
/* distribution_failed - a try that failed: a message at the first failure, when the reason changes,
 * and when it is given up. */
int distribution_failed(struct distribution_job *job, const char *reason, int64_t version,
			char **why) MUST_CHECK;
/* distribution_say - a message about the package at the point; up to ten strings, then NULL. */
int distribution_say(const struct distribution_job *job, uint32_t id, const char *const *strings,
		     char **why) MUST_CHECK;

/* distribution_pull - order it, wait for the report, look at what was brought: one step of it. */
int distribution_pull(struct distribution_job *job, char **why) MUST_CHECK;

#endif
