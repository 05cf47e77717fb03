// SPDX-License-Identifier: Apache-2.0
#include <cluster/home_lease.h>

#include "engine.h"

#include <base/log.h>
#include <base/thread.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct home_lease {
	struct home_lease_config config;
	char *home, *node, *boot_id;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	int fd;
	void *block; /* aligned as O_DIRECT asks */
	struct home_lease_record record, before;
	bool ending;
	uint64_t deadline_ms; /* CLOCK_BOOTTIME */
	bool lost;
};

static uint64_t boottime_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void nap(long ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

/* ---- the block */

static bool take_text(const json_t *root, const char *key, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(root, key));

	if (!text || strlen(text) >= size)
		return false;
	memcpy(out, text, strlen(text) + 1);
	return true;
}

bool home_lease_record_parse(const char *text, size_t length, struct home_lease_record *out,
			     const char **why)
{
	json_t *root;
	const json_t *epoch, *beats, *pid, *at;
	bool good;

	memset(out, 0, sizeof(*out));
	*why = "it is not a lease";
	if (length > LEASE_BLOCK)
		return false;
	root = json_loadb(text, strnlen(text, length), JSON_REJECT_DUPLICATES, NULL);
	if (!root)
		return false;
	epoch = json_object_get(root, "epoch");
	beats = json_object_get(root, "beats");
	pid = json_object_get(root, "pid");
	at = json_object_get(root, "at"); /* an older berthd writes none */
	good = json_is_integer(epoch) && json_integer_value(epoch) >= 0 && json_is_integer(beats) &&
	       json_integer_value(beats) >= 0 && json_is_integer(pid) &&
	       json_integer_value(pid) >= 0 && json_integer_value(pid) <= INT32_MAX &&
	       json_is_boolean(json_object_get(root, "held")) &&
	       json_integer_value(epoch) < INT64_MAX && (!at || json_is_integer(at)) &&
	       take_text(root, "node", out->node, sizeof(out->node)) &&
	       cluster_name_ok(out->node) &&
	       take_text(root, "boot_id", out->boot_id, sizeof(out->boot_id));
	if (good) {
		out->epoch = (uint64_t)json_integer_value(epoch);
		out->beats = (uint64_t)json_integer_value(beats);
		out->pid = (int)json_integer_value(pid);
		out->at_ms = json_integer_value(at);
		out->is_held = json_is_true(json_object_get(root, "held"));
	}
	json_decref(root);
	return good;
}

/* Past the page cache where the file system can do that; where it cannot, there is one cache only.
 */
static int open_block(const char *home, int flags)
{
	auto_free char *path = xasprintf("%s/lease", home);
	auto_close int fd =
		open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_DIRECT, 0600);
	struct stat at;

	if (fd < 0 && errno == EINVAL)
		fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0 || fstat(fd, &at) < 0)
		return -errno;
	return S_ISREG(at.st_mode) ? steal_fd(&fd) : -EUCLEAN; /* a pipe would never answer */
}

