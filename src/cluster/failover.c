// SPDX-License-Identifier: Apache-2.0
#include <cluster/failover.h>

#include <stddef.h>

/* Which moment ends which part, in order; each kind has some of them. */
static const struct {
	const char *part;
	size_t end;
	unsigned int kinds;
} parts[] = {
#define KIND(k)	   (1u << FAILOVER_##k)
#define END(field) offsetof(struct failover, field)
	{ "detection", END(lost), KIND(LOSS) },
	{ "decision", END(fencing), KIND(LOSS) },
	{ "fencing", END(fenced), KIND(LOSS) },
	{ "stop", END(mounting), KIND(MOVE) },
	{ "mount", END(mounted), KIND(LOSS) | KIND(MOVE) | KIND(START) },
	{ "address", END(starting), KIND(LOSS) | KIND(MOVE) | KIND(START) },
	{ "detection", END(starting), KIND(RESTART) },
	{ "service", END(online), KIND(LOSS) | KIND(MOVE) | KIND(START) | KIND(RESTART) },
};

static int64_t moment(const struct failover *f, size_t at)
{
	int64_t ms;

	memcpy(&ms, (const char *)f + at, sizeof(ms));
	return ms;
}

static bool is_plausible(const struct failover *f, int64_t ms)
{
	return ms > 0 && ms <= f->online && f->online - ms <= FAILOVER_LONGEST_MS;
}

/* The first moment that is known: what came before it cannot be told. */
static int64_t beginning(const struct failover *f)
{
	if (f->kind != FAILOVER_START && is_plausible(f, f->leaving))
		return f->leaving;
	if (f->kind == FAILOVER_LOSS && is_plausible(f, f->lost))
		return f->lost;
	if (is_plausible(f, f->mounting) && f->mounting <= f->starting)
		return f->mounting;
	return is_plausible(f, f->starting) ? f->starting : f->online;
}

json_t *failover_json(const struct failover *f)
{
	static const char *const kinds[] = { [FAILOVER_START] = "start",
					     [FAILOVER_MOVE] = "move",
					     [FAILOVER_RESTART] = "restart",
					     [FAILOVER_LOSS] = "loss" };
	int64_t begin = beginning(f), at = begin;
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		int64_t end = moment(f, parts[i].end);

		if (!(parts[i].kinds & 1u << f->kind) || !is_plausible(f, end) || end < at)
			continue;
		json_array_append_new(list, json_pack("{s:s, s:I}", "part", parts[i].part, "ms",
						      (json_int_t)(end - at)));
		at = end;
	}
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:o}", "kind", kinds[f->kind], "from", f->from,
			 "to", f->to, "at_ms", (json_int_t)f->online, "total_ms",
			 (json_int_t)(f->online - begin), "parts", list);
}
