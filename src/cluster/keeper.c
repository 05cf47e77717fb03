// SPDX-License-Identifier: Apache-2.0
/*
 * The life of one file server on one node. The thread here does everything that can wait: it waits
 * for the home's lock, brings the server online, watches its health, takes it offline, gives the
 * lock back.
 */
#include "engine.h"

#include <base/log.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HOME_NAME ".berth"

int64_t realtime_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void keeper_move(struct keeper *k, enum cluster_state state, const char *reason)
{
	enum cluster_state from = k->state;

	snprintf(k->reason, sizeof(k->reason), "%s", reason);
	if (from == state)
		return;
	BUG_ON(!cluster_move_allowed(from, state));
	k->state = state;
	k->since_ms = realtime_ms();
	k->pending_since_ms = state == CLUSTER_ONLINE_PENDING || state == CLUSTER_OFFLINE_PENDING
				      ? monotonic_ms()
				      : 0;
	if (state == CLUSTER_FAILED)
		log_error("server failed name=%s why=%s", k->name, LOG_TEXT(reason));
	else
		log_info("server state name=%s from=%s to=%s epoch=%llu%s%s", k->name,
			 cluster_state_name(from), cluster_state_name(state),
			 (unsigned long long)k->epoch, reason[0] ? " why=" : "",
			 reason[0] ? LOG_TEXT(reason) : "");
}

enum wish keeper_wish(struct keeper *k, uint64_t *until_ms)
{
	uint64_t now = monotonic_ms();
	int64_t left = k->record.target_until_ms - realtime_ms();

	*until_ms = now + 1000;
	if (k->engine->stopping || k->removed)
		return WISH_END;
	if (!k->record.want_online)
		return WISH_OFFLINE;
	if (k->record.generation != k->generation_tried) {
		k->generation_tried = k->record.generation;
		k->failed_until_ms = 0;
		k->failure_count = 0;
	}
	if (k->failed_until_ms > now) {
		*until_ms = k->failed_until_ms;
		return WISH_WAIT;
	}
	if (k->record.target[0] && left > 0 && left <= MOVE_DRAIN_MS + MOVE_TIMEOUT_MS &&
	    strcasecmp(k->record.target, k->engine->node) != 0 &&
	    cluster_node_is_alive(k->engine->directory, k->record.target)) {
		*until_ms = now + (left < 1000 ? (uint64_t)left : 1000);
		return WISH_WAIT;
	}
	return WISH_OWN;
}

static void wait_until(struct keeper *k, uint64_t until_ms)
{
	struct timespec ts = { .tv_sec = (time_t)(until_ms / 1000),
			       .tv_nsec = (long)(until_ms % 1000) * 1000000 };

	if (until_ms == UINT64_MAX)
		pthread_cond_wait(&k->changed, &k->engine->lock);
	else
		pthread_cond_timedwait(&k->changed, &k->engine->lock, &ts);
}

static int end_move(struct server_record *record)
{
	record->target[0] = '\0';
	record->target_until_ms = 0;
	return 0;
}

/* The move to this node that was asked for is over. */
static int clear_target(struct server_record *record, void *arg)
{
	const char *node = arg;

	return record->target[0] && !strcasecmp(record->target, node) ? end_move(record) : 1;
}

/* The owner has let go: from now on the target has its time. */
static int restamp_target(struct server_record *record, void *arg)
{
	if (!record->target[0])
		return 1;
	record->target_until_ms = realtime_ms() + MOVE_TIMEOUT_MS;
	return 0;
}

/* Without the engine's lock, as all work on files: a disk that hangs must not stop the other
 * servers. */
static void change_record_by(struct keeper *k, int (*change)(struct server_record *, void *),
			     void *arg)
{
	int error;

	pthread_mutex_unlock(&k->engine->lock);
	error = server_record_change(k->engine->directory, k->name, change, arg);
	pthread_mutex_lock(&k->engine->lock);
	if (error && error != -ENOENT)
		log_error("record not changed name=%s error=%s", k->name, strerror(-error));
}

static void change_record(struct keeper *k, int (*change)(struct server_record *, void *))
{
	change_record_by(k, change, k->engine->node);
}

/*
 * Notes a failure. True: try again on this node, after the wait that this call has done (with the
 * lock held by the caller, who must look at the wish again); false: this node has given up.
 */
