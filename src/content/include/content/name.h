// SPDX-License-Identifier: Apache-2.0
/*
 * Names inside a package: relative, '/' between parts, UTF-8, and such that every system a client
 * may run can have them and nobody can mean a place outside of the package with them.
 */
#ifndef CONTENT_NAME_H
#define CONTENT_NAME_H

#include <content/failure.h>

#define CONTENT_PATH_MAX  1024 /* bytes of a whole path */
#define CONTENT_PART_MAX  255  /* bytes, and UTF-16 units, of one part */
#define CONTENT_DEPTH_MAX 64   /* parts */

/*
 * content_name_check - NULL where @path (@length bytes) is safe, else why not, as a constant
 * phrase: empty, "." or "..", absolute, not UTF-8, a control character or one of <>:"|?*\, a part
 * that ends in a dot or a space, a device name of Windows (CON, NUL, COM1, ... with any
 * extension), too long, too deep.
 */
const char *content_name_check(const char *path, size_t length);

/*
 * content_names_clash - do two of these safe paths name the same thing where case does not count
 * (the directories they lie in included), or is one a file that another lies in? The pair is left
 * in *@a and *@b. @names comes back in another order.
 */
struct content_name {
	const char *path;
	char *folded; /* the function's own */
	bool is_directory;
};
bool content_names_clash(struct content_name *names, size_t count, const char **a, const char **b);

#endif
