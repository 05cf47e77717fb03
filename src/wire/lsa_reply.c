// SPDX-License-Identifier: Apache-2.0
/* Replies of MS-LSAT 3.1.4 and MS-LSAD 3.1.4, by a table of their parameters. */
#include "lsa_parts.h"

/* One parameter: how it is written and read. */
struct result {
	void (*put)(struct ndr_writer *w, const struct result *p, const struct lsa_request *q,
		    const struct lsa_reply *a);
	void (*get)(struct ndr_reader *r, const struct result *p, struct lsa_reply *out);
	unsigned form;
};

#define TRANSLATION_BYTES 12 /* of an element, at least */

static void get_translation(struct ndr_reader *r, unsigned form, struct lsa_translation *t,
			    struct ndr_unicode *name)
{
	cur_align(&r->c, 4);
	t->use = (enum sid_use)ndr_get_u16(r);
	if (form & FORM_NAME)
		*name = ndr_get_unicode(r);
	if (form & FORM_RID)
		t->rid = ndr_get_u32(r);
	if (form & FORM_SID)
		t->has_sid = ndr_get_pointer(r);
	t->domain = ndr_get_u32(r);
	if (form & FORM_FLAGS)
		t->flags = ndr_get_u32(r);
}

const struct lsa_translation *lsa_get_translations(struct ndr_reader *r, unsigned form,
						   uint32_t *count)
{
	struct lsa_translation *all;
	struct ndr_unicode *names;

	*count = ndr_get_u32(r);
	if (!ndr_get_pointer(r)) {
		*count = 0;
		return NULL;
	}
	if (ndr_get_count(r, TRANSLATION_BYTES) != *count)
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
	all = ndr_alloc(r, *count, sizeof(*all));
	names = ndr_alloc(r, *count, sizeof(*names));
	if (!all || !names) {
		*count = 0;
		return NULL;
	}
	for (uint32_t i = 0; i < *count; i++)
		get_translation(r, form, &all[i], &names[i]);
	for (uint32_t i = 0; i < *count && !r->c.bad; i++) {
		if (form & FORM_NAME)
			all[i].name = ndr_get_unicode_text(r, &names[i]);
		if (all[i].has_sid)
			ndr_get_sid(r, &all[i].sid);
	}
	return all;
}

static void put_translation(struct ndr_writer *w, unsigned form, const struct lsa_translation *t)
{
	buf_align(w->out, w->start, 4);
	ndr_put_u16(w, (uint16_t)t->use);
	if (form & FORM_NAME)
		ndr_put_unicode(w, t->name);
	if (form & FORM_RID)
		ndr_put_u32(w, t->rid);
	if (form & FORM_SID)
		ndr_put_pointer(w, t->has_sid);
	ndr_put_u32(w, t->domain);
	if (form & FORM_FLAGS)
		ndr_put_u32(w, t->flags);
}

void lsa_put_translations(struct ndr_writer *w, unsigned form, const struct lsa_translation *all,
			  uint32_t count)
{
	ndr_put_u32(w, count);
	ndr_put_pointer(w, count);
	if (!count)
		return;
	ndr_put_u32(w, count);
	for (uint32_t i = 0; i < count; i++)
		put_translation(w, form, &all[i]);
	for (uint32_t i = 0; i < count; i++) {
		if (form & FORM_NAME)
			ndr_put_unicode_text(w, all[i].name);
		if (form & FORM_SID && all[i].has_sid)
			ndr_put_sid(w, &all[i].sid);
	}
}

/* [unique] RPC_UNICODE_STRING* */
const char *lsa_get_unique_unicode(struct ndr_reader *r)
{
	return ndr_get_pointer(r) ? ndr_get_unicode_whole(r) : NULL;
}

void lsa_put_unique_unicode(struct ndr_writer *w, const char *text)
{
	ndr_put_pointer(w, text);
	if (text)
		ndr_put_unicode_whole(w, text);
}

static void put_new_handle(struct ndr_writer *w, const struct result *p,
			   const struct lsa_request *q, const struct lsa_reply *a)
{
	ndr_put_handle(w, a->handle);
}

static void get_new_handle(struct ndr_reader *r, const struct result *p, struct lsa_reply *out)
{
	ndr_get_handle(r, out->handle);
}

/* LSAPR_REFERENCED_DOMAIN_LIST (2.2.12). */
static void put_domains(struct ndr_writer *w, const struct result *p, const struct lsa_request *q,
			const struct lsa_reply *a)
{
	ndr_put_pointer(w, a->has_domains);
	if (!a->has_domains)
		return;
	ndr_put_u32(w, a->domain_count);
	ndr_put_pointer(w, a->domain_count);
	ndr_put_u32(w, 32); /* MaxEntries: ignored (2.2.12) */
	if (!a->domain_count)
		return;
	ndr_put_u32(w, a->domain_count);
	for (uint32_t i = 0; i < a->domain_count; i++) {
		ndr_put_unicode(w, a->domains[i].name);
		ndr_put_pointer(w, true);
	}
	for (uint32_t i = 0; i < a->domain_count; i++) {
		ndr_put_unicode_text(w, a->domains[i].name);
		ndr_put_sid(w, &a->domains[i].sid);
	}
}