static bool note_failure(struct keeper *k)
{
	const struct cluster_policy *policy = &k->record.policy;
	uint64_t now = monotonic_ms();
	uint64_t period = (uint64_t)policy->restart_period_s * 1000;
	size_t recent = 0;

	if (k->failure_count == KEEPER_MAX_FAILURES) {
		memmove(k->failures, k->failures + 1, sizeof(k->failures) - sizeof(k->failures[0]));
		k->failure_count--;
	}
	k->failures[k->failure_count++] = now;
	for (size_t i = 0; i < k->failure_count; i++)
		recent += now - k->failures[i] <= period;
	if (recent > policy->restart_threshold || recent >= KEEPER_MAX_FAILURES) {
		k->failed_until_ms = policy->retry_period_s
					     ? now + (uint64_t)policy->retry_period_s * 1000
					     : UINT64_MAX;
		k->failure_count = 0;
		return false;
	}
	wait_until(k, now + (KEEPER_FIRST_DELAY_MS << (recent < 6 ? recent - 1 : 5)));
	return true;
}

/* One turn at the lock, from the wait for it until it is given back. */
struct turn {
	struct keeper *k;
	char home[CLUSTER_MAX_PATH + 16];
	struct owner_record owner;
	/* Where it was to go when the lock was taken. */
	char target[CLUSTER_MAX_NAME];
	int64_t target_until_ms;
	char why[512];
};

/* The move that was asked for before this turn is over: it came here, or could not come where it
 * was to. A target that stayed behind would be the better owner for whoever has the lock next. */
static int clear_target_of(struct server_record *record, void *arg)
{
	const struct turn *t = arg;
	bool is_that = record->target[0] && !strcmp(record->target, t->target) &&
		       record->target_until_ms == t->target_until_ms;

	return is_that ? end_move(record) : 1;
}

static void PRINTF_LIKE(2, 3) explain(struct turn *t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(t->why, sizeof(t->why), format, args);
	va_end(args);
}

/* The lock of the home, when it is ours and still the home's. Waits; -EINTR when the wish may have
 * changed. */
static int take_lock(struct turn *t)
{
	auto_free char *path = xasprintf("%s/owner.lock", t->home);
	auto_close int fd = -1;
	struct stat opened, named;
	int error;

	error = home_look(t->home);
	if (error) {
		explain(t, "the volume is missing or holds no file server: %s: %s", t->home,
			strerror(-error));
		return error;
	}
	fd = lock_open(path);
	error = fd < 0 ? fd : lock_wait(fd);
	if (error == -EINTR)
		return error;
	if (error) {
		explain(t, "the volume cannot be locked: %s: %s", path, strerror(-error));
		return error;
	}
	if (fstat(fd, &opened) < 0 || stat(path, &named) < 0 || opened.st_ino != named.st_ino ||
	    opened.st_dev != named.st_dev)
		return -EINTR; /* another file system has come in its place meanwhile: once more */
	return steal_fd(&fd);
}

static int wait_for_lock(struct turn *t)
{
	struct keeper *k = t->k;
	int fd;

	k->waits_for_lock = true;
	pthread_mutex_unlock(&k->engine->lock);
	fd = take_lock(t);
	pthread_mutex_lock(&k->engine->lock);
	k->waits_for_lock = false;
	return fd;
}

static int write_owner(struct turn *t, const char *state)
{
	int error;

	snprintf(t->owner.state, sizeof(t->owner.state), "%s", state);
	pthread_mutex_unlock(&t->k->engine->lock);
	error = owner_record_write(t->home, &t->owner);
	pthread_mutex_lock(&t->k->engine->lock);
	if (error)
		log_error("owner record not written name=%s state=%s error=%s", t->k->name, state,
			  strerror(-error));
	return error;
}

static int read_owner(struct turn *t, struct owner_record *before)
{
	int error;

	pthread_mutex_unlock(&t->k->engine->lock);
	error = owner_record_read(t->home, before);
	pthread_mutex_lock(&t->k->engine->lock);
	return error == -ENOENT ? 0 : error;
}

