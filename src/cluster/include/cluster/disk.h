// SPDX-License-Identifier: Apache-2.0
/*
 * The disk below a file server: ext4's multi-mount protection (MMP), a block that the kernel of the
 * machine that has the disk mounted writes every few seconds. A mount elsewhere watches it first:
 * where the disk was unmounted in order that takes no time, after a crash 22 s.
 *
 * The tools of e2fsprogs are run; nothing is kept.
 */
#ifndef CLUSTER_DISK_H
#define CLUSTER_DISK_H

#include <cluster/crm.h>

/* What dumpe2fs says of the block. */
struct disk_guard {
	bool is_on;	/* the file system has one */
	bool is_in_use; /* it was not unmounted, or is mounted now, here or elsewhere */
	char node[65];	/* the machine that mounted it last, as its kernel calls it */
};
/* disk_guard_parse - from the text of dumpe2fs -h; false where it is no such text. */
bool disk_guard_parse(const char *text, struct disk_guard *out) MUST_CHECK;
/* disk_guard_read - of a device; negative errno and a sentence (to be freed) where it holds no ext
 * file system. */
int disk_guard_read(const char *device, struct disk_guard *out, char **why) MUST_CHECK;

/*
 * disk_guard_switch_on - switch the protection on for the file system that is mounted on @volume,
 * which takes an unmount; it is mounted again, with the options it had. 0 also where it was on, or
 * where the file system is not ext4 and has no such thing. -EBUSY and a sentence where the volume
 * is in use.
 */
int disk_guard_switch_on(const char *volume, char **why) MUST_CHECK;

/* How a disk that is about to be mounted stands. */
enum disk_state {
	DISK_READY,   /* nothing to watch for */
	DISK_CLEARED, /* its last owner is seen to have ended: the mark has been taken away */
	DISK_WATCHED, /* nobody vouches for its last owner: the kernel will watch it */
};
/*
 * disk_ready - before @device is mounted on @volume by the cluster on this node. *said (to be
 * freed) says who is vouched for, or why nobody is. Negative errno where the cluster could not be
 * asked or the mark not be taken away; the kernel watches then.
 */
int disk_ready(const char *device, const char *volume, enum disk_state *state,
	       char **said) MUST_CHECK;
/* disk_vouch - the decision alone, on the node @self, from what the cluster says. */
enum disk_state disk_vouch(const struct disk_guard *guard, const struct crm_view *view,
			   const char *volume, const char *self, char **said);

#endif
