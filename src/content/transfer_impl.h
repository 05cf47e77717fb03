// SPDX-License-Identifier: Apache-2.0
/*
 * What the files of a transfer share. Each slot carries one piece through its phases; the table of
 * allowed moves is in transfer_slot.c. All of it belongs to the thread that runs the transfer.
 */
#ifndef CONTENT_TRANSFER_IMPL_H
#define CONTENT_TRANSFER_IMPL_H

#include <content/piece_set.h>
#include <content/transfer.h>

enum phase {
	PHASE_FREE,
	PHASE_CHECKING,	    /* read at the target: is it there and whole? */
	PHASE_FETCHING,	    /* read at a source */
	PHASE_HELD_BACK,    /* ready to be sent, not allowed to yet */
	PHASE_SENDING,	    /* written at the target */
	PHASE_READING_BACK, /* and read again */
	PHASE_STALLED,	    /* its place was lost: begins again when it is back */
	PHASE_COUNT,
};

struct slot {
	enum phase phase;
	const struct piece *piece;
	char name[LAYOUT_NAME_MAX];
	uint8_t *data, *back; /* of the piece's length; NULL: not needed yet */
	struct place_request rq;
	unsigned source;    /* that is asked or was asked last */
	uint32_t tried;	    /* sources that did not have it, by bit */
	unsigned attempts;  /* writes that did not come back as they were */
	bool replace;	    /* something lies there */
	bool collided;	    /* nobody said that it is there and whole: it is not counted as bad */
	bool restart_check; /* stalled: begin with a check, else with a fetch */
	uint64_t ready_ms;  /* held back until */
	uint64_t asked_ms;  /* when its place was asked */
	uint64_t waited_ms; /* the longest that an answer took */
	struct window *window;
};

/* How much may be under way at a time, so that what waits longest does not wait for long: see
 * transfer_window.c. */
struct window {
	size_t most, used;
	size_t stalled; /* of those used: wait for their place, nothing of theirs is under way */
	uint64_t shrunk_ms;
};

/* A source that was lost while others were there: when it is asked again, and how long it is left
 * alone the next time. */
struct bench {
	uint64_t until_ms, pause_ms;
};

#define TRANSFER_TOKEN 40 /* 32 hex digits and a new line */

struct transfer {
	const uint8_t *hash; /* of the manifest, the caller's */
	const struct transfer_options *options;
	struct transfer_result *result;
	struct content_failure *why;
	struct manifest manifest;
	struct bench benches[TRANSFER_SOURCES_MAX];
	struct piece_set todo;	/* different pieces that are to be looked at or sent */
	struct piece_set there; /* what an interrupted run left at the target */
	size_t next, expected;	/* begun, and told to the first source */
	struct slot slots[TRANSFER_DEPTH_MAX];
	unsigned slot_count, busy;
	/* Reading and writing may be of unlike speed. */
	struct window checks, sends;
	bool failed, lost_target, lost_source;
	ntstatus lost_status;
	/* Since when, and how many pieces were done then; 0: nothing was lost yet. A place that is
	 * back and does nothing is as good as lost: patience is for every piece, not every loss. */
	uint64_t lost_since_ms;
	uint32_t lost_at_pieces;
	uint64_t pace_ms, pace_bytes; /* where the floor is measured from */
	char token[TRANSFER_TOKEN];   /* of this run, in LAYOUT_UNFINISHED once @marked */
	bool marked;
	bool overtaken; /* the target was lost, and another has changed it meanwhile */
	bool doubts;	/* it was lost: what was done before is looked at again */
	bool on_disk;	/* all of it: that is not lost any more */
	struct transfer_progress before; /* the first piece */
	struct transfer_progress progress;
};

/* slot_begin - a piece into a free slot. */
void slot_begin(struct transfer *t, struct slot *slot, const struct piece *piece, bool check,
		bool replace);
/* slot_advance - its request is done, or its time has come: on to the next phase. */
void slot_advance(struct transfer *t, struct slot *slot);
/* slot_resume - a stalled slot begins again. */
void slot_resume(struct transfer *t, struct slot *slot);
/* slot_release - a slot with nothing under way is free again, whether its piece is done or not. */
void slot_release(struct transfer *t, struct slot *slot);
/* slot_is_ready - can slot_advance do something? */
bool slot_is_ready(const struct slot *slot, uint64_t now_ms);

/* window_init - as it begins. */
void window_init(struct window *w);
/* window_has_room - for @length bytes more? Always for one piece. */
bool window_has_room(const struct window *w, size_t length);
/* window_has_room_again - for one of those that are stalled? */
bool window_has_room_again(const struct window *w, size_t length);
/* window_note - a piece of @length bytes is done, and no answer took longer than @ms. */
void window_note(struct window *w, size_t length, uint64_t ms, uint64_t now_ms);
/* window_shrink - something has taken too long. */
void window_shrink(struct window *w, uint64_t now_ms);

/* transfer_compose - have the target put together what it can of what is wanted (compose.c); what
 * was, is in there. */
void transfer_compose(struct transfer *t);
/* transfer_compose_manifest - the same for the manifest, whose @bytes are given: true, it has its
 * name at the target and was compared; false, it is to be written. */
bool transfer_compose_manifest(struct transfer *t, const struct buf *bytes);
/* transfer_wait_for_leave - until so many bytes may go; false: stopped meanwhile, and noted. */
bool transfer_wait_for_leave(struct transfer *t, uint64_t bytes);
/* transfer_expect - tell the source that is asked first that @piece will be read soon. */
void transfer_expect(struct transfer *t, const struct piece *piece);
/* transfer_at_work - how many places have something under way. */
unsigned transfer_at_work(const struct transfer *t);
/* transfer_report - tell whoever asked how far it is; false: it is to stop, or has failed. */
bool transfer_report(struct transfer *t);
/* transfer_recover - a place was lost: what is under way ends first, then it is tried again and
 * again for as long as patience lasts (transfer_lost.c). */
void transfer_recover(struct transfer *t);
/* transfer_fail - note the first failure. */
void transfer_fail(struct transfer *t, enum content_problem problem, ntstatus status,
		   const struct place *place, const char *name, const char *text);

#endif
