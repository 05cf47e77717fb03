// SPDX-License-Identifier: Apache-2.0
/* What a kind of place must be able to do. An operation that is NULL is not supported there. */
#ifndef CONTENT_PLACE_IMPL_H
#define CONTENT_PLACE_IMPL_H

#include <content/place.h>

struct place_ops {
	/* begin - start @request; place_finish ends it, now or while turning. */
	void (*begin)(struct place *place, struct place_request *request);
	void (*plan)(struct place *place, uint64_t bytes);
	void (*expect)(struct place *place, const char *name);
	void (*turn)(struct place *place, int timeout_ms);
	ntstatus (*write)(struct place *place, const char *name, const void *data, size_t length);
	ntstatus (*compose)(struct place *place, const char *name, const struct place_part *parts,
			    size_t count, const uint8_t *expected);
	ntstatus (*list)(struct place *place, const char *name, place_list_fn *each, void *owner);
	ntstatus (*make_directory)(struct place *place, const char *name);
	ntstatus (*remove)(struct place *place, const char *name);
	ntstatus (*set_access)(struct place *place, const char *name, enum place_access access);
	ntstatus (*lock)(struct place *place, const char *name);
	void (*unlock)(struct place *place);
	ntstatus (*sync)(struct place *place);
	ntstatus (*free_bytes)(struct place *place, uint64_t *free_bytes);
	ntstatus (*reopen)(struct place *place);
	/* count - add what the connection that is open has moved. */
	void (*count)(const struct place *place, struct place_counts *counts);
	void (*close)(struct place *place); /* frees it */
	bool creates; /* where write is NULL: begin takes a PUT of a new file all the same */
};

#define PLACE_REASON 256

struct place {
	const struct place_ops *ops;
	char *title;
	unsigned depth, in_flight;
	uint64_t deadline_ms; /* monotonic; 0: none */
	struct place_counts counts;
	char reason[PLACE_REASON]; /* of the last failure, beyond its status; "": none */
};

void place_finish(struct place *place, struct place_request *request, ntstatus status, size_t got);
/* place_staging_name - a new name in the staging directory. */
#define PLACE_STAGING_NAME 48
void place_staging_name(char name[PLACE_STAGING_NAME]);

#endif
