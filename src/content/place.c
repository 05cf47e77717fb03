// SPDX-License-Identifier: Apache-2.0
/* What all places have in common: counting, whole files, limits. */
#include "place_impl.h"

#include <stdio.h>

#define READ_AHEAD (1u << 20)

uint64_t place_time_left(const struct place *place)
{
	uint64_t now;

	if (!place->deadline_ms)
		return UINT64_MAX;
	now = monotonic_ms();
	return now < place->deadline_ms ? place->deadline_ms - now : 0;
}

bool place_is_late(const struct place *place)
{
	return !place_time_left(place);
}

/* STATUS_IO_TIMEOUT behind the deadline. */
static ntstatus in_time(const struct place *place)
{
	return place_is_late(place) ? STATUS_IO_TIMEOUT : STATUS_SUCCESS;
}

void place_set_deadline(struct place *place, uint64_t ms)
{
	place->deadline_ms = ms ? monotonic_ms() + ms : 0;
}

void place_close(struct place *place)
{
	if (!place)
		return;
	place_drain(place);
	free(place->title);
	place->ops->close(place);
}

const char *place_title(const struct place *place)
{
	return place->title;
}

const char *place_reason(const struct place *place)
{
	return place->reason;
}

ntstatus place_reopen(struct place *place)
{
	ntstatus late = in_time(place);

	BUG_ON(place->in_flight);
	if (late)
		return late;
	return place->ops->reopen ? place->ops->reopen(place) : STATUS_SUCCESS;
}

unsigned place_depth(const struct place *place)
{
	return place->depth;
}

unsigned place_in_flight(const struct place *place)
{
	return place->in_flight;
}

struct place_counts place_counts(const struct place *place)
{
	struct place_counts counts = place->counts;

	if (place->ops->count)
		place->ops->count(place, &counts);
	return counts;
}

void place_begin(struct place *place, struct place_request *request)
{
	ntstatus late = in_time(place);

	BUG_ON(place->in_flight >= place->depth);
	request->done = false;
	request->status = STATUS_SUCCESS;
	request->got = 0;
	request->is_back = false;
	place->in_flight++;
	place->counts.requests++;
	if (late)
		place_finish(place, request, late, 0);
	else if (request->verb != PLACE_GET && !place->ops->write &&
		 !(request->verb == PLACE_PUT && request->is_new && place->ops->creates))
		place_finish(place, request, STATUS_MEDIA_WRITE_PROTECTED, 0);
	else
		place->ops->begin(place, request);
}

void place_finish(struct place *place, struct place_request *request, ntstatus status, size_t got)
{
	BUG_ON(request->done);
	request->done = true;
	request->status = status;
	request->got = got;
	place->in_flight--;
	if (request->verb == PLACE_GET)
		place->counts.bytes_got += got;
	else if (request->verb == PLACE_PUT && !status)
		place->counts.bytes_put += request->length;
}

void place_plan(struct place *place, uint64_t bytes)
{
	if (place->ops->plan)
		place->ops->plan(place, bytes);
}

void place_expect(struct place *place, const char *name)
{
	if (place->ops->expect && !in_time(place))
		place->ops->expect(place, name);
}

void place_turn(struct place *place, int timeout_ms)
{
	if (place->in_flight && place->ops->turn)
		place->ops->turn(place, timeout_ms);
}

void place_drain(struct place *place)
{
	while (place->in_flight)
		place_turn(place, -1);
}

static ntstatus get_part(struct place *place, const char *name, uint64_t offset, uint8_t *data,
			 size_t length, size_t *got)
{
	struct place_request request = {
		.verb = PLACE_GET,
		.name = name,
		.offset = offset,
		.data = data,
		.length = length,
	};

	place_begin(place, &request);
	while (!request.done)
		place_turn(place, -1);
	*got = request.got;
	return request.status;
}

