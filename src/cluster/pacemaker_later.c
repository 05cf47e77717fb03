// SPDX-License-Identifier: Apache-2.0
/*
 * What can wait, on a thread of its own: facts and settings are written into Pacemaker's
 * configuration, moves that are over are taken out of it, and it is found out how a file server
 * came to this node. Locks as in pacemaker.c.
 */
#include "pacemaker_inner.h"

#include <base/log.h>

#include <errno.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#define LATER_TICK_MS	500
#define SETTLE_LIMIT_MS 120000
#define TOLD_LATE_MS	5000 /* the fencer may be slow to tell of a fencing; no longer than this */
#define AGENT_NOTES	"/run/resource-agents" /* where the agent of disks notes its times */

/* ---- how it came here */

/* When a file was last written; 0 where there is none. */
static int64_t written_ms(const char *what, const char *volume)
{
	auto_free char *name = xstrdup(volume);
	auto_free char *path = NULL;
	struct stat at;

	for (char *c = name; *c; c++)
		*c = *c == '/' ? '%' : *c;
	path = xasprintf(AGENT_NOTES "/berth-%s%s", what, name);
	if (lstat(path, &at) < 0)
		return 0;
	return (int64_t)at.st_mtim.tv_sec * 1000 + at.st_mtim.tv_nsec / 1000000;
}

/* What the volume tells of its last owner: the lease and the record that it left. */
void pacemaker_note_coming(struct local *l, const struct owner_record *owner)
{
	const struct home_lease_record *lease = home_lease_before(l->lease);
	struct failover *f = &l->coming;

	snprintf(f->from, sizeof(f->from), "%s", lease->node);
	snprintf(f->to, sizeof(f->to), "%s", l->p->cluster->node);
	f->mounting = written_ms("mounting", l->volume);
	f->mounted = written_ms("mounted", l->volume);
	if (lease->is_held) {
		f->kind = !strcasecmp(lease->node, f->to) ? FAILOVER_RESTART : FAILOVER_LOSS;
		f->leaving = lease->at_ms;
	} else if (lease->node[0] && !strcmp(owner->state, "released")) {
		f->kind = FAILOVER_MOVE;
		f->leaving = owner->leaving_ms;
	}
}

/* ---- what can wait */

int pacemaker_publish(struct pacemaker *p, const struct server_record *changed)
{
	int error = 0;

	pthread_mutex_lock(&p->lock);
	if (p->publish_count == MAX_LATER) {
		error = -EAGAIN;
	} else {
		struct server_record *slot = &p->publish[p->publish_count++];

		*slot = *changed;
		slot->facts = json_deep_copy(changed->facts);
		pthread_cond_broadcast(&p->changed);
	}
	pthread_mutex_unlock(&p->lock);
	return error;
}

void pacemaker_settle_later(struct pacemaker *p, const char *group)
{
	pthread_mutex_lock(&p->lock);
	if (p->settle_count < MAX_LATER) {
		snprintf(p->settle[p->settle_count].group, CRM_MAX_ID, "%s", group);
		p->settle[p->settle_count++].until_ms = monotonic_ms() + SETTLE_LIMIT_MS;
		pthread_cond_broadcast(&p->changed);
	}
	pthread_mutex_unlock(&p->lock);
}

/* What the cluster knows of the loss of the last owner. With view_lock. */
static void complete_failover(struct pacemaker *p, struct failover *f)
{
	const struct crm_node *from = crm_node(&p->view, f->from);

	if (f->kind != FAILOVER_LOSS || !p->membership || !from)
		return;
	f->lost = membership_lost(p->membership, from->id);
	membership_fencing(p->membership, from->name, f->lost, &f->fencing, &f->fenced);
	/* Pacemaker mounts nothing before the fencing is over, however late it was seen. */
	if (f->mounting > f->lost && f->fenced > f->mounting)
		f->fenced = f->mounting;
	if (f->fencing > f->fenced)
		f->fencing = f->fenced;
}

/* How @name came here is a fact that the engine knows, and the file server does not; of what is not
 * here, what was last told stays. With view_lock. */
static void add_failover(struct pacemaker *p, const struct crm_server *now, json_t *facts)
{
	json_t *told = json_incref(json_object_get(now->record.facts, "failover"));
	struct local *l;

	pthread_mutex_lock(&p->lock);
	l = pacemaker_find(p, now->record.name);
	if (l && l->state == CLUSTER_ONLINE) {
		if (!l->told) {
			complete_failover(p, &l->coming);
			l->told = failover_json(&l->coming);
		}
		json_decref(told);
		told = json_incref(l->told);
	}
	pthread_mutex_unlock(&p->lock);
	if (told)
		json_object_set_new(facts, "failover", told);
}

