// SPDX-License-Identifier: Apache-2.0
/*
 * A mover: fills distribution points from others that are nearer to them than the site is, as the
 * site's signed order says. What is read at a source is believed by its hash alone, and read back
 * at the target. What became of each package is remembered (memory.pulls) and reported.
 *
 * Interrupted anywhere, the next poll goes on with what is missing at the target.
 */
#include "agent.h"

#include "platform.h"

#include <base/log.h>
#include <content/transfer.h>
#include <policy/pull.h>
#include <policy/rates.h>
#include <strings.h>

/* Policy, deployments and reports wait meanwhile. */
#define TURN_USUAL_MS  (3600u * 1000)  /* in one cycle */
#define TURN_MOST_MS   (86400u * 1000) /* for one package that needs so long */
#define HELD_MANIFESTS 4096	       /* of a target, that are looked through for pieces it has */
#define BUSY_AGAIN_S   15	       /* the site writes its documents there */
#define CLOSED_AGAIN_S 60	       /* the hours of the point do not let anything in */

/* What is not done by its end goes on in the next cycle. */
struct turn {
	uint64_t end_ms;
	bool was_cut, has_moved;
};

/* What lets bytes into a point at its rate, whatever package they are of. */
struct gate {
	char *to;
	struct throttle throttle;
	bool is_closed; /* and the log says so */
};

/* One package on its way. */
struct move {
	struct agent *agent;
	const struct turn *turn;
	const struct pull_point *point;
	const struct pull_package *package;
	struct place *from[PULL_SOURCES_MAX];
	unsigned from_count;
	struct place *to;
	struct gate *gate;
	struct transfer_result result;
};

static void close_places(struct move *m)
{
	for (unsigned i = 0; i < m->from_count; i++)
		places_close(m->agent, m->from[i]);
	if (m->to)
		place_unlock(m->to);
	places_close(m->agent, m->to);
}

static bool is_over(const struct turn *turn)
{
	return monotonic_ms() >= turn->end_ms;
}

static uint64_t left_ms(const struct turn *turn)
{
	return is_over(turn) ? 1 : turn->end_ms - monotonic_ms();
}

static const struct policy_point *find_point(const struct agent *a, const char *title)
{
	for (size_t i = 0; i < a->policy.point_count; i++)
		if (!strcasecmp(a->policy.points[i].title, title))
			return &a->policy.points[i];
	return NULL;
}

/* Those that answer, in the order that the site gave them. */
static bool open_sources(struct move *m, struct content_failure *why)
{
	content_fail(why, CONTENT_UNREACHABLE, STATUS_NETWORK_UNREACHABLE, m->point->from[0],
		     "the policy has no point that it may be read from");
	for (size_t i = 0; i < m->point->from_count; i++) {
		const struct policy_point *p = find_point(m->agent, m->point->from[i]);
		struct place *place = p ? places_open(m->agent, p, why) : NULL;

		if (!place)
			continue;
		place_set_deadline(place, left_ms(m->turn));
		m->from[m->from_count++] = place;
	}
	return m->from_count > 0;
}

static bool open_target(struct move *m, struct content_failure *why)
{
	const struct policy_point *p = find_point(m->agent, m->point->to);

	if (!p)
		return content_fail(why, CONTENT_MISSING, STATUS_NOT_FOUND, m->point->to,
				    "the policy has no such point");
	m->to = places_open_to_write(m->agent, p, why);
	if (!m->to)
		return false;
	place_set_deadline(m->to, left_ms(m->turn));
	return layout_prepare(m->to, trust_root_id(m->agent->trust), why);
}

/* transfer_options.progress: whoever wants the agent to end does not wait for the package. */
static bool go_on(void *owner, const struct transfer_progress *progress)
{
	const struct move *m = owner;

	return !platform_is_stopping() && !is_over(m->turn) && !m->gate->throttle.is_closed;
}

/* transfer_options.may_send: what the site would send there by itself, a mover may. */
static uint64_t wait_ms(void *owner, uint64_t bytes)
{
	struct move *m = owner;

	return throttle_wait_ms(&m->gate->throttle, monotonic_ms(), agent_now(m->agent), bytes);
}

