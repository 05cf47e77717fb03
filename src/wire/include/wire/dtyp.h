// SPDX-License-Identifier: Apache-2.0
/* Security identifiers and descriptors (MS-DTYP 2.4). */
#ifndef WIRE_DTYP_H
#define WIRE_DTYP_H

#include <base/buf.h>
#include <base/cursor.h>
#include <wire/ntstatus.h>

#define SID_MAX_SUBS 15

struct sid {
	uint8_t sub_count;
	uint8_t authority[6]; /* big-endian, as on the wire */
	uint32_t sub[SID_MAX_SUBS];
};

#define SID_TEXT_SIZE 192

bool sid_decode(struct cursor *c, struct sid *out) MUST_CHECK;
void sid_encode(struct buf *b, const struct sid *sid);
size_t sid_size(const struct sid *sid); /* bytes on the wire */
bool sid_equal(const struct sid *a, const struct sid *b);
/* sid_parse - "S-1-5-32-544", or an SDDL two-letter name such as "BA". */
bool sid_parse(const char *text, struct sid *out) MUST_CHECK;
const char *sid_format(const struct sid *sid, char text[SID_TEXT_SIZE]);
/* sid_child - @domain with one more sub-authority. */
struct sid sid_child(const struct sid *domain, uint32_t rid);

extern const struct sid SID_EVERYONE, SID_ANONYMOUS, SID_AUTHENTICATED, SID_NETWORK, SID_SYSTEM,
	SID_ADMINISTRATORS, SID_USERS, SID_GUESTS, SID_BACKUP_OPERATORS, SID_CREATOR_OWNER,
	SID_CREATOR_GROUP, SID_OWNER_RIGHTS, SID_BUILTIN /* the domain of the built-in groups */;

/* Access masks (MS-DTYP 2.4.3, MS-SMB2 2.2.13.1). */
#define FILE_READ_DATA		    0x00000001u /* FILE_LIST_DIRECTORY */
#define FILE_WRITE_DATA		    0x00000002u /* FILE_ADD_FILE */
#define FILE_APPEND_DATA	    0x00000004u /* FILE_ADD_SUBDIRECTORY */
#define FILE_READ_EA		    0x00000008u
#define FILE_WRITE_EA		    0x00000010u
#define FILE_EXECUTE		    0x00000020u /* FILE_TRAVERSE */
#define FILE_DELETE_CHILD	    0x00000040u
#define FILE_READ_ATTRIBUTES	    0x00000080u
#define FILE_WRITE_ATTRIBUTES	    0x00000100u
#define DELETE_ACCESS		    0x00010000u
#define READ_CONTROL		    0x00020000u
#define WRITE_DAC		    0x00040000u
#define WRITE_OWNER		    0x00080000u
#define SYNCHRONIZE		    0x00100000u
#define ACCESS_SYSTEM_SECURITY	    0x01000000u
#define MAXIMUM_ALLOWED		    0x02000000u
#define GENERIC_ALL		    0x10000000u
#define GENERIC_EXECUTE		    0x20000000u
#define GENERIC_WRITE		    0x40000000u
#define GENERIC_READ		    0x80000000u
#define FILE_ALL_ACCESS		    0x001f01ffu
#define FILE_GENERIC_READ	    0x00120089u
#define FILE_GENERIC_WRITE	    0x00120116u
#define FILE_GENERIC_EXECUTE	    0x001200a0u
#define FILE_MODIFY_ACCESS	    0x001301bfu

/* ACE types and flags. */
#define ACE_ACCESS_ALLOWED	    0
#define ACE_ACCESS_DENIED	    1
#define ACE_SYSTEM_AUDIT	    2
#define ACE_SYSTEM_AUDIT_CALLBACK   13
#define ACE_ACCESS_ALLOWED_OBJECT   5
#define ACE_ACCESS_DENIED_OBJECT    6
#define ACE_ACCESS_ALLOWED_CALLBACK 9
#define ACE_ACCESS_DENIED_CALLBACK  10
#define ACE_OBJECT_INHERIT	    0x01
#define ACE_CONTAINER_INHERIT	    0x02
#define ACE_NO_PROPAGATE	    0x04
#define ACE_INHERIT_ONLY	    0x08
#define ACE_INHERITED		    0x10
#define ACE_AUDIT_SUCCESS	    0x40
#define ACE_AUDIT_FAILURE	    0x80

