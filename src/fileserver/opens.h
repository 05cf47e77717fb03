// SPDX-License-Identifier: Apache-2.0
/*
 * What the files behind open.h share: the file, the open, the lease, and the list of what is to be
 * done once the locks are down. Nothing outside this folder sees it.
 *
 * Locks, outermost first:
 *   rename_lock  one rename or link at a time (rename.c)
 *   file->lock   everything of a file: its opens' share in it, its leases, its byte ranges. Of two
 * files: a stream's base before the stream, a file before the directory it is in leaves
 * stripe->lock (the table of files, file->refs; file.c), shard->lock (open ids, sessions;
 * open_table.c), the lease table (lease.c), the timer (timer.c), the watches (notify.c), the
 * descriptor cache (security.c), and under any of these the queues of waiters (actions.c)
 *
 * open->lock is the handle's own (open.h) and is never taken in this folder but for open_lock.
 */
#ifndef FILESERVER_OPENS_H
#define FILESERVER_OPENS_H

#include <auth/access.h>
#include <fileserver/open.h>
#include <pthread.h>
#include <stdatomic.h>

/* ---- what is to be done after unlocking (actions.c) ---- */
struct waiter_queue {
	struct waiter *first, *last;
};
struct action {
	enum {
		ACTION_WAKE,
		ACTION_OPLOCK_BREAK,
		ACTION_LEASE_BREAK,
		ACTION_CLOSE,
		ACTION_HOLDER_WANTED,
		ACTION_DIRECTORY_CHANGED,
	} kind;
	ntstatus status;
	struct waiter *waiter;
	struct open *open; /* counted by the action */
	uint8_t key[16]; /* of the lease; for a directory: the parent lease key of who changed it */
	uint32_t current_state, new_state;
	uint16_t epoch;
	bool ack_required;
	struct volume_node *directory; /* counted by the action */
	struct guid client_guid;
	bool has_key;
};
struct actions {
	struct action few[4];
	struct action *more; /* from the fifth on */
	size_t count, more_cap;
	bool closes; /* opens are among them that go: what they hold is free when it has run */
	uint64_t operation; /* notify.c: a number of its own */
};
struct action *actions_add(struct actions *actions);
/* actions_run - do them, in order, with no lock held. */
void actions_run(struct actions *actions);

/* waiter_enqueue - @waiter waits in @queue; any earlier place it had is given up. */
void waiter_enqueue(struct waiter_queue *queue, struct waiter *waiter);
bool waiter_queue_empty(struct waiter_queue *queue);
/* waiter_take_first - whoever waits longest, out of the queue; NULL where nobody waits (any more:
 * cancelled). */
struct waiter *waiter_take_first(struct waiter_queue *queue);
/* actions_wake - @waiter, which is in no queue any more, is to be woken with @status. */
void actions_wake(struct actions *actions, struct waiter *waiter, ntstatus status);
/* waiters_wake - everyone in @queue is to be woken with @status. */
void waiters_wake(struct waiter_queue *queue, ntstatus status, struct actions *actions);

/* ---- time-outs (timer.c) ---- */
struct timer {
	uint64_t due_ms;
	size_t at;			   /* its place among those that are armed; 0: it is not */
	void (*hold)(struct timer *timer); /* under the timer's lock: count what holds it */
	void (*fire)(struct timer *timer); /* no lock held: do it, and uncount */
};
/* timer_arm - @timer fires in @after_ms, and not when it was to fire before. */
void timer_arm(struct timer *timer, uint32_t after_ms);
void timer_disarm(struct timer *timer);
/* timer_is_armed - asked in fire, under the lock of what it is about: armed anew meanwhile, this
 * firing counts for nothing. */
bool timer_is_armed(struct timer *timer);

/* ---- descriptors (security.c) ---- */
#define SD_ALL_PARTS 0xfu /* SECURITY_INFORMATION: owner, group, DACL, SACL */
struct descriptor {
	atomic_uint refs;
	struct security_descriptor *sd;
};
struct descriptor *descriptor_get(struct descriptor *descriptor);
void descriptor_put(struct descriptor *descriptor);
void descriptor_put_ptr(struct descriptor **descriptor);
#define auto_descriptor cleanup(descriptor_put_ptr)

