// SPDX-License-Identifier: Apache-2.0
/*
 * Names to addresses beside a loop. The system's resolver blocks, for many seconds where a name
 * server is dead, so each name is looked up on a thread of its own (RESOLVE_THREADS at most; the
 * rest wait their turn). What was found is kept for RESOLVE_KEEP_S, so that a check on time does
 * not wait for others' dead names.
 */
#ifndef SITE_RESOLVE_H
#define SITE_RESOLVE_H

#include <io/loop.h>
#include <netdb.h>

#define RESOLVE_THREADS	  32
#define RESOLVE_KEEP_S	  300
#define RESOLVE_ADDRESSES 8 /* of one name, that are tried */

struct resolved {
	int error;	  /* EAI_*; 0: found */
	int system_error; /* errno, where error is EAI_SYSTEM */
	size_t count;
	struct sockaddr_storage addresses[RESOLVE_ADDRESSES];
	socklen_t lengths[RESOLVE_ADDRESSES];
};

/* resolve - @done is called once, on @loop, never from inside this call. */
typedef void resolve_done(void *owner, const struct resolved *found);
void resolve(struct loop *loop, const char *host, uint16_t port, resolve_done *done, void *owner);

#endif
