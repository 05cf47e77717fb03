// SPDX-License-Identifier: Apache-2.0
/*
 * The local security authority of a file server (MS-LSAT, MS-LSAD): what the names of SIDs are, so
 * that an editor of permissions shows people and groups, and takes them by name. It answers for the
 * name that was dialled, from accounts that count there (fileserver/manage.h); a file server is in
 * no domain, so there is nobody else to ask, and what it does not know is said to be unknown.
 *
 * Calls that only domain controllers answer (LsarLookupSids3, LsarLookupNames4) have no row, nor
 * has what would change accounts, rights, secrets or trusts.
 */
#include <wire/lsa.h>

#include "handles.h"
#include "interface.h"

#define RIGHTS_OF_ANYONE POLICY_EXECUTE /* of those who may look up: MS-LSAD 3.1.1.2.1 */

/* One call with its request, its handle and its reply. */
struct work {
	struct rpc_call *call;
	struct server *server;
	const struct token *who;
	struct lsa_request q;
	struct handle *h;
	struct lsa_reply a;
	/* of a lookup, in the reader's memory */
	struct lsa_translation *found;
	struct lsa_domain *domains;
	struct manage_circle *servers; /* whose names they are; NULL: none for this caller */
};

static ntstatus close_handle(struct work *w)
{
	handle_close(w->h);
	return STATUS_SUCCESS;
}

/* MS-LSAD 2.2.1.1.2 */
static const struct handle_rights policy_rights = { POLICY_READ, POLICY_WRITE, POLICY_EXECUTE,
						    POLICY_ALL_ACCESS };

static ntstatus open_policy(struct work *w)
{
	uint32_t most = w->call->is_admin ? POLICY_ALL_ACCESS : RIGHTS_OF_ANYONE;
	uint32_t access = handle_access(w->q.access, &policy_rights, most);
	struct handle *h;

	if (w->q.has_root_directory)
		return STATUS_INVALID_PARAMETER;
	if (access & ~most)
		return STATUS_ACCESS_DENIED;
	h = handle_new(w->call->state, HANDLES_MAX, w->a.handle);
	if (!h)
		return STATUS_INSUFFICIENT_RESOURCES;
	h->access = access;
	return STATUS_SUCCESS;
}

/* ---- MS-LSAD 3.1.4.4.3, 3.1.4.4.4: what it says of itself */

static void say_account_domain(struct work *w)
{
	w->a.information = (struct lsa_policy_information){ .name = w->server->name,
							    .has_sid = true,
							    .sid = w->server->domain_sid };
}

/* In a workgroup: a name, and no SID, which is how callers see that there is no domain. */
static void say_workgroup(struct work *w)
{
	w->a.information = (struct lsa_policy_information){ .name = RPC_WORKGROUP,
							    .dns_domain = "",
							    .dns_forest = "" };
}

static void say_role(struct work *w)
{
	w->a.information.role = LSA_ROLE_PRIMARY;
}

static ntstatus query_policy(struct work *w)
{
	static const struct {
		uint16_t class;
		void (*say)(struct work *w);
	} classes[] = {
		{ LSA_POLICY_PRIMARY_DOMAIN, say_workgroup },
		{ LSA_POLICY_ACCOUNT_DOMAIN, say_account_domain },
		{ LSA_POLICY_LOCAL_ACCOUNT_DOMAIN, say_account_domain },
		{ LSA_POLICY_SERVER_ROLE, say_role },
		{ LSA_POLICY_DNS_DOMAIN, say_workgroup },
		{ LSA_POLICY_DNS_DOMAIN_INT, say_workgroup },
	};

	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		if (classes[i].class != w->q.information_class)
			continue;
		classes[i].say(w);
		w->a.has_information = true;
		return STATUS_SUCCESS;
	}
	return STATUS_INVALID_PARAMETER;
}

/* MS-LSAT 3.1.4.4: the one call that whoever has a session may make: it says who that is. */
static ntstatus get_user_name(struct work *w)
{
	const struct sid_name *nobody = sid_well_known(&SID_ANONYMOUS);

	w->a.user_name = w->who->is_anonymous ? nobody->name : w->who->user_name;
	w->a.domain_name = w->who->is_anonymous ? nobody->domain : w->who->domain_name;
	return STATUS_SUCCESS;
}

