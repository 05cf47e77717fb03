// SPDX-License-Identifier: Apache-2.0
/*
 * What SIDs are called: the kinds of security principals, and the names of those that are the same
 * on every machine (MS-LSAT 3.1.1.1.1, MS-DTYP 2.4.2.4).
 */
#ifndef WIRE_SID_NAMES_H
#define WIRE_SID_NAMES_H

#include <wire/dtyp.h>

/* SID_NAME_USE (MS-LSAT 2.2.13). */
enum sid_use {
	SID_USE_USER = 1,
	SID_USE_GROUP = 2,
	SID_USE_DOMAIN = 3,
	SID_USE_ALIAS = 4,
	SID_USE_WELL_KNOWN_GROUP = 5,
	SID_USE_UNKNOWN = 8,
	SID_USE_LABEL = 10,
};

struct sid_name {
	struct sid sid;
	const char *domain; /* "" for those that are in none: Everyone, CREATOR OWNER */
	const char *name;
	enum sid_use use;
};

/* sid_well_known - NULL where @sid is not one of them. The domain BUILTIN is. */
const struct sid_name *sid_well_known(const struct sid *sid);
/*
 * sid_well_known_named - by name, without case. @domain may be NULL: in whichever. NULL where there
 * is none.
 */
const struct sid_name *sid_well_known_named(const char *domain, const char *name);
/* sid_parent - the SID of the domain that @sid is in: all but its last sub-authority. @sid has one.
 */
struct sid sid_parent(const struct sid *sid);

#endif
