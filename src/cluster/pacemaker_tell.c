// SPDX-License-Identifier: Apache-2.0
/* What is told of file servers and nodes under Pacemaker: what it says, and over that what this
 * node knows better. Locks as in pacemaker.c. */
#include "pacemaker_inner.h"

#include <base/log.h>

#include <stdio.h>
#include <strings.h>

#define VIEW_AGE_MS 250

static void overlay(struct pacemaker *p, struct cluster_row *row)
{
	struct local *l;

	pthread_mutex_lock(&p->lock);
	l = pacemaker_find(p, row->record.name);
	if (l) {
		row->epoch = l->epoch;
		row->since_ms = l->since_ms;
		/*
		 * Of what is here this node knows more, and sooner; but a start that failed here is
		 * Pacemaker's to go on from, and no failure of the file server yet.
		 */
		if (l->state != CLUSTER_FAILED) {
			row->state = l->state;
			snprintf(row->owner, sizeof(row->owner), "%s", p->cluster->node);
		} else if (row->state == CLUSTER_ONLINE &&
			   !strcasecmp(row->owner, p->cluster->node)) {
			row->state = CLUSTER_FAILED;
			row->owner[0] = '\0';
		}
		if (l->reason[0])
			memcpy(row->reason, l->reason, sizeof(row->reason));
	}
	pthread_mutex_unlock(&p->lock);
}

/* Where Pacemaker does not answer: what is here. */
static size_t rows_without_view(struct pacemaker *p, struct cluster_row **out)
{
	size_t count = 0;

	pthread_mutex_lock(&p->lock);
	for (struct local *l = p->locals; l; l = l->next)
		count++;
	*out = xalloc(count + 1, sizeof(**out));
	count = 0;
	for (struct local *l = p->locals; l; l = l->next) {
		struct cluster_row *row = &(*out)[count++];

		snprintf(row->record.name, sizeof(row->record.name), "%s", l->name);
		snprintf(row->record.volume, sizeof(row->record.volume), "%s", l->volume);
		row->record.want_online = true;
		row->state = l->state;
		row->since_ms = l->since_ms;
		row->epoch = l->epoch;
		snprintf(row->owner, sizeof(row->owner), "%s", p->cluster->node);
		snprintf(row->reason, sizeof(row->reason), "%.500s",
			 l->reason[0] ? l->reason : p->trouble);
	}
	pthread_mutex_unlock(&p->lock);
	return count;
}

size_t pacemaker_rows(struct pacemaker *p, struct cluster_row **out)
{
	const struct crm_view *view;
	size_t count;

	pthread_mutex_lock(&p->view_lock);
	view = pacemaker_look(p, VIEW_AGE_MS);
	if (!p->viewed_ms) {
		count = rows_without_view(p, out);
		pthread_mutex_unlock(&p->view_lock);
		return count;
	}
	count = view->server_count;
	*out = xalloc(count + 1, sizeof(**out));
	for (size_t i = 0; i < count; i++) {
		const struct crm_server *s = &view->servers[i];
		struct cluster_row *row = &(*out)[i];

		row->record = s->record;
		row->record.facts = json_deep_copy(s->record.facts);
		json_object_del(row->record.facts, "published");
		row->state = s->state;
		memcpy(row->reason, s->reason, sizeof(row->reason));
		memcpy(row->owner, s->owner, sizeof(row->owner));
		row->parts = json_deep_copy(s->parts);
		overlay(p, row);
	}
	pthread_mutex_unlock(&p->view_lock);
	return count;
}

/* Votes, as corosync-quorumtool prints them: "Total votes:      3". */
static void add_votes(json_t *out)
{
	static const struct {
		const char *label, *key;
	} lines[] = { { "Expected votes:", "expected_votes" },
		      { "Total votes:", "votes" },
		      { "Quorum:", "votes_needed" } };
	/* It ends with another status than 0 where there is no quorum, and says all the same. */
	static const char *const argv[] = { "corosync-quorumtool", "-s", NULL };
	auto_free char *text = crm_text(argv);

	if (!text)
		return;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		const char *at = strstr(text, lines[i].label);

		if (at)
			json_object_set_new(
				out, lines[i].key,
				json_integer(strtol(at + strlen(lines[i].label), NULL, 10)));
	}
}

static const char *node_state(const struct crm_node *node)
{
	if (node->is_unclean)
		return "unclean";
	if (!node->is_online)
		return "offline";
	return node->is_standby ? "paused" : "online";
}

json_t *pacemaker_view(struct pacemaker *p)
{
	json_t *nodes = json_array(), *out;
	const struct crm_view *view;

	pthread_mutex_lock(&p->view_lock);
	view = pacemaker_look(p, VIEW_AGE_MS);
	for (size_t i = 0; i < view->node_count; i++)
		json_array_append_new(nodes,
				      json_pack("{s:s, s:s, s:s}", "name", view->nodes[i].name,
						"state", node_state(&view->nodes[i]), "version",
						view->nodes[i].version));
	out = json_pack("{s:s, s:b, s:b, s:b, s:s, s:o, s:O?, s:s}", "engine", "pacemaker",
			"quorum", (int)view->has_quorum, "fencing", (int)view->has_fencing,
			"maintenance", (int)view->in_maintenance, "no_quorum_policy",
			view->no_quorum_policy, "nodes", nodes, "fencing_history", view->fencing,
			"trouble", p->trouble);
	pthread_mutex_unlock(&p->view_lock);
	add_votes(out);
	return out;
}
