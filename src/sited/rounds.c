// SPDX-License-Identifier: Apache-2.0
/* Rounds: one after the other, clients_round_s apart, or at once where a point is reached again
 * that could not be given the policy; each failure is logged and tried again. */
#include "rounds.h"

#include <base/log.h>
#include <base/thread.h>
#include <site/db.h>
#include <site/deploy.h>
#include <time.h>

#define LOOK_EVERY_S	1
#define STOP_PATIENCE_S 5

struct rounds {
	struct site *site;
	pthread_t thread;
	pthread_mutex_t lock; /* of stopping */
	pthread_cond_t wake;
	bool stopping;
};

static struct timespec seconds_from_now(time_t seconds)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += seconds;
	return t;
}

/* False: it is time to end. */
static bool pause_a_little(struct rounds *r)
{
	struct timespec until = seconds_from_now(LOOK_EVERY_S);
	bool go_on;

	pthread_mutex_lock(&r->lock);
	if (!r->stopping)
		pthread_cond_timedwait(&r->wake, &r->lock, &until);
	go_on = !r->stopping;
	pthread_mutex_unlock(&r->lock);
	return go_on;
}

static bool has_points(struct site *site)
{
	json_t *points = point_list(site, NULL);
	bool any = json_array_size(points) > 0;

	json_decref(points);
	return any;
}

static void round_once(struct rounds *r)
{
	auto_free char *papers = NULL, *publish = NULL;
	struct ingest_counts counts = { 0 };

	if (!has_points(r->site))
		return;
	if (papers_ingest(r->site, &counts, &papers))
		log_warn("papers not taken why=%s", LOG_TEXT(papers ? papers : "unknown"));
	if (counts.enrolments || counts.reports || counts.refused || counts.unread)
		log_info("papers enrolments=%llu reports=%llu stale=%llu refused=%llu unread=%llu",
			 (unsigned long long)counts.enrolments, (unsigned long long)counts.reports,
			 (unsigned long long)counts.stale, (unsigned long long)counts.refused,
			 (unsigned long long)counts.unread);
	if (counts.forgotten)
		log_warn("files that are no papers are not kept in mind count=%llu",
			 (unsigned long long)counts.forgotten);
	if (policy_publish(r->site, false, &publish))
		log_warn("policy not published why=%s", LOG_TEXT(publish ? publish : "unknown"));
}

static void *run(void *owner)
{
	struct rounds *r = owner;
	uint64_t last = monotonic_ms();
	int64_t begun_s = now_s();

	while (pause_a_little(r)) {
		int64_t interval_s = site_setting_number(r->site, "clients_round_s");

		if (!interval_s || (monotonic_ms() - last < (uint64_t)interval_s * 1000 &&
				    !policy_is_awaited(r->site, begun_s)))
			continue;
		begun_s = now_s();
		round_once(r);
		last = monotonic_ms();
	}
	return NULL;
}

struct rounds *rounds_start(const char *site_directory, char **why)
{
	struct rounds *r = xalloc(1, sizeof(*r));

	if (!site_open(site_directory, &r->site, why)) {
		pthread_mutex_init(&r->lock, NULL);
		pthread_cond_init(&r->wake, NULL);
		if (!thread_start(&r->thread, "rounds", run, r))
			return r;
		*why = xstrdup("cannot start a thread");
		site_close(r->site);
	}
	free(r);
	return NULL;
}

bool rounds_stop(struct rounds *r)
{
	struct timespec until = seconds_from_now(STOP_PATIENCE_S);

	if (!r)
		return true;
	pthread_mutex_lock(&r->lock);
	r->stopping = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	if (pthread_timedjoin_np(r->thread, NULL, &until))
		return false;
	site_close(r->site);
	free(r);
	return true;
}
