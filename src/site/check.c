// SPDX-License-Identifier: Apache-2.0
/* One check of one object: a probe of a share; of what is local, its file system. */
#include "summarizer_impl.h"

#include <errno.h>
#include <sys/statvfs.h>

static void probed(void *owner, struct probe_result *result)
{
	struct entry *e = owner;
	auto_buf struct buf report = { 0 };

	e->sample = (struct watch_sample){
		.now_s = now_s(),
		.reached = result->failed < 0 && result->step_count,
		.transient = result->transient,
		.has_space = result->has_space,
		.free_bytes = (int64_t)min_u64(result->free_bytes, INT64_MAX),
		.total_bytes = (int64_t)min_u64(result->total_bytes, INT64_MAX),
	};
	e->duration_ms = (int64_t)result->duration_ms;
	probe_json(result, &report);
	buf_u8(&report, 0);
	free(e->report);
	e->report = xstrdup(report.failed ? "{}" : (const char *)report.data);
	probe_result_free(result);
	entry_found(e);
}

static void check_share(struct entry *e)
{
	struct summarizer *s = e->s;
	struct account account = { 0 };
	auto_free char *why = NULL;
	struct probe_options options = {
		.unc = e->object.path,
		.address = e->object.address,
		.port = e->object.port,
		.skip_admin = !e->object.check_admin,
		.timeout_ms = s->timeout_ms,
		.deadline_ms = s->deadline_ms,
	};

	/* An account that is gone shows as what it leads to: an anonymous logon that is refused. */
	if (!account_get(s->site, e->object.account, &account, &why) && account.user) {
		options.user = account.user;
		options.account = account.name;
		options.domain = account.domain;
		options.nt_hash = account.nt_hash;
	}
	probe_start(s->loop, &options, probed, e);
	account_wipe(&account);
}

static ssize_t ask_file_system(struct io_op *op)
{
	struct entry *e = container_of(op, struct entry, work);
	const char *path =
		e->object.kind == OBJECT_DATABASE ? site_directory(e->s->site) : e->object.path;
	struct statvfs fs;

	e->sample = (struct watch_sample){ .now_s = now_s() };
	if (statvfs(path, &fs) < 0)
		return -errno;
	e->sample.reached = e->sample.has_space = true;
	e->sample.free_bytes = (int64_t)(fs.f_bavail * fs.f_frsize);
	e->sample.total_bytes = (int64_t)(fs.f_blocks * fs.f_frsize);
	return 0;
}

/* The report of a probe, for what no probe was needed for. */
static char *local_report(const struct entry *e, int error)
{
	ntstatus status = error ? ntstatus_of_errno(error) : STATUS_SUCCESS;
	uint32_t win32 = ntstatus_win32(status);
	auto_free char *text = error ? xasprintf("\"%s\" cannot be asked for its free space: %s",
						 e->object.path, strerror(-error))
				     : NULL;
	json_t *report = json_object();
	char *dumped;

	if (error) {
		json_object_set_new(report, "message", json_string(text));
		json_object_set_new(report, "failure",
				    json_pack("{s:s, s:s, s:s, s:i, s:I, s:s, s:s, s:s}", "step",
					      "statvfs", "path", e->object.path, "ntstatus_name",
					      ntstatus_name(status), "win32", (int)win32,
					      "hresult_decimal", (json_int_t)win32_hresult(win32),
					      "text", strerror(-error), "cause",
					      "The directory is gone, its volume is not mounted, "
					      "or it does not answer.",
					      "remedy", "Mount the volume, or stop watching it."));
	}
	dumped = json_dumps(report, JSON_COMPACT);
	json_decref(report);
	return dumped ? dumped : xstrdup("{}");
}

static void asked(struct io_op *op, ssize_t result)
{
	struct entry *e = container_of(op, struct entry, work);

	e->sample.now_s = now_s();
	e->sample.transient = false;
	free(e->report);
	e->report = local_report(e, (int)result);
	e->duration_ms = 0;
	entry_found(e);
}

void check_start(struct entry *e)
{
	if (e->object.kind == OBJECT_SHARE) {
		check_share(e);
		return;
	}
	e->work = (struct io_op){ .done = asked, .work = ask_file_system };
	io_work(e->s->loop, &e->work);
}
