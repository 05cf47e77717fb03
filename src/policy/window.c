// SPDX-License-Identifier: Apache-2.0
/* Maintenance windows: read, written, and laid onto the days around now. */
#include <policy/window.h>

#include <stdio.h>
#include <strings.h>
#include <time.h>

#define DAYS_BEFORE 1
#define DAYS_AFTER  8
#define SPANS_MAX   (WINDOWS_MAX * (DAYS_BEFORE + 1 + DAYS_AFTER))
#define EVERY_DAY   0x7f

static const char *const day_names[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };

static bool take_day(const char **at, uint8_t *days)
{
	for (unsigned i = 0; i < ARRAY_LEN(day_names); i++) {
		if (strncasecmp(*at, day_names[i], 3))
			continue;
		*days |= (uint8_t)(1u << i);
		*at += 3;
		return true;
	}
	return false;
}

static bool take_days(const char **at, uint8_t *days)
{
	*days = 0;
	if (!strncasecmp(*at, "daily", 5)) {
		*days = EVERY_DAY;
		*at += 5;
		return true;
	}
	while (take_day(at, days)) {
		if (**at != ',')
			return true;
		++*at;
	}
	return false;
}

/* Two digits each: "01:30". */
static bool take_time(const char **at, unsigned *minutes)
{
	unsigned value[2];

	for (unsigned i = 0; i < 2; i++) {
		const char *p = *at;

		if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
			return false;
		value[i] = (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0');
		*at += 2;
		if (!i && *(*at)++ != ':')
			return false;
	}
	*minutes = value[0] * 60 + value[1];
	return value[0] < 24 && value[1] < 60;
}

bool window_parse(const char *text, struct window *out)
{
	unsigned start, end;

	*out = (struct window){ 0 };
	if (!take_days(&text, &out->days) || *text++ != ' ' || !take_time(&text, &start) ||
	    *text++ != '-' || !take_time(&text, &end) || start == end)
		return false;
	out->start = (uint16_t)start;
	out->minutes = (uint16_t)((end + 1440 - start) % 1440);
	out->utc = !strcasecmp(text, " utc");
	return out->utc || !*text;
}

void window_text(const struct window *w, char text[WINDOW_TEXT])
{
	unsigned end = (w->start + w->minutes) % 1440u;
	char days[32] = "";

	for (unsigned i = 0; i < ARRAY_LEN(day_names) && w->days != EVERY_DAY; i++) {
		if (w->days & 1u << i)
			snprintf(days + strlen(days), sizeof(days) - strlen(days), "%s%s",
				 days[0] ? "," : "", day_names[i]);
	}
	snprintf(text, WINDOW_TEXT, "%s %02u:%02u-%02u:%02u%s", days[0] ? days : "daily",
		 w->start / 60u, w->start % 60u, end / 60u, end % 60u, w->utc ? " utc" : "");
}

struct span {
	int64_t begin, end;
};

/* The window on the day that is @offset days from @now; false where it has none on that day. */
static bool span_on_day(const struct window *w, int64_t now, int offset, struct span *out)
{
	time_t seconds = now;
	struct tm day = { 0 };

	if (w->utc)
		gmtime_r(&seconds, &day);
	else
		localtime_r(&seconds, &day);
	day = (struct tm){ .tm_year = day.tm_year,
			   .tm_mon = day.tm_mon,
			   .tm_mday = day.tm_mday + offset,
			   .tm_hour = w->start / 60,
			   .tm_min = w->start % 60,
			   .tm_isdst = -1 };
	/* An hour that the clock leaves out is taken as the one that follows. */
	out->begin = w->utc ? timegm(&day) : mktime(&day);
	out->end = out->begin + w->minutes * 60;
	return w->days & 1u << day.tm_wday;
}

static int by_begin(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->begin < y->begin ? -1 : x->begin > y->begin;
}

/* All spans around @now in order, those that touch put together. */
static size_t spans_around(const struct window *windows, size_t count, int64_t now,
			   struct span spans[SPANS_MAX])
{
	size_t found = 0, kept = 0;

	for (size_t i = 0; i < count && i < WINDOWS_MAX; i++) {
		for (int day = -DAYS_BEFORE; day <= DAYS_AFTER; day++)
			found += span_on_day(&windows[i], now, day, &spans[found]);
	}
	sort_items(spans, found, sizeof(*spans), by_begin);
	for (size_t i = 1; i < found; i++) {
		if (spans[i].begin > spans[kept].end)
			spans[++kept] = spans[i];
		else if (spans[i].end > spans[kept].end)
			spans[kept].end = spans[i].end;
	}
	return found ? kept + 1 : 0;
}

int64_t windows_left(const struct window *windows, size_t count, int64_t now)
{
	struct span spans[SPANS_MAX];
	size_t found;

	if (!count)
		return INT64_MAX;
	found = spans_around(windows, count, now, spans);
	for (size_t i = 0; i < found; i++) {
		if (spans[i].begin <= now && now < spans[i].end)
			return spans[i].end - now;
	}
	return 0;
}

int64_t windows_next(const struct window *windows, size_t count, int64_t now, int64_t seconds)
{
	struct span spans[SPANS_MAX];
	size_t found;

	if (!count)
		return now;
	found = spans_around(windows, count, now, spans);
	for (size_t i = 0; i < found; i++) {
		int64_t from = spans[i].begin > now ? spans[i].begin : now;

		if (spans[i].end - from >= seconds)
			return from;
	}
	return 0;
}
