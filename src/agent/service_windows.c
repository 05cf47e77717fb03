// SPDX-License-Identifier: Apache-2.0
/*
 * The service manager calls service_main on a thread of its own, and on_control on the one that
 * service_run gave it. What both need is set before, and does not change; SetServiceStatus may be
 * called by both.
 */
#include "service_windows.h"

#include <base/files.h>
#include <base/log.h>
#include <base/wide.h>
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <windows.h>

#define SERVICE_NAME   L"berth-agent"
#define LOG_BYTES_MAX  (8u << 20)
#define STOP_HINT_MS   60000
#define CANNOT_CONNECT 1063 /* ERROR_FAILED_SERVICE_CONTROLLER_CONNECT */

static struct {
	const struct agent_config *config;
	platform_run_fn *run;
	SERVICE_STATUS_HANDLE status;
	int code;
	wchar_t *log, *old_log;
} service;

static void report(DWORD state, DWORD code)
{
	SERVICE_STATUS status = {
		.dwServiceType = SERVICE_WIN32_OWN_PROCESS,
		.dwCurrentState = state,
		.dwControlsAccepted = state == SERVICE_RUNNING
					      ? SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN |
							SERVICE_ACCEPT_PARAMCHANGE
					      : 0u,
		.dwWin32ExitCode = code ? ERROR_SERVICE_SPECIFIC_ERROR : NO_ERROR,
		.dwServiceSpecificExitCode = code,
		.dwWaitHint = state == SERVICE_STOP_PENDING ? STOP_HINT_MS : 0u,
	};

	SetServiceStatus(service.status, &status);
}

static DWORD WINAPI on_control(DWORD control, DWORD type, void *data, void *owner)
{
	switch (control) {
	case SERVICE_CONTROL_STOP:
	case SERVICE_CONTROL_SHUTDOWN:
		report(SERVICE_STOP_PENDING, 0);
		platform_stop();
		return NO_ERROR;
	case SERVICE_CONTROL_PARAMCHANGE:
		platform_poke();
		return NO_ERROR;
	case SERVICE_CONTROL_INTERROGATE:
		return NO_ERROR;
	}
	return ERROR_CALL_NOT_IMPLEMENTED;
}

/* What is logged goes to standard error, so that is the file from now on. */
static void open_log(void)
{
	HANDLE file =
		CreateFileW(service.log, FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_DELETE,
			    NULL, OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
	int fd = file == INVALID_HANDLE_VALUE
			 ? -1
			 : _open_osfhandle((intptr_t)file, _O_APPEND | _O_TEXT | _O_NOINHERIT);

	if (fd < 0)
		return;
	_dup2(fd, STDERR_FILENO);
	_close(fd);
}

void service_log_turn(void)
{
	WIN32_FILE_ATTRIBUTE_DATA facts;

	if (!service.log || !GetFileAttributesExW(service.log, GetFileExInfoStandard, &facts) ||
	    (!facts.nFileSizeHigh && facts.nFileSizeLow < LOG_BYTES_MAX))
		return;
	if (MoveFileExW(service.log, service.old_log, MOVEFILE_REPLACE_EXISTING))
		open_log();
}

/* Where there is no log: among the events of the system. */
static void say_not_private(int error)
{
	auto_free char *text = xasprintf("%s is not the agent's alone, and is not used: %s",
					 service.config->state, strerror(-error));
	auto_free wchar_t *wide = wide_of(text);
	const wchar_t *strings[] = { wide };
	HANDLE source = RegisterEventSourceW(NULL, SERVICE_NAME);

	if (!source)
		return;
	if (wide)
		ReportEventW(source, EVENTLOG_ERROR_TYPE, 0, 1, NULL, 1, 0, strings, NULL);
	DeregisterEventSource(source);
}

/* The log lies in the agent's directory, and is touched only when that is known to be its own:
 * where others may make files, a name that the system opens and renames could be a link of theirs.
 */
static bool begin_log(void)
{
	int error = path_make_private(service.config->state);

	if (error) {
		say_not_private(error);
		return false;
	}
	service_log_turn();
	open_log();
	return true;
}

static void WINAPI service_main(DWORD count, wchar_t **words)
{
	service.status = RegisterServiceCtrlHandlerExW(SERVICE_NAME, on_control, NULL);
	if (!service.status)
		return;
	report(SERVICE_RUNNING, 0);
	service.code = begin_log() ? service.run(service.config) : 1;
	report(SERVICE_STOPPED, (DWORD)service.code);
}

int service_run(const struct agent_config *config, platform_run_fn *run)
{
	static wchar_t name[] = SERVICE_NAME;
	const SERVICE_TABLE_ENTRYW table[] = { { name, service_main }, { NULL, NULL } };
	auto_free char *log = xasprintf("%s\\agent.log", config->state);
	auto_free char *old_log = xasprintf("%s\\agent.log.old", config->state);

	service.config = config;
	service.run = run;
	service.log = wide_path_of(log);
	service.old_log = wide_path_of(old_log);
	if (StartServiceCtrlDispatcherW(table))
		return service.code;
	fprintf(stderr,
		GetLastError() == CANNOT_CONNECT
			? "berth-agent: only the service manager starts this; see docs/agent.md\n"
			: "berth-agent: the service manager does not answer\n");
	return 1;
}
