// SPDX-License-Identifier: Apache-2.0
/*
 * Names made, removed, moved and linked.
 *
 * All of it happens under the lock of the directory's names, so that check and change are one step
 * for everybody who comes through this volume; and nobody else comes, because the owner is alone on
 * it. So "is this name still that file?" is asked and then acted on, without a detour over a
 * temporary name that a crash could leave behind. What makes a name still uses O_EXCL and
 * RENAME_NOREPLACE, for what is done on the disk by hand.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <linux/fs.h>
#include <unistd.h>

#include "private.h"

/* entry_make - the new inode, opened. */
static int entry_make(struct volume_node *parent, const char *name, bool is_directory, int *fd)
{
	int error;

	if (!is_directory) {
		*fd = sys.openat2(parent->fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
				  FILE_MODE, RESOLVE_SAFE);
		return *fd < 0 ? *fd : 0;
	}
	error = sys.mkdir(parent->fd, name, DIRECTORY_MODE);
	if (error)
		return error;
	*fd = sys.openat2(parent->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, RESOLVE_SAFE);
	return *fd < 0 ? *fd : 0;
}

/* describe - the record of a new file, where it needs one. */
static ntstatus describe(struct volume_node *node, const struct volume_initial *initial,
			 const struct statx *st)
{
	struct inode *inode = node_inode(node);
	struct meta plain = meta_default(initial->is_directory);
	struct meta meta = plain;
	ntstatus status = STATUS_SUCCESS;

	meta.attributes = initial->attributes & FILE_ATTRIBUTE_STORED;
	meta.sd = initial->sd;
	meta.sd_length = initial->sd_length;
	if (!(st->stx_mask & STATX_BTIME))
		meta.creation_time = nttime_now();
	pthread_mutex_lock(&inode->lock);
	if (meta.attributes != plain.attributes || meta.sd_length || meta.creation_time.ticks) {
		status = inode_write(node, &meta);
	} else {
		inode->meta = plain;
		inode->meta_read = true;
	}
	pthread_mutex_unlock(&inode->lock);
	return status;
}

/* make_node - the node of what entry_make made, described. @st: what it is, also where this fails;
 * without a number where that could not be asked. */
static ntstatus make_node(struct volume_node *parent, int *fd, const struct volume_initial *initial,
			  struct statx *st, struct volume_node **out)
{
	ntstatus status;
	int error;

	st->stx_ino = 0;
	error = sys.statx(*fd, "", st);
	if (error)
		return ntstatus_of_errno(error);
	status = node_new(parent->volume, fd, st, out);
	if (status)
		return status;
	if (initial->uncompressed && is_compressed(parent->volume, st))
		status = ntstatus_of_errno(sys.set_compressed((*out)->fd, false));
	if (!status)
		status = describe(*out, initial, st);
	if (!status && initial->is_directory)
		names_empty(parent, *out, st);
	if (!status && initial->allocation_size && !initial->is_directory)
		status = volume_allocate(*out, initial->allocation_size);
	return status;
}

/* make_entry - the new name, opened; nothing is described yet. */
static ntstatus make_entry(struct volume_lookup *lookup, bool is_directory, int *fd)
{
	struct volume_node *parent = lookup->parent;
	int error = names_absent(parent, lookup->name, lookup->changes);

	if (error)
		return ntstatus_of_errno(error);
	error = entry_make(parent, lookup->name, is_directory, fd);
	if (error == -EEXIST)
		names_drop(parent->volume,
			   &parent->key); /* made by hand: the index does not know it */
	if (error)
		return error == -ENOENT ? STATUS_OBJECT_PATH_NOT_FOUND : ntstatus_of_errno(error);
	names_added(parent, lookup->name);
	return STATUS_SUCCESS;
}

/* still_is - is @name in @parent still the inode @key? */
static int still_is(struct volume_node *parent, const char *name, const struct volume_key *key,
		    struct statx *st)
{
	int error = sys.statx(parent->fd, name, st);
	struct volume_key now;

	if (error)
		return error;
	now = statx_key(parent->volume, st);
	return key_equal(&now, key) ? 0 : -ENOENT;
}

/* unmake - what is half made goes again, where it has its name still: nobody was told of it. */
static void unmake(struct volume_node *parent, const char *name, const struct statx *made,
		   bool is_directory)
{
	struct volume_key key = statx_key(parent->volume, made);
	struct statx st;

	if (made->stx_ino && !still_is(parent, name, &key, &st) &&
	    !sys.unlink(parent->fd, name, is_directory ? AT_REMOVEDIR : 0))
		names_removed(parent, name);
}

/* create_locked - a file is described without the lock, which others wait for; a directory with it:
 * that it is empty has to be noted before anybody can make something in it. */
static ntstatus create_locked(struct volume_lookup *lookup, const struct volume_initial *initial,
			      struct volume_node **out)
{
	struct volume_node *parent = lookup->parent;
	auto_close int fd = -1;
	struct maker maker;
	struct statx made;
	ntstatus status = make_entry(lookup, initial->is_directory, &fd);

