// SPDX-License-Identifier: Apache-2.0
/*
 * Security descriptors (MS-DTYP 2.4.4 to 2.4.6). A parsed descriptor is one allocation: the struct,
 * then its ACLs, their entries, and the bytes that entries keep as they came.
 */
#include <wire/dtyp.h>

#define SD_REVISION	 1
#define SD_HEADER	 20
#define ACL_REVISION	 2
#define ACL_REVISION_DS	 4
#define ACL_HEADER	 8
#define ACE_HEADER	 4
#define OBJECT_TYPE	 0x1u /* flags of object ACEs: which GUIDs stand before the SID */
#define OBJECT_INHERITED 0x2u

/* How the body of an ACE is laid out, by type. */
enum layout { LAYOUT_OPAQUE, LAYOUT_SID, LAYOUT_OBJECT };
static const uint8_t layouts[] = {
	[0x00] = LAYOUT_SID,	[0x01] = LAYOUT_SID,	[0x02] = LAYOUT_SID,
	[0x03] = LAYOUT_SID,	[0x05] = LAYOUT_OBJECT, [0x06] = LAYOUT_OBJECT,
	[0x07] = LAYOUT_OBJECT, [0x08] = LAYOUT_OBJECT, [0x09] = LAYOUT_SID,
	[0x0a] = LAYOUT_SID,	[0x0b] = LAYOUT_OBJECT, [0x0c] = LAYOUT_OBJECT,
	[0x0d] = LAYOUT_SID,	[0x0e] = LAYOUT_SID,	[0x0f] = LAYOUT_OBJECT,
	[0x10] = LAYOUT_OBJECT, [0x11] = LAYOUT_SID,	[0x12] = LAYOUT_SID,
	[0x13] = LAYOUT_SID,
};

static enum layout layout_of(uint8_t type)
{
	return type < ARRAY_LEN(layouts) ? (enum layout)layouts[type] : LAYOUT_OPAQUE;
}

uint32_t access_map_generic(uint32_t mask)
{
	static const uint32_t map[][2] = {
		{ GENERIC_READ, FILE_GENERIC_READ },
		{ GENERIC_WRITE, FILE_GENERIC_WRITE },
		{ GENERIC_EXECUTE, FILE_GENERIC_EXECUTE },
		{ GENERIC_ALL, FILE_ALL_ACCESS },
	};
	uint32_t mapped = mask;

	for (size_t i = 0; i < ARRAY_LEN(map); i++)
		if (mask & map[i][0])
			mapped = (mapped & ~map[i][0]) | map[i][1];
	return mapped;
}

/* One allocation, taken from front to back. */
struct arena {
	uint8_t *at;
	size_t left;
};

static void *take(struct arena *a, size_t size)
{
	void *p = a->at;

	size = align_up(size, sizeof(void *));
	BUG_ON(size > a->left);
	a->at += size;
	a->left -= size;
	return p;
}

static struct security_descriptor *arena_open(struct arena *a, size_t more)
{
	a->left = align_up(sizeof(struct security_descriptor), sizeof(void *)) + more;
	a->at = calloc(1, a->left);
	return a->at ? take(a, sizeof(struct security_descriptor)) : NULL;
}

/* acl_room - what an ACL of @count entries that keep @rest bytes takes of the arena, at most. */
static size_t acl_room(size_t count, size_t rest)
{
	return align_up(sizeof(struct acl), sizeof(void *)) +
	       align_up(count * sizeof(struct ace), sizeof(void *)) + rest + count * sizeof(void *);
}

static struct cursor keep(struct arena *a, struct cursor bytes)
{
	size_t length = cur_left(&bytes);
	void *copy;

	if (!length)
		return (struct cursor){ 0 };
	copy = take(a, length);
	memcpy(copy, bytes.at, length);
	return cur_of(copy, length);
}

/* object_sid - the SID of an object ACE, which lies behind flags and up to two GUIDs. */
static bool object_sid(struct cursor c, struct sid *out)
{
	uint32_t flags = cur_u32le(&c);

	cur_skip(&c, flags & OBJECT_TYPE ? 16 : 0);
	cur_skip(&c, flags & OBJECT_INHERITED ? 16 : 0);
	return sid_decode(&c, out);
}

