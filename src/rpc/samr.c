// SPDX-License-Identifier: Apache-2.0
/*
 * The security account manager of a file server (MS-SAMR), to read: which users and groups there
 * are, and who is in which. For Administrators of the file server, as Windows has it since Server
 * 2016. Accounts are changed by berth user and berth group; calls that would change something have
 * no row.
 *
 * There are two domains, the file server's own and BUILTIN. A handle is of the server, of one of
 * these, of a group or of a user.
 */
#include <base/utf16.h>

#include "samr.h"

/* MS-SAMR 2.2.1.3, 2.2.1.4, 2.2.1.6, 2.2.1.7 */
static const struct handle_rights rights[] = {
	[OF_SERVER] = { 0x00020010, 0x0002000e, 0x00020021, 0x000f003f },
	[OF_DOMAIN] = { 0x00020084, 0x0002047a, 0x00020301, 0x000f07ff },
	[OF_ALIAS] = { 0x00020004, 0x00020013, 0x00020008, 0x000f001f },
	[OF_USER] = { 0x0002031a, 0x00020044, 0x00020041, 0x000f07ff },
};

#define BUILTIN_NAME "Builtin"

ntstatus samr_open_handle(struct samr_work *w, enum samr_kind kind, bool builtin, uint32_t rid)
{
	uint32_t access = handle_access(w->q.access, &rights[kind], rights[kind].all);
	struct handle *h;

	if (access & ~rights[kind].all)
		return STATUS_ACCESS_DENIED;
	h = handle_new(w->call->state, HANDLES_MAX, w->a.handle);
	if (!h)
		return STATUS_INSUFFICIENT_RESOURCES;
	h->access = access;
	h->kind = (uint8_t)kind;
	h->builtin = builtin;
	h->rid = rid;
	return STATUS_SUCCESS;
}

static ntstatus connect_server(struct samr_work *w)
{
	return samr_open_handle(w, OF_SERVER, false, 0);
}

static ntstatus connect_versioned(struct samr_work *w)
{
	return w->q.in_version == 1 ? connect_server(w) : STATUS_NOT_SUPPORTED;
}

static ntstatus close_handle(struct samr_work *w)
{
	handle_close(w->h);
	return STATUS_SUCCESS;
}

/* ---- domains: 3.1.5.11.1, 3.1.5.2.1, 3.1.5.1.5 */

static ntstatus lookup_domain(struct samr_work *w)
{
	bool builtin = !name_compare(w->q.name, BUILTIN_NAME);

	if (!builtin && name_compare(w->q.name, w->server->name) != 0)
		return STATUS_NO_SUCH_DOMAIN;
	w->a.has_sid = true;
	w->a.sid = builtin ? SID_BUILTIN : w->server->domain_sid;
	return STATUS_SUCCESS;
}

static ntstatus open_domain(struct samr_work *w)
{
	bool builtin = sid_equal(&w->q.sid, &SID_BUILTIN);

	if (!builtin && !sid_equal(&w->q.sid, &w->server->domain_sid))
		return STATUS_NO_SUCH_DOMAIN;
	return samr_open_handle(w, OF_DOMAIN, builtin, 0);
}

/* ---- lists */

/*
 * give - the part of @all that the request's resume number, preferred length and count ask for: at
 * least one entry, so that whoever goes on comes to the end.
 */
static ntstatus give(struct samr_work *w, const struct samr_entry *all, uint32_t count)
{
	uint32_t most = (uint32_t)min_u64(w->q.most_bytes, RPC_LIST_BYTES);
	uint32_t first = (uint32_t)min_u64(w->q.resume, count), last = first;

	for (uint32_t i = 0; i < count; i++)
		w->a.total_bytes += samr_entry_bytes(&all[i]);
	while (last < count && (last == first || w->a.returned_bytes < most) &&
	       last - first < w->q.most_entries)
		w->a.returned_bytes += samr_entry_bytes(&all[last++]);
	w->a.entries = all + first;
	w->a.first = first;
	w->a.count = last - first;
	w->a.resume = last;
	return last < count ? STATUS_MORE_ENTRIES : STATUS_SUCCESS;
}

uint32_t samr_control_of(const struct manage_account *account)
{
	return USER_NORMAL_ACCOUNT | (account->is_disabled ? USER_ACCOUNT_DISABLED : 0) |
	       (account->must_change_password ? USER_PASSWORD_EXPIRED : 0);
}

/* Accounts of @kind as entries, those whose control has a bit of @filter (0: all of them). */
static ntstatus load(struct samr_work *w, enum manage_account_kind kind, uint32_t filter,
		     struct samr_entry **out, uint32_t *count)
{
	ntstatus status = manage_accounts(w->server, w->who, kind, &w->accounts, &w->account_count);

