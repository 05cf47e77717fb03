// SPDX-License-Identifier: Apache-2.0
/*
 * Attributes, times and sizes. A handle that sets a time, or stops it with -1, holds it: writes
 * through that handle do not change it until the handle ends or lets it go with -2
 * (MS-FSA 2.1.5.15.2, MS-FSCC 2.4.7). Below, the kernel moves the times with each write; what a
 * handle holds is kept here, shown in place of the disk's, and written down when the handle ends.
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

static void apply_locked(struct file *file, struct volume_attributes *attributes)
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
	apply_locked(file, attributes);
	pthread_mutex_unlock(&file->lock);
}

void times_release(struct open *open)
{
	struct file *file = open->file;
	uint8_t mine = open->held_times & file->stopped_times;
	struct volume_attributes attributes = { 0 };

	write_time_end(open);
	if (!mine)
		return;
	apply_locked(file, &attributes);
	file->stopped_times &= (uint8_t)~mine;
	if (file->written && !file->gone && !file->stream)
		(void)!volume_set_attributes(file->node, &attributes, mine);
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

/* No lock held. */
static void stream_written(struct open *open)
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

void mark_archive(struct open *open)
{
	struct file *file = open_base(open);
	struct volume_attributes a;

	if (file->delete_pending || file->gone || file->node->is_directory ||
	    volume_attributes(file->node, &a) != STATUS_SUCCESS ||
	    (a.attributes & FILE_ATTRIBUTE_ARCHIVE))
		return;
	a.attributes = (a.attributes & ~FILE_ATTRIBUTE_NORMAL) | FILE_ATTRIBUTE_ARCHIVE;
	/* A file that cannot be marked has been written all the same. */
	(void)!volume_set_attributes(file->node, &a, VOLUME_SET_ATTRIBUTES);
}

/* As the share shows them, and as handles hold them. */
static void shown(struct open *open, struct file *base, struct volume_attributes *out)
{
	const struct share *share = open->share;

	pthread_mutex_lock(&base->lock);
	apply_locked(base, out);
	if (open->place && strcmp(open->place->path, share->path) != 0)
		out->attributes = share_shown_attributes(share, open->place->path, out->attributes);
	pthread_mutex_unlock(&base->lock);
}

ntstatus open_attributes(struct open *open, struct volume_attributes *out)
{
	struct file *base = open_base(open);
	struct volume_attributes stream;
	ntstatus status = volume_attributes(base->node, out);

	if (status == STATUS_SUCCESS && base != open->file) {
		status = volume_attributes(open->file->node, &stream);
		out->end_of_file = stream.end_of_file;
		out->allocation_size = stream.allocation_size;
		out->is_directory = false;
		out->attributes &= ~FILE_ATTRIBUTE_DIRECTORY;
		if (!out->attributes)
			out->attributes = FILE_ATTRIBUTE_NORMAL;
	}
	if (status == STATUS_SUCCESS)
		shown(open, base, out);
	return status;
}

ntstatus open_query_attributes(struct open *open, struct file_facts *facts)
{
	struct file *base = open_base(open);
	struct volume_attributes a;
	ntstatus status = open_attributes(open, &a);

	if (status != STATUS_SUCCESS)
		return status;
	*facts = (struct file_facts){
		.creation_time = a.creation_time,
		.last_access_time = a.last_access_time,
		.last_write_time = a.last_write_time,
		.change_time = a.change_time,
		.allocation_size = a.allocation_size,
		.end_of_file = a.end_of_file,
		.attributes = a.attributes,
		.links = a.links,
		.ea_size = a.ea_size,
		.file_id = a.file_id,
		.reparse_tag = a.reparse_tag,
		.volume_serial = volume_serial(base->node->volume),
		.is_directory = a.is_directory,
	};
	pthread_mutex_lock(&open->file->lock);
	facts->delete_pending = open->file->delete_pending;
	pthread_mutex_unlock(&open->file->lock);
	if (facts->delete_pending && facts->links)
		facts->links--;
	return STATUS_SUCCESS;
}

ntstatus open_query_data(struct open *open, bool *has_data, uint64_t *size,
			 uint64_t *allocation_size)
{
	struct volume_attributes a;
	ntstatus status = volume_attributes(open_base(open)->node, &a);

	if (status != STATUS_SUCCESS)
		return status;
	*has_data = !a.is_directory;
	*size = a.end_of_file;
	*allocation_size = a.allocation_size;
	return STATUS_SUCCESS;
}

