// SPDX-License-Identifier: Apache-2.0
/* Judging a check, and the forecast. Pure: no clock, no database. */
#include <site/watch.h>

#define RETRY_FIRST_S 2
#define RETRY_MOST_S  30
#define DAY_S	      86400
#define FORECAST_MAX  (3650.0 * DAY_S)

const char *reach_name(enum reach reach)
{
	static const char *const names[] = { "never", "ok", "retrying", "down" };

	return (size_t)reach < ARRAY_LEN(names) ? names[reach] : "unknown";
}

const char *health_name(enum health health)
{
	static const char *const names[] = { "ok", "warning", "critical", "unknown" };

	return (size_t)health < ARRAY_LEN(names) ? names[health] : "unknown";
}

static bool is_below(const struct watch_sample *s, double bytes, double percent, double factor)
{
	double free = (double)s->free_bytes;

	return (bytes > 0 && free < bytes * factor) ||
	       (percent > 0 && free * 100 < (double)s->total_bytes * percent * factor);
}

/* A level that was entered is left only when its threshold is passed by the hysteresis. */
static enum health space_level(enum health was, const struct watch_sample *s,
			       const struct watch_policy *p)
{
	const struct thresholds *t = &p->thresholds;
	double leave = 1 + p->hysteresis_percent / 100;

	if (is_below(s, (double)t->critical_bytes, t->critical_percent,
		     was == HEALTH_CRITICAL ? leave : 1))
		return HEALTH_CRITICAL;
	if (is_below(s, (double)t->warn_bytes, t->warn_percent,
		     was == HEALTH_CRITICAL || was == HEALTH_WARNING ? leave : 1))
		return HEALTH_WARNING;
	return HEALTH_OK;
}

static enum space_edge judge_space(struct watch_state *state, const struct watch_sample *s,
				   const struct watch_policy *policy)
{
	static const enum space_edge edges[] = { SPACE_NORMAL, SPACE_WARNING, SPACE_CRITICAL };
	enum health was = state->space, now;

	if (!s->has_space || s->total_bytes <= 0)
		return SPACE_SAME;
	state->free_bytes = s->free_bytes;
	state->total_bytes = s->total_bytes;
	now = space_level(was, s, policy);
	state->space = now;
	if (now == was || (was == HEALTH_UNKNOWN && now == HEALTH_OK))
		return SPACE_SAME;
	return edges[now];
}

/* 2, 4, 8 ... seconds, while it is not known whether it passes. */
static int64_t retry_delay(int64_t failures)
{
	int64_t delay = RETRY_FIRST_S;

	while (--failures > 0 && delay < RETRY_MOST_S)
		delay *= 2;
	return delay < RETRY_MOST_S ? delay : RETRY_MOST_S;
}

static struct watch_verdict failed(struct watch_state *state, const struct watch_sample *s,
				   const struct watch_policy *policy)
{
	struct watch_verdict v = { .again_s = policy->interval_s };
	int64_t retry;

	state->failures++;
	if (state->reach == REACH_DOWN) {
		if (s->now_s - state->reminded_s >= policy->remind_s) {
			state->reminded_s = s->now_s;
			v.reach = REACH_STILL;
		}
		return v;
	}
	if (state->reach != REACH_RETRYING)
		state->retry_since_s = s->now_s;
	if (s->transient && s->now_s - state->retry_since_s < policy->patience_s) {
		if (state->reach != REACH_RETRYING)
			state->changed_s = s->now_s;
		state->reach = REACH_RETRYING;
		retry = retry_delay(state->failures);
		v.again_s = retry < policy->interval_s ? retry : policy->interval_s;
		return v;
	}
	state->reach = REACH_DOWN;
	state->down_since_s = state->retry_since_s;
	state->changed_s = state->reminded_s = s->now_s;
	v.reach = REACH_FAILED;
	return v;
}

struct watch_verdict watch_judge(struct watch_state *state, const struct watch_sample *s,
				 const struct watch_policy *policy)
{
	struct watch_verdict v = { .again_s = policy->interval_s };

	state->checked_s = s->now_s;
	if (!s->reached)
		return failed(state, s, policy);
	if (state->reach == REACH_DOWN) {
		v.reach = REACH_RECOVERED;
		v.down_s = s->now_s - state->down_since_s;
	}
	if (state->reach != REACH_OK)
		state->changed_s = s->now_s;
	state->reach = REACH_OK;
	state->failures = 0;
	state->retry_since_s = state->down_since_s = state->reminded_s = 0;
	v.space = judge_space(state, s, policy);
	return v;
}

enum health watch_health(const struct watch_state *state)
{
	switch (state->reach) {
	case REACH_NEVER:
		return HEALTH_UNKNOWN;
	case REACH_DOWN:
		return HEALTH_CRITICAL;
	case REACH_OK:
	case REACH_RETRYING: /* as it was */
		break;
	}
	return state->space == HEALTH_UNKNOWN ? HEALTH_OK : state->space;
}

enum health watch_worse(enum health a, enum health b)
{
	static const int rank[] = {
		[HEALTH_OK] = 0, [HEALTH_UNKNOWN] = 1, [HEALTH_WARNING] = 2, [HEALTH_CRITICAL] = 3
	};

	return rank[a] >= rank[b] ? a : b;
}

int64_t forecast_fill(const struct space_sample *samples, size_t count)
{
	double mean_t = 0, mean_f = 0, tt = 0, tf = 0, slope, left;
	int64_t last;

	if (count < FORECAST_MIN || samples[count - 1].time_s - samples[0].time_s < DAY_S)
		return 0;
	last = samples[count - 1].time_s;
	for (size_t i = 0; i < count; i++) {
		mean_t += (double)(samples[i].time_s - last) / (double)count;
		mean_f += (double)samples[i].free_bytes / (double)count;
	}
	for (size_t i = 0; i < count; i++) {
		double t = (double)(samples[i].time_s - last) - mean_t;

		tt += t * t;
		tf += t * ((double)samples[i].free_bytes - mean_f);
	}
	slope = tt > 0 ? tf / tt : 0;
	if (slope >= 0)
		return 0;
	left = (double)samples[count - 1].free_bytes / -slope;
	return left > FORECAST_MAX ? 0 : last + (int64_t)left;
}
