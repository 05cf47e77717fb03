// SPDX-License-Identifier: Apache-2.0
/*
 * Whose a site is. Its server has its own user, and its files are to stay that user's when an
 * administrator works on it as root; nothing that a client or a distribution point sends is to be
 * read as root at all.
 */
#include <site/db.h>

#include <errno.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

int site_owner(const char *dir, uid_t *uid, gid_t *gid, char **why)
{
	struct stat st;

	if (stat(dir, &st))
		return site_fail(why, -errno, "cannot see whose the site in %s is: %s", dir,
				 strerror(errno));
	*uid = st.st_uid;
	*gid = st.st_gid;
	return 0;
}

int site_become_owner(const char *dir, char **why)
{
	uid_t uid;
	gid_t gid;
	int error;

	if (geteuid())
		return 0;
	error = site_owner(dir, &uid, &gid, why);
	if (error || !uid)
		return error;
	if (setgroups(1, &gid) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		return site_fail(why, -errno, "cannot become the owner of %s: %s", dir,
				 strerror(errno));
	return 0;
}
