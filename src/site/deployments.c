// SPDX-License-Identifier: Apache-2.0
/* Deployments: a program of a package for a collection. */
#include "deploy_impl.h"

#include <errno.h>

static int program_exists(struct site *site, const char *package, const char *program, char **why)
{
	struct query q =
		query_begin(site, "SELECT 1 FROM programs WHERE package = ?1 AND name = ?2");
	bool found;

	query_text(&q, package);
	query_text(&q, program);
	found = query_row(&q);
	if (query_end(&q, why))
		return -EIO;
	return found ? 0
		     : site_fail(why, -ENOENT,
				 "package \"%s\" has no program \"%s\"; berth package program "
				 "makes it",
				 package, program);
}

/* Numbers are never used twice: clients remember what they ran by them. */
static int next_id(struct site *site, char *id, char **why)
{
	struct query q = query_begin(site, "UPDATE policy_state SET last_deployment ="
					   " last_deployment + 1 RETURNING last_deployment");
	int64_t number = query_row(&q) ? query_number_at(&q, 0) : 0;
	int error = query_end(&q, why);

	snprintf(id, DEPLOYMENT_ID_MAX + 1, "%s-%lld", site_code(site), (long long)number);
	return error;
}

static int insert(struct site *site, const struct deployment_wish *w, const char *id, char **why)
{
	struct query q = query_begin(
		site, "INSERT INTO deployments(id, package, program, collection, purpose, rerun,"
		      " available, deadline, expires, ord, beats, revision, created)"
		      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, ?12)");

	query_text(&q, id);
	query_text(&q, w->package);
	query_text(&q, w->program);
	query_text(&q, w->collection);
	query_text(&q, purpose_name(w->purpose));
	query_text(&q, rerun_name(w->rerun));
	query_number(&q, w->available_s);
	query_number(&q, w->deadline_s);
	query_number(&q, w->expires_s);
	query_number(&q, w->order);
	query_number(&q, w->deadline_beats_windows);
	query_number(&q, now_s());
	return query_run(&q, why);
}

int deployment_create(struct site *site, const struct deployment_wish *wish, char *id, char **why)
{
	struct package package auto_package = { 0 };
	struct deployment d auto_deployment = { 0 };
	int error = package_find(site, wish->package, &package, why);

	if (!error)
		error = program_exists(site, wish->package, wish->program, why);
	if (!error)
		error = collection_exists(site, wish->collection, why);
	if (error)
		return error;
	if (wish->deadline_s && wish->deadline_s < wish->available_s)
		return site_fail(why, -EINVAL,
				 "the deadline is before the time from which on it is available");
	error = site_begin(site, why);
	if (error)
		return error;
	error = next_id(site, id, why);
	if (!error)
		error = insert(site, wish, id, why);
	if (!error)
		error = deployment_read(site, id, &d, NULL, why);
	if (error)
		site_rollback(site);
	return error ? error : site_commit(site, why);
}

int deployment_remove(struct site *site, const char *id, char **why)
{
	struct query q = query_begin(site, "DELETE FROM deployments WHERE id = ?1");
	int error;

	query_text(&q, id);
	error = query_run(&q, why);
	if (error || query_changed(site))
		return error;
	return site_fail(why, -ENOENT, "there is no deployment \"%s\"", id);
}

int deployment_rerun(struct site *site, const char *id, bool *runs_once, char **why)
{
	struct query q = query_begin(site, "UPDATE deployments SET revision = revision + 1"
					   " WHERE id = ?1 RETURNING rerun");
	bool found = false;
	int error;

	query_text(&q, id);
	while (query_row(&q)) {
		found = true;
		*runs_once = !strcmp(query_text_at(&q, 0), rerun_name(RERUN_NEVER));
	}
	error = query_end(&q, why);
	if (error || found)
		return error;
	return site_fail(why, -ENOENT, "there is no deployment \"%s\"", id);
}

static bool take_command(const char *text, struct deployment *out)
{
	json_t *list auto_json = json_loads(text, 0, NULL);
	size_t count = json_array_size(list);

	if (!count || count > DEPLOYMENT_WORDS_MAX)
		return false;
	out->command = xalloc(count + 1, sizeof(*out->command));
	for (size_t i = 0; i < count; i++) {
		const char *word = json_string_value(json_array_get(list, i));

		out->command[out->word_count++] = xstrdup(word ? word : "");
	}
	return true;
}

static void take_success(const char *text, struct deployment *out)
{
	json_t *list auto_json = json_loads(text, 0, NULL);

	for (size_t i = 0; i < json_array_size(list) && i < DEPLOYMENT_CODES_MAX; i++)
		out->success[out->success_count++] = json_integer_value(json_array_get(list, i));
}

static bool take_row(const struct query *q, const char *id, struct deployment *out)
{
	snprintf(out->id, sizeof(out->id), "%s", id);
	out->name = xasprintf("%s %s", query_text_at(q, 0), query_text_at(q, 1));
	out->package = xstrdup(query_text_at(q, 0));
	out->available_s = query_number_at(q, 5);
	out->deadline_s = query_number_at(q, 6);
	out->expires_s = query_number_at(q, 7);
	out->order = query_number_at(q, 8);
	out->deadline_beats_windows = query_number_at(q, 9);
	out->revision = query_number_at(q, 10);
	out->version = query_number_at(q, 11);
	(void)query_blob_at(q, 12, out->manifest, SHA256_LENGTH);
	out->bytes = query_number_at(q, 13);
	out->condition = xstrdup(query_text_at(q, 15));
	out->limit_s = query_number_at(q, 16);
	take_success(query_text_at(q, 17), out);
	return take_command(query_text_at(q, 14), out) &&
	       restart_of(query_text_at(q, 18), &out->restart) &&
	       purpose_of(query_text_at(q, 3), &out->purpose) &&
	       rerun_of(query_text_at(q, 4), &out->rerun) && !deployment_check(out);
}

