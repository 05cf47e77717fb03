// SPDX-License-Identifier: Apache-2.0
/* Requests about file servers as a whole: making, placing, setting. */
#include "requests.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define NETBIOS_NAME_MAX 15

/* What a new file server begins with: settings from the request, each checked by the table. */
static const char *const creation_settings[] = { "visibility",	 "addresses", "port",
						 "aliases",	 "fqdn",      "preferred_owners",
						 "drive_letter", "comment",   "anti_affinity" };

/* The nodes of the embedded engine are on one machine, which cannot be kept apart from itself. */
static bool check_class(struct request *r, const char *class)
{
	return !class || !class[0] || node.config.engine == CLUSTER_PACEMAKER ||
	       request_fail(r, "bad-request",
			    "anti_affinity needs several machines: this node runs the embedded "
			    "engine, whose nodes share one (docs/cluster.md)");
}

static bool check_settings(struct request *r, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(creation_settings); i++) {
		const char *value = request_text(r, creation_settings[i]);
		struct manage_error error;

		if (value && manage_setting_check(name, creation_settings[i], value, &error) !=
				     STATUS_SUCCESS)
			return request_fail_managed(r, &error);
	}
	return true;
}

static bool check_addresses(struct request *r, const char *list)
{
	struct address addresses[SERVER_MAX_ADDRESSES];

	if (address_parse_list(list, 1, addresses, SERVER_MAX_ADDRESSES) >= 1)
		return true;
	return request_fail(
		r, "bad-request",
		"\"%s\" is no address with a prefix, such as 10.0.0.50/24 or fd00::50/64", list);
}

static bool check_name(struct request *r, const char *name)
{
	if (cluster_name_ok(name) && strlen(name) <= NETBIOS_NAME_MAX && !strchr(name, '.') &&
	    !strchr(name, '_'))
		return true;
	return request_fail(
		r, "bad-request",
		"\"%s\" is no name for a file server: 1 to %d letters, digits and '-' (longer "
		"names go into --fqdn and --alias)",
		name, NETBIOS_NAME_MAX);
}

/* Is @name the name, the name in DNS or an alias of the server of @row? */
static bool row_has_name(const struct cluster_row *row, const char *name)
{
	const json_t *aliases = json_object_get(row->record.facts, "aliases"), *alias;
	const char *fqdn = json_string_value(json_object_get(row->record.facts, "fqdn"));
	bool has = !strcasecmp(row->record.name, name) || (fqdn && !strcasecmp(fqdn, name));
	size_t i;

	json_array_foreach(aliases, i, alias)
	{
		const char *text = json_string_value(alias);

		has |= text && !strcasecmp(text, name);
	}
	return has;
}

/* Does the server of @row want to listen on @address? One that is to stay offline does not. */
static bool row_has_address(const struct cluster_row *row, const char *address, long port)
{
	const json_t *addresses = json_object_get(row->record.facts, "addresses"), *each;
	size_t i;

	if (!row->record.want_online ||
	    json_integer_value(json_object_get(row->record.facts, "port")) != port)
		return false;
	json_array_foreach(addresses, i, each)
	{
		if (json_string_value(each) && !strcmp(json_string_value(each), address))
			return true;
	}
	return false;
}

/* Names are unique in the cluster, as far as it is known. @self: the server that they are for. */
static bool check_unique(struct request *r, const char *self, const char *names)
{
	auto_free char *copy = xstrdup(names ? names : "");
	struct cluster_row *rows;
	struct node_record *nodes = NULL;
	size_t count = cluster_rows(node.cluster, &rows), node_count = 0;
	char *rest = copy, *name;
	bool is_free = true;

	(void)!cluster_nodes(node.config.cluster_dir, &nodes, &node_count);
	while ((name = strsep(&rest, ", ")) != NULL && is_free) {
		for (size_t i = 0; name[0] && i < count && is_free; i++) {
			if (strcasecmp(rows[i].record.name, self) != 0 &&
			    row_has_name(&rows[i], name))
				is_free = request_fail(
					r, "exists",
					"the name %s is used already, by the file server %s", name,
					rows[i].record.name);
		}
		for (size_t i = 0; name[0] && i < node_count && is_free; i++) {
			if (strcasecmp(nodes[i].name, self) != 0 &&
			    !strcasecmp(nodes[i].name, name))
				is_free = request_fail(
					r, "exists", "the name %s is used already, by the node %s",
					name, nodes[i].name);
		}
	}
	cluster_rows_free(rows, count);
	free(nodes);
	return is_free;
}