	*count = 0;
	if (status != STATUS_SUCCESS)
		return status;
	*out = ndr_alloc(w->call->in, w->account_count, sizeof(**out));
	if (!*out)
		return STATUS_INSUFFICIENT_RESOURCES;
	for (size_t i = 0; i < w->account_count; i++) {
		const struct manage_account *account = &w->accounts[i];
		bool is_user = kind == MANAGE_USERS;
		uint32_t control = is_user ? samr_control_of(account) : SAMR_GROUP_ATTRIBUTES;

		if (filter && !(control & filter))
			continue;
		(*out)[(*count)++] =
			(struct samr_entry){ .rid = account->rid,
					     .control = control,
					     .name = account->name,
					     .comment = is_user ? "" : account->full_name,
					     .full_name = is_user ? account->full_name : NULL };
	}
	return STATUS_SUCCESS;
}

static ntstatus enumerate_domains(struct samr_work *w)
{
	struct samr_entry *domains = ndr_alloc(w->call->in, 2, sizeof(*domains));

	if (!domains)
		return STATUS_INSUFFICIENT_RESOURCES;
	domains[0].name = w->server->name;
	domains[1].name = BUILTIN_NAME;
	w->q.most_entries = UINT32_MAX;
	return give(w, domains, 2);
}

static ntstatus enumerate(struct samr_work *w, enum manage_account_kind kind, uint32_t filter)
{
	struct samr_entry *entries = NULL;
	uint32_t count;
	ntstatus status = load(w, kind, filter, &entries, &count);

	w->q.most_entries = UINT32_MAX;
	return status ? status : give(w, entries, count);
}

/* BUILTIN has no users. */
static ntstatus enumerate_users(struct samr_work *w)
{
	return w->h->builtin ? STATUS_SUCCESS : enumerate(w, MANAGE_USERS, w->q.control);
}

static ntstatus enumerate_aliases(struct samr_work *w)
{
	return enumerate(w, w->h->builtin ? MANAGE_BUILTINS : MANAGE_GROUPS, 0);
}

struct samr_entry *samr_group_none(struct samr_work *w)
{
	struct samr_entry *none = ndr_alloc(w->call->in, 1, sizeof(*none));

	if (none)
		*none = (struct samr_entry){ .rid = RID_NONE_GROUP,
					     .control = SAMR_GROUP_ATTRIBUTES,
					     .name = "None",
					     .comment = "Ordinary users" };
	return none;
}

static ntstatus give_group_none(struct samr_work *w)
{
	const struct samr_entry *none = samr_group_none(w);

	if (!none)
		return STATUS_INSUFFICIENT_RESOURCES;
	return give(w, none, w->h->builtin ? 0 : 1);
}

static ntstatus enumerate_groups(struct samr_work *w)
{
	w->q.most_entries = UINT32_MAX;
	return give_group_none(w);
}

/* 3.1.5.3.1 */
static ntstatus query_display(struct samr_work *w)
{
	struct samr_entry *entries = NULL;
	uint32_t count = 0;
	ntstatus status = STATUS_SUCCESS;

	w->a.information_class = w->q.information_class;
	if (w->q.information_class == SAMR_DISPLAY_GROUP)
		return give_group_none(w);
	if (w->q.information_class != SAMR_DISPLAY_USER) {
		w->a.information_class = SAMR_DISPLAY_USER; /* of which there are none */
		return STATUS_INVALID_INFO_CLASS;
	}
	if (!w->h->builtin)
		status = load(w, MANAGE_USERS, 0, &entries, &count);
	return status || !count ? status : give(w, entries, count);
}

/* ---- 3.1.5.11.2, 3.1.5.11.3: which numbers names of a domain have, and the other way */

static void circle_put(struct manage_circle **servers)
{
	manage_circle_free(*servers);
}

static void number(struct samr_work *w, const struct manage_circle *servers, const char *name,
		   struct samr_entry *entry)
{
	auto_free char *whole =
		xasprintf("%s\\%s", w->h->builtin ? BUILTIN_NAME : w->server->name, name);
	struct manage_principal p;

	entry->use = SID_USE_UNKNOWN;
	if (manage_principal_of_name(servers, whole, &p) != STATUS_SUCCESS)
		return;
	entry->use = p.use;
	entry->rid = p.sid.sub[p.sid.sub_count - 1];
}

static ntstatus looked_up(struct samr_work *w, const struct samr_entry *entries, uint32_t found)
{
	w->a.entries = entries;
	w->a.count = w->q.count;
	if (found == w->q.count)
		return STATUS_SUCCESS;
	return found ? STATUS_SOME_NOT_MAPPED : STATUS_NONE_MAPPED;
}

