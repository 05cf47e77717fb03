// SPDX-License-Identifier: Apache-2.0
/* The schedule of the summarizer. See summarizer_impl.h for the states of an entry. */
#include "summarizer_impl.h"

#include <base/log.h>
#include <limits.h>
#include <site/message.h>
#include <unistd.h>

#define WRITE_AFTER_MS	200  /* what was found is written together */
#define WRITE_AGAIN_MS	2000 /* where the database refused */
#define LOOK_EVERY_MS	500  /* for what other connections have changed */
#define BEAT_EVERY_MS	5000
#define GAP_S		60 /* a longer silence of the server is reported */
#define LATE_WINDOW_MS	15000
#define SPREAD_MOST_MS	30000 /* after a start, what is overdue is spread over this */
#define OVERDUE_MORE_MS 60000
#define RETAIN_EVERY_S	3600

static void timer_fired(struct loop_timer *timer);

static void schedule(struct entry *e, uint64_t after_ms)
{
	e->due_ms = monotonic_ms() + after_ms;
	loop_timer_start(e->s->loop, &e->timer, after_ms, timer_fired);
}

/* A tenth more or less, so that what was started together does not stay together. */
static uint64_t jittered(uint64_t ms)
{
	uint64_t tenth = ms / 10;

	return tenth ? ms - tenth + random_u64() % (2 * tenth) : ms;
}

static void free_entry(struct entry *e)
{
	loop_timer_stop(e->s->loop, &e->timer);
	object_free(&e->object);
	free(e->report);
	free(e);
}

static void lane_push(struct lane *lane, struct entry *e)
{
	e->next = NULL;
	*lane->end = e;
	lane->end = &e->next;
}

static struct entry *lane_pop(struct lane *lane)
{
	struct entry *e = lane->first;

	lane->first = e->next;
	if (!lane->first)
		lane->end = &lane->first;
	return e;
}

static void note_lateness(struct summarizer *s, const struct entry *e)
{
	uint64_t now = monotonic_ms(), late = now > e->due_ms ? now - e->due_ms : 0;

	if (e->lane != LANE_WELL)
		return;
	if (now >= s->late_until_ms) {
		s->late_before_ms = s->late_ms;
		s->late_ms = 0;
		s->late_until_ms = now + LATE_WINDOW_MS;
	}
	s->late_ms = max_u64(s->late_ms, late);
	s->worst_ms = max_u64(s->worst_ms, late);
}

static void pump(struct summarizer *s, struct lane *lane)
{
	while (lane->first && lane->used < lane->slots) {
		struct entry *e = lane_pop(lane);

		lane->used++;
		s->under_way++;
		s->checks++;
		note_lateness(s, e);
		check_start(e);
	}
}

static void timer_fired(struct loop_timer *timer)
{
	struct entry *e = container_of(timer, struct entry, timer);
	struct lane *lane;

	if (e->s->stopping || e->object.paused)
		return;
	e->busy = true;
	e->lane = e->object.state.reach == REACH_DOWN || e->object.state.reach == REACH_RETRYING
			  ? LANE_AILING
			  : LANE_WELL;
	lane = &e->s->lanes[e->lane];
	lane_push(lane, e);
	pump(e->s, lane);
}

static void end_if_stopped(struct summarizer *s)
{
	struct entry *e, *next;

	if (!s->stopping || s->under_way || s->found)
		return;
	HASH_ITER (hh, s->entries, e, next) {
		HASH_DEL(s->entries, e);
		free_entry(e);
	}
	loop_timer_stop(s->loop, &s->write_timer);
	loop_timer_stop(s->loop, &s->look_timer);
	loop_timer_stop(s->loop, &s->beat_timer);
	policies_free(&s->policies);
	s->stopped(s->stopped_owner);
	free(s);
}

static void write_found(struct loop_timer *timer);

