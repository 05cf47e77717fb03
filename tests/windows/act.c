// SPDX-License-Identifier: Apache-2.0
/*
 * A program of a package, for the tests under Wine:
 *
 *   act exit CODE FILE    add a line to FILE, end with CODE
 *   act hang FILE         start a child that starts a child that writes FILE every 100 ms, and hang
 *   act tick FILE         the last of them
 *   act child FILE        the one in the middle
 *   act words WORD...     print them, one a line
 */
#include <base/base.h>

#include <stdio.h>
#include <windows.h>

#define TICKS 600

static int add_line(const char *path, const char *text)
{
	FILE *file = fopen(path, "ab");

	if (!file)
		return 1;
	fprintf(file, "%s\n", text);
	return fclose(file) ? 1 : 0;
}

/* This program again, as another process. */
static int start(const char *verb, const char *file)
{
	char self[MAX_PATH], line[3 * MAX_PATH];
	STARTUPINFOA how = { .cb = sizeof(how) };
	PROCESS_INFORMATION process;

	GetModuleFileNameA(NULL, self, sizeof(self));
	snprintf(line, sizeof(line), "\"%s\" %s \"%s\"", self, verb, file);
	return CreateProcessA(self, line, NULL, NULL, FALSE, DETACHED_PROCESS, NULL, NULL, &how,
			      &process)
		       ? 0
		       : 1;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (!strcmp(verb, "exit") && argc == 4) {
		printf("act ends with %s\n", argv[2]);
		return add_line(argv[3], argv[2]) ? 99 : atoi(argv[2]);
	}
	if (!strcmp(verb, "hang") && argc == 3 && !start("child", argv[2]))
		Sleep(INFINITE);
	if (!strcmp(verb, "child") && argc == 3)
		return start("tick", argv[2]);
	for (unsigned i = 0; !strcmp(verb, "tick") && i < TICKS; i++) {
		add_line(argv[2], "tick");
		Sleep(100);
	}
	for (int i = 2; !strcmp(verb, "words") && i < argc; i++)
		puts(argv[i]);
	return 0;
}
