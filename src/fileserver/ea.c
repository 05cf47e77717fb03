// SPDX-License-Identifier: Apache-2.0
/*
 * Extended attributes of open files (MS-FSA 2.1.5.12.14, 2.1.5.15.5). They are kept as one list in
 * the volume; a change makes the whole list anew. file->lock orders the changes. A stream has those
 * of its file.
 */
#include "opens.h"

#define EA_MOST_BYTES 65535u /* of all of a file's, packed */

/* merge_ea - @list as it is with @change applied: replaced in its place, added behind, or gone. */
static ntstatus merge_ea(const struct buf *list, const struct ea *change, struct buf *out)
{
	struct cursor c = cur_of(list->data, list->len);
	size_t previous = SIZE_MAX;
	ntstatus status = STATUS_SUCCESS;
	bool met = false;
	struct ea ea;

	while (status == STATUS_SUCCESS && fscc_ea_next(&c, &ea)) {
		if (fscc_ea_same_name(&ea, change)) {
			met = true;
			ea.flags = change->flags;
			ea.value = change->value;
			ea.value_length = change->value_length;
		}
		if (ea.value_length)
			status = fscc_ea_entry(&ea, 0, SIZE_MAX, &previous, out);
	}
	if (status == STATUS_SUCCESS && !met && change->value_length)
		status = fscc_ea_entry(change, 0, SIZE_MAX, &previous, out);
	if (status == STATUS_SUCCESS && c.bad)
		status = STATUS_EA_CORRUPT_ERROR;
	return status;
}

static uint32_t packed_size(const struct buf *list)
{
	struct cursor c = cur_of(list->data, list->len);
	uint64_t size = 0;
	struct ea ea;

	while (fscc_ea_next(&c, &ea))
		size += fscc_ea_packed_size(&ea);
	return (uint32_t)min_u64(size, UINT32_MAX);
}

ntstatus eas_check(struct cursor list)
{
	struct ea ea;

	while (fscc_ea_next(&list, &ea))
		if (!fscc_ea_is_valid(&ea))
			return STATUS_INVALID_EA_NAME;
	return list.bad ? STATUS_EA_LIST_INCONSISTENT : STATUS_SUCCESS;
}

ntstatus eas_apply(struct volume_node *node, struct cursor changes)
{
	struct buf auto_buf list = { 0 };
	ntstatus status = volume_get_eas(node, &list);
	struct ea change;

	while (status == STATUS_SUCCESS && fscc_ea_next(&changes, &change)) {
		struct buf next = { 0 };

		status = merge_ea(&list, &change, &next);
		buf_free(&list);
		list = next;
	}
	if (status == STATUS_SUCCESS && packed_size(&list) > EA_MOST_BYTES)
		status = STATUS_EA_TOO_LARGE;
	if (status == STATUS_SUCCESS)
		status = volume_set_eas(node, list.data, list.len, packed_size(&list));
	return status;
}

ntstatus open_set_eas(struct open *open, struct cursor changes)
{
	struct file *file = open_base(open);
	ntstatus status = eas_check(changes);

	if (!(open->facts.granted_access & FILE_WRITE_EA))
		return STATUS_ACCESS_DENIED;
	if (open_is_previous(open))
		return STATUS_MEDIA_WRITE_PROTECTED;
	if (status != STATUS_SUCCESS)
		return status;
	pthread_mutex_lock(&file->lock);
	status = eas_apply(file->node, changes);
	if (status == STATUS_SUCCESS)
		mark_archive(open);
	pthread_mutex_unlock(&file->lock);
	if (status == STATUS_SUCCESS)
		open_changed(open, FILE_NOTIFY_CHANGE_EA | FILE_NOTIFY_CHANGE_ATTRIBUTES);
	return status;
}

static bool find_ea(const struct buf *list, const struct ea *asked, struct ea *out)
{
	struct cursor c = cur_of(list->data, list->len);

	while (fscc_ea_next(&c, out))
		if (fscc_ea_same_name(out, asked))
			return true;
	return false;
}

/* Those that are asked for by name, and what is not there with an empty value. */
static ntstatus answer_asked(const struct buf *list, struct cursor names, const struct ea_query *q,
			     struct buf *out)
{
	size_t begin = out->len, previous = SIZE_MAX;
	ntstatus status = STATUS_SUCCESS;
	struct ea asked, ea;

	while (status == STATUS_SUCCESS && fscc_ea_ask_next(&names, &asked)) {
		if (!fscc_ea_is_valid(&asked))
			return STATUS_INVALID_EA_NAME;
		status = fscc_ea_entry(find_ea(list, &asked, &ea) ? &ea : &asked, begin, q->room,
				       &previous, out);
		if (q->single)
			break;
	}
	if (names.bad)
		return STATUS_EA_LIST_INCONSISTENT;
	return status;
}

/* All of them from *@next on, which moves along. */
static ntstatus answer_all(const struct buf *list, const struct ea_query *q, uint32_t *next,
			   struct buf *out)
{
	struct cursor c = cur_of(list->data, list->len);
	size_t begin = out->len, previous = SIZE_MAX;
	ntstatus status = STATUS_SUCCESS;
	uint32_t at = 0;
	struct ea ea;

	while (fscc_ea_next(&c, &ea)) {
		if (at++ < *next)
			continue;
		status = fscc_ea_entry(&ea, begin, q->room, &previous, out);
		if (status != STATUS_SUCCESS)
			break;
		*next = at;
		if (q->single)
			break;
	}
	if (c.bad)
		return STATUS_EA_CORRUPT_ERROR;
	if (status == STATUS_SUCCESS && out->len == begin)
		return STATUS_NO_MORE_EAS;
	return status;
}

ntstatus open_query_eas(struct open *open, const struct ea_query *q, struct buf *out)
{
	struct file *file = open_base(open);
	struct buf auto_buf list = { 0 };
	size_t begin = out->len;
	uint32_t next;
	ntstatus status;

	if (!(open->facts.granted_access & FILE_READ_EA))
		return STATUS_ACCESS_DENIED;
	pthread_mutex_lock(&file->lock);
	status = volume_get_eas(file->node, &list);
	pthread_mutex_unlock(&file->lock);
	if (status != STATUS_SUCCESS)
		return status;
	if (cur_left(&q->names)) {
		status = answer_asked(&list, q->names, q, out);
	} else {
		if (!list.len)
			return STATUS_NO_EAS_ON_FILE;
		open_lock(open);
		next = q->restart ? 0 : open->next_ea;
		if (q->from_index)
			next = q->index ? q->index - 1 : 0;
		status = answer_all(&list, q, &next, out);
		open->next_ea = next;
		open_unlock(open);
	}
	if (status == STATUS_BUFFER_OVERFLOW && out->len == begin)
		return STATUS_BUFFER_TOO_SMALL;
	return status;
}
