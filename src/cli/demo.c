// SPDX-License-Identifier: Apache-2.0
/*
 * berth demo: shows that are programs of their own, kept beside berth (LIBEXEC/berth/demo, or in
 * the build it was made in). They are started without a shell, with the paths of the programs that
 * they show.
 */
#include "cli.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

/* From the directory of berth: of an installation, and of a build. */
static const struct layout {
	const char *demo, *programs[3];
} layouts[] = {
	{ "../libexec/berth/demo/site",
	  { "../sbin/berthd", "../sbin/berth-site", "../sbin/berth-agent" } },
	{ "../../tools/demo/site",
	  { "../node/berthd", "../sited/berth-site", "../agent/berth-agent" } },
};

/* NULL: it is not there, or cannot be run. */
static char *beside(const char *directory, const char *name)
{
	auto_free char *path = xasprintf("%s/%s", directory, name);

	return access(path, X_OK) ? NULL : realpath(path, NULL);
}

static bool find_all(const char *directory, const struct layout *layout, char **demo,
		     char **programs)
{
	*demo = beside(directory, layout->demo);
	if (!*demo)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(layout->programs); i++)
		programs[i] = beside(directory, layout->programs[i]);
	return true;
}

static char *missing_of(const struct layout *layout, char *const *programs)
{
	for (size_t i = 0; i < ARRAY_LEN(layout->programs); i++) {
		if (!programs[i])
			return xstrdup(strrchr(layout->programs[i], '/') + 1);
	}
	return NULL;
}

int run_demo_site(struct call *call)
{
	auto_free char *self = realpath("/proc/self/exe", NULL), *missing = NULL;
	char *demo = NULL, *programs[ARRAY_LEN(layouts->programs)] = { NULL };
	const struct layout *layout = layouts;
	char *slash = self ? strrchr(self, '/') : NULL;

	if (call->json)
		return complain(EXIT_USAGE, "a demonstration is to be watched: it has no --json");
	if (!slash)
		return complain(EXIT_FAILED, "this program cannot be found: %s", strerror(errno));
	*slash = '\0';
	while (layout < layouts + ARRAY_LEN(layouts) && !find_all(self, layout, &demo, programs))
		layout++;
	if (!demo)
		return complain(EXIT_FAILED,
				"the demonstration is not installed: there is no "
				"libexec/berth/demo/site beside %s",
				self);
	missing = missing_of(layout, programs);
	if (missing)
		return complain(EXIT_FAILED, "%s is missing: the demonstration needs it", missing);
	*slash = '/';
	execl(demo, demo, self, programs[0], programs[1], programs[2],
	      call_local(call, "smbd") ? "--smbd" : NULL, (char *)NULL);
	return complain(EXIT_FAILED, "%s cannot be started: %s", demo, strerror(errno));
}
