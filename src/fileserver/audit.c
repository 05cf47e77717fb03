// SPDX-License-Identifier: Apache-2.0
/*
 * What SACLs want to be told: opens that were granted or refused, as lines of the log (MS-DTYP
 * 2.4.5). Where a file is made it is its directory that speaks: the right to add to it was used.
 */
#include <auth/access.h>
#include <base/log.h>

#include "opens.h"

static void tell(const struct open_request *request, const char *path, uint32_t access,
		 ntstatus status)
{
	auto_free char *user = token_full_name(request->token);

	log_info("audit open result=%s server=%s share=%s path=%s user=%s session=0x%llx "
		 "access=0x%08x status=%s",
		 status == STATUS_SUCCESS ? "granted" : "refused", request->share->server->name,
		 LOG_TEXT(request->share->name), LOG_TEXT(path), LOG_TEXT(user),
		 (unsigned long long)request->session_id, access, ntstatus_name(status));
}

void audit_rights(struct audit *audit, const struct open_request *request,
		  const struct descriptor *descriptor, uint32_t access, ntstatus status)
{
	bool is_granted = status == STATUS_SUCCESS;

	if (!is_granted && status != STATUS_ACCESS_DENIED && status != STATUS_PRIVILEGE_NOT_HELD)
		return;
	if (!access_audited(descriptor->sd, request->token, access, is_granted))
		return;
	if (is_granted) { /* told when the open is there: until then it may wait, or fail */
		audit->is_due = true;
		audit->access = access;
	} else {
		tell(request, request->path, access, status);
	}
}

void audit_opened(const struct audit *audit, const struct open_request *request)
{
	if (audit->is_due)
		tell(request, request->path, audit->access, STATUS_SUCCESS);
}
