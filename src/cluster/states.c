// SPDX-License-Identifier: Apache-2.0
/* The states of a file server on a node, the moves between them, and where it goes next. */
#include <cluster/cluster.h>

#include <strings.h>

static const char *const names[CLUSTER_STATES] = {
	[CLUSTER_OFFLINE] = "offline",
	[CLUSTER_STANDBY] = "standby",
	[CLUSTER_ONLINE_PENDING] = "online-pending",
	[CLUSTER_ONLINE] = "online",
	[CLUSTER_OFFLINE_PENDING] = "offline-pending",
	[CLUSTER_FAILED] = "failed",
};

#define TO(state) (1u << CLUSTER_##state)

static const unsigned int moves[CLUSTER_STATES] = {
	[CLUSTER_OFFLINE] = TO(STANDBY),
	[CLUSTER_STANDBY] = TO(OFFLINE) | TO(ONLINE_PENDING) | TO(FAILED),
	[CLUSTER_ONLINE_PENDING] = TO(ONLINE) | TO(OFFLINE_PENDING) | TO(FAILED),
	[CLUSTER_ONLINE] = TO(OFFLINE_PENDING),
	[CLUSTER_OFFLINE_PENDING] = TO(OFFLINE) | TO(STANDBY) | TO(ONLINE_PENDING) | TO(FAILED),
	[CLUSTER_FAILED] = TO(OFFLINE) | TO(STANDBY),
};

const char *cluster_state_name(enum cluster_state state)
{
	return (unsigned int)state < CLUSTER_STATES ? names[state] : "unknown";
}

bool cluster_state_parse(const char *text, enum cluster_state *out)
{
	for (int i = 0; i < CLUSTER_STATES; i++) {
		if (!strcmp(names[i], text)) {
			*out = (enum cluster_state)i;
			return true;
		}
	}
	return false;
}

bool cluster_move_allowed(enum cluster_state from, enum cluster_state to)
{
	return (unsigned int)from < CLUSTER_STATES && (unsigned int)to < CLUSTER_STATES &&
	       (moves[from] & 1u << to) != 0;
}

static const struct node_record *living(const struct node_record *nodes, size_t count,
					const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (nodes[i].is_alive && !strcasecmp(nodes[i].name, name))
			return &nodes[i];
	}
	return NULL;
}

/* From behind the current owner down the list of preferred owners, then on by name; both wrap. */
const char *cluster_choose(const struct server_record *record, const struct node_record *nodes,
			   size_t count, const char *current)
{
	size_t from = 0;

	for (size_t i = 0; i < record->preferred_count; i++) {
		if (!strcasecmp(record->preferred[i], current))
			from = i + 1;
	}
	for (size_t i = 0; i < record->preferred_count; i++) {
		const char *name = record->preferred[(from + i) % record->preferred_count];
		const struct node_record *node = living(nodes, count, name);

		if (node && strcasecmp(node->name, current) != 0)
			return node->name;
	}
	for (size_t i = 0; i < count; i++) {
		if (nodes[i].is_alive && strcasecmp(nodes[i].name, current) > 0)
			return nodes[i].name;
	}
	for (size_t i = 0; i < count; i++) {
		if (nodes[i].is_alive && strcasecmp(nodes[i].name, current) != 0)
			return nodes[i].name;
	}
	return "";
}
