// SPDX-License-Identifier: Apache-2.0
/* See fencings.h. */
#include "fencings.h"

#include <cluster/crm.h>

#include <stdio.h>
#include <strings.h>

#define CLOCK_SLACK_MS 1000 /* the history is in whole seconds */
#define KEY_SIZE       (CLUSTER_MAX_NAME + 24)

static const struct loss *loss_of(const struct fencings *f, uint32_t id)
{
	for (size_t i = 0; i < f->loss_count; i++) {
		if (f->losses[i].id == id)
			return &f->losses[i];
	}
	return NULL;
}

void fencings_note_loss(struct fencings *f, uint32_t id, int64_t now)
{
	size_t at = 0;

	f->lost++;
	while (at < f->loss_count && f->losses[at].id != id)
		at++;
	if (at == CLUSTER_MAX_NODES)
		return;
	f->losses[at] = (struct loss){ .id = id, .lost_ms = now, .number = f->lost };
	if (at == f->loss_count)
		f->loss_count++;
	/* Of a clock that was ahead: they would be told of this loss as well. */
	for (size_t i = 0; i < f->count; i++) {
		if (f->list[i].ended_ms >= now)
			f->list[i].begun_ms = f->list[i].ended_ms = 0;
	}
}

static struct fencing *fencing_of(struct fencings *f, const char *node)
{
	struct fencing *new;

	for (size_t i = 0; i < f->count; i++) {
		if (!strcasecmp(f->list[i].node, node))
			return &f->list[i];
	}
	if (f->count == CLUSTER_MAX_NODES)
		return NULL;
	new = &f->list[f->count++];
	snprintf(new->node, sizeof(new->node), "%s", node);
	return new;
}

/* Is it that a node was turned off? Turning one on, or giving it access again, is told as well. */
static bool is_end(const char *action)
{
	return !strcmp(action, "off") || !strcmp(action, "reboot");
}

struct event {
	const char *node, *status;
	int64_t completed_ms;
};

static bool read_event(const json_t *from, struct event *out)
{
	const char *action = json_string_value(json_object_get(from, "action"));
	const char *completed = json_string_value(json_object_get(from, "completed"));

	out->node = json_string_value(json_object_get(from, "target"));
	out->status = json_string_value(json_object_get(from, "status"));
	out->completed_ms = crm_time_ms(completed ? completed : "");
	return out->node && out->status && action && is_end(action) && cluster_name_ok(out->node);
}

/* Two of one second are one: the second vouches for nothing. */
static void key_of(const struct event *e, char key[KEY_SIZE])
{
	snprintf(key, KEY_SIZE, "%s %lld", e->node, (long long)e->completed_ms);
}

static bool succeeded(struct fencings *f, struct fencing *of, const struct event *e, int64_t from,
		      int64_t now)
{
	bool is_recent = e->completed_ms + CLOCK_SLACK_MS > from, is_new;
	char key[KEY_SIZE];

	key_of(e, key);
	is_new = f->known && !json_object_get(f->known, key);
	if (is_recent && is_new && of->after < f->looked)
		of->after = f->looked;
	if (!is_recent || of->ended_ms >= from)
		return false;
	of->ended_ms = now;
	if (of->begun_ms < from)
		of->begun_ms = now;
	return true;
}

bool fencings_look(struct fencings *f, const json_t *events, int64_t from, int64_t now)
{
	json_t *successes = json_object();
	bool pending = false, ended = false;
	size_t i;
	const json_t *event;

	json_array_foreach((json_t *)(uintptr_t)events, i, event)
	{
		struct event e;
		struct fencing *of = read_event(event, &e) ? fencing_of(f, e.node) : NULL;
		char key[KEY_SIZE];

		if (of && !strcmp(e.status, "pending")) {
			pending = true;
			if (of->begun_ms < from)
				of->begun_ms = now;
		} else if (of && !strcmp(e.status, "success")) {
			ended |= succeeded(f, of, &e, from, now);
			key_of(&e, key);
			json_object_set_new(successes, key, json_true());
		}
	}
	json_decref(f->known);
	f->known = successes;
	f->looked = f->lost;
	return ended && !pending;
}

bool fencings_vouch(const struct fencings *f, uint32_t id, const char *node)
{
	const struct loss *loss = loss_of(f, id);

	for (size_t i = 0; loss && i < f->count; i++) {
		if (!strcasecmp(f->list[i].node, node))
			return f->list[i].after >= loss->number;
	}
	return false;
}

int64_t fencings_lost(const struct fencings *f, uint32_t id)
{
	const struct loss *loss = loss_of(f, id);

	return loss ? loss->lost_ms : 0;
}

void fencings_forget_losses(struct fencings *f)
{
	f->loss_count = 0;
}

void fencings_free(struct fencings *f)
{
	json_decref(f->known);
	f->known = NULL;
}