static bool check_address_free(struct request *r, const char *self, const char *list, long port)
{
	struct address addresses[SERVER_MAX_ADDRESSES];
	int wanted = address_parse_list(list, 1, addresses, SERVER_MAX_ADDRESSES);
	struct cluster_row *rows;
	size_t count = cluster_rows(node.cluster, &rows);
	bool is_free = true;

	for (int i = 0; i < wanted && is_free; i++) {
		char text[64];
		const char *address = address_format(&addresses[i], text);

		for (size_t k = 0; k < count && is_free; k++) {
			if (strcasecmp(rows[k].record.name, self) != 0 &&
			    row_has_address(&rows[k], address, port))
				is_free = request_fail(
					r, "exists",
					"the address %s port %ld is used already, by the file "
					"server %s; take that offline first, or choose another",
					address, port, rows[k].record.name);
		}
	}
	cluster_rows_free(rows, count);
	return is_free;
}

static bool fill_store(struct request *r, struct store *store)
{
	for (size_t i = 0; i < ARRAY_LEN(creation_settings); i++) {
		const char *value = request_text(r, creation_settings[i]);

		if (value && store_set_setting(store, creation_settings[i], value))
			return request_fail(r, "store", "cannot store %s: %s", creation_settings[i],
					    store_problem());
	}
	return true;
}

/* The home's lock, taken for the time in which its database is open here although no engine brought
 * it online. */
static int lock_home(const char *home)
{
	auto_free char *path = xasprintf("%s/owner.lock", home);
	auto_close int fd = lock_open(path);
	int error = fd < 0 ? fd : lock_try(fd);

	return error ? error : steal_fd(&fd);
}

static bool make_home(struct request *r, const char *name, const char *home, bool *made)
{
	bool adopt = request_flag(r, "adopt");
	int error;

	*made = false;
	if (adopt)
		return true;
	error = store_create(home, name);
	*made = !error;
	if (!error)
		return true;
	if (error == -EEXIST)
		return request_fail(
			r, "exists",
			"%s holds a file server already; to take it into this cluster as it is: "
			"berth server create %s --volume ... --adopt",
			home, name);
	return request_fail(r, "store", "cannot make the file server in %s: %s", home,
			    store_problem());
}

static bool open_and_add(struct request *r, const char *name, const char *home,
			 struct server_record *record)
{
	struct store *store = NULL;
	char *why = NULL;
	bool done;

	if (store_open(home, &store))
		return request_fail(r, "store", "cannot open the file server in %s: %s", home,
				    store_problem());
	done = fill_store(r, store);
	if (done && facts_of_store(store, record, &why))
		done = request_fail_why(r, "store", why);
	store_close(store);
	if (done && strcasecmp(record->name, name) != 0)
		done = request_fail(r, "bad-request", "%s holds the file server %s, not %s", home,
				    record->name, name);
	return done;
}

bool do_server_create(struct request *r)
{
	const char *name, *volume, *addresses = request_text(r, "addresses");
	const char *engine = request_text(r, "engine");
	const char *port = request_text(r, "port");
	cleanup(server_record_free) struct server_record record = { .want_online = true };
	auto_free char *home = NULL, *database = NULL;
	auto_close int lock = -1;
	bool made = false, done;
	struct stat info;
	char *why = NULL;

	if (!request_need(r, "server", &name) || !request_need(r, "volume", &volume) ||
	    !check_name(r, name) || !check_unique(r, "", name) || !check_settings(r, name) ||
	    !check_class(r, request_text(r, "anti_affinity")) ||
	    !check_unique(r, name, request_text(r, "aliases")) ||
	    !check_unique(r, name, request_text(r, "fqdn")) ||
	    (addresses && !check_addresses(r, addresses)) ||
	    (addresses &&
	     !check_address_free(r, name, addresses, port ? strtol(port, NULL, 10) : 445)))
		return false;
	if (engine &&
	    strcmp(engine, node.config.engine == CLUSTER_PACEMAKER ? "pacemaker" : "embedded") != 0)
		return request_fail(r, "bad-request",
				    "this node does not run the engine \"%s\": engine = %s in its "
				    "configuration",
				    engine, engine);
	if (!addresses && !request_flag(r, "adopt"))
		return request_fail(r, "bad-request", "%s needs an address: --address 10.0.0.50/24",
				    name);
	if (volume[0] != '/' || strlen(volume) >= sizeof(record.volume))
		return request_fail(r, "bad-request",
				    "the volume must be an absolute path, not \"%s\"", volume);
	if (stat(volume, &info) == 0 && !S_ISDIR(info.st_mode))
		return request_fail(r, "volume",
				    "the volume %s is no directory; give the directory that the "
				    "file server is to live in",
				    volume);
	if (access(volume, W_OK | X_OK) < 0)
		return request_fail(r, "volume",
				    "the volume %s cannot be used: %s; make the directory or "
				    "mount it first",
				    volume, strerror(errno));
	snprintf(record.volume, sizeof(record.volume), "%s", volume);
	home = xasprintf("%s/" VOLUME_HOME, volume);
	database = xasprintf("%s/server.db", home);
	if (!make_home(r, name, home, &made))
		return false;
	lock = lock_home(home);
	if (lock == -EAGAIN)
		return request_fail(r, "busy", "the file server in %s is online in another process",
				    home);
	if (lock < 0)
		return request_fail(r, "volume", "cannot lock %s: %s", home, strerror(-lock));
	done = open_and_add(r, name, home, &record);
	close_fd_ptr(&lock); /* whoever is to own it takes it from here */
	if (done && cluster_add(node.cluster, &record, &why))
		done = request_fail_why(r, "cluster", why);
	if (!done && made)
		unlink(database); /* it was never used */
	return done;
}

