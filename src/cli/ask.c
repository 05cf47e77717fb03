// SPDX-License-Identifier: Apache-2.0
/*
 * Asking nodes. They are found through the cluster directory; each is asked over its control
 * socket, and what they know is put together: for a file server the word of its owner counts.
 */
#include "cli.h"

#include <base/buf.h>
#include <cluster/cluster.h>

#include <dirent.h>
#include <errno.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MAX_BYTES (64u << 20)
#define ANSWER_TIMEOUT_S 60

static int connect_to(const char *control)
{
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = ANSWER_TIMEOUT_S };

	if (fd < 0)
		return -errno;
	if (strlen(control) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, control, strlen(control) + 1);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return steal_fd(&fd);
}

static int send_line(int fd, const char *text)
{
	size_t length = strlen(text);

	while (length) {
		ssize_t n = send(fd, text, length, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -errno;
		text += n;
		length -= (size_t)n;
	}
	return send(fd, "\n", 1, MSG_NOSIGNAL) == 1 ? 0 : -EIO;
}

static int read_line(int fd, struct buf *out)
{
	out->limit = ANSWER_MAX_BYTES;
	for (;;) {
		uint8_t *room = buf_room(out, 65536);
		ssize_t n = room ? recv(fd, room, 65536, 0) : -1;

		if (!room)
			return -EMSGSIZE;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EPIPE;
		out->len += (size_t)n;
		if (memchr(room, '\n', (size_t)n))
			return 0;
	}
}

json_t *ask(const char *control, const json_t *request, char **why)
{
	auto_close int fd = connect_to(control);
	auto_buf struct buf line = { 0 };
	char *text = NULL;
	json_t *answer = NULL;
	int error = fd < 0 ? fd : 0;

	if (!error) {
		text = json_dumps(request, JSON_COMPACT);
		error = text ? send_line(fd, text) : -EINVAL;
		if (text)
			explicit_bzero(text, strlen(text));
		free(text);
	}
	if (!error)
		error = read_line(fd, &line);
	if (!error) {
		answer = json_loadb((const char *)line.data, line.len, JSON_ALLOW_NUL, NULL);
		error = answer ? 0 : -EPROTO;
	}
	if (error)
		*why = xasprintf("no answer from berthd at %s: %s%s", control, strerror(-error),
				 error == -EACCES ? " (only root and berthd's own user may ask it)"
						  : "");
	return answer;
}

json_t *find_named(const json_t *status, const char *key, const char *name)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(status, key), i, row)
	{
		const char *text = json_string_value(json_object_get(row, "name"));

		if (text && !strcasecmp(text, name))
			return row;
	}
	return NULL;
}

/* How much the word of a node about a server counts: the owner's most. */
static int weight(enum cluster_state state)
{
	static const int weights[CLUSTER_STATES] = {
		[CLUSTER_OFFLINE] = 1,	      [CLUSTER_FAILED] = 2,	     [CLUSTER_STANDBY] = 3,
		[CLUSTER_ONLINE_PENDING] = 4, [CLUSTER_OFFLINE_PENDING] = 5, [CLUSTER_ONLINE] = 6,
	};

	return weights[state];
}

static enum cluster_state state_of(const json_t *row)
{
	enum cluster_state state = CLUSTER_OFFLINE;
	const char *text = json_string_value(json_object_get(row, "state"));

	if (text && !cluster_state_parse(text, &state))
		state = CLUSTER_OFFLINE;
	return state;
}

/* Puts what @node says of a server over what others said, where it counts more. */
static void merge_row(json_t *servers, const json_t *row, const char *node)
{
	const char *name = json_string_value(json_object_get(row, "name"));
	json_t *known = NULL, *each;
	size_t i;

	json_array_foreach(servers, i, each)
	{
		if (name && !strcmp(json_string_value(json_object_get(each, "name")), name))
			known = each;
	}
	if (!known) {
		known = json_object();
		json_object_set_new(known, "name", json_string(name ? name : ""));
		json_array_append_new(servers, known);
	} else if (weight(state_of(known)) >= weight(state_of(row))) {
		return;
	}
	json_object_update(known, (json_t *)(uintptr_t)row);
	if (json_object_get(row, "owner")) /* the cluster's own word */
		return;
	json_object_set_new(known, "owner",
			    weight(state_of(row)) >= weight(CLUSTER_ONLINE_PENDING)
				    ? json_string(node)
				    : json_null());
}

/* What only the engine knows as standby is, for people, a server that is about to come online. */
static void settle_states(json_t *servers)
{
	json_t *row;
	size_t i;

	json_array_foreach(servers, i, row)
	{
		if (state_of(row) == CLUSTER_STANDBY)
			json_object_set_new(
				row, "state",
				json_string(cluster_state_name(CLUSTER_ONLINE_PENDING)));
		if (!json_object_get(row, "shares"))
			json_object_set_new(row, "shares", json_array());
		if (!json_object_get(row, "addresses"))
			json_object_set_new(row, "addresses", json_array());
	}
}

