// SPDX-License-Identifier: Apache-2.0
/* What the files of samr share: one call while it runs, and what several calls do. */
#ifndef RPC_SAMR_H
#define RPC_SAMR_H

#include <wire/samr.h>

#include "handles.h"
#include "interface.h"

/* What a handle is of. */
enum samr_kind { NO_HANDLE, ANY_HANDLE, OF_SERVER, OF_DOMAIN, OF_ALIAS, OF_USER };

/* One call with its request, its handle and its reply. */
struct samr_work {
	struct rpc_call *call;
	struct server *server;
	const struct token *who;
	struct samr_request q;
	struct handle *h;
	struct samr_reply a;
	struct manage_account *accounts; /* what the reply's texts are in */
	size_t account_count;
	struct sid *members;
	struct manage_account account; /* the same of one */
};

/* samr_open_handle - for what the request wants, into the reply. */
ntstatus samr_open_handle(struct samr_work *w, enum samr_kind kind, bool builtin, uint32_t rid);
/* samr_control_of - UserAccountControl of a user. */
uint32_t samr_control_of(const struct manage_account *account);
/* samr_group_none - the one group, in the sense of a domain's, that a server by itself has:
 * everyone's primary. NULL: no memory. */
struct samr_entry *samr_group_none(struct samr_work *w);

/* samr_object.c: the calls about one group or user. */
ntstatus samr_open_alias(struct samr_work *w);
ntstatus samr_query_alias(struct samr_work *w);
ntstatus samr_get_members(struct samr_work *w);
ntstatus samr_open_user(struct samr_work *w);
ntstatus samr_query_user(struct samr_work *w);
ntstatus samr_get_groups(struct samr_work *w);

#endif
