// SPDX-License-Identifier: Apache-2.0
/* MS-SAMR 3.1.5: requests and replies, by tables of their parameters. */
#include <base/utf16.h>
#include <wire/samr.h>

const struct dcerpc_syntax SAMR_INTERFACE = { { 0x78, 0x57, 0x34, 0x12, 0x34, 0x12, 0xcd, 0xab,
						0xef, 0x00, 0x01, 0x23, 0x45, 0x67, 0x89, 0xac },
					      1 };

struct parameter {
	void (*get)(struct ndr_reader *r, struct samr_request *out);
	void (*put)(struct ndr_writer *w, const struct samr_request *q);
};

/* A number of the request, read and written as it is. */
#define NUMBER(field, width)                                                                       \
	static void get_##field(struct ndr_reader *r, struct samr_request *out)                    \
	{                                                                                          \
		out->field = ndr_get_##width(r);                                                   \
	}                                                                                          \
	static void put_##field(struct ndr_writer *w, const struct samr_request *q)                \
	{                                                                                          \
		ndr_put_##width(w, q->field);                                                      \
	}                                                                                          \
	static const struct parameter field = { get_##field, put_##field }

NUMBER(access, u32);
NUMBER(resume, u32);
NUMBER(control, u32);
NUMBER(most_bytes, u32);
NUMBER(most_entries, u32);
NUMBER(display_class, u16);
NUMBER(rid, u32);

/* [unique] wchar_t*, one of them: for whom it is, ignored. */
static void get_server_char(struct ndr_reader *r, struct samr_request *out)
{
	if (ndr_get_pointer(r))
		(void)ndr_get_u16(r);
}

static void get_server_name(struct ndr_reader *r, struct samr_request *out)
{
	(void)ndr_get_unique_string(r);
}

static void put_null(struct ndr_writer *w, const struct samr_request *q)
{
	ndr_put_pointer(w, false);
}

/* ClientRevision: ignored (3.1.5.1.2). */
static void get_revision(struct ndr_reader *r, struct samr_request *out)
{
	(void)ndr_get_u32(r);
}

static void put_revision(struct ndr_writer *w, const struct samr_request *q)
{
	ndr_put_u32(w, 2);
}

/* InVersion and SAMPR_REVISION_INFO (2.2.7.15, 2.2.7.16), of which there is version 1. */
static void get_revision_info(struct ndr_reader *r, struct samr_request *out)
{
	out->in_version = ndr_get_u32(r);
	if (ndr_get_u32(r) != 1)
		ndr_refuse(r, RPC_FAULT_INVALID_TAG);
	(void)ndr_get_u32(r);
	(void)ndr_get_u32(r);
}

static void put_revision_info(struct ndr_writer *w, const struct samr_request *q)
{
	ndr_put_u32(w, q->in_version);
	ndr_put_u32(w, 1);
	ndr_put_u32(w, 3);
	ndr_put_u32(w, 0);
}

static void get_handle(struct ndr_reader *r, struct samr_request *out)
{
	ndr_get_handle(r, out->handle);
}

static void put_handle(struct ndr_writer *w, const struct samr_request *q)
{
	ndr_put_handle(w, q->handle);
}

static void get_name(struct ndr_reader *r, struct samr_request *out)
{
	struct ndr_unicode name = ndr_get_unicode(r);

	out->name = ndr_get_unicode_text(r, &name);
}

static void put_name(struct ndr_writer *w, const struct samr_request *q)
{
	ndr_put_unicode(w, q->name);
	ndr_put_unicode_text(w, q->name);
}

static void get_sid(struct ndr_reader *r, struct samr_request *out)
{
	ndr_get_sid(r, &out->sid);
}

static void put_sid(struct ndr_writer *w, const struct samr_request *q)
{
	ndr_put_sid(w, &q->sid);
}

/* [range(0,1000)] Count, [size_is(1000), length_is(Count)] RPC_UNICODE_STRING[] */
static void get_names(struct ndr_reader *r, struct samr_request *out)
{
	struct ndr_unicode *names;
	uint32_t capacity, offset;

	out->count = ndr_get_u32(r);
	capacity = ndr_get_u32(r);
	offset = ndr_get_u32(r);
	if (out->count > SAMR_MAX_NAMES || offset || capacity < out->count ||
	    ndr_get_count(r, 8) != out->count)
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
	out->names = ndr_alloc(r, out->count, sizeof(*out->names));
	names = ndr_alloc(r, out->count, sizeof(*names));
	if (!out->names || !names)
		return;
	for (uint32_t i = 0; i < out->count; i++)
		names[i] = ndr_get_unicode(r);
	for (uint32_t i = 0; i < out->count; i++)
		out->names[i] = ndr_get_unicode_text(r, &names[i]);
}

static void put_names(struct ndr_writer *w, const struct samr_request *q)
{
	ndr_put_u32(w, q->count);
	ndr_put_u32(w, SAMR_MAX_NAMES);
	ndr_put_u32(w, 0);
	ndr_put_u32(w, q->count);
	for (uint32_t i = 0; i < q->count; i++)
		ndr_put_unicode(w, q->names[i]);
	for (uint32_t i = 0; i < q->count; i++)
		ndr_put_unicode_text(w, q->names[i]);
}

static const struct parameter server_char = { get_server_char, put_null };
static const struct parameter server_name = { get_server_name, put_null };
static const struct parameter revision = { get_revision, put_revision };
static const struct parameter revision_info = { get_revision_info, put_revision_info };
static const struct parameter handle = { get_handle, put_handle };
static const struct parameter name = { get_name, put_name };
static const struct parameter sid = { get_sid, put_sid };
static const struct parameter names = { get_names, put_names };

/* ---- replies */

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
	if (a->display_class == SAMR_DISPLAY_USER)
		ndr_put_unicode(w, e->full_name);
}

