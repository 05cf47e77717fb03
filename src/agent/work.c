// SPDX-License-Identifier: Apache-2.0
/*
 * One deployment through its states. What is to be done is decided by policy/decide; here it is
 * done, and every move is saved before what it announces is begun, so that an agent that is killed
 * knows afterwards where it was.
 */
#include "agent.h"

#include <agent/runner.h>
#include <base/log.h>
#include <errno.h>
#include <stdio.h>

#define STEPS_MAX 4 /* fetch, run, and what follows; more would be a circle */

static bool save(struct agent *a)
{
	struct content_failure why = { 0 };

	if (memory_save(&a->memory, &why))
		return true;
	log_error("state not saved why=%s", LOG_TEXT(why.text));
	return false;
}

/* A move that the table does not have in one step goes by way of "accepted". */
static void advance(struct agent *a, struct item *item, enum delivery state, int64_t message,
		    const char *reason)
{
	int64_t now = agent_now(a);

	if (!delivery_may(item->history.state, state))
		memory_move(&a->memory, item, DELIVERY_ACCEPTED, CLIENT_RECEIVED, "", now);
	memory_move(&a->memory, item, state, message, reason, now);
}

static void try_later(struct agent *a, struct item *item, int64_t message, const char *reason)
{
	item->history.attempts++;
	item->history.retry_at_s = agent_now(a) + retry_delay_s(item->history.attempts);
	advance(a, item, DELIVERY_RETRYING, message, reason);
}

static void finish(struct agent *a, struct item *item, enum delivery state, int64_t message,
		   const char *reason)
{
	item->history.finished = true;
	item->history.outcome = state == DELIVERY_FAILED ? OUTCOME_FAILED : OUTCOME_SUCCEEDED;
	advance(a, item, state, message, reason);
}

static int64_t message_of(const struct content_failure *why)
{
	switch (why->problem) {
	case CONTENT_FULL:
		return CLIENT_NO_CACHE_SPACE;
	case CONTENT_DAMAGED:
	case CONTENT_TOO_LARGE:
		return CLIENT_HASH_BAD;
	default:
		return CLIENT_RETRYING;
	}
}

/* Content that cannot be had now is waited for: as long as it takes. */
static bool fetch(struct agent *a, const struct deployment *d, struct item *item)
{
	struct content_failure why = { 0 };

	advance(a, item, DELIVERY_DOWNLOADING, CLIENT_WAITING_FOR_CONTENT,
		"its content is fetched");
	save(a);
	if (content_fetch(a, d, &why)) {
		item->history.attempts = 0;
		advance(a, item, DELIVERY_DOWNLOADED, CLIENT_ABOUT_TO_RUN,
			"its content is here and verified");
		save(a);
		return true;
	}
	log_warn("content not fetched deployment=%s problem=%s path=%s why=%s", d->id,
		 content_problem_name(why.problem), LOG_TEXT(why.path), LOG_TEXT(why.text));
	try_later(a, item, message_of(&why), why.text);
	save(a);
	return false;
}

/* The end of what the program wrote, on one line: a document has no control characters. */
static void keep_output(struct item *item, const struct run_result *r)
{
	size_t length =
		r->output_length < PAPER_TEXT_MAX / 2 ? r->output_length : PAPER_TEXT_MAX / 2;
	char *out = xstrdup(r->output + (r->output_length - length));

	for (char *c = out; *c; c++) {
		if (*c == '\n' || *c == '\t')
			*c = *c == '\n' ? '|' : ' ';
	}
	free(item->output);
	item->output = out;
}

static void restart_if_wished(struct agent *a, const struct deployment *d)
{
	char *command[] = { a->config->restart_command, NULL };
	const struct run_options options = { .command = command, .directory = "/", .limit_s = 60 };
	struct run_result *result;

	if (d->restart != RESTART_RUN || !command[0])
		return;
	result = xalloc(1, sizeof(*result));
	log_info("restart deployment=%s command=%s", d->id, LOG_TEXT(command[0]));
	run_program(&options, result);
	free(result);
}

/* What the program's end means for the deployment. */
static void conclude(struct agent *a, const struct deployment *d, struct item *item,
		     const struct run_result *r)
{
	char text[128];

	keep_output(item, r);
	item->exit_code = r->code;
	if (r->error) {
		snprintf(text, sizeof(text), "it could not be started: %s", strerror(r->error));
		finish(a, item, DELIVERY_FAILED, CLIENT_NOT_STARTED, text);
		return;
	}
	if (r->timed_out || r->signal) {
		snprintf(text, sizeof(text),
			 r->timed_out ? "it ran longer than %lld s" : "it was ended by signal %lld",
			 (long long)(r->timed_out ? d->limit_s : r->signal));
		finish(a, item, DELIVERY_FAILED, r->timed_out ? CLIENT_TIMED_OUT : CLIENT_FAILED,
		       text);
		return;
	}
	snprintf(text, sizeof(text), "exit code %d", r->code);
	switch (ending_of(d, r->code)) {
	case ENDED_WELL:
		finish(a, item, DELIVERY_SUCCEEDED, CLIENT_SUCCEEDED, text);
		break;
	case ENDED_REBOOT_NEEDED:
	case ENDED_REBOOTING:
		finish(a, item, DELIVERY_REBOOT_PENDING, CLIENT_REBOOT_NEEDED, text);
		break;
	case ENDED_BUSY:
		if (item->history.attempts + 1 < DECIDE_ATTEMPTS_MAX) {
			try_later(a, item, CLIENT_RETRYING, "another installation is under way");
			break;
		}
		/* fall through */
	case ENDED_BADLY:
		finish(a, item, DELIVERY_FAILED, CLIENT_FAILED, text);
		break;
	}
}