void pull_forget_gates(struct agent *a)
{
	for (size_t i = 0; i < a->gate_count; i++)
		free(a->gates[i].to);
	free(a->gates);
	a->gates = NULL;
	a->gate_count = 0;
}

/* That of the point. Where there are as many as an order may have, a new one takes the place of the
 * one that nothing has gone through for longest. */
static struct gate *find_gate(struct agent *a, const char *to)
{
	struct gate *g;

	for (size_t i = 0; i < a->gate_count; i++)
		if (!strcasecmp(a->gates[i].to, to))
			return &a->gates[i];
	if (!a->gates)
		a->gates = xalloc(PULL_POINTS_MAX, sizeof(*a->gates));
	if (a->gate_count < PULL_POINTS_MAX) {
		g = &a->gates[a->gate_count++];
	} else {
		g = a->gates;
		for (size_t i = 1; i < a->gate_count; i++)
			if (a->gates[i].throttle.last_ms < g->throttle.last_ms)
				g = &a->gates[i];
		free(g->to);
	}
	*g = (struct gate){ .to = xstrdup(to) };
	return g;
}

/* Is nothing let in there at this hour? It is said once, and when that is over. */
static bool is_closed(const struct agent *a, const struct pull_point *point, struct gate *g)
{
	bool closed = !throttle_bind(&g->throttle, point->rates ? point->rates : "") ||
		      (g->throttle.rates.count && !rates_now(&g->throttle.rates, agent_now(a)));

	if (closed != g->is_closed)
		log_info("%s to=%s",
			 closed ? "packages wait for the hours of their point"
				: "the hours of a point have come",
			 LOG_TEXT(point->to));
	g->is_closed = closed;
	return closed;
}

/* Where the manifest is there already, nobody has told what of its pieces is: all are read. */
static enum transfer_mode mode_of(const struct move *m, uint8_t (*held)[SHA256_LENGTH],
				  size_t count)
{
	static const enum transfer_mode modes[] = { TRANSFER_MISSING, TRANSFER_EVERYTHING,
						    TRANSFER_REPAIR };
	enum transfer_mode mode = modes[m->package->mode];

	for (size_t i = 0; i < count && mode == TRANSFER_MISSING; i++)
		if (!memcmp(held[i], m->package->manifest, SHA256_LENGTH))
			mode = TRANSFER_REPAIR;
	return mode;
}

/* What the target has is what its own manifests name: they are known by their hashes, and whoever
 * writes at a source decides nothing about it. */
static bool move_package(struct move *m, struct content_failure *why)
{
	auto_free uint8_t(*held)[SHA256_LENGTH] = xalloc(HELD_MANIFESTS, SHA256_LENGTH);
	struct transfer_options options = {
		.held = held,
		.patience_ms = (uint64_t)m->agent->config->patience_s * 1000,
		.may_send = wait_ms,
		.progress = go_on,
		.owner = m,
	};

	if (!open_target(m, why) || !open_sources(m, why))
		return false;
	options.to = m->to;
	options.from = m->from;
	options.from_count = m->from_count;
	options.known = m->to;
	if (m->package->mode == PULL_MISSING &&
	    !content_held(m->to, m->to, held, HELD_MANIFESTS, &options.held_count, why))
		return false;
	options.mode = mode_of(m, held, options.held_count);
	return content_transfer(m->package->manifest, &options, &m->result, why);
}

static bool is_of(const json_t *pull, const struct pull_point *point,
		  const struct pull_package *package, bool this_wish)
{
	char hash[SHA256_HEX_SIZE];

	content_hex(hash, package->manifest, SHA256_LENGTH);
	return !strcmp(json_string_value(json_object_get(pull, "to")), point->to) &&
	       !strcmp(json_string_value(json_object_get(pull, "package")), package->package) &&
	       (!this_wish ||
		(json_integer_value(json_object_get(pull, "number")) == package->number &&
		 !strcmp(json_string_value(json_object_get(pull, "manifest")), hash)));
}