static void put_display(struct ndr_writer *w, const struct samr_reply *a)
{
	ndr_put_u32(w, a->total_bytes);
	ndr_put_u32(w, a->returned_bytes);
	ndr_put_u16(w, a->display_class);
	put_count(w, a->count);
	for (uint32_t i = 0; i < a->count; i++)
		put_display_row(w, a, i);
	for (uint32_t i = 0; i < a->count; i++) {
		ndr_put_unicode_text(w, a->entries[i].name);
		ndr_put_unicode_text(w, a->entries[i].comment);
		if (a->display_class == SAMR_DISPLAY_USER)
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
	out->display_class = ndr_get_u16(r);
	is_user = out->display_class == SAMR_DISPLAY_USER;
	if (!is_user && out->display_class != SAMR_DISPLAY_GROUP)
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

struct result {
	void (*put)(struct ndr_writer *w, const struct samr_reply *a);
	void (*get)(struct ndr_reader *r, struct samr_reply *out);
};
static const struct result new_handle = { put_new_handle, get_new_handle };
static const struct result own_revision = { put_own_revision, get_own_revision };
static const struct result domain_sid = { put_domain_sid, get_domain_sid };
static const struct result enumeration = { put_enumeration, get_enumeration };
static const struct result display = { put_display, get_display };
static const struct result members = { put_members, get_members };
static const struct result rids_and_uses = { put_rids_and_uses, get_rids_and_uses };

#define PARAMETERS 5
#define RESULTS	   2
static const struct call {
	uint16_t opnum;
	const struct parameter *request[PARAMETERS];
	const struct result *reply[RESULTS];
} calls[] = {
	{ SAMR_CONNECT, { &server_char, &access }, { &new_handle } },
	{ SAMR_CONNECT2, { &server_name, &access }, { &new_handle } },
	{ SAMR_CONNECT4, { &server_name, &revision, &access }, { &new_handle } },
	{ SAMR_CONNECT5,
	  { &server_name, &access, &revision_info },
	  { &own_revision, &new_handle } },
	{ SAMR_CLOSE_HANDLE, { &handle }, { &new_handle } },
	{ SAMR_LOOKUP_DOMAIN, { &handle, &name }, { &domain_sid } },
	{ SAMR_ENUMERATE_DOMAINS, { &handle, &resume, &most_bytes }, { &enumeration } },
	{ SAMR_OPEN_DOMAIN, { &handle, &access, &sid }, { &new_handle } },
	{ SAMR_ENUMERATE_GROUPS, { &handle, &resume, &most_bytes }, { &enumeration } },
	{ SAMR_ENUMERATE_USERS, { &handle, &resume, &control, &most_bytes }, { &enumeration } },
	{ SAMR_ENUMERATE_ALIASES, { &handle, &resume, &most_bytes }, { &enumeration } },
	{ SAMR_LOOKUP_NAMES, { &handle, &names }, { &rids_and_uses } },
	{ SAMR_OPEN_ALIAS, { &handle, &access, &rid }, { &new_handle } },
	{ SAMR_GET_MEMBERS_IN_ALIAS, { &handle }, { &members } },
	{ SAMR_QUERY_DISPLAY,
	  { &handle, &display_class, &resume, &most_entries, &most_bytes },
	  { &display } },
	{ SAMR_QUERY_DISPLAY2,
	  { &handle, &display_class, &resume, &most_entries, &most_bytes },
	  { &display } },
	{ SAMR_QUERY_DISPLAY3,
	  { &handle, &display_class, &resume, &most_entries, &most_bytes },
	  { &display } },
};

static const struct call *call_find(uint16_t opnum)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		if (calls[i].opnum == opnum)
			return &calls[i];
	}
	return NULL;
}

uint32_t samr_request_decode(struct ndr_reader *r, uint16_t opnum, struct samr_request *out)
{
	const struct call *call = call_find(opnum);

	*out = (struct samr_request){ .name = "" };
	if (!call)
		return RPC_FAULT_OP_RANGE;
	for (size_t i = 0; i < PARAMETERS && call->request[i]; i++)
		call->request[i]->get(r, out);
	return ndr_fault(r);
}

void samr_request_encode(struct ndr_writer *w, uint16_t opnum, const struct samr_request *request)
{
	const struct call *call = call_find(opnum);

	BUG_ON(!call);
	for (size_t i = 0; i < PARAMETERS && call->request[i]; i++)
		call->request[i]->put(w, request);
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
