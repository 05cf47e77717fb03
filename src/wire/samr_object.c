// SPDX-License-Identifier: Apache-2.0
/* What a group or a user is (MS-SAMR 2.2.5, 2.2.6), by class of information. */
#include "samr_parts.h"

/* ---- groups: SAMPR_ALIAS_INFO_BUFFER (2.2.5.7) */

static void put_alias_general(struct ndr_writer *w, const struct samr_entry *e)
{
	ndr_put_unicode(w, e->name);
	ndr_put_u32(w, e->control); /* here how many members there are */
	ndr_put_unicode(w, e->comment);
	ndr_put_unicode_text(w, e->name);
	ndr_put_unicode_text(w, e->comment);
}

static void get_alias_general(struct ndr_reader *r, struct samr_entry *e)
{
	struct ndr_unicode name = ndr_get_unicode(r), comment;

	e->control = ndr_get_u32(r);
	comment = ndr_get_unicode(r);
	e->name = ndr_get_unicode_text(r, &name);
	e->comment = ndr_get_unicode_text(r, &comment);
}

static void put_alias_name(struct ndr_writer *w, const struct samr_entry *e)
{
	ndr_put_unicode_whole(w, e->name);
}

static void get_alias_name(struct ndr_reader *r, struct samr_entry *e)
{
	e->name = ndr_get_unicode_whole(r);
}

static void put_alias_comment(struct ndr_writer *w, const struct samr_entry *e)
{
	ndr_put_unicode_whole(w, e->comment);
}

static void get_alias_comment(struct ndr_reader *r, struct samr_entry *e)
{
	e->comment = ndr_get_unicode_whole(r);
}

/* ---- users: SAMPR_USER_ALL_INFORMATION (2.2.6.6) */

#define TIMES	     6 /* of logons, of the password, of the account */
#define TEXTS_BEHIND 8 /* of which nothing is kept, after the two names */
#define BLOBS	     2 /* the hashes: never given */
#define COUNTS	     4 /* of bad passwords, of logons; country, code page */
#define FLAGS	     4 /* of passwords */

static void put_zeros(struct ndr_writer *w, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ndr_put_u32(w, 0);
}

/* What is not kept is zero, and WhichFields says so. */
static void put_user_all(struct ndr_writer *w, const struct samr_entry *e)
{
	put_zeros(w, TIMES * 2);
	ndr_put_unicode(w, e->name);
	ndr_put_unicode(w, e->full_name);
	put_zeros(w, (TEXTS_BEHIND + BLOBS + 1) * 2); /* and PrivateData */
	put_zeros(w, 2);			      /* the security descriptor */
	ndr_put_u32(w, e->rid);
	ndr_put_u32(w, e->primary_group);
	ndr_put_u32(w, e->control);
	ndr_put_u32(w, e->fields);
	put_zeros(w, 2); /* the hours of logon */
	for (size_t i = 0; i < COUNTS; i++)
		ndr_put_u16(w, 0);
	for (size_t i = 0; i < FLAGS; i++)
		ndr_put_u8(w, 0);
	ndr_put_unicode_text(w, e->name);
	ndr_put_unicode_text(w, e->full_name);
}

/* skip_zeros - what put_user_all leaves out; a reply that has it is none that is understood here.
 */
static void skip_zeros(struct ndr_reader *r, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (ndr_get_u32(r))
			ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
	}
}

static void get_user_all(struct ndr_reader *r, struct samr_entry *e)
{
	struct ndr_unicode name, full_name;

	skip_zeros(r, TIMES * 2);
	name = ndr_get_unicode(r);
	full_name = ndr_get_unicode(r);
	skip_zeros(r, (TEXTS_BEHIND + BLOBS + 1) * 2 + 2);
	e->rid = ndr_get_u32(r);
	e->primary_group = ndr_get_u32(r);
	e->control = ndr_get_u32(r);
	e->fields = ndr_get_u32(r);
	skip_zeros(r, 2);
	cur_skip(&r->c, COUNTS * 2 + FLAGS);
	e->name = ndr_get_unicode_text(r, &name);
	e->full_name = ndr_get_unicode_text(r, &full_name);
}

