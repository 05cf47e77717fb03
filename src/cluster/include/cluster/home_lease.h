// SPDX-License-Identifier: Apache-2.0
/*
 * The last guard of a volume that several machines can reach: a lease in the file server's home.
 *
 *   <home>/lease   one block, always at the same place of the disk, read and written past the page
 *                  cache (O_DIRECT), so that two kernels that both have the volume mounted, which
 *                  must never be, still see what the other wrote
 *
 * It says which node, under which epoch, and a count that its owner raises LEASE_BEAT_MS apart. Who
 * finds it held by another whose death nobody can vouch for watches the count for LEASE_WATCH_MS:
 * if it moves, the lease is live. No clock of one machine is compared with that of another.
 *
 * An owner may serve until the deadline that its last successful beat gave it, on CLOCK_BOOTTIME,
 * which goes on while a machine sleeps. Past the deadline home_lease_holds reads the block again
 * before anything is served or acknowledged: a process that was stopped for a while and wakes finds
 * a higher epoch there, and is through. A lease once lost stays lost.
 *
 * Locks: lease->lock guards all but deadline and lost, which are atomic; it is held over I/O on the
 * block, and nothing else is taken under it but in lost(), which is called without it.
 */
#ifndef CLUSTER_HOME_LEASE_H
#define CLUSTER_HOME_LEASE_H

#include <cluster/record.h>

#define LEASE_BLOCK    4096
#define LEASE_BEAT_MS  500
#define LEASE_TERM_MS  3000 /* from a beat to its deadline */
#define LEASE_WATCH_MS 4000 /* longer than the term */

/* What stands in the block. */
struct home_lease_record {
	char node[CLUSTER_MAX_NAME];
	char boot_id[40];
	int pid;
	uint64_t epoch, beats;
	int64_t at_ms; /* realtime of its owner, of the last beat: to be told, never to be compared
			*/
	bool is_held;
};
bool home_lease_record_parse(const char *text, size_t length, struct home_lease_record *out,
			     const char **why) MUST_CHECK;
/* home_lease_record_read - -ENOENT: there was never one; -EUCLEAN: it cannot be understood. */
int home_lease_record_read(const char *home, struct home_lease_record *out) MUST_CHECK;

struct home_lease;
struct home_lease_config {
	const char *home, *node, *boot_id;
	/* may_hold - is there still a quorum? *why (static text) where not. Called with every beat.
	 */
	bool (*may_hold)(void *arg, const char **why);
	/* is_gone - can the cluster vouch that this node has ended (was fenced, has left)? */
	bool (*is_gone)(void *arg, const char *node);
	/* lost - once, on a thread of the lease; @why says how. The lease refuses already. */
	void (*lost)(void *arg, const char *why);
	void *arg;
};

/*
 * home_lease_take - make the home ours under a higher epoch (@least or more) and keep it so on a
 * thread. -EBUSY and a sentence naming the node where a live lease is elsewhere.
 */
int home_lease_take(const struct home_lease_config *config, uint64_t least, struct home_lease **out,
		    char **why) MUST_CHECK;
uint64_t home_lease_epoch(const struct home_lease *lease);
/* home_lease_before - what stood there when it was taken; the node "" where nothing did. Borrowed.
 */
const struct home_lease_record *home_lease_before(const struct home_lease *lease);
/* home_lease_holds - may this process serve now? Cheap before the deadline; one read of the block
 * after it. */
bool home_lease_holds(void *lease);
/* home_lease_release - say in the block that nobody holds it (unless it is lost), and free. */
void home_lease_release(struct home_lease *lease);
/*
 * home_lease_clear - of the owner @node, which is this machine and has ended: the same, from
 * outside. -EAGAIN where a process of this machine still has the home's lock.
 */
int home_lease_clear(const char *home, const char *node) MUST_CHECK;

#endif
