// SPDX-License-Identifier: Apache-2.0
/*
 * What a new file or folder takes over from the folder it is made in (MS-DTYP 2.5.3.4).
 *
 * Entries count as inherited, and say so, only where the parent's own list is kept up to date by
 * inheritance (its AUTO_INHERITED bit), which is how Windows servers behave.
 */
#include <wire/dtyp.h>

#define GENERIC_BITS (GENERIC_ALL | GENERIC_EXECUTE | GENERIC_WRITE | GENERIC_READ)
#define INHERITABLE  (ACE_OBJECT_INHERIT | ACE_CONTAINER_INHERIT)
#define INHERIT_BITS (INHERITABLE | ACE_NO_PROPAGATE | ACE_INHERIT_ONLY)

/* The list under construction, and for whom. */
struct heir {
	bool is_directory;
	uint8_t mark; /* ACE_INHERITED or 0: set on what is inherited */
	const struct sid *owner, *group;
	struct acl acl;
	size_t room;
	ntstatus status;
};

static void heir_free(struct heir *h)
{
	free(h->acl.aces);
}

static void add(struct heir *h, struct ace ace)
{
	if (h->status != STATUS_SUCCESS)
		return;
	if (h->acl.count == h->room) {
		size_t room = h->room ? h->room * 2 : 16;
		struct ace *more = reallocarray(h->acl.aces, room, sizeof(*more));

		if (h->acl.count >= ACL_MAX_ACES || !more) {
			h->status = more ? STATUS_INVALID_ACL : STATUS_NO_MEMORY;
			if (more)
				h->acl.aces = more;
			return;
		}
		h->acl.aces = more;
		h->room = room;
	}
	if (h->acl.count == ACL_MAX_ACES) {
		h->status = STATUS_INVALID_ACL;
		return;
	}
	h->acl.aces[h->acl.count++] = ace;
}

/* stands_for - does the entry mean something else on the child than what it says? */
static bool stands_for(const struct ace *ace)
{
	return ace->mask & GENERIC_BITS || sid_equal(&ace->sid, &SID_CREATOR_OWNER) ||
	       sid_equal(&ace->sid, &SID_CREATOR_GROUP);
}

/* effective - the entry as it applies to the child itself. */
static struct ace effective(const struct heir *h, const struct ace *ace)
{
	struct ace own = *ace;

	own.mask = access_map_generic(ace->mask);
	if (sid_equal(&ace->sid, &SID_CREATOR_OWNER))
		own.sid = *h->owner;
	else if (sid_equal(&ace->sid, &SID_CREATOR_GROUP))
		own.sid = *h->group;
	return own;
}

/*
 * settle - add an entry that applies to the child and goes on as @flags say. Where it means
 * something else on the child, it is split: one entry that applies, one that only goes on.
 */
static void settle(struct heir *h, const struct ace *ace, uint8_t flags, uint8_t keep)
{
	struct ace own = effective(h, ace);
	struct ace onward = *ace;

	if (!(flags & INHERITABLE) || !stands_for(ace)) {
		own.flags = flags | keep;
		add(h, own);
		return;
	}
	own.flags = keep;
	add(h, own);
	onward.flags = flags | ACE_INHERIT_ONLY | keep;
	add(h, onward);
}

static void inherit_ace(struct heir *h, const struct ace *ace)
{
	uint8_t kept = (ace->flags & (uint8_t) ~(INHERIT_BITS | ACE_INHERITED)) | h->mark;
	uint8_t onward = ace->flags & INHERITABLE;

	if (!h->is_directory) {
		if (ace->flags & ACE_OBJECT_INHERIT)
			settle(h, ace, 0, kept);
		return;
	}
	if (ace->flags & ACE_CONTAINER_INHERIT) {
		settle(h, ace, ace->flags & ACE_NO_PROPAGATE ? 0 : onward, kept);
	} else if (ace->flags & ACE_OBJECT_INHERIT && !(ace->flags & ACE_NO_PROPAGATE)) {
		struct ace only = *ace;

		only.flags = onward | ACE_INHERIT_ONLY | kept;
		add(h, only);
	}
}

static void inherit_acl(struct heir *h, const struct acl *parent)
{
	for (unsigned i = 0; parent && i < parent->count; i++)
		inherit_ace(h, &parent->aces[i]);
}

