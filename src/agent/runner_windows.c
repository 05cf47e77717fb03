// SPDX-License-Identifier: Apache-2.0
/*
 * The runner on Windows: the program lives in a job object, which all that it starts is born into
 * and cannot leave. The job is ended when the program has ended, when the time is up, and, by the
 * system, when the agent is gone (KILL_ON_JOB_CLOSE).
 *
 * Locks: none. The thread that reads what the program writes has the result's output for itself
 * until it is joined.
 */
#include "runner_impl.h"

#include <base/buf.h>
#include <base/wide.h>
#include <errno.h>
#include <windows.h>

#define OUTPUT_STEP  4096
#define END_WAIT_MS  10000 /* for what was ended to be gone */
#define PATH_ROOM    32768
#define ENDED_BY_JOB 1u

static void close_handle(HANDLE *h)
{
	if (*h && *h != INVALID_HANDLE_VALUE)
		CloseHandle(*h);
	*h = NULL;
}
#define auto_handle cleanup(close_handle)

/* What a program finds in its environment: of the agent's own, only this; sorted, as it must be. */
static const wchar_t *const passed_on[] = {
	L"ALLUSERSPROFILE",
	L"APPDATA",
	L"CommonProgramFiles",
	L"CommonProgramFiles(x86)",
	L"COMPUTERNAME",
	L"ComSpec",
	L"LOCALAPPDATA",
	L"NUMBER_OF_PROCESSORS",
	L"OS",
	L"PATHEXT",
	L"PROCESSOR_ARCHITECTURE",
	L"ProgramData",
	L"ProgramFiles",
	L"ProgramFiles(x86)",
	L"PUBLIC",
	L"SystemDrive",
	L"SystemRoot",
	L"TEMP",
	L"TMP",
	L"USERPROFILE",
	L"windir",
};

static void add_units(struct buf *out, const wchar_t *text, size_t units)
{
	buf_bytes(out, text, units * sizeof(*text));
}

/* The directory of the system, and the one above it. */
static void add_path(struct buf *out)
{
	static const wchar_t name[] = L"PATH=", between[] = L";";
	wchar_t system[MAX_PATH + 1] = L"", windows[MAX_PATH + 1] = L"";

	GetSystemDirectoryW(system, MAX_PATH);
	GetSystemWindowsDirectoryW(windows, MAX_PATH);
	add_units(out, name, wcslen(name));
	add_units(out, system, wcslen(system));
	add_units(out, between, wcslen(between));
	add_units(out, windows, wcslen(windows) + 1);
}

static void add_variable(struct buf *out, const wchar_t *name)
{
	auto_free wchar_t *value = xalloc(PATH_ROOM, sizeof(*value));

	if (!GetEnvironmentVariableW(name, value, PATH_ROOM))
		return;
	add_units(out, name, wcslen(name));
	add_units(out, L"=", 1);
	add_units(out, value, wcslen(value) + 1);
}

/* The block that CreateProcess wants. */
static bool make_environment(const struct run_options *o, struct buf *out)
{
	for (size_t i = 0; o->environment && o->environment[i]; i++) {
		auto_free wchar_t *wide = wide_of(o->environment[i]);

		if (!wide)
			return false;
		add_units(out, wide, wcslen(wide) + 1);
	}
	for (size_t i = 0; !o->environment && i < ARRAY_LEN(passed_on); i++) {
		if (!wcscmp(passed_on[i], L"PATHEXT"))
			add_path(out);
		add_variable(out, passed_on[i]);
	}
	add_units(out, L"\0", 2);
	return !out->failed;
}

static bool is_file(const wchar_t *path)
{
	DWORD attributes = GetFileAttributesW(path);

	return attributes != INVALID_FILE_ATTRIBUTES && !(attributes & FILE_ATTRIBUTE_DIRECTORY);
}

/* "directory\name", or the same with ".exe"; NULL where neither is a file. */
static wchar_t *program_in(const wchar_t *directory, const wchar_t *name)
{
	static const wchar_t *const endings[] = { L"", L".exe" };
	size_t room = wcslen(directory) + wcslen(name) + 8;
	auto_free wchar_t *path = xalloc(room, sizeof(*path));

	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		swprintf(path, room, L"%ls%ls%ls%ls", directory, *directory ? L"\\" : L"", name,
			 endings[i]);
		if (is_file(path)) {
			wchar_t *found = path;

			path = NULL;
			return found;
		}
	}
	return NULL;
}