/* descriptor_of_directory - what guards the directory @node at @path from the volume's root. */
ntstatus descriptor_of_directory(struct volume_node *node, const char *path,
				 struct descriptor **out) MUST_CHECK;
/* descriptor_of_new - what a new child of the directory gets: *blob (borrowed from @out's life) is
 * stored with it. */
ntstatus descriptor_of_new(struct volume_node *parent, const char *parent_path,
			   const struct token *token, const struct cursor *creator,
			   bool is_directory, struct buf *blob) MUST_CHECK;

/* ---- files (file.c) ---- */
/* Where a file is: one of its names. */
struct place {
	struct place *next;
	uint32_t refs;		    /* opens by this name */
	struct volume_node *parent; /* NULL for the volume's root */
	char *path;		    /* from the volume's root */
	const char *name;	    /* in path */
};

struct byte_lock;
struct pending_lock;
struct lease;

struct file {
	struct volume_key key;
	struct file *hash_next; /* stripe */
	uint32_t refs;		/* stripe */
	pthread_mutex_t lock;
	struct volume_node *node;
	struct file *base; /* of a stream: the file it is in; counted */
	char *stream;	   /* of a stream: its name */
	struct place *places;
	struct open *opens;
	uint32_t open_count;
	uint32_t stream_opens; /* opens of its streams, which hold a deletion back */
	uint32_t streams_kept; /* those of them that do not share DELETE: nobody may open the file
				  for it */
	bool was_opened; /* an open of it, or of a stream of it, has been and gone while it is here
			  */
	bool delete_pending;
	bool gone; /* unlinked: look the name up again */
	struct place *delete_place;
	struct descriptor *descriptor;
	uint64_t descriptor_generation;
	bool descriptor_is_stored;
	struct lease *leases;
	struct waiter_queue break_waiters;
	struct byte_lock *locks, *last_lock; /* in the order in which they were taken */
	struct pending_lock *pending;	     /* in the order of arrival */
	uint32_t lock_count, pending_count;
	uint8_t stopped_times; /* VOLUME_SET_* that are held at what stays says */
	nttime held_last_write, held_last_access, held_change;
	bool written, accessed;				/* since its times were held */
	enum { LAG_NONE, LAG_PENDING, LAG_FROZEN } lag; /* of the last write time: write_time.c */
	nttime lag_shown;
	uint64_t lag_due_ms;
};

/* file_find - the file that is open with @key, counted, or NULL. */
struct file *file_find(const struct volume_key *key);
/* file_enter - the file of @node, counted; made where there is none. Takes over the reference of
 * @node. */
struct file *file_enter(struct volume_node *node);
struct file *file_get(struct file *file);
void file_put(struct file *file);
void file_put_ptr(struct file **file);
#define auto_file cleanup(file_put_ptr)
/* file_each - call @visit for every file, counted and with no lock held; false ends the walk. */
void file_each(bool (*visit)(struct file *file, void *context), void *context);
/* place_enter - the place of @file called @path, with one more user; file->lock held. @parent is
 * counted here. */
struct place *place_enter(struct file *file, struct volume_node *parent, const char *path);
void place_leave(struct file *file, struct place *place);
const char *path_name(const char *path);
/* path_parent - a new string: @path without its last component. */
char *path_parent(const char *path);
char *path_join(const char *directory, const char *path);
ntstatus file_descriptor(struct file *file, struct place *place,
			 struct descriptor **out) MUST_CHECK;
/*
 * descriptor_keep - a file that has its descriptor by inheritance gets it as its own, before it is
 * moved or linked to where it would inherit another; file->lock held.
 */
ntstatus descriptor_keep(struct file *file, struct place *place) MUST_CHECK;
/* descriptor_forget - a directory has come, or has been removed (its node still holds the inode):
 * its number means another from now on. */
