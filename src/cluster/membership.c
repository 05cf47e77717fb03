// SPDX-License-Identifier: Apache-2.0
/*
 * Corosync tells of a change of membership by itself, and Pacemaker's fencer that its history has
 * changed; that has no moment at which a fencing began, and is in whole seconds, so it is asked as
 * soon as it has changed. Where the fencer tells nothing, it is asked again and again for a while
 * after a node was lost.
 *
 * Locks: m->lock guards the members and what was lost and fenced; it is held for no call outwards.
 */
#include "membership.h"

#include <base/log.h>
#include <base/thread.h>
#include <cluster/crm.h>

#include <errno.h>
#include <poll.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine.h"
#include "fencer.h"
#include "fencings.h"

#define CS_OK	       1
#define TRACK_CHANGES  2
#define DISPATCH_ALL   2
#define RECONNECT_MS   2000
#define ASK_MS	       100   /* how often a fencer is asked that tells nothing by itself, */
#define ASK_SLOWLY_MS  1000  /* ... when nothing seems to come of it, and one that tells, */
#define ASK_EAGER_MS   5000  /* ... which it does so long after the loss, */
#define ASK_LONGEST_MS 60000 /* ... and how long at all */

struct membership {
	pthread_mutex_t lock;
	pthread_t thread;
	int wake;
	bool stopping;
	struct fencings fencings;
	uint32_t members[CLUSTER_MAX_NODES]; /* changed by the thread alone, with the lock */
	size_t member_count;
	/* The thread's own. */
	bool connected;
	uint64_t handle;
	struct fencer fencer;
	int64_t watch_from_ms; /* 0: nothing to watch; others read it */
	uint64_t watch_since;  /* the same moment, of a clock that does not jump */
	bool away;	       /* with the fencer, which may hold it up; others read it */
};

/* libquorum, as quorum.h declares it. */
typedef void notify(uint64_t handle, uint32_t quorate, uint64_t ring, uint32_t count,
		    uint32_t *members);
struct callbacks {
	notify *changed;
};
static struct {
	int (*initialize)(uint64_t *handle, struct callbacks *callbacks, uint32_t *type);
	int (*trackstart)(uint64_t handle, unsigned int flags);
	int (*fd_get)(uint64_t handle, int *fd);
	int (*dispatch)(uint64_t handle, int what);
	int (*finalize)(uint64_t handle);
} lib;

static bool take(const char *name, void *slot)
{
	void *symbol = quorum_symbol(name);

	memcpy(slot, &symbol, sizeof(symbol));
	return symbol != NULL;
}

static bool load(void)
{
	return take("quorum_initialize", &lib.initialize) &&
	       take("quorum_trackstart", &lib.trackstart) && take("quorum_fd_get", &lib.fd_get) &&
	       take("quorum_dispatch", &lib.dispatch) && take("quorum_finalize", &lib.finalize);
}

/* ---- members */

static _Thread_local struct membership *current; /* the library's call has no argument of ours */

static bool is_in(const uint32_t *list, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i] == id)
			return true;
	}
	return false;
}

static void note_loss(struct membership *m, uint32_t id, int64_t now)
{
	pthread_mutex_lock(&m->lock);
	fencings_note_loss(&m->fencings, id, now);
	pthread_mutex_unlock(&m->lock);
	m->watch_since = monotonic_ms();
	__atomic_store_n(&m->watch_from_ms, now, __ATOMIC_RELEASE);
}

static void changed(uint64_t handle, uint32_t quorate, uint64_t ring, uint32_t count, uint32_t *now)
{
	struct membership *m = current;
	int64_t when = realtime_ms();

	if (!count || !now) /* a change of the quorum alone */
		return;
	for (size_t i = 0; i < m->member_count; i++) {
		if (!is_in(now, count, m->members[i]))
			note_loss(m, m->members[i], when);
	}
	pthread_mutex_lock(&m->lock);
	m->member_count = count < CLUSTER_MAX_NODES ? count : CLUSTER_MAX_NODES;
	memcpy(m->members, now, m->member_count * sizeof(m->members[0]));
	pthread_mutex_unlock(&m->lock);
}

/* ---- fencing */

static void look_at_fencing(struct membership *m)
{
	auto_free char *why = NULL;
	json_t *events = crm_fencing(&why);
	bool has_ended = false;

	pthread_mutex_lock(&m->lock);
	if (events) /* where nobody answers, nothing was seen */
		has_ended = fencings_look(&m->fencings, events, m->watch_from_ms, realtime_ms());
	pthread_mutex_unlock(&m->lock);
	if (has_ended || monotonic_ms() - m->watch_since > ASK_LONGEST_MS)
		__atomic_store_n(&m->watch_from_ms, 0, __ATOMIC_RELEASE);
	json_decref(events);
}

/* ---- the thread */