	if (status)
		return status;
	if (initial->is_directory) {
		status = make_node(parent, &fd, initial, &made, out);
	} else {
		maker_begin(parent, &maker, lookup->name);
		names_unlock(parent);
		status = make_node(parent, &fd, initial, &made, out);
		names_lock(parent);
		maker_end(parent, &maker);
	}
	if (!status)
		return status;
	volume_node_put(*out);
	*out = NULL;
	unmake(parent, lookup->name, &made, initial->is_directory);
	return status;
}

ntstatus volume_create(struct volume_lookup *lookup, const struct volume_initial *initial,
		       struct volume_node **out)
{
	ntstatus status;

	*out = NULL;
	if (lookup->exists || !lookup->parent)
		return STATUS_OBJECT_NAME_COLLISION;
	if (node_is_past(lookup->parent))
		return STATUS_MEDIA_WRITE_PROTECTED;
	if (initial->sd_length > VOLUME_SD_LIMIT)
		return STATUS_INVALID_SECURITY_DESCR;
	names_lock(lookup->parent);
	status = create_locked(lookup, initial, out);
	names_unlock(lookup->parent);
	if (!status)
		node_set_sync_parent(*out, lookup->parent);
	return status;
}

/* depot_of - the depot id of @node's inode, 0 where it has none. */
static uint64_t depot_of(struct volume_node *node)
{
	struct inode *inode = node_inode(node);
	uint64_t id = 0;

	pthread_mutex_lock(&inode->lock);
	if (!inode_read(node))
		id = inode->meta.depot_id;
	pthread_mutex_unlock(&inode->lock);
	return id;
}

/*
 * unlink_locked - *depot is what is to be removed after it: the file goes first, so that a crash
 * between the two never leaves a file without its streams or descriptor.
 */
static int unlink_locked(struct volume_node *parent, const char *name, struct volume_node *node,
			 uint64_t *depot)
{
	struct statx st;
	int error;

	names_begin(parent);
	error = still_is(parent, name, &node->key, &st);
	if (error)
		return error;
	if (node->is_directory || st.stx_nlink <= 1)
		*depot = depot_of(node);
	if (*depot && !node->is_directory)
		depot_doom(node, *depot);
	error = sys.unlink(parent->fd, name, node->is_directory ? AT_REMOVEDIR : 0);
	if (error) {
		if (*depot && !node->is_directory)
			depot_keep(node->volume, *depot);
		return error;
	}
	names_removed(parent, name);
	return 0;
}

ntstatus volume_unlink(struct volume_node *parent, const char *name, struct volume_node *node)
{
	uint64_t depot = 0;
	int error;

	if (node_is_past(node))
		return STATUS_MEDIA_WRITE_PROTECTED;
	names_lock(parent);
	error = unlink_locked(parent, name, node, &depot);
	names_unlock(parent);
	if (error)
		return ntstatus_of_errno(error);
	if (node->is_directory) {
		dirs_forget(node->volume, &node->key);
		names_lock(node);
		names_drop(node->volume, &node->key);
		names_unlock(node);
	}
	if (depot)
		depot_remove(node->volume, depot);
	return STATUS_SUCCESS;
}

/* What a rename or link replaces. */
struct replaced {
	struct volume_node *node;
	uint64_t depot;
};

static void replaced_end(struct replaced *gone)
{
	if (gone->depot)
		depot_remove(gone->node->volume, gone->depot);
	volume_node_put(gone->node);
}

/* What was to be replaced is there still. */
static void replaced_stays(struct replaced *gone)
{
	if (gone->depot)
		depot_keep(gone->node->volume, gone->depot);
	gone->depot = 0;
}

/* replaced_check - may what is at the target give way? Fills @gone. */
static ntstatus replaced_check(struct volume_lookup *to, struct volume_node *node, bool replace,
			       struct replaced *gone)
{
	struct statx st;
	int error;

	if (!replace)
		return STATUS_OBJECT_NAME_COLLISION;
	if (to->attributes.is_directory || node->is_directory)
		return STATUS_ACCESS_DENIED;
	error = still_is(to->parent, to->name, &to->node->key, &st);
	if (error)
		return error == -ENOENT ? STATUS_OBJECT_NAME_COLLISION : ntstatus_of_errno(error);
	gone->node = volume_node_get(to->node);
	if (st.stx_nlink <= 1)
		gone->depot = depot_of(to->node);
	if (gone->depot)
		depot_doom(to->node, gone->depot);
	return STATUS_SUCCESS;
}

static const char *asked_name(const struct volume_lookup *to)
{
	return to->asked ? to->asked : to->name;
}

static int move(struct volume_node *from, const char *name, struct volume_node *to,
		const char *to_name, bool replace)
{
	int error = sys.rename(from->fd, name, to->fd, to_name, replace ? 0 : RENAME_NOREPLACE);

	if (error)
		return error;
	names_removed(from, name);
	if (replace)
		names_removed(to, to_name);
	names_added(to, to_name);
	return 0;
}

