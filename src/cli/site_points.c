// SPDX-License-Identifier: Apache-2.0
/* berth site: installing, testing, repairing and removing distribution points. */
#include "site_cli.h"

#include <errno.h>
#include <site/install.h>
#include <site/message.h>
#include <site/object.h>
#include <stdio.h>

#define ROLE "distribution-point"

static const char *local_text(struct call *call, const char *name)
{
	return json_string_value(json_object_get(call->local, name));
}

/* Each step as it ends: a line, or a row of the JSON answer. */
struct report {
	bool json;
	json_t *steps;
};

static void on_step(void *owner, const char *name, const char *path, ntstatus status,
		    uint32_t win32, const char *note)
{
	struct report *report = owner;
	bool good = !status && !win32;

	if (report->json) {
		json_array_append_new(report->steps,
				      json_pack("{s:s, s:s, s:b, s:s, s:I}", "step", name, "path",
						path, "is_good", good, "ntstatus_name",
						ntstatus_name(status), "win32", (json_int_t)win32));
		return;
	}
	printf("%-4s %-42s %s", good ? "ok" : "FAIL", name, path);
	if (note && *note)
		printf(" (%s)", note);
	putchar('\n');
	(void)fflush(stdout);
}

static void print_failure(const struct install_options *o, const struct install_result *r)
{
	printf("\nSMS Site System Status Summarizer could not access storage object \"%s\" on site "
	       "system \"%s\". The operating system reported error %u: %s\n\n",
	       o->unc, o->unc, win32_hresult(r->win32), r->text);
	printf("  failed step   %s\n  path          %s\n  NTSTATUS      %s\n  Win32         %u\n",
	       r->name, r->path, ntstatus_name(r->status), r->win32);
	printf("  likely cause  %s\n  remedy        %s\n", r->cause, r->remedy);
}

static void print_result(struct report *report, const struct install_options *o,
			 const struct install_result *r, bool good)
{
	json_t *answer;

	if (!report->json) {
		if (!good)
			print_failure(o, r);
		return;
	}
	answer = json_pack("{s:s, s:b, s:O}", "path", o->unc, "is_good", good, "steps",
			   report->steps);
	if (!good)
		json_object_set_new(answer, "failure",
				    json_pack("{s:s, s:s, s:I, s:I, s:s, s:s, s:s}", "step",
					      r->name, "path", r->path, "win32",
					      (json_int_t)r->win32, "hresult_decimal",
					      (json_int_t)win32_hresult(r->win32), "text", r->text,
					      "cause", r->cause, "remedy", r->remedy));
	print_json(answer);
	json_decref(answer);
}

/* The object that stands for the point: what is watched, and where and how to reach it. */
static int find_point(struct call *call, struct site *site, struct object *object, bool must_exist)
{
	const char *path = call_text(call, "path"), *account = local_text(call, "account");
	auto_free char *why = NULL;
	int error = object_find(site, path, ROLE, object, &why);

	if (error && (error != -ENOENT || must_exist))
		return site_failed(why);
	if (error)
		*object = (struct object){ .role = xstrdup(ROLE),
					   .path = xstrdup(path),
					   .kind = OBJECT_SHARE,
					   .check_admin = !call_local(call, "share-only"),
					   .thresholds = { -1, -1, -1, -1 } };
	if (local_text(call, "address")) {
		free(object->address);
		object->address = xstrdup(local_text(call, "address"));
	}
	if (account) {
		free(object->account);
		object->account = xstrdup(account);
	}
	if (!take_port(call, &object->port))
		return complain(EXIT_USAGE, "--port is 1 to 65535");
	if (!object->address)
		object->address = address_here(call, path, &object->port);
	return EXIT_DONE;
}

static int write_outcome(struct site *site, const struct install_options *o,
			 const struct install_result *r, bool good)
{
	auto_free char *number = xasprintf("%u", win32_hresult(r->win32)), *why = NULL;
	const char *how = o->share_only ? "only its share is used" : "all steps were good";
	struct message message = {
		.id = good ? MSG_DP_ADDED : MSG_DP_ADD_FAILED,
		.object = o->unc,
		.win32 = r->win32,
		.strings = { o->unc, good ? how : r->name, r->path, number, r->text, r->cause,
			     r->remedy },
	};

	return message_write(site, &message, &why) ? site_failed(why) : EXIT_DONE;
}

/* The installation or its test, against what @object says; an exit code. */
static int work_on(struct call *call, struct site *site, const struct object *object, bool test,
		   bool (*work)(const struct install_options *, struct install_result *))
{
	struct report report = { .json = call->json, .steps = json_array() };
	auto_free char *why = NULL;
	struct account account;
	struct install_result result = { 0 };
	struct install_options options = {
		.unc = object->path,
		.address = object->address,
		.port = object->port,
		.site_code = site_code(site),
		.share_only = !object->check_admin,
		.test_only = test,
		.timeout_ms = (uint64_t)site_setting_number(site, "timeout_s") * 1000,
		.step = on_step,
		.owner = &report,
	};
	int code = EXIT_DONE;
	bool good;

	if (account_get(site, object->account, &account, &why)) {
		json_decref(report.steps);
		return site_failed(why);
	}
	options.user = account.user;
	options.domain = account.domain;
	options.nt_hash = account.user ? account.nt_hash : NULL;
	good = work(&options, &result);
	account_wipe(&account);
	print_result(&report, &options, &result, good);
	if (!test && work == install_point)
		code = write_outcome(site, &options, &result, good);
	install_result_free(&result);
	json_decref(report.steps);
	return good ? code : EXIT_FAILED;
}

int run_site_add_dp(struct call *call)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL;
	struct object object = { 0 };
	int code = site_of(call, &site);

	if (code != EXIT_DONE)
		return code;
	code = find_point(call, site, &object, false);
	if (code == EXIT_DONE && object.id && !call_local(call, "repair"))
		code = complain(
			EXIT_FAILED,
			"\"%s\" is a distribution point already; --repair does all steps again",
			object.path);
	if (code == EXIT_DONE)
		code = work_on(call, site, &object, false, install_point);
	if (code == EXIT_DONE && !object.id && object_add(site, &object, &why))
		code = site_failed(why);
	object_free(&object);
	return code;
}

int run_site_test_dp(struct call *call)
{
	auto_site struct site *site = NULL;
	struct object object = { 0 };
	int code = site_of(call, &site);

	if (code != EXIT_DONE)
		return code;
	code = find_point(call, site, &object, true);
	if (code == EXIT_DONE)
		code = work_on(call, site, &object, true, install_point);
	object_free(&object);
	return code;
}

int run_site_remove_dp(struct call *call)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL;
	struct object object = { 0 };
	struct message message = { .id = MSG_DP_CHANGED };
	int code = site_of(call, &site);

	if (code != EXIT_DONE)
		return code;
	code = find_point(call, site, &object, true);
	if (code == EXIT_DONE)
		code = work_on(call, site, &object, false, install_remove);
	if (code == EXIT_FAILED && object.id && call_local(call, "force"))
		code = EXIT_DONE;
	message.object = object.path;
	message.strings[0] = site_who();
	message.strings[1] = object.path;
	message.strings[2] = "removed; its content stays";
	if (code == EXIT_DONE &&
	    (object_remove(site, object.path, ROLE, &why) || message_write(site, &message, &why)))
		code = site_failed(why);
	object_free(&object);
	return code;
}