static ntstatus lookup_names(struct samr_work *w)
{
	struct samr_entry *entries = ndr_alloc(w->call->in, w->q.count, sizeof(*entries));
	struct manage_circle *servers cleanup(circle_put) = manage_circle_of(w->server, w->who);
	uint32_t found = 0;

	if (!entries)
		return STATUS_INSUFFICIENT_RESOURCES;
	for (uint32_t i = 0; i < w->q.count; i++) {
		number(w, servers, w->q.names[i], &entries[i]);
		found += entries[i].use != SID_USE_UNKNOWN;
	}
	return looked_up(w, entries, found);
}

static ntstatus lookup_ids(struct samr_work *w)
{
	struct samr_entry *entries = ndr_alloc(w->call->in, w->q.count, sizeof(*entries));
	const struct sid *domain = w->h->builtin ? &SID_BUILTIN : &w->server->domain_sid;
	struct manage_circle *servers cleanup(circle_put) = manage_circle_of(w->server, w->who);
	uint32_t found = 0;

	if (!entries)
		return STATUS_INSUFFICIENT_RESOURCES;
	for (uint32_t i = 0; i < w->q.count; i++) {
		struct sid sid = sid_child(domain, w->q.rids[i]);
		struct manage_principal p;

		entries[i].use = SID_USE_UNKNOWN;
		if (manage_principal_of_sid(servers, &sid, &p) != STATUS_SUCCESS)
			continue;
		entries[i].use = p.use;
		entries[i].name = call_text(w->call, "%s", p.name);
		found++;
	}
	return looked_up(w, entries, found);
}

/* ---- the calls */

static const struct {
	uint16_t opnum;
	enum samr_kind kind; /* of its handle */
	uint32_t access;     /* that it was opened with */
	ntstatus (*run)(struct samr_work *w);
} works[] = {
	{ SAMR_CONNECT, NO_HANDLE, 0, connect_server },
	{ SAMR_CONNECT2, NO_HANDLE, 0, connect_server },
	{ SAMR_CONNECT4, NO_HANDLE, 0, connect_server },
	{ SAMR_CONNECT5, NO_HANDLE, 0, connect_versioned },
	{ SAMR_CLOSE_HANDLE, ANY_HANDLE, 0, close_handle },
	{ SAMR_LOOKUP_DOMAIN, OF_SERVER, SAM_SERVER_LOOKUP_DOMAIN, lookup_domain },
	{ SAMR_ENUMERATE_DOMAINS, OF_SERVER, SAM_SERVER_ENUMERATE, enumerate_domains },
	{ SAMR_OPEN_DOMAIN, OF_SERVER, SAM_SERVER_LOOKUP_DOMAIN, open_domain },
	{ SAMR_ENUMERATE_GROUPS, OF_DOMAIN, DOMAIN_LIST_ACCOUNTS, enumerate_groups },
	{ SAMR_ENUMERATE_USERS, OF_DOMAIN, DOMAIN_LIST_ACCOUNTS, enumerate_users },
	{ SAMR_ENUMERATE_ALIASES, OF_DOMAIN, DOMAIN_LIST_ACCOUNTS, enumerate_aliases },
	{ SAMR_LOOKUP_NAMES, OF_DOMAIN, DOMAIN_LOOKUP, lookup_names },
	{ SAMR_LOOKUP_IDS, OF_DOMAIN, DOMAIN_LOOKUP, lookup_ids },
	{ SAMR_OPEN_ALIAS, OF_DOMAIN, DOMAIN_LOOKUP, samr_open_alias },
	{ SAMR_QUERY_ALIAS, OF_ALIAS, ALIAS_READ_INFORMATION, samr_query_alias },
	{ SAMR_GET_MEMBERS_IN_ALIAS, OF_ALIAS, ALIAS_LIST_MEMBERS, samr_get_members },
	{ SAMR_OPEN_USER, OF_DOMAIN, DOMAIN_LOOKUP, samr_open_user },
	{ SAMR_QUERY_USER, OF_USER, 0, samr_query_user }, /* each field asks for its own */
	{ SAMR_QUERY_USER2, OF_USER, 0, samr_query_user },
	{ SAMR_GET_GROUPS_FOR_USER, OF_USER, USER_LIST_GROUPS, samr_get_groups },
	{ SAMR_QUERY_DISPLAY, OF_DOMAIN, DOMAIN_LIST_ACCOUNTS, query_display },
	{ SAMR_QUERY_DISPLAY2, OF_DOMAIN, DOMAIN_LIST_ACCOUNTS, query_display },
	{ SAMR_QUERY_DISPLAY3, OF_DOMAIN, DOMAIN_LIST_ACCOUNTS, query_display },
};

