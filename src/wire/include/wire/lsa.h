// SPDX-License-Identifier: Apache-2.0
/*
 * The local security authority: the calls that translate SIDs and names (MS-LSAT), and those of
 * MS-LSAD that lead to them, as structs and stubs, for the server (rpc/) and for callers. What
 * travels is one set of parameters in an order that each call has in a table, so one struct serves
 * all requests, and one all replies.
 */
#ifndef WIRE_LSA_H
#define WIRE_LSA_H

#include <base/guid.h>
#include <wire/dcerpc.h>
#include <wire/ndr.h>
#include <wire/sid_names.h>

extern const struct dcerpc_syntax
	LSA_INTERFACE; /* 12345778-1234-abcd-ef00-0123456789ab, version 0.0 */

enum lsa_opnum {
	LSA_CLOSE = 0,
	LSA_OPEN_POLICY = 6,
	LSA_QUERY_INFORMATION_POLICY = 7,
	LSA_LOOKUP_NAMES = 14,
	LSA_LOOKUP_SIDS = 15,
	LSA_OPEN_POLICY2 = 44,
	LSA_GET_USER_NAME = 45,
	LSA_QUERY_INFORMATION_POLICY2 = 46,
	LSA_LOOKUP_SIDS2 = 57,
	LSA_LOOKUP_NAMES2 = 58,
	LSA_LOOKUP_NAMES3 = 68,
};

#define LSA_MAX_SIDS		      1000u /* in one call; MS-LSAT 2.2.18 has more, clients not */
#define LSA_MAX_NAMES		      1000u /* in one call (MS-LSAT 3.1.4.5) */
#define LSA_LOOKUP_WKSTA	      1u    /* LookupLevel: what a server by itself knows */
#define LSA_NO_DOMAIN		      UINT32_MAX

/* Rights of a policy handle (MS-LSAD 2.2.1.1.2). */
#define POLICY_VIEW_LOCAL_INFORMATION 0x00000001u
#define POLICY_LOOKUP_NAMES	      0x00000800u
#define POLICY_ALL_ACCESS	      0x000f0fffu
#define POLICY_READ		      0x00020006u
#define POLICY_WRITE		      0x000207f8u
#define POLICY_EXECUTE		      0x00020801u

/* POLICY_INFORMATION_CLASS (MS-LSAD 2.2.4.1); those that have an encoding here. */
enum lsa_policy_class {
	LSA_POLICY_PRIMARY_DOMAIN = 3,
	LSA_POLICY_ACCOUNT_DOMAIN = 5,
	LSA_POLICY_SERVER_ROLE = 6,
	LSA_POLICY_DNS_DOMAIN = 12,
	LSA_POLICY_DNS_DOMAIN_INT = 13,
	LSA_POLICY_LOCAL_ACCOUNT_DOMAIN = 14,
};
#define LSA_ROLE_PRIMARY 3u /* MS-LSAD 2.2.4.8: what a server says that is no domain's replica */

struct lsa_request {
	uint8_t handle[NDR_HANDLE_LENGTH];
	uint32_t access;
	bool has_root_directory; /* which nothing here has: MS-LSAD 3.1.4.4.1 */
	uint16_t information_class;
	uint16_t level;
	uint32_t options, revision;
	bool has_domain_name; /* GetUserName: the caller wants it */
	uint32_t count;
	bool has_null_sid;
	struct sid *sids;   /* @count, of LookupSids */
	const char **names; /* @count, of LookupNames */
};
/* lsa_request_decode - RPC_FAULT_NONE or the fault; arrays and texts live in the reader's memory.
 */
uint32_t lsa_request_decode(struct ndr_reader *r, uint16_t opnum, struct lsa_request *out);
void lsa_request_encode(struct ndr_writer *w, uint16_t opnum, const struct lsa_request *request);

struct lsa_domain {
	const char *name;
	struct sid sid;
};
/* One translation; which of its parts travel depends on the call. */
struct lsa_translation {
	enum sid_use use;
	const char *name;
	struct sid sid;
	bool has_sid;
	uint32_t rid;
	uint32_t domain; /* index, or LSA_NO_DOMAIN */
	uint32_t flags;
};
struct lsa_policy_information {
	const char *name, *dns_domain, *dns_forest;
	bool has_sid;
	struct sid sid;
	uint16_t role;
};
struct lsa_reply {
	uint8_t handle[NDR_HANDLE_LENGTH];
	bool has_information;
	struct lsa_policy_information information; /* of the class that was asked for */
	bool has_domains;
	const struct lsa_domain *domains;
	uint32_t domain_count;
	const struct lsa_translation *translations;
	uint32_t count;
	uint32_t mapped;
	const char *user_name, *domain_name; /* GetUserName; NULL where there is none */
	uint32_t status;
};
void lsa_reply_encode(struct ndr_writer *w, uint16_t opnum, const struct lsa_request *request,
		      const struct lsa_reply *reply);
uint32_t lsa_reply_decode(struct ndr_reader *r, uint16_t opnum, struct lsa_reply *out);

#endif
