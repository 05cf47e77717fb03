// SPDX-License-Identifier: Apache-2.0
/* Settings of a site, "key=value" as they are given: taken and kept as they are, or refused. */
#include <site/site.h>

#include <stdio.h>
#include <unistd.h>

static char directory[64];

static void remove_site(void)
{
	static const char *const names[] = { "site.db", "site.db-wal", "site.db-shm" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		auto_free char *path = xasprintf("%s/%s", directory, names[i]);

		(void)unlink(path);
	}
	(void)rmdir(directory);
}

static struct site *open_once(void)
{
	static struct site *site;

	if (site)
		return site;
	snprintf(directory, sizeof(directory), "%s/berth-fuzz-XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	BUG_ON(!mkdtemp(directory));
	BUG_ON(site_create(directory, "P01", NULL, NULL) || site_open(directory, &site, NULL));
	(void)atexit(remove_site);
	return site;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = strndup((const char *)data, size), *why = NULL, *back = NULL;
	char *value = strchr(text, '=');
	struct site *site = open_once();

	if (!value)
		return 0;
	*value++ = 0;
	if (site_setting_set(site, text, value, &why)) {
		BUG_ON(!why);
		return 0;
	}
	back = site_setting(site, text);
	BUG_ON(strcmp(back, value) != 0);
	return 0;
}
