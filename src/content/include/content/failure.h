// SPDX-License-Identifier: Apache-2.0
/*
 * Why something about content did not work: which kind of thing went wrong, on which path, the
 * status of whoever said so, and a sentence. Whoever calls into content/ passes one in, and reads
 * it after a function has returned false.
 */
#ifndef CONTENT_FAILURE_H
#define CONTENT_FAILURE_H

#include <base/base.h>
#include <wire/ntstatus.h>

enum content_problem {
	CONTENT_FINE,
	CONTENT_BAD_NAME,    /* a path that must not be in a package */
	CONTENT_BAD_FILE,    /* neither a file nor a directory, or one that changed while read */
	CONTENT_MISSING,     /* a source, a piece or a document is not there */
	CONTENT_UNREADABLE,  /* it is there and cannot be read */
	CONTENT_UNWRITABLE,  /* a target refuses: read-only, no rights */
	CONTENT_FULL,	     /* no room at the target */
	CONTENT_UNREACHABLE, /* the place does not answer, or stopped answering */
	CONTENT_BUSY,	     /* someone else is at work on the place */
	CONTENT_FOREIGN,     /* the place belongs to another site */
	CONTENT_DAMAGED, /* bytes are not what their hash says, or not in the form they must have */
	CONTENT_TOO_LARGE,    /* more than its limit or than was announced */
	CONTENT_FORGED,	      /* not signed by enough of the keys that may */
	CONTENT_EXPIRED,      /* signed, but its time has passed: an old copy, or a wrong clock */
	CONTENT_ROLLED_BACK,  /* signed, but older than what is known */
	CONTENT_INCONSISTENT, /* documents that were not published together */
	CONTENT_CANCELLED,    /* the caller said stop */
	CONTENT_INTERNAL,     /* memory, the random generator, cryptography */
	CONTENT_PROBLEM_COUNT,
};

struct content_failure {
	enum content_problem problem;
	ntstatus status; /* what the place or the system said, or the nearest there is */
	char path[512];	 /* what it concerns, as far as it fits */
	char text[256];	 /* one sentence without a full stop */
};

/* content_problem_name - "expired"; for listings and logs. */
const char *content_problem_name(enum content_problem problem);

/* content_fail - fill @why (NULL is good) and return false. @path may be NULL. */
bool content_fail(struct content_failure *why, enum content_problem problem, ntstatus status,
		  const char *path, const char *format, ...) PRINTF_LIKE(5, 6);
/* content_fail_errno - the same for a system call: the problem follows from @error. */
bool content_fail_errno(struct content_failure *why, int error, const char *path,
			const char *what_was_tried);
/* content_fail_status - the same for an answer of a place; @writing: it was asked to change. */
bool content_fail_status(struct content_failure *why, ntstatus status, bool writing,
			 const char *path, const char *what_was_tried);
/* content_problem_of - what kind of problem a status is. */
enum content_problem content_problem_of(ntstatus status, bool writing);

#endif