/* What the engine answered: @why is looked at after the call that fills it, so it comes as a
 * pointer. */
static bool fulfil(struct request *r, int error, char **why)
{
	if (!error)
		return true;
	return request_fail_why(r, error == -ENOENT ? "unknown" : "cluster", *why);
}

/* The node's own file server is where its node is. */
static bool refuse_own(struct request *r, const char *name, const char *what)
{
	if (strcasecmp(name, node.config.name) != 0)
		return true;
	return request_fail(r, "bad-request", "%s is a node; its own file server cannot be %s",
			    name, what);
}

bool do_server_delete(struct request *r)
{
	const char *name;
	char *why = NULL;

	if (!request_need(r, "server", &name) || !refuse_own(r, name, "deleted"))
		return false;
	return fulfil(r, cluster_remove(node.cluster, name, &why), &why);
}

bool do_server_online(struct request *r)
{
	const char *name;
	char *why = NULL;

	if (!request_need(r, "server", &name) || !refuse_own(r, name, "brought online"))
		return false;
	return fulfil(r, cluster_want(node.cluster, name, true, &why), &why);
}

bool do_server_offline(struct request *r)
{
	const char *name;
	char *why = NULL;

	if (!request_need(r, "server", &name) || !refuse_own(r, name, "taken offline"))
		return false;
	return fulfil(r, cluster_want(node.cluster, name, false, &why), &why);
}

bool do_server_move(struct request *r)
{
	const char *name, *target = request_text(r, "node");
	char *why = NULL;

	if (!request_need(r, "server", &name) || !refuse_own(r, name, "moved"))
		return false;
	return fulfil(r, cluster_move(node.cluster, name, target ? target : "", &why), &why);
}

/* ---- what the resource agent asks of this node */

bool do_server_start(struct request *r)
{
	const char *name, *volume;
	char *why = NULL;
	int error;

	if (!request_need(r, "server", &name) || !request_need(r, "volume", &volume))
		return false;
	error = cluster_local_start(node.cluster, name, volume, &why);
	if (!error)
		return true;
	return request_fail_why(r, error == -EBUSY ? "busy" : "failed", why);
}

bool do_server_stop(struct request *r)
{
	const char *name, *volume = request_text(r, "volume");
	char *why = NULL;

	if (!request_need(r, "server", &name))
		return false;
	return !cluster_local_stop(node.cluster, name, volume ? volume : "", &why) ||
	       request_fail_why(r, "failed", why);
}

bool do_server_check(struct request *r)
{
	const char *name;
	char *why = NULL;
	int error;

	if (!request_need(r, "server", &name))
		return false;
	error = cluster_local_check(node.cluster, name, &why);
	if (!error)
		return true;
	return request_fail_why(r, error == -ENOENT ? "not-here" : "failed", why);
}

/* ---- settings */

static bool set_online(struct request *r, struct server *server, const json_t *settings)
{
	struct manage_value *values = xalloc(json_object_size(settings) + 1, sizeof(*values));
	struct manage_error error;
	const char *key;
	const json_t *value;
	size_t count = 0;
	ntstatus status;

	json_object_foreach((json_t *)(uintptr_t)settings, key, value)
	{
		values[count++] = (struct manage_value){ key, json_string_value(value) };
	}
	status = manage_set_all(server, NULL, values, count, &error);
	free(values);
	return status == STATUS_SUCCESS || request_fail_managed(r, &error);
}

