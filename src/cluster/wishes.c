// SPDX-License-Identifier: Apache-2.0
/* What is wanted of file servers, written into their records for every node to see. */
#include "engine.h"
#include "pacemaker.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

/* The name as its record has it; -ENOENT and a sentence where there is none. */
static int real_name(struct cluster *c, const char *name, char out[CLUSTER_MAX_NAME], char **why)
{
	char **names;
	size_t count;
	int error = server_record_names(c->directory, &names, &count);
	bool found = false;

	if (error) {
		*why = xasprintf("cannot read %s/servers: %s", c->directory, strerror(-error));
		return error;
	}
	for (size_t i = 0; i < count; i++) {
		if (!found && !strcasecmp(names[i], name)) {
			snprintf(out, CLUSTER_MAX_NAME, "%s", names[i]);
			found = true;
		}
		free(names[i]);
	}
	free(names);
	if (!found)
		*why = xasprintf(
			"there is no file server \"%s\" in this cluster; berth server list "
			"shows those there are",
			name);
	return found ? 0 : -ENOENT;
}

static int change(struct cluster *c, const char *name,
		  int (*how)(struct server_record *record, void *arg), void *arg, char **why)
{
	char real[CLUSTER_MAX_NAME];
	int error = real_name(c, name, real, why);

	if (error)
		return error;
	error = server_record_change(c->directory, real, how, arg);
	if (error)
		*why = xasprintf("cannot change the record of %s: %s", real, strerror(-error));
	cluster_rescan(c);
	return error;
}

struct want {
	bool online;
	struct node_record *nodes;
	size_t count;
};

/* Who brings a server online that was on no node: its first preferred owner that lives. */
static int want(struct server_record *record, void *arg)
{
	const struct want *w = arg;
	bool comes = w->online && !record->want_online;

	record->want_online = w->online;
	record->generation++;
	if (comes && record->preferred_count) {
		snprintf(record->target, sizeof(record->target), "%s",
			 cluster_choose(record, w->nodes, w->count, ""));
		record->target_until_ms = realtime_ms() + MOVE_TIMEOUT_MS;
	} else if (!w->online) {
		record->target[0] = '\0';
		record->target_until_ms = 0;
	}
	return 0;
}

int cluster_want(struct cluster *c, const char *name, bool online, char **why)
{
	struct want w = { .online = online };
	int error;

	if (c->pacemaker)
		return pacemaker_want(c->pacemaker, name, online, why);
	error = cluster_nodes(c->directory, &w.nodes, &w.count);
	if (error) {
		*why = xasprintf("cannot read the nodes in %s: %s", c->directory, strerror(-error));
		return error;
	}
	error = change(c, name, want, &w, why);
	free(w.nodes);
	return error;
}

static int move(struct server_record *record, void *arg)
{
	const char *target = arg;

	if (!record->want_online)
		return -ENOTCONN;
	snprintf(record->target, sizeof(record->target), "%s", target);
	record->target_until_ms = realtime_ms() + MOVE_DRAIN_MS;
	record->generation++;
	return 0;
}

int cluster_move(struct cluster *c, const char *name, const char *target, char **why)
{
	char real[CLUSTER_MAX_NAME], chosen[CLUSTER_MAX_NAME] = "";
	cleanup(server_record_free) struct server_record record = { 0 };
	struct node_record *nodes;
	size_t count;
	int error;

	if (c->pacemaker)
		return pacemaker_move(c->pacemaker, name, target, why);
	error = real_name(c, name, real, why);
	if (error)
		return error;
	error = server_record_read(c->directory, real, &record);
	if (!error)
		error = cluster_nodes(c->directory, &nodes, &count);
	if (error) {
		*why = xasprintf("cannot read the records of %s: %s", real, strerror(-error));
		return error;
	}
	if (target[0]) {
		for (size_t i = 0; i < count; i++) {
			if (nodes[i].is_alive && !strcasecmp(nodes[i].name, target))
				memcpy(chosen, nodes[i].name, sizeof(chosen));
		}
	} else {
		snprintf(chosen, sizeof(chosen), "%s",
			 cluster_choose(&record, nodes, count, c->node));
	}
	free(nodes);
	if (!chosen[0]) {
		*why = target[0]
			       ? xasprintf(
					 "the node %s is not up; berth status shows those that are",
					 target)
			       : xasprintf("no other node is up to move %s to", real);
		return -EHOSTUNREACH;
	}
	error = server_record_change(c->directory, real, move, chosen);
	if (error == -ENOTCONN)
		*why = xasprintf(
			"%s is offline and stays where it is; bring it online first: berth "
			"server online %s",
			real, real);
	else if (error)
		*why = xasprintf("cannot change the record of %s: %s", real, strerror(-error));
	cluster_rescan(c);
	return error;
}

