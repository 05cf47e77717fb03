// SPDX-License-Identifier: Apache-2.0
/*
 * One CREATE on its way through create.c (rounds, and what is found), create_new.c (what is made),
 * create_stream.c (streams) and create_decide.c (what is decided under the locks of the file).
 */
#ifndef FILESERVER_CREATE_H
#define FILESERVER_CREATE_H

#include "opens.h"

#define OVERWRITES(d) ((d) == FILE_SUPERSEDE || (d) == FILE_OVERWRITE || (d) == FILE_OVERWRITE_IF)

/* One round of one CREATE. */
struct creation {
	const struct open_request *request;
	struct waiter *waiter;
	struct open_result *result;
	struct create_name name;
	struct volume_lookup lookup;
	char *path; /* from the volume's root */
	struct actions actions;
	bool is_new;	  /* made in this request */
	bool changed;	  /* it is no longer as the lookup found it */
	bool made_base;	  /* an earlier round made the file, for the stream in it */
	uint32_t maximal; /* all that the token may have of it, where that is asked for */
	struct open *open;
	struct audit audit;
	struct { /* what create_new made, for create_take_back; all NULL: nothing */
		struct file *file; /* counted, so that it remembers who opened it meanwhile */
		struct volume_node *parent; /* counted */
		char *path;		    /* from the volume's root */
	} made;
};

static inline bool wants_directory(const struct creation *c)
{
	return (c->request->options & FILE_DIRECTORY_FILE) || c->name.must_be_directory;
}

static inline bool wants_file(const struct creation *c)
{
	return (c->request->options & FILE_NON_DIRECTORY_FILE) || c->name.must_be_file;
}

/* What overwriting needs besides what the client asks for (MS-FSA 2.1.5.1.2.1). */
static inline uint32_t overwrite_access(const struct creation *c)
{
	return !c->is_new && OVERWRITES(c->request->disposition) ? FILE_WRITE_DATA : 0;
}

/* What the token asks for, and what it gets with MAXIMUM_ALLOWED. */
static inline uint32_t audited_access(const struct creation *c, uint32_t also, uint32_t granted)
{
	return (access_map_generic(c->request->desired_access) & ~MAXIMUM_ALLOWED) | also | granted;
}

/* create_initial_attributes - of what is made by the request. */
uint32_t create_initial_attributes(const struct creation *c, bool is_directory);
/* create_open_file - the open of @file, c->open on success; @base is @file itself, or the file that
 * the stream @file is in. @granted: of what is new, what its creator gets. Takes the locks. */
ntstatus create_open_file(struct creation *c, struct file *base, struct file *file,
			  uint32_t granted) MUST_CHECK;
/* create_open_stream - the stream c->name.stream of @base, made where the request makes it. */
ntstatus create_open_stream(struct creation *c, struct file *base) MUST_CHECK;
/* create_new - the lookup found nothing: make it, if the request does. STATUS_RETRY: another round.
 */
ntstatus create_new(struct creation *c) MUST_CHECK;
/* create_take_back - the request has failed after all: what it made goes again, unless somebody
 * else has opened it since, be it open still or not. create_made_end - it is to stay. Both take the
 * locks they need. */
void create_take_back(struct creation *c);
void create_made_end(struct creation *c);

#endif
