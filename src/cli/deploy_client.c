// SPDX-License-Identifier: Apache-2.0
/* berth collection, deployment, client. */
#include "deploy.h"

#include <crypto/crypto.h>
#include <errno.h>
#include <policy/delivery.h>
#include <site/db.h>
#include <site/deploy.h>
#include <time.h>

#define TOKENS_AT_ONCE_MAX 100000

#define OPEN_SITE(call)                                                                            \
	auto_site struct site *site = NULL;                                                        \
	auto_free char *why = NULL;                                                                \
	int code = site_of(call, &site);                                                           \
                                                                                                   \
	if (code)                                                                                  \
	return code

/* "pc1 (0123...)" of an id that is known; to be freed. */
static char *client_title(struct site *site, const char *id)
{
	json_t *client auto_json = client_show(site, id, NULL);
	const char *name = json_string_value(json_object_get(client, "name"));

	return xasprintf("%s (%s)", name ? name : "client", id);
}

int run_collection_add(struct call *call)
{
	const char *name = call_text(call, "collection"), *query = local_of(call, "query");
	OPEN_SITE(call);

	if (collection_add(site, name, query, local_of(call, "comment"), &why))
		return site_failed(why);
	code = site_note(site, name, NULL, "collection %s%s%s", name, query ? ": " : "",
			 query ? query : "");
	return code ? code : done(call, "collection %s is set", name);
}

int run_collection_remove(struct call *call)
{
	OPEN_SITE(call);

	if (collection_remove(site, call_text(call, "collection"), &why))
		return site_failed(why);
	code = site_note(site, call_text(call, "collection"), NULL, "collection %s removed",
			 call_text(call, "collection"));
	return code ? code : done(call, "collection %s is gone", call_text(call, "collection"));
}

int run_collection_list(struct call *call)
{
	OPEN_SITE(call);

	return site_show(call, collection_list(site, &why), why);
}

int run_collection_show(struct call *call)
{
	json_t *ids, *rows = json_array();
	OPEN_SITE(call);

	ids = collection_clients(site, call_text(call, "collection"), &why);
	for (size_t i = 0; i < json_array_size(ids); i++)
		json_array_append_new(rows, json_pack("{s:O}", "client", json_array_get(ids, i)));
	json_decref(ids);
	return site_show(call, rows, why);
}

static int member(struct call *call, bool add)
{
	const char *collection = call_text(call, "collection");
	auto_free char *id = NULL, *title = NULL;
	OPEN_SITE(call);

	id = client_find(site, call_text(call, "client"), &why);
	if (!id || collection_member(site, collection, id, add, &why))
		return site_failed(why);
	title = client_title(site, id);
	code = site_note(site, id, NULL, "client %s %s collection %s by name", title,
			 add ? "put into" : "taken from", collection);
	if (code)
		return code;
	return done(call, "%s is %s collection %s", call_text(call, "client"),
		    add ? "in" : "no longer named by", collection);
}

int run_collection_include(struct call *call)
{
	return member(call, true);
}

int run_collection_exclude(struct call *call)
{
	return member(call, false);
}

int run_collection_window(struct call *call)
{
	OPEN_SITE(call);

	if (collection_window(site, call_text(call, "collection"), call_text(call, "window"),
			      !call_local(call, "remove"), &why))
		return site_failed(why);
	code = site_note(site, call_text(call, "collection"), NULL,
			 "maintenance window \"%s\" of collection %s %s", call_text(call, "window"),
			 call_text(call, "collection"),
			 call_local(call, "remove") ? "removed" : "added");
	if (code)
		return code;
	return done(call, "maintenance window of collection %s is %s",
		    call_text(call, "collection"), call_local(call, "remove") ? "gone" : "set");
}

/* "+2h", or "2026-12-01T03:00:00Z". */
static bool take_time(struct call *call, const char *name, int64_t *out)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	const char *text = local_of(call, name);
	struct tm tm = { 0 };
	const char *end;
	char *unit;
	long long number;

	if (!text)
		return true;
	end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	*out = timegm(&tm);
	if (end && !*end)
		return true;
	number = text[0] == '+' ? strtoll(text + 1, &unit, 10) : -1;
	for (size_t i = 0; number >= 0 && number < 100000 && i < ARRAY_LEN(units); i++) {
		*out = now_s() + number * units[i].seconds;
		if (unit[0] == units[i].unit && !unit[1])
			return true;
	}
	complain(EXIT_USAGE, "--%s is a time such as 2026-12-01T03:00:00Z or +2h, not \"%s\"", name,
		 text);
	return false;
}

