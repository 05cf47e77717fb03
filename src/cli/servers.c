// SPDX-License-Identifier: Apache-2.0
/* status, server list, and the commands on servers that take a while: they wait until it is so. */
#include "cli.h"

#include <cluster/disk.h>
#include <cluster/home_lease.h>

#include <errno.h>
#include <limits.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define WAIT_LIMIT_MS 180000
#define LOOK_MS	      50 /* between two looks */

static const char *text_at(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text ? text : "";
}

/* ---- listings */

static char *size_text(long long bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < ARRAY_LEN(units)) {
		value /= 1024;
		unit++;
	}
	return xasprintf(unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

static char *time_text(const json_t *ms)
{
	time_t seconds = (time_t)(json_integer_value(ms) / 1000);
	struct tm local;
	char text[40];

	if (!json_is_integer(ms) || !localtime_r(&seconds, &local))
		return xstrdup("");
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
	return xstrdup(text);
}

/* What a person wants to see of a server, as texts. */
static json_t *server_for_people(const json_t *row)
{
	json_t *out = json_object(), *address;
	const json_t *free_bytes = json_object_get(row, "free_bytes");
	auto_free char *since = time_text(json_object_get(row, "since_ms"));
	auto_free char *space = json_is_integer(free_bytes)
					? size_text(json_integer_value(free_bytes))
					: xstrdup("");
	json_t *listen = json_array();
	size_t i;

	json_array_foreach(json_object_get(row, "addresses"), i, address)
	{
		auto_free char *text = xstrdup(json_string_value(address));
		auto_free char *with_port = NULL;

		text[strcspn(text, "/")] = '\0';
		with_port = xasprintf(strchr(text, ':') ? "[%s]:%d" : "%s:%d", text,
				      (int)json_integer_value(json_object_get(row, "port")));
		json_array_append_new(listen, json_string(with_port));
	}
	json_object_update(out, (json_t *)(uintptr_t)row);
	json_object_set_new(out, "listen", listen);
	json_object_set_new(out, "since", json_string(since));
	json_object_set_new(out, "free", json_string(space));
	return out;
}

static void say_reason(const json_t *row)
{
	const char *name = text_at(row, "name"), *state = text_at(row, "state");

	if (!strcmp(state, "failed"))
		printf("%s has failed: %s; when that is mended: berth server online %s\n", name,
		       text_at(row, "reason"), name);
	else
		printf("%s is %s: %s\n", name, state, text_at(row, "reason"));
}

static void print_servers(const json_t *servers)
{
	json_t *rows = json_array(), *row;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)servers, i, row)
		json_array_append_new(rows, server_for_people(row));
	print_table(rows,
		    "name:FILE-SERVER state:STATE owner:OWNER since:SINCE visibility:VISIBILITY "
		    "listen:ADDRESSES sessions:SESSIONS free:FREE shares:SHARES");
	json_array_foreach(rows, i, row)
	{
		if (text_at(row, "reason")[0])
			say_reason(row);
	}
	json_decref(rows);
}

/* "FS: taken over by n2 after the loss of n1, 12:00:00, in 2.43 s: detection 1.05, ..." */
static void print_failover(const json_t *row)
{
	const json_t *last = json_object_get(row, "failover"), *part;
	const char *kind = text_at(last, "kind"), *to = text_at(last, "to");
	auto_free char *when = time_text(json_object_get(last, "at_ms"));
	size_t i;

	if (!kind[0])
		return;
	printf("%s: ", text_at(row, "name"));
	if (!strcmp(kind, "loss"))
		printf("taken over by %s after the loss of %s", to, text_at(last, "from"));
	else if (!strcmp(kind, "move"))
		printf("moved from %s to %s", text_at(last, "from"), to);
	else
		printf("%s on %s", !strcmp(kind, "restart") ? "restarted" : "started", to);
	printf(", %s, in %.2f s", when,
	       (double)json_integer_value(json_object_get(last, "total_ms")) / 1000);
	json_array_foreach(json_object_get(last, "parts"), i, part)
		printf("%s%s %.2f", i ? ", " : ": ", text_at(part, "part"),
		       (double)json_integer_value(json_object_get(part, "ms")) / 1000);
	putchar('\n');
}

/* The whole history that Pacemaker keeps, newest first. */
static void print_fencing(const json_t *history)
{
	const json_t *event;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)history, i, event) printf(
		"fencing: %s of %s %s %s%s%s\n", text_at(event, "action"), text_at(event, "target"),
		text_at(event, "status"), text_at(event, "completed"),
		text_at(event, "exit-reason")[0] ? ": " : "", text_at(event, "exit-reason"));
}

