// SPDX-License-Identifier: Apache-2.0
/*
 * Names: UTF-16LE on the wire, UTF-8 inside and on disk. An unpaired surrogate, which Windows
 * allows in a name, is kept as its three-byte generalised form (WTF-8), so that every name a
 * client sends comes back as it was. Case is folded one UTF-16 unit at a time, as NTFS does.
 */
#ifndef BASE_UTF16_H
#define BASE_UTF16_H

#include <base/buf.h>
#include <base/cursor.h>

/*
 * utf16_decode - append the UTF-16LE in @c (all that is left of it) to @out as UTF-8, without a
 * terminator. False for an odd number of bytes, a NUL unit, or a failed buffer.
 */
bool utf16_decode(struct cursor *c, struct buf *out) MUST_CHECK;
/* utf16_to_string - the same into a new string that the caller frees; NULL where it cannot be. */
char *utf16_to_string(struct cursor c) MUST_CHECK;

/*
 * utf16_encode - append @text as UTF-16LE, without a terminator. Bytes that are not UTF-8 (names
 * made on the server's disk) become U+F700 + byte, a private range, and utf16_decode turns these
 * back.
 */
void utf16_encode(struct buf *out, const char *text);
/* utf16_length - how many bytes utf16_encode appends for @text. */
size_t utf16_length(const char *text);

/* utf16_upcase - the upper-case form of one UTF-16 unit; itself where there is none. */
uint16_t utf16_upcase(uint16_t unit);

/* name_fold - append the upper-case form of UTF-8 @name to @out (UTF-8, no terminator). */
void name_fold(struct buf *out, const char *name);
/* name_compare - order of two UTF-8 names without case, by UTF-16 unit; 0 where they are one name.
 */
int name_compare(const char *a, const char *b);
/*
 * name_match - does @name match @pattern without case? Wildcards are *, ?, and the DOS ones <, >, "
 * as the file system evaluates them (MS-FSA 2.1.4.4).
 */
bool name_match(const char *pattern, const char *name);

#endif
