// SPDX-License-Identifier: Apache-2.0
/* What a probe finds: its path, its steps, its judgement; and the probe that blocks. */
#include "probe_impl.h"

#include <errno.h>

#define RETRY_AFTER_MS 250

const char *probe_state_name(enum probe_state state)
{
	static const char *const names[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };

	return (size_t)state < ARRAY_LEN(names) ? names[state] : "UNKNOWN";
}

/* The next part of a path up to a backslash; NULL at the end. */
static char *take_part(const char **at)
{
	const char *begin = *at + strspn(*at, "\\");
	size_t length = strcspn(begin, "\\");

	*at = begin + length;
	return length ? xasprintf("%.*s", (int)length, begin) : NULL;
}

static bool parse_unc(const char *unc, struct probe_result *result)
{
	auto_free char *text = xstrdup(unc ? unc : "");
	const char *at = text;

	for (char *c = text; *c; c++)
		if (*c == '/')
			*c = '\\';
	if (strncmp(text, "\\\\", 2) != 0)
		return false;
	result->server = take_part(&at);
	result->share = take_part(&at);
	if (!result->server || !result->share)
		return false;
	while (*at == '\\')
		at++;
	result->path = xstrdup(at);
	for (size_t n = strlen(result->path); n && result->path[n - 1] == '\\'; n--)
		result->path[n - 1] = '\0';
	result->object = *result->path ? xasprintf("\\\\%s\\%s\\%s", result->server, result->share,
						   result->path)
				       : xasprintf("\\\\%s\\%s", result->server, result->share);
	return true;
}

bool probe_note(struct probe_result *result, enum probe_place place, const char *name,
		const char *path, ntstatus status)
{
	struct probe_step *step = &result->steps[result->step_count];
	struct probe_advice advice;

	BUG_ON(result->step_count == PROBE_STEPS_MAX);
	*step = (struct probe_step){ .name = name, .path = xstrdup(path), .status = status };
	result->step_count++;
	if (status == STATUS_SUCCESS)
		return true;
	if (result->failed >= 0)
		return false;
	advice = probe_advise(place, status);
	result->failed = (int)result->step_count - 1;
	result->status = result->shown = status;
	result->cause = advice.cause;
	result->remedy = probe_remedy(advice, (struct probe_words){ .server = result->server,
								    .user = result->user,
								    .account = result->known_as });
	result->transient = ntstatus_is_transient(status);
	return false;
}

void probe_forget(struct probe_result *result)
{
	for (unsigned i = 0; i < result->step_count; i++)
		free(result->steps[i].path);
	result->step_count = 0;
	result->failed = -1;
	result->status = result->shown = STATUS_SUCCESS;
	result->cause = NULL;
	free(result->remedy);
	result->remedy = NULL;
	result->transient = false;
	free(result->address);
	result->address = NULL;
}

void probe_judge(const struct probe_options *options, struct probe_result *result)
{
	if (result->failed >= 0) {
		result->state = PROBE_CRITICAL;
		result->win32 = ntstatus_win32(result->shown);
		result->hresult = win32_hresult(result->win32);
		result->text = ntstatus_text(result->shown);
		result->message = xasprintf(
			"SMS Site System Status Summarizer could not access storage object \"%s\" "
			"on site system \"%s\". The operating system reported error %u: %s",
			result->object, result->object, result->hresult, result->text);
		return;
	}
	if (options->critical_free && result->free_bytes < options->critical_free) {
		result->state = PROBE_CRITICAL;
		result->message = xasprintf("Storage object \"%s\" is below its critical threshold "
					    "of free space.",
					    result->object);
	} else if (options->warn_free && result->free_bytes < options->warn_free) {
		result->state = PROBE_WARNING;
		result->message = xasprintf("Storage object \"%s\" is below its warning threshold "
					    "of free space.",
					    result->object);
	} else {
		result->state = PROBE_OK;
	}
}

static char *account_of(const struct probe_options *options)
{
	if (!options->user)
		return xstrdup("anonymous");
	if (options->domain && *options->domain)
		return xasprintf("%s\\%s", options->domain, options->user);
	return xstrdup(options->user);
}

bool probe_begin(const struct probe_options *options, struct probe_result *result)
{
	*result = (struct probe_result){ .failed = -1, .state = PROBE_UNKNOWN };
	result->account = account_of(options);
	result->user = options->user ? xstrdup(options->user) : NULL;
	result->known_as = options->account ? xstrdup(options->account) : NULL;
	if (parse_unc(options->unc, result))
		return true;
	free(result->object);
	result->object = xstrdup(options->unc ? options->unc : "");
	result->message = xasprintf("\"%s\" is not the path of a share. Write it as "
				    "\\\\SERVER\\SHARE, in single quotes for the shell.",
				    result->object);
	return false;
}

struct waiting {
	struct probe_result *result;
	bool done;
};

static void finished(void *owner, struct probe_result *result)
{
	struct waiting *waiting = owner;

	*waiting->result = *result;
	waiting->done = true;
}

static void try_once(struct loop *loop, const struct probe_options *options,
		     struct probe_result *result)
{
	struct waiting waiting = { .result = result };

	probe_start(loop, options, finished, &waiting);
	while (!waiting.done)
		loop_run_once(loop, -1);
}

enum probe_state probe_run(const struct probe_options *options, struct probe_result *result)
{
	uint64_t begun = monotonic_ms();
	struct loop *loop = loop_new(IO_AUTO);
	unsigned attempts = 1;

	BUG_ON(!loop);
	try_once(loop, options, result);
	while (result->transient && monotonic_ms() - begun < options->patience_ms) {
		sleep_ms(RETRY_AFTER_MS);
		probe_result_free(result);
		try_once(loop, options, result);
		attempts++;
	}
	loop_free(loop);
	result->attempts = result->step_count ? attempts : 0;
	result->duration_ms = monotonic_ms() - begun;
	return result->state;
}

void probe_result_free(struct probe_result *result)
{
	probe_forget(result);
	free(result->object);
	free(result->server);
	free(result->share);
	free(result->path);
	free(result->account);
	free(result->user);
	free(result->known_as);
	free(result->message);
	*result = (struct probe_result){ .failed = -1 };
}
