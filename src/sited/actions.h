// SPDX-License-Identifier: Apache-2.0
/*
 * The actions of a site's rules: for every status message that is stored, by whomever, each rule
 * that fits runs its action, in order of the messages. A thread of its own with a connection of its
 * own to the site's database, which remembers how far it has come: nothing is done twice after a
 * restart but what was under way.
 */
#ifndef SITED_ACTIONS_H
#define SITED_ACTIONS_H

#include <base/base.h>

struct actions;

struct actions *actions_start(const char *site_directory, char **why);
/* actions_stop - ends after the action that runs; NULL is good. */
void actions_stop(struct actions *actions);

#endif