void descriptor_forget(const struct volume_key *key);
/* descriptors_changed - what directories hand down may be another now. */
void descriptors_changed(void);

/* ---- opens (open.c) ---- */
struct lease_link;
struct watch;
struct replay;

/* Where an open is in its life; open_state.c has the table of moves. */
enum open_state {
	OPEN_NEW,     /* being made: nobody knows its id yet */
	OPEN_LIVE,    /* its client has it */
	OPEN_PARKED,  /* its client is gone, and may come back for it */
	OPEN_RESUMED, /* it has come back: another open stands in its place */
	OPEN_CLOSED,
	OPEN_STATES
};
/* How an open outlives its connection: what was granted (durable.c). file->lock, but for NEW ones.
 */
enum durable_kind { DURABLE_NOT, DURABLE_V1, DURABLE_V2, DURABLE_RESILIENT };
struct durability {
	enum durable_kind kind;
	uint32_t timeout_ms;
	bool has_create_guid; /* these never change */
	struct guid create_guid;
	bool has_app_instance, has_app_version;
	struct guid app_instance_id;
	uint64_t app_version_high, app_version_low;
	/* while it is parked */
	bool doomed; /* something was in its way, and it is being closed */
	uint64_t parked_ms;
	struct timer scavenger;
	/* who is back for it while it is LIVE (returning.c) */
	struct waiter_queue returning;
	struct timer patience;
	/* the table of those that can be come back for (its lock) */
	struct open *next;
	bool is_listed;
};

struct open {
	struct open_facts facts;
	atomic_uint refs;
	atomic_uint state;	   /* enum open_state: open_move alone changes it */
	struct file *file;	   /* counted */
	struct place *place;	   /* of open_base's; under its lock */
	struct share *share;	   /* counted */
	struct token *token;	   /* whose it is: who opened it; counted */
	struct identity *identity; /* counted, or NULL: open_acts_as */
	struct durability durable;
	atomic_uint_fast64_t channel;	 /* channel.c */
	_Atomic(struct replay *) replay; /* replay.c: while a CREATE may still be a replay of its */
	uint32_t create_action;		 /* what that CREATE answered */
	bool counts_locks; /* lock sequences are looked at although it is not durable; never
			      changes */
	atomic_uint_fast64_t position; /* where the last read or write ended */
	pthread_mutex_t lock;
	struct open *file_next, *file_previous;	      /* file->lock */
	struct open *session_next, *session_previous; /* shard->lock */
	uint32_t sharing_access; /* what counts in share modes: granted, and what an overwrite
				    needed */
	bool is_stat;		 /* takes no part in share modes and breaks nothing */
	bool delete_on_close;
	bool posix_delete;
	bool written;
	uint8_t held_times; /* VOLUME_SET_* that this handle stopped */
	/* caching; file->lock */
	uint8_t oplock_level;
	bool oplock_breaking;
	uint8_t oplock_break_level; /* what the client was told */
	uint8_t oplock_required;    /* what is needed by now: another break may follow the answer */
	struct timer oplock_timer;
	struct lease *lease;
	bool has_lease_key, has_parent_key; /* these never change */
	uint8_t lease_key[16], parent_key[16];
	uint8_t *lock_sequences; /* 64, made at first use */
	atomic_uint mode;	 /* FILE_* options that may change: MS-FSCC 2.4.31 */
	/* the handle's own, under open->lock */
	struct volume_listing *listing;
	uint32_t next_ea; /* where the next query of extended attributes goes on */
	char *pattern;
	struct watch *watch; /* the watches' lock */
};
#define OPEN_PATH_MAX 32767 /* bytes of a path that a client may send */

/* open_new - room for an open; open_enter gives it its id and puts it in the table. */
struct open *open_new(const struct open_request *request) MUST_CHECK;
/* open_attach - it is one of @file's opens from now on; file->lock held. Takes over a reference of
 * @file. */