/* ---- MS-LSAT 3.1.4.5 to 3.1.4.11: lookups */

static uint32_t domain_index(struct work *w, const struct manage_principal *p)
{
	uint32_t i = 0;

	if (!p->has_domain)
		return LSA_NO_DOMAIN;
	while (i < w->a.domain_count && !sid_equal(&w->domains[i].sid, &p->domain_sid))
		i++;
	if (i == w->a.domain_count) { /* at most one for each thing asked for */
		w->domains[i].name = call_text(w->call, "%s", p->domain);
		w->domains[i].sid = p->domain_sid;
		w->a.domain_count++;
	}
	return i;
}

/* What stands for a name that is not known: the number of the account where its domain is known,
 * else the whole SID, so that people see what it is that has no name. */
static const char *unknown_name(struct work *w, const struct sid *sid, bool has_domain)
{
	char text[SID_TEXT_SIZE];

	return has_domain ? call_text(w->call, "%08X", sid->sub[sid->sub_count - 1])
			  : call_text(w->call, "%s", sid_format(sid, text));
}

static void take_name(struct work *w, uint32_t i, const struct manage_principal *p)
{
	struct lsa_translation *t = &w->found[i];

	t->use = p->use;
	t->domain = domain_index(w, p);
	t->name = p->use == SID_USE_UNKNOWN ? unknown_name(w, &w->q.sids[i], p->has_domain)
					    : call_text(w->call, "%s", p->name);
}

static void take_sid(struct work *w, uint32_t i, const struct manage_principal *p)
{
	struct lsa_translation *t = &w->found[i];

	t->use = p->use;
	t->domain = domain_index(w, p);
	if (p->use == SID_USE_UNKNOWN)
		return;
	t->has_sid = true;
	t->sid = p->sid;
	t->rid = p->use == SID_USE_DOMAIN ? UINT32_MAX : p->sid.sub[p->sid.sub_count - 1];
}

static bool make_room(struct work *w)
{
	w->found = ndr_alloc(w->call->in, w->q.count, sizeof(*w->found));
	w->domains = ndr_alloc(w->call->in, w->q.count, sizeof(*w->domains));
	w->servers = manage_circle_of(w->server, w->who);
	return w->found && w->domains;
}

static ntstatus answer_lookup(struct work *w)
{
	w->a.translations = w->found;
	w->a.count = w->q.count;
	w->a.domains = w->domains;
	w->a.has_domains = true;
	if (w->a.mapped == w->q.count)
		return STATUS_SUCCESS;
	return w->a.mapped ? STATUS_SOME_NOT_MAPPED : STATUS_NONE_MAPPED;
}

/* The other levels are for domain controllers (MS-LSAT 2.2.16). */
static bool is_asked_here(const struct work *w)
{
	return w->q.level == LSA_LOOKUP_WKSTA;
}

static ntstatus lookup_sids(struct work *w)
{
	struct manage_principal p;

	if (!is_asked_here(w) || w->q.has_null_sid)
		return STATUS_INVALID_PARAMETER;
	if (!make_room(w))
		return STATUS_INSUFFICIENT_RESOURCES;
	for (uint32_t i = 0; i < w->q.count && !w->call->in->c.bad; i++) {
		ntstatus status = manage_principal_of_sid(w->servers, &w->q.sids[i], &p);

		if (status == STATUS_ACCESS_DENIED)
			return status;
		take_name(w, i, &p);
		w->a.mapped += status == STATUS_SUCCESS;
	}
	return answer_lookup(w);
}

static ntstatus lookup_names(struct work *w)
{
	struct manage_principal p;

	if (!is_asked_here(w))
		return STATUS_INVALID_PARAMETER;
	if (!make_room(w))
		return STATUS_INSUFFICIENT_RESOURCES;
	for (uint32_t i = 0; i < w->q.count && !w->call->in->c.bad; i++) {
		ntstatus status = manage_principal_of_name(w->servers, w->q.names[i], &p);

		if (status == STATUS_ACCESS_DENIED)
			return status;
		take_sid(w, i, &p);
		w->a.mapped += status == STATUS_SUCCESS;
	}
	return answer_lookup(w);
}

/* ---- the calls */