static ntstatus run_work(struct samr_work *w)
{
	size_t which = 0;

	if (w->call->refused)
		return STATUS_ACCESS_DENIED;
	while (works[which].opnum != w->call->opnum)
		which++;
	if (works[which].kind != NO_HANDLE) {
		w->h = handle_find(*w->call->state, w->q.handle);
		if (!w->h || (works[which].kind != ANY_HANDLE && w->h->kind != works[which].kind))
			return STATUS_INVALID_HANDLE;
		if ((w->h->access & works[which].access) != works[which].access)
			return STATUS_ACCESS_DENIED;
	}
	return works[which].run(w);
}

static uint32_t any_call(struct rpc_call *call)
{
	struct samr_work w = { .call = call,
			       .server = call->peer->server,
			       .who = call->peer->token };
	uint32_t fault = samr_request_decode(call->in, call->opnum, &w.q);

	if (fault)
		return fault;
	if (!call_may_look_up(call, w.q.count))
		return RPC_FAULT_SERVER_TOO_BUSY;
	w.a.information_class = SAMR_DISPLAY_USER;
	call->status = run_work(&w);
	w.a.status = call->status;
	samr_reply_encode(call->out, call->opnum, &w.a);
	manage_accounts_free(w.accounts, w.account_count);
	free(w.members);
	free(w.account.name);
	free(w.account.full_name);
	return RPC_FAULT_NONE;
}

static const struct rpc_row rows[] = {
	{ SAMR_CONNECT, "SamrConnect", RPC_NEEDS_ADMIN, false, any_call },
	{ SAMR_CONNECT2, "SamrConnect2", RPC_NEEDS_ADMIN, false, any_call },
	{ SAMR_CONNECT4, "SamrConnect4", RPC_NEEDS_ADMIN, false, any_call },
	{ SAMR_CONNECT5, "SamrConnect5", RPC_NEEDS_ADMIN, false, any_call },
	{ SAMR_CLOSE_HANDLE, "SamrCloseHandle", RPC_NEEDS_ADMIN, false, any_call },
	{ SAMR_LOOKUP_DOMAIN, "SamrLookupDomainInSamServer", RPC_NEEDS_ADMIN, false, any_call },
	{ SAMR_ENUMERATE_DOMAINS, "SamrEnumerateDomainsInSamServer", RPC_NEEDS_ADMIN, false,
	  any_call },
	{ SAMR_OPEN_DOMAIN, "SamrOpenDomain", RPC_NEEDS_ADMIN, false, any_call },
	{ SAMR_ENUMERATE_GROUPS, "SamrEnumerateGroupsInDomain", RPC_NEEDS_ADMIN, false, any_call },
	{ SAMR_ENUMERATE_USERS, "SamrEnumerateUsersInDomain", RPC_NEEDS_ADMIN, false, any_call },
	{ SAMR_ENUMERATE_ALIASES, "SamrEnumerateAliasesInDomain", RPC_NEEDS_ADMIN, false,
	  any_call },
	{ SAMR_LOOKUP_NAMES, "SamrLookupNamesInDomain", RPC_NEEDS_ADMIN, false, any_call },
	{ SAMR_LOOKUP_IDS, "SamrLookupIdsInDomain", RPC_NEEDS_ADMIN, false, any_call },
	{ SAMR_OPEN_ALIAS, "SamrOpenAlias", RPC_NEEDS_ADMIN, false, any_call },
	{ SAMR_QUERY_ALIAS, "SamrQueryInformationAlias", RPC_NEEDS_ADMIN, false, any_call },
	{ SAMR_GET_MEMBERS_IN_ALIAS, "SamrGetMembersInAlias", RPC_NEEDS_ADMIN, false, any_call },
	{ SAMR_OPEN_USER, "SamrOpenUser", RPC_NEEDS_ADMIN, false, any_call },
	{ SAMR_QUERY_USER, "SamrQueryInformationUser", RPC_NEEDS_ADMIN, false, any_call },
	{ SAMR_QUERY_USER2, "SamrQueryInformationUser2", RPC_NEEDS_ADMIN, false, any_call },
	{ SAMR_GET_GROUPS_FOR_USER, "SamrGetGroupsForUser", RPC_NEEDS_ADMIN, false, any_call },
	{ SAMR_QUERY_DISPLAY, "SamrQueryDisplayInformation", RPC_NEEDS_ADMIN, false, any_call },
	{ SAMR_QUERY_DISPLAY2, "SamrQueryDisplayInformation2", RPC_NEEDS_ADMIN, false, any_call },
	{ SAMR_QUERY_DISPLAY3, "SamrQueryDisplayInformation3", RPC_NEEDS_ADMIN, false, any_call },
};

const struct rpc_interface rpc_samr = {
	.pipe = "samr",
	.syntax = &SAMR_INTERFACE,
	.rows = rows,
	.row_count = ARRAY_LEN(rows),
	.state_free = handles_free,
};
