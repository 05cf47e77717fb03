// SPDX-License-Identifier: Apache-2.0
/*
 * A thread with a connection of its own to the site's database. Its only shared state is the wish
 * to stop, under its lock.
 */
#include "distributor.h"

#include <base/log.h>
#include <pthread.h>
#include <site/distribution.h>
#include <time.h>

#define LOOK_EVERY_S 1
#define PATIENCE_S   3

struct distributor {
	struct site *site;
	pthread_t thread;
	pthread_mutex_t lock; /* of stopping */
	pthread_cond_t wake;
	bool stopping;
};

static struct timespec in_seconds(int seconds)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds;
	return until;
}

/* Wait a moment where there is nothing to do; false: stop. */
static bool go_on(struct distributor *d, bool rest)
{
	struct timespec until = in_seconds(LOOK_EVERY_S);
	bool stopping;

	pthread_mutex_lock(&d->lock);
	if (rest && !d->stopping)
		pthread_cond_timedwait(&d->wake, &d->lock, &until);
	stopping = d->stopping;
	pthread_mutex_unlock(&d->lock);
	return !stopping;
}

static void *work(void *arg)
{
	struct distributor *d = arg;
	bool worked = false;

	while (go_on(d, !worked)) {
		auto_free char *why = NULL;

		worked = false;
		if (distribution_work(d->site, &worked, &why)) {
			log_error("distribution cannot go on, trying again why=%s",
				  LOG_TEXT(why ? why : "unknown"));
			worked = false;
		}
	}
	return NULL;
}

struct distributor *distributor_start(const char *site_directory, char **why)
{
	struct distributor *d = xalloc(1, sizeof(*d));

	if (site_open(site_directory, &d->site, why)) {
		free(d);
		return NULL;
	}
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->wake, NULL);
	if (!pthread_create(&d->thread, NULL, work, d))
		return d;
	*why = xasprintf("cannot start a thread for the distribution");
	site_close(d->site);
	free(d);
	return NULL;
}

bool distributor_stop(struct distributor *d)
{
	struct timespec until = in_seconds(PATIENCE_S);

	if (!d)
		return true;
	pthread_mutex_lock(&d->lock);
	d->stopping = true;
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
	if (pthread_timedjoin_np(d->thread, NULL, &until))
		return false;
	pthread_cond_destroy(&d->wake);
	pthread_mutex_destroy(&d->lock);
	site_close(d->site);
	free(d);
	return true;
}