static const struct {
	uint16_t opnum;
	bool has_handle;
	uint32_t access; /* that its handle was opened with */
	ntstatus (*run)(struct work *w);
} works[] = {
	{ LSA_CLOSE, true, 0, close_handle },
	{ LSA_OPEN_POLICY, false, 0, open_policy },
	{ LSA_OPEN_POLICY2, false, 0, open_policy },
	{ LSA_QUERY_INFORMATION_POLICY, true, POLICY_VIEW_LOCAL_INFORMATION, query_policy },
	{ LSA_QUERY_INFORMATION_POLICY2, true, POLICY_VIEW_LOCAL_INFORMATION, query_policy },
	{ LSA_GET_USER_NAME, false, 0, get_user_name },
	{ LSA_LOOKUP_SIDS, true, POLICY_LOOKUP_NAMES, lookup_sids },
	{ LSA_LOOKUP_SIDS2, true, POLICY_LOOKUP_NAMES, lookup_sids },
	{ LSA_LOOKUP_NAMES, true, POLICY_LOOKUP_NAMES, lookup_names },
	{ LSA_LOOKUP_NAMES2, true, POLICY_LOOKUP_NAMES, lookup_names },
	{ LSA_LOOKUP_NAMES3, true, POLICY_LOOKUP_NAMES, lookup_names },
};

static ntstatus run_work(struct work *w, size_t which)
{
	if (w->call->refused)
		return STATUS_ACCESS_DENIED;
	if (works[which].has_handle) {
		w->h = handle_find(*w->call->state, w->q.handle);
		if (!w->h)
			return STATUS_INVALID_HANDLE;
		if ((w->h->access & works[which].access) != works[which].access)
			return STATUS_ACCESS_DENIED;
	}
	return works[which].run(w);
}

static uint32_t any_call(struct rpc_call *call)
{
	struct work w = { .call = call, .server = call->peer->server, .who = call->peer->token };
	uint32_t fault = lsa_request_decode(call->in, call->opnum, &w.q);
	size_t which = 0;

	if (fault)
		return fault;
	if (!call_may_look_up(call, w.q.count))
		return RPC_FAULT_SERVER_TOO_BUSY;
	while (works[which].opnum != call->opnum)
		which++;
	call->status = run_work(&w, which);
	w.a.status = call->status;
	lsa_reply_encode(call->out, call->opnum, &w.q, &w.a);
	manage_circle_free(w.servers);
	return RPC_FAULT_NONE;
}

static const struct rpc_row rows[] = {
	{ LSA_CLOSE, "LsarClose", RPC_NEEDS_ACCOUNT, false, any_call },
	{ LSA_OPEN_POLICY, "LsarOpenPolicy", RPC_NEEDS_ACCOUNT, false, any_call },
	{ LSA_OPEN_POLICY2, "LsarOpenPolicy2", RPC_NEEDS_ACCOUNT, false, any_call },
	{ LSA_QUERY_INFORMATION_POLICY, "LsarQueryInformationPolicy", RPC_NEEDS_ACCOUNT, false,
	  any_call },
	{ LSA_QUERY_INFORMATION_POLICY2, "LsarQueryInformationPolicy2", RPC_NEEDS_ACCOUNT, false,
	  any_call },
	{ LSA_GET_USER_NAME, "LsarGetUserName", RPC_NEEDS_PIPE, false, any_call },
	{ LSA_LOOKUP_SIDS, "LsarLookupSids", RPC_NEEDS_ACCOUNT, false, any_call },
	{ LSA_LOOKUP_SIDS2, "LsarLookupSids2", RPC_NEEDS_ACCOUNT, false, any_call },
	{ LSA_LOOKUP_NAMES, "LsarLookupNames", RPC_NEEDS_ACCOUNT, false, any_call },
	{ LSA_LOOKUP_NAMES2, "LsarLookupNames2", RPC_NEEDS_ACCOUNT, false, any_call },
	{ LSA_LOOKUP_NAMES3, "LsarLookupNames3", RPC_NEEDS_ACCOUNT, false, any_call },
};

const struct rpc_interface rpc_lsarpc = {
	.pipe = "lsarpc",
	.beside = &rpc_dssetup,
	.syntax = &LSA_INTERFACE,
	.rows = rows,
	.row_count = ARRAY_LEN(rows),
	.state_free = handles_free,
};
