// SPDX-License-Identifier: Apache-2.0
/* Replies of MS-SAMR 3.1.5, by a table of their parameters. */
#include <base/utf16.h>

#include "samr_parts.h"

static void put_new_handle(struct ndr_writer *w, const struct samr_reply *a)
{
	ndr_put_handle(w, a->handle);
}

static void get_new_handle(struct ndr_reader *r, struct samr_reply *out)
{
	ndr_get_handle(r, out->handle);
}

/* OutVersion and OutRevisionInfo: version 1, revision 3, no features (3.1.5.1.1). */
static void put_own_revision(struct ndr_writer *w, const struct samr_reply *a)
{
	ndr_put_u32(w, 1);
	ndr_put_u32(w, 1);
	ndr_put_u32(w, 3);
	ndr_put_u32(w, 0);
}

static void get_own_revision(struct ndr_reader *r, struct samr_reply *out)
{
	(void)ndr_get_u32(r);
	if (ndr_get_u32(r) != 1)
		ndr_refuse(r, RPC_FAULT_INVALID_TAG);
	(void)ndr_get_u32(r);
	(void)ndr_get_u32(r);
}

static void put_domain_sid(struct ndr_writer *w, const struct samr_reply *a)
{
	ndr_put_pointer(w, a->has_sid);
	if (a->has_sid)
		ndr_put_sid(w, &a->sid);
}

static void get_domain_sid(struct ndr_reader *r, struct samr_reply *out)
{
	out->has_sid = ndr_get_pointer(r);
	if (out->has_sid)
		ndr_get_sid(r, &out->sid);
}

/* get_count - a count, the pointer to its array, and the array's own count, which must be the same;
 * 0 where there is no array. */
static uint32_t get_count(struct ndr_reader *r, size_t element_bytes)
{
	uint32_t count = ndr_get_u32(r);

	if (!ndr_get_pointer(r))
		return 0;
	if (ndr_get_count(r, element_bytes) != count) {
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
		return 0;
	}
	return count;
}

static void put_count(struct ndr_writer *w, uint32_t count)
{
	ndr_put_u32(w, count);
	ndr_put_pointer(w, count);
	if (count)
		ndr_put_u32(w, count);
}

/* EnumerationContext, PSAMPR_ENUMERATION_BUFFER (2.2.7.10), CountReturned. */
static void put_enumeration(struct ndr_writer *w, const struct samr_reply *a)
{
	ndr_put_u32(w, a->resume);
	ndr_put_pointer(w, true);
	put_count(w, a->count);
	for (uint32_t i = 0; i < a->count; i++) {
		ndr_put_u32(w, a->entries[i].rid);
		ndr_put_unicode(w, a->entries[i].name);
	}
	for (uint32_t i = 0; i < a->count; i++)
		ndr_put_unicode_text(w, a->entries[i].name);
	ndr_put_u32(w, a->count);
}

static void get_enumeration(struct ndr_reader *r, struct samr_reply *out)
{
	struct samr_entry *entries;
	struct ndr_unicode *texts;

	out->resume = ndr_get_u32(r);
	if (ndr_get_pointer(r))
		out->count = get_count(r, 12);
	entries = ndr_alloc(r, out->count, sizeof(*entries));
	texts = ndr_alloc(r, out->count, sizeof(*texts));
	if (!entries || !texts)
		return;
	for (uint32_t i = 0; i < out->count; i++) {
		entries[i].rid = ndr_get_u32(r);
		texts[i] = ndr_get_unicode(r);
	}
	for (uint32_t i = 0; i < out->count; i++)
		entries[i].name = ndr_get_unicode_text(r, &texts[i]);
	out->entries = entries;
	(void)ndr_get_u32(r);
}

/* SAMPR_DOMAIN_DISPLAY_USER and _GROUP (2.2.8.2, 2.2.8.4). */
static void put_display_row(struct ndr_writer *w, const struct samr_reply *a, uint32_t i)
{
	const struct samr_entry *e = &a->entries[i];

	ndr_put_u32(w, a->first + i + 1);
	ndr_put_u32(w, e->rid);
	ndr_put_u32(w, e->control);
	ndr_put_unicode(w, e->name);
	ndr_put_unicode(w, e->comment);
	if (a->information_class == SAMR_DISPLAY_USER)
		ndr_put_unicode(w, e->full_name);
}

