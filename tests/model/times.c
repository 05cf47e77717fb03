// SPDX-License-Identifier: Apache-2.0
/*
 * Times of the model: MS-FSA 2.1.4.17, 2.1.5.15.2. A server's clock is not the model's, so a time
 * is either known to the tick (it was set, or has been seen since it moved), or known to have moved
 * in a certain step, or (where the rules leave it open) not known. A query makes it known.
 *
 * Whether reading moves the time of the last access, and how soon, is the object store's choice
 * (2.1.4.19 and its note). That nothing else moves it, and not who holds it, is not.
 */
#include "model_impl.h"

void time_moves(const struct model *model, struct model_time *time)
{
	*time = (struct model_time){ .kind = TIME_MOVED, .step = model->step };
}

void times_of_new(const struct model *model, struct node *node)
{
	time_moves(model, &node->creation);
	if (!node->is_directory) /* who looks for a name in it may move it */
		time_moves(model, &node->access);
	time_moves(model, &node->write);
	time_moves(model, &node->change);
}

/* A name came into it, or went. */
void times_of_directory(const struct model *model, struct node *directory)
{
	time_moves(model, &directory->write);
	time_moves(model, &directory->change);
}

void times_accessed(struct model_open *open)
{
	if (open->node->access_holder != open->serial)
		open->node->access.kind = TIME_OPEN;
}

/* A handle that set the time, or stopped it, does not move it; any other does, and ends that. */
void times_modified(const struct model *model, struct model_open *open)
{
	struct node *node = open->node;

	time_moves(model, &node->change);
	times_accessed(open);
	if (node->write_holder == open->serial)
		return;
	node->write_holder = 0;
	time_moves(model, &node->write);
	/* Where another handle has set it since, whether this one still holds it is left open. */
	if (open->has_held)
		node->write.kind = TIME_OPEN;
}

void times_written(const struct model *model, struct model_open *open)
{
	open->written = true;
	times_modified(model, open);
}

void times_closed(struct model_open *open)
{
	struct node *node = open->node;

	/* the archive bit, what was held is written down */
	if (open->written || open->has_held || open->has_held_access)
		node->change.kind = TIME_OPEN;
	if (node->write_holder == open->serial)
		node->write_holder = 0;
	if (node->access_holder == open->serial)
		node->access_holder = 0;
}

static void set(struct model_time *time, uint64_t value)
{
	if (value && value < TIME_RESUMES)
		*time = (struct model_time){ .kind = TIME_KNOWN, .value = value };
}

static void hold(uint64_t *holder, bool *has_held, const struct model_open *open, uint64_t value)
{
	if (!value)
		return;
	*holder = value == TIME_RESUMES ? 0 : open->serial;
	*has_held |= value != TIME_RESUMES;
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
	set(&node->access, op->times[1]);
	set(&node->write, op->times[2]);
	hold(&node->access_holder, &open->has_held_access, open, op->times[1]);
	hold(&node->write_holder, &open->has_held, open, op->times[2]);
	if (changes) {
		time_moves(model, &node->change);
		cache_changed(model, open);
	}
	return STATUS_SUCCESS;
}

void model_learn(struct model *model, const struct op *op, const struct outcome *seen)
{
	struct node *node = model->opens[op->slot].node;
	struct model_time *times[] = { &node->creation, &node->access, &node->write,
				       &node->change };

	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		*times[i] = seen->times[i];
	if (node->is_directory)
		node->access.kind = TIME_OPEN;
}