/* What is remembered of this wish; NULL: nothing. */
static json_t *find_pull(const struct agent *a, const struct pull_point *point,
			 const struct pull_package *package)
{
	json_t *pull;
	size_t i;

	json_array_foreach(a->memory.pulls, i, pull)
	{
		if (is_of(pull, point, package, true))
			return pull;
	}
	return NULL;
}

/* In place of what was remembered of earlier wishes for the same package there. */
static void remember(const struct move *m, bool good, const char *reason, size_t attempts)
{
	struct memory *memory = &m->agent->memory;
	int64_t now = agent_now(m->agent);
	char hash[SHA256_HEX_SIZE];

	content_hex(hash, m->package->manifest, SHA256_LENGTH);
	for (size_t i = json_array_size(memory->pulls); i > 0; i--)
		if (is_of(json_array_get(memory->pulls, i - 1), m->point, m->package, false))
			json_array_remove(memory->pulls, i - 1);
	json_array_append_new(
		memory->pulls,
		json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "to",
			  m->point->to, "package", m->package->package, "manifest", hash, "number",
			  (json_int_t)m->package->number, "state", good ? PULL_DONE : PULL_FAILED,
			  "reason", reason, "sent", (json_int_t)m->result.bytes_sent, "bad",
			  (json_int_t)m->result.bad, "time_s", (json_int_t)now, "attempts",
			  (json_int_t)attempts, "again_s",
			  (json_int_t)(good ? 0 : now + retry_delay_s((uint32_t)attempts))));
	memory->has_news = true;
}

/* A sentence that fits a report. */
static char *reason_of(const struct content_failure *why)
{
	auto_free char *text = xasprintf("%s%s%s", why->text, why->path[0] ? ": " : "", why->path);
	size_t length = strlen(text) < PULL_REASON_MAX ? strlen(text) : PULL_REASON_MAX;

	while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--; /* no half of a character */
	return strndup(text, length);
}

/* Was it the end of the turn that ended it? The longest turn there is was enough, or it fails. */
static bool is_cut(const struct agent *a, struct turn *turn, struct content_failure *why)
{
	if (!is_over(turn) ||
	    (why->problem != CONTENT_CANCELLED && why->problem != CONTENT_UNREACHABLE))
		return false;
	turn->was_cut = true;
	if (a->pull_turn_ms < TURN_MOST_MS)
		return true;
	content_fail(why, CONTENT_UNREACHABLE, STATUS_IO_TIMEOUT, NULL,
		     "it could not be moved within %u hours", TURN_MOST_MS / TURN_USUAL_MS);
	return false;
}

/* When to look again; 0: with the next policy. */
static int64_t work_at(struct agent *a, struct turn *turn, const struct pull_point *point,
		       const struct pull_package *package)
{
	struct move m cleanup(
		close_places) = { .agent = a, .turn = turn, .point = point, .package = package };
	struct content_failure why = { 0 };
	json_t *before = find_pull(a, point, package);
	int64_t attempts = json_integer_value(json_object_get(before, "attempts")), again;
	bool good;

	again = json_integer_value(json_object_get(before, "again_s"));
	if (before &&
	    (!again || (again > agent_now(a) && again <= agent_now(a) + retry_delay_s(UINT32_MAX))))
		return again;
	/* What expired while others were moved orders nothing any more. */
	if (!trust_is_current(a->trust, agent_now(a), NULL))
		return 0;
	if (platform_is_stopping() || is_over(turn))
		return agent_now(a) + BUSY_AGAIN_S;
	m.gate = find_gate(a, point->to);
	if (is_closed(a, point, m.gate))
		return agent_now(a) + CLOSED_AGAIN_S;
	good = move_package(&m, &why);
	turn->has_moved |= good;
	if (!good && m.gate->throttle.is_closed && why.problem == CONTENT_CANCELLED)
		return agent_now(a) + CLOSED_AGAIN_S; /* its hour has come: no failure */
	if (!good && (is_cut(a, turn, &why) || why.problem == CONTENT_BUSY ||
		      why.problem == CONTENT_CANCELLED))
		return agent_now(a) + BUSY_AGAIN_S;
	if (good) {
		remember(&m, true, "", 1);
		log_info("package moved package=%s to=%s bytes=%llu sent=%llu composed=%u",
			 LOG_TEXT(package->package), LOG_TEXT(point->to),
			 (unsigned long long)m.result.bytes,
			 (unsigned long long)m.result.bytes_sent, m.result.composed);
	} else {
		auto_free char *reason = reason_of(&why);

		remember(&m, false, reason, (size_t)attempts + 1);
		log_warn("package not moved package=%s to=%s problem=%s why=%s",
			 LOG_TEXT(package->package), LOG_TEXT(point->to),
			 content_problem_name(why.problem), LOG_TEXT(reason));
	}
	if (!memory_save(&a->memory, &why))
		log_warn("state not saved why=%s", LOG_TEXT(why.text));
	return json_integer_value(json_object_get(find_pull(a, point, package), "again_s"));
}

