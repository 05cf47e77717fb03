// SPDX-License-Identifier: Apache-2.0
/*
 * What a client does next with a deployment: a function of the deployment, what happened with it
 * before, and the circumstances. It reads no clock, no disk and no network.
 */
#ifndef POLICY_DECIDE_H
#define POLICY_DECIDE_H

#include <policy/delivery.h>
#include <policy/deployment.h>
#include <policy/window.h>

#define DECIDE_ATTEMPTS_MAX 4 /* runs and fetches of one revision before it has failed */

enum outcome { OUTCOME_NONE, OUTCOME_SUCCEEDED, OUTCOME_FAILED };

/* What a client remembers of a deployment; zero: it is new. */
struct history {
	enum delivery state;
	int64_t version, revision; /* that the rest is about */
	enum outcome outcome;	   /* of the last run of that version, whichever the revision */
	bool finished;		   /* with this version and revision */
	uint32_t attempts;
	int64_t retry_at_s;
	bool requested; /* a user asked for what is available */
};

struct circumstances {
	int64_t now_s;
	const json_t *facts;
	const struct window *windows;
	size_t window_count;
	bool has_content; /* in the cache, verified */
};

enum step { STEP_NONE, STEP_FETCH, STEP_RUN };
struct decision {
	enum step step;
	enum delivery state;
	int64_t message;    /* enum delivery_message */
	int64_t again_s;    /* when to ask again at the latest; 0: when the policy changes */
	const char *reason; /* a constant phrase for people */
};

/* decide - for @d. @history is brought to the version and revision of @d first: what was about an
 * older one is forgotten, but for what the rerun rule needs. */
struct decision decide(const struct deployment *d, struct history *history,
		       const struct circumstances *circumstances);

/* What an exit code of a program means. */
enum ending { ENDED_WELL, ENDED_REBOOT_NEEDED, ENDED_REBOOTING, ENDED_BUSY, ENDED_BADLY };
enum ending ending_of(const struct deployment *d, int64_t code);

/* retry_delay_s - how long to wait after so many failed attempts: longer each time. */
int64_t retry_delay_s(uint32_t attempts);

#endif
