// SPDX-License-Identifier: Apache-2.0
/* One group or user of a file server (MS-SAMR 3.1.5.1, 3.1.5.5, 3.1.5.8, 3.1.5.9), to read. */
#include "samr.h"

static enum manage_account_kind groups_of(const struct handle *h)
{
	return h->builtin ? MANAGE_BUILTINS : MANAGE_GROUPS;
}

ntstatus samr_open_alias(struct samr_work *w)
{
	ntstatus status =
		manage_account_numbered(w->server, w->who, groups_of(w->h), w->q.rid, &w->account);

	return status ? status : samr_open_handle(w, OF_ALIAS, w->h->builtin, w->q.rid);
}

ntstatus samr_open_user(struct samr_work *w)
{
	ntstatus status;

	if (w->h->builtin)
		return STATUS_NO_SUCH_USER;
	status = manage_account_numbered(w->server, w->who, MANAGE_USERS, w->q.rid, &w->account);
	return status ? status : samr_open_handle(w, OF_USER, false, w->q.rid);
}

/* The one thing that a query answers, in the class that was asked for. */
static struct samr_entry *one(struct samr_work *w)
{
	struct samr_entry *entry = ndr_alloc(w->call->in, 1, sizeof(*entry));

	if (entry) {
		w->a.entries = entry;
		w->a.count = 1;
		w->a.information_class = w->q.information_class;
	}
	return entry;
}

ntstatus samr_query_alias(struct samr_work *w)
{
	struct samr_entry *entry;
	size_t members;
	ntstatus status;

	if (w->q.information_class < SAMR_ALIAS_GENERAL ||
	    w->q.information_class > SAMR_ALIAS_COMMENT)
		return STATUS_INVALID_INFO_CLASS;
	status =
		manage_account_numbered(w->server, w->who, groups_of(w->h), w->h->rid, &w->account);
	if (!status)
		status = manage_members(w->server, w->who, w->h->rid, w->h->builtin, &w->members,
					&members);
	if (status)
		return status;
	entry = one(w);
	if (!entry)
		return STATUS_INSUFFICIENT_RESOURCES;
	entry->name = w->account.name;
	entry->comment = w->account.full_name;
	entry->control = (uint32_t)members;
	return STATUS_SUCCESS;
}

/* What the handle may read; of the rest, and of what is not kept, WhichFields says nothing. */
ntstatus samr_query_user(struct samr_work *w)
{
	struct samr_entry *entry;
	ntstatus status;

	if (w->q.information_class != SAMR_USER_ALL)
		return STATUS_INVALID_INFO_CLASS;
	if (!(w->h->access & (USER_READ_GENERAL | USER_READ_ACCOUNT)))
		return STATUS_ACCESS_DENIED;
	status = manage_account_numbered(w->server, w->who, MANAGE_USERS, w->h->rid, &w->account);
	if (status)
		return status;
	entry = one(w);
	if (!entry)
		return STATUS_INSUFFICIENT_RESOURCES;
	if (w->h->access & USER_READ_GENERAL) {
		entry->fields |= SAMR_FIELDS_GENERAL;
		entry->name = w->account.name;
		entry->full_name = w->account.full_name;
		entry->rid = w->account.rid;
		entry->primary_group = RID_NONE_GROUP;
	}
	if (w->h->access & USER_READ_ACCOUNT) {
		entry->fields |= SAMR_FIELDS_ACCOUNT;
		entry->control = samr_control_of(&w->account);
	}
	return STATUS_SUCCESS;
}

ntstatus samr_get_groups(struct samr_work *w)
{
	w->a.entries = samr_group_none(w);
	w->a.count = w->a.entries != NULL;
	return w->a.entries ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

ntstatus samr_get_members(struct samr_work *w)
{
	size_t count;
	ntstatus status =
		manage_members(w->server, w->who, w->h->rid, w->h->builtin, &w->members, &count);

	w->a.members = w->members;
	w->a.member_count = (uint32_t)count;
	return status;
}