void open_attach(struct open *open, struct file *file, struct place *place);
/* stream_attached - one open of a stream of @base more (1) or less (-1); its lock held. */
void stream_attached(const struct open *open, struct file *base, int by);
bool share_is_read_only(const struct share *share);
/* open_acts_as - who asks for something on @open now. Lives as long as the open. */
const struct token *open_acts_as(const struct open *open);
/* open_base - the file itself: of a stream the one it is in. */
struct file *open_base(const struct open *open);
/* open_volume_path - a new string: the path of its file from the volume's root, as it is now. Takes
 * the lock. */
char *open_volume_path(struct open *open);
/* open_live_path - the same; NULL where it has been closed. */
char *open_live_path(struct open *open);
/* open_changed - tell the watches that something of @open's file is another (FILE_NOTIFY_CHANGE_*).
 * No lock held. */
void open_changed(struct open *open, uint32_t filter);

/* open_move - from one state to another, if it is in the first; whoever is told true does what the
 * move means. Any lock, or none. */
bool open_move(struct open *open, enum open_state from, enum open_state to) MUST_CHECK;
static inline enum open_state open_state(const struct open *open)
{
	return (enum open_state)atomic_load(&open->state);
}
/* channel_set - the channel sequence that a new open begins with (channel.c). */
void channel_set(struct open *open, uint16_t sequence);
/* open_lock_files, open_unlock_files - the locks of its file and, for a stream, of its base. */
void open_lock_files(struct open *open);
void open_unlock_files(struct open *open);

/* ---- the table of opens (open_table.c) ---- */
#define OPEN_SHARDS 64u
/* open_enter - an id for @open, and a place in the table, which counts it. */
ntstatus open_enter(struct open *open) MUST_CHECK;
/* open_table_leave - take @open, which is no longer LIVE nor PARKED, out of the table of ids. The
 * table's reference is the caller's now. */
void open_table_leave(struct open *open);
/* open_table_find - the open with this volatile id, counted, or NULL. */
struct open *open_table_find(uint64_t volatile_id);
/* open_table_shard - where the opens of a session are, below OPEN_SHARDS. */
uint32_t open_table_shard(uint64_t session_id);
/* Which of them: those that are all that is said. */
struct open_choice {
	uint64_t session_id;
	uint32_t tree_id;
	const struct server *server; /* NULL: any */
	const struct share *share;   /* NULL: any */
	bool by_session, by_tree;
};
/* open_table_collect - those of one shard that are chosen, counted, in an array for the caller to
 * free. */
size_t open_table_collect(uint32_t shard, const struct open_choice *choice,
			  struct open ***out) MUST_CHECK;

/* ---- handles that outlive connections (durable.c, reconnect.c) ---- */
/* durable_check - do the contexts of the request go together? *reconnects: it asks for an open that
 * is there. */
ntstatus durable_check(const struct open_request *request, bool *reconnects) MUST_CHECK;
/* durable_note - what of the request is kept of a new open. */
void durable_note(struct open *open, const struct open_request *request);
/* durable_grant - after the caching was granted; file->lock held. */
void durable_grant(struct open *open, const struct open_request *request,
		   struct open_result *result);
/* durable_list, durable_unlist - it can, and can no longer, be found by its persistent id. */
void durable_list(struct open *open);
void durable_unlist(struct open *open);
/* durable_find - the open with this persistent id among those that outlive; counted, or NULL. */
struct open *durable_find(uint64_t persistent);
/* durable_park - the client has gone: keep @open for it, by the rules. False: it is to be closed.
 * No lock held. */
bool durable_park(struct open *open) MUST_CHECK;
/* durable_doom - @open is in the way of another: it is closed with @actions. file->lock held. */
void durable_doom(struct open *open, struct actions *actions);
/* durable_yields - is @open parked and only kept as long as nobody minds? file->lock held. */
bool durable_yields(const struct open *open);
/* app_instance_check - the same application comes from another client: its older opens of @place
 * go (STATUS_RETRY), or it is an older one itself. @maximal: all that its user may have of the
 * file. file->lock held. MS-SMB2 3.3.5.9.13. */
ntstatus app_instance_check(const struct open_request *request, uint32_t maximal,
			    const struct file *file, const struct place *place,
			    struct actions *actions) MUST_CHECK;
