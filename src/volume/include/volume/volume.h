// SPDX-License-Identifier: Apache-2.0
/*
 * Files on Linux as a Windows client has them. A volume is the directory tree that a file server
 * lives on; its owner is alone on it. Names are UTF-8 with '/' between them, matched without case
 * and kept as written; every walk stays beneath the node it began at (openat2: RESOLVE_BENEATH, no
 * magic links, no symbolic links), so that nothing on the disk leads out.
 *
 * What Linux has no place for (DOS attributes, creation and change time, the security descriptor)
 * is one record in one extended attribute, `user.berth`. Named streams are files in a depot in the
 * home.
 *
 * All calls are synchronous and may be made on any thread; they are short system calls on a warm
 * cache. A node is counted; what one node caches is guarded by a lock of its own. Errors are
 * NTSTATUS by the one table, with the cases named at each call.
 */
#ifndef VOLUME_VOLUME_H
#define VOLUME_VOLUME_H

#include <base/buf.h>
#include <base/nttime.h>
#include <sys/types.h>
#include <wire/ntstatus.h>

#define VOLUME_HOME ".berth" /* the file server's own directory; no client path ever reaches it */

struct volume;

/* What tells one file from another for as long as it exists. */
struct volume_key {
	uint64_t device;
	uint64_t inode;
	uint64_t past; /* of a snapshot: when it was taken, whose files may share inodes with the
			  live ones; else 0 */
};
static inline bool volume_key_equal(const struct volume_key *a, const struct volume_key *b)
{
	return a->inode == b->inode && a->device == b->device && a->past == b->past;
}

/* An open inode: a file, a directory, or a named stream. */
struct volume_node {
	struct volume *volume;
	int fd; /* O_RDWR for files (O_RDONLY where the file system refuses), O_RDONLY for
		   directories */
	struct volume_key key;
	bool is_directory;
	bool is_stream;
	/* what follows is private to the room */
	uint32_t refs;
	struct node_private *private_part;
};

struct volume_attributes {
	struct volume_key key;
	uint64_t file_id; /* what clients see as the file's id: stable, never 0 */
	nttime creation_time, last_access_time, last_write_time, change_time;
	uint64_t end_of_file;
	uint64_t allocation_size; /* of the data; extended attributes are not counted */
	uint32_t attributes;	  /* FILE_ATTRIBUTE_*, never 0 */
	uint32_t links;
	uint32_t ea_size;     /* of its extended attributes, as volume_set_eas was told */
	uint32_t reparse_tag; /* 0: it is no reparse point */
	bool is_directory;
	bool is_other; /* neither file nor directory (socket, device, symbolic link): shown by no
			  listing */
};

struct volume_space {
	uint64_t total_bytes, free_bytes, caller_free_bytes;
	uint32_t block_bytes;
};

/* volume_open - the directory at @path becomes a volume; STATUS_DEVICE_NOT_READY and a log line
 * where it is missing. */
ntstatus volume_open(const char *path, struct volume **out) MUST_CHECK;
/* volume_close - gives the volume back; its nodes must be gone. */
void volume_close(struct volume *volume);
ntstatus volume_space(struct volume *volume, struct volume_space *out) MUST_CHECK;
/* volume_space_at - what is left for what lies in @directory: less than on the volume where it has
 * a project quota, which ext4 and XFS answer with, or is a file system of its own. */
ntstatus volume_space_at(const struct volume_node *directory, struct volume_space *out) MUST_CHECK;
uint32_t volume_serial(const struct volume *volume); /* of the file server: kept in its home */
bool volume_is_read_only(const struct volume *volume);

/*
 * Previous versions: the snapshots in <home>/snapshots, newest first; none where there is no such
 * directory. Times are whole seconds, each at most once.
 */
#define VOLUME_SNAPSHOTS_MAX 1024u /* more are not looked at */
struct volume_snapshot {
	nttime time;
	char *name; /* of its directory */
};
ntstatus volume_snapshots(struct volume *volume, struct volume_snapshot **out,
			  size_t *count) MUST_CHECK;
void volume_snapshots_free(struct volume_snapshot *list, size_t count);
/*
 * volume_snapshot_open - the volume as it was at @when (to the second): read-only, with its own
 * nodes, for as long as any of them or the caller needs it (volume_snapshot_close).
 * STATUS_OBJECT_NAME_NOT_FOUND where there is no such snapshot.
 */