/* Enters this node as the owner under a higher epoch. */
static int begin_ownership(struct turn *t)
{
	struct keeper *k = t->k;
	struct owner_record before = { 0 };
	int error = read_owner(t, &before);

	if (error) {
		explain(t, "the owner record %s/owner.json cannot be read: %s", t->home,
			strerror(-error));
		return error;
	}
	if (before.state[0] && strcmp(before.state, "released") != 0)
		log_warn("taking over name=%s from=%s state=%s epoch=%llu", k->name, before.node,
			 before.state, (unsigned long long)before.epoch);
	t->owner = (struct owner_record){ .pid = (int)getpid(), .epoch = before.epoch + 1 };
	snprintf(t->owner.node, sizeof(t->owner.node), "%s", k->engine->node);
	snprintf(t->owner.boot_id, sizeof(t->owner.boot_id), "%s", k->engine->boot_id);
	t->owner.deaths = strcmp(before.state, "online-pending") == 0 ? before.deaths + 1 : 0;
	k->epoch = t->owner.epoch;
	k->pending_since_ms = monotonic_ms();
	if (t->owner.deaths >= KEEPER_MAX_DEATHS) {
		t->owner.deaths = 0;
		(void)!write_owner(t, "released");
		explain(t,
			"%d nodes in a row ended while they were bringing it online: see their "
			"logs, then: berth server online %s",
			KEEPER_MAX_DEATHS, k->name);
		return -EOWNERDEAD;
	}
	error = write_owner(t, "online-pending");
	if (error)
		explain(t, "the owner record in %s cannot be written: %s", t->home,
			strerror(-error));
	return error;
}

/* A copy that the callbacks may read without the lock. */
static struct server_record copy_record(const struct server_record *record)
{
	struct server_record copy = *record;

	copy.facts = json_deep_copy(record->facts);
	return copy;
}

static int call_bring_online(struct turn *t)
{
	struct keeper *k = t->k;
	struct server_record record = copy_record(&k->record);
	uint64_t epoch = k->epoch;
	char *sentence = NULL;
	int error;

	pthread_mutex_unlock(&k->engine->lock);
	error = k->engine->events.bring_online(k->engine->arg, &record, epoch, &sentence);
	server_record_free(&record);
	pthread_mutex_lock(&k->engine->lock);
	if (error)
		explain(t, "%s", sentence ? sentence : strerror(-error));
	free(sentence);
	return error;
}

static void call_take_offline(struct keeper *k)
{
	pthread_mutex_unlock(&k->engine->lock);
	k->engine->events.take_offline(k->engine->arg, k->name);
	pthread_mutex_lock(&k->engine->lock);
}

static bool is_well(struct turn *t)
{
	struct keeper *k = t->k;
	char *sentence = NULL;
	int error = 0;

	pthread_mutex_unlock(&k->engine->lock);
	if (k->engine->events.check)
		error = k->engine->events.check(k->engine->arg, k->name, &sentence);
	pthread_mutex_lock(&k->engine->lock);
	if (error)
		explain(t, "%s", sentence ? sentence : strerror(-error));
	free(sentence);
	return !error;
}

/* Online: until another wish or a fault. True: it was a fault. */
static bool serve(struct turn *t)
{
	uint64_t next_check = monotonic_ms() + KEEPER_CHECK_MS, until;

	while (keeper_wish(t->k, &until) == WISH_OWN) {
		if (monotonic_ms() >= next_check) {
			if (!is_well(t))
				return true;
			next_check = monotonic_ms() + KEEPER_CHECK_MS;
			continue;
		}
		wait_until(t->k, next_check);
	}
	return false;
}

/* Comes online, serves, goes offline. True: there was a fault. */
static bool own_once(struct turn *t)
{
	struct keeper *k = t->k;
	bool fault;

	if (call_bring_online(t))
		return true;
	keeper_move(k, CLUSTER_ONLINE, "");
	(void)!write_owner(t, "online");
	change_record_by(k, clear_target_of, t);
	fault = serve(t);
	keeper_move(k, CLUSTER_OFFLINE_PENDING, fault ? t->why : "");
	(void)!write_owner(t, "offline-pending");
	call_take_offline(k);
	return fault;
}

/* The lock is ours: as often as the policy says. True: this node gave up. */
static bool own(struct turn *t)
{
	struct keeper *k = t->k;
	bool gave_up = false;
	uint64_t until;

	while (!gave_up && keeper_wish(k, &until) == WISH_OWN) {
		bool fault = true;
		int error;

		if (k->state != CLUSTER_ONLINE_PENDING)
			keeper_move(k, CLUSTER_ONLINE_PENDING, "");
		error = begin_ownership(t);
		if (error == -EOWNERDEAD) {
			k->failed_until_ms = UINT64_MAX;
			return true;
		}
		if (!error) {
			fault = own_once(t);
			(void)!write_owner(t, "released");
		}
		if (fault) {
			log_warn("server fault name=%s why=%s", k->name, LOG_TEXT(t->why));
			snprintf(k->reason, sizeof(k->reason), "%s", t->why);
			gave_up = !note_failure(k);
		}
	}
	return gave_up;
}