static ntstatus ace_decode(struct cursor *c, struct arena *a, struct ace *out)
{
	uint16_t size;
	struct cursor body;

	out->type = cur_u8(c);
	out->flags = cur_u8(c);
	size = cur_u16le(c);
	if (size < ACE_HEADER || size % 4)
		return STATUS_INVALID_ACL;
	body = cur_take(c, size - ACE_HEADER);
	if (c->bad)
		return STATUS_INVALID_ACL;
	if (layout_of(out->type) != LAYOUT_OPAQUE)
		out->mask = cur_u32le(&body);
	if (layout_of(out->type) == LAYOUT_SID && !sid_decode(&body, &out->sid))
		return STATUS_INVALID_SID;
	if (layout_of(out->type) == LAYOUT_OBJECT && !object_sid(body, &out->sid))
		return STATUS_INVALID_SID;
	out->rest = keep(a, body);
	return STATUS_SUCCESS;
}

/* Where an ACL lies in the bytes, and what its header promises. */
struct acl_place {
	bool present;
	uint8_t revision;
	uint16_t count;
	struct cursor entries;
};

static ntstatus acl_find(struct cursor *c, uint32_t offset, struct acl_place *out)
{
	struct cursor header, all;
	uint16_t size;

	*out = (struct acl_place){ 0 };
	if (!offset)
		return STATUS_SUCCESS;
	header = cur_slice(c, offset, ACL_HEADER);
	out->revision = cur_u8(&header);
	cur_skip(&header, 1);
	size = cur_u16le(&header);
	out->count = cur_u16le(&header);
	if (header.bad || size < ACL_HEADER || out->revision < ACL_REVISION ||
	    out->revision > ACL_REVISION_DS || out->count > ACL_MAX_ACES)
		return STATUS_INVALID_ACL;
	all = cur_slice(c, offset, size);
	cur_skip(&all, ACL_HEADER);
	if (all.bad || out->count > cur_left(&all) / ACE_HEADER)
		return STATUS_INVALID_ACL;
	out->entries = all;
	out->present = true;
	return STATUS_SUCCESS;
}

static ntstatus acl_decode(const struct acl_place *place, struct arena *a, struct acl **out)
{
	struct cursor c = place->entries;
	struct acl *acl;

	*out = NULL;
	if (!place->present)
		return STATUS_SUCCESS;
	acl = take(a, sizeof(*acl));
	acl->revision = place->revision;
	acl->count = place->count;
	acl->aces = take(a, place->count * sizeof(struct ace));
	for (unsigned i = 0; i < place->count; i++) {
		ntstatus status = ace_decode(&c, a, &acl->aces[i]);

		if (status != STATUS_SUCCESS)
			return status;
	}
	*out = acl;
	return STATUS_SUCCESS;
}

static bool owner_decode(struct cursor *c, uint32_t offset, bool *has, struct sid *out)
{
	struct cursor place;
	size_t total = cur_position(c) + cur_left(c);

	if (!offset)
		return true;
	if (offset >= total)
		return false;
	place = cur_slice(c, offset, total - offset);
	*has = sid_decode(&place, out);
	return *has;
}

ntstatus sd_decode(struct cursor c, struct security_descriptor **out)
{
	struct security_descriptor *sd auto_free = NULL;
	struct acl_place dacl = { 0 }, sacl = { 0 };
	uint32_t owner, group, sacl_offset, dacl_offset;
	struct arena arena;
	uint16_t control;
	ntstatus status;

	*out = NULL;
	c = cur_take(&c, cur_left(&c));
	if (cur_left(&c) > SD_MAX_BYTES || cur_u8(&c) != SD_REVISION)
		return STATUS_INVALID_SECURITY_DESCR;
	cur_skip(&c, 1);
	control = cur_u16le(&c);
	owner = cur_u32le(&c);
	group = cur_u32le(&c);
	sacl_offset = cur_u32le(&c);
	dacl_offset = cur_u32le(&c);
	if (c.bad || !(control & SD_SELF_RELATIVE))
		return STATUS_INVALID_SECURITY_DESCR;
	status = acl_find(&c, control & SD_DACL_PRESENT ? dacl_offset : 0, &dacl);
	if (status == STATUS_SUCCESS)
		status = acl_find(&c, control & SD_SACL_PRESENT ? sacl_offset : 0, &sacl);
	if (status != STATUS_SUCCESS)
		return status;
	sd = arena_open(&arena, acl_room(dacl.count, cur_left(&dacl.entries)) +
					acl_room(sacl.count, cur_left(&sacl.entries)));
	if (!sd)
		return STATUS_NO_MEMORY;
	sd->control = control;
	if (!owner_decode(&c, owner, &sd->has_owner, &sd->owner) ||
	    !owner_decode(&c, group, &sd->has_group, &sd->group))
		return STATUS_INVALID_SID;
	status = acl_decode(&dacl, &arena, &sd->dacl);
	if (status == STATUS_SUCCESS)
		status = acl_decode(&sacl, &arena, &sd->sacl);
	if (status != STATUS_SUCCESS)
		return status;
	*out = sd;
	sd = NULL;
	return STATUS_SUCCESS;
}

