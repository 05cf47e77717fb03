// SPDX-License-Identifier: Apache-2.0
/* What becomes of a client's opens in the model when it leaves, or loses its connection. */
#include "model_impl.h"

#include <stdio.h>

/* They end in this order. */
static struct model_open *youngest(struct model *model, unsigned client)
{
	struct model_open *last = NULL;

	for (size_t i = 0; i < MODEL_OPENS; i++) {
		struct model_open *o = &model->opens[i];

		if (o->node && !o->is_kept && o->client == client &&
		    (!last || o->entered > last->entered))
			last = o;
	}
	return last;
}

ntstatus leave_apply(struct model *model, const struct op *op)
{
	for (struct model_open *open; (open = youngest(model, op->client));)
		open_end(model, open);
	return STATUS_SUCCESS;
}

/* Nobody is there to be told. */
static void forget_events(struct outcome *out, unsigned client)
{
	char kept[MODEL_EVENTS] = "", mine[32];
	size_t length = 0;

	snprintf(mine, sizeof(mine), "client %u:", client);
	for (const char *at = out->events, *end; *at; at = end + 1) {
		end = strchr(at, '\n');
		if (strncmp(at, mine, strlen(mine)) != 0)
			length += (size_t)snprintf(kept + length, sizeof(kept) - length, "%.*s\n",
						   (int)(end - at), at);
	}
	memcpy(out->events, kept, sizeof(kept));
}

/* MS-SMB2 3.3.7.1: what is durable and still keeps its handle is kept, all else is closed. */
ntstatus lose_apply(struct model *model, const struct op *op)
{
	for (size_t i = 0; i < MODEL_WAITS; i++) /* who waits there waits no more */
		if (model->waits[i].op.client == op->client && &model->waits[i] != model->parked)
			model->waits[i].is_used = false;
	for (struct model_open *open; (open = youngest(model, op->client));) {
		if (open->durable && open->oplock == SMB2_OPLOCK_LEVEL_BATCH &&
		    !open->oplock_breaking)
			open->is_kept = true;
		else
			open_end(model, open);
	}
	forget_events(model->out, op->client);
	return STATUS_SUCCESS;
}

/* MS-SMB2 3.3.5.9.12. */
ntstatus return_apply(struct model *model, const struct op *op, struct outcome *out)
{
	struct model_open *open = &model->opens[op->slot];

	open->is_kept = false;
	open->entered = ++model->opened;
	out->action = FILE_OPENED;
	out->oplock = open->oplock;
	node_answer(open->node, open->stream, out);
	return STATUS_SUCCESS;
}
