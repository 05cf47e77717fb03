// SPDX-License-Identifier: Apache-2.0
/*
 * Previous versions on the wire: the token that names one by its time (MS-SMB2 2.2.32.2,
 * "@GMT-2026.11.27-07.30.00") and the array that lists them.
 */
#include <ctype.h>
#include <time.h>
#include <wire/snapshot.h>

#include <stdio.h>

/* What the token looks like: '0' stands for any digit. */
static const char shape[GMT_TOKEN] = "@GMT-0000.00.00-00.00.00";

void gmt_token(nttime time, char out[GMT_TOKEN])
{
	time_t seconds = nttime_to_timespec(time).tv_sec;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || tm.tm_year < -1900 || tm.tm_year > 9999 - 1900)
		memset(&tm, 0, sizeof(tm)); /* no such snapshot is ever listed */
	snprintf(out, GMT_TOKEN, "@GMT-%04u.%02u.%02u-%02u.%02u.%02u",
		 (unsigned)(tm.tm_year + 1900) % 10000u, (unsigned)(tm.tm_mon + 1) % 100u,
		 (unsigned)tm.tm_mday % 100u, (unsigned)tm.tm_hour % 100u,
		 (unsigned)tm.tm_min % 100u, (unsigned)tm.tm_sec % 100u);
}

static int digits(const char *at, int count)
{
	int value = 0;

	while (count--)
		value = value * 10 + (*at++ - '0');
	return value;
}

bool gmt_token_parse(const char *text, size_t length, nttime *out)
{
	struct tm tm = { 0 };
	char again[GMT_TOKEN];

	if (length != GMT_TOKEN - 1)
		return false;
	for (size_t i = 0; i < length; i++)
		if (shape[i] == '0' ? !isdigit((unsigned char)text[i]) : text[i] != shape[i])
			return false;
	tm.tm_year = digits(text + 5, 4) - 1900;
	tm.tm_mon = digits(text + 10, 2) - 1;
	tm.tm_mday = digits(text + 13, 2);
	tm.tm_hour = digits(text + 16, 2);
	tm.tm_min = digits(text + 19, 2);
	tm.tm_sec = digits(text + 22, 2);
	*out = nttime_from_timespec((struct timespec){ .tv_sec = timegm(&tm) });
	gmt_token(*out, again); /* a time that there is reads as it was written */
	return !memcmp(again, text, length);
}

void snapshot_array_encode(struct buf *out, const nttime *times, size_t count, size_t room)
{
	uint32_t size = (uint32_t)(count * GMT_TOKEN * 2 + 2);
	bool fits = room >= 12 && size <= room - 12;

	buf_u32le(out, (uint32_t)count);
	buf_u32le(out, fits ? (uint32_t)count : 0);
	buf_u32le(out, size);
	for (size_t i = 0; fits && i < count; i++) {
		char token[GMT_TOKEN];

		gmt_token(times[i], token);
		for (size_t n = 0; n < GMT_TOKEN; n++)
			buf_u16le(out, (uint8_t)token[n]);
	}
	buf_u16le(out, 0);
	if (!fits || !count) /* the least that a client gives room for */
		buf_u16le(out, 0);
}