static void ace_encode(struct buf *b, const struct ace *ace)
{
	enum layout layout = layout_of(ace->type);
	size_t start = b->len;

	buf_u8(b, ace->type);
	buf_u8(b, ace->flags);
	buf_u16le(b, 0);
	if (layout != LAYOUT_OPAQUE)
		buf_u32le(b, ace->mask);
	if (layout == LAYOUT_SID)
		sid_encode(b, &ace->sid);
	buf_bytes(b, ace->rest.at, cur_left(&ace->rest));
	buf_align(b, start, 4);
	if (b->len - start > UINT16_MAX)
		b->failed = true;
	buf_put_u16le(b, start + 2, (uint16_t)(b->len - start));
}

/* acl_encode - append @acl and note in the header at @field where it begins, from @base. */
static void acl_encode(struct buf *b, const struct acl *acl, size_t base, size_t field)
{
	size_t start = b->len;

	if (!acl)
		return;
	buf_put_u32le(b, field, (uint32_t)(start - base));
	buf_u8(b, (uint8_t)(acl->revision ? acl->revision : ACL_REVISION));
	buf_u8(b, 0);
	buf_u16le(b, 0);
	buf_u16le(b, acl->count);
	buf_u16le(b, 0);
	for (unsigned i = 0; i < acl->count; i++)
		ace_encode(b, &acl->aces[i]);
	if (b->len - start > UINT16_MAX)
		b->failed = true;
	buf_put_u16le(b, start + 2, (uint16_t)(b->len - start));
}

static void owner_encode(struct buf *b, const struct sid *sid, size_t base, size_t field)
{
	buf_put_u32le(b, field, (uint32_t)(b->len - base));
	sid_encode(b, sid);
}

/* Which bits of Control speak of which part. */
#define DACL_BITS                                                                                  \
	(SD_DACL_PRESENT | 0x0008 | SD_DACL_AUTO_INHERIT_REQ | SD_DACL_AUTO_INHERITED |            \
	 SD_DACL_PROTECTED)
#define SACL_BITS                                                                                  \
	(SD_SACL_PRESENT | 0x0020 | SD_SACL_AUTO_INHERIT_REQ | SD_SACL_AUTO_INHERITED |            \
	 SD_SACL_PROTECTED)

static uint16_t control_of(uint32_t which)
{
	uint32_t bits = 0;

	bits |= which & OWNER_SECURITY_INFORMATION ? SD_OWNER_DEFAULTED : 0;
	bits |= which & GROUP_SECURITY_INFORMATION ? SD_GROUP_DEFAULTED : 0;
	bits |= which & DACL_SECURITY_INFORMATION ? DACL_BITS : 0;
	bits |= which & SACL_SECURITY_INFORMATION ? SACL_BITS : 0;
	return (uint16_t)bits;
}

void sd_encode(struct buf *b, const struct security_descriptor *sd, uint32_t which)
{
	size_t base = b->len;

	buf_u8(b, SD_REVISION);
	buf_u8(b, 0);
	buf_u16le(b, (sd->control & control_of(which)) | SD_SELF_RELATIVE);
	buf_zero(b, SD_HEADER - 4);
	if (which & OWNER_SECURITY_INFORMATION && sd->has_owner)
		owner_encode(b, &sd->owner, base, base + 4);
	if (which & GROUP_SECURITY_INFORMATION && sd->has_group)
		owner_encode(b, &sd->group, base, base + 8);
	if (which & SACL_SECURITY_INFORMATION && sd->control & SD_SACL_PRESENT)
		acl_encode(b, sd->sacl, base, base + 12);
	if (which & DACL_SECURITY_INFORMATION && sd->control & SD_DACL_PRESENT)
		acl_encode(b, sd->dacl, base, base + 16);
}