/* A name may be used once: by a server or by a node. */
static int name_is_free(struct cluster *c, const char *name, char **why)
{
	char other[CLUSTER_MAX_NAME];
	struct node_record *nodes;
	size_t count;
	bool taken = false;
	int error = real_name(c, name, other, why);

	if (!error) {
		*why = xasprintf("there is a file server \"%s\" already in this cluster", other);
		return -EEXIST;
	}
	free(*why);
	*why = NULL;
	if (error != -ENOENT)
		return error;
	error = cluster_nodes(c->directory, &nodes, &count);
	if (error)
		return error;
	for (size_t i = 0; i < count; i++)
		taken |= !strcasecmp(nodes[i].name, name);
	free(nodes);
	if (taken)
		*why = xasprintf("\"%s\" is the name of a node", name);
	return taken ? -EEXIST : 0;
}

int cluster_add(struct cluster *c, struct server_record *record, char **why)
{
	auto_free char *lock_path = xasprintf("%s/servers.lock", c->directory);
	auto_close int lock = -1;
	struct node_record *nodes;
	size_t count;
	int error;

	if (c->pacemaker)
		return pacemaker_add(c->pacemaker, record, why);
	lock = lock_open(lock_path);
	if (!cluster_name_ok(record->name)) {
		*why = xasprintf("\"%s\" is no name for a file server: use letters, digits and '-'",
				 record->name);
		return -EINVAL;
	}
	do
		error = lock < 0 ? lock : lock_wait(lock);
	while (error == -EINTR);
	if (!error)
		error = name_is_free(c, record->name, why);
	if (!error)
		error = cluster_nodes(c->directory, &nodes, &count);
	if (!error) {
		const char *first = record->preferred_count
					    ? cluster_choose(record, nodes, count, "")
					    : c->node;

		snprintf(record->target, sizeof(record->target), "%s", first);
		record->target_until_ms = realtime_ms() + MOVE_TIMEOUT_MS;
		free(nodes);
		error = server_record_write(c->directory, record);
	}
	if (error && !*why)
		*why = xasprintf("cannot write the record of %s: %s", record->name,
				 strerror(-error));
	cluster_rescan(c);
	return error;
}

int cluster_remove(struct cluster *c, const char *name, char **why)
{
	char real[CLUSTER_MAX_NAME], home_lock[CLUSTER_MAX_PATH + 32];
	cleanup(server_record_free) struct server_record record = { 0 };
	auto_close int fd = -1;
	int error;

	if (c->pacemaker)
		return pacemaker_remove(c->pacemaker, name, why);
	error = real_name(c, name, real, why);
	if (error)
		return error;
	error = server_record_read(c->directory, real, &record);
	if (!error && record.want_online)
		error = -EBUSY;
	if (!error) {
		snprintf(home_lock, sizeof(home_lock), "%s/.berth/owner.lock", record.volume);
		fd = lock_open(home_lock);
		if (fd >= 0 && lock_try(fd) != 0)
			error = -EBUSY;
	}
	if (error == -EBUSY)
		*why = xasprintf("%s is not offline; first: berth server offline %s", real, real);
	else if (!error)
		error = server_record_remove(c->directory, real);
	if (error && !*why)
		*why = xasprintf("cannot remove the record of %s: %s", real, strerror(-error));
	cluster_rescan(c);
	return error;
}

static bool same_policy(const struct cluster_policy *a, const struct cluster_policy *b)
{
	return a->restart_threshold == b->restart_threshold &&
	       a->restart_period_s == b->restart_period_s &&
	       a->retry_period_s == b->retry_period_s &&
	       a->pending_timeout_s == b->pending_timeout_s && a->failback == b->failback &&
	       a->failback_from == b->failback_from && a->failback_to == b->failback_to;
}

static int publish(struct server_record *record, void *arg)
{
	const struct server_record *changed = arg;

	if (json_equal(record->facts, changed->facts) &&
	    record->preferred_count == changed->preferred_count &&
	    !memcmp(record->preferred, changed->preferred, sizeof(record->preferred)) &&
	    same_policy(&record->policy, &changed->policy))
		return 1;
	json_decref(record->facts);
	record->facts = json_deep_copy(changed->facts);
	memcpy(record->preferred, changed->preferred, sizeof(record->preferred));
	record->preferred_count = changed->preferred_count;
	record->policy = changed->policy;
	return 0;
}

int cluster_publish(struct cluster *c, const struct server_record *changed)
{
	struct server_record copy = *changed;
	int error;

	if (c->pacemaker)
		return pacemaker_publish(c->pacemaker, changed);
	error = server_record_change(c->directory, changed->name, publish, &copy);
	cluster_rescan(c);
	return error;
}
