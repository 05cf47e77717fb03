// SPDX-License-Identifier: Apache-2.0
/*
 * What stands here until caching, byte ranges and notification have files of their own: nothing is
 * granted, so that there is nothing to break, and what a client asks for is refused.
 */
#include "opens.h"

struct caching_party caching_party_of_request(const struct open_request *request)
{
	(void)request;
	return (struct caching_party){ 0 };
}

struct caching_party caching_party_of_open(const struct open *open)
{
	return (struct caching_party){ .open = open };
}

bool caching_is_stat(const struct open_request *request, uint32_t access)
{
	(void)request;
	return sharemode_is_stat(access);
}

bool caching_break(struct file *file, const struct caching_party *by, enum cause cause,
		   struct actions *actions)
{
	(void)file;
	(void)by;
	(void)cause;
	(void)actions;
	return false;
}

ntstatus caching_grant(struct open *open, const struct open_request *request,
		       struct open_result *result)
{
	(void)open;
	(void)request;
	result->oplock_level = SMB2_OPLOCK_LEVEL_NONE;
	return STATUS_SUCCESS;
}

void caching_release(struct open *open, struct actions *actions)
{
	waiters_wake(&open->file->break_waiters, STATUS_SUCCESS, actions);
}

void caching_facts(const struct open *open, uint8_t *oplock_level, uint32_t *lease_state)
{
	*oplock_level = open->oplock_level;
	*lease_state = 0;
}

void directory_changed(struct volume_node *directory, const struct caching_party *by,
		       struct actions *actions)
{
	(void)directory;
	(void)by;
	(void)actions;
}

struct open *open_of_lease(const struct guid *client_guid, const uint8_t key[16])
{
	(void)client_guid;
	(void)key;
	return NULL;
}

ntstatus open_oplock_ack(struct open *open, uint8_t level, uint8_t *granted)
{
	(void)open;
	(void)level;
	*granted = SMB2_OPLOCK_LEVEL_NONE;
	return STATUS_INVALID_OPLOCK_PROTOCOL;
}

ntstatus open_lease_ack(const struct guid *client_guid, const uint8_t key[16], uint32_t state,
			uint32_t *granted)
{
	(void)client_guid;
	(void)key;
	(void)state;
	*granted = 0;
	return STATUS_OBJECT_NAME_NOT_FOUND;
}

uint32_t locks_of(const struct open *open)
{
	(void)open;
	return 0;
}

void locks_release(struct open *open, struct actions *actions)
{
	(void)open;
	(void)actions;
}

bool locks_allow(const struct open *open, uint64_t offset, uint64_t length, bool write)
{
	(void)open;
	(void)offset;
	(void)length;
	(void)write;
	return true;
}

ntstatus open_lock_ranges(struct open *open, const struct smb2_lock_request *request,
			  struct waiter *waiter)
{
	(void)open;
	(void)request;
	(void)waiter;
	return STATUS_NOT_SUPPORTED;
}

void notify_event(struct volume *volume, const char *path, uint32_t action, uint32_t filter,
		  struct actions *actions)
{
	(void)volume;
	(void)path;
	(void)action;
	(void)filter;
	(void)actions;
}

void notify_renamed(struct volume *volume, const char *from, const char *to, uint32_t filter,
		    struct actions *actions)
{
	(void)volume;
	(void)from;
	(void)to;
	(void)filter;
	(void)actions;
}

void notify_moved(struct file *file, const char *path)
{
	(void)file;
	(void)path;
}

void notify_delete_pending(struct file *file, struct actions *actions)
{
	(void)file;
	(void)actions;
}

void notify_close(struct open *open, ntstatus status, struct actions *actions)
{
	(void)open;
	(void)status;
	(void)actions;
}

void open_changed(struct open *open, uint32_t filter)
{
	(void)open;
	(void)filter;
}

ntstatus open_notify(struct open *open, uint32_t filter, bool recursive, uint32_t room,
		     struct waiter *waiter, struct buf *out)
{
	(void)open;
	(void)filter;
	(void)recursive;
	(void)room;
	(void)waiter;
	(void)out;
	return STATUS_NOT_SUPPORTED;
}
