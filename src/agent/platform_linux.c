// SPDX-License-Identifier: Apache-2.0
/* The agent on Linux: signals, addresses, and shares through the SMB client of this project. */
#include "platform.h"

#include "agent.h"

#include <arpa/inet.h>
#include <content/place_share.h>
#include <crypto/crypto.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <sys/select.h>

static volatile sig_atomic_t stopping;

const char *platform_config(void)
{
	return "/etc/berth/agent.conf";
}

const char *platform_usage(void)
{
	return "  run           poll until it is stopped; SIGUSR1: poll now\n";
}

void platform_start(int *argc, char ***argv)
{
	signal(SIGPIPE, SIG_IGN);
}

static void on_stop(int number)
{
	stopping = 1;
}

/* Of what a user asked for, or the administrator: the next poll is now. */
static void on_poke(int number)
{
}

/* SIGTERM and SIGUSR1 are blocked but in platform_wait, so that neither comes too early to be
 * seen. */
void platform_catch_stop(void)
{
	struct sigaction stop = { .sa_handler = on_stop }, poke = { .sa_handler = on_poke };
	sigset_t both;

	sigemptyset(&both);
	sigaddset(&both, SIGTERM);
	sigaddset(&both, SIGINT);
	sigaddset(&both, SIGUSR1);
	sigprocmask(SIG_BLOCK, &both, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGUSR1, &poke, NULL);
}

bool platform_is_stopping(void)
{
	sigset_t pending;

	if (stopping || sigpending(&pending))
		return stopping;
	return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1;
}

void platform_wait(int64_t seconds)
{
	const struct timespec time = { .tv_sec = (time_t)seconds };
	sigset_t none;

	sigemptyset(&none);
	(void)pselect(0, NULL, NULL, NULL, &time, &none);
}

/* None: a manager of services here only starts a program and sends it SIGTERM. */
int platform_command(const struct agent_config *config, int count, char **words,
		     platform_run_fn *run)
{
	return -1;
}

void platform_boot(char boot[PLATFORM_BOOT_SIZE])
{
	auto_buf struct buf id = { 0 };

	boot[0] = 0;
	if (!file_read("/proc/sys/kernel/random/boot_id", 128, &id, NULL) || !id.len)
		return;
	buf_u8(&id, 0);
	snprintf(boot, PLATFORM_BOOT_SIZE, "%.36s", (char *)id.data);
}

size_t platform_addresses(char list[PLATFORM_ADDRESSES_MAX][PLATFORM_ADDRESS_SIZE])
{
	struct ifaddrs *all = NULL;
	size_t count = 0;

	_Static_assert(PLATFORM_ADDRESS_SIZE == INET6_ADDRSTRLEN, "room for any address");
	if (getifaddrs(&all))
		return 0;
	for (struct ifaddrs *i = all; i && count < PLATFORM_ADDRESSES_MAX; i = i->ifa_next) {
		const void *bytes = NULL;

		if (!i->ifa_addr || i->ifa_flags & IFF_LOOPBACK)
			continue;
		if (i->ifa_addr->sa_family == AF_INET)
			bytes = &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr;
		else if (i->ifa_addr->sa_family == AF_INET6)
			bytes = &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)
					 ->sin6_addr;
		if (bytes &&
		    inet_ntop(i->ifa_addr->sa_family, bytes, list[count], PLATFORM_ADDRESS_SIZE))
			count++;
	}
	freeifaddrs(all);
	return count;
}

const char *platform_refuses(const char *setting)
{
	return NULL;
}

static char *first_line(const char *path, struct content_failure *why)
{
	auto_buf struct buf bytes = { 0 };
	char *line;

	if (!file_read(path, 4096, &bytes, why))
		return NULL;
	line = strndup(
		bytes.data ? (const char *)bytes.data : "",
		strcspn(bytes.len ? (buf_u8(&bytes, 0), (const char *)bytes.data) : "", "\r\n"));
	if (bytes.data)
		secret_wipe(bytes.data, bytes.len);
	return line;
}

struct place *platform_open_smb(const struct policy_point *point,
				const struct platform_account *who, struct content_failure *why)
{
	struct place_smb_options options = {
		.host = point->host,
		.port = point->port,
		.server = point->server,
		.share = point->share,
		.path = point->path,
		.session = { .anonymous = !who->user, .user = who->user, .domain = who->domain },
	};
	char *password = NULL;
	struct place *place;

	if (who->user && !(password = first_line(who->password_file, why)))
		return NULL;
	options.session.password = password;
	place = place_open_smb(&options, why);
	if (password)
		secret_wipe(password, strlen(password));
	free(password);
	return place;
}