/* The record of @name as this node knows it, and under Pacemaker the node that has it ("": none).
 */
static bool find_record(struct request *r, const char *name, struct server_record *out,
			char owner[CLUSTER_MAX_NAME])
{
	struct cluster_row *rows;
	size_t count = cluster_rows(node.cluster, &rows);
	bool found = false;

	for (size_t i = 0; i < count && !found; i++) {
		if (strcasecmp(rows[i].record.name, name) != 0)
			continue;
		*out = rows[i].record;
		out->facts = json_deep_copy(rows[i].record.facts);
		memcpy(owner, rows[i].owner, CLUSTER_MAX_NAME);
		found = true;
	}
	cluster_rows_free(rows, count);
	return found ||
	       request_fail(r, "unknown", "there is no file server \"%s\" in this cluster", name);
}

/* Of a server that is online nowhere: its database is opened for the change. */
static bool set_offline(struct request *r, const char *name, const json_t *settings)
{
	cleanup(server_record_free) struct server_record record = { 0 };
	char owner[CLUSTER_MAX_NAME] = "";
	auto_free char *home = NULL;
	auto_close int lock = -1;
	struct store *store;
	const char *key;
	const json_t *value;
	char *why = NULL;
	bool done = true;

	if (!find_record(r, name, &record, owner))
		return false;
	if (owner[0])
		return request_fail(r, "elsewhere", "%s is on %s: run this command there", name,
				    owner);
	home = xasprintf("%s/" VOLUME_HOME, record.volume);
	lock = lock_home(home);
	if (lock < 0)
		return request_fail(r, "busy", "the settings of %s cannot be reached in %s: %s",
				    name, home,
				    lock == -EAGAIN ? "another node has it" : strerror(-lock));
	if (store_open(home, &store))
		return request_fail(r, "store", "%s", store_problem());
	json_object_foreach((json_t *)(uintptr_t)settings, key, value)
	{
		const char *text = json_string_value(value);

		if (done && store_set_setting(store, key, text[0] ? text : NULL))
			done = request_fail(r, "store", "%s", store_problem());
	}
	if (done && facts_of_store(store, &record, &why))
		done = request_fail_why(r, "store", why);
	store_close(store);
	if (done && cluster_publish(node.cluster, &record))
		done = request_fail(r, "cluster", "the record of %s cannot be changed", name);
	return done;
}

/* What a node's own file server takes from the node's configuration, or has no use for. */
static bool set_on_node(struct request *r, const char *name, const char *key)
{
	static const char *const others[] = {
		"addresses",	    "port",	      "preferred_owners", "failback",
		"anti_affinity",    "failback_from",  "failback_to",	  "restart_threshold",
		"restart_period_s", "retry_period_s", "pending_timeout_s"
	};

	if (strcasecmp(name, node.config.name) != 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		if (!strcmp(others[i], key))
			return request_fail(
				r, "bad-request",
				"%s is a node: it has no %s to set (where it listens stands in its "
				"configuration file, and it does not move)",
				name, key);
	}
	return true;
}

bool do_server_set(struct request *r)
{
	cleanup(server_put_ptr) struct server *server = NULL;
	const json_t *settings = json_object_get(r->json, "settings"), *value;
	const char *name, *key;

	if (!request_need(r, "server", &name))
		return false;
	if (!json_is_object(settings) || !json_object_size(settings))
		return request_fail(r, "bad-request", "no setting is given");
	json_object_foreach((json_t *)(uintptr_t)settings, key, value)
	{
		struct manage_error error;
		const char *text = json_string_value(value);

		if (!text)
			return request_fail(r, "bad-request", "the value of %s is not a text", key);
		if (manage_setting_check(name, key, text, &error) != STATUS_SUCCESS)
			return request_fail_managed(r, &error);
		if (!set_on_node(r, name, key) ||
		    (!strcmp(key, "anti_affinity") && !check_class(r, text)) ||
		    (!strcmp(key, "addresses") && !check_addresses(r, text)) ||
		    ((!strcmp(key, "aliases") || !strcmp(key, "fqdn")) &&
		     !check_unique(r, name, text)))
			return false;
	}
	server = serving_server(name);
	return server ? set_online(r, server, settings) : set_offline(r, name, settings);
}

bool do_server_settings(struct request *r)
{
	size_t count;
	const struct manage_setting *settings = manage_settings(&count);

	r->result = json_object();
	for (size_t i = 0; i < count; i++) {
		auto_free char *value = store_setting(r->server->store, settings[i].key);

		json_object_set_new(r->result, settings[i].key, json_string(value ? value : ""));
	}
	return true;
}