/* Where the state goes when the lock has been given back, or was never there. */
static void settle(struct turn *t, bool gave_up)
{
	struct keeper *k = t->k;

	if (gave_up) {
		keeper_move(k, CLUSTER_FAILED, t->why);
		return;
	}
	if (k->state == CLUSTER_ONLINE_PENDING)
		keeper_move(k, CLUSTER_OFFLINE_PENDING, "");
	if (k->state == CLUSTER_OFFLINE_PENDING)
		keeper_move(k, CLUSTER_STANDBY, "");
}

/*
 * What is wanted as it is written now: the watch may not have seen yet why the lock came free (the
 * server is to stay offline, or to go to another node).
 */
static void refresh_record(struct keeper *k)
{
	struct server_record record;
	int error;

	pthread_mutex_unlock(&k->engine->lock);
	error = server_record_read(k->engine->directory, k->name, &record);
	pthread_mutex_lock(&k->engine->lock);
	if (!error) {
		server_record_free(&k->record);
		k->record = record;
	} else if (error == -ENOENT) {
		k->removed = true;
	}
}

static void take_a_turn(struct keeper *k)
{
	struct turn turn = { .k = k };
	bool gave_up = false;
	uint64_t until;
	int fd;

	if (k->state == CLUSTER_OFFLINE || k->state == CLUSTER_FAILED)
		keeper_move(k, CLUSTER_STANDBY, "");
	snprintf(turn.home, sizeof(turn.home), "%s/" HOME_NAME, k->record.volume);
	fd = wait_for_lock(&turn);
	if (fd == -EINTR)
		return;
	if (fd >= 0) {
		refresh_record(k);
		memcpy(turn.target, k->record.target, sizeof(turn.target));
		turn.target_until_ms = k->record.target_until_ms;
	}
	if (fd < 0) {
		snprintf(k->reason, sizeof(k->reason), "%s", turn.why);
		gave_up = !note_failure(k);
		if (gave_up)
			change_record(k, clear_target);
	} else if (keeper_wish(k, &until) == WISH_OWN && keeper_yields(k, turn.home)) {
		refresh_record(k); /* it has another target now */
	} else if (keeper_wish(k, &until) == WISH_OWN) {
		gave_up = own(&turn);
		/* Before the lock goes: a target that is to take it must find its name in the
		 * record. */
		change_record(k, gave_up ? clear_target : restamp_target);
	}
	close_fd_ptr(&fd);
	settle(&turn, gave_up);
}

/* Given on to this node, on which it has failed: the others need not wait. */
static void decline(struct keeper *k)
{
	if (k->failed_until_ms > monotonic_ms() && !strcasecmp(k->record.target, k->engine->node)) {
		change_record(k, clear_target);
		refresh_record(k);
	}
}

/* Of the signals, this one is for keepers. */
static void take_wakes(void)
{
	sigset_t wake;

	sigemptyset(&wake);
	sigaddset(&wake, WAKE_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &wake, NULL);
}

void *keeper_run(void *arg)
{
	struct keeper *k = arg;
	struct cluster *engine = k->engine;
	uint64_t until;
	bool ended = false;

	take_wakes();
	pthread_mutex_lock(&engine->lock);
	while (!ended) {
		switch (keeper_wish(k, &until)) {
		case WISH_END:
			ended = true;
			/* fallthrough */
		case WISH_OFFLINE:
			if (k->state != CLUSTER_OFFLINE)
				keeper_move(k, CLUSTER_OFFLINE, "");
			if (!ended)
				wait_until(k, UINT64_MAX);
			break;
		case WISH_WAIT:
			if (k->state == CLUSTER_OFFLINE)
				keeper_move(k, CLUSTER_STANDBY, "");
			decline(k);
			wait_until(k, until);
			break;
		case WISH_OWN:
			take_a_turn(k);
			break;
		}
	}
	k->ended = true;
	pthread_mutex_unlock(&engine->lock);
	return NULL;
}
