// SPDX-License-Identifier: Apache-2.0
/*
 * An order to fill distribution points from others that are nearer to them. The site writes it for
 * one client, its mover, as a file that is named by its hash and trusted because signed documents
 * name that hash (policy/policy.h); the mover reads the pieces at the sources, writes them at the
 * target with an account of its own, reads them back, and reports (policy/paper.h).
 *
 * Points are named by their titles; how they are reached stands in the policy.
 */
#ifndef POLICY_PULL_H
#define POLICY_PULL_H

#include <content/document.h>

#define PULL_BYTES_MAX	 (256u << 10)
#define PULL_POINTS_MAX	 64 /* entries of one order */
#define PULL_SOURCES_MAX 8  /* of one of them */
#define PULL_PACKAGES_MAX                                                                          \
	128 /* in one order, at all points together; the rest comes when these                     \
	       are done */
#define PULL_TITLE_MAX	 1024
#define PULL_PACKAGE_MAX 256

enum pull_mode {
	PULL_MISSING,	 /* what is not there */
	PULL_EVERYTHING, /* all of it, over what is there */
	PULL_REPAIR,	 /* read all of it there, and replace what is damaged */
};

struct pull_package {
	char *package;
	uint8_t manifest[SHA256_LENGTH];
	int64_t number; /* of the wish; rises with each for this package and point */
	enum pull_mode mode;
};
/* One point may have several: packages that are to be had from other sources. */
struct pull_point {
	char *to;
	char *from[PULL_SOURCES_MAX]; /* the first first */
	size_t from_count;
	char *rates; /* how fast it may be written to (policy/rates.h); NULL: no limit */
	struct pull_package *packages;
	size_t package_count;
};
struct pull_order {
	struct pull_point *points;
	size_t point_count;
};
void pull_order_free(struct pull_order *order);
#define auto_pull_order cleanup(pull_order_free)
json_t *pull_order_to_json(const struct pull_order *order); /* the caller's reference */
/* pull_order_from_json - strict; @out is to be freed whatever comes back. */
bool pull_order_from_json(const json_t *body, struct pull_order *out,
			  struct content_failure *why) MUST_CHECK;

/*
 * What became of one of them, as a mover reports it: "to", "package", "manifest", "number" as in
 * the order; "state": PULL_DONE or PULL_FAILED; "reason" of a failure; "sent" bytes, "bad" pieces
 * that were damaged or missing, "time_s".
 */
#define PULL_DONE	 "installed"
#define PULL_FAILED	 "failed"
#define PULL_REASON_MAX	 256
#define PULL_REPORTS_MAX PULL_PACKAGES_MAX
/* pull_report_check - is it of that form? */
bool pull_report_check(const json_t *report);

#endif