/* What no order names any more is over, once the site has heard of it. */
static void forget(struct agent *a, const struct pull_order *order)
{
	for (size_t i = json_array_size(a->memory.pulls); i > 0 && !a->memory.has_news; i--) {
		const json_t *pull = json_array_get(a->memory.pulls, i - 1);
		bool is_named = false;

		for (size_t p = 0; p < order->point_count; p++)
			for (size_t k = 0; k < order->points[p].package_count; k++)
				is_named |= is_of(pull, &order->points[p],
						  &order->points[p].packages[k], true);
		if (!is_named)
			json_array_remove(a->memory.pulls, i - 1);
	}
}

static bool read_order(struct agent *a, struct pull_order *order, struct content_failure *why)
{
	auto_buf struct buf bytes = { 0 };
	json_t *body auto_json = NULL;
	uint8_t hash[SHA256_LENGTH];

	if (!policy_pull(&a->policy, a->key.id, hash))
		return true;
	if (!refresh_node(a, hash, PULL_BYTES_MAX, &bytes, why))
		return false;
	body = document_parse_json(bytes.data, bytes.len, why);
	return body && pull_order_from_json(body, order, why);
}

/* A package that is begun again is read as far as it is there, so one that no turn was enough for
 * gets twice the time: it would never be done. */
static void plan_next_turn(struct agent *a, const struct turn *turn)
{
	bool needs_more = turn->was_cut && !turn->has_moved;

	a->pull_turn_ms = needs_more ? min_u64(a->pull_turn_ms * 2, TURN_MOST_MS) : TURN_USUAL_MS;
}

int64_t pull_all(struct agent *a)
{
	struct pull_order order auto_pull_order = { 0 };
	struct turn turn = { 0 };
	struct content_failure why = { 0 };
	int64_t again = 0;

	if (!read_order(a, &order, &why)) {
		log_warn("order not read why=%s", LOG_TEXT(why.text));
		return 0;
	}
	if (!a->pull_turn_ms)
		a->pull_turn_ms = TURN_USUAL_MS;
	turn.end_ms = monotonic_ms() + a->pull_turn_ms;
	for (size_t i = 0; i < order.point_count; i++) {
		struct pull_point *point = &order.points[i];

		for (size_t k = 0; k < point->package_count; k++)
			again = earlier(again, work_at(a, &turn, point, &point->packages[k]));
	}
	plan_next_turn(a, &turn);
	forget(a, &order);
	return again;
}

/* Without what only this machine needs to know. */
json_t *pull_reports(const struct agent *a)
{
	json_t *list = json_array(), *pull;
	size_t i, count = json_array_size(a->memory.pulls);

	json_array_foreach(a->memory.pulls, i, pull)
	{
		json_t *one;

		if (i + PULL_REPORTS_MAX < count) /* the newest ones, where there are too many */
			continue;
		one = json_copy(pull);
		json_object_del(one, "attempts");
		json_object_del(one, "again_s");
		if (pull_report_check(one))
			json_array_append(list, one);
		json_decref(one);
	}
	return list;
}
