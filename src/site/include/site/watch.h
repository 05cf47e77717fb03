// SPDX-License-Identifier: Apache-2.0
/*
 * What a check of a storage object means: a pure function from what was known, what was found and
 * the policy to what is known now, which messages that makes, and when to look again.
 *
 * Messages are made at edges only: the first time that an object is not reached, from then on at
 * most one reminder in a while, and once when it is reached again. What may pass by itself (a
 * failover, a busy network) is tried again for a while before it counts. Only a check that
 * succeeds makes an object well again, never the passing of time.
 */
#ifndef SITE_WATCH_H
#define SITE_WATCH_H

#include <base/base.h>

enum reach {
	REACH_NEVER, /* never checked */
	REACH_OK,
	REACH_RETRYING, /* failed in a way that may pass; not yet counted */
	REACH_DOWN,
};
const char *reach_name(enum reach reach);

/* Of space, of an object, of everything over it. */
enum health { HEALTH_OK, HEALTH_WARNING, HEALTH_CRITICAL, HEALTH_UNKNOWN };
const char *health_name(enum health health); /* "ok" ... */

struct thresholds {
	int64_t warn_bytes, critical_bytes; /* 0: none */
	double warn_percent, critical_percent;
};

struct watch_policy {
	struct thresholds thresholds;
	double hysteresis_percent;
	int64_t patience_s, remind_s, interval_s;
};

struct watch_state {
	enum reach reach;
	enum health space;
	int64_t checked_s, changed_s;
	int64_t retry_since_s;		 /* the first failure of those that are tried again */
	int64_t down_since_s;		 /* the first failure of the outage; 0: reached */
	int64_t reminded_s;		 /* the last message of the outage */
	int64_t failures;		 /* in a row */
	int64_t free_bytes, total_bytes; /* of the last check that told; total 0: never */
};

struct watch_sample {
	int64_t now_s;
	bool reached, transient;
	bool has_space;
	int64_t free_bytes, total_bytes;
};

enum reach_edge { REACH_SAME, REACH_FAILED, REACH_STILL, REACH_RECOVERED };
enum space_edge { SPACE_SAME, SPACE_NORMAL, SPACE_WARNING, SPACE_CRITICAL };

struct watch_verdict {
	enum reach_edge reach;
	enum space_edge space;
	int64_t down_s;	 /* REACH_RECOVERED: how long it was down */
	int64_t again_s; /* when to look again, from now */
};

/* watch_judge - take @sample into @state. */
struct watch_verdict watch_judge(struct watch_state *state, const struct watch_sample *sample,
				 const struct watch_policy *policy);
/* watch_health - what the state of an object is shown as. */
enum health watch_health(const struct watch_state *state);
/* watch_worse - the worse of two; not knowing is worse than well and better than a warning. */
enum health watch_worse(enum health a, enum health b);

/*
 * forecast_fill - when free space will be used up: the least-squares line through @count samples
 * (seconds, free bytes), oldest first. 0 where it does not shrink, where it would take more than
 * ten years, or where the samples are fewer than FORECAST_MIN or span less than a day.
 */
struct space_sample {
	int64_t time_s, free_bytes;
};
#define FORECAST_MIN 6
int64_t forecast_fill(const struct space_sample *samples, size_t count);

#endif
