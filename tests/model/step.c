// SPDX-License-Identifier: Apache-2.0
/* One step of the model: its own answer, and what it lets earlier requests go on to. */
#include "model_impl.h"

const char *const kind_names[OP_KINDS] = {
	[OP_CREATE] = "create",
	[OP_CLOSE] = "close",
	[OP_READ] = "read",
	[OP_WRITE] = "write",
	[OP_SET_SIZE] = "set-size",
	[OP_SET_ATTRIBUTES] = "set-attributes",
	[OP_DISPOSITION] = "disposition",
	[OP_RENAME] = "rename",
	[OP_LOCK] = "lock",
	[OP_UNLOCK] = "unlock",
	[OP_QUERY] = "query",
	[OP_LIST] = "list",
	[OP_STREAMS] = "streams",
	[OP_LEAVE] = "leave",
	[OP_SET_TIMES] = "set-times",
	[OP_ACK] = "acknowledge",
	[OP_CANCEL] = "cancel",
	[OP_ZERO] = "zero",
	[OP_COPY] = "copy",
	[OP_LOSE] = "lose",
	[OP_RETURN] = "return",
};

static ntstatus use_open(struct model *model, const struct op *op, struct outcome *out)
{
	struct model_open *open = &model->opens[op->slot];

	switch (op->kind) {
	case OP_SET_ATTRIBUTES:
		return attributes_apply(model, open, op);
	case OP_SET_TIMES:
		return times_apply(model, open, op);
	case OP_DISPOSITION:
		return disposition_apply(model, open, op);
	case OP_RENAME:
		return rename_apply(model, open, op);
	case OP_QUERY:
		return query_apply(open, out);
	case OP_LIST:
		return list_apply(open, out);
	case OP_STREAMS:
		return streams_apply(open, out);
	default:
		return data_apply(model, open, op, out);
	}
}

/* What is cancelled while it waits has done nothing; breaks that it caused are on their way. */
static ntstatus cancel(struct model *model, const struct op *op)
{
	struct model_wait *wait = &model->waits[op->wait];
	struct outcome answer = { .status = STATUS_CANCELLED };

	event_answer(model->out, op->wait, &answer);
	wait->is_used = false;
	if (model->parked == wait)
		model->parked = NULL;
	return STATUS_SUCCESS;
}

static ntstatus apply_once(struct model *model, const struct op *op, struct outcome *out)
{
	switch (op->kind) {
	case OP_CREATE:
		return create_apply(model, op, out);
	case OP_CLOSE:
		return close_apply(model, op);
	case OP_LEAVE:
		return leave_apply(model, op);
	case OP_LOSE:
		return lose_apply(model, op);
	case OP_RETURN:
		return return_apply(model, op, out);
	case OP_ACK:
		return cache_acknowledge(model, op, out);
	case OP_CANCEL:
		return cancel(model, op);
	default:
		return use_open(model, op, out);
	}
}

/* Who would wait for what was only kept waits for nobody: it has gone. */
static ntstatus apply(struct model *model, const struct op *op, struct outcome *out)
{
	ntstatus status;

	do {
		model->is_again = false;
		status = apply_once(model, op, out);
	} while (status == STATUS_PENDING && model->is_again);
	return status;
}

/* The request that waited for a break begins anew whenever one has ended where it waits. */
static void go_on(struct model *model)
{
	struct model_wait *wait = model->parked;
	const struct model_open *open = &model->opens[wait->op.slot];
	struct outcome answer = { 0 };

	wait->is_woken = false;
	if (wait->op.kind != OP_CREATE && (!open->node || open->serial != wait->serial))
		answer.status = STATUS_FILE_CLOSED;
	else
		answer.status = apply(model, &wait->op, &answer);
	if (answer.status == STATUS_PENDING) {
		wait->stream = model->break_on;
		return;
	}
	model->parked = NULL;
	wait->is_used = false;
	event_answer(model->out, wait->op.wait, &answer);
}

static void begin_wait(struct model *model, const struct op *op)
{
	struct model_wait *wait = &model->waits[op->wait];

	BUG_ON(wait->is_used);
	*wait = (struct model_wait){
		.is_used = true,
		.op = *op,
		.serial = op->kind == OP_CREATE ? 0 : model->opens[op->slot].serial,
		.order = ++model->waited,
		.stream = model->break_on,
	};
	if (op->kind != OP_LOCK)
		model->parked = wait;
}

bool model_apply(struct model *model, const struct op *op, struct outcome *out)
{
	static struct model before;
	bool is_second, can_fail;

	/* What is in it points into it: it can be put back as it was. */
	can_fail = model->parked || op->kind == OP_RENAME;
	if (can_fail)
		before = *model;
	memset(out, 0, sizeof(*out));
	model->out = out;
	model->is_ambiguous = false;
	out->status = apply(model, op, out);
	is_second = out->status == STATUS_PENDING && op->kind != OP_LOCK && model->parked;
	if (out->status == STATUS_PENDING && !is_second)
		begin_wait(model, op);
	/* The opens of who leaves end one by one: what one of them wakes finds some of them. */
	if ((op->kind == OP_LEAVE || op->kind == OP_LOSE) && model->parked)
		model->is_ambiguous = true;
	while (!is_second && model->parked && model->parked->is_woken)
		go_on(model);
	if (is_second || model->is_ambiguous) {
		BUG_ON(!can_fail);
		*model = before;
		return false;
	}
	sort_lines(out->events);
	return true;
}

bool model_slot_is_free(const struct model *model, unsigned slot)
{
	const struct model_wait *parked = model->parked;

	return !model->opens[slot].node &&
	       !(parked && parked->op.kind == OP_CREATE && parked->op.slot == slot);
}

void model_clear(struct model *model)
{
	*model = (struct model){ .root = { .is_directory = true,
					   .attributes = FILE_ATTRIBUTE_DIRECTORY } };
	stream_add(model, &model->root, "");
}