static size_t acl_room_of(const struct acl *acl)
{
	size_t rest = 0;

	if (!acl)
		return 0;
	for (unsigned i = 0; i < acl->count; i++)
		rest += cur_left(&acl->aces[i].rest);
	return acl_room(acl->count, rest);
}

static struct acl *acl_copy(const struct acl *from, struct arena *a)
{
	struct acl *acl;

	if (!from)
		return NULL;
	acl = take(a, sizeof(*acl));
	*acl = *from;
	acl->aces = take(a, from->count * sizeof(struct ace));
	for (unsigned i = 0; i < from->count; i++) {
		acl->aces[i] = from->aces[i];
		acl->aces[i].rest = keep(a, from->aces[i].rest);
	}
	return acl;
}

ntstatus sd_build(uint16_t control, const struct sid *owner, const struct sid *group,
		  const struct acl *dacl, const struct acl *sacl, struct security_descriptor **out)
{
	struct security_descriptor *sd;
	struct arena arena;

	*out = NULL;
	if ((dacl && dacl->count > ACL_MAX_ACES) || (sacl && sacl->count > ACL_MAX_ACES))
		return STATUS_INVALID_ACL;
	sd = arena_open(&arena, acl_room_of(dacl) + acl_room_of(sacl));
	if (!sd)
		return STATUS_NO_MEMORY;
	sd->control = control | SD_SELF_RELATIVE;
	if (dacl)
		sd->control |= SD_DACL_PRESENT;
	if (sacl)
		sd->control |= SD_SACL_PRESENT;
	sd->has_owner = owner;
	if (owner)
		sd->owner = *owner;
	sd->has_group = group;
	if (group)
		sd->group = *group;
	sd->dacl = acl_copy(dacl, &arena);
	sd->sacl = acl_copy(sacl, &arena);
	*out = sd;
	return STATUS_SUCCESS;
}

/* set_control - the bits of @change that speak of an ACL, as they are kept after setting it. */
static uint16_t set_control(uint16_t change, uint16_t part, uint16_t request, uint16_t inherited)
{
	uint16_t bits = change & part & (uint16_t) ~(request | inherited);

	if (change & request && change & inherited)
		bits |= inherited;
	return bits;
}

ntstatus sd_apply(const struct security_descriptor *old, const struct security_descriptor *change,
		  uint32_t which, struct security_descriptor **out)
{
	const struct security_descriptor *owner, *group, *dacl, *sacl;
	uint16_t control = old->control & (uint16_t)~control_of(which);
	ntstatus status;

	owner = which & OWNER_SECURITY_INFORMATION && change->has_owner ? change : old;
	group = which & GROUP_SECURITY_INFORMATION && change->has_group ? change : old;
	dacl = which & DACL_SECURITY_INFORMATION ? change : old;
	sacl = which & SACL_SECURITY_INFORMATION ? change : old;
	if (dacl == change) /* without a list it is the null DACL that is set */
		control |= SD_DACL_PRESENT |
			   set_control(change->control, DACL_BITS, SD_DACL_AUTO_INHERIT_REQ,
				       SD_DACL_AUTO_INHERITED);
	if (sacl == change)
		control |= set_control(change->control, SACL_BITS, SD_SACL_AUTO_INHERIT_REQ,
				       SD_SACL_AUTO_INHERITED);
	status = sd_build(control, owner->has_owner ? &owner->owner : NULL,
			  group->has_group ? &group->group : NULL, dacl->dacl, sacl->sacl, out);
	if (status != STATUS_SUCCESS || dacl != change || !(*out)->dacl)
		return status;
	for (unsigned i = 0; i < (*out)->dacl->count; i++) {
		struct ace *ace = &(*out)->dacl->aces[i];

		if (!(ace->flags & ACE_INHERIT_ONLY))
			ace->mask = access_map_generic(ace->mask);
	}
	return STATUS_SUCCESS;
}