ntstatus volume_snapshot_open(struct volume *volume, nttime when, struct volume **out) MUST_CHECK;
void volume_snapshot_close(struct volume *snapshot);
/* volume_is_snapshot - whatever would change something in it is STATUS_MEDIA_WRITE_PROTECTED. */
bool volume_is_snapshot(const struct volume *volume);

/* Both of the following may name VOLUME_HOME: their paths are the server's, never a client's. */
/* volume_directory - the node of @path beneath the volume's root ("" is the root itself): a share's
 * root. */
ntstatus volume_directory(struct volume *volume, const char *path,
			  struct volume_node **out) MUST_CHECK;
/* volume_directory_make - the same, and the directories of @path are made where they are missing.
 */
ntstatus volume_directory_make(struct volume *volume, const char *path,
			       struct volume_node **out) MUST_CHECK;
struct volume_node *volume_node_get(struct volume_node *node);
void volume_node_put(struct volume_node *node);
void volume_node_put_ptr(struct volume_node **node); /* for cleanup() */

/*
 * volume_name_valid - may a client use @name as one component? Not empty, no control character,
 * none of \ / : * ? " < > |, not longer than 255 UTF-16 units. "." and ".." are not valid, nor is
 * VOLUME_HOME in any case and in any directory: another file server's volume may lie beneath this
 * one.
 */
bool volume_name_valid(const char *name);

/* Where a path leads. The lookup owns what it holds; volume_lookup_end gives it back (also after an
 * error). */
struct volume_lookup {
	struct volume_node *parent; /* the directory that holds, or would hold, the last component;
				       NULL for the root itself */
	char *name;		    /* last component: as on disk where it exists, else as asked */
	bool exists;
	struct volume_attributes
		attributes; /* where it exists (creation time, DOS attributes included) */
	char *path; /* whole path from @root as on disk, with the last component as in name */
	/* what follows is private to the room */
	char *asked;		  /* the last component as asked, where it is not name */
	struct volume_node *node; /* already opened */
	uint64_t changes;	  /* of the parent's names, when it was found missing */
	bool makes;		  /* what is missing is to be made: see volume_lookup_to_make */
};
/*
 * volume_lookup - walk @path (no stream part, "" is the root itself) from @root without case.
 * STATUS_SUCCESS also where only the last component is missing (exists is false);
 * STATUS_OBJECT_PATH_NOT_FOUND where an earlier one is missing or is no directory;
 * STATUS_OBJECT_NAME_INVALID for a bad component; STATUS_STOPPED_ON_SYMLINK never: a symbolic link
 * is as if it were not there.
 */
ntstatus volume_lookup(struct volume_node *root, const char *path,
		       struct volume_lookup *out) MUST_CHECK;
/*
 * volume_lookup_to_make - the same for a caller that answers a missing name with volume_create (and
 * looks again after STATUS_OBJECT_NAME_COLLISION): an index that agrees with the disk is then
 * believed when it does not know the name, which saves asking the disk. No other caller may be
 * told so: see docs/decisions/0005.
 */
ntstatus volume_lookup_to_make(struct volume_node *root, const char *path,
			       struct volume_lookup *out) MUST_CHECK;
void volume_lookup_end(struct volume_lookup *lookup);
/* volume_lookup_open - the node of what exists. STATUS_OBJECT_NAME_NOT_FOUND where it has gone
 * meanwhile. */
ntstatus volume_lookup_open(struct volume_lookup *lookup, struct volume_node **out) MUST_CHECK;

/* What a new file begins with. */
struct volume_initial {
	bool is_directory;
	uint32_t attributes;
	const void *sd; /* self-relative descriptor, or NULL for none of its own (it is then
			   computed from the parent's) */
	size_t sd_length;
	uint64_t allocation_size;
	bool uncompressed; /* also in a directory that says otherwise */
};
/* volume_create - make what does not exist; STATUS_OBJECT_NAME_COLLISION where it has appeared
 * meanwhile, in any case. */
ntstatus volume_create(struct volume_lookup *lookup, const struct volume_initial *initial,
		       struct volume_node **out) MUST_CHECK;

ntstatus volume_attributes(struct volume_node *node, struct volume_attributes *out) MUST_CHECK;
/* volume_is_unlinked - has the last name of @node (a file, a stream or a directory) gone? Where the
 * disk does not say: false. */
