// SPDX-License-Identifier: Apache-2.0
/*
 * berth package: what the site's server is asked to bring where, and how far that is. A command
 * asks and then watches the rows in the database, until each has arrived or has failed once.
 */
#include "deploy.h"

#include <base/nttime.h>
#include <errno.h>
#include <site/db.h>
#include <site/distribution.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#define LOOK_USLEEP  200000
#define NO_SERVER_MS 3000
#define TELL_MS	     10000 /* between two lines of progress where nobody sees a terminal */
#define SOURCE_MS    10000 /* for the source of a mover, when nothing else is waited for */
#define ORDER_MS     60000 /* for room in its order, and until the points can be published to */
#define MIB	     1048576.0

struct watch {
	struct call *call;
	struct site *site;
	const char *package;
	enum distribution_verb verb;
	json_t *points;	    /* that were asked for */
	json_t *rows;	    /* of the package, as they are now */
	uint64_t source_ms; /* since when movers' sources and orders alone are waited for, or 0 */
	uint64_t told_ms;   /* when progress was last told */
	bool stays;	    /* wait for movers, too */
	bool is_alone;	    /* no server runs: this command did the work */
	bool is_tired;	    /* of waiting for sources; for orders, unless it stays */
};

static void watch_free(struct watch *w)
{
	json_decref(w->points);
	json_decref(w->rows);
}

static const char *text_of(const json_t *row, const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	return text ? text : "";
}

static long long number_of(const json_t *row, const char *name)
{
	return (long long)json_integer_value(json_object_get(row, name));
}

/* NULL: it is not there any more. */
static const json_t *row_of(const struct watch *w, const char *point)
{
	json_t *row;
	size_t i;

	json_array_foreach(w->rows, i, row)
	{
		if (!strcasecmp(text_of(row, "point"), point))
			return row;
	}
	return NULL;
}

static bool waits_for(const json_t *row, const char *what)
{
	return row && !strcmp(text_of(row, "waits"), what);
}

static bool has_arrived(const struct watch *w, const json_t *row)
{
	if (!row)
		return w->verb == DIST_REMOVE;
	return w->verb != DIST_REMOVE && number_of(row, "state_number") == DIST_INSTALLED;
}

/*
 * Arrived, or failed once: then the server goes on by itself, and nobody need wait for it. Nor for
 * a mover, which polls when it polls, once it has its order.
 */
static bool is_over(const struct watch *w, const json_t *row)
{
	long long state = row ? number_of(row, "state_number") : DIST_INSTALLED;

	if (waits_for(row, "mover"))
		return !w->stays;
	if (waits_for(row, "source"))
		return w->is_tired;
	/* The server orders it by itself. */
	if (waits_for(row, "order"))
		return w->is_tired && !w->stays;
	return has_arrived(w, row) || !row || *text_of(row, "waits") ||
	       (state != DIST_INSTALL_PENDING && state != DIST_REMOVAL_PENDING);
}

static size_t count_over(const struct watch *w)
{
	size_t over = 0, i;
	json_t *point;

	json_array_foreach(w->points, i, point) over +=
		is_over(w, row_of(w, json_string_value(point)));
	return over;
}

static size_t count_waiting_for(const struct watch *w, const char *what)
{
	size_t count = 0, i;
	json_t *point;

	json_array_foreach(w->points, i, point) count +=
		waits_for(row_of(w, json_string_value(point)), what);
	return count;
}

/* A source that does not get the package would be waited for without end. */
static bool is_all_over(struct watch *w, size_t *over)
{
	size_t count = json_array_size(w->points);
	size_t orders = w->stays ? 0 : count_waiting_for(w, "order");

	*over = count_over(w);
	if (*over + count_waiting_for(w, "source") + orders < count || w->is_tired)
		w->source_ms = 0;
	else if (!w->source_ms)
		w->source_ms = monotonic_ms();
	else if (monotonic_ms() - w->source_ms > (orders ? ORDER_MS : SOURCE_MS))
		w->is_tired = true;
	return *over == count;
}

static void show_progress(struct watch *w, size_t over)
{
	bool is_terminal = isatty(STDERR_FILENO);
	long long done = 0, total = 0;
	json_t *point;
	size_t i;

	json_array_foreach(w->points, i, point)
	{
		const json_t *row = row_of(w, json_string_value(point));

		done += row ? number_of(row, "bytes_done") : 0;
		total += row ? number_of(row, "bytes_total") : 0;
	}
	/* In a log or a pipe a line now and then is enough to see that it is not stuck. */
	if (!is_terminal && monotonic_ms() - w->told_ms < TELL_MS)
		return;
	w->told_ms = monotonic_ms();
	fprintf(stderr, "%s%zu of %zu points, %.1f of %.1f MiB%s", is_terminal ? "\r" : "", over,
		json_array_size(w->points), (double)done / MIB, (double)total / MIB,
		is_terminal ? "\033[K" : "\n");
	(void)fflush(stderr);
}

