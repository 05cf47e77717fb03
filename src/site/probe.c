// SPDX-License-Identifier: Apache-2.0
/* Probing: parse the path, connect, check the share and ADMIN$, judge. */
#include "probe_impl.h"

#include <client/client_sync.h>
#include <time.h>
#include <wire/fscc.h>

#define TIMEOUT_MS     10000
#define RETRY_AFTER_MS 250
#define ACCESS_LOOK    0x00100081u /* list, read attributes, synchronize */
#define FS_SIZE_ROOM   256

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

/* Take note of a step; false where it failed. */
static bool note(struct probe_result *result, enum probe_place place, const char *name,
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
	result->remedy = advice.remedy;
	result->transient = ntstatus_is_transient(status);
	return false;
}

static void forget_steps(struct probe_result *result)
{
	for (unsigned i = 0; i < result->step_count; i++)
		free(result->steps[i].path);
	result->step_count = 0;
	result->failed = -1;
	result->status = result->shown = STATUS_SUCCESS;
	result->cause = result->remedy = NULL;
	result->transient = false;
	free(result->address);
	result->address = NULL;
}

static struct client_sync *log_on(const struct probe_options *options, struct probe_result *result)
{
	uint64_t timeout_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS;
	struct client_options how = {
		.signing = options->signing,
		.encryption = options->encryption,
		.connect_timeout_ms = timeout_ms,
		.request_timeout_ms = timeout_ms,
		.server = result->server,
		.anonymous = !options->user,
		.user = options->user,
		.domain = options->domain,
		.password = options->password,
		.nt_hash = options->nt_hash,
	};
	auto_free char *path = xasprintf("\\\\%s", result->server);
	struct client_failure failure = { 0 };
	struct client_sync *sync;

	sync = sync_connect(options->address ? options->address : result->server, options->port,
			    &how, &failure);
	if (sync) {
		const struct client_facts *facts = client_facts(sync_client(sync));

		note(result, PLACE_SERVER, "session setup", path, STATUS_SUCCESS);
		result->address = xstrdup(sync_address(sync));
		result->dialect = facts->dialect;
		result->is_signed = facts->signs;
		result->is_encrypted = facts->encrypts;
		return sync;
	}
	note(result, PLACE_SERVER, client_step_name(failure.step), path, failure.status);
	result->steps[result->failed].error = failure.error;
	result->steps[result->failed].detail = failure.detail;
	if (options->address)
		result->address = xstrdup(options->address); /* where it was tried */
	/* A Windows client says "no such path" wherever no server could be talked to. */
	if (failure.step == CLIENT_STEP_RESOLVE || failure.step == CLIENT_STEP_CONNECT)
		result->shown = STATUS_BAD_NETWORK_PATH;
	return NULL;
}

static ntstatus ask_space(struct client_sync *sync, const struct client_tree *tree,
			  struct smb2_file_id id, struct probe_result *result)
{
	auto_buf struct buf answer = { 0 };
	struct fs_facts facts = { 0 };
	uint64_t unit;
	ntstatus status = sync_query_info(sync, tree, id, SMB2_0_INFO_FILESYSTEM,
					  FileFsFullSizeInformation, 0, FS_SIZE_ROOM, &answer);

	if (status)
		return status;
	if (fscc_fs_full_size_decode(cur_of(answer.data, answer.len), &facts))
		return STATUS_INVALID_NETWORK_RESPONSE;
	unit = (uint64_t)facts.sectors_per_unit * facts.bytes_per_sector;
	if (unit &&
	    (facts.total_units > UINT64_MAX / unit || facts.caller_free_units > UINT64_MAX / unit))
		return STATUS_INVALID_NETWORK_RESPONSE;
	result->has_space = true;
	result->total_bytes = facts.total_units * unit;
	result->free_bytes = facts.caller_free_units * unit;
	return STATUS_SUCCESS;
}

/* One share: connect it, open what is asked for in it, and its free space where that matters. */
static void look_at(struct client_sync *sync, struct probe_result *result, enum probe_place place,
		    const char *share, const char *below)
{
	auto_free char *root = xasprintf("\\\\%s\\%s", result->server, share);
	auto_free char *whole = *below ? xasprintf("%s\\%s", root, below) : xstrdup(root);
	struct client_tree tree = { 0 };
	enum client_step step;
	struct smb2_file_id id;
	ntstatus status = sync_tree_connect(sync, root, &tree, &step);

	if (!note(result, place, client_step_name(step), root, status))
		return;
	if (tree.type != SMB2_SHARE_TYPE_DISK) {
		note(result, place, "share type", root, STATUS_BAD_DEVICE_TYPE);
		return;
	}
	status = sync_open(sync, &tree, below, ACCESS_LOOK, FILE_OPEN, FILE_DIRECTORY_FILE, &id);
	if (!note(result, place, "open", whole, status))
		return;
	if (place == PLACE_SHARE)
		note(result, place, "query free space", whole, ask_space(sync, &tree, id, result));
	(void)!sync_close(sync, &tree, id);
	(void)!sync_tree_disconnect(sync, &tree);
}

static void try_once(const struct probe_options *options, struct probe_result *result)
{
	struct client_sync *sync;

	forget_steps(result);
	result->attempts++;
	sync = log_on(options, result);
	if (!sync)
		return;
	look_at(sync, result, PLACE_SHARE, result->share, result->path);
	if (!options->skip_admin && sync_client(sync))
		look_at(sync, result, PLACE_ADMIN, "ADMIN$", "");
	sync_disconnect(sync);
}

static void pause_between(void)
{
	struct timespec pause = { .tv_nsec = RETRY_AFTER_MS * 1000000L };

	nanosleep(&pause, NULL);
}

static void judge(const struct probe_options *options, struct probe_result *result)
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

enum probe_state probe_run(const struct probe_options *options, struct probe_result *result)
{
	uint64_t begun = monotonic_ms();

	*result = (struct probe_result){ .failed = -1, .state = PROBE_UNKNOWN };
	result->account = account_of(options);
	if (!parse_unc(options->unc, result)) {
		free(result->object);
		result->object = xstrdup(options->unc ? options->unc : "");
		result->message = xasprintf("\"%s\" is not the path of a share. Write it as "
					    "\\\\SERVER\\SHARE, in single quotes for the shell.",
					    result->object);
		return result->state;
	}
	try_once(options, result);
	while (result->transient && monotonic_ms() - begun < options->patience_ms) {
		pause_between();
		try_once(options, result);
	}
	judge(options, result);
	result->duration_ms = monotonic_ms() - begun;
	return result->state;
}

void probe_result_free(struct probe_result *result)
{
	forget_steps(result);
	free(result->object);
	free(result->server);
	free(result->share);
	free(result->path);
	free(result->account);
	free(result->message);
	*result = (struct probe_result){ .failed = -1 };
}