static bool take_wish(struct call *call, struct deployment_wish *wish)
{
	const char *rerun = local_of(call, "rerun");

	*wish = (struct deployment_wish){
		.package = call_text(call, "package"),
		.program = call_text(call, "program"),
		.collection = call_text(call, "collection"),
		.purpose = call_local(call, "available") ? PURPOSE_AVAILABLE : PURPOSE_REQUIRED,
		.deadline_beats_windows = call_local(call, "deadline-beats-windows"),
	};
	if (rerun && !rerun_of(rerun, &wish->rerun)) {
		complain(EXIT_USAGE, "--rerun is never, always, if-failed or if-succeeded");
		return false;
	}
	return take_time(call, "from", &wish->available_s) &&
	       take_time(call, "deadline", &wish->deadline_s) &&
	       take_time(call, "expires", &wish->expires_s) &&
	       take_integer(call, "order", -1000000, 1000000, &wish->order);
}

/* What runs where, and how it was asked for. */
static int note_deployment(struct call *call, struct site *site, const char *id,
			   const struct deployment_wish *wish)
{
	auto_free char *options = site_options_text(call);

	return site_note(site, id, wish->package,
			 "deployment %s made: program %s of package %s for collection %s, %s%s%s",
			 id, wish->program, wish->package, wish->collection,
			 wish->purpose == PURPOSE_AVAILABLE ? "available" : "required",
			 *options ? ", " : "", options);
}

int run_deployment_create(struct call *call)
{
	struct deployment_wish wish;
	char id[DEPLOYMENT_ID_MAX + 1];
	OPEN_SITE(call);

	if (!take_wish(call, &wish))
		return EXIT_USAGE;
	if (deployment_create(site, &wish, id, &why))
		return site_failed(why);
	code = note_deployment(call, site, id, &wish);
	if (code)
		return code;
	if (call->json) {
		printf("{\"deployment\": \"%s\"}\n", id);
		return EXIT_DONE;
	}
	return done(call, "deployment %s is made; berth site publish brings it to clients", id);
}

int run_deployment_remove(struct call *call)
{
	OPEN_SITE(call);

	if (deployment_remove(site, call_text(call, "deployment"), &why))
		return site_failed(why);
	code = site_note(site, call_text(call, "deployment"), NULL, "deployment %s removed",
			 call_text(call, "deployment"));
	if (code)
		return code;
	return done(call, "deployment %s is gone; berth site publish tells clients",
		    call_text(call, "deployment"));
}

int run_deployment_rerun(struct call *call)
{
	const char *id = call_text(call, "deployment");
	bool runs_once = false;
	OPEN_SITE(call);

	if (deployment_rerun(site, id, &runs_once, &why))
		return site_failed(why);
	code = site_note(site, id, NULL, "deployment %s is to run again", id);
	if (code)
		return code;
	if (runs_once)
		return done(
			call,
			"deployment %s: its rule is never, so clients that have run it (well or "
			"not) do not run it again; a new one with --rerun if-failed, "
			"if-succeeded or always does that",
			id);
	return done(call, "deployment %s runs again where its rule lets it", id);
}

int run_deployment_list(struct call *call)
{
	OPEN_SITE(call);

	return site_show(call, deployment_list(site, &why), why);
}

/* A zero beside what has not run would read as success. */
static void drop_exits(json_t *rows)
{
	static const char *const ended[] = { "succeeded", "failed", "reboot-pending" };
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const char *state = json_string_value(json_object_get(row, "state"));
		int64_t message = json_integer_value(json_object_get(row, "message"));
		bool has_run = false;

		for (size_t k = 0; state && k < ARRAY_LEN(ended); k++)
			has_run |= !strcmp(state, ended[k]) && message != CLIENT_NOT_STARTED;
		if (!has_run)
			json_object_del(row, "exit");
	}
}

int run_deployment_status(struct call *call)
{
	json_t *rows;
	OPEN_SITE(call);

	rows = deployment_status(site, call_text(call, "deployment"), &why);
	if (!call->json)
		drop_exits(rows);
	return site_show(call, rows, why);
}

int run_client_list(struct call *call)
{
	json_t *rows;

	OPEN_SITE(call);

	rows = client_list(site, &why);
	site_put_times(call, rows, "seen");
	return site_show(call, rows, why);
}