void entry_found(struct entry *e)
{
	struct summarizer *s = e->s;
	struct lane *lane = &s->lanes[e->lane];

	s->under_way--;
	lane->used--;
	e->judged = false;
	e->next = NULL;
	*s->found_end = e;
	s->found_end = &e->next;
	if (!s->write_timer.heap_index)
		loop_timer_start(s->loop, &s->write_timer, WRITE_AFTER_MS, write_found);
	if (!s->stopping)
		pump(s, lane);
}

/* Written: its timer runs again, or it is gone. */
static void settle(struct entry *e)
{
	struct watch_policy policy = policy_of(&e->s->policies, &e->object);
	uint64_t again_ms = (uint64_t)e->verdict.again_s * 1000;

	e->busy = e->judged = e->overdue = false;
	if (e->removed) {
		free_entry(e);
		return;
	}
	if (e->verdict.again_s >= policy.interval_s)
		again_ms = jittered(again_ms);
	if (e->recheck)
		again_ms = 0;
	e->recheck = false;
	schedule(e, again_ms);
}

static int write_all(struct summarizer *s, char **why)
{
	int error = site_begin(s->site, why);

	if (error)
		return error;
	for (struct entry *e = s->found; e && !error; e = e->next)
		error = outcome_write(e, why);
	if (!error)
		return site_commit(s->site, why);
	site_rollback(s->site);
	return error;
}

static void write_found(struct loop_timer *timer)
{
	struct summarizer *s = container_of(timer, struct summarizer, write_timer);
	auto_free char *why = NULL;
	struct entry *e, *next;

	if (!s->found)
		return;
	if (write_all(s, &why)) {
		log_error("site results not written, trying again why=%s",
			  LOG_TEXT(why ? why : "?"));
		loop_timer_start(s->loop, timer, WRITE_AGAIN_MS, write_found);
		return;
	}
	e = s->found;
	s->found = NULL;
	s->found_end = &s->found;
	for (; e; e = next) {
		next = e->next;
		settle(e);
	}
	end_if_stopped(s);
}

/* When an object that was known before is due: on its old schedule, as far as that is not past. */
static uint64_t first_due(const struct object *o, const struct watch_policy *policy)
{
	int64_t left_s = o->state.checked_s + policy->interval_s - now_s();
	uint64_t interval_ms = (uint64_t)policy->interval_s * 1000;

	if (!o->state.checked_s)
		return 0;
	if (left_s > 0 && left_s <= policy->interval_s)
		return (uint64_t)left_s * 1000;
	return random_u64() % min_u64(interval_ms, SPREAD_MOST_MS);
}

static void adopt(struct summarizer *s, struct object *object)
{
	struct entry *e = xalloc(1, sizeof(*e));
	struct watch_policy policy = policy_of(&s->policies, object);

	e->s = s;
	e->object = *object;
	*object = (struct object){ 0 };
	HASH_ADD(hh, s->entries, object.id, sizeof(e->object.id), e);
	if (!e->object.paused)
		schedule(e, first_due(&e->object, &policy));
}

static bool same_thresholds(const struct thresholds *a, const struct thresholds *b)
{
	return a->warn_bytes == b->warn_bytes && a->critical_bytes == b->critical_bytes &&
	       a->warn_percent == b->warn_percent && a->critical_percent == b->critical_percent;
}

/* The object was changed; what is known of it stays, and it is checked soon. */
static void update(struct entry *e, struct object *object)
{
	bool recheck = object->recheck != e->object.recheck, was_paused = e->object.paused;
	bool changed = recheck || was_paused != object->paused ||
		       object->interval_s != e->object.interval_s ||
		       !same_thresholds(&object->thresholds, &e->object.thresholds);
	struct watch_state state = e->object.state;

	/* A check that is under way holds on to no text of the object but on the helper thread. */
	if (e->busy) {
		e->recheck = e->recheck || changed;
		e->object.recheck = object->recheck;
		e->object.paused = object->paused;
		e->object.thresholds = object->thresholds;
		e->object.interval_s = object->interval_s;
		return;
	}
	object_free(&e->object);
	e->object = *object;
	e->object.state = state;
	*object = (struct object){ 0 };
	if (e->object.paused)
		loop_timer_stop(e->s->loop, &e->timer);
	else if (changed)
		schedule(e, 0);
}

