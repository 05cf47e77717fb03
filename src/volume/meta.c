// SPDX-License-Identifier: Apache-2.0
/*
 * The record of a file: one extended attribute, `user.berth`, little-endian:
 *
 *   u8 version (1), u8 zero, u16 which of the optional fields follow, u32 DOS attributes,
 *   then those that do, in this order:
 *   CREATION  u64 NT time
 *   CHANGE    u64 NT time, u64 NT time until which a ctime does not outdate it
 *   DEPOT     u64 id of the file's directory in the depot
 *   REPARSE   u32 tag of the reparse data in the depot
 *   EA        u32 size of its extended attributes as clients count it
 *   SD        u32 length, the self-relative descriptor
 *   SD_DEPOT  nothing: the descriptor is in the depot
 *
 * A version or a field that is not known is refused, and so is the file: what cannot be read may be
 * what forbids the access. There is no creation time in most records, so that files with one
 * descriptor have equal records, which ext4 then keeps in one shared block.
 */
#include <base/log.h>
#include <errno.h>

#include "private.h"

#define META_VERSION 1

enum {
	META_CREATION = 0x01,
	META_CHANGE = 0x02,
	META_DEPOT = 0x04,
	META_SD = 0x08,
	META_SD_DEPOT = 0x10,
	META_EA = 0x20,
	META_REPARSE = 0x40,
	META_KNOWN = 0x7f,
};

#define META_FIRST_GUESS                                                                           \
	512u /* the kernel zeroes what it is given: small, and again where that was too small */
#define META_MOST 65536u /* of an extended attribute on Linux */

struct meta meta_default(bool is_directory)
{
	return (struct meta){ .attributes = is_directory ? 0 : FILE_ATTRIBUTE_ARCHIVE };
}

ntstatus meta_decode(struct cursor c, struct meta *out)
{
	uint16_t fields;

	memset(out, 0, sizeof(*out));
	if (cur_u8(&c) != META_VERSION || cur_u8(&c) != 0)
		return STATUS_FILE_SYSTEM_LIMITATION;
	fields = cur_u16le(&c);
	if (fields & ~META_KNOWN || (fields & META_SD && fields & META_SD_DEPOT))
		return STATUS_FILE_SYSTEM_LIMITATION;
	out->attributes = cur_u32le(&c);
	if (out->attributes & ~FILE_ATTRIBUTE_STORED)
		return STATUS_FILE_SYSTEM_LIMITATION;
	if (fields & META_CREATION)
		out->creation_time = nttime_of(cur_u64le(&c));
	if (fields & META_CHANGE) {
		out->change_time = nttime_of(cur_u64le(&c));
		out->change_until = nttime_of(cur_u64le(&c));
	}
	if (fields & META_DEPOT)
		out->depot_id = cur_u64le(&c);
	if (fields & META_REPARSE)
		out->reparse_tag = cur_u32le(&c);
	if (fields & META_EA)
		out->ea_size = cur_u32le(&c);
	if (fields & META_SD) {
		out->sd_length = cur_u32le(&c);
		out->sd = cur_bytes(&c, out->sd_length);
	}
	out->sd_in_depot = fields & META_SD_DEPOT;
	if (c.bad || cur_left(&c) || (out->sd_in_depot && !out->depot_id) ||
	    (fields & META_REPARSE && (!out->reparse_tag || !out->depot_id))) {
		memset(out, 0, sizeof(*out));
		return STATUS_IO_DEVICE_ERROR;
	}
	return STATUS_SUCCESS;
}

void meta_encode(struct buf *out, const struct meta *meta)
{
	uint16_t fields = 0;

	if (meta->creation_time.ticks)
		fields |= META_CREATION;
	if (meta->change_time.ticks)
		fields |= META_CHANGE;
	if (meta->depot_id)
		fields |= META_DEPOT;
	if (meta->reparse_tag)
		fields |= META_REPARSE;
	if (meta->ea_size)
		fields |= META_EA;
	if (meta->sd_in_depot)
		fields |= META_SD_DEPOT;
	else if (meta->sd_length)
		fields |= META_SD;
	buf_u8(out, META_VERSION);
	buf_u8(out, 0);
	buf_u16le(out, fields);
	buf_u32le(out, meta->attributes);
	if (fields & META_CREATION)
		buf_u64le(out, meta->creation_time.ticks);
	if (fields & META_CHANGE) {
		buf_u64le(out, meta->change_time.ticks);
		buf_u64le(out, meta->change_until.ticks);
	}
	if (fields & META_DEPOT)
		buf_u64le(out, meta->depot_id);
	if (fields & META_REPARSE)
		buf_u32le(out, meta->reparse_tag);
	if (fields & META_EA)
		buf_u32le(out, meta->ea_size);
	if (fields & META_SD) {
		buf_u32le(out, (uint32_t)meta->sd_length);
		buf_bytes(out, meta->sd, meta->sd_length);
	}
}

