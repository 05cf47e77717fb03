// SPDX-License-Identifier: Apache-2.0
/*
 * The security account manager (MS-SAMR): the calls that list the accounts, groups and members of a
 * server, as structs and stubs, for the server (rpc/) and for callers. As with the local security
 * authority (lsa.h), one struct serves all requests, and one all replies.
 */
#ifndef WIRE_SAMR_H
#define WIRE_SAMR_H

#include <wire/dcerpc.h>
#include <wire/ndr.h>
#include <wire/sid_names.h>

extern const struct dcerpc_syntax
	SAMR_INTERFACE; /* 12345778-1234-abcd-ef00-0123456789ac, version 1.0 */

enum samr_opnum {
	SAMR_CONNECT = 0,
	SAMR_CLOSE_HANDLE = 1,
	SAMR_LOOKUP_DOMAIN = 5,
	SAMR_ENUMERATE_DOMAINS = 6,
	SAMR_OPEN_DOMAIN = 7,
	SAMR_ENUMERATE_GROUPS = 11,
	SAMR_ENUMERATE_USERS = 13,
	SAMR_ENUMERATE_ALIASES = 15,
	SAMR_LOOKUP_NAMES = 17,
	SAMR_LOOKUP_IDS = 18,
	SAMR_OPEN_ALIAS = 27,
	SAMR_QUERY_ALIAS = 28,
	SAMR_GET_MEMBERS_IN_ALIAS = 33,
	SAMR_OPEN_USER = 34,
	SAMR_QUERY_USER = 36,
	SAMR_GET_GROUPS_FOR_USER = 39,
	SAMR_QUERY_DISPLAY = 40,
	SAMR_QUERY_USER2 = 47,
	SAMR_QUERY_DISPLAY2 = 48,
	SAMR_QUERY_DISPLAY3 = 51,
	SAMR_CONNECT2 = 57,
	SAMR_CONNECT4 = 62,
	SAMR_CONNECT5 = 64,
};

#define SAMR_MAX_NAMES		 1000u /* in one call (MS-SAMR 3.1.5.11.2) */

/* Rights (MS-SAMR 2.2.1.3 to 2.2.1.6). */
#define SAM_SERVER_ENUMERATE	 0x00000010u
#define SAM_SERVER_LOOKUP_DOMAIN 0x00000020u
#define DOMAIN_LIST_ACCOUNTS	 0x00000100u
#define DOMAIN_LOOKUP		 0x00000200u
#define ALIAS_LIST_MEMBERS	 0x00000004u
#define ALIAS_READ_INFORMATION	 0x00000008u
#define USER_READ_GENERAL	 0x00000001u
#define USER_READ_ACCOUNT	 0x00000010u
#define USER_LIST_GROUPS	 0x00000100u

/* UserAccountControl (2.2.1.12). */
#define USER_ACCOUNT_DISABLED	 0x00000001u
#define USER_NORMAL_ACCOUNT	 0x00000010u
#define USER_PASSWORD_EXPIRED	 0x00020000u
/* Attributes of a group (2.2.1.10): mandatory, on by default, on. */
#define SAMR_GROUP_ATTRIBUTES	 0x00000007u

#define SAMR_DISPLAY_USER	 1u /* DOMAIN_DISPLAY_INFORMATION (2.2.8.12) */
#define SAMR_DISPLAY_GROUP	 3u

#define SAMR_ALIAS_GENERAL	 1u /* ALIAS_INFORMATION_CLASS (2.2.5.6) */
#define SAMR_ALIAS_NAME		 2u
#define SAMR_ALIAS_COMMENT	 3u
#define SAMR_USER_ALL		 21u /* USER_INFORMATION_CLASS (2.2.6.28) */
/* WhichFields (2.2.1.8): both names and the numbers of user and primary group; the control. */
#define SAMR_FIELDS_GENERAL	 0x0000000fu
#define SAMR_FIELDS_ACCOUNT	 0x00100000u

struct samr_request {
	uint8_t handle[NDR_HANDLE_LENGTH];
	uint32_t access;
	uint32_t in_version; /* Connect5 */
	const char *name;    /* of a domain; NULL reads as "" */
	struct sid sid;	     /* of a domain */
	uint32_t resume;     /* EnumerationContext, or Index */
	uint32_t control;    /* users that have one of these bits; 0: all */
	uint32_t most_bytes, most_entries;
	uint16_t information_class;
	uint32_t rid;
	uint32_t count; /* of names or numbers that are looked up */
	const char **names;
	uint32_t *rids;
};
/* samr_request_decode - RPC_FAULT_NONE or the fault; texts live in the reader's memory. */
uint32_t samr_request_decode(struct ndr_reader *r, uint16_t opnum, struct samr_request *out);
void samr_request_encode(struct ndr_writer *w, uint16_t opnum, const struct samr_request *request);

struct samr_entry {
	uint32_t rid;
	enum sid_use use; /* of what is looked up */
	uint32_t control; /* UserAccountControl, attributes of a group, or how many are in it */
	uint32_t primary_group, fields; /* of a user: SAMR_FIELDS_*, what of it is said */
	const char *name, *comment, *full_name;
};
struct samr_reply {
	uint8_t handle[NDR_HANDLE_LENGTH];
	bool has_sid;
	struct sid sid; /* LookupDomain */
	uint32_t resume;
	const struct samr_entry *entries;
	uint32_t count, first; /* first: the Index of the first in a display */
	uint32_t total_bytes, returned_bytes;
	uint16_t information_class;
	const struct sid *members;
	uint32_t member_count;
	uint32_t status;
};
void samr_reply_encode(struct ndr_writer *w, uint16_t opnum, const struct samr_reply *reply);
uint32_t samr_reply_decode(struct ndr_reader *r, uint16_t opnum, struct samr_reply *out);
/* samr_entry_bytes - what an entry counts of the bytes that a caller prefers at most. */
uint32_t samr_entry_bytes(const struct samr_entry *entry);

#endif
