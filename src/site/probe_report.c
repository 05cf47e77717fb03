// SPDX-License-Identifier: Apache-2.0
/* The report of a probe: for people, with what a monitoring system reads in its first line; as
 * JSON. */
#include "probe_impl.h"

#include <jansson.h>
#include <stdio.h>

static void put_size(struct buf *out, uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < ARRAY_LEN(units)) {
		value /= 1024;
		unit++;
	}
	buf_printf(out, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

static double percent_free(const struct probe_result *r)
{
	return r->total_bytes ? 100.0 * (double)r->free_bytes / (double)r->total_bytes : 0;
}

static void put_space(const struct probe_result *r, struct buf *out)
{
	put_size(out, r->free_bytes);
	buf_text(out, " free of ");
	put_size(out, r->total_bytes);
	buf_printf(out, " (%.0f %%)", percent_free(r));
}

static void put_first_line(const struct probe_result *r, struct buf *out)
{
	buf_printf(out, "%s: ", probe_state_name(r->state));
	if (r->message)
		buf_text(out, r->message);
	else
		buf_printf(out, "%s, ", r->object);
	if (r->has_space && r->failed < 0) {
		if (r->message)
			buf_text(out, " ");
		put_space(r, out);
		buf_printf(out, " | free=%lluB;;;0;%llu", (unsigned long long)r->free_bytes,
			   (unsigned long long)r->total_bytes);
	}
	buf_text(out, "\n");
}

static void put_failure(const struct probe_result *r, struct buf *out)
{
	const struct probe_step *step = &r->steps[r->failed];

	buf_printf(out, "\n  failed step   %s\n", step->name);
	buf_printf(out, "  path          %s\n", step->path);
	buf_printf(out, "  account       %s\n", r->account);
	buf_printf(out, "  address       %s\n", r->address ? r->address : "none");
	buf_printf(out, "  NTSTATUS      %s (0x%08X)\n", ntstatus_name(r->status), r->status);
	if (r->shown != r->status)
		buf_printf(out, "  reported as   %s (0x%08X)\n", ntstatus_name(r->shown), r->shown);
	buf_printf(out, "  Win32         %u\n", r->win32);
	buf_printf(out, "  HRESULT       0x%08X (%u)\n", r->hresult, r->hresult);
	if (step->error)
		buf_printf(out, "  system error  %s\n", strerror(step->error));
	if (step->detail)
		buf_printf(out, "  detail        %s\n", step->detail);
	buf_printf(out, "  transient     %s, after %u attempt%s\n",
		   r->transient ? "yes: it may pass by itself" : "no", r->attempts,
		   r->attempts == 1 ? "" : "s");
	buf_printf(out, "\n  likely cause  %s\n", r->cause);
	buf_printf(out, "  remedy        %s\n", r->remedy);
}

void probe_text(const struct probe_result *r, struct buf *out)
{
	put_first_line(r, out);
	if (r->failed >= 0)
		put_failure(r, out);
	if (r->step_count)
		buf_text(out, "\n");
	for (unsigned i = 0; i < r->step_count; i++) {
		const struct probe_step *step = &r->steps[i];

		buf_printf(out, "  %-4s  %-18s %s", step->status ? "FAIL" : "ok", step->name,
			   step->path);
		if (step->status)
			buf_printf(out, "  %s", ntstatus_name(step->status));
		buf_text(out, "\n");
	}
	if (r->dialect)
		buf_printf(out, "\n  SMB %x.%x%s%s, %s, account %s, %s, %llu ms\n", r->dialect >> 8,
			   r->dialect >> 4 & 0xfu,
			   (r->dialect & 0xfu) == 2   ? ".2"
			   : (r->dialect & 0xfu) == 1 ? ".1"
						      : "",
			   r->is_encrypted ? " encrypted"
			   : r->is_signed  ? " signed"
					   : "",
			   r->address ? r->address : "-", r->account, r->share,
			   (unsigned long long)r->duration_ms);
}

static json_t *text_or_null(const char *text)
{
	json_t *value = text ? json_string(text) : NULL;

	return value ? value : json_null();
}

static json_t *code_text(uint32_t code)
{
	return json_sprintf("0x%08X", code);
}

static json_t *steps_json(const struct probe_result *r)
{
	json_t *steps = json_array();

	for (unsigned i = 0; i < r->step_count; i++) {
		const struct probe_step *step = &r->steps[i];

		json_array_append_new(steps, json_pack("{s:s, s:o, s:b, s:s, s:o, s:o}", "step",
						       step->name, "path", text_or_null(step->path),
						       "ok", step->status == STATUS_SUCCESS,
						       "ntstatus_name", ntstatus_name(step->status),
						       "ntstatus", code_text(step->status),
						       "detail", text_or_null(step->detail)));
	}
	return steps;
}

static json_t *failure_json(const struct probe_result *r)
{
	const struct probe_step *step;

	if (r->failed < 0)
		return json_null();
	step = &r->steps[r->failed];
	return json_pack("{s:s, s:o, s:o, s:s, s:o, s:s, s:I, s:o, s:I, s:s, s:o, s:o, s:b}",
			 "step", step->name, "path", text_or_null(step->path), "account",
			 text_or_null(r->account), "ntstatus_name", ntstatus_name(r->status),
			 "ntstatus", code_text(r->status), "reported_as", ntstatus_name(r->shown),
			 "win32", (json_int_t)r->win32, "hresult", code_text(r->hresult),
			 "hresult_decimal", (json_int_t)r->hresult, "text", r->text, "cause",
			 text_or_null(r->cause), "remedy", text_or_null(r->remedy), "transient",
			 r->transient);
}

void probe_json(const struct probe_result *r, struct buf *out)
{
	json_t *root = json_object();
	char *text;

	json_object_set_new(root, "object", text_or_null(r->object));
	json_object_set_new(root, "state", json_string(probe_state_name(r->state)));
	json_object_set_new(root, "exit_code", json_integer(r->state));
	json_object_set_new(root, "message", text_or_null(r->message));
	json_object_set_new(root, "server", text_or_null(r->server));
	json_object_set_new(root, "share", text_or_null(r->share));
	json_object_set_new(root, "address", text_or_null(r->address));
	json_object_set_new(root, "account", text_or_null(r->account));
	json_object_set_new(root, "failure", failure_json(r));
	json_object_set_new(root, "steps", steps_json(r));
	if (r->has_space) {
		json_object_set_new(root, "total_bytes", json_integer((json_int_t)r->total_bytes));
		json_object_set_new(root, "free_bytes", json_integer((json_int_t)r->free_bytes));
		json_object_set_new(root, "free_percent", json_real(percent_free(r)));
	}
	json_object_set_new(root, "dialect", json_sprintf("0x%04x", r->dialect));
	json_object_set_new(root, "signed", json_boolean(r->is_signed));
	json_object_set_new(root, "encrypted", json_boolean(r->is_encrypted));
	json_object_set_new(root, "attempts", json_integer(r->attempts));
	json_object_set_new(root, "duration_ms", json_integer((json_int_t)r->duration_ms));
	text = json_dumps(root, JSON_INDENT(2));
	if (text)
		buf_text(out, text);
	else
		out->failed = true;
	buf_text(out, "\n");
	free(text);
	json_decref(root);
}