static void end_progress(const struct watch *w)
{
	if (!w->call->json && isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

static bool look(struct watch *w)
{
	auto_free char *why = NULL;

	json_decref(w->rows);
	w->rows = distribution_list(w->site, w->package, &why);
	return w->rows || site_failed(why) == EXIT_DONE;
}

/* Where no server runs, this command is it for so long: the same work, one point after the other.
 */
static bool work_here(struct watch *w)
{
	json_t *nobody auto_json = json_array();
	auto_free char *why = NULL;
	atomic_bool never = false;
	size_t over;

	if (site_own(w->site, &why))
		return site_failed(why) == EXIT_DONE;
	if (!w->call->json)
		fputs("berth: the site's server does not run; this command does the work\n",
		      stderr);
	w->is_alone = true;
	/* The report of a mover is taken by the server. */
	w->stays = false;
	while (look(w)) {
		struct distribution_job *job = NULL;
		int error;

		if (is_all_over(w, &over)) {
			end_progress(w);
			return true;
		}
		if (!w->call->json)
			show_progress(w, over);
		error = distribution_take(w->site, nobody, &job, &why);
		if (!error && job)
			error = distribution_do(w->site, job, &never, &why);
		else if (!error)
			usleep(LOOK_USLEEP);
		distribution_job_free(job);
		if (error)
			return site_failed(why) == EXIT_DONE;
	}
	return false;
}

/* False: said why it is not waited any longer. */
static bool watch_rows(struct watch *w)
{
	uint64_t owned_ms = monotonic_ms();
	size_t over;

	for (;;) {
		if (!look(w))
			return false;
		if (is_all_over(w, &over))
			break;
		if (!w->call->json)
			show_progress(w, over);
		if (site_is_owned(w->site))
			owned_ms = monotonic_ms();
		if (monotonic_ms() - owned_ms > NO_SERVER_MS) /* it has ended */
			return work_here(w);
		usleep(LOOK_USLEEP);
	}
	end_progress(w);
	return true;
}

static void print_good(const struct watch *w, const char *point, const json_t *row)
{
	if (w->verb == DIST_REMOVE)
		printf("package %s is removed from %s\n", w->package, point);
	else
		printf("package %s, version %lld, is on %s, read back and verified: %lld bytes "
		       "sent\n",
		       w->package, number_of(row, "version"), point, number_of(row, "bytes_sent"));
}

/* That is how it works, and no failure: the order is out. */
static void print_mover(const struct watch *w, const char *point, const json_t *row)
{
	printf("package %s: %s waits for its mover, client %s%s\n", w->package, point,
	       text_of(row, "mover"),
	       site_is_owned(w->site) ? " (berth package status shows when it is there)"
				      : "; its report is taken by the site's server, which does "
					"not run: start berth-site");
}

static const char *what_follows(const struct watch *w, long long next)
{
	if (!next)
		return " (given up)";
	return w->is_alone ? " (it is tried again when the site's server runs: start berth-site)"
			   : " (the site's server tries again by itself: berth package status)";
}

static int print_bad(const struct watch *w, const char *point, const json_t *row)
{
	const char *package = w->package;
	long long next = row ? number_of(row, "next") : 0;

	if (!row)
		return complain(EXIT_FAILED, "package %s was taken off %s meanwhile", package,
				point);
	if (waits_for(row, "source"))
		return complain(EXIT_FAILED,
				"%s waits until one of the points that its mover fills it from has "
				"package %s: berth package status",
				point, package);
	if (waits_for(row, "order"))
		return complain(EXIT_FAILED,
				"%s: the order to its mover is not out yet: %s; the site's server "
				"goes on: berth package status",
				point, text_of(row, "reason"));
	if (*text_of(row, "waits"))
		return complain(EXIT_FAILED,
				!strcmp(text_of(row, "waits"), "hours")
					? "%s takes nothing at this hour; the site's server goes "
					  "on when it does"
					: "%s is in maintenance; the site's server goes on when "
					  "that ends: berth site set-dp --in-use",
				point);
	return complain(EXIT_FAILED, "%s: %s%s", point, text_of(row, "reason"),
			what_follows(w, next));
}

static int show_outcome(const struct watch *w)
{
	json_t *point, *shown = json_array();
	int code = EXIT_DONE;
	size_t i;

	json_array_foreach(w->points, i, point)
	{
		const char *path = json_string_value(point);
		const json_t *row = row_of(w, path);

		if (row)
			json_array_append(shown, (json_t *)(uintptr_t)row);
		if (waits_for(row, "mover")) {
			if (!w->call->json)
				print_mover(w, path, row);
		} else if (!has_arrived(w, row))
			code = w->call->json ? EXIT_FAILED : print_bad(w, path, row);
		else if (!w->call->json)
			print_good(w, path, row);
	}
	if (w->call->json)
		print_json(shown);
	json_decref(shown);
	return code;
}

static bool take_priority(struct call *call, enum distribution_priority *out)
{
	static const char *const names[] = { "high", "normal", "low" };
	const char *name = local_of(call, "priority");

	for (size_t i = 0; name && i < ARRAY_LEN(names); i++) {
		if (strcmp(names[i], name) != 0)
			continue;
		*out = (enum distribution_priority)i;
		return true;
	}
	return !name;
}

/* It is removed as asked; what that means for clients is seen here and not by each of them. */
static int tell_misses(struct site *site, const char *package)
{
	auto_free char *why = NULL;
	json_t *rows auto_json = distribution_misses(site, package, &why), *row;
	size_t i;

	if (!rows)
		return site_failed(why);
	json_array_foreach(rows, i, row)
	{
		const char *id = text_of(row, "id");

		complain(0,
			 "deployment %s (%s, collection %s) uses package %s, which is on no "
			 "distribution point now: its clients wait until berth package distribute "
			 "%s, or berth deployment remove %s",
			 id, text_of(row, "purpose"), text_of(row, "collection"), package, package,
			 id);
	}
	return EXIT_DONE;
}

static int ask_for(struct call *call, enum distribution_verb verb, const char *what)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL, *text = NULL;
	const char *point = call_text(call, "point");
	struct watch w cleanup(watch_free) = { .call = call,
					       .package = call_text(call, "package"),
					       .verb = verb,
					       .stays = call_local(call, "wait"),
					       .points = json_array() };
	struct distribution_wish wish = {
		.package = w.package, .where = point, .verb = verb, .priority = DIST_NORMAL
	};
	bool is_owned;
	int code = site_of(call, &site);

	if (code != EXIT_DONE)
		return code;
	w.site = site;
	w.told_ms = monotonic_ms();
	if (w.stays && call_local(call, "no-wait"))
		return complain(EXIT_USAGE, "--wait and --no-wait cannot both be meant");
	if (!take_priority(call, &wish.priority))
		return complain(EXIT_USAGE, "--priority is high, normal or low");
	if (distribution_ask(site, &wish, w.points, &why))
		return site_failed(why);
	text = xasprintf("%s package %s: %s", what, w.package, point ? point : "everywhere");
	code = site_note(site, point, w.package, "%s", text);
	if (code == EXIT_DONE && verb == DIST_REMOVE)
		code = tell_misses(site, w.package);
	if (code != EXIT_DONE)
		return code;
	is_owned = site_is_owned(site);
	if (call_local(call, "no-wait"))
		return is_owned ? EXIT_DONE
				: complain(EXIT_DONE, "it is noted, but the site's server does not "
						      "run: start berth-site");
	return (is_owned ? watch_rows(&w) : work_here(&w)) ? show_outcome(&w) : EXIT_FAILED;
}

int run_package_distribute(struct call *call)
{
	return ask_for(call, DIST_DISTRIBUTE, "distribute");
}

int run_package_redistribute(struct call *call)
{
	return ask_for(call, DIST_REDISTRIBUTE, "redistribute");
}

int run_package_validate(struct call *call)
{
	return ask_for(call, DIST_VALIDATE, "validate");
}

int run_package_remove(struct call *call)
{
	return ask_for(call, DIST_REMOVE, "remove");
}

/* When the next try is: nobody waits for what is there, or given up, or for someone else. */
static void put_next(json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		long long state = number_of(row, "state_number"), next = number_of(row, "next");
		bool is_open = state != DIST_INSTALLED && state != DIST_INSTALL_FAILED &&
			       state != DIST_REMOVAL_FAILED && !*text_of(row, "waits");
		long long left = next - now_s();
		char text[32] = "-";

		if (is_open && left <= 0)
			snprintf(text, sizeof(text), "now");
		else if (is_open && left < 120)
			snprintf(text, sizeof(text), "in %lld s", left);
		else if (is_open)
			snprintf(text, sizeof(text), "in %lld min", left / 60);
		json_object_set_new(row, "next", json_string(text));
	}
}

int run_package_status(struct call *call)
{
	json_t *rows;
	auto_site struct site *site = NULL;
	auto_free char *why = NULL;
	int code = site_of(call, &site);

	if (code != EXIT_DONE)
		return code;
	rows = distribution_list(site, call_text(call, "package"), &why);
	if (!call->json)
		put_next(rows);
	return site_show(call, rows, why);
}
