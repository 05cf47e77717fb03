// SPDX-License-Identifier: Apache-2.0
/*
 * What the files of the summarizer share. All on its one loop, so nothing has a lock.
 *
 * An entry is an object that is watched. It is in exactly one of these states: its timer runs (it
 * waits for its time), it is queued in a lane (no slot is free), its check is under way, or what it
 * found waits to be written. Only when that is written is its timer started again, so a database
 * that cannot be written holds the schedule back and memory stays bounded.
 */
#ifndef SITE_SUMMARIZER_IMPL_H
#define SITE_SUMMARIZER_IMPL_H

#include <site/db.h>
#include <site/object.h>
#include <site/probe.h>
#include <site/summarizer.h>
#include <uthash.h>

/* Objects that were not reached have slots of their own, so that they never keep one that is
 * reached waiting. */
enum lane_id { LANE_WELL, LANE_AILING, LANES };

struct entry {
	struct summarizer *s;
	struct object object;
	struct loop_timer timer;
	uint64_t due_ms; /* monotonic */
	bool busy;	 /* queued, under way, or not written yet */
	bool removed;	 /* the object is no longer watched: freed when it is not busy */
	bool recheck;	 /* asked for while it was busy */
	bool overdue;	 /* said so */
	enum lane_id lane;
	struct io_op work; /* of what is local */
	/* what was found, until it is written */
	struct watch_sample sample;
	struct watch_verdict verdict;
	bool is_back; /* it was not reached before, and is now */
	bool judged;  /* the state has it already: the database refused the first time */
	int64_t duration_ms;
	char *report;	    /* JSON */
	struct entry *next; /* of a lane's queue, or of the found */
	UT_hash_handle hh;  /* by object.id */
};

struct lane {
	size_t slots, used;
	struct entry *first, **end;
};

struct summarizer {
	struct loop *loop;
	struct site *site;
	struct entry *entries;
	struct policies policies;
	struct lane lanes[LANES];
	uint64_t timeout_ms, deadline_ms;
	struct entry *found, **found_end;
	struct loop_timer write_timer, look_timer, beat_timer;
	int64_t version; /* of the database, when it was last read */
	int64_t started_s;
	int64_t retained_s; /* when what is old was last removed */
	size_t under_way;
	uint64_t checks;
	uint64_t late_ms, late_before_ms, late_until_ms, worst_ms;
	bool stopping;
	void (*stopped)(void *owner);
	void *stopped_owner;
};

/* summarizer.c: the entry has its result: sample, duration and report are filled in. */
void entry_found(struct entry *e);

/* check.c: begin to check; entry_found follows, never from inside this call. */
void check_start(struct entry *e);

/* outcome.c: write what was found: state, history, messages; in the transaction that is open. */
int outcome_write(struct entry *e, char **why) MUST_CHECK;

#endif