bool volume_is_unlinked(const struct volume_node *node);
/* Which of the fields volume_set_attributes is to set. */
#define VOLUME_SET_CREATION_TIME    0x01u
#define VOLUME_SET_LAST_ACCESS_TIME 0x02u
#define VOLUME_SET_LAST_WRITE_TIME  0x04u
#define VOLUME_SET_CHANGE_TIME	    0x08u
#define VOLUME_SET_ATTRIBUTES	    0x10u
ntstatus volume_set_attributes(struct volume_node *node, const struct volume_attributes *attributes,
			       uint32_t which) MUST_CHECK;

/* volume_get_sd - the stored descriptor appended to @out; STATUS_NOT_FOUND where the file has none
 * of its own. */
ntstatus volume_get_sd(struct volume_node *node, struct buf *out) MUST_CHECK;
ntstatus volume_set_sd(struct volume_node *node, const void *sd, size_t length) MUST_CHECK;

/*
 * The extended attributes of a file, as one list of bytes that means nothing here. volume_get_eas
 * appends it (nothing where there are none). volume_set_eas: STATUS_EA_TOO_LARGE where the file
 * system has no room for it beside the rest.
 */
ntstatus volume_get_eas(struct volume_node *node, struct buf *out) MUST_CHECK;
ntstatus volume_set_eas(struct volume_node *node, const void *list, size_t length,
			uint32_t ea_size) MUST_CHECK;

/*
 * Reparse data: bytes that mean nothing here, with a tag that is not 0. volume_get_reparse appends
 * them; STATUS_NOT_A_REPARSE_POINT. volume_set_reparse with tag 0 removes them. Nothing is
 * followed: see the callers.
 */
bool volume_is_reparse(struct volume_node *node);
ntstatus volume_get_reparse(struct volume_node *node, struct buf *out) MUST_CHECK;
ntstatus volume_set_reparse(struct volume_node *node, uint32_t tag, const void *data,
			    size_t length) MUST_CHECK;

/* volume_overwrite - truncate to nothing, drop streams and extended attributes, give new DOS
 * attributes (OVERWRITE, SUPERSEDE). */
ntstatus volume_overwrite(struct volume_node *node, uint32_t attributes) MUST_CHECK;
ntstatus volume_truncate(struct volume_node *node, uint64_t size) MUST_CHECK;
/* volume_allocate - reserve @size bytes without changing the end of file; less than the end of file
 * truncates. */
ntstatus volume_allocate(struct volume_node *node, uint64_t size) MUST_CHECK;
/* volume_set_sparse - holes may be, or (MS-FSCC 2.3.70) all of the file gets its space. */
ntstatus volume_set_sparse(struct volume_node *node, bool sparse) MUST_CHECK;
ntstatus volume_zero(struct volume_node *node, uint64_t offset, uint64_t length) MUST_CHECK;
/* volume_copy - server-side copy between open files, in the kernel; *copied may be short at the
 * source's end. */
ntstatus volume_copy(struct volume_node *from, uint64_t from_offset, struct volume_node *to,
		     uint64_t to_offset, uint64_t length, uint64_t *copied) MUST_CHECK;
/*
 * volume_clone - @length bytes of @to become those of @from by sharing their space (whole
 * clusters). STATUS_NOT_SUPPORTED where the file system shares none: volume_clones says so
 * beforehand.
 */
ntstatus volume_clone(struct volume_node *from, uint64_t from_offset, struct volume_node *to,
		      uint64_t to_offset, uint64_t length) MUST_CHECK;
bool volume_clones(struct volume *volume);
/*
 * volume_set_compressed - from now on the file system is to compress, or not, what is written to
 * the file, or what is made in the directory. STATUS_NOT_SUPPORTED where it cannot:
 * volume_compresses says so beforehand. volume_is_compressed - of a stream its own state, which
 * its file's attributes do not tell.
 */
ntstatus volume_set_compressed(struct volume_node *node, bool compressed) MUST_CHECK;
ntstatus volume_is_compressed(struct volume_node *node, bool *out) MUST_CHECK;
bool volume_compresses(struct volume *volume);
/* volume_next_range - the next allocated range at or behind *offset; STATUS_NO_MORE_ENTRIES at the
 * end. */
ntstatus volume_next_range(struct volume_node *node, uint64_t *offset, uint64_t *length) MUST_CHECK;
ntstatus volume_sync(struct volume_node *node)
	MUST_CHECK; /* data, metadata and, for a new file, its directory entry */
/* volume_sync_all - all that has been written to the file system that @node is on; as long as the
 * disk takes. 0 or a negative errno, as what a helper thread does ends. */