static void get_domain_array(struct ndr_reader *r, struct lsa_reply *out)
{
	struct lsa_domain *domains;
	struct ndr_unicode *names;

	if (ndr_get_count(r, 12) != out->domain_count)
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
	domains = ndr_alloc(r, out->domain_count, sizeof(*domains));
	names = ndr_alloc(r, out->domain_count, sizeof(*names));
	if (!domains || !names) {
		out->domain_count = 0;
		return;
	}
	for (uint32_t i = 0; i < out->domain_count; i++) {
		names[i] = ndr_get_unicode(r);
		if (!ndr_get_pointer(r))
			ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
	}
	for (uint32_t i = 0; i < out->domain_count && !r->c.bad; i++) {
		domains[i].name = ndr_get_unicode_text(r, &names[i]);
		ndr_get_sid(r, &domains[i].sid);
	}
	out->domains = domains;
}

static void get_domains(struct ndr_reader *r, const struct result *p, struct lsa_reply *out)
{
	bool has_array;

	out->has_domains = ndr_get_pointer(r);
	if (!out->has_domains)
		return;
	out->domain_count = ndr_get_u32(r);
	has_array = ndr_get_pointer(r);
	(void)ndr_get_u32(r);
	if (has_array)
		get_domain_array(r, out);
	else
		out->domain_count = 0;
}

static void put_found(struct ndr_writer *w, const struct result *p, const struct lsa_request *q,
		      const struct lsa_reply *a)
{
	lsa_put_translations(w, p->form, a->translations, a->count);
	ndr_put_u32(w, a->mapped);
}

static void get_found(struct ndr_reader *r, const struct result *p, struct lsa_reply *out)
{
	out->translations = lsa_get_translations(r, p->form, &out->count);
	out->mapped = ndr_get_u32(r);
}

static void put_user(struct ndr_writer *w, const struct result *p, const struct lsa_request *q,
		     const struct lsa_reply *a)
{
	lsa_put_unique_unicode(w, a->user_name);
	ndr_put_pointer(w, q->has_domain_name);
	if (q->has_domain_name)
		lsa_put_unique_unicode(w, a->domain_name);
}

static void get_user(struct ndr_reader *r, const struct result *p, struct lsa_reply *out)
{
	out->user_name = lsa_get_unique_unicode(r);
	if (ndr_get_pointer(r))
		out->domain_name = lsa_get_unique_unicode(r);
}

/* ---- LSAPR_POLICY_INFORMATION (MS-LSAD 2.2.4.2), by class */

static void put_name_and_sid(struct ndr_writer *w, const struct lsa_policy_information *i)
{
	ndr_put_unicode(w, i->name);
	ndr_put_pointer(w, i->has_sid);
	ndr_put_unicode_text(w, i->name);
	if (i->has_sid)
		ndr_put_sid(w, &i->sid);
}

static void get_name_and_sid(struct ndr_reader *r, struct lsa_policy_information *i)
{
	struct ndr_unicode name = ndr_get_unicode(r);

	i->has_sid = ndr_get_pointer(r);
	i->name = ndr_get_unicode_text(r, &name);
	if (i->has_sid)
		ndr_get_sid(r, &i->sid);
}

static void put_role(struct ndr_writer *w, const struct lsa_policy_information *i)
{
	ndr_put_u16(w, i->role);
}

static void get_role(struct ndr_reader *r, struct lsa_policy_information *i)
{
	i->role = ndr_get_u16(r);
}

/* A domain has a GUID too; who is in none has none. */
static void put_dns_domain(struct ndr_writer *w, const struct lsa_policy_information *i)
{
	static const struct guid none;

	ndr_put_unicode(w, i->name);
	ndr_put_unicode(w, i->dns_domain);
	ndr_put_unicode(w, i->dns_forest);
	buf_bytes(w->out, none.bytes, sizeof(none.bytes));
	ndr_put_pointer(w, i->has_sid);
	ndr_put_unicode_text(w, i->name);
	ndr_put_unicode_text(w, i->dns_domain);
	ndr_put_unicode_text(w, i->dns_forest);
	if (i->has_sid)
		ndr_put_sid(w, &i->sid);
}

static void get_dns_domain(struct ndr_reader *r, struct lsa_policy_information *i)
{
	struct ndr_unicode name = ndr_get_unicode(r);
	struct ndr_unicode domain = ndr_get_unicode(r);
	struct ndr_unicode forest = ndr_get_unicode(r);

	cur_skip(&r->c, sizeof(struct guid));
	i->has_sid = ndr_get_pointer(r);
	i->name = ndr_get_unicode_text(r, &name);
	i->dns_domain = ndr_get_unicode_text(r, &domain);
	i->dns_forest = ndr_get_unicode_text(r, &forest);
	if (i->has_sid)
		ndr_get_sid(r, &i->sid);
}