/* durable_reconnect, durable_replay - a client comes back for an open (reconnect.c); may wait, as
 * returning_wait does. */
ntstatus durable_reconnect(const struct open_request *request, struct waiter *waiter,
			   struct open **out, struct open_result *result) MUST_CHECK;
/* durable_replay - the CREATE that made @found comes again: *out is @found, or what it is by now.
 */
ntstatus durable_replay(const struct open_request *request, struct waiter *waiter,
			struct open *found, struct open **out,
			struct open_result *result) MUST_CHECK;
/* durable_answer - what a CREATE that finds @open again says of it; file->lock held. */
void durable_answer(const struct open *open, struct open_result *result);

/* ---- back too early (returning.c) ---- */
/*
 * returning_wait - the client of @held, another session's, seems to be back. STATUS_SUCCESS: @held
 * is not LIVE any more; STATUS_PENDING: @waiter waits for that, and is woken with what says
 * otherwise; STATUS_OBJECT_NAME_NOT_FOUND: it stays, or who asks is another. Takes the locks.
 */
ntstatus returning_wait(struct open *held, const struct open_request *request,
			struct waiter *waiter) MUST_CHECK;
/* returning_end - whoever waits for @held goes on; locks of its file held. */
void returning_end(struct open *held, ntstatus status, struct actions *actions);

/* ---- how many are parked (parked.c) ---- */
/* parked_take - count @open; false where a limit says no. parked_release undoes it. */
bool parked_take(const struct open *open) MUST_CHECK;
void parked_release(const struct open *open);

/* ---- replays of CREATE (replay.c) ---- */
/*
 * replay_begin - has this CREATE been seen? STATUS_SUCCESS and *found: it is a replay of the one
 * that made *found (counted). STATUS_SUCCESS alone: it is new, and remembered in *request->replay.
 * STATUS_FILE_NOT_AVAILABLE: the first is still under way; STATUS_DUPLICATE_OBJECTID: it is no
 * replay, but says that it is the same.
 */
ntstatus replay_begin(const struct open_request *request, struct open **found) MUST_CHECK;
/* replay_made - that CREATE made @open. */
void replay_made(const struct open_request *request, struct open *open);
/* replay_forget - @open was used, or ends: no CREATE is a replay of its any more. */
void replay_forget(struct open *open);

/* open_detach - the end of its share in its file: caching, locks, times, deletion. Takes the locks.
 */
void open_detach(struct open *open, struct actions *actions);

/* ---- attributes and sizes (basic.c) ---- */
/* open_attributes - what the volume says, with the times that a handle holds; of a stream, its
 * sizes. Takes the locks. */
ntstatus open_attributes(struct open *open, struct volume_attributes *out) MUST_CHECK;
/* rename_stream - give the stream of @open another name in its file: @text is ":name", and may have
 * ":$DATA" behind it. STATUS_PENDING: a break of the stream's caching must end first. Takes the
 * locks. MS-FSA 2.1.5.15.11.1. */
ntstatus rename_stream(struct open *open, const char *text, bool replace,
		       struct waiter *waiter) MUST_CHECK;
/* mark_archive - the file of a handle that wrote is to be saved again. Locks of the file and its
 * base held. */
void mark_archive(struct open *open);

/* ---- times (times.c) ---- */
/* times_check - STATUS_INVALID_PARAMETER for a time that none can have. */
ntstatus times_check(const struct file_set *set) MUST_CHECK;
/* times_set - what @set asks of the times of @file (that of @open, or the one its stream is in), of
 * which @now is what the volume says; it becomes what is to be written down, and the answer says
 * which of it (VOLUME_SET_*). file->lock held. */
uint32_t times_set(struct open *open, struct file *file, const struct file_set *set,
		   struct volume_attributes *now);
/* times_apply - put what handles hold in place of what the volume says. times_apply_locked: the
 * same with file->lock held. */
void times_apply(struct file *file, struct volume_attributes *attributes);
void times_apply_locked(struct file *file, struct volume_attributes *attributes);
/* times_overwritten - the data went with a new handle: times that others hold go on.
 * file->lock held. */
