// SPDX-License-Identifier: Apache-2.0
/*
 * Under Pacemaker a node decides nothing: the resource agent starts and stops file servers here,
 * each of which holds the lease of its home for as long as it is served. What is wanted, what other
 * nodes have and who has a quorum is Pacemaker's to say, and is asked when it is needed.
 *
 * Locks: p->lock guards the list of locals and what is to be done later; no call outwards is made
 * under it. A local that is busy belongs to the thread that made it so. p->view_lock guards the
 * last look at Pacemaker; it is taken before p->lock, if both are.
 */
#include "pacemaker_inner.h"

#include <base/log.h>
#include <base/thread.h>

#include <errno.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STOP_PATIENCE_S 20

const char *pacemaker_node(const struct pacemaker *p)
{
	return p->cluster->node;
}

/* ---- the view */

/* With view_lock: a view that is not older than @age_ms. */
struct crm_view *pacemaker_look(struct pacemaker *p, uint64_t age_ms)
{
	struct crm_view fresh;
	auto_free char *why = NULL;

	if (p->viewed_ms && monotonic_ms() - p->viewed_ms <= age_ms)
		return &p->view;
	if (crm_look(&fresh, &why)) {
		snprintf(p->trouble, sizeof(p->trouble), "Pacemaker does not answer: %.450s",
			 why ? why : "no reason is known");
		crm_view_free(&p->view);
		p->viewed_ms = 0;
		return &p->view;
	}
	crm_view_free(&p->view);
	p->view = fresh;
	p->viewed_ms = monotonic_ms();
	p->trouble[0] = '\0';
	return &p->view;
}

/* Has this berthd seen Corosync lose that node and Pacemaker fence it, and not seen it again?
 * Asking Pacemaker would tell no more, and take a tenth of a second. With view_lock. */
static bool saw_it_end(struct pacemaker *p, const char *name)
{
	const struct crm_node *node = crm_node(&p->view, name);

	return p->membership && node && node->id && membership_is_watching(p->membership) &&
	       membership_saw_end(p->membership, node->id, name);
}

/* Can the cluster vouch that this node has ended? */
static bool is_gone(void *arg, const char *name)
{
	struct local *l = arg;
	struct pacemaker *p = l->p;
	bool gone;

	pthread_mutex_lock(&p->view_lock);
	gone = saw_it_end(p, name) || crm_node_is_gone(pacemaker_look(p, 0), name);
	pthread_mutex_unlock(&p->view_lock);
	return gone;
}

static bool may_hold(void *arg, const char **why)
{
	return quorum_holds(why);
}

/* ---- locals */

struct local *pacemaker_find(struct pacemaker *p, const char *name)
{
	struct local *l = p->locals;

	while (l && strcasecmp(l->name, name) != 0)
		l = l->next;
	return l;
}

/* Waits until nobody is busy with @name and makes it the caller's; NULL: there is none. With the
 * lock. -EAGAIN in *error where it took too long. */
static struct local *claim(struct pacemaker *p, const char *name, int *error)
{
	struct timespec until;
	struct local *l;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += STOP_PATIENCE_S;
	*error = 0;
	while ((l = pacemaker_find(p, name)) != NULL && l->busy) {
		if (pthread_cond_timedwait(&p->changed, &p->lock, &until) == ETIMEDOUT) {
			*error = -EAGAIN;
			return NULL;
		}
	}
	if (l)
		l->busy = true;
	return l;
}

static void let_go(struct local *l)
{
	l->busy = false;
	pthread_cond_broadcast(&l->p->changed);
}

static void state(struct local *l, enum cluster_state to, const char *reason)
{
	pthread_mutex_lock(&l->p->lock);
	snprintf(l->reason, sizeof(l->reason), "%s", reason);
	if (to == CLUSTER_FAILED)
		log_error("server failed name=%s epoch=%llu why=%s", l->name,
			  (unsigned long long)l->epoch, LOG_TEXT(reason));
	else
		log_info("server state name=%s from=%s to=%s epoch=%llu", l->name,
			 cluster_state_name(l->state), cluster_state_name(to),
			 (unsigned long long)l->epoch);
	l->state = to;
	l->since_ms = realtime_ms();
	pthread_mutex_unlock(&l->p->lock);
}

static void remove_local(struct pacemaker *p, struct local *l)
{
	struct local **slot = &p->locals;

	pthread_mutex_lock(&p->lock);
	while (*slot != l)
		slot = &(*slot)->next;
	*slot = l->next;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	close_fd_ptr(&l->home_lock);
	json_decref(l->told);
	free(l);
}

static void write_owner(struct local *l, const char *what, int64_t leaving_ms)
{
	struct owner_record owner = { .pid = (int)getpid(),
				      .epoch = l->epoch,
				      .leaving_ms = leaving_ms };
	int error;

	snprintf(owner.node, sizeof(owner.node), "%s", l->p->cluster->node);
	snprintf(owner.boot_id, sizeof(owner.boot_id), "%s", l->p->cluster->boot_id);
	snprintf(owner.state, sizeof(owner.state), "%s", what);
	error = owner_record_write(l->home, &owner);
	if (error)
		log_error("owner record not written name=%s error=%s", l->name, strerror(-error));
}

