// SPDX-License-Identifier: Apache-2.0
/*
 * Files, as the rooms that also run on a client's Windows use them: by path, and by name in a tree
 * that no name leads out of. One implementation a system: files_linux.c, files_windows.c.
 *
 * Paths and names are UTF-8 with '/' between parts (on Windows a path may also have '\\'). What
 * can fail returns 0, or a descriptor, or -errno. Descriptors are closed with auto_close or close.
 * Nothing here has a state that changes, so everything may be used by several threads.
 */
#ifndef BASE_FILES_H
#define BASE_FILES_H

#include <base/base.h>

/* How a file is opened. Anything but a regular file is -EINVAL, so that nobody who may put a pipe
 * or a device there can hold us up. */
enum file_how {
	FILE_READ,
	FILE_NEW,  /* to write; where it exists: -EEXIST */
	FILE_OVER, /* to write, made where it is missing, emptied where not */
};
/* Who may do what with a file that is made: its owner alone; as the umask says; exactly 0644;
 * exactly 0755. Windows takes all but FILE_PRIVATE from the directory. */
enum file_access { FILE_PRIVATE, FILE_USUAL, FILE_PLAIN, FILE_EXECUTABLE };

/* file_read_at - at most @length bytes at @offset, less at the end of the file only; *@got. */
int file_read_at(int fd, void *data, size_t length, uint64_t offset, size_t *got) MUST_CHECK;
/* file_write - all of it, behind what was written. */
int file_write(int fd, const void *data, size_t length) MUST_CHECK;
/* file_sync - what was written survives a loss of power. */
int file_sync(int fd) MUST_CHECK;
/* file_close - and say what was wrong with what was written; *@fd is -1 then. @durable: file_sync
 * first. Where tree_sync can do nothing for a whole tree, that is done in any case. */
int file_close(int *fd, bool durable) MUST_CHECK;
/* file_is_private - may nobody but its owner (and the administrators of the machine) use it? */
bool file_is_private(int fd);
/* file_is_guarded - may nobody but the administrators of the machine and the user of this process
 * change it, and is it theirs? */
bool file_is_guarded(int fd);

bool path_is_absolute(const char *path);
/* path_open - a link is followed to be read, and on the way: the path is the caller's own. */
int path_open(const char *path, enum file_how how, enum file_access access) MUST_CHECK;
/* path_rename - over what is at @to, in one step; durable. */
int path_rename(const char *from, const char *to) MUST_CHECK;
int path_remove(const char *path);
/* path_make_directory - with the usual permissions. */
int path_make_directory(const char *path) MUST_CHECK;
/* path_make_private - a directory for its owner only; it is no error where it exists. Where others
 * could have prepared it (Windows: anyone may make directories in the usual places) and it is not
 * private, it is refused: -EPERM. */
int path_make_private(const char *path) MUST_CHECK;
/* path_lock - the one holder of this file, made where missing, until *@fd is closed; held by
 * another: -EWOULDBLOCK. */
int path_lock(const char *path, int *fd) MUST_CHECK;
/* path_remove_tree - @path and all below it; links are removed, never followed. Missing is good. */
int path_remove_tree(const char *path) MUST_CHECK;
/* path_exchange - the directory @from to @to; what was there goes. Readers find the old or the new
 * one; on Windows, for a moment, none. */
int path_exchange(const char *from, const char *to) MUST_CHECK;
/* path_list - call @each for every name in a directory; false ends it. */
typedef bool path_list_fn(void *owner, const char *name);
int path_list(const char *path, path_list_fn *each, void *owner) MUST_CHECK;

struct tree;

/* tree_open - the directory at @path, as it is named now. */
int tree_open(const char *path, struct tree **out) MUST_CHECK;
void tree_close(struct tree *t); /* NULL is good */
static inline void tree_close_ptr(struct tree **t)
{
	tree_close(*t);
}
#define auto_tree cleanup(tree_close_ptr)

/* In a tree no link is followed: one on the way is -ELOOP. */
int tree_file(const struct tree *t, const char *name, enum file_how how,
	      enum file_access access) MUST_CHECK;
/* tree_make_directory - one level. */
int tree_make_directory(const struct tree *t, const char *name) MUST_CHECK;
/* tree_rename - over what is at @to, in one step. On Windows who has that open stands in the way:
 * -EACCES, after a second of trying. */
int tree_rename(const struct tree *t, const char *from, const char *to, bool durable) MUST_CHECK;
/* tree_remove - a file or an empty directory. */
int tree_remove(const struct tree *t, const char *name) MUST_CHECK;
/* tree_remove_file - a file only: a directory is -EISDIR. */
int tree_remove_file(const struct tree *t, const char *name) MUST_CHECK;
typedef bool tree_list_fn(void *owner, const char *name, uint64_t size, bool is_directory);
int tree_list(const struct tree *t, const char *name, tree_list_fn *each, void *owner) MUST_CHECK;
/* tree_lock - as path_lock; nobody else can open the file, also where an older one lies. */
int tree_lock(const struct tree *t, const char *name, int *fd) MUST_CHECK;
/* tree_set_mode - POSIX permissions of something that is ours and is no link, else -EACCES.
 * Windows: -EOPNOTSUPP. */
int tree_set_mode(const struct tree *t, const char *name, unsigned mode) MUST_CHECK;
/* tree_sync - what was written in it and closed survives a loss of power. */
int tree_sync(const struct tree *t) MUST_CHECK;
int tree_free_bytes(const struct tree *t, uint64_t *bytes) MUST_CHECK;

#endif
