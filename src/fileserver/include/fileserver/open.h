// SPDX-License-Identifier: Apache-2.0
/*
 * Opens: the shared state of every open file (MS-SMB2 3.3.1.10, MS-FSA 2.1).
 *
 *   file   one for each open inode or stream: share modes, byte-range locks, leases,
 * delete-pending, times that stick. Lives in a table striped by key; file->lock guards all of it.
 *   open   one for each handle. Belongs to a tree connect of a session; what only its owner touches
 * (position, listing) has no lock: requests on one handle that run at once are serialised by
 * open->lock.
 *
 * Order of locks: stripe, file, open. No callback (waiter, break) is called with any of them held.
 *
 * What must wait: a call returns STATUS_PENDING and keeps @waiter, whose wake is called exactly
 * once, on any thread, when it is worth calling again (or, where the call says so, with the final
 * status). waiter_cancel takes it back.
 */
#ifndef FILESERVER_OPEN_H
#define FILESERVER_OPEN_H

#include <auth/identity.h>
#include <fileserver/server.h>
#include <wire/fscc.h>
#include <wire/smb2.h>

struct open;
struct file;

struct waiter {
	void (*wake)(struct waiter *waiter, ntstatus status);
	/* private: */
	struct waiter *next, *previous;
	void *queue;
	struct file *file;
};
/* waiter_cancel - take @waiter out of its queue. True: wake will not be called. False: it has been,
 * or is being, called. */
bool waiter_cancel(struct waiter *waiter);

/* Where breaks go. Implemented by smb/; called with no lock held, on any thread; @open is counted
 * for the call. */
struct open_events {
	/* oplock_break - tell the holder of @open that its oplock goes down to @level. */
	void (*oplock_break)(struct open *open, uint8_t level);
	/* lease_break - tell the client that holds the lease (any of its opens is given). */
	void (*lease_break)(struct open *open, const uint8_t key[16], uint32_t current_state,
			    uint32_t new_state, uint16_t new_epoch, bool ack_required);
	/* holder_wanted - the client of @open asks for it over another connection, and waits for
	 * the one that has it to end: where that is not at its end, open_stays ends the wait. */
	void (*holder_wanted)(struct open *open);
};
void open_set_events(const struct open_events *events);
/* open_stays - the client that has @open is there: who waits to come back for it is refused. Any
 * thread, no lock held. */
void open_stays(struct open *open);

/* Limits, settable before the first open; names as in the configuration. */
struct open_limits {
	uint32_t max_opens_per_server;	     /* 1,000,000 */
	uint32_t break_timeout_ms;	     /* 35,000 */
	uint32_t max_locks_per_file;	     /* 100,000 */
	uint32_t max_waiting_locks_per_file; /* 1,024: each is looked at whenever a lock goes */
	uint32_t max_notify_bytes;	     /* 65,536 buffered for one watch */
	uint32_t max_watches;		     /* 100,000 */
	/* opens that are kept for clients that have gone: on this node, of one client, of one user
	 */
	uint32_t max_disconnected_opens;	    /* 65,536 */
	uint32_t max_disconnected_opens_per_client; /* 8,192 */
	uint32_t max_disconnected_opens_per_user;   /* 16,384 */
	uint32_t durable_v1_timeout_ms;		    /* 960,000; a client cannot ask for a time */
	uint32_t durable_timeout_ms;		    /* 60,000, where a client asks for none */
	uint32_t max_durable_timeout_ms;	    /* 300,000 */
	uint32_t resilient_timeout_ms;		    /* 120,000, where a client asks for none */
	uint32_t max_resilient_timeout_ms;	    /* 300,000 */
	uint32_t max_return_wait_ms; /* 10,000: how long who comes back waits for its earlier
					connection to end */
};
extern struct open_limits open_limits;

struct replay;

