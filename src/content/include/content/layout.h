// SPDX-License-Identifier: Apache-2.0
/*
 * What lies where in a place (docs/content.md):
 *
 *   site.json                 whose place this is
 *   metadata/N.root.json, N.targets.json, N.snapshot.json, timestamp.json   (content/repository.h)
 *   targets/HASH              what targets.json names: manifests, policies
 *   pieces/HH/HASH            pieces of files, named by their SHA-256
 *   staging/                  on its way; nothing there counts
 *   staging/unfinished        a transfer was begun and has not ended: which one (a random token)
 *   lock                      held by whoever changes the place
 *
 * A manifest is in targets/ only when all of its pieces are in pieces/, written and verified.
 */
#ifndef CONTENT_LAYOUT_H
#define CONTENT_LAYOUT_H

#include <content/manifest.h>
#include <content/place.h>

#define LAYOUT_NAME_MAX	  96
#define LAYOUT_LOCK	  "lock"
#define LAYOUT_UNFINISHED "staging/unfinished"
#define LAYOUT_SITE	  "site.json"
#define LAYOUT_SITE_BYTES 4096

void layout_piece(char name[LAYOUT_NAME_MAX], const uint8_t hash[SHA256_LENGTH]);
void layout_target(char name[LAYOUT_NAME_MAX], const uint8_t hash[SHA256_LENGTH]);

/*
 * layout_prepare - lock @place, make the directories that are missing, and see that it belongs to
 * @owner (the id of the site's first root key, 64 hex digits; a place without an owner becomes
 * that owner's). The lock is held until place_unlock.
 */
bool layout_prepare(struct place *place, const char *owner, struct content_failure *why) MUST_CHECK;

/* layout_check_owner - the same without a change: false with CONTENT_FOREIGN where it is another
 * site's. *@is_claimed: it is somebody's. */
bool layout_check_owner(struct place *place, const char *owner, bool *is_claimed,
			struct content_failure *why) MUST_CHECK;

/* layout_read_target - a whole target, compared with its hash; @limit bytes at most. */
bool layout_read_target(struct place *place, const uint8_t hash[SHA256_LENGTH], size_t limit,
			struct buf *out, struct content_failure *why) MUST_CHECK;
/* layout_write_target - a whole target, durable, and read back. */
bool layout_write_target(struct place *place, const uint8_t hash[SHA256_LENGTH], const void *data,
			 size_t length, struct content_failure *why) MUST_CHECK;
/* layout_read_manifest - a target that is a manifest. */
bool layout_read_manifest(struct place *place, const uint8_t hash[SHA256_LENGTH],
			  struct manifest *m, struct content_failure *why) MUST_CHECK;

/* layout_is_gone - what a removal answers where nothing is there any more. */
bool layout_is_gone(ntstatus status);
/* layout_remove - a file or an empty directory; one that is not there is no failure. */
bool layout_remove(struct place *place, const char *name, struct content_failure *why) MUST_CHECK;
/* layout_clear - all files and empty directories in @directory, and it. More than twice
 * PLACE_LIST_MAX are not removed at a time: a failure, CONTENT_TOO_LARGE. */
bool layout_clear(struct place *place, const char *directory,
		  struct content_failure *why) MUST_CHECK;

#endif
