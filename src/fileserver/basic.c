// SPDX-License-Identifier: Apache-2.0
/* Attributes, sizes, and what must hold before data are read and written. */
#include "opens.h"

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
	times_apply_locked(base, out);
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

/* Attributes that no client sets are kept as they are. *which: what there is to write down; those
 * that it has already are no change, nobody's news and no reason to break a lease. */
static ntstatus new_attributes(struct file *file, uint32_t asked, struct volume_attributes *a,
			       uint32_t *which)
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
	if ((a->attributes ^ old.attributes) & ~FILE_ATTRIBUTE_NORMAL)
		*which |= VOLUME_SET_ATTRIBUTES;
	return STATUS_SUCCESS;
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
	ntstatus status = times_check(set);

	if (!(open->facts.granted_access & FILE_WRITE_ATTRIBUTES))
		return STATUS_ACCESS_DENIED;
	if (open_is_previous(open))
		return STATUS_MEDIA_WRITE_PROTECTED;
	if (status == STATUS_SUCCESS)
		status = volume_attributes(file->node, &a);
	if (status != STATUS_SUCCESS)
		return status;
	pthread_mutex_lock(&file->lock);
	if (set->attributes)
		status = new_attributes(file, set->attributes, &a, &which);
	write_time_settle(file);
	if (status == STATUS_SUCCESS)
		which |= times_set(open, file, set, &a);
	if (status == STATUS_SUCCESS && which)
		status =
			volume_set_attributes(file->node, &a, which | (file->stopped_times & 0xfu));
	pthread_mutex_unlock(&file->lock);
	if (status == STATUS_SUCCESS && which)
		open_changed(open, changes_of(which));
	return status;
}

ntstatus open_set_sparse(struct open *open, bool sparse)
{
	ntstatus status = volume_set_sparse(open->file->node, sparse);

	if (status == STATUS_SUCCESS)
		open_changed(open, FILE_NOTIFY_CHANGE_ATTRIBUTES);
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
		times_stream_written(open);
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
	times_read(open);
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
		times_stream_written(open);
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
	times_stream_written(open);
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
