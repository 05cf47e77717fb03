// SPDX-License-Identifier: Apache-2.0
/*
 * What is told of nodes and file servers, as JSON. The facts of a server are kept in its record as
 * well, so that a listing can show a server that is offline as it was last known.
 */
#include "node.h"

#include <errno.h>
#include <strings.h>
#include <unistd.h>

static json_t *list_of(const char *text)
{
	auto_free char *copy = xstrdup(text ? text : "");
	json_t *list = json_array();
	char *rest = copy, *word;

	while ((word = strsep(&rest, ", ")) != NULL) {
		if (word[0])
			json_array_append_new(list, json_string(word));
	}
	return list;
}

/* Addresses as a client dials them: without the length of the prefix. */
static json_t *bare_list_of(const char *text)
{
	json_t *list = list_of(text), *word;
	size_t i;

	json_array_foreach(list, i, word)
	{
		const char *whole = json_string_value(word);

		json_array_set_new(list, i, json_stringn(whole, strcspn(whole, "/")));
	}
	return list;
}

static long number_setting(struct store *store, const char *key, long fallback)
{
	auto_free char *text = store_setting(store, key);

	return text && text[0] ? strtol(text, NULL, 10) : fallback;
}

static json_t *settings_facts(struct store *store)
{
	auto_free char *visibility = store_setting(store, "visibility");
	auto_free char *addresses = store_setting(store, "addresses");
	auto_free char *aliases = store_setting(store, "aliases");
	auto_free char *fqdn = store_setting(store, "fqdn");
	auto_free char *class = store_setting(store, "anti_affinity");

	return json_pack("{s:s, s:o, s:o, s:i, s:o, s:s, s:s*}", "visibility",
			 visibility ? visibility : "server", "addresses", bare_list_of(addresses),
			 "networks", list_of(addresses), "port",
			 (int)number_setting(store, "port", 445), "aliases", list_of(aliases),
			 "fqdn", fqdn ? fqdn : "", "anti_affinity",
			 class && class[0] ? class : NULL);
}

/* The shares that the store holds, by name. */
static json_t *share_names(struct store *store)
{
	json_t *list = json_array();
	struct store_share *shares;
	size_t count;

	if (store_shares(store, &shares, &count))
		return list;
	for (size_t i = 0; i < count; i++) {
		json_array_append_new(list, json_string(shares[i].name));
		store_share_free(&shares[i]);
	}
	free(shares);
	return list;
}

static json_t *facts_from(struct store *store)
{
	json_t *facts = settings_facts(store);

	json_object_set_new(facts, "shares", share_names(store));
	return facts;
}

json_t *facts_of(struct server *server)
{
	return facts_from(server->store);
}

static void policy_from(struct store *store, struct cluster_policy *p)
{
	const struct cluster_policy normal = cluster_policy_default();
	auto_free char *failback = store_setting(store, "failback");

	p->restart_threshold =
		(uint32_t)number_setting(store, "restart_threshold", normal.restart_threshold);
	p->restart_period_s =
		(uint32_t)number_setting(store, "restart_period_s", normal.restart_period_s);
	p->retry_period_s =
		(uint32_t)number_setting(store, "retry_period_s", normal.retry_period_s);
	p->pending_timeout_s =
		(uint32_t)number_setting(store, "pending_timeout_s", normal.pending_timeout_s);
	p->failback = failback && !strcmp(failback, "yes");
	p->failback_from = (int)number_setting(store, "failback_from", -1);
	p->failback_to = (int)number_setting(store, "failback_to", -1);
}

static void preferred_from(struct store *store, struct server_record *record)
{
	auto_free char *list = store_setting(store, "preferred_owners");
	char *rest = list, *word;

	memset(record->preferred, 0, sizeof(record->preferred));
	record->preferred_count = 0;
	while (rest && (word = strsep(&rest, ", ")) != NULL) {
		if (cluster_name_ok(word) && record->preferred_count < CLUSTER_MAX_PREFERRED)
			snprintf(record->preferred[record->preferred_count++], CLUSTER_MAX_NAME,
				 "%s", word);
	}
}

static void fill_record(struct store *store, struct server_record *record)
{
	memset(&record->policy, 0, sizeof(record->policy)); /* padding too: it is compared */
	policy_from(store, &record->policy);
	preferred_from(store, record);
	json_decref(record->facts);
	record->facts = facts_from(store);
}

int facts_of_store(struct store *store, struct server_record *record, char **why)
{
	auto_free char *name = store_server_name(store);

	if (!name || !cluster_name_ok(name)) {
		*why = xasprintf("the database does not say whose it is: %s", store_problem());
		return -EUCLEAN;
	}
	snprintf(record->name, sizeof(record->name), "%s", name);
	fill_record(store, record);
	return 0;
}

void facts_publish(struct server *server)
{
	struct server_record record = { 0 };
	int error;

	if (server->is_node || !node.cluster)
		return;
	snprintf(record.name, sizeof(record.name), "%s", server->name);
	fill_record(server->store, &record);
	error = cluster_publish(node.cluster, &record);
	server_record_free(&record);
	if (error)
		log_error("record not published name=%s error=%s", server->name, strerror(-error));
}

static json_t *row_json(const struct cluster_row *row)
{
	cleanup(server_put_ptr) struct server *server =
		row->state == CLUSTER_ONLINE ? serving_server(row->record.name) : NULL;
	json_t *out = json_pack("{s:s, s:s, s:s, s:I, s:I, s:b, s:s, s:s}", "name",
				row->record.name, "state", cluster_state_name(row->state), "reason",
				row->reason, "since_ms", (json_int_t)row->since_ms, "epoch",
				(json_int_t)row->epoch, "want_online", (int)row->record.want_online,
				"volume", row->record.volume, "target", row->record.target);

	json_object_update(out, row->record.facts);
	if (!row->since_ms)
		json_object_del(out, "since_ms"); /* another machine's */
	if (node.config.engine == CLUSTER_PACEMAKER) {
		json_object_set_new(out, "owner",
				    row->owner[0] ? json_string(row->owner) : json_null());
		json_object_set(out, "parts", row->parts);
	}
	if (server) {
		struct volume_space space;

		json_object_set_new(out, "sessions",
				    json_integer((json_int_t)session_count(server)));
		if (volume_space(server->volume, &space) == STATUS_SUCCESS) {
			json_object_set_new(out, "free_bytes",
					    json_integer((json_int_t)space.caller_free_bytes));
			json_object_set_new(out, "total_bytes",
					    json_integer((json_int_t)space.total_bytes));
		}
	}
	return out;
}

json_t *facts_status(void)
{
	cleanup(server_put_ptr) struct server *own = serving_server(node.config.name);
	json_t *servers = json_array(), *self;
	struct cluster_row *rows;
	size_t count = cluster_rows(node.cluster, &rows);

	for (size_t i = 0; i < count; i++)
		json_array_append_new(servers, row_json(&rows[i]));
	cluster_rows_free(rows, count);
	self = json_pack("{s:s, s:s, s:s, s:i, s:i, s:s, s:i}", "name", node.config.name, "state",
			 "online", "address", node.config.address, "port", (int)node.config.port,
			 "pid", (int)getpid(), "io", io_backend_name(loop_backend(node.loops[0])),
			 "loops", (int)node.loop_count);
	json_object_set_new(self, "shares", own ? share_names(own->store) : json_array());
	json_object_set_new(self, "sessions", json_integer((json_int_t)session_count(NULL)));
	return json_pack("{s:o, s:o, s:o*}", "node", self, "servers", servers, "cluster",
			 cluster_view(node.cluster));
}
