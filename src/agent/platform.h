// SPDX-License-Identifier: Apache-2.0
/*
 * What the agent asks of the system that it runs on and that differs there: one implementation a
 * system (platform_linux.c, platform_windows.c), beside facts_*.c and runner_*.c. Files are
 * base/files.h.
 */
#ifndef AGENT_PLATFORM_H
#define AGENT_PLATFORM_H

#include <agent/config.h>
#include <content/place.h>

/* platform_config - where the configuration lies where nobody says otherwise. */
const char *platform_config(void);
/* platform_usage - the lines of the usage about how the agent runs on and on. */
const char *platform_usage(void);

/* platform_start - before anything else: words as UTF-8; what must be set up for the life of the
 * process. @argv is replaced where the system gave it otherwise. */
void platform_start(int *argc, char ***argv);

/* platform_catch_stop - from now on a wish to stop is kept instead of ending the process. */
void platform_catch_stop(void);
/* platform_is_stopping - also what is asked while nothing is waited for, so that long work can end.
 */
bool platform_is_stopping(void);
/* platform_wait - until then, or until it is to stop or to poll at once. */
void platform_wait(int64_t seconds);

/*
 * platform_command - a command that only this system has; the exit code, or -1: it has no such
 * command. @run polls until platform_is_stopping.
 */
typedef int platform_run_fn(const struct agent_config *config);
int platform_command(const struct agent_config *config, int count, char **words,
		     platform_run_fn *run);

/* platform_boot - what is the same until the machine is started anew; "": not known. */
#define PLATFORM_BOOT_SIZE 64
void platform_boot(char boot[PLATFORM_BOOT_SIZE]);

/* platform_addresses - this machine's own, without the loopback; how many. */
#define PLATFORM_ADDRESSES_MAX 64
#define PLATFORM_ADDRESS_SIZE  46
size_t platform_addresses(char list[PLATFORM_ADDRESSES_MAX][PLATFORM_ADDRESS_SIZE]);

/* platform_refuses - why a setting is not for this system, as a sentence; NULL: it is. */
const char *platform_refuses(const char *setting);

/* Whom a share is asked to let in; user NULL: nobody by name. */
struct platform_account {
	const char *user, *domain, *password_file;
};
/* platform_open_smb - the share of @point. On Windows @who is nobody: the system knows. */
struct place *platform_open_smb(const struct policy_point *point,
				const struct platform_account *who, struct content_failure *why);

#endif
