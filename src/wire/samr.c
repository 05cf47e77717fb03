// SPDX-License-Identifier: Apache-2.0
/* Requests of MS-SAMR 3.1.5, by a table of their parameters. */
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
NUMBER(information_class, u16);
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
	out->name = ndr_get_unicode_whole(r);
}

static void put_name(struct ndr_writer *w, const struct samr_request *q)
{
	ndr_put_unicode_whole(w, q->name);
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
	uint32_t capacity, offset;

	out->count = ndr_get_u32(r);
	capacity = ndr_get_u32(r);
	offset = ndr_get_u32(r);
	if (out->count > SAMR_MAX_NAMES || offset || capacity < out->count ||
	    ndr_get_count(r, 8) != out->count)
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
	out->names = ndr_get_unicode_array(r, out->count);
}

static void put_names(struct ndr_writer *w, const struct samr_request *q)
{
	ndr_put_u32(w, q->count);
	ndr_put_u32(w, SAMR_MAX_NAMES);
	ndr_put_u32(w, 0);
	ndr_put_u32(w, q->count);
	ndr_put_unicode_array(w, q->names, q->count);
}

/* The same of relative ids. */
static void get_rids(struct ndr_reader *r, struct samr_request *out)
{
	uint32_t capacity, offset;

	out->count = ndr_get_u32(r);
	capacity = ndr_get_u32(r);
	offset = ndr_get_u32(r);
	if (out->count > SAMR_MAX_NAMES || offset || capacity < out->count ||
	    ndr_get_count(r, 4) != out->count)
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
	out->rids = ndr_alloc(r, out->count, sizeof(*out->rids));
	for (uint32_t i = 0; out->rids && i < out->count; i++)
		out->rids[i] = ndr_get_u32(r);
}

static void put_rids(struct ndr_writer *w, const struct samr_request *q)
{
	ndr_put_u32(w, q->count);
	ndr_put_u32(w, SAMR_MAX_NAMES);
	ndr_put_u32(w, 0);
	ndr_put_u32(w, q->count);
	for (uint32_t i = 0; i < q->count; i++)
		ndr_put_u32(w, q->rids[i]);
}

static const struct parameter server_char = { get_server_char, put_null };
static const struct parameter server_name = { get_server_name, put_null };
static const struct parameter revision = { get_revision, put_revision };
static const struct parameter revision_info = { get_revision_info, put_revision_info };
static const struct parameter handle = { get_handle, put_handle };
static const struct parameter name = { get_name, put_name };
static const struct parameter sid = { get_sid, put_sid };
static const struct parameter names = { get_names, put_names };
static const struct parameter rids = { get_rids, put_rids };

#define PARAMETERS 5
static const struct call {
	uint16_t opnum;
	const struct parameter *request[PARAMETERS];
} calls[] = {
	{ SAMR_CONNECT, { &server_char, &access } },
	{ SAMR_CONNECT2, { &server_name, &access } },
	{ SAMR_CONNECT4, { &server_name, &revision, &access } },
	{ SAMR_CONNECT5, { &server_name, &access, &revision_info } },
	{ SAMR_CLOSE_HANDLE, { &handle } },
	{ SAMR_LOOKUP_DOMAIN, { &handle, &name } },
	{ SAMR_ENUMERATE_DOMAINS, { &handle, &resume, &most_bytes } },
	{ SAMR_OPEN_DOMAIN, { &handle, &access, &sid } },
	{ SAMR_ENUMERATE_GROUPS, { &handle, &resume, &most_bytes } },
	{ SAMR_ENUMERATE_USERS, { &handle, &resume, &control, &most_bytes } },
	{ SAMR_ENUMERATE_ALIASES, { &handle, &resume, &most_bytes } },
	{ SAMR_LOOKUP_NAMES, { &handle, &names } },
	{ SAMR_LOOKUP_IDS, { &handle, &rids } },
	{ SAMR_OPEN_ALIAS, { &handle, &access, &rid } },
	{ SAMR_QUERY_ALIAS, { &handle, &information_class } },
	{ SAMR_GET_MEMBERS_IN_ALIAS, { &handle } },
	{ SAMR_OPEN_USER, { &handle, &access, &rid } },
	{ SAMR_QUERY_USER, { &handle, &information_class } },
	{ SAMR_QUERY_USER2, { &handle, &information_class } },
	{ SAMR_GET_GROUPS_FOR_USER, { &handle } },
	{ SAMR_QUERY_DISPLAY,
	  { &handle, &information_class, &resume, &most_entries, &most_bytes } },
	{ SAMR_QUERY_DISPLAY2,
	  { &handle, &information_class, &resume, &most_entries, &most_bytes } },
	{ SAMR_QUERY_DISPLAY3,
	  { &handle, &information_class, &resume, &most_entries, &most_bytes } },
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