static void use_backslashes(wchar_t *path)
{
	for (; *path; path++) {
		if (*path == L'/')
			*path = L'\\';
	}
}

/* @name as a file: in @directory, then where the system's programs are. A name with a path in it
 * counts from @directory. */
static wchar_t *find_program(const wchar_t *directory, const char *name)
{
	wchar_t system[MAX_PATH + 1] = L"", windows[MAX_PATH + 1] = L"";
	auto_free wchar_t *wide = wide_of(name);
	wchar_t *found;

	if (!wide)
		return NULL;
	use_backslashes(wide);
	if (wide[0] == L'\\' || (wide[0] && wide[1] == L':'))
		return program_in(L"", wide);
	found = program_in(directory, wide);
	if (found || wcschr(wide, L'\\'))
		return found;
	GetSystemDirectoryW(system, MAX_PATH);
	found = program_in(system, wide);
	if (found)
		return found;
	GetSystemWindowsDirectoryW(windows, MAX_PATH);
	return program_in(windows, wide);
}

/* A file of commands would be given to the system's shell behind our back, with words taken apart
 * by other rules: who wants it names cmd.exe. What is asked is the name that Windows makes of
 * @path: it opens "x.cmd" for "x.cmd. ", too. */
static bool is_script(const wchar_t *path)
{
	DWORD room = GetFullPathNameW(path, 0, NULL, NULL);
	auto_free wchar_t *full = xalloc(room + 1, sizeof(*full));
	DWORD length = GetFullPathNameW(path, room + 1, full, NULL);
	const wchar_t *dot;

	/* A name that cannot be told is not started. */
	if (!length || length > room)
		return true;
	while (length && (full[length - 1] == L'.' || full[length - 1] == L' '))
		full[--length] = 0;
	dot = wcsrchr(full, L'.');
	return dot && (!_wcsicmp(dot, L".cmd") || !_wcsicmp(dot, L".bat"));
}

/* What belongs to a run; closed with it. */
struct run {
	HANDLE job, nothing, output, output_end; /* output_end: the program's */
	PROCESS_INFORMATION process;
	struct run_result *result;
};

static void run_end(struct run *r)
{
	close_handle(&r->process.hThread);
	close_handle(&r->process.hProcess);
	close_handle(&r->output);
	close_handle(&r->output_end);
	close_handle(&r->nothing);
	close_handle(&r->job);
}

static bool prepare(struct run *r)
{
	JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {
		.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE |
						    JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION,
	};
	SECURITY_ATTRIBUTES inherited = { .nLength = sizeof(inherited), .bInheritHandle = TRUE };

	r->job = CreateJobObjectW(NULL, NULL);
	r->nothing = CreateFileW(L"NUL", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE,
				 &inherited, OPEN_EXISTING, 0, NULL);
	return r->job && r->nothing != INVALID_HANDLE_VALUE &&
	       SetInformationJobObject(r->job, JobObjectExtendedLimitInformation, &limits,
				       sizeof(limits)) &&
	       CreatePipe(&r->output, &r->output_end, &inherited, 0) &&
	       SetHandleInformation(r->output, HANDLE_FLAG_INHERIT, 0);
}

/* Only these two handles are the program's, whatever else may be inherited. */
static LPPROC_THREAD_ATTRIBUTE_LIST attributes_of(HANDLE handles[2])
{
	LPPROC_THREAD_ATTRIBUTE_LIST list;
	SIZE_T size = 0;

	InitializeProcThreadAttributeList(NULL, 1, 0, &size);
	list = xalloc(1, size);
	if (InitializeProcThreadAttributeList(list, 1, 0, &size) &&
	    UpdateProcThreadAttribute(list, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, handles,
				      2 * sizeof(*handles), NULL, NULL))
		return list;
	free(list);
	return NULL;
}

