// SPDX-License-Identifier: Apache-2.0
/*
 * What berthd may do once it runs: low ports, addresses, and (as another user than root) nothing
 * else of what root may. As root it keeps what file work needs, because the files of a volume may
 * belong to anyone.
 */
#include "node.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

static const cap_value_t network[] = { CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW };
static const cap_value_t files[] = { CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_CHOWN,
				     CAP_FSETID };

/* Keeps of @values only what is permitted now: a container may have taken some. */
static int keep(cap_t caps, const cap_value_t *values, int count, cap_t now)
{
	for (int i = 0; i < count; i++) {
		cap_flag_value_t has = CAP_CLEAR;

		if (cap_get_flag(now, values[i], CAP_PERMITTED, &has) < 0 || has != CAP_SET)
			continue;
		if (cap_set_flag(caps, CAP_PERMITTED, 1, &values[i], CAP_SET) < 0 ||
		    cap_set_flag(caps, CAP_EFFECTIVE, 1, &values[i], CAP_SET) < 0)
			return -errno;
	}
	return 0;
}

static int set_capabilities(bool as_root)
{
	cap_t now = cap_get_proc(), caps = cap_init();
	int error = !now || !caps ? -ENOMEM : keep(caps, network, ARRAY_LEN(network), now);

	if (!error && as_root)
		error = keep(caps, files, ARRAY_LEN(files), now);
	if (!error && cap_set_proc(caps) < 0)
		error = -errno;
	cap_free(caps);
	cap_free(now);
	return error;
}

static int become(const struct passwd *user)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || initgroups(user->pw_name, user->pw_gid) < 0 ||
	    setgid(user->pw_gid) < 0 || setuid(user->pw_uid) < 0)
		return -errno;
	return 0;
}

int privileges_drop(const char *name, char **why)
{
	struct passwd *user = NULL;
	int error = 0;

	if (name) {
		errno = 0;
		user = getpwnam(name);
		if (!user) {
			*why = xasprintf("there is no user \"%s\" to run as", name);
			return -ENOENT;
		}
		if (user->pw_uid != geteuid())
			error = become(user);
	}
	if (!error)
		error = set_capabilities(geteuid() == 0);
	if (!error && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		error = -errno;
	if (error)
		*why = xasprintf("cannot give up privileges%s%s: %s", name ? " for user " : "",
				 name ? name : "", strerror(-error));
	return error;
}
