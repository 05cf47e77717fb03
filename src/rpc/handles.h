// SPDX-License-Identifier: Apache-2.0
/*
 * Context handles of one pipe: a table of HANDLES_MAX, so that a client that opens and never closes
 * runs into a limit. A handle is known by a random number; a number that is not in the table is
 * none. Used by the pipe's thread only.
 */
#ifndef RPC_HANDLES_H
#define RPC_HANDLES_H

#include <wire/ndr.h>

#define HANDLES_MAX 64

struct handle {
	uint8_t id[NDR_HANDLE_LENGTH];
	bool is_used;
	uint32_t access; /* what it was opened for, generic rights resolved */
};

/* handle_new - into @id; the table in *@state is made with the first. NULL where all are in use. */
struct handle *handle_new(void **state, uint8_t id[NDR_HANDLE_LENGTH]);
/* handle_find - NULL where @id is none of this pipe. */
struct handle *handle_find(void *state, const uint8_t id[NDR_HANDLE_LENGTH]);
void handle_close(struct handle *handle);
/* handles_free - for rpc_interface.state_free. */
void handles_free(void *state);

#endif
