// SPDX-License-Identifier: Apache-2.0
/*
 * QUERY_DIRECTORY (MS-SMB2 3.3.5.18): entries from the handle's listing straight into the reply.
 * The handle is locked over it, so that two requests on one handle see each entry once. A search
 * that finds nothing for long goes on in the loop's next turn, and so lets others have theirs.
 */
#include <base/utf16.h>

#include "request.h"

/* A loop answers no one else meanwhile: after so many entries the client may ask again. */
#define ENTRIES_AT_ONCE 4096
#define HIDDEN_AT_ONCE	256 /* what is not shown costs more: its rights were looked at */

struct page {
	struct volume_listing *listing;
	const char *pattern;
	uint8_t info_class;
	bool single;
	size_t begin, room, previous;
	size_t count;
};

static struct file_facts facts_of(const struct volume_attributes *a)
{
	return (struct file_facts){
		.creation_time = a->creation_time,
		.last_access_time = a->last_access_time,
		.last_write_time = a->last_write_time,
		.change_time = a->change_time,
		.allocation_size = a->allocation_size,
		.end_of_file = a->end_of_file,
		.attributes = a->attributes,
		.links = a->links,
		.ea_size = a->ea_size,
		.file_id = a->file_id,
		.reparse_tag = a->reparse_tag,
		.is_directory = a->is_directory,
	};
}

/* What a listing shows besides a name that is no 8.3 name itself. */
static const char *short_name_of(const struct smb_request *rq, const char *name,
				 char room[VOLUME_SHORT_NAME])
{
	if (!(rq->tree->share->flags & STORE_SHARE_SHORT_NAMES) || volume_name_is_short(name) ||
	    !strcmp(name, ".") || !strcmp(name, ".."))
		return NULL;
	volume_short_name(name, room);
	return room;
}

static ntstatus fill(struct smb_request *rq, struct page *page)
{
	size_t most = page->single ? 1 : ENTRIES_AT_ONCE, hidden = 0;
	ntstatus status = STATUS_SUCCESS;

	while (page->count < most) {
		struct volume_entry entry;
		struct file_facts facts;
		char short_name[VOLUME_SHORT_NAME];

		status = volume_list_next(page->listing, page->pattern, &entry);
		if (status)
			break;
		if (!open_entry_visible(rq->open, entry.name)) {
			if (++hidden < HIDDEN_AT_ONCE)
				continue;
			status = STATUS_RETRY;
			break;
		}
		facts = facts_of(&entry.attributes);
		facts.attributes =
			share_shown_attributes(rq->tree->share, entry.name, facts.attributes);
		status = fscc_directory_entry(page->info_class, entry.name,
					      short_name_of(rq, entry.name, short_name), &facts, 0,
					      page->begin, page->room, &page->previous, &rq->reply);
		if (status) {
			volume_list_back(page->listing);
			break;
		}
		page->count++;
	}
	return status;
}

/* What the end of fill() means to the client. STATUS_RETRY: nothing yet. */
static ntstatus conclude(const struct page *page, ntstatus status, bool is_first)
{
	if (page->count)
		return STATUS_SUCCESS;
	if (status == STATUS_BUFFER_OVERFLOW)
		return STATUS_INFO_LENGTH_MISMATCH; /* not even one fits */
	if (status == STATUS_NO_MORE_FILES && is_first)
		return STATUS_NO_SUCH_FILE;
	return status;
}

/* rq->progress, which a search that goes on has from its first turn. */
enum { NOT_BEGUN, FIRST_SEARCH, LATER_SEARCH };

static ntstatus list(struct smb_request *rq, const struct smb2_query_directory_request *r,
		     const char *pattern)
{
	bool begins = rq->progress == NOT_BEGUN;
	bool restart = begins && r->flags & (SMB2_RESTART_SCANS | SMB2_REOPEN);
	struct page page = {
		.info_class = r->info_class,
		.single = r->flags & SMB2_RETURN_SINGLE_ENTRY,
		.room = r->output_length,
		.previous = SIZE_MAX,
	};
	bool is_first;
	size_t at;
	ntstatus status;

	status = open_listing(rq->open, &page.listing);
	if (status)
		return status;
	is_first = begins ? restart || !open_listing_pattern(rq->open, NULL, false)
			  : rq->progress == FIRST_SEARCH;
	rq->progress = is_first ? FIRST_SEARCH : LATER_SEARCH;
	if (restart)
		volume_list_rewind(page.listing);
	page.pattern = open_listing_pattern(rq->open, begins ? pattern : NULL, is_first);
	at = smb2_output_response_begin(&rq->reply);
	page.begin = rq->reply.len;
	status = conclude(&page, fill(rq, &page), is_first);
	if (!status)
		smb2_output_response_end(&rq->reply, at);
	return status;
}

ntstatus cmd_query_directory(struct smb_request *rq)
{
	auto_free char *pattern = NULL;
	struct smb2_query_directory_request r;
	struct cursor message = rq->message; /* decoded anew in each turn */
	const struct open_facts *facts;
	ntstatus status;

	status = smb2_query_directory_request_decode(&message, &r);
	if (!status)
		status = request_charge(rq, r.output_length);
	if (!status)
		status = request_file(rq, &r.file_id);
	if (status)
		return status;
	facts = open_facts(rq->open);
	if (!facts->is_directory || r.output_length > rq->conn->max_transact)
		return STATUS_INVALID_PARAMETER;
	if (!(facts->granted_access & FILE_READ_DATA))
		return STATUS_ACCESS_DENIED;
	pattern = utf16_to_string(r.pattern);
	if (!pattern)
		return STATUS_OBJECT_NAME_INVALID;
	open_lock(rq->open);
	status = list(rq, &r, *pattern ? pattern : NULL);
	open_unlock(rq->open);
	if (status != STATUS_RETRY)
		return status;
	rq->reply.len = rq->head_at + SMB2_HEADER_SIZE;
	return request_wait_turn(rq);
}
