// SPDX-License-Identifier: Apache-2.0
/*
 * Times that a handle holds. One that sets a time, or stops it with -1, holds it: what is done
 * through that handle does not change it until the handle ends or lets it go with -2
 * (MS-FSA 2.1.5.15.2, MS-FSCC 2.4.7). Below, the kernel moves the times with each read and write;
 * what a handle holds is kept here, shown in place of the disk's, and written down when nobody
 * holds it any more.
 *
 * file->lock guards what is held.
 */
#include "opens.h"

#define TIME_STOP   UINT64_MAX
#define TIME_RESUME (UINT64_MAX - 1)
#define TIME_LAST   ((uint64_t)INT64_MAX)

struct timing {
	size_t in_set, in_attributes,
		in_file; /* in_file SIZE_MAX: nothing moves it, it need not be held */
	uint8_t which;
};
#define NOT_HELD SIZE_MAX

static const struct timing timings[] = {
	{ offsetof(struct file_set, creation_time),
	  offsetof(struct volume_attributes, creation_time), NOT_HELD, VOLUME_SET_CREATION_TIME },
	{ offsetof(struct file_set, last_access_time),
	  offsetof(struct volume_attributes, last_access_time),
	  offsetof(struct file, held_last_access), VOLUME_SET_LAST_ACCESS_TIME },
	{ offsetof(struct file_set, last_write_time),
	  offsetof(struct volume_attributes, last_write_time),
	  offsetof(struct file, held_last_write), VOLUME_SET_LAST_WRITE_TIME },
	{ offsetof(struct file_set, change_time), offsetof(struct volume_attributes, change_time),
	  offsetof(struct file, held_change), VOLUME_SET_CHANGE_TIME },
};

static uint64_t set_value(const struct file_set *set, const struct timing *timing)
{
	uint64_t value;

	memcpy(&value, (const char *)set + timing->in_set, sizeof(value));
	return value;
}

static nttime *attribute_time(struct volume_attributes *attributes, const struct timing *timing)
{
	return (nttime *)(void *)((char *)attributes + timing->in_attributes);
}

static nttime *held_time(struct file *file, const struct timing *timing)
{
	return (nttime *)(void *)((char *)file + timing->in_file);
}

void times_apply_locked(struct file *file, struct volume_attributes *attributes)
{
	write_time_apply(file, attributes);
	if (!file->stopped_times)
		return;
	for (size_t i = 0; i < ARRAY_LEN(timings); i++)
		if (file->stopped_times & timings[i].which)
			*attribute_time(attributes, &timings[i]) = *held_time(file, &timings[i]);
}

void times_apply(struct file *file, struct volume_attributes *attributes)
{
	pthread_mutex_lock(&file->lock);
	times_apply_locked(file, attributes);
	pthread_mutex_unlock(&file->lock);
}

static uint8_t held_in(const struct file *file, const struct open *but)
{
	uint8_t held = 0;

	for (const struct open *open = file->opens; open; open = open->file_next)
		held |= open != but ? open->held_times : 0;
	return held;
}

/* What the other handles of @file hold; of those of its streams, the ones of @open's. */
static uint8_t held_by_others(const struct open *open, const struct file *file)
{
	return held_in(file, open) | (open->file != file ? held_in(open->file, open) : 0);
}

/* Those of @which that are another on the disk by now than what is shown. */
static uint8_t moved(const struct file *file, uint8_t which)
{
	return (file->written ? which : 0) |
	       (file->accessed ? which & VOLUME_SET_LAST_ACCESS_TIME : 0);
}

void times_release(struct open *open)
{
	struct file *file = open_base(open);
	uint8_t mine = open->held_times & file->stopped_times;
	struct volume_attributes attributes = { 0 };
	uint8_t on_disk;

	write_time_end(open);
	if (mine)
		mine &= (uint8_t)~held_by_others(open, file);
	if (!mine)
		return;
	times_apply_locked(file, &attributes);
	file->stopped_times &= (uint8_t)~mine;
	on_disk = moved(file, mine);
	if (on_disk && !file->gone)
		(void)!volume_set_attributes(file->node, &attributes, on_disk);
}