struct open_request {
	struct share *share;
	const struct token *token; /* who asks, and whose the open is: of now */
	struct identity *identity; /* whom its session acts as, later too; NULL: always the token */
	const char *path; /* UTF-8, '/' separated, from the share's root; may end in :stream or
			     :stream:$DATA */
	uint64_t session_id;
	uint32_t tree_id;
	struct guid client_guid;
	uint32_t share_maximal_access; /* what the share lets this token have at most */
	uint32_t desired_access;
	uint32_t file_attributes;
	uint32_t share_access;
	uint32_t disposition;
	uint32_t options;
	uint8_t oplock_level;
	const struct smb2_create_contexts *contexts;
	uint64_t message_id; /* tells a retry of this request (after a wait) from another request */
	bool is_retry;	     /* the second and later calls for the same request */
	bool holder_stays;   /* is_retry, and it was woken with an error */
	uint16_t dialect;    /* SMB2_DIALECT_* */
	uint16_t channel_sequence;
	bool is_replay;	   /* SMB2_FLAGS_REPLAY_OPERATION */
	bool counts_locks; /* lock sequences are looked at whatever the open is (multichannel) */
	/* Where a CREATE that waits is remembered, NULL at first; open_replay_end when it is given
	 * up for good. The pointer may be NULL: no replay of it will be known. */
	struct replay **replay;
	/* set by open_create in a copy of its own */
	struct volume_node *root; /* where @path begins: the share's, or that of a snapshot */
	bool is_previous;	  /* a previous version is asked for: nothing may change */
};
void open_replay_end(struct replay *replay);
struct open_result {
	uint32_t action; /* FILE_OPENED ... */
	uint8_t oplock_level;
	struct smb2_lease lease; /* granted, where asked for */
	struct volume_attributes attributes;
	uint32_t maximal_access; /* where MxAc asked */
	ntstatus maximal_access_status;
	bool durable_v1, durable_v2; /* granted */
	uint32_t durable_timeout_ms;
	/* STATUS_STOPPED_ON_SYMLINK: the link's reparse data (for the caller to free), and how many
	 * bytes of the path as UTF-16 are behind it */
	struct buf symlink;
	uint16_t unparsed;
};
/*
 * open_create - CREATE as a whole, but for pipes and the wire (MS-SMB2 3.3.5.9, MS-FSA 2.1.5.1).
 * STATUS_PENDING: a break must be answered first, or the end of a connection seen; call again with
 * is_retry when woken. On success
 * *out is a counted reference for the caller, and the table holds another until open_close.
 */
ntstatus open_create(const struct open_request *request, struct waiter *waiter, struct open **out,
		     struct open_result *result) MUST_CHECK;

struct open *open_get(struct open *open);
void open_put(struct open *open);
void open_put_ptr(struct open **open);

/* open_find - the open with this file id if it belongs to @session_id and @tree_id, or NULL;
 * counted. O(1). */
struct open *open_find(const struct smb2_file_id *id, uint64_t session_id, uint32_t tree_id);
/* open_of_lease - any open that holds lease @key of @client_guid; counted, or NULL. */
struct open *open_of_lease(const struct guid *client_guid, const uint8_t key[16]);

/* What others may know of an open. */
struct open_facts {
	struct smb2_file_id id;
	struct share *share;
	struct volume_node *node;
	uint64_t session_id;
	uint32_t tree_id;
	uint32_t granted_access, share_access, options;
	struct guid client_guid;
	bool is_directory, is_stream;
	uint8_t resume_key[24];
};
const struct open_facts *open_facts(const struct open *open);
const struct token *open_token(const struct open *open);
/*
 * open_channel_begin - a request on @open came with this channel sequence (MS-SMB2 3.3.5.2.10).
 * True: open_channel_end is to follow when it has been answered. False: it is older than what came
 * since, or replays what may still be under way, and must not change the file. Any thread.
 */
bool open_channel_begin(struct open *open, uint16_t sequence, bool is_replay) MUST_CHECK;
void open_channel_end(struct open *open, uint16_t sequence);
/* open_used - another command than CREATE came for @open: no CREATE is a replay of its any more. */
void open_used(struct open *open);
/* open_path - the path from the share's root as it is now (renames followed); the caller frees it.
 */
char *open_path(struct open *open);
/* open_position - the handle's byte offset (MS-FSA 2.1.1.6 CurrentByteOffset): where the last read
 * or write ended. */
uint64_t open_position(const struct open *open);
void open_set_position(struct open *open, uint64_t position);
struct mutex_guard; /* handlers that need handle-serial order (QUERY_DIRECTORY) take this lock */
void open_lock(struct open *open);
void open_unlock(struct open *open);

/*
 * open_close - the end of a handle: releases its locks, its oplock or share of a lease, its watch,
 * its share mode; the last one of a file marked for deletion deletes it. @attributes may be NULL.
 * Waiters on what it held are woken.
 */
