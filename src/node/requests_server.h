// SPDX-License-Identifier: Apache-2.0
/* What the files of requests about file servers share. The checks give false with a sentence. */
#ifndef NODE_REQUESTS_SERVER_H
#define NODE_REQUESTS_SERVER_H

#include "requests.h"

/* server_check_name - is it a name for a file server? */
bool server_check_name(struct request *r, const char *name);
/* server_check_addresses - a list of addresses with their prefixes? */
bool server_check_addresses(struct request *r, const char *list);
/* server_check_class - may it have that anti-affinity class ("" or NULL: none)? The nodes of the
 * embedded engine are on one machine, which cannot be kept apart from itself. */
bool server_check_class(struct request *r, const char *class);
/* server_check_unique - are @names (a list, or NULL) used by no other than @self, as far as the
 * cluster is known? */
bool server_check_unique(struct request *r, const char *self, const char *names);
/* server_check_address_free - does no other than @self listen on these? */
bool server_check_address_free(struct request *r, const char *self, const char *list, long port);
/* server_lock_home - the home's lock, for the time in which its database is open here although no
 * engine brought it online: a descriptor, or negative errno (-EAGAIN: another has it). */
int server_lock_home(const char *home) MUST_CHECK;

#endif