void times_read(struct open *open)
{
	if (open->file->stopped_times & VOLUME_SET_LAST_ACCESS_TIME)
		open->file->accessed = true;
}

void times_written(struct open *open)
{
	struct file *file = open->file;

	open->written = true;
	write_time_delay(open);
	if (!file->stopped_times)
		return;
	file->written = true;
	if (!(open->held_times & VOLUME_SET_LAST_WRITE_TIME))
		file->stopped_times &=
			(uint8_t) ~(VOLUME_SET_LAST_WRITE_TIME | VOLUME_SET_CHANGE_TIME);
}

void times_overwritten(struct file *file)
{
	file->stopped_times &= (uint8_t) ~(VOLUME_SET_LAST_WRITE_TIME | VOLUME_SET_CHANGE_TIME);
	write_time_settle(file);
}

void times_stream_changed(struct file *base)
{
	struct volume_attributes now = { .last_write_time = nttime_now() };

	times_overwritten(base);
	/* The stream is written all the same. */
	if (!base->gone)
		(void)!volume_set_attributes(base->node, &now, VOLUME_SET_LAST_WRITE_TIME);
}

/* Through a handle that holds the last write time it stays; the change time moves all the same,
 * with what is written over it. base->lock held. */
static void times_stream_held(struct file *base)
{
	struct volume_attributes now;

	if (base->gone || volume_attributes(base->node, &now) != STATUS_SUCCESS)
		return;
	if (base->stopped_times & VOLUME_SET_LAST_WRITE_TIME)
		now.last_write_time = base->held_last_write;
	(void)!volume_set_attributes(base->node, &now, VOLUME_SET_LAST_WRITE_TIME);
}

void times_stream_written(struct open *open)
{
	struct file *base = open_base(open);

	if (base == open->file)
		return;
	pthread_mutex_lock(&base->lock);
	if (open->held_times & VOLUME_SET_LAST_WRITE_TIME)
		times_stream_held(base);
	else
		times_stream_changed(base);
	pthread_mutex_unlock(&base->lock);
}

ntstatus times_check(const struct file_set *set)
{
	for (size_t i = 0; i < ARRAY_LEN(timings); i++) {
		uint64_t value = set_value(set, &timings[i]);

		if (value > TIME_LAST && value < TIME_RESUME)
			return STATUS_INVALID_PARAMETER;
	}
	return STATUS_SUCCESS;
}

/* One time of one handle; file->lock held. @now is what the file shows. Returns the bit where it is
 * to be written down. */
static uint32_t set_time(struct open *open, struct file *file, const struct timing *timing,
			 uint64_t value, struct volume_attributes *now)
{
	nttime *shown = attribute_time(now, timing);

	if (!value)
		return 0;
	if (value == TIME_RESUME) { /* it stays as it is until something moves it */
		uint8_t stopped = file->stopped_times & timing->which;

		open->held_times &= (uint8_t)~timing->which;
		file->stopped_times &= (uint8_t)~timing->which;
		return moved(file, stopped);
	}
	if (value != TIME_STOP)
		shown->ticks = value;
	if (timing->in_file != NOT_HELD) {
		open->held_times |= timing->which;
		file->stopped_times |= timing->which;
		*held_time(file, timing) = *shown;
	}
	return value != TIME_STOP ? timing->which : 0;
}

uint32_t times_set(struct open *open, struct file *file, const struct file_set *set,
		   struct volume_attributes *now)
{
	uint32_t which = 0;

	times_apply_locked(file, now);
	for (size_t i = 0; i < ARRAY_LEN(timings); i++)
		which |= set_time(open, file, &timings[i], set_value(set, &timings[i]), now);
	return which;
}
