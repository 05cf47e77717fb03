// SPDX-License-Identifier: Apache-2.0
/* Snapshots, within the room. */
#ifndef VOLUME_SNAPSHOT_H
#define VOLUME_SNAPSHOT_H

#include "private.h"

/* snapshot_name_time - when a snapshot called @name was taken, in whole seconds; false where the
 * name does not say. */
bool snapshot_name_time(const char *name, nttime *out);
/* snapshot_node_here - one more node of the snapshot @volume; volume_snapshot_close gives it back.
 */
void snapshot_node_here(struct volume *volume);
/* volume_of_snapshot - a read-only volume of the tree at *root, as it was at @taken: *root is taken
 * (also where this fails), the identity is that of @live (volume.c). */
ntstatus volume_of_snapshot(struct volume *live, nttime taken, int *root,
			    struct volume **out) MUST_CHECK;

#endif
