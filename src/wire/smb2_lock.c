// SPDX-License-Identifier: Apache-2.0
/* LOCK and OPLOCK_BREAK (MS-SMB2 2.2.23 to 2.2.26). */
#include "smb2_parts.h"

ntstatus smb2_lock_request_decode(struct cursor *c, struct smb2_lock_request *r)
{
	if (!body_begins(c, 48))
		return STATUS_INVALID_PARAMETER;
	r->count = cur_u16le(c);
	r->lock_sequence = cur_u32le(c);
	r->file_id = cur_file_id(c);
	if (!r->count || r->count > SMB2_MAX_LOCKS)
		return STATUS_INVALID_PARAMETER;
	for (uint16_t i = 0; i < r->count; i++) {
		r->locks[i].offset = cur_u64le(c);
		r->locks[i].length = cur_u64le(c);
		r->locks[i].flags = cur_u32le(c);
		cur_skip(c, 4);
	}
	return decoded(c);
}

void smb2_lock_request_encode(struct buf *b, const struct smb2_lock_request *r)
{
	buf_u16le(b, 48);
	buf_u16le(b, r->count);
	buf_u32le(b, r->lock_sequence);
	buf_file_id(b, &r->file_id);
	for (uint16_t i = 0; i < r->count; i++) {
		buf_u64le(b, r->locks[i].offset);
		buf_u64le(b, r->locks[i].length);
		buf_u32le(b, r->locks[i].flags);
		buf_u32le(b, 0);
	}
}

/* An oplock's three messages are one structure; StructureSize tells them from a lease's. */
static void oplock_decode(struct cursor *c, struct smb2_oplock_break *r)
{
	r->oplock_level = cur_u8(c);
	cur_skip(c, 5);
	r->file_id = cur_file_id(c);
}

static void oplock_encode(struct buf *b, const struct smb2_oplock_break *r)
{
	buf_u16le(b, 24);
	buf_u8(b, r->oplock_level);
	buf_zero(b, 5);
	buf_file_id(b, &r->file_id);
}

ntstatus smb2_oplock_break_ack_decode(struct cursor *c, struct smb2_oplock_break *r)
{
	uint16_t size = cur_u16le(c);

	*r = (struct smb2_oplock_break){ .is_lease = size == 36 };
	if (size == 24) {
		oplock_decode(c, r);
	} else if (size == 36) {
		cur_skip(c, 2);
		r->lease_flags = cur_u32le(c);
		cur_copy(c, r->lease_key, sizeof(r->lease_key));
		r->lease_state = cur_u32le(c);
		cur_skip(c, 8);
	} else {
		return STATUS_INVALID_PARAMETER;
	}
	return decoded(c);
}

void smb2_oplock_break_ack_encode(struct buf *b, const struct smb2_oplock_break *r)
{
	if (!r->is_lease) {
		oplock_encode(b, r);
		return;
	}
	buf_u16le(b, 36);
	buf_u16le(b, 0);
	buf_u32le(b, r->lease_flags);
	buf_bytes(b, r->lease_key, sizeof(r->lease_key));
	buf_u32le(b, r->lease_state);
	buf_u64le(b, 0);
}

ntstatus smb2_oplock_break_notification_decode(struct cursor *c, struct smb2_oplock_break *r)
{
	uint16_t size = cur_u16le(c);

	*r = (struct smb2_oplock_break){ .is_lease = size == 44 };
	if (size == 24) {
		oplock_decode(c, r);
	} else if (size == 44) {
		r->new_epoch = cur_u16le(c);
		r->lease_flags = cur_u32le(c);
		cur_copy(c, r->lease_key, sizeof(r->lease_key));
		r->current_state = cur_u32le(c);
		r->new_state = cur_u32le(c);
		cur_skip(c, 12); /* BreakReason, AccessMaskHint, ShareMaskHint */
	} else {
		return STATUS_INVALID_PARAMETER;
	}
	return decoded(c);
}

void smb2_oplock_break_notification_encode(struct buf *b, const struct smb2_oplock_break *r)
{
	if (!r->is_lease) {
		oplock_encode(b, r);
		return;
	}
	buf_u16le(b, 44);
	buf_u16le(b, r->new_epoch);
	buf_u32le(b, r->lease_flags);
	buf_bytes(b, r->lease_key, sizeof(r->lease_key));
	buf_u32le(b, r->current_state);
	buf_u32le(b, r->new_state);
	buf_zero(b, 12);
}