/* On the lease's thread: no longer the owner. Clients are refused already; now it all goes. */
static void lost(void *arg, const char *why)
{
	struct local *l = arg;
	struct pacemaker *p = l->p;
	auto_free char *name = xstrdup(l->name);
	struct local *mine;
	int error;

	pthread_mutex_lock(&p->lock);
	mine = claim(p, name, &error);
	pthread_mutex_unlock(&p->lock);
	if (mine != l)
		return; /* someone is taking it offline anyway */
	if (l->state == CLUSTER_ONLINE) {
		state(l, CLUSTER_OFFLINE_PENDING, why);
		p->cluster->events.take_offline(p->cluster->arg, l->name);
	}
	state(l, CLUSTER_FAILED, why);
	pthread_mutex_lock(&p->lock);
	let_go(l);
	pthread_mutex_unlock(&p->lock);
}

static int lock_home(struct local *l, char **why)
{
	auto_free char *path = xasprintf("%s/owner.lock", l->home);
	int error = home_look(l->home);

	if (error) {
		*why = xasprintf("the volume is missing or holds no file server: %s: %s", l->home,
				 strerror(-error));
		return error;
	}
	l->home_lock = lock_open(path);
	error = l->home_lock < 0 ? l->home_lock : lock_try(l->home_lock);
	if (error == -EAGAIN) {
		*why = xasprintf("another process on this node serves %s", l->volume);
		return -EBUSY;
	}
	if (error)
		*why = xasprintf("the volume cannot be locked: %s: %s", path, strerror(-error));
	return error;
}

static int take_lease(struct local *l, char **why)
{
	struct home_lease_config config = {
		.home = l->home,
		.node = l->p->cluster->node,
		.boot_id = l->p->cluster->boot_id,
		.may_hold = may_hold,
		.is_gone = is_gone,
		.lost = lost,
		.arg = l,
	};
	struct owner_record before = { 0 };
	const char *reason = "";
	int error = owner_record_read(l->home, &before);

	if (error && error != -ENOENT) {
		*why = xasprintf("the owner record %s/owner.json cannot be read: %s", l->home,
				 strerror(-error));
		return error;
	}
	if (!quorum_holds(&reason)) {
		*why = xasprintf("%s: %s is not started", reason, l->name);
		return -EHOSTUNREACH;
	}
	error = home_lease_take(&config, before.epoch + 1, &l->lease, why);
	if (error)
		return error;
	l->epoch = home_lease_epoch(l->lease);
	pacemaker_note_coming(l, &before);
	return 0;
}

/* All that a start does, with the local ours. */
static int bring_online(struct local *l, char **why)
{
	struct pacemaker *p = l->p;
	struct server_record record = { .want_online = true };
	uint64_t began = monotonic_ms(), leased;
	int error = lock_home(l, why);

	if (!error)
		error = take_lease(l, why);
	if (error)
		return error;
	leased = monotonic_ms();
	snprintf(record.name, sizeof(record.name), "%s", l->name);
	snprintf(record.volume, sizeof(record.volume), "%s", l->volume);
	record.policy = cluster_policy_default();
	error = p->cluster->events.bring_online(p->cluster->arg, &record, l->epoch, why);
	write_owner(l, error ? "released" : "online", 0);
	if (error) {
		home_lease_release(l->lease);
		l->lease = NULL;
		return error;
	}
	l->coming.online = realtime_ms();
	log_info("server started name=%s epoch=%llu lease_ms=%llu online_ms=%llu", l->name,
		 (unsigned long long)l->epoch, (unsigned long long)(leased - began),
		 (unsigned long long)(monotonic_ms() - leased));
	return 0;
}

static void take_offline(struct local *l)
{
	struct pacemaker *p = l->p;
	int64_t leaving = realtime_ms();

	if (l->state == CLUSTER_ONLINE) {
		state(l, CLUSTER_OFFLINE_PENDING, "");
		p->cluster->events.take_offline(p->cluster->arg, l->name);
		if (home_lease_holds(l->lease))
			write_owner(l, "released", leaving);
	}
	if (l->lease)
		home_lease_release(l->lease);
	l->lease = NULL;
}

