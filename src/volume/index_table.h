// SPDX-License-Identifier: Apache-2.0
/*
 * The table of a name index: every name in one directory, found by its folded form. An
 * open-addressing table of (hash, place of the name), the names in one arena: about 30 bytes a
 * name. Plain memory: when it agrees with the disk, and who may touch it, is index.c's affair.
 */
#ifndef VOLUME_INDEX_TABLE_H
#define VOLUME_INDEX_TABLE_H

#include "private.h"

struct index_slot {
	uint32_t hash; /* of the folded name */
	uint32_t name; /* where in names, counted from SLOT_FIRST; or SLOT_FREE, SLOT_DEAD */
};

struct index {
	struct volume_key key;
	struct index *next;
	struct index_slot *slots;
	uint32_t slot_count; /* a power of two */
	uint32_t used, dead; /* slots */
	char *names;
	size_t names_length, names_room, names_dead;
	nttime seen;	  /* ctime of the directory that this index agrees with */
	nttime own_until; /* a change of our own is newer than seen: a ctime up to here is ours; 0
			     none */
	uint64_t changes; /* number of the last change, unique in the volume */
	uint64_t last_use;
};

/* index_new - an empty one; NULL where memory is short. */
struct index *index_new(const struct volume_key *key) MUST_CHECK;
void index_free(struct index *index);
/* index_size - bytes that it takes. */
size_t index_size(const struct index *index);
/* index_add - false where memory is short: then the name is not in it. */
bool index_add(struct index *index, const char *name) MUST_CHECK;
/* index_remove - the name as written, where it is there. */
void index_remove(struct index *index, const char *name);
/* index_has - is the name there as written? index_find - the name as it was added, of one that is
 * the same without case (as written, where there are several); NULL: none is. Lives until the index
 * changes. */
bool index_has(const struct index *index, const char *name);
const char *index_find(const struct index *index, const char *name);

#endif