/* ---- a union of one of these by its class */

struct class
{
	uint16_t number;
	void (*put)(struct ndr_writer *w, const struct samr_entry *e);
	void (*get)(struct ndr_reader *r, struct samr_entry *e);
};
static const struct class alias_classes[] = {
	{ SAMR_ALIAS_GENERAL, put_alias_general, get_alias_general },
	{ SAMR_ALIAS_NAME, put_alias_name, get_alias_name },
	{ SAMR_ALIAS_COMMENT, put_alias_comment, get_alias_comment },
};
static const struct class user_classes[] = {
	{ SAMR_USER_ALL, put_user_all, get_user_all },
};

static const struct class *class_find(const struct class *classes, size_t count, uint16_t number)
{
	for (size_t i = 0; i < count; i++) {
		if (classes[i].number == number)
			return &classes[i];
	}
	return NULL;
}

static void put_object(struct ndr_writer *w, const struct samr_reply *a,
		       const struct class *classes, size_t count)
{
	const struct class *class = class_find(classes, count, a->information_class);

	ndr_put_pointer(w, a->count);
	if (!a->count)
		return;
	BUG_ON(!class);
	ndr_put_u16(w, class->number);
	class->put(w, a->entries);
}

static void get_object(struct ndr_reader *r, struct samr_reply *out, const struct class *classes,
		       size_t count)
{
	const struct class *class;
	struct samr_entry *entry;

	if (!ndr_get_pointer(r))
		return;
	out->information_class = ndr_get_u16(r);
	class = class_find(classes, count, out->information_class);
	entry = ndr_alloc(r, 1, sizeof(*entry));
	if (!class)
		ndr_refuse(r, RPC_FAULT_INVALID_TAG);
	if (!class || !entry)
		return;
	class->get(r, entry);
	out->entries = entry;
	out->count = 1;
}

static void put_alias(struct ndr_writer *w, const struct samr_reply *a)
{
	put_object(w, a, alias_classes, ARRAY_LEN(alias_classes));
}

static void get_alias(struct ndr_reader *r, struct samr_reply *out)
{
	get_object(r, out, alias_classes, ARRAY_LEN(alias_classes));
}

static void put_user(struct ndr_writer *w, const struct samr_reply *a)
{
	put_object(w, a, user_classes, ARRAY_LEN(user_classes));
}

static void get_user(struct ndr_reader *r, struct samr_reply *out)
{
	get_object(r, out, user_classes, ARRAY_LEN(user_classes));
}

/* ---- SAMPR_GET_GROUPS_BUFFER (2.2.7.13) */

static void put_groups(struct ndr_writer *w, const struct samr_reply *a)
{
	ndr_put_pointer(w, a->count);
	if (!a->count)
		return;
	ndr_put_u32(w, a->count);
	ndr_put_pointer(w, true);
	ndr_put_u32(w, a->count);
	for (uint32_t i = 0; i < a->count; i++) {
		ndr_put_u32(w, a->entries[i].rid);
		ndr_put_u32(w, a->entries[i].control);
	}
}

static void get_groups(struct ndr_reader *r, struct samr_reply *out)
{
	struct samr_entry *entries;
	uint32_t count;

	if (!ndr_get_pointer(r))
		return;
	count = ndr_get_u32(r);
	if (!ndr_get_pointer(r) || ndr_get_count(r, 8) != count)
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
	entries = ndr_alloc(r, count, sizeof(*entries));
	if (!entries)
		return;
	for (uint32_t i = 0; i < count; i++) {
		entries[i].rid = ndr_get_u32(r);
		entries[i].control = ndr_get_u32(r);
	}
	out->entries = entries;
	out->count = count;
}

const struct samr_result samr_alias_result = { put_alias, get_alias };
const struct samr_result samr_user_result = { put_user, get_user };
const struct samr_result samr_groups_result = { put_groups, get_groups };
