// SPDX-License-Identifier: Apache-2.0
/*
 * The agent on Windows. Shares are reached through the system itself: an SMB point is its UNC path,
 * opened as whoever the agent runs as.
 *
 * The two events are set by the console's and the service's threads and waited for by the agent's.
 */
#include "platform.h"

#include "service_windows.h"

#include <base/guid.h>
#include <base/wide.h>
#include <stdio.h>
#include <winsock2.h>
#include <ws2tcpip.h>
#include <iphlpapi.h>
#include <windows.h>

#include <shellapi.h>

#define BOOT_KEY      L"SOFTWARE\\Berth\\Boot"
#define BOOT_VALUE    L"id"
#define ADDRESS_BYTES (256u << 10)
#define WAIT_MAX_S    86400

static HANDLE stop_event, poke_event;

const char *platform_config(void)
{
	static char path[1024];
	wchar_t *wide;

	if (path[0])
		return path;
	wide = xalloc(512, sizeof(*wide));
	if (!GetEnvironmentVariableW(L"ProgramData", wide, 512))
		wcscpy(wide, L"C:\\ProgramData");
	{
		auto_free char *narrow = narrow_of(wide);

		snprintf(path, sizeof(path), "%s\\Berth\\agent.conf", narrow);
	}
	free(wide);
	return path;
}

const char *platform_usage(void)
{
	return "  run           poll until Ctrl-C\n"
	       "  service       the same, started by the service manager;\n"
	       "                \"sc control berth-agent paramchange\": poll now\n";
}

void platform_stop(void)
{
	SetEvent(stop_event);
}

void platform_poke(void)
{
	SetEvent(poke_event);
}

/* The words as UTF-8; they live as long as the process. */
static void take_words(int *argc, char ***argv)
{
	int count = 0;
	wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), &count);

	if (!wide)
		return;
	*argv = xalloc((size_t)count + 1, sizeof(**argv));
	for (int i = 0; i < count; i++)
		(*argv)[i] = narrow_of(wide[i]);
	*argc = count;
	LocalFree(wide);
}

void platform_start(int *argc, char ***argv)
{
	/* Nothing is loaded from where a package or a user could have put it. */
	SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32);
	SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
	SetConsoleOutputCP(CP_UTF8);
	stop_event = CreateEventW(NULL, TRUE, FALSE, NULL);
	poke_event = CreateEventW(NULL, FALSE, FALSE, NULL);
	BUG_ON(!stop_event || !poke_event);
	take_words(argc, argv);
}

static BOOL WINAPI on_console(DWORD event)
{
	platform_stop();
	return TRUE;
}

void platform_catch_stop(void)
{
	SetConsoleCtrlHandler(on_console, TRUE);
}

bool platform_is_stopping(void)
{
	return WaitForSingleObject(stop_event, 0) == WAIT_OBJECT_0;
}

void platform_wait(int64_t seconds)
{
	const HANDLE events[] = { stop_event, poke_event };
	DWORD ms = (DWORD)(seconds < WAIT_MAX_S ? seconds : WAIT_MAX_S) * 1000;

	WaitForMultipleObjects(ARRAY_LEN(events), events, FALSE, ms);
	service_log_turn();
}

int platform_command(const struct agent_config *config, int count, char **words,
		     platform_run_fn *run)
{
	return count == 1 && !strcmp(words[0], "service") ? service_run(config, run) : -1;
}

/* A key of the registry that goes with the boot names it: no clock is asked. An administrator has
 * one for the machine; whoever is none has one of the user. */
void platform_boot(char boot[PLATFORM_BOOT_SIZE])
{
	static const HKEY roots[] = { HKEY_LOCAL_MACHINE, HKEY_CURRENT_USER };
	struct guid made = guid_random();
	DWORD size, made_now;

	boot[0] = 0;
	for (size_t i = 0; i < ARRAY_LEN(roots) && !boot[0]; i++) {
		HKEY key;

		if (RegCreateKeyExW(roots[i], BOOT_KEY, 0, NULL, REG_OPTION_VOLATILE,
				    KEY_READ | KEY_WRITE, NULL, &key, &made_now))
			continue;
		size = sizeof(made);
		if (made_now == REG_CREATED_NEW_KEY)
			RegSetValueExW(key, BOOT_VALUE, 0, REG_BINARY, made.bytes, size);
		if (!RegGetValueW(key, NULL, BOOT_VALUE, RRF_RT_REG_BINARY, NULL, made.bytes,
				  &size) &&
		    size == sizeof(made))
			content_hex(boot, made.bytes, sizeof(made.bytes));
		RegCloseKey(key);
	}
}

/* One address as text; false where it is none of ours to tell. */
static bool address_text(const struct sockaddr *address, char text[PLATFORM_ADDRESS_SIZE])
{
	const void *bytes = NULL;

	if (address->sa_family == AF_INET)
		bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
	else if (address->sa_family == AF_INET6)
		bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
	return bytes && inet_ntop(address->sa_family, bytes, text, PLATFORM_ADDRESS_SIZE);
}

size_t platform_addresses(char list[PLATFORM_ADDRESSES_MAX][PLATFORM_ADDRESS_SIZE])
{
	ULONG size = ADDRESS_BYTES;
	auto_free IP_ADAPTER_ADDRESSES *all = xalloc(1, size);
	size_t count = 0;

	if (GetAdaptersAddresses(AF_UNSPEC,
				 GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST |
					 GAA_FLAG_SKIP_DNS_SERVER,
				 NULL, all, &size))
		return 0;
	for (const IP_ADAPTER_ADDRESSES *card = all; card; card = card->Next) {
		if (card->IfType == IF_TYPE_SOFTWARE_LOOPBACK || card->OperStatus != IfOperStatusUp)
			continue;
		for (const IP_ADAPTER_UNICAST_ADDRESS *a = card->FirstUnicastAddress;
		     a && count < PLATFORM_ADDRESSES_MAX; a = a->Next)
			count += address_text(a->Address.lpSockaddr, list[count]);
	}
	return count;
}

static const struct {
	const char *setting, *why;
} refused[] = {
	{ "user", "shares are opened as whoever the agent runs as" },
	{ "domain", "shares are opened as whoever the agent runs as" },
	{ "password_file", "shares are opened as whoever the agent runs as" },
	{ "pull_user", "points are filled by agents on Linux" },
	{ "pull_domain", "points are filled by agents on Linux" },
	{ "pull_password_file", "points are filled by agents on Linux" },
	{ "ca_file", "the certificates that are trusted are the machine's" },
	{ "restart_command", "a restart is reported, not made" },
	{ "host", "a server is found by its name" },
	{ "port", "shares are reached at port 445" },
};

const char *platform_refuses(const char *setting)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		if (!strcmp(refused[i].setting, setting))
			return refused[i].why;
	}
	return NULL;
}

struct place *platform_open_smb(const struct policy_point *point,
				const struct platform_account *who, struct content_failure *why)
{
	auto_free char *path = xasprintf("\\\\%s\\%s%s%s", point->server, point->share,
					 point->path[0] ? "\\" : "", point->path);

	if (!point->port || point->port == 445)
		return place_open_directory(path, why);
	content_fail(why, CONTENT_UNREACHABLE, STATUS_NOT_SUPPORTED, path,
		     "Windows reaches shares at port 445, and this one is at port %u",
		     (unsigned)point->port);
	return NULL;
}