/* Attributes that no client sets are kept as they are. */
static ntstatus new_attributes(struct file *file, uint32_t asked, struct volume_attributes *a)
{
	const uint32_t kept = FILE_ATTRIBUTE_SPARSE_FILE | FILE_ATTRIBUTE_COMPRESSED |
			      FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_ENCRYPTED |
			      FILE_ATTRIBUTE_DIRECTORY;
	bool is_directory = file->node->is_directory;
	struct volume_attributes old;
	ntstatus status;

	if (!is_directory && (asked & FILE_ATTRIBUTE_DIRECTORY))
		return STATUS_INVALID_PARAMETER;
	if (is_directory && (asked & FILE_ATTRIBUTE_TEMPORARY))
		return STATUS_INVALID_PARAMETER;
	status = volume_attributes(file->node, &old);
	if (status != STATUS_SUCCESS)
		return status;
	a->attributes = (asked & FILE_ATTRIBUTE_SETTABLE) | (old.attributes & kept);
	if (!a->attributes)
		a->attributes = FILE_ATTRIBUTE_NORMAL;
	return STATUS_SUCCESS;
}

static ntstatus check_times(const struct file_set *set)
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
	if (value == TIME_RESUME) {
		open->held_times &= (uint8_t)~timing->which;
		file->stopped_times &= (uint8_t)~timing->which;
		return 0;
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

/* What those who watch are told of VOLUME_SET_*; the change time alone is nobody's news. */
static uint32_t changes_of(uint32_t which)
{
	static const struct {
		uint32_t set, change;
	} rows[] = {
		{ VOLUME_SET_ATTRIBUTES, FILE_NOTIFY_CHANGE_ATTRIBUTES },
		{ VOLUME_SET_CREATION_TIME, FILE_NOTIFY_CHANGE_CREATION },
		{ VOLUME_SET_LAST_ACCESS_TIME, FILE_NOTIFY_CHANGE_LAST_ACCESS },
		{ VOLUME_SET_LAST_WRITE_TIME, FILE_NOTIFY_CHANGE_LAST_WRITE },
	};
	uint32_t changes = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (which & rows[i].set)
			changes |= rows[i].change;
	return changes;
}

ntstatus open_set_basic(struct open *open, const struct file_set *set)
{
	struct file *file = open_base(open);
	struct volume_attributes a;
	uint32_t which = 0;
	ntstatus status = check_times(set);

	if (!(open->facts.granted_access & FILE_WRITE_ATTRIBUTES))
		return STATUS_ACCESS_DENIED;
	if (open_is_previous(open))
		return STATUS_MEDIA_WRITE_PROTECTED;
	if (status == STATUS_SUCCESS)
		status = volume_attributes(file->node, &a);
	if (status != STATUS_SUCCESS)
		return status;
	pthread_mutex_lock(&file->lock);
	if (set->attributes) {
		status = new_attributes(file, set->attributes, &a);
		which = VOLUME_SET_ATTRIBUTES;
	}
	write_time_settle(file);
	apply_locked(file, &a);
	for (size_t i = 0; status == STATUS_SUCCESS && i < ARRAY_LEN(timings); i++)
		which |= set_time(open, file, &timings[i], set_value(set, &timings[i]), &a);
	if (status == STATUS_SUCCESS && which)
		status =
			volume_set_attributes(file->node, &a, which | (file->stopped_times & 0xfu));
	pthread_mutex_unlock(&file->lock);
	if (status == STATUS_SUCCESS && which)
		open_changed(open, changes_of(which));
	return status;
}

/* ---- sizes ---- */

static ntstatus set_size(struct open *open, uint64_t size, struct waiter *waiter,
			 ntstatus (*apply)(struct volume_node *node, uint64_t size))
{
	struct file *file = open->file;
	struct caching_party by = caching_party_of_open(open);
	struct actions actions = { 0 };
	ntstatus status;

	if (!(open->facts.granted_access & FILE_WRITE_DATA))
		return STATUS_ACCESS_DENIED;
	if (file->node->is_directory || size > (uint64_t)INT64_MAX)
		return STATUS_INVALID_PARAMETER;
	if (open_is_previous(open))
		return STATUS_MEDIA_WRITE_PROTECTED;
	pthread_mutex_lock(&file->lock);
	if (caching_break(file, &by, CAUSE_WRITE, &actions) && waiter) {
		waiter_enqueue(&file->break_waiters, waiter);
		status = STATUS_PENDING;
	} else {
		status = apply(file->node, size);
		if (status == STATUS_SUCCESS) {
			times_written(open);
			write_time_settle(file);
		}
	}
	pthread_mutex_unlock(&file->lock);
	actions_run(&actions);
	if (status == STATUS_SUCCESS) {
		stream_written(open);
		open_changed(open, FILE_NOTIFY_CHANGE_SIZE | FILE_NOTIFY_CHANGE_ATTRIBUTES);
	}
	return status;
}

ntstatus open_set_end_of_file(struct open *open, uint64_t size, struct waiter *waiter)
{
	return set_size(open, size, waiter, volume_truncate);
}

ntstatus open_set_allocation(struct open *open, uint64_t size, struct waiter *waiter)
{
	return set_size(open, size, waiter, volume_allocate);
}

/* ---- mode ---- */

uint32_t open_mode(const struct open *open)
{
	return atomic_load(&open->mode);
}

/* MS-FSA 2.1.5.15.9: how I/O is done may be set, whether it waits or is cached may not change. */
ntstatus open_set_mode(struct open *open, uint32_t mode)
{
	const uint32_t waits = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT;
	uint32_t now = open_mode(open);

	if (mode &
	    ~(FILE_WRITE_THROUGH | FILE_SEQUENTIAL_ONLY | FILE_NO_INTERMEDIATE_BUFFERING | waits))
		return STATUS_INVALID_PARAMETER;
	if (!(mode & waits) != !(now & waits) || ((mode ^ now) & FILE_NO_INTERMEDIATE_BUFFERING))
		return STATUS_INVALID_PARAMETER;
	atomic_store(&open->mode, mode | (now & FILE_DELETE_ON_CLOSE));
	return STATUS_SUCCESS;
}

/* ---- data ---- */

ntstatus open_check_read(struct open *open, uint64_t offset, uint32_t length)
{
	struct file *file = open->file;
	bool allowed = true;

	if (file->node->is_directory)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (!(open->facts.granted_access & (FILE_READ_DATA | FILE_EXECUTE)))
		return STATUS_ACCESS_DENIED;
	if (offset > (uint64_t)INT64_MAX || length > (uint64_t)INT64_MAX - offset)
		return STATUS_INVALID_PARAMETER;
	pthread_mutex_lock(&file->lock);
	allowed = locks_allow(open, offset, length, false);
	pthread_mutex_unlock(&file->lock);
	return allowed ? STATUS_SUCCESS : STATUS_FILE_LOCK_CONFLICT;
}

/* Who may only append writes behind the end, and over nothing (MS-FSA 2.1.5.4). */
static bool appends(struct open *open, uint64_t offset)
{
	struct volume_attributes now;

	if (open->facts.granted_access & FILE_WRITE_DATA)
		return true;
	return volume_attributes(open->file->node, &now) == STATUS_SUCCESS &&
	       offset >= now.end_of_file;
}

ntstatus open_check_write(struct open *open, uint64_t offset, uint64_t length)
{
	struct file *file = open->file;
	struct caching_party by = caching_party_of_open(open);
	struct actions actions = { 0 };
	bool allowed;

	if (file->node->is_directory)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (!(open->facts.granted_access & (FILE_WRITE_DATA | FILE_APPEND_DATA)))
		return STATUS_ACCESS_DENIED;
	if (offset > (uint64_t)INT64_MAX || length > (uint64_t)INT64_MAX - offset)
		return STATUS_INVALID_PARAMETER;
	if (!appends(open, offset))
		return STATUS_ACCESS_DENIED;
	if (open_is_previous(open))
		return STATUS_MEDIA_WRITE_PROTECTED;
	pthread_mutex_lock(&file->lock);
	allowed = locks_allow(open, offset, length, true);
	if (allowed && length) {
		(void)!caching_break(file, &by, CAUSE_WRITE, &actions);
		times_written(open);
	}
	pthread_mutex_unlock(&file->lock);
	actions_run(&actions);
	if (allowed && length)
		stream_written(open);
	return allowed ? STATUS_SUCCESS : STATUS_FILE_LOCK_CONFLICT;
}

ntstatus open_begin_write(struct open *open)
{
	struct file *file = open->file;
	struct caching_party by = caching_party_of_open(open);
	struct actions actions = { 0 };

	if (file->node->is_directory)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (!(open->facts.granted_access & FILE_WRITE_DATA))
		return STATUS_ACCESS_DENIED;
	if (open_is_previous(open))
		return STATUS_MEDIA_WRITE_PROTECTED;
	pthread_mutex_lock(&file->lock);
	(void)!caching_break(file, &by, CAUSE_WRITE, &actions);
	times_written(open);
	pthread_mutex_unlock(&file->lock);
	actions_run(&actions);
	stream_written(open);
	return STATUS_SUCCESS;
}

/* What was written is told when the handle ends, as NTFS does; that it was written,
 * open_check_write has noted. */
void open_wrote(struct open *open, uint64_t offset, uint32_t length)
{
	(void)open;
	(void)offset;
	(void)length;
}
