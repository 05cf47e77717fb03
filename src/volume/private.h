// SPDX-License-Identifier: Apache-2.0
/*
 * What the files of this room share.
 *
 *   volume  owns the root and the tables below; lives until volume_close.
 *   node    one open descriptor; counted. Several nodes of one inode share one `struct inode`.
 *   inode   what is known of an inode while any node of it is open: its record (user.berth) and
 * what is reserved behind its end. inode->lock guards all but key, refs and next. names   a stripe
 * of directories. Its lock is held by whoever makes, removes or moves a name in one of them, and
 * guards their indexes.
 *
 * Order of locks: dirs.lock; names (by stripe number where two are held); inode->lock; inode
 * buckets; volume->lock. No lock is held while a node is put.
 */
#ifndef VOLUME_PRIVATE_H
#define VOLUME_PRIVATE_H

#include <base/cursor.h>
#include <pthread.h>
#include <stdatomic.h>
#include <volume/volume.h>
#include <wire/fscc.h>

#include "sys.h"

#define VOLUME_INDEX_BYTES    (256u << 20) /* memory for the name indexes of one volume */
#define VOLUME_NAME_STRIPES   1024u
#define VOLUME_INODE_BUCKETS  65536u
#define VOLUME_INODE_LOCKS    64u
#define VOLUME_DIRS	      512u   /* directories that a volume keeps open between walks */
#define VOLUME_DIRS_MS	      1000u  /* how long such a one is used without asking the disk again */
#define VOLUME_SD_LIMIT	      65536u /* bytes of one security descriptor */
#define VOLUME_CLUSTER	      4096u
#define FILE_MODE	      0660
#define DIRECTORY_MODE	      0770

#define FILE_ATTRIBUTE_STORED (FILE_ATTRIBUTE_SETTABLE | FILE_ATTRIBUTE_SPARSE_FILE)

/* The record of a file: what Linux has no place for. All zero but attributes: the file has none. */
struct meta {
	uint32_t attributes;  /* FILE_ATTRIBUTE_STORED bits */
	nttime creation_time; /* 0: when the file system says it was made */
	nttime change_time;   /* 0: ctime; else in force until ctime is later than change_until */
	nttime change_until;
	uint32_t ea_size;     /* of the list in EA_XATTR; 0: there is none */
	uint64_t depot_id;    /* its directory in the depot; 0: none was ever needed */
	uint32_t reparse_tag; /* of the data in the depot; 0: it is no reparse point */
	bool sd_in_depot;     /* the descriptor did not fit the extended attribute */
	const uint8_t *sd;    /* in the bytes that were decoded, or owned by the inode */
	size_t sd_length;
};

struct inode {
	struct volume_key key;
	uint32_t refs;
	struct inode *next;
	pthread_mutex_t lock;
	bool meta_read;
	struct meta meta;  /* owns its sd */
	uint64_t reserved; /* bytes that volume_allocate promised while it is open; 0: nothing */
};

struct node_private {
	struct inode *inode;
	struct volume_node *sync_parent; /* directory whose entry of this node is not yet on disk */
	struct volume_node *base;	 /* of a stream: its file */
	char *stream_name;		 /* of a stream: as it was on disk when it was opened */
};

/* A file that has its name, but not yet its descriptor; on the stack of its maker. */
struct maker {
	const struct volume_key *directory;
	const char *name;
	struct maker *next;
};

struct index; /* index_table.h */

struct names {
	pthread_mutex_t lock;
	struct index *indexes;
	struct maker *makers;
	pthread_cond_t made; /* one of the makers has ended */
};

/* A directory kept open between walks. */
struct dir_slot {
	struct volume_key root;
	char *asked; /* path from that root, as it was asked for */
	char *path;  /* as it is on disk */
	struct volume_node *node;
	uint64_t until_ms;
};