void times_overwritten(struct file *file);
/* times_stream_changed - the data of a stream of @base are others: that is a change of the file
 * (MS-FSA 2.1.4.17), of which the kernel knows nothing. base->lock held. */
void times_stream_changed(struct file *base);
/* times_release - the handle ends: times that it alone held are written down. Locks of the file and
 * its base held. */
void times_release(struct open *open);
/* times_read - its data are read: the disk moves the time of the last access, whoever holds it.
 * file->lock held. */
void times_read(struct open *open);
/* times_written - a change of data: times that other handles hold go on. file->lock held. */
void times_written(struct open *open);
/* times_stream_written - the same where @open may be of a stream: what becomes of its file's. No
 * lock held. */
void times_stream_written(struct open *open);

/* ---- a last write time that lags (write_time.c); file->lock held ---- */
/* write_time_delay - @open is about to write. */
void write_time_delay(struct open *open);
/* write_time_settle - the true time shows from now on. */
void write_time_settle(struct file *file);
/* write_time_end - @open, which may have written, ends. */
void write_time_end(struct open *open);
void write_time_apply(const struct file *file, struct volume_attributes *attributes);

/* ---- 8.3 names (short_name.c) ---- */
/* short_path_resolve - @path with what is missing in it as written found by its short name: a new
 * string, or NULL where there is none. @creates: names that have just been deleted count. */
char *short_path_resolve(struct volume_node *root, const char *path, bool creates);
void short_name_remember(const struct volume_key *directory, const char *name);

/* ---- extended attributes (ea.c) ---- */
/* eas_check - is @list one that may be set? */
ntstatus eas_check(struct cursor list) MUST_CHECK;
/* eas_apply - set those of @changes; the file's lock is held, or nobody else knows it yet. */
ntstatus eas_apply(struct volume_node *node, struct cursor changes) MUST_CHECK;

/* Who causes a break or a change of a directory: its own caching is not in the way. */
struct caching_party {
	const struct open *open;
	const struct guid *client_guid;
	const uint8_t *lease_key;  /* NULL: none */
	const uint8_t *parent_key; /* of the lease on the directory that its client expects to keep;
				      NULL: none */
	uint32_t access; /* CAUSE_OPEN: what the open gets; an open of attributes alone breaks
			    nothing */
};

/* ---- deletion (delete.c); locks of the file and of its base held ---- */
void delete_at_close(struct open *open, struct actions *actions);
void delete_if_last(struct file *file, const struct caching_party *by, struct actions *actions);
/* delete_unopened - what was made for an open that there is none of goes now, by the name @path (of
 * a stream: its own), unless somebody has it open, or had: then it is theirs. */
void delete_unopened(struct file *file, struct volume_node *parent, const char *path,
		     const struct caching_party *by, struct actions *actions);
/* delete_mark - the file goes with its last open, by the name of @open. */
void delete_mark(struct open *open);

/* ---- caching: oplocks and leases (caching.c); file->lock held ---- */
enum cause {
	CAUSE_OPEN,	 /* another open: whoever caches writes must flush */
	CAUSE_SHARING,	 /* an open that share modes refuse: the handles may be cached ones */
	CAUSE_OVERWRITE, /* the data go */
	CAUSE_WRITE,	 /* the data change: nobody else may cache reads */
	CAUSE_HANDLE,	 /* rename, delete: nobody else may keep handles */
};
struct caching_party caching_party_of_request(const struct open_request *request);
struct caching_party caching_party_of_open(const struct open *open);
/* caching_wait - an operation waits for the breaks of @file with @waiter: STATUS_PENDING; without
 * one it fails, STATUS_SHARING_VIOLATION. file->lock held. */
ntstatus caching_wait(struct file *file, struct waiter *waiter) MUST_CHECK;
/* caching_break - ask for what is in the way to be given up. True: the operation has to wait for an
 * answer. */
bool caching_break(struct file *file, const struct caching_party *by, enum cause cause,
		   struct actions *actions) MUST_CHECK;