int deployment_read(struct site *site, const char *id, struct deployment *out, char **collection,
		    char **why)
{
	struct query q = query_begin(
		site, "SELECT d.package, d.program, d.collection, d.purpose, d.rerun, d.available,"
		      " d.deadline, d.expires, d.ord, d.beats, d.revision, p.version, p.manifest,"
		      " p.bytes, g.command, g.condition, g.limit_s, g.success, g.restart"
		      " FROM deployments d JOIN packages p ON p.name = d.package"
		      " JOIN programs g ON g.package = d.package AND g.name = d.program"
		      " WHERE d.id = ?1");
	bool found, good = false;

	*out = (struct deployment){ 0 };
	query_text(&q, id);
	found = query_row(&q);
	if (found) {
		good = take_row(&q, id, out);
		if (collection)
			*collection = xstrdup(query_text_at(&q, 2));
	}
	if (query_end(&q, why))
		return -EIO;
	if (!found)
		return site_fail(why, -ENOENT, "there is no deployment \"%s\"", id);
	return good ? 0 : site_fail(why, -EINVAL, "deployment \"%s\" is not what it must be", id);
}

json_t *deployment_ids(struct site *site, char **why)
{
	struct query q = query_begin(site, "SELECT id FROM deployments ORDER BY created, id");
	json_t *ids = json_array();

	while (query_row(&q))
		json_array_append_new(ids, json_string(query_text_at(&q, 0)));
	if (!query_end(&q, why))
		return ids;
	json_decref(ids);
	return NULL;
}

json_t *deployment_list(struct site *site, char **why)
{
	struct query q = query_begin(
		site,
		"SELECT d.id, d.package, p.version, d.program, d.collection, d.purpose, d.rerun,"
		" d.available, d.deadline, d.expires, d.ord AS \"order\", d.revision,"
		" (SELECT count(*) FROM client_deployments c WHERE c.deployment = d.id"
		" AND c.state = 'succeeded') AS succeeded,"
		" (SELECT count(*) FROM client_deployments c WHERE c.deployment = d.id"
		" AND c.state = 'failed') AS failed,"
		" (SELECT count(*) FROM client_deployments c WHERE c.deployment = d.id)"
		" AS reported"
		" FROM deployments d JOIN packages p ON p.name = d.package ORDER BY d.created");

	return query_rows(&q, why);
}

/* What clients have reported, by deployment and client; the key is "id client". */
static json_t *reported(struct site *site, const char *id, char **why)
{
	struct query q = query_begin(
		site, "SELECT r.deployment || ' ' || r.client AS key, r.state, r.message, r.reason,"
		      " r.exit, r.version, r.revision, r.since, r.output FROM client_deployments r"
		      " WHERE ?1 IS NULL OR r.deployment = ?1");
	json_t *rows, *by_key = json_object(), *row;
	size_t i;

	query_text(&q, id);
	rows = query_json(&q);
	json_array_foreach(rows, i, row)
	{
		const char *key = json_string_value(json_object_get(row, "key"));

		json_object_set(by_key, key, row);
	}
	json_decref(rows);
	if (!query_end(&q, why))
		return by_key;
	json_decref(by_key);
	return NULL;
}

static json_t *names_of_clients(struct site *site)
{
	struct query q = query_begin(site, "SELECT id, name, seen FROM clients");
	json_t *names = json_object();

	while (query_row(&q))
		json_object_set_new(names, query_text_at(&q, 0),
				    json_pack("{s:s, s:I}", "name", query_text_at(&q, 1), "seen",
					      (json_int_t)query_number_at(&q, 2)));
	(void)query_end(&q, NULL);
	return names;
}

static json_t *status_row(const char *id, const char *client, const json_t *known,
			  const json_t *names)
{
	auto_free char *key = xasprintf("%s %s", id, client);
	json_t *row = json_object(), *report = json_object_get(known, key);
	const json_t *entry = json_object_get(names, client);

	if (report) {
		json_object_update(row, report);
		json_object_del(row, "key");
	} else {
		json_object_set_new(row, "state", json_string("none"));
		json_object_set_new(row, "reason", json_string("it has not reported yet"));
	}
	json_object_set_new(row, "deployment", json_string(id));
	json_object_set_new(row, "client", json_string(client));
	json_object_set(row, "name", json_object_get(entry, "name"));
	json_object_set(row, "seen", json_object_get(entry, "seen"));
	return row;
}

json_t *deployment_status(struct site *site, const char *id, char **why)
{
	json_t *ids auto_json = id ? json_pack("[s]", id) : deployment_ids(site, why);
	json_t *known auto_json = reported(site, id, why);
	json_t *names auto_json = names_of_clients(site);
	json_t *rows = json_array();

	for (size_t i = 0; rows && i < json_array_size(ids); i++) {
		const char *one = json_string_value(json_array_get(ids, i));
		auto_free char *collection = NULL;
		struct deployment d auto_deployment = { 0 };
		json_t *clients auto_json = NULL;

		if (!deployment_read(site, one, &d, &collection, why))
			clients = collection_clients(site, collection, why);
		for (size_t k = 0; k < json_array_size(clients); k++)
			json_array_append_new(
				rows, status_row(one, json_string_value(json_array_get(clients, k)),
						 known, names));
		if (clients)
			continue;
		json_decref(rows);
		rows = NULL;
	}
	return rows;
}
