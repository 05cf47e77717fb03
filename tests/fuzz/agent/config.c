// SPDX-License-Identifier: Apache-2.0
/* The configuration of an agent: taken whole, or refused with a sentence. */
#include <agent/config.h>

#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_close int fd = memfd_create("config", MFD_CLOEXEC);
	auto_free char *path = xasprintf("/proc/self/fd/%d", fd), *why = NULL;
	struct agent_config config;

	BUG_ON(fd < 0 || fchmod(fd, 0600) || write(fd, data, size) != (ssize_t)size);
	if (agent_config_load(path, &config, &why)) {
		BUG_ON(!why);
	} else {
		BUG_ON(!config.state || !config.root || !config.point_count);
		for (size_t i = 0; i < config.point_count; i++)
			BUG_ON(!config.points[i].title || !config.points[i].path);
	}
	agent_config_free(&config);
	return 0;
}
