// SPDX-License-Identifier: Apache-2.0
/* The roll-up: objects to roles, roles to systems, systems to the site; each red row says why. */
#include "status_impl.h"

#include <site/object.h>

#include <site/db.h>

#define BEAT_LATE_S 60 /* the server says every few seconds that it lives */

/* What the last report of an object says, where it was not OK. */
static void put_reason(json_t *row, const struct object *o, const json_t *report)
{
	const json_t *failure = json_object_get(report, "failure");

	if (o->state.reach == REACH_NEVER) {
		json_object_set_new(row, "reason", json_string("It has not been checked yet."));
	} else if (json_is_object(failure)) {
		json_object_set(row, "reason", json_object_get(report, "message"));
		json_object_set(row, "failure", (json_t *)(uintptr_t)failure);
	} else if (o->state.space == HEALTH_WARNING || o->state.space == HEALTH_CRITICAL) {
		auto_free char *text = xasprintf("Free space is below the %s threshold.",
						 health_name(o->state.space));

		json_object_set_new(row, "reason", json_string(text));
	} else if (json_is_string(json_object_get(report, "message"))) {
		json_object_set(row, "reason", json_object_get(report, "message"));
	}
}

static void put_acknowledged(struct site *site, json_t *row, int64_t id, json_t **report)
{
	struct query q = query_begin(site, "SELECT report, acknowledged_by, acknowledged, comment,"
					   " duration_ms FROM object_state WHERE object = ?1");

	query_number(&q, id);
	if (query_row(&q)) {
		*report = json_loads(query_text_at(&q, 0), 0, NULL);
		json_object_set_new(row, "duration_ms", json_integer(query_number_at(&q, 4)));
		if (!query_null_at(&q, 1))
			json_object_set_new(row, "acknowledged",
					    json_pack("{s:s, s:I, s:s}", "by", query_text_at(&q, 1),
						      "time", (json_int_t)query_number_at(&q, 2),
						      "comment", query_text_at(&q, 3)));
	}
	(void)query_end(&q, NULL);
}

static json_t *time_or_null(int64_t time)
{
	return time ? json_integer(time) : json_null();
}

static json_t *object_row(struct site *site, const struct object *o, const char *usual)
{
	const char *account = o->account ? o->account : usual;
	const struct watch_state *s = &o->state;
	json_t *row = json_object(), *report = NULL;

	json_object_set_new(row, "path", json_string(o->path));
	json_object_set_new(row, "account", *account ? json_string(account) : json_null());
	json_object_set_new(row, "state", json_string(health_name(watch_health(s))));
	json_object_set_new(row, "reach", json_string(reach_name(s->reach)));
	json_object_set_new(row, "is_paused", json_boolean(o->paused));
	json_object_set_new(row, "checked", time_or_null(s->checked_s));
	json_object_set_new(row, "changed", time_or_null(s->changed_s));
	json_object_set_new(row, "down_since", time_or_null(s->down_since_s));
	json_object_set_new(row, "failures", json_integer(s->failures));
	json_object_set_new(row, "free_bytes",
			    s->total_bytes ? json_integer(s->free_bytes) : json_null());
	json_object_set_new(row, "total_bytes",
			    s->total_bytes ? json_integer(s->total_bytes) : json_null());
	json_object_set_new(row, "full_on", time_or_null(object_forecast(site, o->id)));
	put_acknowledged(site, row, o->id, &report);
	put_reason(row, o, report);
	json_decref(report);
	return row;
}

/* A level of the tree that is being built: objects come in the order of systems and roles. */
struct level {
	json_t *node, *children;
	const char *name;
	enum health health;
};

static void level_end(struct level *level)
{
	if (level->node)
		json_object_set_new(level->node, "state", json_string(health_name(level->health)));
	*level = (struct level){ 0 };
}

