// SPDX-License-Identifier: Apache-2.0
/* What the files about replies of MS-SAMR share. */
#ifndef WIRE_SAMR_PARTS_H
#define WIRE_SAMR_PARTS_H

#include <wire/samr.h>

/* One parameter of a reply: how it is written and read. */
struct samr_result {
	void (*put)(struct ndr_writer *w, const struct samr_reply *a);
	void (*get)(struct ndr_reader *r, struct samr_reply *out);
};

/* samr_object.c: what a group, and a user, is; the groups of a user. */
extern const struct samr_result samr_alias_result, samr_user_result, samr_groups_result;

#endif
