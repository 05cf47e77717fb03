// SPDX-License-Identifier: Apache-2.0
#include <auth/access.h>

#define OBJECT_TYPE_PRESENT 0x1u

/* What backup and restore stand for in an open with backup intent (MS-FSA 2.1.5.1). */
#define BACKUP_RIGHTS	    (READ_CONTROL | ACCESS_SYSTEM_SECURITY | FILE_GENERIC_READ | FILE_EXECUTE)
#define RESTORE_RIGHTS                                                                             \
	(WRITE_DAC | WRITE_OWNER | ACCESS_SYSTEM_SECURITY | FILE_GENERIC_WRITE | DELETE_ACCESS)

enum effect { EFFECT_NONE, EFFECT_ALLOW, EFFECT_DENY };

/*
 * effect_of - does the entry allow or deny by its kind? A condition is not evaluated, which is
 * "unknown": an entry that allows under it does not, one that denies under it does (MS-DTYP
 * 2.5.3.1.5). An object ACE that names a type of object says nothing of a file.
 */
static enum effect effect_of(const struct ace *ace)
{
	struct cursor rest = ace->rest;

	if (ace->flags & ACE_INHERIT_ONLY)
		return EFFECT_NONE;
	switch (ace->type) {
	case ACE_ACCESS_ALLOWED:
		return EFFECT_ALLOW;
	case ACE_ACCESS_DENIED:
	case ACE_ACCESS_DENIED_CALLBACK:
		return EFFECT_DENY;
	case ACE_ACCESS_ALLOWED_OBJECT:
		return cur_u32le(&rest) & OBJECT_TYPE_PRESENT ? EFFECT_NONE : EFFECT_ALLOW;
	case ACE_ACCESS_DENIED_OBJECT:
		return cur_u32le(&rest) & OBJECT_TYPE_PRESENT ? EFFECT_NONE : EFFECT_DENY;
	default:
		return EFFECT_NONE;
	}
}

static bool names_owner_rights(const struct acl *dacl)
{
	for (unsigned i = 0; i < dacl->count; i++)
		if (effect_of(&dacl->aces[i]) != EFFECT_NONE &&
		    sid_equal(&dacl->aces[i].sid, &SID_OWNER_RIGHTS))
			return true;
	return false;
}

/* by_dacl - every right the list gives: the first entry that speaks of a right decides it. */
static uint32_t by_dacl(const struct security_descriptor *sd, const struct token *token)
{
	bool owns = sd->has_owner && token_has_sid(token, &sd->owner);
	const struct acl *dacl = sd->control & SD_DACL_PRESENT ? sd->dacl : NULL;
	uint32_t granted = 0, denied = 0;

	if (!dacl)
		return FILE_ALL_ACCESS;
	if (owns && !names_owner_rights(dacl))
		granted = READ_CONTROL | WRITE_DAC;
	for (unsigned i = 0; i < dacl->count; i++) {
		const struct ace *ace = &dacl->aces[i];
		enum effect effect = effect_of(ace);
		uint32_t mask = access_map_generic(ace->mask);

		if (effect == EFFECT_NONE)
			continue;
		if (!token_has_sid(token, &ace->sid) &&
		    !(owns && sid_equal(&ace->sid, &SID_OWNER_RIGHTS)))
			continue;
		if (effect == EFFECT_ALLOW)
			granted |= mask & ~denied;
		else
			denied |= mask & ~granted;
	}
	return granted & FILE_ALL_ACCESS;
}

static uint32_t by_privilege(const struct token *token, bool backup_intent)
{
	uint32_t rights = 0;

	if (token->privileges & PRIVILEGE_TAKE_OWNERSHIP)
		rights |= WRITE_OWNER;
	if (token->privileges & PRIVILEGE_SECURITY)
		rights |= ACCESS_SYSTEM_SECURITY;
	if (backup_intent && token->privileges & PRIVILEGE_BACKUP)
		rights |= BACKUP_RIGHTS;
	if (backup_intent && token->privileges & PRIVILEGE_RESTORE)
		rights |= RESTORE_RIGHTS;
	return rights;
}

static ntstatus check(const struct security_descriptor *sd, const struct token *token,
		      uint32_t desired, bool backup_intent, uint32_t *granted)
{
	uint32_t asked = access_map_generic(desired & ~MAXIMUM_ALLOWED);
	uint32_t privileged, all;

	*granted = 0;
	if (!sd || !desired)
		return STATUS_ACCESS_DENIED;
	privileged = by_privilege(token, backup_intent);
	if (asked & ACCESS_SYSTEM_SECURITY & ~privileged)
		return STATUS_PRIVILEGE_NOT_HELD;
	all = by_dacl(sd, token) | privileged;
	if (asked & ~all)
		return STATUS_ACCESS_DENIED;
	if (desired & MAXIMUM_ALLOWED)
		/* The SACL is never part of "as much as possible": it must be asked for. */
		asked |= all & ~ACCESS_SYSTEM_SECURITY;
	*granted = asked;
	return asked ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
}

ntstatus access_check(const struct security_descriptor *sd, const struct token *token,
		      uint32_t desired, uint32_t *granted)
{
	return check(sd, token, desired, false, granted);
}

ntstatus access_check_backup(const struct security_descriptor *sd, const struct token *token,
			     uint32_t desired, uint32_t *granted)
{
	return check(sd, token, desired, true, granted);
}

uint32_t access_maximal(const struct security_descriptor *sd, const struct token *token)
{
	uint32_t granted;

	if (check(sd, token, MAXIMUM_ALLOWED, false, &granted) != STATUS_SUCCESS)
		return 0;
	return granted;
}

bool access_check_child_delete(const struct security_descriptor *parent, const struct token *token)
{
	return access_maximal(parent, token) & FILE_DELETE_CHILD;
}

ntstatus access_check_set_owner(const struct token *token, const struct sid *owner)
{
	if (token->privileges & PRIVILEGE_RESTORE || sid_equal(&token->user, owner) ||
	    (token->is_admin && sid_equal(&SID_ADMINISTRATORS, owner)))
		return STATUS_SUCCESS;
	return STATUS_INVALID_OWNER;
}

bool access_audited(const struct security_descriptor *sd, const struct token *token,
		    uint32_t access, bool is_granted)
{
	const struct acl *sacl = sd && sd->control & SD_SACL_PRESENT ? sd->sacl : NULL;
	uint8_t wanted = is_granted ? ACE_AUDIT_SUCCESS : ACE_AUDIT_FAILURE;

	for (unsigned i = 0; sacl && i < sacl->count; i++) {
		const struct ace *ace = &sacl->aces[i];

		if ((ace->type != ACE_SYSTEM_AUDIT && ace->type != ACE_SYSTEM_AUDIT_CALLBACK) ||
		    (ace->flags & ACE_INHERIT_ONLY) || !(ace->flags & wanted))
			continue;
		if ((access_map_generic(ace->mask) & access) && token_has_sid(token, &ace->sid))
			return true;
	}
	return false;
}
