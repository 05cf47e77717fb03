// SPDX-License-Identifier: Apache-2.0
/* Previous versions on the wire: tokens and their list (MS-SMB2 2.2.32.2). */
#ifndef WIRE_SNAPSHOT_H
#define WIRE_SNAPSHOT_H

#include <base/buf.h>
#include <base/nttime.h>

#define GMT_TOKEN 25 /* bytes with the end */

/* gmt_token - the token of @time, to the second. */
void gmt_token(nttime time, char out[GMT_TOKEN]);
/* gmt_token_parse - is the text (of @length bytes) a token? Then *out is its time. */
bool gmt_token_parse(const char *text, size_t length, nttime *out);
/*
 * snapshot_array_encode - SRV_SNAPSHOT_ARRAY of @times. Where that is more than @room (of at least
 * 16 bytes) only the number of them and the size that all need.
 */
void snapshot_array_encode(struct buf *out, const nttime *times, size_t count, size_t room);

#endif