static const struct policy_class {
	uint16_t number;
	void (*put)(struct ndr_writer *w, const struct lsa_policy_information *i);
	void (*get)(struct ndr_reader *r, struct lsa_policy_information *i);
} policy_classes[] = {
	{ LSA_POLICY_PRIMARY_DOMAIN, put_name_and_sid, get_name_and_sid },
	{ LSA_POLICY_ACCOUNT_DOMAIN, put_name_and_sid, get_name_and_sid },
	{ LSA_POLICY_LOCAL_ACCOUNT_DOMAIN, put_name_and_sid, get_name_and_sid },
	{ LSA_POLICY_SERVER_ROLE, put_role, get_role },
	{ LSA_POLICY_DNS_DOMAIN, put_dns_domain, get_dns_domain },
	{ LSA_POLICY_DNS_DOMAIN_INT, put_dns_domain, get_dns_domain },
};

static const struct policy_class *class_find(uint16_t number)
{
	for (size_t i = 0; i < ARRAY_LEN(policy_classes); i++) {
		if (policy_classes[i].number == number)
			return &policy_classes[i];
	}
	return NULL;
}

static void put_information(struct ndr_writer *w, const struct result *p,
			    const struct lsa_request *q, const struct lsa_reply *a)
{
	const struct policy_class *class = class_find(q->information_class);

	ndr_put_pointer(w, a->has_information);
	if (!a->has_information)
		return;
	BUG_ON(!class);
	ndr_put_u16(w, class->number);
	class->put(w, &a->information);
}

static void get_information(struct ndr_reader *r, const struct result *p, struct lsa_reply *out)
{
	const struct policy_class *class;

	out->has_information = ndr_get_pointer(r);
	if (!out->has_information)
		return;
	class = class_find(ndr_get_u16(r));
	if (class)
		class->get(r, &out->information);
	else
		ndr_refuse(r, RPC_FAULT_INVALID_TAG);
}

static const struct result handle = { put_new_handle, get_new_handle, 0 };
static const struct result information = { put_information, get_information, 0 };
static const struct result user = { put_user, get_user, 0 };
static const struct result domains = { put_domains, get_domains, 0 };
static const struct result found_names = { put_found, get_found, FORM_NAME };
static const struct result found_names_ex = { put_found, get_found, FORM_NAME | FORM_FLAGS };
static const struct result found_rids = { put_found, get_found, FORM_RID };
static const struct result found_rids_ex = { put_found, get_found, FORM_RID | FORM_FLAGS };
static const struct result found_sids_ex = { put_found, get_found, FORM_SID | FORM_FLAGS };

#define RESULTS 3
static const struct call {
	uint16_t opnum;
	const struct result *reply[RESULTS];
} calls[] = {
	{ LSA_CLOSE, { &handle } },
	{ LSA_OPEN_POLICY, { &handle } },
	{ LSA_OPEN_POLICY2, { &handle } },
	{ LSA_QUERY_INFORMATION_POLICY, { &information } },
	{ LSA_QUERY_INFORMATION_POLICY2, { &information } },
	{ LSA_GET_USER_NAME, { &user } },
	{ LSA_LOOKUP_SIDS, { &domains, &found_names } },
	{ LSA_LOOKUP_SIDS2, { &domains, &found_names_ex } },
	{ LSA_LOOKUP_NAMES, { &domains, &found_rids } },
	{ LSA_LOOKUP_NAMES2, { &domains, &found_rids_ex } },
	{ LSA_LOOKUP_NAMES3, { &domains, &found_sids_ex } },
};

static const struct call *call_find(uint16_t opnum)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		if (calls[i].opnum == opnum)
			return &calls[i];
	}
	return NULL;
}

void lsa_reply_encode(struct ndr_writer *w, uint16_t opnum, const struct lsa_request *request,
		      const struct lsa_reply *reply)
{
	const struct call *call = call_find(opnum);

	BUG_ON(!call);
	for (size_t i = 0; i < RESULTS && call->reply[i]; i++)
		call->reply[i]->put(w, call->reply[i], request, reply);
	ndr_put_u32(w, reply->status);
}

uint32_t lsa_reply_decode(struct ndr_reader *r, uint16_t opnum, struct lsa_reply *out)
{
	const struct call *call = call_find(opnum);

	*out = (struct lsa_reply){ 0 };
	BUG_ON(!call);
	for (size_t i = 0; i < RESULTS && call->reply[i]; i++)
		call->reply[i]->get(r, call->reply[i], out);
	out->status = ndr_get_u32(r);
	return ndr_fault(r);
}