static int connect_quorum(struct membership *m)
{
	struct callbacks callbacks = { .changed = changed };
	uint32_t type;
	int fd = -1;

	if (!m->connected && load() && lib.initialize(&m->handle, &callbacks, &type) == CS_OK) {
		m->connected = lib.trackstart(m->handle, TRACK_CHANGES) == CS_OK;
		if (!m->connected)
			lib.finalize(m->handle);
	}
	if (m->connected && lib.fd_get(m->handle, &fd) != CS_OK)
		fd = -1;
	return fd;
}

static int patience(const struct membership *m)
{
	if (m->watch_from_ms)
		return m->fencer.fd < 0 && monotonic_ms() - m->watch_since < ASK_EAGER_MS
			       ? ASK_MS
			       : ASK_SLOWLY_MS;
	return m->connected && m->fencer.fd >= 0 ? -1 : RECONNECT_MS;
}

/* Corosync has ended here: nobody was lost by that, and what was seen before vouches for nothing.
 */
static void forget_members(struct membership *m)
{
	lib.finalize(m->handle);
	m->connected = false;
	pthread_mutex_lock(&m->lock);
	m->member_count = 0;
	fencings_forget_losses(&m->fencings);
	pthread_mutex_unlock(&m->lock);
}

/* Pacemaker starts behind Corosync, and may start anew at any time. */
static void connect_fencer(struct membership *m, int64_t *next_ms)
{
	int64_t now = (int64_t)monotonic_ms();

	if (m->fencer.fd >= 0 || !m->connected || now < *next_ms)
		return;
	if (!fencer_connect(&m->fencer))
		*next_ms = now + RECONNECT_MS;
}

/* What Corosync says waits for as long as the fencer is asked something. */
static void set_away(struct membership *m, bool away)
{
	__atomic_store_n(&m->away, away, __ATOMIC_SEQ_CST);
}

static void *follow(void *arg)
{
	struct membership *m = arg;
	int64_t next_ms = 0;

	current = m;
	while (!__atomic_load_n(&m->stopping, __ATOMIC_ACQUIRE)) {
		struct pollfd fds[] = { { .fd = connect_quorum(m), .events = POLLIN },
					{ .fd = m->wake, .events = POLLIN },
					{ .fd = -1, .events = POLLIN } };
		int n;

		set_away(m, true);
		connect_fencer(m, &next_ms);
		set_away(m, false);
		fds[2].fd = m->fencer.fd;
		n = poll(fds, ARRAY_LEN(fds), patience(m));
		if (n > 0 && fds[0].revents && lib.dispatch(m->handle, DISPATCH_ALL) != CS_OK) {
			forget_members(m);
			poll(&fds[1], 1, RECONNECT_MS);
		}
		set_away(m, true);
		if (n > 0 && fds[2].revents)
			fencer_take_in(&m->fencer);
		if (m->watch_from_ms)
			look_at_fencing(m);
		set_away(m, false);
	}
	fencer_disconnect(&m->fencer);
	if (m->connected)
		lib.finalize(m->handle);
	return NULL;
}

struct membership *membership_start(void)
{
	struct membership *m = xalloc(1, sizeof(*m));
	int error;

	pthread_mutex_init(&m->lock, NULL);
	m->fencer.fd = -1;
	m->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	error = m->wake < 0 ? -errno : thread_start(&m->thread, "membership", follow, m);
	if (!error)
		return m;
	close_fd_ptr(&m->wake);
	pthread_mutex_destroy(&m->lock);
	free(m);
	return NULL;
}

void membership_stop(struct membership *m)
{
	uint64_t one = 1;

	__atomic_store_n(&m->stopping, true, __ATOMIC_RELEASE);
	(void)!write(m->wake, &one, sizeof(one));
	pthread_join(m->thread, NULL);
	fencings_free(&m->fencings);
	close_fd_ptr(&m->wake);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

int64_t membership_lost(struct membership *m, uint32_t node_id)
{
	int64_t when;

	pthread_mutex_lock(&m->lock);
	when = fencings_lost(&m->fencings, node_id);
	pthread_mutex_unlock(&m->lock);
	return when;
}

bool membership_saw_end(struct membership *m, uint32_t node_id, const char *node)
{
	bool seen;

	pthread_mutex_lock(&m->lock);
	seen = !is_in(m->members, m->member_count, node_id) &&
	       fencings_vouch(&m->fencings, node_id, node);
	pthread_mutex_unlock(&m->lock);
	return seen;
}

bool membership_is_watching(struct membership *m)
{
	return !__atomic_load_n(&m->away, __ATOMIC_SEQ_CST);
}

bool membership_watches_fencing(struct membership *m)
{
	return __atomic_load_n(&m->watch_from_ms, __ATOMIC_ACQUIRE) != 0;
}

void membership_fencing(struct membership *m, const char *node, int64_t since, int64_t *begun,
			int64_t *ended)
{
	*begun = *ended = 0;
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < m->fencings.count; i++) {
		const struct fencing *f = &m->fencings.list[i];

		if (strcasecmp(f->node, node) != 0 || f->ended_ms < since)
			continue;
		*begun = f->begun_ms;
		*ended = f->ended_ms;
	}
	pthread_mutex_unlock(&m->lock);
}
