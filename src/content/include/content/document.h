// SPDX-License-Identifier: Apache-2.0
/*
 * A signed document: an envelope of JSON around an object, and signatures over the canonical form
 * of that object (The Update Framework, specification, section 4.2.1):
 *
 *   {"signatures": [{"keyid": "...", "sig": "..."}], "signed": {"_type": "...", ...}}
 *
 * Canonical means: keys sorted by byte, no white space, whole numbers only, and no control
 * character in any string, so that there is one way to write a document and no two readers differ.
 * What is not of this shape, larger than its limit, deeper than DOCUMENT_DEPTH_MAX, or names a key
 * twice is refused before any signature is looked at.
 *
 * The parser gives away nothing as trustworthy: document_verify says whether enough of the given
 * keys have signed. Nothing here is shared between threads.
 */
#ifndef CONTENT_DOCUMENT_H
#define CONTENT_DOCUMENT_H

#include <base/buf.h>
#include <content/failure.h>
#include <content/key.h>
#include <jansson.h>

#define DOCUMENT_DEPTH_MAX	32
#define DOCUMENT_SIGNATURES_MAX 16
#define DOCUMENT_NODES_MAX	2000000u /* values in one document */

static inline void json_free_ptr(json_t **json)
{
	json_decref(*json);
}
#define auto_json cleanup(json_free_ptr)

struct document {
	json_t *envelope;
	json_t *body;	      /* "signed", held by the envelope */
	struct buf canonical; /* what was signed */
};
void document_free(struct document *document);
#define auto_document cleanup(document_free)

/* document_canonical - append the canonical form of @value to @out. */
bool document_canonical(const json_t *value, struct buf *out,
			struct content_failure *why) MUST_CHECK;

/* json_parse_strict - one JSON value of @length bytes with the restrictions above; NULL: refused.
 */
json_t *document_parse_json(const void *text, size_t length,
			    struct content_failure *why) MUST_CHECK;

/*
 * document_parse - an envelope; no signature is checked yet. @document is to be freed whatever
 * comes back.
 */
bool document_parse(struct document *document, const void *text, size_t length,
		    struct content_failure *why) MUST_CHECK;

/* document_verify - have @threshold different keys of these signed? */
bool document_verify(const struct document *document, const struct content_key *keys, size_t count,
		     unsigned threshold, struct content_failure *why) MUST_CHECK;

/* document_sign - append the envelope of @body, signed with every one of @keys, to @out. */
bool document_sign(const json_t *body, const struct content_key *const *keys, size_t count,
		   struct buf *out, struct content_failure *why) MUST_CHECK;

/* The fields that every role has; what is missing or of another type is a failure. */
bool document_int(const json_t *body, const char *name, int64_t least, int64_t *value,
		  struct content_failure *why) MUST_CHECK;
bool document_text(const json_t *body, const char *name, const char **value,
		   struct content_failure *why) MUST_CHECK;
/* document_time - a time as "2026-11-27T07:00:00Z", in seconds since 1970. */
bool document_time(const json_t *body, const char *name, int64_t *value,
		   struct content_failure *why) MUST_CHECK;
#define DOCUMENT_TIME_SIZE 32
void document_time_text(int64_t time, char text[DOCUMENT_TIME_SIZE]);

#endif
