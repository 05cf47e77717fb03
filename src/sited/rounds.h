// SPDX-License-Identifier: Apache-2.0
/*
 * What a site does about its clients again and again: take the papers that they dropped, build the
 * policy where something changed, sign again what is getting old, and bring it to the distribution
 * points. A thread of its own with a connection of its own to the site's database.
 */
#ifndef SITED_ROUNDS_H
#define SITED_ROUNDS_H

#include <base/base.h>

struct rounds;

struct rounds *rounds_start(const char *site_directory, char **why);
/* rounds_stop - false: a round is under way that does not end soon; the process ends it. What it
 * was doing is gone on with at the next start. NULL is good. */
bool rounds_stop(struct rounds *rounds);

#endif