struct ace {
	uint8_t type;
	uint8_t flags;
	uint32_t mask;
	struct sid sid;
	/*
	 * Kept as it came: what follows the SID (conditional ACEs); of object ACEs all behind the
	 * mask, the SID among it; of types that nobody knows all behind the header, and no mask and
	 * SID.
	 */
	struct cursor rest;
};

struct acl {
	uint16_t revision;
	uint16_t count;
	struct ace *aces;
};

/* Control bits. */
#define SD_OWNER_DEFAULTED	   0x0001
#define SD_GROUP_DEFAULTED	   0x0002
#define SD_DACL_PRESENT		   0x0004
#define SD_SACL_PRESENT		   0x0010
#define SD_DACL_AUTO_INHERIT_REQ   0x0100
#define SD_SACL_AUTO_INHERIT_REQ   0x0200
#define SD_DACL_AUTO_INHERITED	   0x0400
#define SD_SACL_AUTO_INHERITED	   0x0800
#define SD_DACL_PROTECTED	   0x1000
#define SD_SACL_PROTECTED	   0x2000
#define SD_SELF_RELATIVE	   0x8000

/* Which parts of a descriptor are meant (SECURITY_INFORMATION). */
#define OWNER_SECURITY_INFORMATION 0x00000001u
#define GROUP_SECURITY_INFORMATION 0x00000002u
#define DACL_SECURITY_INFORMATION  0x00000004u
#define SACL_SECURITY_INFORMATION  0x00000008u

/* A parsed descriptor: one allocation holds it and everything it points to. free() gives it back.
 */
struct security_descriptor {
	uint16_t control;
	bool has_owner, has_group;
	struct sid owner, group;
	struct acl *dacl; /* NULL with SD_DACL_PRESENT: a null DACL, which grants everything */
	struct acl *sacl;
};

#define SD_MAX_BYTES 65536
#define ACL_MAX_ACES 1820

/*
 * sd_decode - parse a self-relative descriptor. The result is one allocation; the caller frees it.
 * STATUS_INVALID_SECURITY_DESCR, STATUS_INVALID_ACL, STATUS_INVALID_SID. MS-DTYP 2.4.6.
 */
ntstatus sd_decode(struct cursor c, struct security_descriptor **out) MUST_CHECK;
/* sd_encode - append @sd in self-relative form, only the parts @which names. */
void sd_encode(struct buf *b, const struct security_descriptor *sd, uint32_t which);
/*
 * sd_build - a descriptor of its own from parts that are copied; a part that is NULL is left out,
 * and @control (with SD_DACL_PRESENT and no @dacl a null DACL) says the rest. STATUS_INVALID_ACL
 * for more than ACL_MAX_ACES, STATUS_NO_MEMORY.
 */
ntstatus sd_build(uint16_t control, const struct sid *owner, const struct sid *group,
		  const struct acl *dacl, const struct acl *sacl,
		  struct security_descriptor **out) MUST_CHECK;
/*
 * sd_apply - what @old becomes when a client sets the parts @which of it to those of @change, as
 * SET_INFO does: generic rights become file rights, and a DACL or SACL counts as automatically
 * inherited only where the client asks for that (both AUTO_INHERIT_REQ and AUTO_INHERITED).
 */
ntstatus sd_apply(const struct security_descriptor *old, const struct security_descriptor *change,
		  uint32_t which, struct security_descriptor **out) MUST_CHECK;
/* sd_parse_sddl - owner, group and DACL of the text form that Windows tools use; for settings. */
ntstatus sd_parse_sddl(const char *text, struct security_descriptor **out) MUST_CHECK;
/* access_map_generic - generic bits of @mask replaced by what they mean for a file. */
uint32_t access_map_generic(uint32_t mask);
/*
 * sd_inherit - the descriptor of a new child of @parent (MS-DTYP 2.5.3.4). @creator (may be NULL)
 * is what the client sent: a DACL of it counts as it is, joined by the inherited entries only where
 * it asks for that (AUTO_INHERIT_REQ, not protected). @owner and @group are the creating token's,
 * where
 * @creator names none. A folder that passes nothing on leaves the owner and SYSTEM in control.
 */
ntstatus sd_inherit(const struct security_descriptor *parent,
		    const struct security_descriptor *creator, const struct sid *owner,
		    const struct sid *group, bool is_directory,
		    struct security_descriptor **out) MUST_CHECK;

#endif
