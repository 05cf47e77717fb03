// SPDX-License-Identifier: Apache-2.0
/* Requests about the settings of a file server, online or not. */
#include "requests_server.h"

#include <errno.h>
#include <strings.h>

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
	lock = server_lock_home(home);
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
		    (!strcmp(key, "anti_affinity") && !server_check_class(r, text)) ||
		    (!strcmp(key, "addresses") && !server_check_addresses(r, text)) ||
		    ((!strcmp(key, "aliases") || !strcmp(key, "fqdn")) &&
		     !server_check_unique(r, name, text)))
			return false;
	}
	server = serving_server(name);
	return server ? set_online(r, server, settings) : set_offline(r, name, settings);
}

bool do_server_settings(struct request *r)
{
	char sid[SID_TEXT_SIZE];
	size_t count;
	const struct manage_setting *settings = manage_settings(&count);

	r->result = json_object();
	json_object_set_new(r->result, "sid", json_string(sid_format(&r->server->domain_sid, sid)));
	for (size_t i = 0; i < count; i++) {
		auto_free char *value = store_setting(r->server->store, settings[i].key);

		json_object_set_new(r->result, settings[i].key, json_string(value ? value : ""));
	}
	return true;
}