int run_client_show(struct call *call)
{
	json_t *client;
	OPEN_SITE(call);

	client = client_show(site, call_text(call, "client"), &why);
	if (!client)
		return site_failed(why);
	make_printable(client);
	print_json(client);
	json_decref(client);
	return EXIT_DONE;
}

/*
 * The id of the client that is meant; NULL: said why. What has enrolled since the last round lies
 * in the drops still, so they are looked through before it is said that nobody is called that.
 */
static char *client_meant(struct call *call, struct site *site)
{
	const char *client = call_text(call, "client");
	auto_free char *unknown = NULL, *papers = NULL, *why = NULL;
	struct ingest_counts counts = { 0 };
	char *id = client_find(site, client, &unknown);

	if (id)
		return id;
	if (papers_ingest(site, &counts, &papers)) /* perhaps those of another point */
		complain(0, "enrolments of clients were left: %s", papers ? papers : "unknown");
	id = client_find(site, client, &why);
	if (!id)
		(void)site_failed(why);
	return id;
}

/* When a client learns that it is approved: with the policy. */
static int tell_approved(struct call *call, struct site *site)
{
	const char *client = call_text(call, "client");
	int64_t round_s = site_setting_number(site, "clients_round_s");

	if (!site_is_owned(site) || !round_s)
		return done(call, "client %s is approved; berth site publish lets it in", client);
	return done(call,
		    "client %s is approved; berth site publish lets it in now, or the site's "
		    "server does within %lld %s",
		    client, (long long)(round_s < 120 ? round_s : (round_s + 59) / 60),
		    round_s < 120 ? "s" : "min");
}

int run_client_approve(struct call *call)
{
	auto_free char *id = NULL, *title = NULL;
	OPEN_SITE(call);

	id = client_meant(call, site);
	if (!id)
		return EXIT_FAILED;
	if (client_approve(site, id, &why))
		return site_failed(why);
	title = client_title(site, id);
	code = site_note(site, id, NULL, "client %s approved", title);
	return code ? code : tell_approved(call, site);
}

int run_client_remove(struct call *call)
{
	auto_free char *id = NULL, *title = NULL;
	OPEN_SITE(call);

	id = client_find(site, call_text(call, "client"), &why);
	if (!id)
		return site_failed(why);
	title = client_title(site, id);
	if (client_remove(site, id, &why))
		return site_failed(why);
	code = site_note(site, id, NULL, "client %s removed", title);
	return code ? code : done(call, "client %s is forgotten", call_text(call, "client"));
}

int run_client_token(struct call *call)
{
	int64_t hours = 24, count = 1;
	OPEN_SITE(call);

	if (!take_integer(call, "hours", 1, 8760, &hours) ||
	    !take_integer(call, "count", 1, TOKENS_AT_ONCE_MAX, &count))
		return EXIT_USAGE;
	if (site_begin(site, &why))
		return site_failed(why);
	for (int64_t i = 0; i < count && code == EXIT_DONE; i++) {
		char *token = token_make(site, hours * 3600, &why);

		code = token ? EXIT_DONE : site_failed(why);
		if (!token)
			break;
		puts(token);
		secret_wipe(token, strlen(token));
		free(token);
	}
	if (code == EXIT_DONE)
		code = site_note(site, NULL, NULL,
				 "%lld one-time token%s for clients, good for %lld h",
				 (long long)count, count == 1 ? "" : "s", (long long)hours);
	if (code == EXIT_DONE && site_commit(site, &why))
		code = site_failed(why);
	return code;
}

int run_client_collect(struct call *call)
{
	struct ingest_counts counts = { 0 };
	OPEN_SITE(call);

	if (papers_ingest(site, &counts, &why))
		return site_failed(why);
	if (call->json) {
		json_t *line auto_json = json_pack(
			"{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "enrolments",
			(json_int_t)counts.enrolments, "reports", (json_int_t)counts.reports,
			"stale", (json_int_t)counts.stale, "refused", (json_int_t)counts.refused,
			"unfinished", (json_int_t)counts.unfinished, "unread",
			(json_int_t)counts.unread, "forgotten", (json_int_t)counts.forgotten);

		json_dumpf(line, stdout, 0);
		putchar('\n');
		return EXIT_DONE;
	}
	return done(call,
		    "%llu enrolments, %llu reports, %llu old ones, %llu refused, %llu left for the "
		    "next time",
		    (unsigned long long)counts.enrolments, (unsigned long long)counts.reports,
		    (unsigned long long)counts.stale, (unsigned long long)counts.refused,
		    (unsigned long long)counts.unfinished + (unsigned long long)counts.unread);
}