/* record_read - the whole attribute into @room, or into *more (the caller frees it) where it is
 * larger. */
static ssize_t record_read(int fd, uint8_t *room, uint8_t **more)
{
	ssize_t n = sys.get_record(fd, room, META_FIRST_GUESS);

	if (n != -ERANGE)
		return n;
	*more = malloc(META_MOST);
	return *more ? sys.get_record(fd, *more, META_MOST) : -ENOMEM;
}

/* own_sd - the decoded view becomes the inode's own. */
static ntstatus own_sd(struct meta *meta)
{
	uint8_t *own;

	if (!meta->sd_length) {
		meta->sd = NULL;
		return STATUS_SUCCESS;
	}
	own = malloc(meta->sd_length);
	if (!own)
		return STATUS_NO_MEMORY;
	memcpy(own, meta->sd, meta->sd_length);
	meta->sd = own;
	return STATUS_SUCCESS;
}

static ntstatus read_fresh(struct volume_node *node, struct meta *meta)
{
	uint8_t room[META_FIRST_GUESS];
	auto_free uint8_t *more = NULL;
	ssize_t n = record_read(node->fd, room, &more);
	uint8_t *sd = NULL;
	ntstatus status;

	if (n == -ENODATA || n == -EOPNOTSUPP) {
		*meta = meta_default(node->is_directory);
		return STATUS_SUCCESS;
	}
	if (n < 0)
		return ntstatus_of_errno((int)n);
	status = meta_decode(cur_of(more ? more : room, (size_t)n), meta);
	if (status)
		return status;
	if (!meta->sd_in_depot)
		return own_sd(meta);
	status = depot_read_sd(node->volume, meta->depot_id, &sd, &meta->sd_length);
	meta->sd = sd;
	return status;
}

ntstatus inode_read(struct volume_node *node)
{
	struct inode *inode = node_inode(node);
	struct meta meta;
	ntstatus status;

	if (inode->meta_read)
		return STATUS_SUCCESS;
	status = read_fresh(node, &meta);
	if (status) {
		log_warn("file record not read inode=%llu status=%s",
			 (unsigned long long)node->key.inode, ntstatus_name(status));
		return status;
	}
	inode->meta = meta;
	inode->meta_read = true;
	return STATUS_SUCCESS;
}

static bool does_not_fit(int error)
{
	return error == -ENOSPC || error == -E2BIG || error == -ERANGE;
}

static int record_write(struct volume_node *node, const struct meta *meta)
{
	auto_buf struct buf record = { 0 };

	meta_encode(&record, meta);
	if (record.failed)
		return -ENOMEM;
	return record.len > META_MOST ? -E2BIG : sys.set_record(node->fd, record.data, record.len);
}

/*
 * The descriptor goes to the depot, and after it the record that says so: a crash between the two
 * leaves the old record, which is still true.
 */
static ntstatus write_beside(struct volume_node *node, struct meta *meta)
{
	ntstatus status;

	if (!meta->depot_id) {
		status = depot_id(node, &meta->depot_id);
		if (status)
			return status;
	}
	status = depot_write_sd(node->volume, meta->depot_id, meta->sd, meta->sd_length);
	if (status)
		return status;
	meta->sd_in_depot = true;
	return ntstatus_of_errno(record_write(node, meta));
}

ntstatus inode_write(struct volume_node *node, const struct meta *meta)
{
	struct inode *inode = node_inode(node);
	struct meta next = *meta;
	bool was_in_depot = inode->meta_read && inode->meta.sd_in_depot;
	ntstatus status;
	int error;

	if (node_is_past(node))
		return STATUS_MEDIA_WRITE_PROTECTED;
	status = own_sd(&next);
	if (status)
		return status;
	next.sd_in_depot = false;
	error = record_write(node, &next);
	status = ntstatus_of_errno(error);
	if (does_not_fit(error) && next.sd_length)
		status = write_beside(node, &next);
	if (status) {
		free((void *)(uintptr_t)next.sd);
		return status;
	}
	if (was_in_depot && !next.sd_in_depot)
		depot_remove_sd(node->volume, next.depot_id);
	free((void *)(uintptr_t)inode->meta.sd);
	inode->meta = next;
	inode->meta_read = true;
	return STATUS_SUCCESS;
}