/* Where no node is up: what the records say. */
static void add_records(const char *cluster_dir, json_t *servers)
{
	char **names;
	size_t count;

	if (server_record_names(cluster_dir, &names, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		struct server_record record;

		if (!server_record_read(cluster_dir, names[i], &record)) {
			json_t *row = json_pack("{s:s, s:s, s:s, s:n, s:b, s:s}", "name",
						record.name, "state", "offline", "reason",
						"no node is up", "owner", "want_online",
						(int)record.want_online, "volume", record.volume);

			json_object_update(row, record.facts);
			json_array_append_new(servers, row);
			server_record_free(&record);
		}
		free(names[i]);
	}
	free(names);
}

static json_t *node_json(const struct node_record *node, const char *state)
{
	return json_pack("{s:s, s:s, s:s, s:i}", "name", node->name, "state", state, "address",
			 node->address, "port", (int)node->port);
}

/* The nodes of other machines, as the cluster sees them. */
static void add_cluster_nodes(json_t *nodes, const json_t *cluster)
{
	json_t *node, *known;
	size_t i, k;

	json_array_foreach(json_object_get(cluster, "nodes"), i, node)
	{
		const char *name = json_string_value(json_object_get(node, "name"));
		bool found = false;

		json_array_foreach(nodes, k, known) found |=
			!strcasecmp(json_string_value(json_object_get(known, "name")), name);
		if (!found)
			json_array_append(nodes, node);
	}
}

/* -EACCES where the records of nodes are there and may not be read: then none would seem to be up.
 */
static int may_read_nodes(const char *cluster_dir)
{
	auto_free char *folder = xasprintf("%s/nodes", cluster_dir);
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int error = dir ? 0 : -errno;

	while (dir && !error && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.' && faccessat(dirfd(dir), entry->d_name, R_OK, 0) < 0 &&
		    errno == EACCES)
			error = -EACCES;
	}
	if (dir)
		closedir(dir);
	return error;
}

json_t *ask_cluster(const char *cluster_dir, bool *any_up, char **why)
{
	json_t *request = json_pack("{s:s}", "do", "status");
	json_t *nodes = json_array(), *servers = json_array(), *cluster = NULL;
	struct node_record *records;
	size_t count;
	int error = may_read_nodes(cluster_dir);

	if (!error)
		error = cluster_nodes(cluster_dir, &records, &count);
	*any_up = false;
	if (error) {
		*why = error == -EACCES
			       ? xasprintf("the cluster in %s cannot be read: %s; only root and "
					   "berthd's own user may ask it",
					   cluster_dir, strerror(-error))
			       : xasprintf("there is no cluster in %s: %s; start berthd, or give "
					   "--cluster-dir or BERTH_CLUSTER_DIR",
					   cluster_dir, strerror(-error));
		json_decref(request);
		json_decref(nodes);
		json_decref(servers);
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		auto_free char *said = NULL;
		json_t *answer =
			records[i].is_alive ? ask(records[i].control, request, &said) : NULL;
		json_t *result = json_object_get(answer, "result"), *node, *row;
		size_t k;

		node = json_object_get(result, "node");
		if (node) {
			*any_up = true;
			json_object_set_new(node, "control", json_string(records[i].control));
			json_array_append(nodes, node);
		} else {
			node = node_json(&records[i], records[i].is_alive ? "starting" : "offline");
			if (said)
				json_object_set_new(node, "reason", json_string(said));
			json_array_append_new(nodes, node);
		}
		json_array_foreach(json_object_get(result, "servers"), k, row)
			merge_row(servers, row, records[i].name);
		if (!cluster)
			cluster = json_incref(json_object_get(result, "cluster"));
		json_decref(answer);
	}
	free(records);
	if (!*any_up)
		add_records(cluster_dir, servers);
	settle_states(servers);
	add_cluster_nodes(nodes, cluster);
	json_decref(request);
	return json_pack("{s:o, s:o, s:o*}", "nodes", nodes, "servers", servers, "cluster",
			 cluster);
}

static int no_node(const char *cluster_dir)
{
	return complain(EXIT_NO_NODE, "no node of the cluster in %s is up; start berthd",
			cluster_dir);
}

/* What to do next, where the node's answer cannot know it. %s is the file server. */
static const struct {
	const char *code;
	const char *noun; /* of the command; NULL: any */
	const char *next;
} hints[] = {
	{ "STATUS_OBJECT_NAME_NOT_FOUND", "user", "berth user list %s shows those there are" },
	{ "STATUS_OBJECT_NAME_NOT_FOUND", "group", "berth group list %s shows those there are" },
	{ "STATUS_OBJECT_NAME_NOT_FOUND", "member", "berth group list %s shows who is in which" },
	{ "STATUS_OBJECT_NAME_NOT_FOUND", "share", "berth share list %s shows those there are" },
	{ "STATUS_DISK_FULL", NULL, "free space on the volume of %s, then try again" },
};