ntstatus open_close(struct open *open, struct volume_attributes *attributes);
/*
 * open_close_tree / open_close_session - all that are there: tree disconnect; logoff, connection
 * lost. Where @keep_durable is set those that outlive their session are kept, by the rules
 * (MS-SMB2 3.3.5.6, 3.3.7.1); a tree disconnect closes them too, but not what has been kept before.
 */
void open_close_tree(uint64_t session_id, uint32_t tree_id);
void open_close_session(uint64_t session_id, bool keep_durable);
/*
 * open_make_resilient - FSCTL_LMR_REQUEST_RESILIENCY (MS-SMB2 3.3.5.15.9): @open outlives its
 * connection whatever it caches. STATUS_INVALID_PARAMETER for a time beyond the limit or a
 * directory, STATUS_ACCESS_DENIED for a guest or nobody, who could not be told from another.
 */
ntstatus open_make_resilient(struct open *open, uint32_t timeout_ms) MUST_CHECK;
/* open_close_server / open_close_share - the server leaves this node, or the share is removed. */
void open_close_server(struct server *server);
void open_close_share(struct share *share);

/*
 * open_check_read / open_check_write - may this range be read or written now: granted access,
 * byte-range locks of others, end of file, not a directory. A write also breaks the read caching of
 * others (no wait) and marks the file written. The caller then does the I/O on
 * open_facts()->node->fd itself, and calls open_wrote afterwards.
 */
ntstatus open_check_read(struct open *open, uint64_t offset, uint32_t length) MUST_CHECK;
ntstatus open_check_write(struct open *open, uint64_t offset, uint64_t length) MUST_CHECK;
/* open_begin_write - open_check_write for what byte-range locks do not guard (MS-FSA 2.1.5.10.4).
 */
ntstatus open_begin_write(struct open *open) MUST_CHECK;
void open_wrote(struct open *open, uint64_t offset, uint32_t length);
/* open_flushed - what was written is on disk; its time shows. Takes the lock. */
void open_flushed(struct open *open);

/*
 * open_lock_ranges - LOCK (MS-SMB2 3.3.5.14): all elements or none; checks the lock sequence of
 * replays. STATUS_PENDING: the one range that may wait is queued, and wake gives the final status
 * (STATUS_SUCCESS: it is locked).
 */
ntstatus open_lock_ranges(struct open *open, const struct smb2_lock_request *request,
			  struct waiter *waiter) MUST_CHECK;

/* The acknowledgements of breaks (MS-SMB2 3.3.5.22). *granted_* is what the client now has. */
ntstatus open_oplock_ack(struct open *open, uint8_t level, uint8_t *granted) MUST_CHECK;
ntstatus open_lease_ack(const struct guid *client_guid, const uint8_t key[16], uint32_t state,
			uint32_t *granted) MUST_CHECK;

/* Metadata with the file's shared state: sizes, sticky times, delete-pending. */
ntstatus open_query_attributes(struct open *open, struct file_facts *facts) MUST_CHECK;
/* open_query_data - the unnamed data of the file, also where @open is of one of its streams; a
 * directory has none. */
ntstatus open_query_data(struct open *open, bool *has_data, uint64_t *size,
			 uint64_t *allocation_size) MUST_CHECK;
ntstatus open_set_basic(struct open *open, const struct file_set *set) MUST_CHECK;
/* open_is_compressed, open_set_compressed - does the file system compress what is written to the
 * open's file or stream, or what is made in its directory? STATUS_NOT_SUPPORTED where it cannot. */
ntstatus open_is_compressed(struct open *open, bool *out) MUST_CHECK;
ntstatus open_set_compressed(struct open *open, bool compressed) MUST_CHECK;
/* open_set_sparse - what is zeroed of the open's file or stream gives its space back from now on,
 * or keeps it: then all of it gets its space, which may take a while. STATUS_DISK_FULL. */
ntstatus open_set_sparse(struct open *open, bool sparse) MUST_CHECK;
/* The following may have to break leases first: STATUS_PENDING, call again when woken. */
ntstatus open_set_end_of_file(struct open *open, uint64_t size, struct waiter *waiter) MUST_CHECK;
ntstatus open_set_allocation(struct open *open, uint64_t size, struct waiter *waiter) MUST_CHECK;
ntstatus open_set_disposition(struct open *open, bool delete_file, uint32_t flags,
			      struct waiter *waiter) MUST_CHECK;
/* open_rename - @path from the share's root, or ":stream" to rename a stream. */
ntstatus open_rename(struct open *open, const char *path, bool replace, uint32_t flags,
		     struct waiter *waiter) MUST_CHECK;
