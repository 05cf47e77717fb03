// SPDX-License-Identifier: Apache-2.0
/* What tests of content share: a folder of their own, files in it, and a place that fails. */
#ifndef TESTS_CONTENT_PLACES_H
#define TESTS_CONTENT_PLACES_H

#include <content/ingest.h>
#include <content/transfer.h>

#define OWNER "00000000000000000000000000000000000000000000000000000000000000aa"

/* scratch_make, scratch_remove - set-up and tear-down: scratch() is an empty folder in between. */
int scratch_make(void **state);
int scratch_remove(void **state);
/* scratch - a path below it; good until the fourth next call. */
const char *scratch(const char *name);

/* write_noise - a file of @length bytes that only @seed decides, its directories included. */
void write_noise(const char *path, uint64_t seed, size_t length);
void write_text(const char *path, const char *text);
/* same_files - are the files of both folders the same, names and bytes? */
bool same_files(const char *a, const char *b);

/* new_place - an empty local place at scratch(@name), prepared and locked. */
struct place *new_place(const char *name);

/* A place over another one, whose every operation can be made to fail. */
struct faults {
	unsigned operations;  /* so far */
	unsigned fail_at;     /* this one and those behind it, counted from 1; 0: none */
	unsigned fail_count;  /* how many fail; 0: all that follow */
	ntstatus status;      /* with this */
	unsigned spoil_every; /* every n-th piece that is written is changed on its way */
	bool lock_works;      /* whatever else fails, and the mark of a transfer is found again */
	bool composes;	      /* puts files together, of garbage; else it refuses with @refusal */
	ntstatus refusal;     /* after having written a part of it; 0: it never could */
	unsigned expected;    /* files that it was told of before they are got */
	unsigned asked;	      /* how often it was to put one together */
	unsigned reopened, synced;
	void (*on_reopen)(struct place *inner); /* what others do while it is lost; or NULL */
};
struct place *faulty_place(struct place *inner, struct faults *faults);

#endif
