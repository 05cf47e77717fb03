// SPDX-License-Identifier: Apache-2.0
/* Groups of distribution points. */
#ifndef SITE_GROUPS_H
#define SITE_GROUPS_H

#include <site/library.h>

#define GROUP_NAME_MAX 64

/* group_set - make it, or change what is not NULL: @boundaries with commas between. */
int group_set(struct site *site, const char *name, const char *boundaries, const bool *is_protected,
	      char **why) MUST_CHECK;
int group_remove(struct site *site, const char *name, char **why) MUST_CHECK;
/* group_member - a point that joins is brought the packages that the group was. */
int group_member(struct site *site, const char *name, const char *point, bool add,
		 char **why) MUST_CHECK;
bool group_has(struct site *site, const char *name, const char *point);
/* group_note_package - those who join get @package too, or (@has false) no longer. */
int group_note_package(struct site *site, const char *name, const char *package, bool has,
		       char **why) MUST_CHECK;
/* point_join_boundaries - to its own those of its groups; protected, where one of them is. */
int point_join_boundaries(struct site *site, struct point *point, char **why) MUST_CHECK;
json_t *group_list(struct site *site, char **why);

#endif
