// SPDX-License-Identifier: Apache-2.0
/*
 * Maintenance windows: when programs may run on a client. A window opens on some days of the week
 * at a time of day and stays open for less than a day; windows that touch are one. The time of
 * day is the client's own, or UTC: then it moves against the client's with daylight saving time.
 */
#ifndef POLICY_WINDOW_H
#define POLICY_WINDOW_H

#include <base/base.h>
#include <jansson.h>

#define WINDOWS_MAX	   32
#define WINDOW_MINUTES_MAX 1439

struct window {
	uint8_t days;	/* bit 0: Sunday, as struct tm counts */
	uint16_t start; /* minutes since midnight */
	uint16_t minutes;
	bool utc;
};

/* window_parse - "sat,sun 01:00-04:00", "daily 22:30-02:00 utc"; false where it is none. */
bool window_parse(const char *text, struct window *out) MUST_CHECK;
/* window_text - the same form back; @text has WINDOW_TEXT bytes. */
#define WINDOW_TEXT 64
void window_text(const struct window *w, char text[WINDOW_TEXT]);

/*
 * windows_left - how many seconds are left at @now (since 1970) of the window that is open, those
 * that follow without a gap included; 0: none is open. No windows at all: always open, INT64_MAX.
 */
int64_t windows_left(const struct window *windows, size_t count, int64_t now);
/* windows_next - when one opens that stays open for @seconds at least; 0: none ever does. Now,
 * where one is open for so long. */
int64_t windows_next(const struct window *windows, size_t count, int64_t now, int64_t seconds);

#endif