static int read_block(int fd, void *block, struct home_lease_record *out)
{
	const char *why;
	ssize_t n;

	do
		n = pread(fd, block, LEASE_BLOCK, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (!n)
		return -ENOENT;
	return home_lease_record_parse(block, (size_t)n, out, &why) ? 0 : -EUCLEAN;
}

static int write_block(int fd, void *block, const struct home_lease_record *r)
{
	ssize_t n;
	int length;

	memset(block, 0, LEASE_BLOCK);
	length = snprintf(block, LEASE_BLOCK,
			  "{\"node\":\"%s\",\"boot_id\":\"%s\",\"pid\":%d,\"epoch\":%llu,"
			  "\"beats\":%llu,\"at\":%lld,\"held\":%s}\n",
			  r->node, r->boot_id, r->pid, (unsigned long long)r->epoch,
			  (unsigned long long)r->beats, (long long)realtime_ms(),
			  r->is_held ? "true" : "false");
	if (length < 0 || length >= LEASE_BLOCK)
		return -EINVAL;
	do
		n = pwrite(fd, block, LEASE_BLOCK, 0);
	while (n < 0 && errno == EINTR);
	if (n != LEASE_BLOCK)
		return n < 0 ? -errno : -EIO;
	return fdatasync(fd) < 0 ? -errno : 0;
}

static void *new_block(void)
{
	void *block = NULL;

	BUG_ON(posix_memalign(&block, LEASE_BLOCK, LEASE_BLOCK) != 0);
	return block;
}

int home_lease_record_read(const char *home, struct home_lease_record *out)
{
	auto_free void *block = new_block();
	auto_close int fd = open_block(home, O_RDONLY);

	return fd < 0 ? fd : read_block(fd, block, out);
}

/* ---- holding it */

/* It stays lost, and the first reason is the one that is told. */
static void lose(struct home_lease *l, const char *why, const char *when)
{
	if (__atomic_exchange_n(&l->lost, true, __ATOMIC_SEQ_CST))
		return;
	log_error("lease lost home=%s epoch=%llu why=%s%s", l->home,
		  (unsigned long long)l->record.epoch, why, when);
}

/* Is the block still ours? With the lock. */
static int confirm(struct home_lease *l)
{
	struct home_lease_record now;
	int error = read_block(l->fd, l->block, &now);

	if (error == -ENOENT || error == -EUCLEAN)
		return -ESTALE; /* someone else's work */
	if (error)
		return error;
	return now.epoch == l->record.epoch && !strcmp(now.node, l->record.node) &&
			       now.pid == l->record.pid
		       ? 0
		       : -ESTALE;
}

static int beat(struct home_lease *l)
{
	int error = confirm(l);

	if (error)
		return error;
	l->record.beats++;
	return write_block(l->fd, l->block, &l->record);
}

static void extend(struct home_lease *l, uint64_t from_ms)
{
	__atomic_store_n(&l->deadline_ms, from_ms + LEASE_TERM_MS, __ATOMIC_RELEASE);
}

/* One beat. False, with the sentence in @why, where the lease is lost. */
static bool beat_once(struct home_lease *l, char *why, size_t size)
{
	uint64_t began = boottime_ms();
	const char *reason = "";
	bool allowed = !l->config.may_hold || l->config.may_hold(l->config.arg, &reason);
	int error;

	pthread_mutex_lock(&l->lock);
	error = allowed ? beat(l) : 0;
	if (allowed && !error)
		extend(l, began);
	pthread_mutex_unlock(&l->lock);
	if (!allowed)
		snprintf(why, size, "%s", reason);
	else if (error == -ESTALE)
		snprintf(why, size, "another node has taken it over (a higher epoch stands in %s)",
			 l->home);
	else if (error)
		snprintf(why, size, "the volume cannot be written any more: %s/lease: %s", l->home,
			 strerror(-error));
	return allowed && !error;
}

static bool wait_beat(struct home_lease *l)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LEASE_BEAT_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&l->lock);
	if (!l->ending)
		pthread_cond_timedwait(&l->changed, &l->lock, &until);
	bool ending = l->ending;
	pthread_mutex_unlock(&l->lock);
	return !ending;
}

static void *keep(void *arg)
{
	struct home_lease *l = arg;
	char why[512];

	while (wait_beat(l)) {
		if (__atomic_load_n(&l->lost, __ATOMIC_ACQUIRE))
			snprintf(why, sizeof(why), "another node has taken it over");
		else if (beat_once(l, why, sizeof(why)))
			continue;
		lose(l, why, "");
		l->config.lost(l->config.arg, why);
		break;
	}
	return NULL;
}

bool home_lease_holds(void *lease)
{
	struct home_lease *l = lease;
	const char *why = "";
	int error;

	if (__atomic_load_n(&l->lost, __ATOMIC_ACQUIRE))
		return false;
	if (boottime_ms() < __atomic_load_n(&l->deadline_ms, __ATOMIC_ACQUIRE))
		return true;
	/* No beat for too long: this process may have been stopped, and the world gone on. */
	pthread_mutex_lock(&l->lock);
	error = confirm(l);
	pthread_mutex_unlock(&l->lock);
	if (!error && (!l->config.may_hold || l->config.may_hold(l->config.arg, &why)))
		return !__atomic_load_n(&l->lost, __ATOMIC_ACQUIRE);
	lose(l,
	     error == -ESTALE ? "another node has taken it over"
	     : error	      ? strerror(-error)
			      : why,
	     " (found after its deadline)");
	return false;
}

/* ---- taking it */

static bool is_dead(const struct home_lease_config *c, const struct home_lease_record *r)
{
	/* Of our own name: the lock of the home, which the caller has, says that it is not another
	 * process. */
	if (!r->is_held || !strcmp(r->node, c->node))
		return true;
	return c->is_gone && c->is_gone(c->arg, r->node);
}

/* Does the count move? */
static int watch(int fd, void *block, const struct home_lease_record *before, char **why)
{
	for (int waited = 0; waited < LEASE_WATCH_MS; waited += LEASE_BEAT_MS / 2) {
		struct home_lease_record now;
		int error;

		nap(LEASE_BEAT_MS / 2);
		error = read_block(fd, block, &now);
		if (error)
			return error;
		if (now.epoch != before->epoch || now.beats != before->beats) {
			if (!now.is_held)
				return 0;
			*why = xasprintf("the node %s holds a live lease on this volume (epoch "
					 "%llu): it has "
					 "it mounted and serves it; take it offline there first",
					 now.node, (unsigned long long)now.epoch);
			return -EBUSY;
		}
	}
	log_warn("lease taken over from a silent owner node=%s epoch=%llu", before->node,
		 (unsigned long long)before->epoch);
	return 0;
}

