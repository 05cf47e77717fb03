// SPDX-License-Identifier: Apache-2.0
/* The threads of a site's server that bring packages to distribution points (parallel_points). */
#ifndef SITED_DISTRIBUTOR_H
#define SITED_DISTRIBUTOR_H

#include <base/base.h>

struct distributor;

struct distributor *distributor_start(const char *site_directory, char **why);
/* distributor_stop - false where it is in the middle of something that does not end soon: the end
 * of the process interrupts it, and the next start goes on. NULL is good. */
bool distributor_stop(struct distributor *distributor);

#endif
