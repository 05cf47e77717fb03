// SPDX-License-Identifier: Apache-2.0
/* Requests of MS-LSAT 3.1.4 and MS-LSAD 3.1.4, by a table of their parameters. */
#include "lsa_parts.h"

const struct dcerpc_syntax LSA_INTERFACE = { { 0x78, 0x57, 0x34, 0x12, 0x34, 0x12, 0xcd, 0xab, 0xef,
					       0x00, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab },
					     0 };

/* One parameter: how it is read and written. */
struct parameter {
	void (*get)(struct ndr_reader *r, const struct parameter *p, struct lsa_request *out);
	void (*put)(struct ndr_writer *w, const struct parameter *p, const struct lsa_request *q);
	unsigned form;
};

/* [unique] wchar_t*, one of them: for whom it is, ignored. */
static void get_system_char(struct ndr_reader *r, const struct parameter *p,
			    struct lsa_request *out)
{
	if (ndr_get_pointer(r))
		(void)ndr_get_u16(r);
}

static void get_system_name(struct ndr_reader *r, const struct parameter *p,
			    struct lsa_request *out)
{
	(void)ndr_get_unique_string(r);
}

static void put_null(struct ndr_writer *w, const struct parameter *p, const struct lsa_request *q)
{
	ndr_put_pointer(w, false);
}

/* STRING (MS-LSAD 2.2.3.1), ignored. */
static void skip_object_name(struct ndr_reader *r)
{
	cur_align(&r->c, 4);
	(void)ndr_get_u16(r);
	(void)ndr_get_u16(r);
	if (!ndr_get_pointer(r))
		return;
	(void)ndr_get_u32(r);
	(void)ndr_get_u32(r);
	cur_skip(&r->c, ndr_get_count(r, 1));
}

/*
 * LSAPR_OBJECT_ATTRIBUTES (MS-LSAD 2.2.2.4): nothing of it counts but that there is no directory.
 * A security descriptor in it would be ignored as well; nobody sends one, and one is refused.
 */
static void get_attributes(struct ndr_reader *r, const struct parameter *p, struct lsa_request *out)
{
	bool has_name, has_descriptor, has_quality;

	(void)ndr_get_u32(r);
	out->has_root_directory = ndr_get_pointer(r);
	has_name = ndr_get_pointer(r);
	(void)ndr_get_u32(r);
	has_descriptor = ndr_get_pointer(r);
	has_quality = ndr_get_pointer(r);
	if (out->has_root_directory)
		(void)ndr_get_u8(r);
	if (has_name)
		skip_object_name(r);
	if (has_descriptor)
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
	if (has_quality) {
		(void)ndr_get_u32(r);
		(void)ndr_get_u16(r);
		(void)ndr_get_u8(r);
		(void)ndr_get_u8(r);
	}
}

static void put_attributes(struct ndr_writer *w, const struct parameter *p,
			   const struct lsa_request *q)
{
	ndr_put_u32(w, 24);
	ndr_put_pointer(w, q->has_root_directory);
	ndr_put_pointer(w, false);
	ndr_put_u32(w, 0);
	ndr_put_pointer(w, false);
	ndr_put_pointer(w, false);
	if (q->has_root_directory)
		ndr_put_u8(w, 0);
}

static void get_access(struct ndr_reader *r, const struct parameter *p, struct lsa_request *out)
{
	out->access = ndr_get_u32(r);
}

static void put_access(struct ndr_writer *w, const struct parameter *p, const struct lsa_request *q)
{
	ndr_put_u32(w, q->access);
}

static void get_handle(struct ndr_reader *r, const struct parameter *p, struct lsa_request *out)
{
	ndr_get_handle(r, out->handle);
}

static void put_handle(struct ndr_writer *w, const struct parameter *p, const struct lsa_request *q)
{
	ndr_put_handle(w, q->handle);
}

static void get_class(struct ndr_reader *r, const struct parameter *p, struct lsa_request *out)
{
	out->information_class = ndr_get_u16(r);
}

static void put_class(struct ndr_writer *w, const struct parameter *p, const struct lsa_request *q)
{
	ndr_put_u16(w, q->information_class);
}

/* LSAPR_SID_ENUM_BUFFER (2.2.18). */
static void get_sids(struct ndr_reader *r, const struct parameter *p, struct lsa_request *out)
{
	bool *present;

	out->count = ndr_get_u32(r);
	if (out->count > LSA_MAX_SIDS)
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
	if (!ndr_get_pointer(r)) {
		if (out->count)
			ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
		return;
	}
	if (ndr_get_count(r, 4) != out->count)
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
	out->sids = ndr_alloc(r, out->count, sizeof(*out->sids));
	present = ndr_alloc(r, out->count, sizeof(*present));
	if (!out->sids || !present)
		return;
	for (uint32_t i = 0; i < out->count; i++) {
		present[i] = ndr_get_pointer(r);
		out->has_null_sid |= !present[i];
	}
	for (uint32_t i = 0; i < out->count && !r->c.bad; i++) {
		if (present[i])
			ndr_get_sid(r, &out->sids[i]);
	}
}

static void put_sids(struct ndr_writer *w, const struct parameter *p, const struct lsa_request *q)
{
	ndr_put_u32(w, q->count);
	ndr_put_pointer(w, true);
	ndr_put_u32(w, q->count);
	for (uint32_t i = 0; i < q->count; i++)
		ndr_put_pointer(w, true);
	for (uint32_t i = 0; i < q->count; i++)
		ndr_put_sid(w, &q->sids[i]);
}