/* A file server tells its facts while it comes online; how it came is known when it has. */
static void wait_until_settled(struct pacemaker *p, const char *name)
{
	const struct local *l;

	pthread_mutex_lock(&p->lock);
	while ((l = pacemaker_find(p, name)) != NULL && l->busy && !p->stopping)
		pthread_cond_wait(&p->changed, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

/* After a loss: until the fencer has told of the fencing, so that it has its part. */
static void wait_until_fencing_is_told(struct pacemaker *p, const char *name)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	int64_t end = monotonic_ms() + TOLD_LATE_MS;
	const struct local *l;
	bool waits;

	do {
		pthread_mutex_lock(&p->lock);
		l = pacemaker_find(p, name);
		waits = l && !l->told && l->coming.kind == FAILOVER_LOSS && p->membership &&
			!p->stopping && membership_watches_fencing(p->membership);
		pthread_mutex_unlock(&p->lock);
	} while (waits && (int64_t)monotonic_ms() < end && !nanosleep(&pause, NULL));
}

static void publish_one(struct pacemaker *p, const struct server_record *record)
{
	auto_free char *why = NULL;
	struct crm_server *now;
	int error = 0;

	wait_until_settled(p, record->name);
	wait_until_fencing_is_told(p, record->name);
	pthread_mutex_lock(&p->view_lock);
	now = crm_server(pacemaker_look(p, 0), record->name);
	if (now) {
		add_failover(p, now, record->facts);
		error = crm_publish(now, record, &p->view, &why);
	}
	pthread_mutex_unlock(&p->view_lock);
	if (error)
		log_warn("settings not written to Pacemaker name=%s why=%s", record->name,
			 LOG_TEXT(why ? why : strerror(-error)));
}

/* Is the move of @group over: has it come to its target, or stopped where it may not go on? */
static bool is_settled(struct pacemaker *p, const char *group)
{
	bool settled = true;

	pthread_mutex_lock(&p->view_lock);
	pacemaker_look(p, 0);
	for (size_t i = 0; i < p->view.server_count; i++) {
		const struct crm_server *s = &p->view.servers[i];

		if (!strcmp(s->group, group) && s->record.target[0])
			settled = s->state == CLUSTER_FAILED || s->state == CLUSTER_OFFLINE ||
				  (s->state == CLUSTER_ONLINE &&
				   !strcasecmp(s->owner, s->record.target)) ||
				  s->reason[0];
	}
	if (!p->viewed_ms)
		settled = false;
	pthread_mutex_unlock(&p->view_lock);
	return settled;
}

static void settle_one(struct pacemaker *p, const char *group, uint64_t until_ms)
{
	auto_free char *why = NULL;

	if (!is_settled(p, group) && monotonic_ms() < until_ms) {
		pthread_mutex_lock(&p->lock);
		if (p->settle_count < MAX_LATER) {
			snprintf(p->settle[p->settle_count].group, CRM_MAX_ID, "%s", group);
			p->settle[p->settle_count++].until_ms = until_ms;
		}
		pthread_mutex_unlock(&p->lock);
		return;
	}
	if (CRM(NULL, &why, "crm_resource", "--clear", "--resource", group))
		log_warn("move not cleared group=%s why=%s", group, LOG_TEXT(why ? why : ""));
}

/* For berth status and verify: nodes of different versions. */
static void tell_version(struct pacemaker *p)
{
	auto_free char *why = NULL;

	if (p->cluster->version[0] && CRM(NULL, &why, "attrd_updater", "--name", CRM_VERSION,
					  "--update", p->cluster->version))
		log_info("version not told to Pacemaker why=%s", LOG_TEXT(why ? why : ""));
}

void *pacemaker_work(void *arg)
{
	struct pacemaker *p = arg;

	tell_version(p);
	pthread_mutex_lock(&p->lock);
	while (!p->stopping) {
		struct timespec until;
		struct server_record record = { 0 };
		char group[CRM_MAX_ID] = "";
		uint64_t limit = 0;
		bool has_record = p->publish_count > 0;

		if (has_record) {
			record = p->publish[0];
			memmove(p->publish, p->publish + 1, --p->publish_count * sizeof(record));
		}
		if (p->settle_count) {
			memcpy(group, p->settle[0].group, sizeof(group));
			limit = p->settle[0].until_ms;
			memmove(p->settle, p->settle + 1, --p->settle_count * sizeof(p->settle[0]));
		}
		pthread_mutex_unlock(&p->lock);
		if (has_record) {
			publish_one(p, &record);
			server_record_free(&record);
		}
		if (group[0])
			settle_one(p, group, limit);
		pthread_mutex_lock(&p->lock);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += LATER_TICK_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (!p->stopping && !p->publish_count && p->settle_count)
			pthread_cond_timedwait(&p->changed, &p->lock, &until);
		else if (!p->stopping && !p->publish_count)
			pthread_cond_wait(&p->changed, &p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}
