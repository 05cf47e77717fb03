// SPDX-License-Identifier: Apache-2.0
/*
 * Context handles of one pipe: a table of a stated size, so that a client that opens and never
 * closes runs into a limit. A handle is known by a random number; a number that is not in the table
 * is none. Used by the pipe's thread only.
 */
#ifndef RPC_HANDLES_H
#define RPC_HANDLES_H

#include <wire/dtyp.h>
#include <wire/ndr.h>

#define HANDLES_MAX 64 /* of an interface whose clients need few at a time */

struct handle {
	uint8_t id[NDR_HANDLE_LENGTH];
	bool is_used;
	uint32_t access; /* what it was opened for, generic rights resolved */
	/* what it is of, where the interface has several kinds of things */
	uint8_t kind;
	bool builtin;
	uint32_t rid;
	char *path; /* freed with the handle */
};

/* handle_new - into @id; the table in *@state is made with the first, for @most of them. NULL where
 * all are in use. */
struct handle *handle_new(void **state, size_t most, uint8_t id[NDR_HANDLE_LENGTH]);
/* handle_find - NULL where @id is none of this pipe. */
struct handle *handle_find(void *state, const uint8_t id[NDR_HANDLE_LENGTH]);
struct handle_rights {
	uint32_t read, write, execute, all; /* what the generic rights stand for */
};
/* handle_access - @wanted with what its generic rights mean; MAXIMUM_ALLOWED becomes @most. */
uint32_t handle_access(uint32_t wanted, const struct handle_rights *rights, uint32_t most);
void handle_close(struct handle *handle);
/* handles_free - for rpc_interface.state_free. */
void handles_free(void *state);

#endif
