// SPDX-License-Identifier: Apache-2.0
/*
 * Lists that come in parts (MS-SRVS 3.1.4.8 and the other Enum calls). The resume handle is the
 * index of the first entry of the next part, as lists are in an order that does not change by
 * itself.
 */
#include <wire/srvsvc.h>

#include "interface.h"

static uint32_t answer(struct rpc_call *call, const struct srvsvc_enum_request *request,
		       const struct srvsvc_enum_reply *reply)
{
	struct srvsvc_enum_reply a = *reply;

	a.list.level = request->list.level;
	a.list.has_container = request->list.has_container;
	a.has_resume = request->has_resume;
	call->status = a.status;
	srvsvc_enum_reply_encode(call->out, call->opnum, &a);
	return RPC_FAULT_NONE;
}

uint32_t list_answer(struct rpc_call *call, const struct srvsvc_enum_request *request,
		     const struct list *list, uint32_t status)
{
	const struct ndr_levels *levels = srvsvc_enum_levels(call->opnum);
	const struct ndr_level *level = ndr_level_find(levels, request->list.level);
	struct srvsvc_enum_reply reply = { .status = status };
	size_t first = (size_t)min_u64(request->resume, list->count);
	size_t left = list->count - first;
	size_t most = (size_t)min_u64(left, RPC_LIST_BYTES / levels->row_size);
	size_t budget = (size_t)min_u64(request->preferred_maximum, RPC_LIST_BYTES);
	char *rows;

	call->object = call_text(call, "level-%u", request->list.level);
	if (!status && !request->list.has_container)
		reply.status = WERR_INVALID_PARAMETER;
	if (reply.status || !left)
		return answer(call, request, &reply);
	rows = ndr_alloc(call->in, most, levels->row_size);
	if (!rows)
		return RPC_FAULT_OUT_OF_MEMORY;
	for (size_t i = 0; i < most; i++) {
		void *row = rows + i * levels->row_size;
		size_t bytes;

		list->fill(call, list->source, first + i, row);
		bytes = ndr_level_bytes(level, row);
		if (bytes > budget)
			break;
		budget -= bytes;
		reply.list.count++;
	}
	reply.list.rows = reply.list.count ? rows : NULL;
	reply.total = (uint32_t)left;
	if (reply.list.count < left) {
		reply.status = reply.list.count ? WERR_MORE_DATA : NERR_BUF_TOO_SMALL;
		reply.resume = (uint32_t)(first + reply.list.count);
	}
	return answer(call, request, &reply);
}
