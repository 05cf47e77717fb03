// SPDX-License-Identifier: Apache-2.0
/*
 * Bringing the pieces of a manifest from one or several places to another, and only those that
 * are missing there. A piece that an old one differs from in its middle only is put together there,
 * where the place can do that. Every piece is compared with its hash before it is sent (but see
 * trust_reads) and read back after it was written (or hashed there, where the server is Berth's:
 * its word is worth what the bytes would be that it sends), to a new name or beside what has it:
 * what others refer to at the target is never written over in place. The manifest follows when all
 * are there, in one step, so that nobody who reads at the target ever sees half of a version.
 * Interrupted at any point, the next run goes on with what has not arrived yet.
 *
 * Memory: 8 MiB of pieces, twice where they are read back, and about 100 bytes for each piece of
 * the manifest and 36 for each that the target is known to hold.
 *
 * Everything here waits and belongs to one thread; runs to different targets are independent. The
 * target is to be prepared and locked (layout_prepare).
 */
#ifndef CONTENT_TRANSFER_H
#define CONTENT_TRANSFER_H

#include <content/layout.h>

#define TRANSFER_DEPTH_MAX   64
#define TRANSFER_SOURCES_MAX 8

enum transfer_mode {
	TRANSFER_MISSING,    /* distribute, update, fetch: what the target does not have */
	TRANSFER_EVERYTHING, /* redistribute: all of it, over what is there */
	TRANSFER_CHECK,	     /* validate: read all of it, send nothing */
	TRANSFER_REPAIR,     /* validate, and replace what is damaged or missing */
};

struct transfer_progress {
	uint32_t pieces, pieces_done; /* different ones */
	uint64_t bytes, bytes_done;
	uint64_t bytes_sent; /* of bytes_done: the rest was there */
};

struct transfer_options {
	struct place *const *from; /* asked in turn, the first first; not used to check */
	unsigned from_count;
	struct place *to;
	enum transfer_mode mode;
	/* Trusted manifests, in @known, that the target holds already: pieces of theirs are there.
	 */
	const uint8_t (*held)[SHA256_LENGTH];
	size_t held_count;
	struct place *known; /* where to read them: a local library, the target; NULL: none */
	bool trust_writes;   /* do not read back: the target is a local directory */
	/* The source is the caller's own: what is read back is not hashed before it is sent, too.
	 */
	bool trust_reads;
	/* How long to try to reach the target or a source again after it was lost, with no piece
	 * done in between. 0: do not. */
	uint64_t patience_ms;
	uint64_t floor_ms; /* in which at least 1 MiB must move, or it is given up; 0: 15 min */
	/* may_send - in how many ms may so many bytes, of a piece or the manifest, go? 0: now.
	 * NULL: always. */
	uint64_t (*may_send)(void *owner, uint64_t bytes);
	/* progress - after each piece; false: stop. NULL: none. */
	bool (*progress)(void *owner, const struct transfer_progress *progress);
	void *owner;
};

struct transfer_result {
	uint32_t pieces;	     /* different ones in the manifest */
	uint32_t sent, present, bad; /* bad: damaged or missing at the target when looked at */
	uint32_t composed; /* put together at the target of what it had; counted in present too */
	uint32_t reconnects;
	uint64_t bytes, bytes_sent, bytes_checked;
	uint8_t first_bad[SHA256_LENGTH]; /* where bad is not 0 */
	bool is_nowhere; /* every source was asked for the manifest, and has none */
};

/*
 * content_transfer - all that @hash, the hash of a manifest, refers to, and the manifest itself.
 * TRANSFER_CHECK succeeds when it could look at everything: result->bad says what it saw.
 */
bool content_transfer(const uint8_t hash[SHA256_LENGTH], const struct transfer_options *options,
		      struct transfer_result *result, struct content_failure *why) MUST_CHECK;

/*
 * content_held - which manifests @place has: the hashes in its targets/ that are manifests in
 * @known too, which may be @place. At most @room are left in @held; how many is returned in
 * *@count.
 */
bool content_held(struct place *place, struct place *known, uint8_t (*held)[SHA256_LENGTH],
		  size_t room, size_t *count, struct content_failure *why) MUST_CHECK;

struct collect_result {
	uint32_t manifests, pieces, removed;
	uint64_t bytes_removed;
};
/*
 * content_collect - remove from @place, which the caller has locked, every piece that no manifest
 * there refers to, and what was left in staging. Nothing is removed where any target cannot be
 * read: a piece too many is better than one too few.
 */
bool content_collect(struct place *place, struct collect_result *result,
		     struct content_failure *why) MUST_CHECK;
/* content_withdraw - remove the target @hash; content_collect then removes its pieces. It is no
 * error where it is gone. */
bool content_withdraw(struct place *place, const uint8_t hash[SHA256_LENGTH],
		      struct content_failure *why) MUST_CHECK;

#endif
