// SPDX-License-Identifier: Apache-2.0
/* The links of a chain of CREATE contexts (MS-SMB2 2.2.13.2, 2.2.14.2). Private to the room. */
#ifndef WIRE_SMB2_CONTEXT_CHAIN_H
#define WIRE_SMB2_CONTEXT_CHAIN_H

#include "smb2_parts.h"

struct context_link {
	struct cursor name;
	struct cursor data;
};

/* context_next - the next link of @list. Name and data must lie inside it, in this order. */
bool context_next(struct cursor *list, struct context_link *link);
bool context_is(const struct context_link *link, const char *name, size_t length);

/* context_begin, context_end - write one; a link that is not the last is completed by the next
 * begin. *previous: SIZE_MAX before the first. */
size_t context_begin(struct buf *b, const char *name, size_t name_length, size_t *previous);
void context_end(struct buf *b, size_t at, size_t name_length);

/* A lease, which is the same in requests and responses (2.2.13.2.8, 2.2.14.2.10). */
void context_lease_decode(struct cursor *c, struct smb2_lease *l);
void context_lease_encode(struct buf *b, const struct smb2_lease *l);

#endif