static void remove_entry(struct summarizer *s, struct entry *e)
{
	HASH_DEL(s->entries, e);
	if (e->busy)
		e->removed = true;
	else
		free_entry(e);
}

static int by_id(const void *key, const void *object)
{
	int64_t wanted = *(const int64_t *)key, id = ((const struct object *)object)->id;

	return wanted < id ? -1 : wanted > id;
}

static int order_by_id(const void *a, const void *b)
{
	return by_id(&((const struct object *)a)->id, b);
}

static void take_settings(struct summarizer *s)
{
	size_t parallel = (size_t)site_setting_number(s->site, "parallel");

	s->timeout_ms = (uint64_t)site_setting_number(s->site, "timeout_s") * 1000;
	s->deadline_ms = (uint64_t)site_setting_number(s->site, "deadline_s") * 1000;
	s->lanes[LANE_WELL].slots = s->lanes[LANE_AILING].slots = (parallel + 1) / 2;
}

/* Read everything again; the database has said that it changed. */
static int reload(struct summarizer *s, char **why)
{
	struct object *objects = NULL;
	struct entry *e, *next;
	size_t count = 0;
	int error;

	s->version = site_version(s->site);
	policies_free(&s->policies);
	error = policies_load(s->site, &s->policies, why);
	if (!error)
		error = object_load(s->site, &objects, &count, why);
	if (error)
		return error;
	take_settings(s);
	sort_items(objects, count, sizeof(*objects), order_by_id);
	HASH_ITER (hh, s->entries, e, next) {
		if (!find_item(&e->object.id, objects, count, sizeof(*objects), by_id))
			remove_entry(s, e);
	}
	for (size_t i = 0; i < count; i++) {
		HASH_FIND(hh, s->entries, &objects[i].id, sizeof(objects[i].id), e);
		if (e)
			update(e, &objects[i]);
		else
			adopt(s, &objects[i]);
		object_free(&objects[i]);
	}
	free(objects);
	return 0;
}

static void look(struct loop_timer *timer)
{
	struct summarizer *s = container_of(timer, struct summarizer, look_timer);
	auto_free char *why = NULL;

	if (s->stopping)
		return;
	if (site_version(s->site) != s->version && reload(s, &why)) {
		s->version = -1;
		log_error("site cannot be read again why=%s", LOG_TEXT(why ? why : "?"));
	}
	loop_timer_start(s->loop, timer, LOOK_EVERY_MS, look);
}

static int write_heartbeat(struct summarizer *s, char **why)
{
	struct query q =
		query_begin(s->site, "INSERT OR REPLACE INTO heartbeat(one, machine, started,"
				     " beat, polls, late_ms, busy)"
				     " VALUES(1, ?1, ?2, ?3, ?4, ?5, ?6)");
	struct summarizer_counts counts = summarizer_counts(s);
	char machine[HOST_NAME_MAX + 1] = "";

	(void)!gethostname(machine, sizeof(machine) - 1);
	query_text(&q, machine);
	query_number(&q, s->started_s);
	query_number(&q, now_s());
	query_number(&q, (int64_t)counts.checks);
	query_number(&q, (int64_t)counts.late_ms);
	query_number(&q, (int64_t)counts.under_way);
	return query_run(&q, why);
}

/* An object whose time is long past, whatever holds it up, is said to be so once. */
static int report_overdue(struct summarizer *s, struct entry *e, char **why)
{
	struct watch_policy policy = policy_of(&s->policies, &e->object);
	uint64_t now = monotonic_ms();
	uint64_t allowed = (uint64_t)policy.interval_s * 1000 + s->deadline_ms + OVERDUE_MORE_MS;
	auto_free char *late = NULL;
	struct message message = { .id = MSG_OBJECT_OVERDUE, .object = e->object.path };

	if (e->overdue || e->object.paused || now < e->due_ms + allowed)
		return 0;
	late = xasprintf("%llu s", (unsigned long long)((now - e->due_ms) / 1000));
	message.strings[0] = e->object.path;
	message.strings[1] = late;
	e->overdue = true;
	return message_write(s->site, &message, why);
}