/* explicit_acl - what the creator sent; entries it calls inherited are left to inheritance. */
static void explicit_acl(struct heir *h, const struct acl *creator, bool merges)
{
	for (unsigned i = 0; creator && i < creator->count; i++) {
		const struct ace *ace = &creator->aces[i];
		uint8_t flags = ace->flags & INHERIT_BITS;
		uint8_t kept = ace->flags & (uint8_t)~INHERIT_BITS;

		if (merges && ace->flags & ACE_INHERITED)
			continue;
		if (ace->flags & ACE_INHERIT_ONLY)
			add(h, *ace);
		else
			settle(h, ace, flags, kept);
	}
}

/* default_acl - what a token gives where neither the creator nor the folder says anything. */
static void default_acl(struct heir *h)
{
	add(h,
	    (struct ace){ .type = ACE_ACCESS_ALLOWED, .mask = FILE_ALL_ACCESS, .sid = *h->owner });
	add(h,
	    (struct ace){ .type = ACE_ACCESS_ALLOWED, .mask = FILE_ALL_ACCESS, .sid = SID_SYSTEM });
}

/* The two lists of a descriptor are inherited alike, under bits of their own. */
struct side {
	uint16_t present, request, inherited, protects;
	bool has_default;
};
static const struct side dacl_side = { SD_DACL_PRESENT, SD_DACL_AUTO_INHERIT_REQ,
				       SD_DACL_AUTO_INHERITED, SD_DACL_PROTECTED, true };
static const struct side sacl_side = { SD_SACL_PRESENT, SD_SACL_AUTO_INHERIT_REQ,
				       SD_SACL_AUTO_INHERITED, SD_SACL_PROTECTED, false };

/* compute - fill @h; the control bits of the result, with the present bit where there is a list. */
static uint16_t compute(struct heir *h, const struct side *side, uint16_t parent_control,
			const struct acl *parent, uint16_t creator_control,
			const struct acl *creator)
{
	uint16_t inherited = parent_control & side->inherited;

	h->acl.revision = parent ? parent->revision : 2;
	h->mark = inherited ? ACE_INHERITED : 0;
	if (creator_control & side->present) {
		bool merges =
			creator_control & side->request && !(creator_control & side->protects);
		uint16_t control = side->present | (creator_control & side->protects);

		if (!creator)
			return control; /* a null list was asked for, and is what it gets */
		h->acl.revision = creator->revision;
		explicit_acl(h, creator, merges);
		if (merges)
			inherit_acl(h, parent);
		return control | (merges ? inherited : 0);
	}
	inherit_acl(h, parent);
	if (h->acl.count)
		return side->present | inherited;
	if (!side->has_default)
		return 0;
	default_acl(h);
	return side->present;
}

ntstatus sd_inherit(const struct security_descriptor *parent,
		    const struct security_descriptor *creator, const struct sid *owner,
		    const struct sid *group, bool is_directory, struct security_descriptor **out)
{
	const struct sid *new_owner = creator && creator->has_owner ? &creator->owner : owner;
	const struct sid *new_group = creator && creator->has_group ? &creator->group : group;
	struct heir dacl cleanup(heir_free) = { .is_directory = is_directory,
						.owner = new_owner,
						.group = new_group };
	struct heir sacl cleanup(heir_free) = dacl;
	uint16_t asked = creator ? creator->control : 0;
	uint16_t control;
	bool null_dacl, null_sacl;

	*out = NULL;
	control = compute(&dacl, &dacl_side, parent->control, parent->dacl, asked,
			  creator ? creator->dacl : NULL);
	control |= compute(&sacl, &sacl_side, parent->control, parent->sacl, asked,
			   creator ? creator->sacl : NULL);
	if (dacl.status != STATUS_SUCCESS)
		return dacl.status;
	if (sacl.status != STATUS_SUCCESS)
		return sacl.status;
	null_dacl = asked & SD_DACL_PRESENT && !creator->dacl;
	null_sacl = !(control & SD_SACL_PRESENT) || (asked & SD_SACL_PRESENT && !creator->sacl);
	return sd_build(control, new_owner, new_group, null_dacl ? NULL : &dacl.acl,
			null_sacl ? NULL : &sacl.acl, out);
}
