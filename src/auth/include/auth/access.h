// SPDX-License-Identifier: Apache-2.0
/*
 * What a token may do with what a descriptor guards (MS-DTYP 2.5.3.2). Pure functions: they read
 * and decide, and hold nothing.
 */
#ifndef AUTH_ACCESS_H
#define AUTH_ACCESS_H

#include <auth/token.h>
#include <wire/dtyp.h>

/*
 * access_check - may @token have @desired of what @sd guards?
 *
 * @desired may hold generic bits and MAXIMUM_ALLOWED; @granted is then everything asked for and,
 * with MAXIMUM_ALLOWED, everything else that is granted; 0 on refusal. The owner has READ_CONTROL
 * and WRITE_DAC unless an OWNER RIGHTS entry says otherwise; privileges add ACCESS_SYSTEM_SECURITY
 * (security; never by MAXIMUM_ALLOWED alone) and WRITE_OWNER (take-ownership). Backup and restore
 * add their rights only through access_check_backup. An absent or null DACL grants everything that
 * a file knows; a descriptor that is NULL is refused, and so is asking for nothing
 * (MS-FSA 2.1.5.1).
 *
 * STATUS_SUCCESS, STATUS_ACCESS_DENIED, STATUS_PRIVILEGE_NOT_HELD (ACCESS_SYSTEM_SECURITY without
 * the security privilege).
 */
ntstatus access_check(const struct security_descriptor *sd, const struct token *token,
		      uint32_t desired, uint32_t *granted) MUST_CHECK;

/*
 * access_check_backup - access_check for an open with FILE_OPEN_FOR_BACKUP_INTENT: what the
 * backup and restore privileges stand for is granted first (MS-FSA 2.1.5.1.2.1).
 */
ntstatus access_check_backup(const struct security_descriptor *sd, const struct token *token,
			     uint32_t desired, uint32_t *granted) MUST_CHECK;

/* access_maximal - all that @token may have: the answer to the maximal access create context. */
uint32_t access_maximal(const struct security_descriptor *sd, const struct token *token);

/*
 * access_check_child_delete - may @token delete a child by FILE_DELETE_CHILD of its @parent? An
 * open that asks for DELETE and does not get it from the file may have it from the folder.
 */
bool access_check_child_delete(const struct security_descriptor *parent, const struct token *token);

/*
 * access_audited - does the SACL of @sd want it told that @token was given @access, or (not
 * @is_granted) was refused it? An entry with a condition always does: one too many is told rather
 * than one too few (MS-DTYP 2.4.4.10, 2.4.4.12).
 */
bool access_audited(const struct security_descriptor *sd, const struct token *token,
		    uint32_t access, bool is_granted);

/*
 * access_check_set_owner - may @token write @owner as the owner of something? Its own user, or a
 * group of it that may own (Administrators); with the restore privilege anyone.
 * STATUS_SUCCESS or STATUS_INVALID_OWNER.
 */
ntstatus access_check_set_owner(const struct token *token, const struct sid *owner) MUST_CHECK;

#endif