static int say_refused(const struct call *call, const json_t *answer)
{
	const char *code = json_string_value(json_object_get(answer, "code"));
	const char *text = json_string_value(json_object_get(answer, "error"));
	const char *server = call_text(call, "server");
	const char *next = NULL, *place;

	for (size_t i = 0; code && server && i < ARRAY_LEN(hints); i++) {
		if (!strcmp(hints[i].code, code) &&
		    (!hints[i].noun || !strcmp(hints[i].noun, call->command->noun)))
			next = hints[i].next;
	}
	place = next ? strstr(next, "%s") : NULL;
	if (place)
		return complain(EXIT_FAILED, "%s; %.*s%s%s", text, (int)(place - next), next,
				server, place + 2);
	return complain(code && !strcmp(code, "not-here") ? EXIT_NOT_HERE : EXIT_FAILED, "%s",
			text ? text : "berthd's answer says neither yes nor no");
}

/* Sends, and says what the node refused; an exit code. */
static int send_to(struct call *call, const json_t *node, json_t **answer)
{
	const char *control = json_string_value(json_object_get(node, "control"));
	auto_free char *why = NULL;

	*answer = ask(control, call->request, &why);
	if (!*answer)
		return complain(EXIT_NO_NODE, "%s", why);
	if (json_is_true(json_object_get(*answer, "ok")))
		return EXIT_DONE;
	return say_refused(call, *answer);
}

static json_t *first_up(const json_t *status)
{
	json_t *node;
	size_t i;

	json_array_foreach(json_object_get(status, "nodes"), i, node)
	{
		if (json_object_get(node, "control"))
			return node;
	}
	return NULL;
}

/* The node that has @server now, or is it; NULL where there is none. */
static json_t *node_of(const json_t *status, const char *server)
{
	json_t *row = find_named(status, "servers", server), *node;
	const char *owner = json_string_value(json_object_get(row, "owner"));

	node = owner ? find_named(status, "nodes", owner) : find_named(status, "nodes", server);
	return node && json_object_get(node, "control") ? node : NULL;
}

static int not_online(const json_t *status, const char *server)
{
	json_t *row = find_named(status, "servers", server);
	const char *reason = json_string_value(json_object_get(row, "reason"));
	const char *owner = json_string_value(json_object_get(row, "owner"));

	if (owner && !strcmp(json_string_value(json_object_get(row, "state")), "online"))
		return complain(EXIT_FAILED, "%s is online on %s: run this command there", server,
				owner);
	if (row)
		return complain(EXIT_FAILED,
				"%s is %s%s%s; bring it online first: berth server online %s",
				server, json_string_value(json_object_get(row, "state")),
				reason && reason[0] ? ": " : "", reason ? reason : "", server);
	if (find_named(status, "nodes", server))
		return complain(EXIT_FAILED, "the node %s is not up", server);
	return complain(EXIT_FAILED,
			"there is no file server and no node \"%s\"; berth status shows them",
			server);
}

int ask_local(struct call *call, json_t **answer)
{
	struct node_record *records;
	size_t count;
	int code = -1;

	if (cluster_nodes(call->cluster_dir, &records, &count))
		return no_node(call->cluster_dir);
	for (size_t i = 0; i < count && code < 0; i++) {
		json_t *node = json_pack("{s:s}", "control", records[i].control);

		if (records[i].is_alive)
			code = send_to(call, node, answer);
		json_decref(node);
	}
	free(records);
	return code < 0 ? no_node(call->cluster_dir) : code;
}

int ask_owner(struct call *call, const char *server, json_t **answer)
{
	auto_free char *why = NULL;
	bool any_up;
	json_t *status = ask_cluster(call->cluster_dir, &any_up, &why), *node;
	int code;

	if (!status)
		return complain(EXIT_NO_NODE, "%s", why);
	node = node_of(status, server);
	if (!any_up)
		code = no_node(call->cluster_dir);
	else
		code = node ? send_to(call, node, answer) : not_online(status, server);
	json_decref(status);
	return code;
}

int ask_any(struct call *call, const char *server, json_t **answer)
{
	auto_free char *why = NULL;
	bool any_up;
	json_t *status = ask_cluster(call->cluster_dir, &any_up, &why), *node;
	int code;

	if (!status)
		return complain(EXIT_NO_NODE, "%s", why);
	node = server ? node_of(status, server) : NULL;
	if (!node)
		node = first_up(status);
	code = node ? send_to(call, node, answer) : no_node(call->cluster_dir);
	json_decref(status);
	return code;
}
