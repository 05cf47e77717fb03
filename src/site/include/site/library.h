// SPDX-License-Identifier: Apache-2.0
/*
 * The content of a site: its keys (DIR/keys), its library (DIR/content, a place with the layout of
 * content/layout.h) and the documents that its clients trust. Made on first use. The library is
 * locked as long as it is open, so one at a time changes it. Pieces and manifests are never taken
 * out of it, so those who only read need no lock.
 */
#ifndef SITE_LIBRARY_H
#define SITE_LIBRARY_H

#include <content/repository.h>
#include <site/site.h>

struct site_library {
	struct site *site;
	struct place *place;
	struct repository *repository;
	char *keys;
	char owner[SHA256_HEX_SIZE];
};
int library_open(struct site *site, struct site_library *out, char **why) MUST_CHECK;
/* library_read - only to read what is in it, next to others that change it: no repository. */
int library_read(struct site *site, struct site_library *out, char **why) MUST_CHECK;
void library_close(struct site_library *library);
#define auto_library cleanup(library_close)
/* library_fail - what content says, as this room says it: a negative errno (-ENOENT, -EBUSY, -EPERM
 * for what is another site's, else -EIO) and a sentence. */
int library_fail(char **why, const struct content_failure *failure);
/* library_fail_package - the same where content of @package was read from @library: what is damaged
 * or missing there is told with what mends it. */
int library_fail_package(char **why, const struct content_failure *failure,
			 const struct site_library *library, const char *package);

/* Packages: a folder that was taken into the library, in versions. */
struct package {
	char *name;
	int64_t version;
	uint8_t manifest[SHA256_LENGTH];
	int64_t bytes, files;
	char *source;
	uint64_t mended; /* by package_ingest: pieces that were damaged in the library */
};
void package_free(struct package *package);
#define auto_package cleanup(package_free)
int package_find(struct site *site, const char *name, struct package *out, char **why) MUST_CHECK;
/* package_ingest - a new package, or the next version of one, from the folder @source (NULL: the
 * one it had). An unchanged folder is no new version. PACKAGE_VERIFY: as PACKAGE_NEXT, and what of
 * it rotted in the library is written anew (ingest.h). */
enum package_how { PACKAGE_NEW, PACKAGE_NEXT, PACKAGE_VERIFY };
int package_ingest(struct site *site, const char *name, const char *source, enum package_how how,
		   struct package *out, char **why) MUST_CHECK;
/* package_export - its present version with the signed documents into a directory, which is made
 * where it is missing; verified. *@bytes: how large it is. */
int package_export(struct site *site, const char *name, const char *directory, uint64_t *bytes,
		   char **why) MUST_CHECK;
json_t *package_list(struct site *site, char **why);

/* A program of a package: what a client runs. */
struct program {
	const char *package, *name;
	const json_t *command; /* an array of texts */
	const char *condition;
	int64_t limit_s;
	const json_t *success; /* an array of numbers */
	const char *restart;
};
int program_set(struct site *site, const struct program *program, char **why) MUST_CHECK;
/* program_strangers - those words of its command that name a file of the package ("./setup") that
 * its present version does not have; an array of texts. */
json_t *program_strangers(struct site *site, const struct program *program, char **why);
json_t *program_list(struct site *site, const char *package, char **why);

/* Distribution points, as content and policy go to them. */
struct point {
	char *path; /* "\\FS\distro_test", with a path below the share or without; or a URL */
	char *address, *account, *web;
	int64_t port, priority;
	bool web_drop; /* clients may make files in drop/ below web (HTTP PUT) */
	bool is_protected;
	bool is_maintained; /* nothing is brought there, and no client sent there */
	char *boundaries;   /* with commas */
	char *rates;	    /* policy/rates.h */
};
void point_free(struct point *point);
int point_add(struct site *site, const struct point *point, char **why) MUST_CHECK;
int point_remove(struct site *site, const char *path, char **why) MUST_CHECK;
/* point_find - the one at @path, without case; -ENOENT where there is none. Free it. */
int point_find(struct site *site, const char *path, struct point *out, char **why) MUST_CHECK;
/* point_load - all of them; free each, and the array. */
int point_load(struct site *site, struct point **out, size_t *count, char **why) MUST_CHECK;
/* point_open - the place behind it, with the site's account. */
int point_open(struct site *site, const struct point *point, struct place **out,
	       char **why) MUST_CHECK;
json_t *point_list(struct site *site, char **why);
/* boundaries_check - ranges with commas between; -EINVAL names what is none. */
int boundaries_check(const char *list, char **why) MUST_CHECK;
/* point_clear - remove all that the site laid down there: documents, content, papers. -EBUSY where
 * it is being written to. */
int point_clear(struct site *site, const struct point *point, char **why) MUST_CHECK;
/* point_check_owner - 0: the place behind it is the site's, or nobody's yet; -EPERM: another
 * site's, which @why names. Changes nothing there. */
int point_check_owner(struct site *site, const struct point *point, char **why) MUST_CHECK;

#endif