/*
 * rename_locked - the new name is written as it was asked for. Where a file with that name in other
 * case is replaced, the rename takes its place first, atomically, and the case is changed after it:
 * at no time are there two, or none.
 */
static ntstatus rename_locked(struct volume_node *parent, const char *name,
			      struct volume_node *node, struct volume_lookup *to, bool replace,
			      struct replaced *gone)
{
	const char *asked = asked_name(to);
	struct statx st;
	ntstatus status;
	int error;

	names_begin(parent);
	if (to->parent != parent)
		names_begin(to->parent);
	error = still_is(parent, name, &node->key, &st);
	if (error)
		return ntstatus_of_errno(error);
	if (!to->exists) {
		error = names_absent(to->parent, asked, to->changes);
		return ntstatus_of_errno(error ? error
					       : move(parent, name, to->parent, asked, false));
	}
	if (key_equal(&to->node->key, &node->key) && key_equal(&to->parent->key, &parent->key) &&
	    !strcmp(to->name, name)) {
		/* the same name: only its case can change */
		return strcmp(name, asked)
			       ? ntstatus_of_errno(move(parent, name, parent, asked, false))
			       : STATUS_SUCCESS;
	}
	status = replaced_check(to, node, replace, gone);
	if (status)
		return status;
	if (key_equal(&to->node->key,
		      &node->key)) { /* two links of one file: rename(2) would do nothing */
		replaced_stays(gone);
		error = sys.unlink(parent->fd, name, 0);
		if (!error)
			names_removed(parent, name);
		return ntstatus_of_errno(error);
	}
	error = move(parent, name, to->parent, to->name, true);
	if (!error && to->asked)
		error = move(to->parent, to->name, to->parent, asked, false);
	return ntstatus_of_errno(error);
}

ntstatus volume_rename(struct volume_node *parent, const char *name, struct volume_node *node,
		       struct volume_lookup *to, bool replace)
{
	struct replaced gone = { 0 };
	ntstatus status;

	if (node_is_past(node))
		return STATUS_MEDIA_WRITE_PROTECTED;
	if (!to->parent)
		return STATUS_OBJECT_NAME_COLLISION;
	names_lock2(parent, to->parent);
	status = rename_locked(parent, name, node, to, replace, &gone);
	names_unlock2(parent, to->parent);
	if (status)
		replaced_stays(&gone);
	replaced_end(&gone);
	if (node->is_directory)
		dirs_forget(node->volume, NULL);
	if (!status)
		node_set_sync_parent(node, to->parent);
	return status;
}

/* link_over - the link is made under a name that no client can give, and moved over the target. */
static int link_over(struct volume_node *node, struct volume_node *parent, const char *name)
{
	char temporary[64];
	int error;

	snprintf(temporary, sizeof(temporary), VOLUME_HOME "/link.%016llx",
		 (unsigned long long)random_u64());
	error = sys.link(node->fd, node->volume->root->fd, temporary);
	if (error)
		return error;
	error = sys.rename(node->volume->root->fd, temporary, parent->fd, name, 0);
	if (error)
		(void)sys.unlink(node->volume->root->fd, temporary, 0);
	return error;
}

static ntstatus link_locked(struct volume_node *node, struct volume_lookup *to, bool replace,
			    struct replaced *gone)
{
	ntstatus status;
	int error;

	names_begin(to->parent);
	if (!to->exists) {
		error = names_absent(to->parent, to->name, to->changes);
		if (!error)
			error = sys.link(node->fd, to->parent->fd, to->name);
		if (!error)
			names_added(to->parent, to->name);
		return ntstatus_of_errno(error);
	}
	status = replaced_check(to, node, replace, gone);
	if (status)
		return status;
	if (key_equal(&to->node->key, &node->key)) {
		replaced_stays(gone);
		return STATUS_SUCCESS;
	}
	error = link_over(node, to->parent, to->name);
	names_touched(to->parent);
	if (!error && to->asked)
		error = move(to->parent, to->name, to->parent, to->asked, false);
	return ntstatus_of_errno(error);
}

ntstatus volume_link(struct volume_node *node, struct volume_lookup *to, bool replace)
{
	struct replaced gone = { 0 };
	ntstatus status;

	if (node_is_past(node))
		return STATUS_MEDIA_WRITE_PROTECTED;
	if (node->is_directory)
		return STATUS_FILE_IS_A_DIRECTORY;
	if (node->is_stream)
		return STATUS_INVALID_PARAMETER;
	if (!to->parent)
		return STATUS_OBJECT_NAME_COLLISION;
	names_lock(to->parent);
	status = link_locked(node, to, replace, &gone);
	names_unlock(to->parent);
	if (status)
		replaced_stays(&gone);
	replaced_end(&gone);
	if (!status)
		node_set_sync_parent(node, to->parent);
	return status;
}