static void level_enter(struct level *level, json_t *parent, const char *key, const char *name,
			const char *children)
{
	level->node = json_object();
	level->children = json_array();
	level->name = name;
	level->health = HEALTH_OK;
	json_object_set_new(level->node, key, json_string(name));
	json_object_set_new(level->node, "state", json_null());
	json_object_set_new(level->node, children, level->children);
	json_array_append_new(parent, level->node);
}

static enum health put_objects(struct site *site, json_t *systems, const struct object *objects,
			       size_t count)
{
	auto_free char *usual = site_setting(site, "account");
	struct level system = { 0 }, role = { 0 };
	enum health whole = HEALTH_OK;

	for (size_t i = 0; i < count; i++) {
		const struct object *o = &objects[i];
		enum health health = o->paused ? HEALTH_OK : watch_health(&o->state);

		if (!system.name || strcmp(system.name, o->system) != 0) {
			level_end(&role);
			level_end(&system);
			level_enter(&system, systems, "system", o->system, "roles");
		}
		if (!role.name || strcmp(role.name, o->role) != 0) {
			level_end(&role);
			level_enter(&role, system.children, "role", o->role, "objects");
		}
		json_array_append_new(role.children, object_row(site, o, usual));
		role.health = watch_worse(role.health, health);
		system.health = watch_worse(system.health, health);
		whole = watch_worse(whole, health);
	}
	level_end(&role);
	level_end(&system);
	return whole;
}

/* Whether anybody watches: else all that is shown may be old. */
static enum health put_server(struct site *site, json_t *status)
{
	struct query q =
		query_begin(site, "SELECT machine, started, beat, polls, late_ms, busy FROM"
				  " heartbeat");
	bool runs = site_is_owned(site), beats = false;
	json_t *server = json_object();
	const char *reason = NULL;

	if (query_row(&q)) {
		beats = now_s() - query_number_at(&q, 2) <= BEAT_LATE_S;
		json_object_set_new(server, "machine", json_string(query_text_at(&q, 0)));
		json_object_set_new(server, "started", json_integer(query_number_at(&q, 1)));
		json_object_set_new(server, "beat", json_integer(query_number_at(&q, 2)));
		json_object_set_new(server, "checks", json_integer(query_number_at(&q, 3)));
		json_object_set_new(server, "late_ms", json_integer(query_number_at(&q, 4)));
		json_object_set_new(server, "under_way", json_integer(query_number_at(&q, 5)));
	}
	(void)query_end(&q, NULL);
	if (!runs)
		reason = "The site's server (berth-site) does not run: nothing is watched, and "
			 "what is "
			 "shown is old.";
	else if (!beats)
		reason = "The site's server (berth-site) runs but has stopped to check: what is "
			 "shown is "
			 "old.";
	json_object_set_new(server, "is_running", json_boolean(runs));
	json_object_set_new(server, "state",
			    json_string(health_name(reason ? HEALTH_CRITICAL : HEALTH_OK)));
	if (reason)
		json_object_set_new(server, "reason", json_string(reason));
	json_object_set_new(status, "server", server);
	return reason ? HEALTH_CRITICAL : HEALTH_OK;
}

json_t *site_status(struct site *site, char **why)
{
	json_t *status = json_object(), *systems = json_array();
	struct object *objects = NULL;
	size_t count = 0;
	enum health health;

	if (object_load(site, &objects, &count, why)) {
		json_decref(status);
		json_decref(systems);
		return NULL;
	}
	json_object_set_new(status, "site", json_string(site_code(site)));
	json_object_set_new(status, "state", json_null());
	health = put_server(site, status);
	health = watch_worse(health, put_objects(site, systems, objects, count));
	health = watch_worse(health, status_put_work(site, status));
	json_object_set_new(status, "state", json_string(health_name(health)));
	json_object_set_new(status, "systems", systems);
	for (size_t i = 0; i < count; i++)
		object_free(&objects[i]);
	free(objects);
	return status;
}