int pacemaker_local_start(struct pacemaker *p, const char *name, const char *volume, char **why)
{
	struct local *l;
	int error;

	if (!cluster_name_ok(name) || volume[0] != '/' || strlen(volume) >= CLUSTER_MAX_PATH) {
		*why = xasprintf("a name and the absolute path of a volume are needed");
		return -EINVAL;
	}
	pthread_mutex_lock(&p->lock);
	l = claim(p, name, &error);
	if (error) {
		pthread_mutex_unlock(&p->lock);
		*why = xasprintf("%s is being started or stopped already", name);
		return error;
	}
	if (l && l->state == CLUSTER_ONLINE && !strcmp(l->volume, volume)) {
		let_go(l);
		pthread_mutex_unlock(&p->lock);
		return 0;
	}
	if (!l) {
		l = xalloc(1, sizeof(*l));
		l->p = p;
		l->home_lock = -1;
		l->busy = true;
		snprintf(l->name, sizeof(l->name), "%s", name);
		l->next = p->locals;
		p->locals = l;
	}
	pthread_mutex_unlock(&p->lock);
	take_offline(l); /* what is left of an earlier start */
	close_fd_ptr(&l->home_lock);
	snprintf(l->volume, sizeof(l->volume), "%s", volume);
	snprintf(l->home, sizeof(l->home), "%s/.berth", volume);
	pthread_mutex_lock(&p->lock);
	l->coming = (struct failover){ .kind = FAILOVER_START, .starting = realtime_ms() };
	json_decref(l->told);
	l->told = NULL;
	pthread_mutex_unlock(&p->lock);
	state(l, CLUSTER_ONLINE_PENDING, "");
	error = bring_online(l, why);
	state(l, error ? CLUSTER_FAILED : CLUSTER_ONLINE, error && *why ? *why : "");
	if (error)
		close_fd_ptr(&l->home_lock);
	pthread_mutex_lock(&p->lock);
	let_go(l);
	pthread_mutex_unlock(&p->lock);
	return error;
}

/* A lease that a berthd of this node left behind when it died: nobody else on this node has it. */
static void clear_left_behind(struct pacemaker *p, const char *volume)
{
	auto_free char *home = xasprintf("%s/.berth", volume);
	int error = home_lease_clear(home, p->cluster->node);

	if (error && error != -ENOENT && error != -EAGAIN)
		log_warn("lease not cleared home=%s error=%s", home, strerror(-error));
}

int pacemaker_local_stop(struct pacemaker *p, const char *name, const char *volume, char **why)
{
	struct local *l;
	int error;

	pthread_mutex_lock(&p->lock);
	l = claim(p, name, &error);
	pthread_mutex_unlock(&p->lock);
	if (error) {
		*why = xasprintf("%s is still being started or stopped after %d s", name,
				 STOP_PATIENCE_S);
		return error;
	}
	if (l) {
		take_offline(l);
		remove_local(p, l);
	}
	if (volume[0] == '/')
		clear_left_behind(p, volume);
	return 0;
}

int pacemaker_local_check(struct pacemaker *p, const char *name, char **why)
{
	struct local *l;
	int error = 0;

	pthread_mutex_lock(&p->lock);
	l = pacemaker_find(p, name);
	if (!l)
		error = -ENOENT;
	else if (l->state == CLUSTER_FAILED)
		error = -EIO;
	else if (l->state != CLUSTER_ONLINE)
		error = -EINPROGRESS;
	if (l && error)
		*why = xasprintf("%s is %s on %s%s%s", l->name, cluster_state_name(l->state),
				 p->cluster->node, l->reason[0] ? ": " : "", l->reason);
	pthread_mutex_unlock(&p->lock);
	if (error == -ENOENT)
		*why = xasprintf("%s is not online on %s", name, p->cluster->node);
	if (!error && p->cluster->events.check)
		error = p->cluster->events.check(p->cluster->arg, name, why);
	return error;
}

void *pacemaker_guard(struct pacemaker *p, const char *name)
{
	struct local *l;
	void *lease;

	pthread_mutex_lock(&p->lock);
	l = pacemaker_find(p, name);
	lease = l ? l->lease : NULL;
	pthread_mutex_unlock(&p->lock);
	return lease;
}

/* ---- beginning and end */

struct pacemaker *pacemaker_start(struct cluster *cluster)
{
	struct pacemaker *p = xalloc(1, sizeof(*p));
	pthread_condattr_t attributes;
	int error;

	p->cluster = cluster;
	p->membership = membership_start();
	pthread_mutex_init(&p->lock, NULL);
	pthread_mutex_init(&p->view_lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&p->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	error = thread_start(&p->worker, "pacemaker", pacemaker_work, p);
	if (error) {
		if (p->membership)
			membership_stop(p->membership);
		free(p);
		return NULL;
	}
	return p;
}

void pacemaker_stop(struct pacemaker *p)
{
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_broadcast(&p->changed);
	while (p->locals) {
		auto_free char *name = xstrdup(p->locals->name), *why = NULL;

		pthread_mutex_unlock(&p->lock);
		if (pacemaker_local_stop(p, name, "", &why))
			log_error("server not stopped name=%s why=%s", name, why ? why : "");
		pthread_mutex_lock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->worker, NULL);
	if (p->membership)
		membership_stop(p->membership);
	for (size_t i = 0; i < p->publish_count; i++)
		server_record_free(&p->publish[i]);
	crm_view_free(&p->view);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->view_lock);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