ntstatus place_read(struct place *place, const char *name, size_t limit, struct buf *out)
{
	size_t begin = out->len, got = 0;

	/* One byte more than the limit is asked for, to tell a file that is too large. */
	do {
		size_t read = out->len - begin;
		size_t room = (size_t)min_u64(READ_AHEAD, limit + 1 - read);
		uint8_t *data = buf_room(out, room);
		ntstatus status;

		if (!data)
			return STATUS_NO_MEMORY;
		status = get_part(place, name, read, data, room, &got);
		if (status)
			return status;
		out->len += got;
		if (out->len - begin > limit)
			return STATUS_FILE_TOO_LARGE;
		if (got < room)
			return STATUS_SUCCESS;
	} while (true);
}

ntstatus place_write(struct place *place, const char *name, const void *data, size_t length)
{
	ntstatus status = in_time(place);

	if (status)
		return status;
	if (!place->ops->write)
		return STATUS_MEDIA_WRITE_PROTECTED;
	place->counts.requests++;
	status = place->ops->write(place, name, data, length);
	if (!status)
		place->counts.bytes_put += length;
	return status;
}

bool place_can_compose(const struct place *place)
{
	return place->ops->compose != NULL;
}

ntstatus place_compose(struct place *place, const char *name, const struct place_part *parts,
		       size_t count, const uint8_t *expected)
{
	ntstatus status = in_time(place);

	if (status)
		return status;
	if (!place->ops->compose)
		return STATUS_NOT_SUPPORTED;
	place->counts.requests++;
	status = place->ops->compose(place, name, parts, count, expected);
	for (size_t i = 0; i < count && !status; i++)
		place->counts.bytes_put += parts[i].from ? 0 : parts[i].length;
	return status;
}

/* A listing that is watched: whoever answers it may have no end of names. */
struct bounded {
	const struct place *place;
	place_list_fn *each;
	void *owner;
	size_t count;
	ntstatus status;
};

static bool one_more(void *owner, const char *name, uint64_t size, bool is_directory)
{
	struct bounded *b = owner;

	b->status = b->count++ < PLACE_LIST_MAX ? in_time(b->place) : STATUS_FILE_SYSTEM_LIMITATION;
	return !b->status && b->each(b->owner, name, size, is_directory);
}

ntstatus place_list(struct place *place, const char *name, place_list_fn *each, void *owner)
{
	struct bounded b = { .place = place, .each = each, .owner = owner };
	ntstatus status = in_time(place);

	if (status)
		return status;
	if (!place->ops->list)
		return STATUS_NOT_SUPPORTED;
	status = place->ops->list(place, name, one_more, &b);
	return status ? status : b.status;
}

ntstatus place_make_directory(struct place *place, const char *name)
{
	ntstatus late = in_time(place);

	if (late)
		return late;
	return place->ops->make_directory ? place->ops->make_directory(place, name)
					  : STATUS_MEDIA_WRITE_PROTECTED;
}

ntstatus place_remove(struct place *place, const char *name)
{
	ntstatus late = in_time(place);

	if (late)
		return late;
	return place->ops->remove ? place->ops->remove(place, name) : STATUS_MEDIA_WRITE_PROTECTED;
}

ntstatus place_set_access(struct place *place, const char *name, enum place_access access)
{
	ntstatus late = in_time(place);

	if (late)
		return late;
	return place->ops->set_access ? place->ops->set_access(place, name, access)
				      : STATUS_NOT_SUPPORTED;
}

ntstatus place_lock(struct place *place, const char *name)
{
	ntstatus late = in_time(place);

	if (late)
		return late;
	return place->ops->lock ? place->ops->lock(place, name) : STATUS_MEDIA_WRITE_PROTECTED;
}

void place_unlock(struct place *place)
{
	if (place->ops->unlock)
		place->ops->unlock(place);
}

ntstatus place_sync(struct place *place)
{
	return place->ops->sync ? place->ops->sync(place) : STATUS_SUCCESS;
}

ntstatus place_free_bytes(struct place *place, uint64_t *free_bytes)
{
	ntstatus late = in_time(place);

	if (late)
		return late;
	return place->ops->free_bytes ? place->ops->free_bytes(place, free_bytes)
				      : STATUS_NOT_SUPPORTED;
}

void place_staging_name(char name[PLACE_STAGING_NAME])
{
	snprintf(name, PLACE_STAGING_NAME, "staging/%016llx%016llx",
		 (unsigned long long)random_u64(), (unsigned long long)random_u64());
}