static void beat(struct loop_timer *timer)
{
	struct summarizer *s = container_of(timer, struct summarizer, beat_timer);
	auto_free char *why = NULL;
	struct entry *e, *next;
	int error;

	if (s->stopping)
		return;
	error = write_heartbeat(s, &why);
	HASH_ITER (hh, s->entries, e, next) {
		if (!error)
			error = report_overdue(s, e, &why);
	}
	if (!error && now_s() - s->retained_s >= RETAIN_EVERY_S) {
		s->retained_s = now_s();
		error = message_retain(s->site, &why);
		if (!error)
			error = object_history_retain(s->site, &why);
	}
	if (error)
		log_error("site heartbeat not written why=%s", LOG_TEXT(why ? why : "?"));
	loop_timer_start(s->loop, timer, BEAT_EVERY_MS, beat);
}

/* The site was alone since the last heartbeat: a schedule that stopped is itself a message. */
static int report_gap(struct summarizer *s, char **why)
{
	struct query q = query_begin(s->site, "SELECT beat, strftime('%Y-%m-%d %H:%M:%S UTC', beat,"
					      " 'unixepoch') FROM heartbeat");
	auto_free char *since = NULL, *gap = NULL;
	struct message message = { .id = MSG_NOT_WATCHED };
	int64_t beat_s = 0;
	int error;

	if (query_row(&q)) {
		beat_s = query_number_at(&q, 0);
		since = xstrdup(query_text_at(&q, 1));
	}
	error = query_end(&q, why);
	if (error || !beat_s || now_s() - beat_s < GAP_S)
		return error;
	gap = xasprintf("%lld s", (long long)(now_s() - beat_s));
	message.strings[0] = gap;
	message.strings[1] = since;
	return message_write(s->site, &message, why);
}

struct summarizer *summarizer_start(struct loop *loop, struct site *site, char **why)
{
	struct summarizer *s = xalloc(1, sizeof(*s));
	int error;

	s->loop = loop;
	s->site = site;
	s->started_s = now_s();
	s->found_end = &s->found;
	for (size_t i = 0; i < LANES; i++)
		s->lanes[i].end = &s->lanes[i].first;
	error = report_gap(s, why);
	if (!error)
		error = reload(s, why);
	if (!error)
		error = write_heartbeat(s, why);
	if (error) {
		policies_free(&s->policies);
		free(s);
		return NULL;
	}
	loop_timer_start(loop, &s->look_timer, LOOK_EVERY_MS, look);
	loop_timer_start(loop, &s->beat_timer, BEAT_EVERY_MS, beat);
	return s;
}

static void stop_now(struct loop_timer *timer)
{
	end_if_stopped(container_of(timer, struct summarizer, look_timer));
}

void summarizer_stop(struct summarizer *s, void (*done)(void *owner), void *owner)
{
	s->stopping = true;
	s->stopped = done;
	s->stopped_owner = owner;
	for (size_t i = 0; i < LANES; i++) {
		s->lanes[i].first = NULL; /* queued, not begun: on the next start */
		s->lanes[i].end = &s->lanes[i].first;
	}
	loop_timer_start(s->loop, &s->look_timer, 0, stop_now);
}

struct summarizer_counts summarizer_counts(const struct summarizer *s)
{
	return (struct summarizer_counts){
		.objects = HASH_COUNT(s->entries),
		.under_way = s->under_way,
		.checks = s->checks,
		.late_ms = max_u64(s->late_ms, s->late_before_ms),
		.worst_ms = s->worst_ms,
	};
}
