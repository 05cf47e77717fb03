// SPDX-License-Identifier: Apache-2.0
/*
 * A place that content lies at: a directory tree with no logic of its own, reached as a local
 * directory, over SMB, or (to read) over HTTP. A distribution point, a site's library, a client's
 * cache and prestaged media are all places with the same layout (content/layout.h).
 *
 * Small whole files travel with place_begin, many at a time; everything else here waits for its
 * answer. Statuses are those of NTSTATUS, whoever answers. A place is used by one thread at a
 * time; different places are independent.
 */
#ifndef CONTENT_PLACE_H
#define CONTENT_PLACE_H

#include <base/buf.h>
#include <content/failure.h>
#include <crypto/sha256.h>

struct place;

/* place_open_directory - the tree at @path, which must exist. */
struct place *place_open_directory(const char *path, struct content_failure *why);

struct place_http_options {
	const char *url;	     /* "http://" or "https://"; the root of the tree */
	const char *ca_file;	     /* PEM; NULL: what the system trusts */
	uint64_t connect_timeout_ms; /* 0: 10 s */
	uint64_t stall_timeout_ms;   /* less than 1 KiB a second for so long; 0: 30 s */
};
/* place_open_http - nothing is asked yet. Reading works there, and, where the server has PUT, the
 * making of new files (PLACE_PUT with is_new). */
struct place *place_open_http(const struct place_http_options *options,
			      struct content_failure *why);

/* place_close - after place_drain; NULL is good. */
void place_close(struct place *place);
static inline void place_close_ptr(struct place **place)
{
	place_close(*place);
}
#define auto_place cleanup(place_close_ptr)

/* place_title - how people call it: "\\FS\distro_test", "/srv/media", "http://..."; lives with it.
 */
const char *place_title(const struct place *place);
/* place_reason - what the last failure there was, where that is more than its status says: that a
 * certificate is not trusted, a redirection. "": nothing more is known. Lives until the next. */
const char *place_reason(const struct place *place);
/* place_reopen - connect anew after the place was lost; nothing may be in flight. */
ntstatus place_reopen(struct place *place);

/*
 * place_set_deadline - from @ms milliseconds on, everything that is begun here fails with
 * STATUS_IO_TIMEOUT; what is under way then ends by the time-outs of its kind of place. 0: none.
 * For places that are not trusted to be quick.
 */
void place_set_deadline(struct place *place, uint64_t ms);
bool place_is_late(const struct place *place);
/* place_time_left - in ms; UINT64_MAX where there is no deadline. */
uint64_t place_time_left(const struct place *place);

enum place_verb { PLACE_GET, PLACE_PUT, PLACE_REMOVE /* a file; no directory */ };

/* One file, or a part of it, on its way; embedded in or owned by what waits for it. */
struct place_request {
	enum place_verb verb;
	const char *name; /* relative, '/' between parts */
	uint64_t offset;  /* GET: where to begin; what lies behind the end is not an error */
	uint8_t *data;	  /* GET: room of @length bytes. PUT: the whole file, @length bytes */
	size_t length;
	bool replace;	 /* PUT: staged beside, then renamed over what readers may have open; else
			    written in place: is_new, where anybody may refer to it */
	bool is_new;	 /* PUT, not to replace: where that name is taken it fails, with
			    STATUS_OBJECT_NAME_COLLISION */
	bool wants_back; /* PUT: what was written is hashed there, or read again, at once, where the
			    place can */
	void *owner;
	/* The answer. */
	bool done;
	ntstatus status;
	size_t got;   /* GET: less than @length at the end of the file only */
	bool is_back; /* PUT: it was, @got bytes; else whoever wants to know reads them */
	uint8_t back[SHA256_LENGTH]; /* and this is their hash */
	/* The place's own. */
	void *private_data;
};

/* place_depth - how many requests it takes at a time. */
unsigned place_depth(const struct place *place);
/* place_begin - send it; at most place_depth at a time. Everything in it stays until done. */
void place_begin(struct place *place, struct place_request *request);
/* place_plan - so many bytes are to be got in all, each once: a place may keep them out of the way
 * of others. 0: they were. A hint. */