static void lease_free(struct home_lease *l)
{
	close_fd_ptr(&l->fd);
	pthread_cond_destroy(&l->changed);
	pthread_mutex_destroy(&l->lock);
	free(l->block);
	free(l->home);
	free(l->node);
	free(l->boot_id);
	free(l);
}

static struct home_lease *lease_new(const struct home_lease_config *config)
{
	struct home_lease *l = xalloc(1, sizeof(*l));
	pthread_condattr_t attributes;

	l->config = *config;
	l->home = xstrdup(config->home);
	l->node = xstrdup(config->node);
	l->boot_id = xstrdup(config->boot_id);
	l->block = new_block();
	pthread_mutex_init(&l->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&l->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	l->fd = open_block(config->home, O_RDWR | O_CREAT);
	return l;
}

/* What stands there, watched where it may be live. */
static int look(struct home_lease *l, struct home_lease_record *before, bool *watched, char **why)
{
	int error = read_block(l->fd, l->block, before);

	*watched = false;
	if (error == -ENOENT) {
		memset(before, 0, sizeof(*before));
		return 0;
	}
	if (error || is_dead(&l->config, before))
		return error;
	*watched = true;
	return watch(l->fd, l->block, before, why);
}

/*
 * Two nodes may have watched the same silent lease to its end, and written one after the other: who
 * still stands there two beats later has it.
 */
static int settle(struct home_lease *l, char **why)
{
	uint64_t began;
	int error;

	nap(2 * LEASE_BEAT_MS);
	began = boottime_ms();
	error = confirm(l);
	if (!error)
		extend(l, began);
	else if (error == -ESTALE)
		*why = xasprintf("another node took the lease of this volume at the same time");
	return error == -ESTALE ? -EBUSY : error;
}

int home_lease_take(const struct home_lease_config *config, uint64_t least, struct home_lease **out,
		    char **why)
{
	struct home_lease *l = lease_new(config);
	bool watched = false;
	uint64_t began;
	int error = l->fd < 0 ? l->fd : look(l, &l->before, &watched, why);

	*out = NULL;
	if (!error) {
		l->record.epoch = l->before.epoch + 1 > least ? l->before.epoch + 1 : least;
		l->record.pid = (int)getpid();
		l->record.is_held = true;
		snprintf(l->record.node, sizeof(l->record.node), "%s", l->node);
		snprintf(l->record.boot_id, sizeof(l->record.boot_id), "%s", l->boot_id);
		began = boottime_ms();
		error = write_block(l->fd, l->block, &l->record);
		extend(l, began);
	}
	if (!error && watched)
		error = settle(l, why);
	if (!error)
		error = thread_start(&l->thread, "home lease", keep, l);
	if (error) {
		if (!*why)
			*why = xasprintf("the lease %s/lease cannot be taken: %s", config->home,
					 strerror(-error));
		lease_free(l);
		return error;
	}
	*out = l;
	return 0;
}

uint64_t home_lease_epoch(const struct home_lease *lease)
{
	return lease->record.epoch;
}

const struct home_lease_record *home_lease_before(const struct home_lease *lease)
{
	return &lease->before;
}

void home_lease_release(struct home_lease *l)
{
	int error = 0;

	pthread_mutex_lock(&l->lock);
	l->ending = true;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	if (pthread_equal(pthread_self(), l->thread))
		pthread_detach(l->thread);
	else
		pthread_join(l->thread, NULL);
	if (!l->lost)
		error = confirm(l);
	if (!l->lost && !error) {
		l->record.is_held = false;
		error = write_block(l->fd, l->block, &l->record);
	}
	if (error)
		log_error("lease not released home=%s error=%s", l->home, strerror(-error));
	lease_free(l);
}

int home_lease_clear(const char *home, const char *node)
{
	auto_free void *block = new_block();
	auto_free char *path = xasprintf("%s/owner.lock", home);
	auto_close int fd = open_block(home, O_RDWR), lock = -1;
	struct home_lease_record record;
	int error = fd < 0 ? fd : 0;

	if (!error) {
		lock = lock_open(path);
		error = lock < 0 ? lock : lock_try(lock);
	}
	if (!error)
		error = read_block(fd, block, &record);
	if (error == -ENOENT)
		return 0;
	if (error || !record.is_held || strcmp(record.node, node) != 0)
		return error;
	record.is_held = false;
	return write_block(fd, block, &record);
}
