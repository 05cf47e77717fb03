// SPDX-License-Identifier: Apache-2.0
/*
 * What a server on this machine uses: processor time and memory of a process and of all that
 * descend from it, read from /proc. A child that has ended is in the count of its parent.
 */
#include "load_impl.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#define PROCESSES_MAX 8192

struct process {
	int pid, parent;
	double cpu_ticks;
	bool counts;
};

static bool read_process(int pid, struct process *process)
{
	char path[64], text[1024];
	unsigned long user, kernel;
	long child_user, child_kernel;
	char *after_name;
	size_t length;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	length = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[length] = '\0';
	after_name = strrchr(text, ')');
	if (!after_name ||
	    sscanf(after_name + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld",
		   &process->parent, &user, &kernel, &child_user, &child_kernel) != 5)
		return false;
	process->pid = pid;
	process->cpu_ticks =
		(double)user + (double)kernel + (double)child_user + (double)child_kernel;
	return true;
}

static struct process *find(struct process *list, unsigned count, int pid)
{
	for (unsigned i = 0; i < count; i++)
		if (list[i].pid == pid)
			return &list[i];
	return NULL;
}

/* Mark what descends from @root, however the list is ordered. */
static void mark(struct process *list, unsigned count, int root)
{
	bool more = true;

	while (more) {
		more = false;
		for (unsigned i = 0; i < count; i++) {
			struct process *parent = find(list, count, list[i].parent);

			if (list[i].counts || (list[i].pid != root && !(parent && parent->counts)))
				continue;
			list[i].counts = more = true;
		}
	}
}

static struct process *processes_of(int root, unsigned *count)
{
	struct process *list = xalloc(PROCESSES_MAX, sizeof(*list));
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	*count = 0;
	while (dir && *count < PROCESSES_MAX && (entry = readdir(dir))) {
		int pid = (int)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && read_process(pid, &list[*count]))
			++*count;
	}
	if (dir)
		closedir(dir);
	mark(list, *count, root);
	return list;
}

bool server_cpu_seconds(int pid, double *seconds)
{
	unsigned count;
	auto_free struct process *list = pid ? processes_of(pid, &count) : NULL;

	*seconds = 0;
	if (!list || !find(list, count, pid))
		return false;
	for (unsigned i = 0; i < count; i++)
		if (list[i].counts)
			*seconds += list[i].cpu_ticks / (double)sysconf(_SC_CLK_TCK);
	return true;
}

static double pss_of(int pid)
{
	char path[64], line[256];
	double kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "Pss:", 4))
			kib = strtod(line + 4, NULL);
	if (f)
		fclose(f);
	return kib;
}

bool server_pss_kib(int pid, double *kib)
{
	unsigned count;
	auto_free struct process *list = pid ? processes_of(pid, &count) : NULL;

	*kib = 0;
	if (!list || !find(list, count, pid))
		return false;
	for (unsigned i = 0; i < count; i++)
		if (list[i].counts)
			*kib += pss_of(list[i].pid);
	return *kib > 0;
}