/* caching_check - may the request have a lease by this key on the file (NULL: one that is to be
 * made)? */
ntstatus caching_check(const struct open_request *request, const struct file *file) MUST_CHECK;
void caching_grant(struct open *open, const struct open_request *request,
		   struct open_result *result);
/* caching_parked - nobody is there any more to answer breaks that are on their way to @open, which
 * stays. */
void caching_parked(struct open *open, struct actions *actions);
/* caching_move - @from's caching is that of @to from now on, another open of the file by the same
 * client. */
void caching_move(struct open *from, struct open *to);
/* caching_answer - what @open has, for a CREATE that finds it again. */
void caching_answer(const struct open *open, struct open_result *result);
/* caching_held - does @open hold its handle (a batch oplock, a lease with H) with no break on its
 * way? */
bool caching_held(const struct open *open);
/* caching_release - @open ends, or never began: what waits for it goes on. */
void caching_release(struct open *open, struct actions *actions);
void caching_facts(const struct open *open, uint8_t *oplock_level, uint32_t *lease_state);
/* directory_changed - what @directory holds is another now: leases of others on it break. No lock
 * held. */
/* directory_changed_later - the same from under the lock of a file: when the locks are down. */
void directory_changed_later(struct volume_node *directory, const struct caching_party *by,
			     struct actions *actions);
void directory_changed(struct volume_node *directory, const struct caching_party *by,
		       struct actions *actions);

bool directory_leases_exist(void);

/* What caching rights are made of, for lease.c and oplock.c. */
#define LEASE_R SMB2_LEASE_READ
#define LEASE_H SMB2_LEASE_HANDLE
#define LEASE_W SMB2_LEASE_WRITE
/* caching_target - what may stay of @state under @cause; what of it must be gone before the cause
 * goes on is in @wait. */
uint32_t caching_target(enum cause cause, uint32_t state, uint32_t *wait);
bool oplock_break(struct open *holder, const struct caching_party *by, enum cause cause,
		  struct actions *actions) MUST_CHECK;
bool lease_break(struct lease *lease, const struct caching_party *by, enum cause cause,
		 struct actions *actions) MUST_CHECK;
/* What @open may cache at most, the others' opens being as they are. */
uint32_t caching_grantable(const struct open *open, const struct lease *own, bool for_lease);
void oplock_grant(struct open *open, uint8_t wanted, struct open_result *result);
/* These say whether a break that was on its way ends with the open. */
bool oplock_release(struct open *open);
void lease_grant(struct open *open, const struct open_request *request, struct open_result *result);
void lease_answer(const struct lease *lease, struct open_result *result);
void lease_parked(struct lease *lease, struct actions *actions);
void oplock_parked(struct open *open, struct actions *actions);
bool lease_held(const struct lease *lease);
bool lease_release(struct open *open);
struct lease {
	struct lease *hash_next; /* the lease table's lock */
	struct lease *file_next;
	atomic_uint refs;  /* the table's and those of its users */
	struct file *file; /* counted; never another */
	uint32_t opens;
	struct guid client_guid;
	uint8_t key[16], parent_key[16];
	bool has_parent;
	uint8_t version;
	uint16_t epoch;
	uint32_t state;
	bool breaking;
	uint32_t break_to; /* what the client was told */
	uint32_t required; /* what is needed by now */
	struct timer timer;
};
bool lease_is_of(const struct lease *lease, const struct caching_party *by);

/* ---- byte ranges (lock.c); file->lock held ---- */
uint32_t locks_of(const struct open *open);
/* locks_move - the ranges of @from are those of @to from now on, another open of the file. */
void locks_move(const struct open *from, struct open *to);
/* locks_give_up - what @open waits for it does not get any more. */
void locks_give_up(struct open *open, struct actions *actions);
void locks_release(struct open *open, struct actions *actions);
/* locks_allow - may @open read (or write) the range, as far as the byte ranges of others go? */
bool locks_allow(const struct open *open, uint64_t offset, uint64_t length, bool write);

