// SPDX-License-Identifier: Apache-2.0
/* berth site: installing, changing, testing, repairing and removing distribution points. */
#include "deploy.h"

#include <errno.h>
#include <site/db.h>
#include <site/deploy.h>
#include <site/install.h>
#include <site/message.h>
#include <site/object.h>
#include <site/pull.h>
#include <stdio.h>

#define ROLE		 OBJECT_ROLE_POINT
#define DEFAULT_PRIORITY 100

static void replace_text(char **text, const char *with)
{
	if (!with)
		return;
	free(*text);
	*text = xstrdup(with);
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

/* Not watched, and perhaps a point all the same, which is then watched again by what changes it. */
static int find_unwatched(struct call *call, struct site *site, struct object *object,
			  bool must_exist)
{
	struct point point cleanup(point_free) = { 0 };
	auto_free char *why = NULL;
	int error;

	*object = (struct object){ .role = xstrdup(ROLE),
				   .path = xstrdup(call_text(call, "path")),
				   .kind = OBJECT_SHARE,
				   .check_admin = !call_local(call, "share-only"),
				   .thresholds = { -1, -1, -1, -1 } };
	object_tidy_path(object->path);
	error = point_find(site, object->path, &point, &why);
	if (error && (error != -ENOENT || must_exist))
		return site_failed(why);
	if (error)
		return EXIT_DONE;
	replace_text(&object->path, point.path);
	replace_text(&object->address, point.address);
	replace_text(&object->account, point.account);
	object->port = (uint16_t)point.port;
	return EXIT_DONE;
}

/* The object that stands for the point: what is watched, and where and how to reach it. */
static int find_point(struct call *call, struct site *site, struct object *object, bool must_exist)
{
	const char *path = call_text(call, "path"), *account = local_of(call, "account");
	auto_free char *why = NULL;
	int error = object_find(site, path, ROLE, object, &why);

	if (error && error != -ENOENT)
		return site_failed(why);
	if (error && find_unwatched(call, site, object, must_exist) != EXIT_DONE)
		return EXIT_FAILED;
	replace_text(&object->address, local_of(call, "address"));
	replace_text(&object->account, account);
	if (!take_port(call, &object->port))
		return complain(EXIT_USAGE, "--port is 1 to 65535");
	if (!object->address)
		object->address = address_here(call, path, &object->port);
	return EXIT_DONE;
}

/* Where and how what is watched is reached, so is what content is brought to. */
static void take_reach(struct point *point, const struct object *object)
{
	replace_text(&point->path, object->path);
	replace_text(&point->address, object->address);
	replace_text(&point->account, object->account);
	point->port = object->port;
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
	options.account = account.name;
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

/* What of the options is said goes over what is there; texts are borrowed from the call. */
static int take_point_options(struct call *call, struct point *point)
{
	if (!take_integer(call, "priority", -1000000, 1000000, &point->priority))
		return EXIT_USAGE;
	if (call_local(call, "protected") && call_local(call, "unprotected"))
		return complain(EXIT_USAGE, "--protected and --unprotected cannot both be meant");
	if (call_local(call, "protected") || call_local(call, "unprotected"))
		point->is_protected = call_local(call, "protected");
	if (call_local(call, "web-drop") && call_local(call, "no-web-drop"))
		return complain(EXIT_USAGE, "--web-drop and --no-web-drop cannot both be meant");
	if (call_local(call, "web-drop") || call_local(call, "no-web-drop"))
		point->web_drop = call_local(call, "web-drop");
	if (call_local(call, "maintenance") && call_local(call, "in-use"))
		return complain(EXIT_USAGE, "--maintenance and --in-use cannot both be meant");
	if (call_local(call, "maintenance") || call_local(call, "in-use"))
		point->is_maintained = call_local(call, "maintenance");
	replace_text(&point->rates, local_of(call, "rate"));
	replace_text(&point->web, local_of(call, "web"));
	if (point->web && !*point->web) { /* none any more */
		free(point->web);
		point->web = NULL;
	}
	if (point->web && strncmp(point->web, "http://", 7) != 0 &&
	    strncmp(point->web, "https://", 8) != 0)
		return complain(EXIT_USAGE, "--web is http://... or https://..., or \"\" for none");
	if (point->web_drop && !point->web)
		return complain(EXIT_USAGE, "--web-drop needs a web address: --web URL");
	replace_text(&point->boundaries, call_text(call, "boundaries"));
	return EXIT_DONE;
}

/* Who fills it: the site, or a client of it. */
static int save_pull(struct call *call, struct site *site, const char *path)
{
	const char *mover = local_of(call, "mover"), *from = call_text(call, "pull_from");
	bool ends = call_local(call, "no-mover");
	auto_free char *why = NULL;
	int error = 0;

	if (ends && (mover || from))
		return complain(EXIT_USAGE, "--no-mover goes with neither --mover nor --pull-from");
	if (mover || from)
		error = pull_set(site, path, mover, from, &why);
	else if (ends)
		error = pull_end(site, path, &why);
	return error ? site_failed(why) : EXIT_DONE;
}

/* What is watched and what content is brought to are one point: where and how it is reached. */
static int save_point(struct call *call, struct site *site, struct object *object,
		      struct point *point)
{
	auto_free char *why = NULL;
	int error, code = take_point_options(call, point);

	if (code != EXIT_DONE)
		return code;
	object->paused = point->is_maintained;
	error = object->id ? object_set(site, object, &why) : object_add(site, object, &why);
	if (error)
		return site_failed(why);
	take_reach(point, object);
	return point_add(site, point, &why) ? site_failed(why) : save_pull(call, site, point->path);
}

/* Both sides of a point that is there. */
static int load_point(struct call *call, struct site *site, struct object *object,
		      struct point *point)
{
	auto_free char *why = NULL;
	int code = find_point(call, site, object, true);

	if (code != EXIT_DONE)
		return code;
	return point_find(site, object->path, point, &why) ? site_failed(why) : EXIT_DONE;
}

/* What an installation goes on from: nothing, or, for a repair, what is there. What was watched
 * only, as a distribution point, becomes one. */
static int find_to_install(struct call *call, struct site *site, const struct object *object,
			   struct point *point)
{
	auto_free char *why = NULL;
	int error = point_find(site, object->path, point, &why);

	if (error && error != -ENOENT)
		return site_failed(why);
	if (error)
		point->priority = DEFAULT_PRIORITY;
	if ((!error || object->id) && !call_local(call, "repair"))
		return complain(EXIT_FAILED,
				"\"%s\" is a distribution point already; --repair does all "
				"steps again",
				object->path);
	return EXIT_DONE;
}

/* What another site uses is seen before anything is changed there. What cannot be seen is nothing
 * to tell: the share may not be there yet, and the steps say what else is wrong. */
static int refuse_foreign(struct call *call, struct site *site, const struct object *object)
{
	struct report report = { .json = call->json, .steps = json_array() };
	struct point point cleanup(point_free) = { 0 };
	auto_free char *why = NULL;
	struct install_result result = {
		.status = STATUS_ACCESS_DENIED,
		.win32 = ntstatus_win32(STATUS_ACCESS_DENIED),
		.cause = "the share, or the directory in it, is a distribution point of that site",
	};
	const struct install_options options = { .unc = object->path };
	int code = EXIT_DONE;

	take_reach(&point, object);
	if (point_check_owner(site, &point, &why) == -EPERM) {
		result.name = xstrdup("see whose it is");
		result.path = xasprintf("%s\\" LAYOUT_SITE, object->path);
		result.text = why;
		result.remedy =
			xstrdup("take another share, or a directory below this one; or "
				"remove it at that site first (berth site remove-dp there)");
		on_step(&report, result.name, result.path, result.status, result.win32, NULL);
		print_result(&report, &options, &result, false);
		(void)write_outcome(site, &options, &result, false);
		code = EXIT_FAILED;
	}
	install_result_free(&result);
	json_decref(report.steps);
	return code;
}

int run_site_add_dp(struct call *call)
{
	auto_site struct site *site = NULL;
	struct object object = { 0 };
	struct point point cleanup(point_free) = { 0 };
	int code = site_of(call, &site);

	if (code != EXIT_DONE)
		return code;
	code = find_point(call, site, &object, false);
	if (code == EXIT_DONE)
		code = find_to_install(call, site, &object, &point);
	if (code == EXIT_DONE)
		code = refuse_foreign(call, site, &object);
	if (code == EXIT_DONE)
		code = work_on(call, site, &object, false, install_point);
	if (code == EXIT_DONE)
		code = save_point(call, site, &object, &point);
	object_free(&object);
	return code;
}

int run_site_set_dp(struct call *call)
{
	auto_free char *options = site_options_text(call);
	auto_site struct site *site = NULL;
	struct object object = { 0 };
	struct point point cleanup(point_free) = { 0 };
	int code = site_of(call, &site);

	if (code != EXIT_DONE)
		return code;
	code = load_point(call, site, &object, &point);
	if (code == EXIT_DONE)
		code = save_point(call, site, &object, &point);
	if (code == EXIT_DONE)
		code = site_note(site, object.path, NULL, "distribution point %s: %s", object.path,
				 options);
	object_free(&object);
	return code;
}

int run_site_points(struct call *call)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL;
	json_t *rows;
	int code = site_of(call, &site);

	if (code)
		return code;
	rows = point_list(site, &why);
	site_put_times(call, rows, "published");
	return site_show(call, rows, why);
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

/* What clients dropped there is taken first: it is nowhere else. */
static int clear(struct call *call, struct site *site, const struct point *point)
{
	auto_free char *papers = NULL, *why = NULL;
	struct ingest_counts counts = { 0 };

	if (call_local(call, "keep-content"))
		return EXIT_DONE;
	if (papers_ingest(site, &counts, &papers)) /* perhaps those of another point */
		complain(0, "papers of clients were left: %s", papers);
	return point_clear(site, point, &why) ? site_failed(why) : EXIT_DONE;
}

/* Both sides of it at once: what is watched, and what content is brought to. */
static int remove_rows(struct site *site, const struct object *object, char **why)
{
	int error = site_begin(site, why);

	if (error)
		return error;
	error = point_remove(site, object->path, why);
	if (!error && object->id)
		error = object_remove(site, object->path, ROLE, why);
	if (!error)
		return site_commit(site, why);
	site_rollback(site);
	return error;
}

static int forget(struct site *site, const struct object *object, const char *what)
{
	auto_free char *why = NULL;
	struct message message = {
		.id = MSG_DP_CHANGED,
		.object = object->path,
		.strings = { site_who(), object->path, what },
	};

	return remove_rows(site, object, &why) || message_write(site, &message, &why)
		       ? site_failed(why)
		       : EXIT_DONE;
}

static int remove_point(struct call *call, struct site *site, const struct object *object,
			struct point *point)
{
	auto_free char *why = NULL;
	int code;

	take_reach(point, object);
	if (point_check_owner(site, point, &why) == -EPERM) {
		complain(0, "%s; what is there is left as it is", why);
		return forget(site, object, "removed; another site uses the place");
	}
	code = clear(call, site, point);
	if (code == EXIT_DONE)
		code = work_on(call, site, object, false, install_remove);
	if (code != EXIT_DONE && !call_local(call, "force"))
		return code;
	return forget(site, object,
		      call_local(call, "keep-content") ? "removed; its content stays"
						       : "removed, with its content");
}

int run_site_remove_dp(struct call *call)
{
	auto_site struct site *site = NULL;
	struct object object = { 0 };
	struct point point cleanup(point_free) = { 0 };
	int code = site_of(call, &site);

	if (code != EXIT_DONE)
		return code;
	code = load_point(call, site, &object, &point);
	if (code == EXIT_DONE)
		code = remove_point(call, site, &object, &point);
	object_free(&object);
	return code;
}
