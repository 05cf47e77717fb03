// SPDX-License-Identifier: Apache-2.0
/* The agent as a service of Windows. */
#ifndef AGENT_SERVICE_WINDOWS_H
#define AGENT_SERVICE_WINDOWS_H

#include "platform.h"

/* service_run - hand the process to the service manager, which calls @run; the exit code. It
 * fails where somebody else started the process. What is logged goes to agent.log in the agent's
 * directory from then on; where that is not private, @run is not called. */
int service_run(const struct agent_config *config, platform_run_fn *run);
/* service_log_turn - begin a new log where the old one is large; nothing outside of a service. */
void service_log_turn(void);

/* Of platform_windows.c, for the service's controls: stop; poll now. */
void platform_stop(void);
void platform_poke(void);

#endif
