// SPDX-License-Identifier: Apache-2.0
/* What a place behind a web server is, whoever speaks HTTP for it. Private to the room. */
#ifndef CONTENT_PLACE_HTTP_H
#define CONTENT_PLACE_HTTP_H

#include <content/place.h>

#define HTTP_DEPTH	     8
#define CONNECT_TIMEOUT_MS   10000
#define STALL_TIMEOUT_MS     30000
#define FLOOR_BYTES_S	     1024 /* of one request: slower is stalled */

#define HTTP_ANSWER_NO_RANGE 416 /* nothing is behind that offset: an end, and no failure */

/* http_status - what the answer @code to @verb means (RFC 9110, 15). */
ntstatus http_status(enum place_verb verb, long code);

/* http_reason - the same for people: into the @size bytes of @reason. */
void http_reason(char *reason, size_t size, long code);

#endif
