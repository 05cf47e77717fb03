// SPDX-License-Identifier: Apache-2.0
/*
 * Locks: none. A line is built in the caller's stack and written with one write(2).
 */
#include <base/log.h>

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

static enum log_level current_level = LOG_LEVEL_INFO;
static char current_prefix[64] = "berth";
static const char *const level_names[] = { "error", "warn", "info", "debug" };

void log_set_level(enum log_level level)
{
	current_level = level;
}

bool log_enabled(enum log_level level)
{
	return level <= current_level;
}

void log_set_prefix(const char *prefix)
{
	snprintf(current_prefix, sizeof(current_prefix), "%s", prefix);
}

void log_write(enum log_level level, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	struct timespec ts;
	struct tm tm;
	va_list args;
	size_t n;
	int wrote;

	if (!log_enabled(level))
		return;
	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	n = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &tm);
	n += (size_t)snprintf(line + n, sizeof(line) - n, ".%03ldZ %s %s ", ts.tv_nsec / 1000000,
			      current_prefix, level_names[level]);
	va_start(args, format);
	wrote = vsnprintf(line + n, sizeof(line) - n - 1, format, args);
	va_end(args);
	if (wrote > 0)
		n = min_u64(n + (size_t)wrote, sizeof(line) - 2);
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		return; /* a log that cannot be written is nobody's reason to stop serving */
}

const char *LOG_TEXT(const char *text)
{
	static __thread char ring[4][256];
	static __thread unsigned int turn;
	char *out = ring[turn++ % 4];
	bool quote = !text || !*text || strpbrk(text, " \"=") != NULL;
	size_t n = 0;

	if (!text)
		text = "";
	if (quote)
		out[n++] = '"';
	for (; *text && n < 200; text++) {
		unsigned char c = (unsigned char)*text;

		/* C0, DEL, and C1 as UTF-8 writes it: what a terminal may obey */
		if (c < 0x20 || c == 0x7f)
			n += (size_t)snprintf(out + n, 5, "\\x%02x", c);
		else if (c == 0xc2 && ((unsigned char)text[1] & 0xe0) == 0x80)
			n += (size_t)snprintf(out + n, 9, "\\xc2\\x%02x", (unsigned char)*++text);
		else if (c == '"')
			n += (size_t)snprintf(out + n, 3, "\\\"");
		else
			out[n++] = (char)c;
	}
	if (quote)
		out[n++] = '"';
	out[n] = 0;
	return out;
}
