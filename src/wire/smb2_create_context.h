// SPDX-License-Identifier: Apache-2.0
/* The context chains of CREATE (MS-SMB2 2.2.13.2, 2.2.14.2). Private to the room. */
#ifndef WIRE_SMB2_CREATE_CONTEXT_H
#define WIRE_SMB2_CREATE_CONTEXT_H

#include "smb2_parts.h"

#define CREATE_MAX_CONTEXTS                                                                        \
	64 /* links in one chain; a well-behaved client sends at most a dozen                      \
	    */

/* create_contexts_decode - the chain of a request; an empty @list holds none. */
ntstatus create_contexts_decode(struct cursor list, struct smb2_create_contexts *x) MUST_CHECK;
bool create_contexts_present(const struct smb2_create_contexts *x);
void create_contexts_encode(struct buf *b, const struct smb2_create_contexts *x);

/* create_answers_decode, create_answers_encode - the chain of a response. */
ntstatus create_answers_decode(struct cursor list, struct smb2_create_response *r) MUST_CHECK;
void create_answers_encode(struct buf *b, const struct smb2_create_response *r);

#endif
