// SPDX-License-Identifier: Apache-2.0
/* What comes next: the rules, one after the other; the first that applies decides. */
#include <policy/decide.h>

static struct decision wait_for(enum delivery state, int64_t message, int64_t again_s,
				const char *reason)
{
	return (struct decision){
		.state = state, .message = message, .again_s = again_s, .reason = reason
	};
}

/* A version that has never run has no outcome; a new revision of the same version keeps it. */
static void renew(const struct deployment *d, struct history *h)
{
	if (h->version == d->version && h->revision == d->revision)
		return;
	if (h->version != d->version)
		h->outcome = OUTCOME_NONE;
	h->version = d->version;
	h->revision = d->revision;
	h->finished = false;
	h->attempts = 0;
	h->retry_at_s = 0;
	h->requested = false;
}

static bool may_run_again(const struct deployment *d, const struct history *h)
{
	if (h->outcome == OUTCOME_NONE)
		return true;
	switch (d->rerun) {
	case RERUN_ALWAYS:
		return true;
	case RERUN_IF_FAILED:
		return h->outcome == OUTCOME_FAILED;
	case RERUN_IF_SUCCEEDED:
		return h->outcome == OUTCOME_SUCCEEDED;
	case RERUN_NEVER:
		break;
	}
	return false;
}

static bool condition_holds(const struct deployment *d, const json_t *facts)
{
	char why[EXPRESSION_WHY];
	struct expression *e auto_expression = expression_parse(d->condition, why);

	return e && expression_holds(e, facts);
}

/* It may run, its content is here: is it time? */
static struct decision run_or_wait(const struct deployment *d, const struct history *h,
				   const struct circumstances *c)
{
	struct decision run = { .step = STEP_RUN,
				.state = DELIVERY_RUNNING,
				.message = CLIENT_ABOUT_TO_RUN,
				.reason = "it is time" };
	bool is_due = d->deadline_s && c->now_s >= d->deadline_s;
	int64_t next;

	if (h->requested || (is_due && d->deadline_beats_windows))
		return run;
	if (!c->window_count && d->deadline_s && !is_due)
		return wait_for(DELIVERY_WAITING, CLIENT_WAITING_FOR_WINDOW, d->deadline_s,
				"it runs at its deadline");
	if (windows_left(c->windows, c->window_count, c->now_s) >= d->limit_s)
		return run;
	next = windows_next(c->windows, c->window_count, c->now_s, d->limit_s);
	if (d->deadline_beats_windows && d->deadline_s && (!next || d->deadline_s < next))
		next = d->deadline_s;
	return wait_for(DELIVERY_WAITING, CLIENT_WAITING_FOR_WINDOW, next,
			next ? "it waits for a maintenance window"
			     : "no maintenance window is as long as the program may run");
}

static struct decision finished(const struct history *h)
{
	return wait_for(h->state, 0, 0,
			h->outcome == OUTCOME_SUCCEEDED ? "it is done" : "it has failed");
}

struct decision decide(const struct deployment *d, struct history *h, const struct circumstances *c)
{
	renew(d, h);
	if (h->finished && delivery_is_final(h->state))
		return finished(h);
	if (h->finished && h->state == DELIVERY_REBOOT_PENDING)
		return wait_for(h->state, CLIENT_REBOOT_NEEDED, 0, "a restart completes it");
	if (d->expires_s && c->now_s >= d->expires_s)
		return wait_for(DELIVERY_EXPIRED, CLIENT_EXPIRED, 0, "it has expired");
	if (!condition_holds(d, c->facts))
		return wait_for(DELIVERY_REJECTED, CLIENT_REJECTED, 0,
				"its run condition does not hold here");
	if (!may_run_again(d, h))
		return wait_for(DELIVERY_NO_RERUN, CLIENT_NO_RERUN, 0,
				"it has run before, and its rule says not again");
	if (c->now_s < d->available_s)
		return wait_for(DELIVERY_ACCEPTED, CLIENT_RECEIVED, d->available_s,
				"it is not available yet");
	if (d->purpose == PURPOSE_AVAILABLE && !h->requested)
		return wait_for(DELIVERY_ACCEPTED, CLIENT_RECEIVED, 0, "a user may ask for it");
	/* Further away than any try is put off, it was set by a clock that was ahead. */
	if (h->retry_at_s > c->now_s && h->retry_at_s - c->now_s <= retry_delay_s(UINT32_MAX))
		return wait_for(DELIVERY_RETRYING, CLIENT_RETRYING, h->retry_at_s,
				"it is tried again later");
	if (!c->has_content)
		return (struct decision){ .step = STEP_FETCH,
					  .state = DELIVERY_DOWNLOADING,
					  .message = CLIENT_WAITING_FOR_CONTENT,
					  .reason = "its content is fetched" };
	return run_or_wait(d, h, c);
}

enum ending ending_of(const struct deployment *d, int64_t code)
{
	static const struct {
		int64_t code;
		enum ending kind;
	} known[] = {
		{ 0, ENDED_WELL },
		{ 3010, ENDED_REBOOT_NEEDED },
		{ 1641, ENDED_REBOOTING },
		{ 1618, ENDED_BUSY },
		/* An exit status on Linux has eight bits: what is left of the codes above. */
		{ 3010 & 0xff, ENDED_REBOOT_NEEDED },
		{ 1641 & 0xff, ENDED_REBOOTING },
		{ 1618 & 0xff, ENDED_BUSY },
	};

	for (size_t i = 0; i < d->success_count; i++) {
		if (d->success[i] == code)
			return ENDED_WELL;
	}
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (known[i].code == code)
			return known[i].kind;
	}
	return ENDED_BADLY;
}

int64_t retry_delay_s(uint32_t attempts)
{
	static const int64_t delays[] = { 60, 300, 1800, 7200 };

	return delays[attempts && attempts <= ARRAY_LEN(delays) ? attempts - 1
								: ARRAY_LEN(delays) - 1];
}
