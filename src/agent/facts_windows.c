// SPDX-License-Identifier: Apache-2.0
/* The facts of a machine with Windows, under the names that they have on Linux where there are. */
#include "agent.h"

#include <base/wide.h>
#include <windows.h>

#define VERSION_KEY L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"

typedef LONG WINAPI get_version_fn(OSVERSIONINFOEXW *version);

/* Not what the system says to programs that are older than it. */
static bool true_version(OSVERSIONINFOEXW *version)
{
	HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
	FARPROC found = ntdll ? GetProcAddress(ntdll, "RtlGetVersion") : NULL;
	get_version_fn *get_version;

	memcpy(&get_version, &found, sizeof(get_version));
	*version = (OSVERSIONINFOEXW){ .dwOSVersionInfoSize = sizeof(*version) };
	return get_version && !get_version(version);
}

static void add_text(json_t *facts, const char *name, const wchar_t *text)
{
	auto_free char *narrow = narrow_of(text);

	if (narrow[0])
		json_object_set_new(facts, name, json_string(narrow));
}

static void add_registry(json_t *facts, const char *name, const wchar_t *value)
{
	wchar_t text[256] = L"";
	DWORD size = sizeof(text);

	if (!RegGetValueW(HKEY_LOCAL_MACHINE, VERSION_KEY, value, RRF_RT_REG_SZ, NULL, text, &size))
		add_text(facts, name, text);
}

static void take_os(json_t *facts)
{
	OSVERSIONINFOEXW version;
	auto_free char *text = NULL;

	json_object_set_new(facts, "os.id", json_string("windows"));
	add_registry(facts, "os.name", L"ProductName");
	add_registry(facts, "os.codename", L"DisplayVersion");
	if (!true_version(&version))
		return;
	text = xasprintf("%lu.%lu.%lu", version.dwMajorVersion, version.dwMinorVersion,
			 version.dwBuildNumber);
	json_object_set_new(facts, "os.version", json_string(text));
	json_object_set_new(facts, "kernel", json_string(text));
	json_object_set_new(
		facts, "os.type",
		json_string(version.wProductType == VER_NT_WORKSTATION ? "workstation" : "server"));
}

static void take_processors(json_t *facts)
{
	static const struct {
		WORD architecture;
		const char *name;
	} rows[] = {
		{ PROCESSOR_ARCHITECTURE_AMD64, "x86_64" },
		{ PROCESSOR_ARCHITECTURE_ARM64, "aarch64" },
		{ PROCESSOR_ARCHITECTURE_INTEL, "i686" },
	};
	SYSTEM_INFO info;

	GetNativeSystemInfo(&info);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].architecture == info.wProcessorArchitecture)
			json_object_set_new(facts, "arch", json_string(rows[i].name));
	}
	json_object_set_new(facts, "cpus",
			    json_integer(GetActiveProcessorCount(ALL_PROCESSOR_GROUPS)));
}

json_t *facts_gather(void)
{
	json_t *facts = json_object();
	MEMORYSTATUSEX memory = { .dwLength = sizeof(memory) };
	wchar_t host[256] = L"", windows[MAX_PATH + 1] = L"";
	DWORD size = ARRAY_LEN(host);
	ULARGE_INTEGER free_bytes;

	take_os(facts);
	take_processors(facts);
	if (GetComputerNameExW(ComputerNamePhysicalDnsHostname, host, &size))
		add_text(facts, "host", host);
	if (GlobalMemoryStatusEx(&memory))
		json_object_set_new(facts, "memory_mb",
				    json_integer((json_int_t)(memory.ullTotalPhys >> 20)));
	/* In steps, so that a report does not differ each time it is looked at. */
	if (GetSystemWindowsDirectoryW(windows, MAX_PATH) &&
	    GetDiskFreeSpaceExW(windows, &free_bytes, NULL, NULL))
		json_object_set_new(facts, "disk_free_gb",
				    json_integer((json_int_t)(free_bytes.QuadPart >> 30)));
	json_object_set_new(facts, "agent.version", json_string(BERTH_VERSION));
	return facts;
}
