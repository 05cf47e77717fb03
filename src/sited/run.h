// SPDX-License-Identifier: Apache-2.0
/* One action of a rule: a program, a webhook, a line in the system's log. */
#ifndef SITED_RUN_H
#define SITED_RUN_H

#include <base/base.h>
#include <jansson.h>

/*
 * action_run - do it, and wait for its end (RUN_LIMIT_S at most). A program is run without a shell,
 * with no arguments, an environment of its own (PATH, and BERTH_SITE, BERTH_MESSAGE,
 * BERTH_SEVERITY, BERTH_COMPONENT, BERTH_OBJECT, BERTH_TEXT ...) and the message as JSON on its
 * standard input. False and *why (to be freed) where it failed.
 */
bool action_run(const char *action, const char *target, const json_t *message, char **why);

#define RUN_LIMIT_S 60

#endif