int volume_sync_all(struct volume_node *node) MUST_CHECK;

/*
 * volume_unlink - remove @name from @parent where it still is @node, with its streams.
 * STATUS_DIRECTORY_NOT_EMPTY, STATUS_OBJECT_NAME_NOT_FOUND.
 */
ntstatus volume_unlink(struct volume_node *parent, const char *name,
		       struct volume_node *node) MUST_CHECK;
ntstatus volume_directory_is_empty(struct volume_node *directory)
	MUST_CHECK; /* STATUS_DIRECTORY_NOT_EMPTY where not */
/*
 * volume_rename - move @name of @parent (which is @node) to where @to leads. With @replace an
 * existing target file goes, atomically; without it STATUS_OBJECT_NAME_COLLISION. A rename that
 * changes case only is allowed.
 */
ntstatus volume_rename(struct volume_node *parent, const char *name, struct volume_node *node,
		       struct volume_lookup *to, bool replace) MUST_CHECK;
ntstatus volume_link(struct volume_node *node, struct volume_lookup *to, bool replace) MUST_CHECK;

/*
 * 8.3 names. volume_short_name gives @name itself in capitals where it is one, else one that is
 * made from it alone and stored nowhere. volume_long_name finds the entry of @directory that has
 * @short_name made for it; STATUS_OBJECT_NAME_NOT_FOUND also where two have. It reads the whole
 * directory, but only where @short_name looks like a made one.
 */
#define VOLUME_SHORT_NAME 13
bool volume_name_is_short(const char *name);
void volume_short_name(const char *name, char out[VOLUME_SHORT_NAME]);
ntstatus volume_long_name(struct volume_node *directory, const char *short_name,
			  char **out) MUST_CHECK;

/* A listing of one directory. One thread at a time; it survives changes under it without repeating
 * or losing what stays. */
#define VOLUME_LIST_LOOKS 4096u
struct volume_listing;
struct volume_entry {
	const char *name; /* lives until the next call on the listing */
	struct volume_attributes attributes;
};
ntstatus volume_list(struct volume_node *directory, struct volume_listing **out) MUST_CHECK;
/*
 * volume_list_next - the next entry that matches @pattern (NULL: all), "." and ".." first;
 * STATUS_NO_MORE_FILES at the end; STATUS_RETRY after VOLUME_LIST_LOOKS names of which none is to
 * be given: to be called again, when the caller has seen to others.
 * ".." shows the directory's own attributes. VOLUME_HOME, symbolic links, names that a client could
 * not use, and what is no file and no directory is left out. A pattern without wildcards is one
 * lookup (and gives no "." or "..").
 */
ntstatus volume_list_next(struct volume_listing *listing, const char *pattern,
			  struct volume_entry *out) MUST_CHECK;
/* volume_list_back - give the entry that was read last once more: it did not fit. */
void volume_list_back(struct volume_listing *listing);
void volume_list_rewind(struct volume_listing *listing);
void volume_list_free(struct volume_listing *listing);

/*
 * Named streams of a file or directory. @name is without colons and type; compared without case; at
 * most VOLUME_STREAM_NAME_MAX bytes of UTF-8, else STATUS_OBJECT_NAME_INVALID. Where @file is
 * itself a stream, its file is meant.
 */
#define VOLUME_STREAM_NAME_MAX 254u
struct volume_stream {
	char *name;
	uint64_t size, allocation_size;
};
ntstatus volume_stream_open(struct volume_node *file, const char *name,
			    struct volume_node **out) MUST_CHECK;
/* volume_stream_name - the name of an opened or created stream as the volume keeps it, its case
 * included; good as long as the node. */
const char *volume_stream_name(const struct volume_node *stream);
ntstatus volume_stream_create(struct volume_node *file, const char *name,
			      struct volume_node **out) MUST_CHECK;
/* What is removed or renamed is @stream and nothing else: where another stream has its name by now,
 * STATUS_OBJECT_NAME_NOT_FOUND. */
ntstatus volume_stream_remove(struct volume_node *file, const char *name,
			      const struct volume_node *stream) MUST_CHECK;
ntstatus volume_stream_rename(struct volume_node *file, const char *from,
			      const struct volume_node *stream, const char *to,
			      bool replace) MUST_CHECK;
/* volume_stream_list - the caller frees the array and each name. */
ntstatus volume_stream_list(struct volume_node *file, struct volume_stream **out,
			    size_t *count) MUST_CHECK;

#endif
