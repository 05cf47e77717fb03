// SPDX-License-Identifier: Apache-2.0
/*
 * Where a path leads.
 *
 * What is there as written costs one openat2 for the file (its directory is mostly still open from
 * the walk before), one statx, one fgetxattr. Only what is missing as written is looked for
 * component by component in the case-folded indexes; but who is about to make a file looks there
 * first. Everything is opened beneath the walk's root
 * with RESOLVE_SAFE: no "..", no absolute path, no symbolic link is ever followed, whatever
 * somebody puts on the disk while the walk goes on.
 *
 * Files are opened O_RDWR at once, because the descriptor found is the one the open keeps. Opening
 * a device or a pipe that somebody left on the volume so could have an effect; a volume is mounted
 * nodev, and a pipe opened O_RDWR does not wait.
 */
#include <base/utf16.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "private.h"

#define NAME_UNITS_MOST 255u
#define PATH_BYTES_MOST (32767u * 3u) /* of what a client can send */

bool name_reserved(const char *name)
{
	return name[0] == VOLUME_HOME[0] && !name_compare(name, VOLUME_HOME);
}

bool volume_name_valid(const char *name)
{
	static const char forbidden[] = "\\/:*?\"<>|";
	size_t length = 0;

	for (const char *p = name; *p; p++, length++)
		if ((uint8_t)*p < 0x20 || memchr(forbidden, *p, sizeof(forbidden) - 1))
			return false;
	if (!length || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	if (length > NAME_UNITS_MOST && utf16_length(name) / 2 > NAME_UNITS_MOST)
		return false;
	return !name_reserved(name);
}

/* path_check - every component of @path is one that a client may use; @home: VOLUME_HOME too. */
static bool path_check(const char *path, bool home)
{
	auto_free char *copy = strlen(path) <= PATH_BYTES_MOST ? xstrdup(path) : NULL;
	char *rest = copy;
	char *name;

	if (!copy)
		return false;
	while ((name = strsep(&rest, "/")))
		if (!volume_name_valid(name) && !(home && !strcmp(name, VOLUME_HOME)))
			return false;
	return true;
}

/* as_missing - errors of openat2 that mean: for a client there is nothing. */
static int as_missing(int error)
{
	return error == -ELOOP || error == -ENXIO || error == -ENODEV ? -ENOENT : error;
}

int entry_open(struct volume_node *directory, const char *name, int *fd, struct statx *st)
{
	auto_close int opened = -1;
	int error;

	opened = sys.openat2(directory->fd, name,
			     (directory->volume->is_read_only ? O_RDONLY : O_RDWR) | O_NOFOLLOW |
				     O_NOCTTY,
			     0, RESOLVE_SAFE);
	if (opened == -EISDIR || opened == -EACCES || opened == -EPERM || opened == -EROFS ||
	    opened == -ETXTBSY)
		opened = sys.openat2(directory->fd, name, O_RDONLY | O_NOFOLLOW | O_NOCTTY, 0,
				     RESOLVE_SAFE);
	if (opened < 0)
		return as_missing(opened);
	error = sys.statx(opened, "", st);
	if (error)
		return error;
	if (!S_ISREG(st->stx_mode) && !S_ISDIR(st->stx_mode))
		return -ENOENT;
	*fd = steal_fd(&opened);
	return 0;
}

/* directory_at - the node of @path beneath @from, which must be a directory, as written. */
static int directory_at(struct volume_node *from, const char *path, struct volume_node **out)
{
	auto_close int fd =
		sys.openat2(from->fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, RESOLVE_SAFE);
	struct statx st;
	int error;

	if (fd < 0)
		return as_missing(fd);
	error = sys.statx(fd, "", &st);
	if (error)
		return error;
	return node_new(from->volume, &fd, &st, out) ? -ENOMEM : 0;
}

/* step - from @from to its directory @name, in any case; *disk is its name on disk. */
static int step(struct volume_node *from, const char *name, struct volume_node **out, char **disk)
{
	int error = directory_at(from, name, out);

	*disk = NULL;
	if (!error)
		*disk = xstrdup(name);
	if (error != -ENOENT)
		return error;
	error = names_find(from, name, disk, NULL);
	if (error)
		return error;
	return *disk ? directory_at(from, *disk, out) : -ENOENT;
}

/* walk_steps - the slow way: component by component. */
static int walk_steps(struct volume_node *root, const char *path, struct volume_node **out,
		      char **disk_path)
{
	cleanup(volume_node_put_ptr) struct volume_node *at = volume_node_get(root);
	auto_free char *copy = xstrdup(path);
	auto_buf struct buf walked = { 0 };
	char *rest = copy;
	char *name;

	while ((name = strsep(&rest, "/"))) {
		auto_free char *disk = NULL;
		struct volume_node *next = NULL;
		int error = step(at, name, &next, &disk);

		if (error)
			return error;
		volume_node_put(at);
		at = next;
		if (walked.len)
			buf_u8(&walked, '/');
		buf_text(&walked, disk);
	}
	buf_u8(&walked, 0);
	if (walked.failed)
		return -ENOMEM;
	*disk_path = xstrdup((const char *)walked.data);
	*out = at;
	at = NULL;
	return 0;
}

/* directory_find - the directory @path beneath @root ("": root), and its path as on disk. */
static int directory_find(struct volume_node *root, const char *path, struct volume_node **out,
			  char **disk_path)
{
	uint64_t generation = dirs_generation(root->volume);
	int error;

	if (!*path) {
		*out = volume_node_get(root);
		*disk_path = xstrdup("");
		return 0;
	}
	*out = dirs_find(root, path, disk_path);
	if (*out)
		return 0;
	error = strlen(path) < PATH_MAX ? directory_at(root, path, out) : -ENOENT;
	if (!error)
		*disk_path = xstrdup(path);
	else
		error = walk_steps(root, path, out, disk_path);
	if (!error)
		dirs_keep(root, path, *disk_path, *out, generation);
	return error;
}

static bool has_sd(struct volume_node *node)
{
	struct inode *inode = node_inode(node);
	bool has;

	pthread_mutex_lock(&inode->lock);
	has = inode->meta.sd_length;
	pthread_mutex_unlock(&inode->lock);
	return has;
}

/*
 * wait_for_maker - a file without a descriptor may be one that volume_create has made and not yet
 * described, through the inode that @node shares. Only a file that is seconds old can be one.
 */
static bool wait_for_maker(struct volume_node *parent, const char *name, struct volume_node *node,
			   const struct statx *st)
{
	struct timespec now;

	if (has_sd(node))
		return false;
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (st->stx_mask & STATX_BTIME && st->stx_btime.tv_sec + 2 < now.tv_sec)
		return false;
	maker_wait(parent, name);
	return true;
}

/* last_open - open @name, and have its attributes in @lookup. */
static int last_open(struct volume_lookup *lookup, const char *name, ntstatus *status)
{
	struct volume_node *parent = lookup->parent;
	auto_close int fd = -1;
	struct statx st;
	int error = entry_open(parent, name, &fd, &st);

	*status = STATUS_SUCCESS;
	if (error)
		return error;
	*status = node_new(parent->volume, &fd, &st, &lookup->node);
	if (!*status)
		*status = node_attributes(lookup->node, &st, &lookup->attributes);
	if (!*status && wait_for_maker(parent, name, lookup->node, &st))
		*status = node_attributes(lookup->node, &st, &lookup->attributes);
	lookup->exists = !*status;
	return 0;
}

/* indexed_open - open the entry that is @asked in any case, as the index knows it. An index that
 * names what is not there is thrown away, and asked once more. -ENOENT: there is none. */
static int indexed_open(struct volume_lookup *lookup, const char *asked, char **name,
			ntstatus *status)
{
	int error = names_find(lookup->parent, asked, name, &lookup->changes);

	if (error || !*name)
		return error ? error : -ENOENT;
	error = last_open(lookup, *name, status);
	if (error != -ENOENT || !names_gone(lookup->parent, *name))
		return error;
	free(*name);
	error = names_find(lookup->parent, asked, name, &lookup->changes);
	if (error || !*name)
		return error ? error : -ENOENT;
	return last_open(lookup, *name, status);
}

/* last_find - the last component: as written, and only where that is missing by the index, which is
 * made then. */
static ntstatus last_find(struct volume_lookup *lookup, const char *asked, char **disk)
{
	auto_free char *name = NULL;
	ntstatus status = STATUS_SUCCESS;
	int error;

	if (lookup->makes && names_unknown(lookup->parent, asked, &lookup->changes))
		return STATUS_SUCCESS;
	error = last_open(lookup, asked, &status);
	if (!error && !status) {
		*disk = xstrdup(asked);
		names_opened(lookup->parent, asked);
	}
	if (error != -ENOENT)
		return error ? ntstatus_of_errno(error) : status;
	error = indexed_open(lookup, asked, &name, &status);
	if (error)
		return error == -ENOENT ? STATUS_SUCCESS : ntstatus_of_errno(error);
	if (!status)
		*disk = xstrdup(name);
	return status;
}

/* lookup_root - the empty path: the root itself, through a descriptor of its own. */
static ntstatus lookup_root(struct volume_node *root, struct volume_lookup *out)
{
	auto_close int fd = sys.openat2(root->fd, ".", O_RDONLY | O_DIRECTORY, 0, RESOLVE_SAFE);
	struct statx st;
	ntstatus status;
	int error = fd < 0 ? fd : sys.statx(fd, "", &st);

	if (error)
		return ntstatus_of_errno(error);
	out->name = xstrdup("");
	out->path = xstrdup("");
	status = node_new(root->volume, &fd, &st, &out->node);
	if (!status)
		status = node_attributes(out->node, &st, &out->attributes);
	out->exists = !status;
	return status;
}

static ntstatus path_missing(int error)
{
	return error == -ENOENT || error == -ENOTDIR || error == -ENAMETOOLONG
		       ? STATUS_OBJECT_PATH_NOT_FOUND
		       : ntstatus_of_errno(error);
}

/* lookup_beneath - @path is not empty and its components are good. */
static ntstatus lookup_beneath(struct volume_node *root, const char *path,
			       struct volume_lookup *out)
{
	const char *slash = strrchr(path, '/');
	const char *asked = slash ? slash + 1 : path;
	auto_free char *directory = strndup(path, slash ? (size_t)(slash - path) : 0);
	auto_free char *directory_path = NULL;
	auto_free char *disk = NULL;
	ntstatus status;
	int error = directory ? directory_find(root, directory, &out->parent, &directory_path)
			      : -ENOMEM;

	if (error)
		return path_missing(error);
	status = last_find(out, asked, &disk);
	if (status)
		return status;
	if (disk && strcmp(disk, asked))
		out->asked = xstrdup(asked);
	out->name = xstrdup(disk ? disk : asked);
	out->path = xasprintf("%s%s%s", directory_path, *directory_path ? "/" : "", out->name);
	return STATUS_SUCCESS;
}

/* lookup_any - @out is zero but for what the caller asks of it. */
static ntstatus lookup_any(struct volume_node *root, const char *path, bool home,
			   struct volume_lookup *out)
{
	if (!root->is_directory)
		return STATUS_OBJECT_PATH_NOT_FOUND;
	if (!*path)
		return lookup_root(root, out);
	return path_check(path, home) ? lookup_beneath(root, path, out)
				      : STATUS_OBJECT_NAME_INVALID;
}

ntstatus volume_lookup(struct volume_node *root, const char *path, struct volume_lookup *out)
{
	memset(out, 0, sizeof(*out));
	return lookup_any(root, path, false, out);
}

ntstatus volume_lookup_to_make(struct volume_node *root, const char *path,
			       struct volume_lookup *out)
{
	memset(out, 0, sizeof(*out));
	out->makes = true;
	return lookup_any(root, path, false, out);
}

void volume_lookup_end(struct volume_lookup *lookup)
{
	volume_node_put(lookup->parent);
	volume_node_put(lookup->node);
	free(lookup->name);
	free(lookup->asked);
	free(lookup->path);
	memset(lookup, 0, sizeof(*lookup));
}

ntstatus volume_lookup_open(struct volume_lookup *lookup, struct volume_node **out)
{
	*out = NULL;
	if (!lookup->exists)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	*out = volume_node_get(lookup->node);
	return STATUS_SUCCESS;
}

/* find_or_make - the directory @path of the volume; the home may be named in it. */
static ntstatus find_or_make(struct volume *volume, const char *path, bool make,
			     struct volume_node **out)
{
	cleanup(volume_lookup_end) struct volume_lookup lookup = { 0 };
	const struct volume_initial initial = { .is_directory = true };
	ntstatus status = lookup_any(volume->root, path, true, &lookup);

	*out = NULL;
	if (status)
		return status;
	if (!lookup.exists)
		return make ? volume_create(&lookup, &initial, out) : STATUS_OBJECT_NAME_NOT_FOUND;
	if (!lookup.attributes.is_directory)
		return STATUS_NOT_A_DIRECTORY;
	return volume_lookup_open(&lookup, out);
}

/* The same; one that another makes at this moment is found. */
static ntstatus directory_of(struct volume *volume, const char *path, bool make,
			     struct volume_node **out)
{
	ntstatus status = find_or_make(volume, path, make, out);

	return status == STATUS_OBJECT_NAME_COLLISION ? find_or_make(volume, path, make, out)
						      : status;
}

ntstatus volume_directory(struct volume *volume, const char *path, struct volume_node **out)
{
	return directory_of(volume, path, false, out);
}

ntstatus volume_directory_make(struct volume *volume, const char *path, struct volume_node **out)
{
	auto_free char *copy = xstrdup(path);

	for (char *slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
		cleanup(volume_node_put_ptr) struct volume_node *above = NULL;
		ntstatus status;

		*slash = 0;
		status = directory_of(volume, copy, true, &above);
		*slash = '/';
		if (status) {
			*out = NULL;
			return status;
		}
	}
	return directory_of(volume, path, true, out);
}
