// SPDX-License-Identifier: Apache-2.0
/*
 * Threads that bring packages to distribution points, each with a connection of its own to the
 * site's database, and no two at one point.
 *
 * Shared, under d->lock: the points that are being worked at, and the wish to stop. The lock is
 * held while a row is taken, never while it is worked on; d->stopping is also read without it.
 */
#include "distributor.h"

#include <base/log.h>
#include <base/thread.h>
#include <site/distribution.h>
#include <time.h>

#define LOOK_EVERY_S 1
#define PATIENCE_S   3

struct worker {
	struct distributor *distributor;
	struct site *site;
	pthread_t thread;
	bool is_started;
};
struct distributor {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	json_t *busy; /* paths of points */
	atomic_bool stopping;
	struct worker *workers;
	size_t count;
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

	pthread_mutex_lock(&d->lock);
	if (rest && !atomic_load(&d->stopping))
		pthread_cond_timedwait(&d->wake, &d->lock, &until);
	pthread_mutex_unlock(&d->lock);
	return !atomic_load(&d->stopping);
}

static struct distribution_job *take(struct worker *w)
{
	struct distributor *d = w->distributor;
	struct distribution_job *job = NULL;
	auto_free char *why = NULL;
	int error;

	pthread_mutex_lock(&d->lock);
	error = distribution_take(w->site, d->busy, &job, &why);
	if (job)
		json_array_append_new(d->busy, json_string(distribution_job_point(job)));
	pthread_mutex_unlock(&d->lock);
	if (error)
		log_error("distribution cannot go on, trying again why=%s",
			  LOG_TEXT(why ? why : "unknown"));
	return job;
}

static void give_back(struct distributor *d, const char *point)
{
	json_t *one;
	size_t i;

	pthread_mutex_lock(&d->lock);
	json_array_foreach(d->busy, i, one)
	{
		if (strcmp(json_string_value(one), point) != 0)
			continue;
		json_array_remove(d->busy, i);
		break;
	}
	pthread_cond_broadcast(&d->wake); /* others may have waited for this point */
	pthread_mutex_unlock(&d->lock);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct distributor *d = w->distributor;
	bool worked = true;

	while (go_on(d, !worked)) {
		struct distribution_job *job = take(w);
		auto_free char *why = NULL;

		worked = job != NULL;
		if (!job)
			continue;
		if (distribution_do(w->site, job, &d->stopping, &why)) {
			log_error("distribution cannot go on, trying again why=%s",
				  LOG_TEXT(why ? why : "unknown"));
			worked = false;
		}
		give_back(d, distribution_job_point(job));
		distribution_job_free(job);
	}
	return NULL;
}

static void release(struct distributor *d)
{
	for (size_t i = 0; i < d->count; i++)
		site_close(d->workers[i].site);
	free(d->workers);
	json_decref(d->busy);
	pthread_cond_destroy(&d->wake);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

static bool start_worker(struct worker *w, struct distributor *d, const char *site_directory,
			 char **why)
{
	w->distributor = d;
	if (site_open(site_directory, &w->site, why))
		return false;
	w->is_started = !thread_start(&w->thread, "distributor", work, w);
	if (!w->is_started)
		*why = xasprintf("cannot start a thread for the distribution");
	return w->is_started;
}

static size_t workers_wanted(const char *site_directory)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL;

	return site_open(site_directory, &site, &why)
		       ? 1
		       : (size_t)site_setting_number(site, "parallel_points");
}

struct distributor *distributor_start(const char *site_directory, char **why)
{
	struct distributor *d = xalloc(1, sizeof(*d));

	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->wake, NULL);
	d->busy = json_array();
	d->count = workers_wanted(site_directory);
	d->workers = xalloc(d->count, sizeof(*d->workers));
	for (size_t i = 0; i < d->count; i++) {
		if (start_worker(&d->workers[i], d, site_directory, why))
			continue;
		(void)distributor_stop(d); /* where it is in vain, the server ends all the same */
		return NULL;
	}
	return d;
}

bool distributor_stop(struct distributor *d)
{
	struct timespec until = in_seconds(PATIENCE_S);
	bool ended = true;

	if (!d)
		return true;
	pthread_mutex_lock(&d->lock);
	atomic_store(&d->stopping, true);
	pthread_cond_broadcast(&d->wake);
	pthread_mutex_unlock(&d->lock);
	for (size_t i = 0; i < d->count; i++) {
		if (d->workers[i].is_started)
			ended = !pthread_timedjoin_np(d->workers[i].thread, NULL, &until) && ended;
	}
	if (ended)
		release(d);
	return ended;
}