static void put_display(struct ndr_writer *w, const struct samr_reply *a)
{
	ndr_put_u32(w, a->total_bytes);
	ndr_put_u32(w, a->returned_bytes);
	ndr_put_u16(w, a->information_class);
	put_count(w, a->count);
	for (uint32_t i = 0; i < a->count; i++)
		put_display_row(w, a, i);
	for (uint32_t i = 0; i < a->count; i++) {
		ndr_put_unicode_text(w, a->entries[i].name);
		ndr_put_unicode_text(w, a->entries[i].comment);
		if (a->information_class == SAMR_DISPLAY_USER)
			ndr_put_unicode_text(w, a->entries[i].full_name);
	}
}

static void get_display(struct ndr_reader *r, struct samr_reply *out)
{
	bool is_user;
	struct samr_entry *entries;
	struct ndr_unicode(*texts)[3];

	out->total_bytes = ndr_get_u32(r);
	out->returned_bytes = ndr_get_u32(r);
	out->information_class = ndr_get_u16(r);
	is_user = out->information_class == SAMR_DISPLAY_USER;
	if (!is_user && out->information_class != SAMR_DISPLAY_GROUP)
		ndr_refuse(r, RPC_FAULT_INVALID_TAG);
	out->count = get_count(r, 28);
	entries = ndr_alloc(r, out->count, sizeof(*entries));
	texts = ndr_alloc(r, out->count, sizeof(*texts));
	if (!entries || !texts)
		return;
	for (uint32_t i = 0; i < out->count; i++) {
		(void)ndr_get_u32(r);
		entries[i].rid = ndr_get_u32(r);
		entries[i].control = ndr_get_u32(r);
		for (int n = 0; n < (is_user ? 3 : 2); n++)
			texts[i][n] = ndr_get_unicode(r);
	}
	for (uint32_t i = 0; i < out->count; i++) {
		entries[i].name = ndr_get_unicode_text(r, &texts[i][0]);
		entries[i].comment = ndr_get_unicode_text(r, &texts[i][1]);
		if (is_user)
			entries[i].full_name = ndr_get_unicode_text(r, &texts[i][2]);
	}
	out->entries = entries;
}

/* SAMPR_PSID_ARRAY_OUT (2.2.7.7). */
static void put_members(struct ndr_writer *w, const struct samr_reply *a)
{
	put_count(w, a->member_count);
	for (uint32_t i = 0; i < a->member_count; i++)
		ndr_put_pointer(w, true);
	for (uint32_t i = 0; i < a->member_count; i++)
		ndr_put_sid(w, &a->members[i]);
}

static void get_members(struct ndr_reader *r, struct samr_reply *out)
{
	struct sid *members;

	out->member_count = get_count(r, 4);
	members = ndr_alloc(r, out->member_count, sizeof(*members));
	for (uint32_t i = 0; i < out->member_count; i++) {
		if (!ndr_get_pointer(r))
			ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
	}
	for (uint32_t i = 0; members && i < out->member_count && !r->c.bad; i++)
		ndr_get_sid(r, &members[i]);
	out->members = members;
}

/* Two SAMPR_ULONG_ARRAYs (2.2.7.4): relative ids, and of what kind each is. */
static void put_rids_and_uses(struct ndr_writer *w, const struct samr_reply *a)
{
	for (int pass = 0; pass < 2; pass++) {
		put_count(w, a->count);
		for (uint32_t i = 0; i < a->count; i++)
			ndr_put_u32(w, pass ? a->entries[i].use : a->entries[i].rid);
	}
}

static void get_rids_and_uses(struct ndr_reader *r, struct samr_reply *out)
{
	struct samr_entry *entries;

	out->count = get_count(r, 4);
	entries = ndr_alloc(r, out->count, sizeof(*entries));
	if (!entries)
		return;
	for (uint32_t i = 0; i < out->count; i++)
		entries[i].rid = ndr_get_u32(r);
	if (get_count(r, 4) != out->count)
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
	for (uint32_t i = 0; i < out->count; i++)
		entries[i].use = (enum sid_use)ndr_get_u32(r);
	out->entries = entries;
}

/* SAMPR_RETURNED_USTRING_ARRAY and SAMPR_ULONG_ARRAY (2.2.7.8, 2.2.7.4): names, and of what kind.
 */
static void put_names_and_uses(struct ndr_writer *w, const struct samr_reply *a)
{
	put_count(w, a->count);
	for (uint32_t i = 0; i < a->count; i++)
		ndr_put_unicode(w, a->entries[i].name);
	for (uint32_t i = 0; i < a->count; i++)
		ndr_put_unicode_text(w, a->entries[i].name);
	put_count(w, a->count);
	for (uint32_t i = 0; i < a->count; i++)
		ndr_put_u32(w, a->entries[i].use);
}