struct volume {
	char *path;
	struct volume_node *root;
	bool is_read_only;
	uint32_t serial;
	uint64_t clock;	      /* draws index.changes and index.last_use */
	uint64_t index_bytes; /* in use, of index_limit (VOLUME_INDEX_BYTES but in tests) */
	uint64_t index_limit;
	struct names *names; /* VOLUME_NAME_STRIPES */
	struct inode **inodes;
	pthread_mutex_t inode_locks[VOLUME_INODE_LOCKS];
	struct {
		pthread_mutex_t lock;
		uint32_t used;
		uint64_t generation;	/* of the last dirs_forget */
		struct dir_slot *slots; /* VOLUME_DIRS */
	} dirs;
	atomic_int clones;     /* can files share space? clone.c */
	atomic_int compresses; /* can files be compressed? compression.c */
	pthread_mutex_t lock;  /* guards depot_fd, and snapshots with their uses */
	int depot_fd;
	struct volume *snapshots; /* those that are in use (snapshot.c) */
	struct {
		pthread_mutex_t lock; /* leaf */
		struct volume_snapshot *list;
		size_t count;
		nttime seen;	   /* change of the directory that this is the list of */
		uint64_t until_ms; /* 0: nothing is known */
		uint64_t readings;
	} known; /* what snapshots there are: snapshot.c */
	/* of a snapshot */
	struct volume *live; /* NULL: it is none */
	struct volume *next_snapshot;
	uint32_t uses; /* nodes, and callers of volume_snapshot_open */
	nttime taken;
};

static inline struct inode *node_inode(const struct volume_node *node)
{
	return node->private_part->inode;
}
/* node_is_past - of a snapshot: nothing that it leads to may change, whatever the disk would let.
 */
static inline bool node_is_past(const struct volume_node *node)
{
	return node->volume->live;
}
/* key_equal - is it one inode, and so the same bytes? */
static inline bool key_equal(const struct volume_key *a, const struct volume_key *b)
{
	return a->inode == b->inode && a->device == b->device;
}
static inline uint64_t key_hash(const struct volume_key *key)
{
	return (key->inode ^ key->device << 40) * 0x9E3779B97F4A7C15ull >> 20;
}

/* node.c */
struct volume_key statx_key(const struct volume *volume, const struct statx *st);
/* node_new - a node around *fd, which is taken out of the variable (also where this fails). */
ntstatus node_new(struct volume *volume, int *fd, const struct statx *st,
		  struct volume_node **out) MUST_CHECK;
/* node_set_sync_parent - the entry of @node in @parent is not on disk until volume_sync. */
void node_set_sync_parent(struct volume_node *node, struct volume_node *parent);

/* meta.c */
ntstatus meta_decode(struct cursor c, struct meta *out) MUST_CHECK;
void meta_encode(struct buf *out, const struct meta *meta);
/* meta_default - what a file without a record has. */
struct meta meta_default(bool is_directory);
/* inode_read - have the record of @node's inode in memory; inode->lock is held by the caller. */
ntstatus inode_read(struct volume_node *node) MUST_CHECK;
/* inode_write - make *@meta (its sd is copied) the record; inode->lock is held by the caller. */
ntstatus inode_write(struct volume_node *node, const struct meta *meta) MUST_CHECK;

/* compression.c */
/* is_compressed - does the file system compress the file of which @st was read? */
bool is_compressed(struct volume *volume, const struct statx *st);

/* attributes.c */
void attributes_fill(struct volume_attributes *out, struct volume *volume, const struct statx *st,
		     const struct meta *meta, uint64_t reserved);
/* node_attributes - of @node, with @st just read. */
ntstatus node_attributes(struct volume_node *node, const struct statx *st,
			 struct volume_attributes *out) MUST_CHECK;

/* maker.c */
/* maker_begin - @name was just made in @directory, whose names are locked, and is described after
 * they are not. @maker and @name are the caller's, until maker_end. */
void maker_begin(struct volume_node *directory, struct maker *maker, const char *name);
/* maker_end - it is described, or will be removed before the names are unlocked. Locked again. */
void maker_end(struct volume_node *directory, struct maker *maker);
/* maker_wait - return when nobody is making @name in @directory. Takes the lock itself. */
void maker_wait(struct volume_node *directory, const char *name);

/* index.c */
/* names_of - where the names of @directory, and of others, are kept. */
struct names *names_of(const struct volume_node *directory);
/* names_lock - hold the names of @directory. names_lock2 holds those of two (which may be one). */
void names_lock(struct volume_node *directory);
void names_unlock(struct volume_node *directory);
void names_lock2(struct volume_node *a, struct volume_node *b);
void names_unlock2(struct volume_node *a, struct volume_node *b);
/*
 * names_find - the name on disk of @name in @directory, without case, in *found (the caller frees
 * it; NULL: there is none). *changes (may be NULL) is the number of the change that the answer is
 * from, where there is none. Takes the lock itself.
 */
