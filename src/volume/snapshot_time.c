// SPDX-License-Identifier: Apache-2.0
/*
 * When a snapshot was taken, told by its name: tools write the date in many ways, and all of them
 * begin with a year of four digits and go on to smaller units, with at most one character between
 * two fields. Times are UTC, as snapshot tools for servers and the protocol itself have them.
 */
#include <ctype.h>
#include <time.h>

#include "snapshot.h"

#define UNIX_SECONDS_FROM 9u /* digits of a name that is a number of seconds since 1970 */
#define UNIX_SECONDS_TO	  11u

/* What may stand between two fields. */
static bool is_separator(char c)
{
	return c && strchr("-_.:Tt ", c);
}

/* @digits digits at *@at, within the bounds; what separates them from the field before is
 * skipped. */
static bool field(const char **at, int digits, int least, int most, int *out)
{
	const char *from = *at;
	int value = 0;

	if (is_separator(*from))
		from++;
	for (int i = 0; i < digits; i++, from++) {
		if (!isdigit((unsigned char)*from))
			return false;
		value = value * 10 + (*from - '0');
	}
	if (value < least || value > most)
		return false;
	*at = from;
	*out = value;
	return true;
}

/* A date, and as much of a time of day as there is, at @at. */
static bool date_at(const char *at, nttime *out)
{
	struct tm tm = { 0 };
	int year, month, day;
	time_t seconds;

	if (is_separator(*at) || !field(&at, 4, 1970, 2399, &year) ||
	    !field(&at, 2, 1, 12, &month) || !field(&at, 2, 1, 31, &day))
		return false;
	if (field(&at, 2, 0, 23, &tm.tm_hour) && field(&at, 2, 0, 59, &tm.tm_min))
		(void)field(&at, 2, 0, 59, &tm.tm_sec);
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	seconds = timegm(&tm);
	if (tm.tm_mday != day) /* the 31st of a shorter month */
		return false;
	*out = nttime_from_timespec((struct timespec){ .tv_sec = seconds });
	return true;
}

static bool is_unix_seconds(const char *name)
{
	size_t digits = strspn(name, "0123456789");

	return !name[digits] && digits >= UNIX_SECONDS_FROM && digits <= UNIX_SECONDS_TO;
}

bool snapshot_name_time(const char *name, nttime *out)
{
	if (is_unix_seconds(name)) {
		struct timespec ts = { .tv_sec = (time_t)strtoll(name, NULL, 10) };

		*out = nttime_from_timespec(ts);
		return true;
	}
	for (const char *at = name; *at; at++)
		if ((at == name || !isdigit((unsigned char)at[-1])) && date_at(at, out))
			return true;
	return false;
}