static void get_names(struct ndr_reader *r, const struct parameter *p, struct lsa_request *out)
{
	out->count = ndr_get_u32(r);
	if (out->count > LSA_MAX_NAMES || ndr_get_count(r, 8) != out->count)
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
	out->names = ndr_get_unicode_array(r, out->count);
}

static void put_names(struct ndr_writer *w, const struct parameter *p, const struct lsa_request *q)
{
	ndr_put_u32(w, q->count);
	ndr_put_u32(w, q->count);
	ndr_put_unicode_array(w, q->names, q->count);
}

/* The array that the answer will take the place of; ignored. */
static void skip_found(struct ndr_reader *r, const struct parameter *p, struct lsa_request *out)
{
	uint32_t ignored;

	(void)lsa_get_translations(r, p->form, &ignored);
}

static void put_none_found(struct ndr_writer *w, const struct parameter *p,
			   const struct lsa_request *q)
{
	lsa_put_translations(w, p->form, NULL, 0);
}

static void get_level(struct ndr_reader *r, const struct parameter *p, struct lsa_request *out)
{
	out->level = ndr_get_u16(r);
	(void)ndr_get_u32(r); /* MappedCount: ignored */
}

static void put_level(struct ndr_writer *w, const struct parameter *p, const struct lsa_request *q)
{
	ndr_put_u16(w, q->level);
	ndr_put_u32(w, 0);
}

static void get_options(struct ndr_reader *r, const struct parameter *p, struct lsa_request *out)
{
	out->options = ndr_get_u32(r);
	out->revision = ndr_get_u32(r);
}

static void put_options(struct ndr_writer *w, const struct parameter *p,
			const struct lsa_request *q)
{
	ndr_put_u32(w, q->options);
	ndr_put_u32(w, q->revision);
}

static void get_user_wish(struct ndr_reader *r, const struct parameter *p, struct lsa_request *out)
{
	(void)lsa_get_unique_unicode(r);
	out->has_domain_name = ndr_get_pointer(r);
	if (out->has_domain_name)
		(void)lsa_get_unique_unicode(r);
}

static void put_user_wish(struct ndr_writer *w, const struct parameter *p,
			  const struct lsa_request *q)
{
	lsa_put_unique_unicode(w, NULL);
	ndr_put_pointer(w, q->has_domain_name);
	if (q->has_domain_name)
		lsa_put_unique_unicode(w, NULL);
}

static const struct parameter system_char = { get_system_char, put_null, 0 };
static const struct parameter system_name = { get_system_name, put_null, 0 };
static const struct parameter attributes = { get_attributes, put_attributes, 0 };
static const struct parameter access = { get_access, put_access, 0 };
static const struct parameter handle = { get_handle, put_handle, 0 };
static const struct parameter class = { get_class, put_class, 0 };
static const struct parameter sids = { get_sids, put_sids, 0 };
static const struct parameter names = { get_names, put_names, 0 };
static const struct parameter level = { get_level, put_level, 0 };
static const struct parameter options = { get_options, put_options, 0 };
static const struct parameter user = { get_user_wish, put_user_wish, 0 };
static const struct parameter found_names = { skip_found, put_none_found, FORM_NAME };
static const struct parameter found_names_ex = { skip_found, put_none_found,
						 FORM_NAME | FORM_FLAGS };
static const struct parameter found_rids = { skip_found, put_none_found, FORM_RID };
static const struct parameter found_rids_ex = { skip_found, put_none_found, FORM_RID | FORM_FLAGS };
static const struct parameter found_sids_ex = { skip_found, put_none_found, FORM_SID | FORM_FLAGS };

#define PARAMETERS 6
static const struct call {
	uint16_t opnum;
	const struct parameter *request[PARAMETERS];
} calls[] = {
	{ LSA_CLOSE, { &handle } },
	{ LSA_OPEN_POLICY, { &system_char, &attributes, &access } },
	{ LSA_OPEN_POLICY2, { &system_name, &attributes, &access } },
	{ LSA_QUERY_INFORMATION_POLICY, { &handle, &class } },
	{ LSA_QUERY_INFORMATION_POLICY2, { &handle, &class } },
	{ LSA_GET_USER_NAME, { &system_name, &user } },
	{ LSA_LOOKUP_SIDS, { &handle, &sids, &found_names, &level } },
	{ LSA_LOOKUP_SIDS2, { &handle, &sids, &found_names_ex, &level, &options } },
	{ LSA_LOOKUP_NAMES, { &handle, &names, &found_rids, &level } },
	{ LSA_LOOKUP_NAMES2, { &handle, &names, &found_rids_ex, &level, &options } },
	{ LSA_LOOKUP_NAMES3, { &handle, &names, &found_sids_ex, &level, &options } },
};

static const struct call *call_find(uint16_t opnum)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		if (calls[i].opnum == opnum)
			return &calls[i];
	}
	return NULL;
}

uint32_t lsa_request_decode(struct ndr_reader *r, uint16_t opnum, struct lsa_request *out)
{
	const struct call *call = call_find(opnum);

	*out = (struct lsa_request){ 0 };
	if (!call)
		return RPC_FAULT_OP_RANGE;
	for (size_t i = 0; i < PARAMETERS && call->request[i]; i++)
		call->request[i]->get(r, call->request[i], out);
	return ndr_fault(r);
}

void lsa_request_encode(struct ndr_writer *w, uint16_t opnum, const struct lsa_request *request)
{
	const struct call *call = call_find(opnum);

	BUG_ON(!call);
	for (size_t i = 0; i < PARAMETERS && call->request[i]; i++)
		call->request[i]->put(w, call->request[i], request);
}