static bool run(struct agent *a, const struct deployment *d, struct item *item)
{
	auto_free char *directory = xasprintf("%s/work", a->config->state);
	const struct run_options options = { .command = d->command,
					     .directory = directory,
					     .limit_s = d->limit_s };
	auto_free struct run_result *result = xalloc(1, sizeof(*result));
	struct content_failure why = { 0 };

	if (!content_to_files(a, d, directory, &why)) {
		log_warn("content not assembled deployment=%s path=%s why=%s", d->id,
			 LOG_TEXT(why.path), LOG_TEXT(why.text));
		try_later(a, item, message_of(&why), why.text);
		save(a);
		return false;
	}
	/* It was current when the cycle began; fetching takes its time, and what was withdrawn
	 * meanwhile is not run. */
	if (!trust_is_current(a->trust, agent_now(a), &why)) {
		log_warn("policy is too old to run anything deployment=%s why=%s", d->id,
			 LOG_TEXT(why.text));
		try_later(a, item, CLIENT_RETRYING, why.text);
		save(a);
		return false;
	}
	advance(a, item, DELIVERY_RUNNING, CLIENT_STARTED, "the program runs");
	snprintf(a->memory.running, sizeof(a->memory.running), "%s", item->id);
	/* What would be forgotten would be run again: it is not begun. */
	if (!save(a)) {
		a->memory.running[0] = 0;
		try_later(a, item, CLIENT_RETRYING,
			  "the agent cannot write its state: no space is left, or its disk failed");
		return false;
	}
	run_program(&options, result);
	a->memory.running[0] = 0;
	conclude(a, d, item, result);
	save(a);
	if (!remove_tree(directory, &why))
		log_warn("work left behind why=%s", LOG_TEXT(why.text));
	if (item->history.state == DELIVERY_REBOOT_PENDING &&
	    ending_of(d, result->code) == ENDED_REBOOT_NEEDED)
		restart_if_wished(a, d);
	return true;
}

static size_t take_windows(const struct agent *a, struct window windows[WINDOWS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < json_array_size(a->assignment.windows) && count < WINDOWS_MAX; i++) {
		const char *text = json_string_value(json_array_get(a->assignment.windows, i));

		if (window_parse(text, &windows[count]))
			count++;
		else
			log_warn("window not understood text=%s", LOG_TEXT(text));
	}
	return count;
}

int64_t work_on(struct agent *a, const struct deployment *d)
{
	struct item *item = memory_item(&a->memory, d->id, true);
	struct window windows[WINDOWS_MAX];
	struct circumstances c = { .facts = a->facts, .windows = windows };

	c.window_count = take_windows(a, windows);
	/* One that cannot be read must not turn "sometimes" into "always". */
	if (c.window_count < json_array_size(a->assignment.windows) && !c.window_count) {
		advance(a, item, DELIVERY_WAITING, CLIENT_WAITING_FOR_WINDOW,
			"its maintenance windows are not understood");
		return 0;
	}
	memcpy(item->manifest, d->manifest, SHA256_LENGTH);
	for (unsigned i = 0; i < STEPS_MAX; i++) {
		struct decision what;
		bool good;

		c.now_s = agent_now(a);
		c.has_content = content_is_cached(a, d);
		what = decide(d, &item->history, &c);
		if (what.step == STEP_NONE) {
			/* Why it is tried again stands there already, and says more. */
			if (!item->history.finished && !(what.state == DELIVERY_RETRYING &&
							 item->history.state == DELIVERY_RETRYING))
				advance(a, item, what.state, what.message, what.reason);
			return what.again_s;
		}
		good = what.step == STEP_FETCH ? fetch(a, d, item) : run(a, d, item);
		if (!good)
			return item->history.retry_at_s;
	}
	return agent_now(a) + 60;
}

void work_resume(struct agent *a)
{
	struct item *item =
		a->memory.running[0] ? memory_item(&a->memory, a->memory.running, false) : NULL;

	a->memory.running[0] = 0;
	if (!item || item->history.state != DELIVERY_RUNNING)
		return;
	/* The watcher ended the program when the agent went; whether it was done, nobody knows. */
	memory_event(&a->memory, item->id, CLIENT_INTERRUPTED,
		     "the agent was stopped while the program ran", agent_now(a));
	if (item->history.attempts + 1 < DECIDE_ATTEMPTS_MAX)
		try_later(a, item, CLIENT_RETRYING, "it was interrupted");
	else
		finish(a, item, DELIVERY_FAILED, CLIENT_INTERRUPTED,
		       "it was interrupted too often");
	save(a);
}