/* ---- change notification (notify.c) ---- */
/* notify_event - @path (from the volume's root) had @action; for watches that ask for one of
 * @filter. Any lock of a file may be held. */
void notify_event(struct volume *volume, const char *path, uint32_t action, uint32_t filter,
		  struct actions *actions);
void notify_renamed(struct volume *volume, const char *from, const char *to, bool is_directory,
		    struct actions *actions);
/* notify_moved - the directory @file is at @path now: its watches follow. No lock held. */
void notify_moved(struct file *file, const char *path);
/* notify_delete_pending - the directory @file goes: its watches end. No lock held. */
void notify_delete_pending(struct file *file, struct actions *actions);
/* notify_close - the watch of @open ends with @status. */
void notify_close(struct open *open, ntstatus status, struct actions *actions);

/* ---- share modes (sharemode.c); file->lock held ---- */
bool sharemode_is_stat(uint32_t access);
bool sharemode_conflicts(const struct file *file, uint32_t access, uint32_t share_access,
			 const struct open *but);

/* ---- the rules of CREATE's parameters (create_check.c) ---- */
struct create_name {
	char *path;   /* from the share's root, without stream and trailing separator */
	char *stream; /* NULL: the data of the file itself */
	bool must_be_directory, must_be_file;
};
void create_name_free(struct create_name *name);
ntstatus create_name_parse(const char *text, struct create_name *out) MUST_CHECK;
ntstatus create_check(const struct open_request *request) MUST_CHECK;

/* ---- previous versions (previous.c) ---- */
/*
 * previous_begin - where @request is to look: root and is_previous are filled in, and a token is
 * taken out of @path. STATUS_OBJECT_NAME_NOT_FOUND where there is no such snapshot; whoever asks
 * for what the share withholds is not told (STATUS_ACCESS_DENIED).
 */
ntstatus previous_begin(struct open_request *request, char *path) MUST_CHECK;
void previous_end(struct open_request *request);
/* previous_asked - does @request ask for a time? A token is taken out of @path. */
bool previous_asked(const struct open_request *request, char *path, nttime *when);
/* open_is_previous - nothing may be changed through it: STATUS_MEDIA_WRITE_PROTECTED. */
bool open_is_previous(const struct open *open);

/* ---- reparse points (reparse.c) ---- */
/*
 * reparse_on_path - @status and @lookup of looking @name up, seen with the reparse points on its
 * way: STATUS_STOPPED_ON_SYMLINK (with what the link says in @result), else as they were.
 */
ntstatus reparse_on_path(const struct open_request *request, const struct create_name *name,
			 struct volume_lookup *lookup, ntstatus status,
			 struct open_result *result) MUST_CHECK;

/* ---- auditing (audit.c) ---- */
struct audit {
	bool is_due;
	uint32_t access;
};
/*
 * audit_rights - @access was checked against @descriptor with this @status: a refusal that its SACL
 * wants told is told, what was granted is noted for audit_opened. @audit begins as zeros.
 */
void audit_rights(struct audit *audit, const struct open_request *request,
		  const struct descriptor *descriptor, uint32_t access, ntstatus status);
void audit_opened(const struct audit *audit, const struct open_request *request);

/* ---- rights (rights.c) ---- */
struct rights_request {
	const struct open_request *open;
	struct descriptor *descriptor; /* of the file */
	struct volume_node *parent;    /* NULL for a root */
	const char *parent_path;       /* from the volume's root */
	const struct volume_attributes *attributes;
	uint32_t also; /* needed besides what is asked for, but not granted to the handle */
};
ntstatus rights_of_open(const struct rights_request *request, uint32_t *granted) MUST_CHECK;
/* rights_within_share - does the share, whatever the file says, leave what is asked for? */
bool rights_within_share(const struct open_request *request);
/* rights_maximal - all that the token may have of the file, within what the share lets it. */
uint32_t rights_maximal(const struct rights_request *request);
ntstatus rights_of_create(const struct open_request *request, struct descriptor *parent,
			  bool is_directory, uint32_t *granted) MUST_CHECK;

#endif