/* Votes, quorum and fencing, and where each part of a group stands when not all stand well. */
static void print_cluster(const json_t *cluster, const json_t *servers)
{
	const json_t *row;
	size_t i, k;

	if (!cluster)
		return;
	printf("\n%s%d of %d votes, %d needed: %s; fencing is %s%s\n",
	       json_is_true(json_object_get(cluster, "maintenance")) ? "maintenance mode; " : "",
	       (int)json_integer_value(json_object_get(cluster, "votes")),
	       (int)json_integer_value(json_object_get(cluster, "expected_votes")),
	       (int)json_integer_value(json_object_get(cluster, "votes_needed")),
	       json_is_true(json_object_get(cluster, "quorum")) ? "quorum" : "NO QUORUM",
	       json_is_true(json_object_get(cluster, "fencing")) ? "on" : "OFF",
	       text_at(cluster, "trouble")[0] ? "; no word from Pacemaker" : "");
	print_fencing(json_object_get(cluster, "fencing_history"));
	json_array_foreach((json_t *)(uintptr_t)servers, i, row)
	{
		const json_t *parts = json_object_get(row, "parts"), *part;

		print_failover(row);
		if (!strcmp(text_at(row, "state"), "online") ||
		    !strcmp(text_at(row, "state"), "offline"))
			continue;
		json_array_foreach((json_t *)(uintptr_t)parts, k, part) printf(
			"  %-20s %-12s %-8s %s\n", text_at(part, "id"), text_at(part, "role"),
			text_at(part, "node"), text_at(part, "reason"));
	}
}

static int listing(struct call *call, bool with_nodes)
{
	auto_free char *why = NULL;
	bool any_up;
	json_t *status = ask_cluster(call->cluster_dir, &any_up, &why);

	if (!status)
		return complain(EXIT_NO_NODE, "%s", why);
	if (call->json) {
		print_json(with_nodes ? status : json_object_get(status, "servers"));
	} else {
		make_printable(status);
		if (with_nodes) {
			print_table(json_object_get(status, "nodes"),
				    "name:NODE state:STATE address:ADDRESS port:PORT "
				    "sessions:SESSIONS io:IO "
				    "shares:SHARES");
			putchar('\n');
		}
		print_servers(json_object_get(status, "servers"));
		if (with_nodes)
			print_cluster(json_object_get(status, "cluster"),
				      json_object_get(status, "servers"));
	}
	json_decref(status);
	return any_up ? EXIT_DONE
		      : complain(EXIT_NO_NODE, "no node of the cluster in %s is up",
				 call->cluster_dir);
}

int run_status(struct call *call)
{
	return listing(call, true);
}

int run_server_list(struct call *call)
{
	return listing(call, false);
}

/* ---- waiting */

/* 1: it is so; 0: not yet; -1: it has failed (and is said). */
typedef int reached(const json_t *row, const void *arg);

static int failed(const json_t *row)
{
	complain(0, "%s has failed: %s; when that is mended: berth server online %s",
		 text_at(row, "name"),
		 text_at(row, "reason")[0] ? text_at(row, "reason") : "no reason is known",
		 text_at(row, "name"));
	return -1;
}

static int is_online(const json_t *row, const void *arg)
{
	const char *state = text_at(row, "state");

	if (!strcmp(state, "online"))
		return 1;
	return !strcmp(state, "failed") ? failed(row) : 0;
}

static int is_offline(const json_t *row, const void *arg)
{
	return !strcmp(text_at(row, "state"), "offline");
}

/* Online on the target, or where it came back to when the target could not. */
static int has_moved(const json_t *row, const void *arg)
{
	const char *target = arg;

	if (strcmp(text_at(row, "state"), "online") != 0)
		return !strcmp(text_at(row, "state"), "failed") ? failed(row) : 0;
	if (!strcasecmp(text_at(row, "owner"), target))
		return 1;
	if (text_at(row, "target")[0])
		return 0;
	complain(0, "%s could not move to %s and is online on %s; the log of %s says why",
		 text_at(row, "name"), target, text_at(row, "owner"), target);
	return -1;
}

static int wait_until(struct call *call, const char *server, reached *ask_row, const void *arg)
{
	uint64_t until = monotonic_ms() + WAIT_LIMIT_MS;

	if (call_local(call, "no-wait"))
		return EXIT_DONE;
	sleep_ms(LOOK_MS);
	while (monotonic_ms() < until) {
		auto_free char *why = NULL;
		bool any_up;
		json_t *status = ask_cluster(call->cluster_dir, &any_up, &why);
		const json_t *row = find_named(status, "servers", server);
		int answer;

		make_printable(status);
		answer = row ? ask_row(row, arg) : 0;

		json_decref(status);
		if (answer)
			return answer > 0 ? EXIT_DONE : EXIT_FAILED;
		sleep_ms(LOOK_MS);
	}
	return complain(EXIT_FAILED,
			"%s is still under way after %d s; berth status shows how it goes on",
			server, WAIT_LIMIT_MS / 1000);
}

