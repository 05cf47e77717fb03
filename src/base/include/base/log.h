// SPDX-License-Identifier: Apache-2.0
/*
 * The log: one event a line, key=value, on standard error (a service manager or a file takes it
 * from there). A value that a client chose goes through LOG_TEXT, which quotes it and
 * escapes what is not printable, so that no client can forge a line.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <base/base.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
/* log_set_prefix - what stands behind the time in every line, such as "node1"; copied. */
void log_set_prefix(const char *prefix);
void log_write(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                                                             \
	do {                                                                                       \
		if (log_enabled(LOG_LEVEL_DEBUG))                                                  \
			log_write(LOG_LEVEL_DEBUG, __VA_ARGS__);                                   \
	} while (0)

/*
 * LOG_TEXT - @text made safe for a line of the log: quoted where it has a space, escaped where it
 * is not printable, cut at 200 bytes. The result lives until the fourth next call in this thread.
 */
const char *LOG_TEXT(const char *text);

#endif
