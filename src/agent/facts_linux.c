// SPDX-License-Identifier: Apache-2.0
/* The facts of this machine: what expressions and the site's inventory ask for. */
#include "agent.h"

#include <stdio.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Which lines of os-release are which facts. */
static const struct {
	const char *line, *fact;
} lines[] = {
	{ "ID", "os.id" },
	{ "VERSION_ID", "os.version" },
	{ "PRETTY_NAME", "os.name" },
	{ "VERSION_CODENAME", "os.codename" },
};

static void take_line(json_t *facts, char *line)
{
	char *equals = strchr(line, '='), *value;

	line[strcspn(line, "\n")] = 0;
	if (!equals)
		return;
	*equals = 0;
	value = equals + 1;
	if (*value == '"' && value[1]) {
		value++;
		value[strlen(value) - 1] = 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		if (!strcmp(lines[i].line, line))
			json_object_set_new(facts, lines[i].fact, json_string(value));
	}
}

static void take_os(json_t *facts)
{
	FILE *file = fopen("/etc/os-release", "re");
	char line[512];

	while (file && fgets(line, sizeof(line), file))
		take_line(facts, line);
	if (file)
		fclose(file);
}

json_t *facts_gather(void)
{
	json_t *facts = json_object();
	struct utsname system;
	struct statvfs root;
	struct sysinfo memory;

	take_os(facts);
	if (!uname(&system)) {
		json_object_set_new(facts, "host", json_string(system.nodename));
		json_object_set_new(facts, "kernel", json_string(system.release));
		json_object_set_new(facts, "arch", json_string(system.machine));
	}
	if (!sysinfo(&memory))
		json_object_set_new(
			facts, "memory_mb",
			json_integer((json_int_t)(memory.totalram * memory.mem_unit >> 20)));
	/* In steps, so that a report does not differ each time it is looked at. */
	if (!statvfs("/", &root))
		json_object_set_new(
			facts, "disk_free_gb",
			json_integer((json_int_t)(root.f_bavail * root.f_frsize >> 30)));
	json_object_set_new(facts, "cpus", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
	json_object_set_new(facts, "agent.version", json_string(BERTH_VERSION));
	return facts;
}