static int send_and_wait(struct call *call, reached *ask_row, const void *arg)
{
	json_t *answer = NULL;
	const char *server = call_text(call, "server");
	int code = ask_any(call, server, &answer);

	json_decref(answer);
	return code == EXIT_DONE ? wait_until(call, server, ask_row, arg) : code;
}

/* A path as berthd, which stands elsewhere, can use it. */
static int make_absolute(struct call *call)
{
	const char *volume = call_text(call, "volume");
	auto_free char *whole = NULL;

	if (!volume)
		return complain(EXIT_USAGE,
				"--volume DIR is missing: the directory that the file server is to "
				"live on");
	whole = realpath(volume, NULL);
	if (!whole)
		return complain(EXIT_FAILED,
				"the volume %s cannot be used: %s; make the directory or mount it "
				"first",
				volume, strerror(errno));
	json_object_set_new(call->request, "volume", json_string(whole));
	return EXIT_DONE;
}

/* Does a node of this cluster run the engine pacemaker? */
static bool has_pacemaker(struct call *call)
{
	auto_free char *why = NULL;
	bool any_up;
	json_t *status = ask_cluster(call->cluster_dir, &any_up, &why);
	bool has = json_object_get(status, "cluster") != NULL;

	json_decref(status);
	return has;
}

/*
 * The volume of a new file server that several machines reach gets ext4's multi-mount protection.
 * Here, and not in berthd, which may not mount.
 */
static int protect_disk(struct call *call)
{
	const char *volume = call_text(call, "volume");
	auto_free char *home = xasprintf("%s/.berth", volume), *why = NULL;

	if (access(home, F_OK) == 0 || !has_pacemaker(call) || !disk_guard_switch_on(volume, &why))
		return EXIT_DONE;
	return complain(EXIT_FAILED, "%s", why ? why : "the disk cannot be protected");
}

int run_server_create(struct call *call)
{
	int code = make_absolute(call);

	if (code == EXIT_DONE)
		code = protect_disk(call);
	return code == EXIT_DONE ? send_and_wait(call, is_online, NULL) : code;
}

int run_server_online(struct call *call)
{
	return send_and_wait(call, is_online, NULL);
}

int run_server_offline(struct call *call)
{
	return send_and_wait(call, is_offline, NULL);
}

/* Without a node the servers choose; which it is stands in the record then. */
static char *chosen_target(struct call *call, const char *server)
{
	auto_free char *why = NULL;
	bool any_up;
	json_t *status = ask_cluster(call->cluster_dir, &any_up, &why);
	char *target = xstrdup(text_at(find_named(status, "servers", server), "target"));

	json_decref(status);
	return target;
}

int run_server_move(struct call *call)
{
	const char *server = call_text(call, "server"), *node = call_text(call, "node");
	auto_free char *target = NULL;
	json_t *answer = NULL;
	int code = ask_any(call, server, &answer);

	json_decref(answer);
	if (code != EXIT_DONE)
		return code;
	target = node ? xstrdup(node) : chosen_target(call, server);
	code = target[0] ? wait_until(call, server, has_moved, target) : EXIT_DONE;
	/* Without a node nobody else would have said which it is. */
	if (code == EXIT_DONE && target[0] && !call->json)
		printf(call_local(call, "no-wait") ? "%s is asked to move to %s\n"
						   : "%s is online on %s\n",
		       server, target);
	return code;
}

int run_local(struct call *call)
{
	json_t *answer = NULL;
	int code = ask_local(call, &answer);

	json_decref(answer);
	return code;
}

/*
 * Where no berthd is left to stop it, nothing is served; but the lease of its home may still name
 * this node, and the next owner would have to watch it.
 */
int run_server_stop(struct call *call)
{
	const char *volume = call_text(call, "volume");
	int code = run_local(call);
	struct node_record *nodes;
	size_t count;

	if (code != EXIT_NO_NODE || !volume || cluster_nodes(call->cluster_dir, &nodes, &count))
		return code;
	for (size_t i = 0; i < count; i++) {
		auto_free char *home = xasprintf("%s/.berth", volume);

		if (!nodes[i].is_alive)
			(void)!home_lease_clear(home, nodes[i].name);
	}
	free(nodes);
	return code;
}

int run_server_set(struct call *call)
{
	json_t *answer = NULL;
	int code = ask_any(call, call_text(call, "server"), &answer);

	json_decref(answer);
	return code;
}
