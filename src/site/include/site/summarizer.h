// SPDX-License-Identifier: Apache-2.0
/*
 * The summarizer: checks every storage object of a site on its schedule, judges what it finds, and
 * writes states and status messages. One loop, one connection to the site's database.
 */
#ifndef SITE_SUMMARIZER_H
#define SITE_SUMMARIZER_H

#include <io/loop.h>
#include <site/site.h>

struct summarizer;

/* summarizer_start - load the objects of @site, which stays the caller's, and begin. NULL and *why
 * where they cannot be read. */
struct summarizer *summarizer_start(struct loop *loop, struct site *site, char **why);
/* summarizer_stop - start no more checks; @done is called, on the loop, when those under way have
 * ended and what they found is written. It is freed then. */
void summarizer_stop(struct summarizer *s, void (*done)(void *owner), void *owner);

struct summarizer_counts {
	size_t objects, under_way;
	uint64_t checks;   /* since the start */
	uint64_t late_ms;  /* how late a check of a reachable object began, at worst, lately */
	uint64_t worst_ms; /* the same since the start */
};
struct summarizer_counts summarizer_counts(const struct summarizer *s);

#endif
