// SPDX-License-Identifier: Apache-2.0
/*
 * Times of the model: MS-FSA 2.1.4.17, 2.1.5.15.2. A server's clock is not the model's, so a time
 * is either known to the tick (it was set, or has been seen since it moved), or known to have moved
 * in a certain step, or (where the rules leave it open) not known. A query makes it known.
 */
#include "model_impl.h"

void time_moves(const struct model *model, struct model_time *time)
{
	*time = (struct model_time){ .kind = TIME_MOVED, .step = model->step };
}

void times_of_new(const struct model *model, struct node *node)
{
	time_moves(model, &node->creation);
	time_moves(model, &node->write);
	time_moves(model, &node->change);
}

/* A name came into it, or went. */
void times_of_directory(const struct model *model, struct node *directory)
{
	time_moves(model, &directory->write);
	time_moves(model, &directory->change);
}

/* A handle that set the time, or stopped it, does not move it; any other does, and ends that. */
void times_written(const struct model *model, struct model_open *open)
{
	struct node *node = open->node;

	open->written = true;
	time_moves(model, &node->change);
	if (node->write_holder == open->serial)
		return;
	node->write_holder = 0;
	time_moves(model, &node->write);
	/* Where another handle has set it since, whether this one still holds it is left open. */
	if (open->has_held)
		node->write.kind = TIME_OPEN;
}

void times_closed(struct model_open *open)
{
	struct node *node = open->node;

	if (open->written || open->has_held) /* the archive bit, what was held is written down */
		node->change.kind = TIME_OPEN;
	if (node->write_holder == open->serial)
		node->write_holder = 0;
}

static void set(struct model_time *time, uint64_t value)
{
	if (value && value < TIME_RESUMES)
		*time = (struct model_time){ .kind = TIME_KNOWN, .value = value };
}

ntstatus times_apply(struct model *model, struct model_open *open, const struct op *op)
{
	struct node *node = open->node;
	bool changes = false;

	if (!(open->access & FILE_WRITE_ATTRIBUTES))
		return STATUS_ACCESS_DENIED;
	for (size_t i = 0; i < ARRAY_LEN(op->times); i++)
		changes |= op->times[i] && op->times[i] < TIME_RESUMES;
	set(&node->creation, op->times[0]);
	set(&node->write, op->times[1]);
	if (op->times[1] == TIME_RESUMES && node->write_holder)
		node->write_holder = 0;
	if (op->times[1] && op->times[1] != TIME_RESUMES) {
		node->write_holder = open->serial;
		open->has_held = true;
	}
	if (changes) {
		time_moves(model, &node->change);
		cache_changed(model, open);
	}
	return STATUS_SUCCESS;
}

void model_learn(struct model *model, const struct op *op, const struct outcome *seen)
{
	struct node *node = model->opens[op->slot].node;
	struct model_time *times[] = { &node->creation, &node->write, &node->change };

	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		*times[i] = seen->times[i];
}
