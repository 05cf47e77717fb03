// SPDX-License-Identifier: Apache-2.0
/*
 * FSCTL_BERTH_HASH_RANGE: what a range of an open file hashes to, so that who only wants to know
 * whether it is what it should be need not have its bytes sent. It is Berth's own, from the range
 * of functions that are left to vendors (MS-FSCC 2.3), and answered by Berth alone; other servers
 * refuse it as they do every code that they do not know.
 */
#ifndef WIRE_HASH_RANGE_H
#define WIRE_HASH_RANGE_H

#include <base/buf.h>
#include <base/cursor.h>
#include <wire/ntstatus.h>

/* CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 0x8B1, METHOD_BUFFERED, FILE_READ_ACCESS) */
#define FSCTL_BERTH_HASH_RANGE 0x000962C4u
#define HASH_RANGE_SHA256      1u
#define HASH_RANGE_HASH_BYTES  32
#define HASH_RANGE_MAX	       (1u << 20) /* bytes of one range */
#define HASH_RANGE_REPLY_BYTES 40u

/* On the wire: u32 algorithm (HASH_RANGE_SHA256), u32 reserved (0), u64 offset, u64 length. */
struct hash_range {
	uint64_t offset;
	uint32_t length; /* 1 to HASH_RANGE_MAX */
};

/* On the wire: u64 length, 32 bytes. */
struct hash_range_reply {
	uint64_t length; /* what was hashed: less than asked for at the end of the file only */
	uint8_t hash[HASH_RANGE_HASH_BYTES];
};

/* hash_range_decode - STATUS_INVALID_PARAMETER: too short, another algorithm, a reserved field
 * that is not 0, or no length that may be. */
ntstatus hash_range_decode(struct cursor c, struct hash_range *r) MUST_CHECK;
void hash_range_encode(struct buf *out, const struct hash_range *r);
/* hash_range_reply_decode - STATUS_INVALID_PARAMETER: too short, or a length of nothing or of more
 * than can be asked for. */
ntstatus hash_range_reply_decode(struct cursor c, struct hash_range_reply *r) MUST_CHECK;
void hash_range_reply_encode(struct buf *out, const struct hash_range_reply *r);

#endif