void place_plan(struct place *place, uint64_t bytes);
/* place_expect - @name is to be got soon: a place that can brings it nearer meanwhile. A hint, that
 * keeps nothing open and says nothing of the file. */
void place_expect(struct place *place, const char *name);
/* place_turn - wait until a request is done, at most @timeout_ms; none in flight: return. */
void place_turn(struct place *place, int timeout_ms);
/* place_drain - wait until all are done. */
void place_drain(struct place *place);
unsigned place_in_flight(const struct place *place);

/* place_read - append a whole file of at most @limit bytes; more: STATUS_FILE_TOO_LARGE. */
ntstatus place_read(struct place *place, const char *name, size_t limit,
		    struct buf *out) MUST_CHECK;
/* place_write - make or replace a whole file, in one step for those who read it, and durable as
 * far as the place can promise. */
ntstatus place_write(struct place *place, const char *name, const void *data,
		     size_t length) MUST_CHECK;
/* A part of a file that is put together at the place. */
struct place_part {
	const char *from;    /* a file there; NULL: @data */
	uint64_t offset;     /* in @from */
	const uint8_t *data; /* of the caller's */
	uint32_t length;
};
/*
 * place_compose - make @name of @parts, one behind the other, so that only those that are data
 * travel. @expected NULL: in place, as a new file (STATUS_OBJECT_NAME_COLLISION: something
 * has that name); where it fails otherwise, what is there is not whole, and is to be replaced. Else
 * it is made beside, read back, and gets its name, over what has it, when it is durable and its
 * SHA-256 is @expected; STATUS_FILE_CORRUPT_ERROR: it was not. STATUS_NOT_SUPPORTED: the place
 * cannot.
 */
ntstatus place_compose(struct place *place, const char *name, const struct place_part *parts,
		       size_t count, const uint8_t *expected) MUST_CHECK;
bool place_can_compose(const struct place *place);
/* place_list - call @each for everything in a directory, in no order; false ends it. A directory
 * of more than PLACE_LIST_MAX entries is STATUS_FILE_SYSTEM_LIMITATION, behind those. */
#define PLACE_LIST_MAX 1000000
typedef bool place_list_fn(void *owner, const char *name, uint64_t size, bool is_directory);
ntstatus place_list(struct place *place, const char *name, place_list_fn *each,
		    void *owner) MUST_CHECK;
/* place_make_directory - one level; it is no error where it exists. */
ntstatus place_make_directory(struct place *place, const char *name) MUST_CHECK;
/* place_remove - a file or an empty directory. What its maker has locked us out of goes as far as
 * the place lets us all the same: read-only, or (SMB) with the rights of who restores backups. */
ntstatus place_remove(struct place *place, const char *name) MUST_CHECK;
/*
 * place_set_access - who else may use @name: the file that a writer locks, nobody but those who
 * publish here and administrators, because who can open it can keep them out; the directory that
 * clients drop papers into, everyone, to create files in it and nothing else. What is protected
 * already is left as it is. STATUS_NOT_SUPPORTED and other failures: it is as open as before.
 */
enum place_access { PLACE_PRIVATE, PLACE_DROP };
ntstatus place_set_access(struct place *place, const char *name,
			  enum place_access access) MUST_CHECK;
/*
 * place_lock - be the only one that changes this place until place_unlock, place_close or the
 * loss of the connection. STATUS_SHARING_VIOLATION: someone else is. It is no error where the
 * lock is held already.
 */
ntstatus place_lock(struct place *place, const char *name) MUST_CHECK;
void place_unlock(struct place *place);
/* place_sync - what was written so far survives a loss of power, as far as the place can promise
 * it: a local directory can, and an SMB server that takes the root of a share for that of a volume
 * (MS-FSA 2.1.5.7); another one does what it does for the flush of a directory. */
ntstatus place_sync(struct place *place) MUST_CHECK;
ntstatus place_free_bytes(struct place *place, uint64_t *free_bytes) MUST_CHECK;

/* What has been moved since it was opened, for reports. */
struct place_counts {
	uint64_t bytes_got, bytes_put, requests; /* of files */
	uint64_t wire_in, wire_out; /* of its connections, headers and all; 0: it has none */
};
struct place_counts place_counts(const struct place *place);

#endif
