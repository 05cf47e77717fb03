// SPDX-License-Identifier: Apache-2.0
/* A plain scan of a directory's entries as they lie on the disk, "." and ".." left out. */
#ifndef VOLUME_SCAN_H
#define VOLUME_SCAN_H

#include "private.h"

struct dir_scan {
	int fd; /* a descriptor of its own, so that its position is its own; -1: not begun */
	uint8_t *data;
	size_t at, length, room;
	size_t last; /* where the entry that was read last begins */
};

int scan_begin(struct dir_scan *scan, struct volume_node *directory) MUST_CHECK;
/* scan_next - 1 and the next *name (which lives until the next call) and *type (DT_*; may be
 * NULL); 0 at the end. */
int scan_next(struct dir_scan *scan, const char **name, uint8_t *type) MUST_CHECK;
/* scan_rewind - back to the first entry. */
void scan_rewind(struct dir_scan *scan);
void scan_end(struct dir_scan *scan);

#endif