static void get_names_and_uses(struct ndr_reader *r, struct samr_reply *out)
{
	struct samr_entry *entries;
	struct ndr_unicode *texts;

	out->count = get_count(r, 8);
	entries = ndr_alloc(r, out->count, sizeof(*entries));
	texts = ndr_alloc(r, out->count, sizeof(*texts));
	if (!entries || !texts)
		return;
	for (uint32_t i = 0; i < out->count; i++)
		texts[i] = ndr_get_unicode(r);
	for (uint32_t i = 0; i < out->count; i++)
		entries[i].name = ndr_get_unicode_text(r, &texts[i]);
	if (get_count(r, 4) != out->count)
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
	for (uint32_t i = 0; i < out->count; i++)
		entries[i].use = (enum sid_use)ndr_get_u32(r);
	out->entries = entries;
}

static const struct samr_result new_handle = { put_new_handle, get_new_handle };
static const struct samr_result own_revision = { put_own_revision, get_own_revision };
static const struct samr_result domain_sid = { put_domain_sid, get_domain_sid };
static const struct samr_result enumeration = { put_enumeration, get_enumeration };
static const struct samr_result display = { put_display, get_display };
static const struct samr_result members = { put_members, get_members };
static const struct samr_result names_and_uses = { put_names_and_uses, get_names_and_uses };
static const struct samr_result rids_and_uses = { put_rids_and_uses, get_rids_and_uses };

#define RESULTS 2
static const struct call {
	uint16_t opnum;
	const struct samr_result *reply[RESULTS];
} calls[] = {
	{ SAMR_CONNECT, { &new_handle } },
	{ SAMR_CONNECT2, { &new_handle } },
	{ SAMR_CONNECT4, { &new_handle } },
	{ SAMR_CONNECT5, { &own_revision, &new_handle } },
	{ SAMR_CLOSE_HANDLE, { &new_handle } },
	{ SAMR_LOOKUP_DOMAIN, { &domain_sid } },
	{ SAMR_ENUMERATE_DOMAINS, { &enumeration } },
	{ SAMR_OPEN_DOMAIN, { &new_handle } },
	{ SAMR_ENUMERATE_GROUPS, { &enumeration } },
	{ SAMR_ENUMERATE_USERS, { &enumeration } },
	{ SAMR_ENUMERATE_ALIASES, { &enumeration } },
	{ SAMR_LOOKUP_NAMES, { &rids_and_uses } },
	{ SAMR_LOOKUP_IDS, { &names_and_uses } },
	{ SAMR_OPEN_ALIAS, { &new_handle } },
	{ SAMR_QUERY_ALIAS, { &samr_alias_result } },
	{ SAMR_GET_MEMBERS_IN_ALIAS, { &members } },
	{ SAMR_OPEN_USER, { &new_handle } },
	{ SAMR_QUERY_USER, { &samr_user_result } },
	{ SAMR_QUERY_USER2, { &samr_user_result } },
	{ SAMR_GET_GROUPS_FOR_USER, { &samr_groups_result } },
	{ SAMR_QUERY_DISPLAY, { &display } },
	{ SAMR_QUERY_DISPLAY2, { &display } },
	{ SAMR_QUERY_DISPLAY3, { &display } },
};

static const struct call *call_find(uint16_t opnum)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		if (calls[i].opnum == opnum)
			return &calls[i];
	}
	return NULL;
}

void samr_reply_encode(struct ndr_writer *w, uint16_t opnum, const struct samr_reply *reply)
{
	const struct call *call = call_find(opnum);

	BUG_ON(!call);
	for (size_t i = 0; i < RESULTS && call->reply[i]; i++)
		call->reply[i]->put(w, reply);
	ndr_put_u32(w, reply->status);
}

uint32_t samr_reply_decode(struct ndr_reader *r, uint16_t opnum, struct samr_reply *out)
{
	const struct call *call = call_find(opnum);

	*out = (struct samr_reply){ 0 };
	BUG_ON(!call);
	for (size_t i = 0; i < RESULTS && call->reply[i]; i++)
		call->reply[i]->get(r, out);
	out->status = ndr_get_u32(r);
	return ndr_fault(r);
}

static uint32_t text_bytes(const char *text)
{
	return text ? (uint32_t)utf16_length(text) : 0;
}

#define ENTRY_BYTES 78 /* of the longest kind: three numbers, three strings, and their padding */

uint32_t samr_entry_bytes(const struct samr_entry *entry)
{
	return ENTRY_BYTES + text_bytes(entry->name) + text_bytes(entry->comment) +
	       text_bytes(entry->full_name);
}
