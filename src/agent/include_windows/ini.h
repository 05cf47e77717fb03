// SPDX-License-Identifier: Apache-2.0
/* What the agent calls of inih, which Debian does not build for Windows: ini_windows.c. */
#ifndef AGENT_WINDOWS_INI_H
#define AGENT_WINDOWS_INI_H

/* For each setting; 0: it is wrong. */
typedef int (*ini_handler)(void *user, const char *section, const char *name, const char *value);
/* ini_parse_string - 0, or the number of the first line that is wrong. */
int ini_parse_string(const char *text, ini_handler handler, void *user);

#endif