int names_find(struct volume_node *directory, const char *name, char **found,
	       uint64_t *changes) MUST_CHECK;
/*
 * names_unknown - does an index that is there already, and agrees with the disk, not know @name in
 * any case? *changes as from names_find. Builds no index. Takes the lock itself.
 */
bool names_unknown(struct volume_node *directory, const char *name, uint64_t *changes);
/* names_opened - @name was there as written: an index that does not know it goes. Takes the lock
 * itself. */
void names_opened(struct volume_node *directory, const char *name);
/* names_gone - @name was not there: an index that has it, though the disk does not, goes, and the
 * answer is true. Takes the lock itself. */
bool names_gone(struct volume_node *directory, const char *name);
/* The following under names_lock. */
/* names_absent - no entry of @directory is @name in any case; @changes as names_find gave it (0:
 * none). */
int names_absent(struct volume_node *directory, const char *name, uint64_t changes) MUST_CHECK;
/* names_begin - before a change of our own: what others changed meanwhile must not be taken for
 * ours. */
void names_begin(struct volume_node *directory);
void names_added(struct volume_node *directory, const char *name);
void names_removed(struct volume_node *directory, const char *name);
void names_touched(
	struct volume_node *directory); /* its ctime moved by our doing, its names did not */
void names_drop(struct volume *volume, const struct volume_key *key);
/* names_empty - @directory was just made in @parent, whose lock is held: it holds nothing. Where it
 * is already known, somebody was quicker. */
void names_empty(struct volume_node *parent, struct volume_node *directory, const struct statx *st);
void names_free(struct volume *volume);

/* dirs.c */
/* dirs_find - the directory kept for @path from @root: counted, with its path on disk (the caller
 * frees it); or NULL. */
struct volume_node *dirs_find(struct volume_node *root, const char *path, char **disk_path);
/* dirs_generation - to take before a walk; dirs_keep keeps nothing of a walk that a dirs_forget
 * came into. */
uint64_t dirs_generation(struct volume *volume);
void dirs_keep(struct volume_node *root, const char *path, const char *disk_path,
	       struct volume_node *node, uint64_t generation);
/* dirs_forget - the directory @key is gone; NULL: some directory moved, forget all. */
void dirs_forget(struct volume *volume, const struct volume_key *key);

/* stream.c */
ntstatus stream_remove_all(struct volume_node *file) MUST_CHECK;

/* walk.c */
/* name_reserved - is @name the home's, in any case? It is so in every directory: another volume may
 * lie beneath this one. */
bool name_reserved(const char *name);
/* entry_open - a descriptor of the file or directory @name in @directory: -ENOENT for what is
 * neither. */
int entry_open(struct volume_node *directory, const char *name, int *fd,
	       struct statx *st) MUST_CHECK;

/* depot.c */
/* depot_open - the depot's directory of @id: a descriptor, -ENOENT where it is not there and not to
 * be made. */
int depot_open(struct volume *volume, uint64_t id, bool make) MUST_CHECK;
/* depot_remove - with all that it holds. What cannot be removed is logged. */
void depot_remove(struct volume *volume, uint64_t id);
/* depot_doom - note that @file goes with what it has in the depot; then remove its last name and
 * call depot_remove, or depot_keep where it stays after all. */
void depot_doom(struct volume_node *file, uint64_t id);
void depot_keep(struct volume *volume, uint64_t id);
/* depot_sweep - finish the removals that a crash has cut off. */
void depot_sweep(struct volume *volume);
/* depot_id - the id of @node's inode, drawn and recorded at first use; inode->lock is held by the
 * caller. */
ntstatus depot_id(struct volume_node *node, uint64_t *out) MUST_CHECK;
ntstatus depot_write_sd(struct volume *volume, uint64_t id, const uint8_t *sd,
			size_t length) MUST_CHECK;
ntstatus depot_read_sd(struct volume *volume, uint64_t id, uint8_t **sd, size_t *length) MUST_CHECK;
void depot_remove_sd(struct volume *volume, uint64_t id);
/* The same for reparse data. */
ntstatus depot_write_reparse(struct volume *volume, uint64_t id, const uint8_t *data,
			     size_t length) MUST_CHECK;
ntstatus depot_read_reparse(struct volume *volume, uint64_t id, uint8_t **data,
			    size_t *length) MUST_CHECK;
void depot_remove_reparse(struct volume *volume, uint64_t id);

#endif