ntstatus open_link(struct open *open, const char *path, bool replace,
		   struct waiter *waiter) MUST_CHECK;

uint32_t open_mode(const struct open *open); /* FILE_WRITE_THROUGH ... as opened, or as set since */
ntstatus open_set_mode(struct open *open, uint32_t mode) MUST_CHECK;

/*
 * Reparse points (MS-FSA 2.1.5.10.22, .37, .4): what was set is given back, a set or removal must
 * be of the kind that is there. STATUS_NOT_A_REPARSE_POINT, STATUS_IO_REPARSE_*,
 * STATUS_DIRECTORY_NOT_EMPTY, STATUS_ACCESS_DENIED (also for a symbolic link of who is no
 * administrator).
 */
ntstatus open_get_reparse(struct open *open, struct buf *out) MUST_CHECK;
ntstatus open_set_reparse(struct open *open, struct cursor input) MUST_CHECK;
ntstatus open_delete_reparse(struct open *open, struct cursor input) MUST_CHECK;

/* Security descriptors: what is stored, or what the file has by inheritance; @which is
 * SECURITY_INFORMATION. */
ntstatus open_query_security(struct open *open, uint32_t which, struct buf *out) MUST_CHECK;
ntstatus open_set_security(struct open *open, uint32_t which, struct cursor sd) MUST_CHECK;

/* Extended attributes (MS-FSA 2.1.5.12.14, 2.1.5.15.5). */
struct ea_query {
	struct cursor names; /* FILE_GET_EA_INFORMATION; empty: all of them */
	bool restart, single, from_index;
	uint32_t index; /* counted from 1 */
	size_t room;
};
/*
 * open_query_eas - appended to @out as FILE_FULL_EA_INFORMATION; without names from where the last
 * query of the handle ended. STATUS_NO_EAS_ON_FILE, STATUS_NO_MORE_EAS, STATUS_BUFFER_OVERFLOW with
 * those that fit, STATUS_BUFFER_TOO_SMALL.
 */
ntstatus open_query_eas(struct open *open, const struct ea_query *query,
			struct buf *out) MUST_CHECK;
ntstatus open_set_eas(struct open *open, struct cursor changes) MUST_CHECK;

/* A directory handle's listing, made at first use; call under open_lock. ABE is applied by the
 * listing where the share says so. */
ntstatus open_listing(struct open *open, struct volume_listing **out) MUST_CHECK;
/* The pattern of the first QUERY_DIRECTORY stays until a restart gives another. NULL pattern: keep.
 * Returns the one in force. */
const char *open_listing_pattern(struct open *open, const char *pattern, bool restart);
/* open_entry_visible - access-based enumeration: may the handle's token see this entry? True where
 * the share does not ask. */
bool open_entry_visible(struct open *open, const char *name);

/*
 * open_notify - CHANGE_NOTIFY: events that are buffered are given at once (STATUS_SUCCESS, appended
 * to @out as FILE_NOTIFY_INFORMATION, or STATUS_NOTIFY_ENUM_DIR when they do not fit); else
 * STATUS_PENDING: call again when woken; wake gives STATUS_NOTIFY_CLEANUP when the handle is
 * closed, STATUS_DELETE_PENDING when the directory goes.
 */
ntstatus open_notify(struct open *open, uint32_t filter, bool recursive, uint32_t room,
		     struct waiter *waiter, struct buf *out) MUST_CHECK;
/* open_notify_end - the request of @waiter, which waits no more, is over: what it was woken for and
 * has not been told is for the next one. Any thread; no lock held. */
void open_notify_end(struct open *open, const struct waiter *waiter);

/* Listing for people: snapshot of every open of @server (NULL: all). The caller frees the array and
 * each path and user. */
struct open_listing_row {
	uint64_t id; /* volatile id: what file close takes */
	uint64_t session_id;
	char *path; /* \share\path */
	char *user;
	uint32_t granted_access;
	uint32_t locks;
	uint8_t oplock_level;
	uint32_t lease_state;
	const char *durable; /* "no", "v1", "v2", "resilient" */
	uint32_t timeout_ms; /* of a durable one: how long it is kept */
	bool is_disconnected;
	uint64_t disconnected_ms; /* for so long */
};
size_t open_list(struct server *server, struct open_listing_row **out);
/* open_force_close - close by an administrator; false where there is no such open. */
bool open_force_close(uint64_t id);

#endif