/* The program, in the job before its first step; 0 or errno. */
static int start(struct run *r, const struct run_options *o, const wchar_t *path,
		 const wchar_t *directory)
{
	HANDLE handles[2] = { r->nothing, r->output_end };
	auto_free LPPROC_THREAD_ATTRIBUTE_LIST list = attributes_of(handles);
	STARTUPINFOEXW how = { .StartupInfo = { .cb = sizeof(how),
						.dwFlags = STARTF_USESTDHANDLES,
						.hStdInput = r->nothing,
						.hStdOutput = r->output_end,
						.hStdError = r->output_end },
			       .lpAttributeList = list };
	auto_free char *narrow = command_line(o->command);
	auto_free wchar_t *line = wide_of(narrow);
	auto_buf struct buf environment = { 0 };
	bool started;
	DWORD code;

	if (!list || !line || !make_environment(o, &environment))
		return EINVAL;
	started = CreateProcessW(path, line, NULL, NULL, TRUE,
				 CREATE_SUSPENDED | CREATE_NO_WINDOW | CREATE_UNICODE_ENVIRONMENT |
					 EXTENDED_STARTUPINFO_PRESENT,
				 environment.data, directory, &how.StartupInfo, &r->process);
	code = GetLastError();
	DeleteProcThreadAttributeList(list);
	close_handle(&r->output_end);
	if (!started)
		return errno_of_windows(code);
	if (AssignProcessToJobObject(r->job, r->process.hProcess) &&
	    ResumeThread(r->process.hThread) != (DWORD)-1)
		return 0;
	code = GetLastError();
	TerminateProcess(r->process.hProcess, ENDED_BY_JOB);
	return errno_of_windows(code);
}

/* The thread: until nobody has the other end any more. */
static DWORD WINAPI read_output(void *owner)
{
	struct run *r = owner;
	char bytes[OUTPUT_STEP];
	DWORD got;

	while (ReadFile(r->output, bytes, sizeof(bytes), &got, NULL))
		output_keep(r->result, bytes, got);
	return 0;
}

static unsigned still_there(const struct run *r)
{
	JOBOBJECT_BASIC_ACCOUNTING_INFORMATION count = { 0 };

	QueryInformationJobObject(r->job, JobObjectBasicAccountingInformation, &count,
				  sizeof(count), NULL);
	return count.ActiveProcesses;
}

/* To its end, and that of all that it left behind. */
static void watch(struct run *r, int64_t limit_s)
{
	HANDLE reader auto_handle = CreateThread(NULL, 0, read_output, r, 0, NULL);
	uint64_t limit_ms = (uint64_t)limit_s * 1000;
	DWORD code = 0;

	BUG_ON(!reader);
	r->result->timed_out =
		WaitForSingleObject(r->process.hProcess, (DWORD)min_u64(limit_ms, INFINITE - 1)) ==
		WAIT_TIMEOUT;
	if (!r->result->timed_out && GetExitCodeProcess(r->process.hProcess, &code))
		r->result->code = (int)code;
	r->result->left = still_there(r);
	if (r->result->timed_out && r->result->left)
		r->result->left--; /* the program itself is among them */
	TerminateJobObject(r->job, ENDED_BY_JOB);
	WaitForSingleObject(r->process.hProcess, END_WAIT_MS);
	for (unsigned ms = 0; still_there(r) && ms < END_WAIT_MS; ms += 10)
		Sleep(10);
	/* Without its writers the pipe ends; who could not be ended does not hold us. */
	if (WaitForSingleObject(reader, END_WAIT_MS) == WAIT_TIMEOUT) {
		CancelSynchronousIo(reader);
		WaitForSingleObject(reader, INFINITE);
	}
}

void run_program(const struct run_options *options, struct run_result *result)
{
	struct run r cleanup(run_end) = { .result = result };
	auto_free wchar_t *directory = wide_of(options->directory), *path = NULL;

	memset(result, 0, sizeof(*result));
	if (!directory) {
		result->error = EILSEQ;
		return;
	}
	use_backslashes(directory);
	path = find_program(directory, options->command[0]);
	if (!path)
		result->error = ENOENT;
	else if (is_script(path))
		result->error = ENOEXEC;
	else if (!prepare(&r))
		result->error = errno_of_windows(GetLastError());
	else
		result->error = start(&r, options, path, directory);
	if (!result->error)
		watch(&r, options->limit_s);
	output_finish(result);
}
