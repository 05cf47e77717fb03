// SPDX-License-Identifier: Apache-2.0
/*
 * Directory Services Setup (MS-DSSP): the one call that is left of it, which tells whether a
 * machine is in a domain. Windows asks it of a server before it shows whom permissions can be given
 * to; it is found on the pipe of the local security authority.
 */
#ifndef WIRE_DSSETUP_H
#define WIRE_DSSETUP_H

#include <wire/dcerpc.h>
#include <wire/ndr.h>

extern const struct dcerpc_syntax
	DSSETUP_INTERFACE; /* 3919286a-b10c-11d0-9ba8-00c04fd92ef5, version 0.0 */

enum dssetup_opnum { DSSETUP_GET_PRIMARY_DOMAIN = 0 };

#define DSSETUP_LEVEL_BASIC	  1u /* DsRolePrimaryDomainInfoBasic (2.2.2) */
#define DSSETUP_STANDALONE_SERVER 2u /* MachineRole (2.2.1) */

/* DSROLER_PRIMARY_DOMAIN_INFO_BASIC (2.2.3), without the GUID that only a domain has. */
struct dssetup_basic {
	uint16_t role;
	uint32_t flags;
	const char *flat_name, *dns_name, *forest_name; /* NULL: none */
};

/* dssetup_request_decode - the level that is asked for. RPC_FAULT_NONE or the fault. */
uint32_t dssetup_request_decode(struct ndr_reader *r, uint16_t *level);
void dssetup_request_encode(struct ndr_writer *w, uint16_t level);
/* dssetup_reply_encode - @basic is NULL where @status is an error. */
void dssetup_reply_encode(struct ndr_writer *w, const struct dssetup_basic *basic, uint32_t status);
/* dssetup_reply_decode - texts live in the reader's memory; *present: @basic was filled. */
uint32_t dssetup_reply_decode(struct ndr_reader *r, struct dssetup_basic *basic, bool *present,
			      uint32_t *status);

#endif
