// SPDX-License-Identifier: Apache-2.0
/*
 * From a local place that holds all pieces of a manifest (a client's cache) to the files
 * themselves, and keeping such a place within bounds.
 */
#ifndef CONTENT_ASSEMBLE_H
#define CONTENT_ASSEMBLE_H

#include <content/layout.h>
#include <content/transfer.h>

/*
 * content_assemble - the files of @hash into @directory, which appears in one step when every file
 * has been written and compared with its hash; what was there before is replaced as a whole.
 * They are first put together in @directory.part, which an interrupted run leaves behind and the
 * next one begins anew. Files are 0644, executables 0755, directories 0755.
 */
bool content_assemble(struct place *cache, const uint8_t hash[SHA256_LENGTH], const char *directory,
		      struct content_failure *why) MUST_CHECK;

/* content_size - how many bytes the different pieces of a manifest in @place have. */
bool content_size(struct place *place, const uint8_t hash[SHA256_LENGTH], uint64_t *bytes,
		  struct content_failure *why) MUST_CHECK;

/*
 * content_trim - keep of @cache, which the caller has locked, the manifests @wanted, the most
 * wanted first, as long as together they have at most @limit bytes (a piece that two of them share
 * counts once), and remove all others and their pieces. *@kept is how many of @wanted are left.
 */
bool content_trim(struct place *cache, const uint8_t (*wanted)[SHA256_LENGTH], size_t count,
		  uint64_t limit, size_t *kept, struct collect_result *result,
		  struct content_failure *why) MUST_CHECK;

#endif
