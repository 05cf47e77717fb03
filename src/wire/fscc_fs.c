// SPDX-License-Identifier: Apache-2.0
/* What QUERY_INFO asks of a file system (MS-FSCC 2.5): a row for each class. */
#include "fscc_parts.h"

#define FILE_DEVICE_DISK			 7u
#define FILE_READ_ONLY_DEVICE			 0x02u
#define FILE_DEVICE_IS_MOUNTED			 0x20u
#define SSINFO_FLAGS_ALIGNED_DEVICE		 1u
#define SSINFO_FLAGS_PARTITION_ALIGNED_ON_DEVICE 2u
#define SSINFO_FLAGS_TRIM_ENABLED		 0x00000008u
#define PHYSICAL_SECTOR_LEAST			 4096u /* what the disks of today write at once */

static void volume(struct buf *out, const struct fs_facts *f)
{
	size_t at = out->len;

	buf_u64le(out, f->creation_time.ticks);
	buf_u32le(out, f->serial);
	buf_u32le(out, 0);
	buf_u8(out, 0); /* SupportsObjects */
	buf_u8(out, 0);
	utf16_encode(out, f->label);
	buf_put_u32le(out, at + 12, (uint32_t)(out->len - at - 18));
}

static void size(struct buf *out, const struct fs_facts *f)
{
	buf_u64le(out, f->total_units);
	buf_u64le(out, f->caller_free_units);
	buf_u32le(out, f->sectors_per_unit);
	buf_u32le(out, f->bytes_per_sector);
}

static void device(struct buf *out, const struct fs_facts *f)
{
	buf_u32le(out, FILE_DEVICE_DISK);
	buf_u32le(out, FILE_DEVICE_IS_MOUNTED | (f->read_only ? FILE_READ_ONLY_DEVICE : 0));
}

static void attribute(struct buf *out, const struct fs_facts *f)
{
	size_t at = out->len;

	buf_u32le(out, f->attributes);
	buf_u32le(out, f->max_name);
	buf_u32le(out, 0);
	utf16_encode(out, f->file_system);
	buf_put_u32le(out, at + 8, (uint32_t)(out->len - at - 12));
}

static void control(struct buf *out, const struct fs_facts *f)
{
	buf_zero(out, 24);
	buf_u64le(out, UINT64_MAX); /* DefaultQuotaThreshold: none */
	buf_u64le(out, UINT64_MAX); /* DefaultQuotaLimit: none */
	buf_u64le(out, 0);	    /* no quotas are tracked */
}

static void full_size(struct buf *out, const struct fs_facts *f)
{
	buf_u64le(out, f->total_units);
	buf_u64le(out, f->caller_free_units);
	buf_u64le(out, f->free_units);
	buf_u32le(out, f->sectors_per_unit);
	buf_u32le(out, f->bytes_per_sector);
}

static void object_id(struct buf *out, const struct fs_facts *f)
{
	buf_bytes(out, f->object_id.bytes, sizeof(f->object_id.bytes));
	buf_zero(out, 48);
}

static void sector_size(struct buf *out, const struct fs_facts *f)
{
	uint32_t physical = (uint32_t)max_u64(f->bytes_per_sector, PHYSICAL_SECTOR_LEAST);

	buf_u32le(out, f->bytes_per_sector);
	buf_u32le(out, physical); /* for atomicity */
	buf_u32le(out, physical); /* for performance */
	buf_u32le(out, physical); /* as the file system sees it */
	buf_u32le(out, SSINFO_FLAGS_ALIGNED_DEVICE | SSINFO_FLAGS_PARTITION_ALIGNED_ON_DEVICE |
			       (f->trims ? SSINFO_FLAGS_TRIM_ENABLED : 0));
	buf_u32le(out, 0);
	buf_u32le(out, 0);
}

static const struct fs_kind {
	uint8_t info_class;
	uint8_t least; /* the structure with its padding, as Windows checks it */
	void (*encode)(struct buf *out, const struct fs_facts *f);
} kinds[] = {
	{ FileFsVolumeInformation, 24, volume },
	{ FileFsSizeInformation, 24, size },
	{ FileFsDeviceInformation, 8, device },
	{ FileFsAttributeInformation, 16, attribute },
	{ FileFsControlInformation, 48, control },
	{ FileFsFullSizeInformation, 32, full_size },
	{ FileFsObjectIdInformation, 64, object_id },
	{ FileFsSectorSizeInformation, 28, sector_size },
};

ntstatus fscc_fs_query(uint8_t info_class, const struct fs_facts *f, size_t room, struct buf *out)
{
	size_t begin = out->len;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (kinds[i].info_class != info_class)
			continue;
		if (room < kinds[i].least)
			return STATUS_INFO_LENGTH_MISMATCH;
		kinds[i].encode(out, f);
		return fscc_cut(out, begin, room);
	}
	return STATUS_INVALID_INFO_CLASS;
}

ntstatus fscc_fs_full_size_decode(struct cursor c, struct fs_facts *f)
{
	f->total_units = cur_u64le(&c);
	f->caller_free_units = cur_u64le(&c);
	f->free_units = cur_u64le(&c);
	f->sectors_per_unit = cur_u32le(&c);
	f->bytes_per_sector = cur_u32le(&c);
	return c.bad ? STATUS_INFO_LENGTH_MISMATCH : STATUS_SUCCESS;
}
