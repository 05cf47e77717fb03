// SPDX-License-Identifier: Apache-2.0
/* The answers of web servers, in the terms of this project. */
#include "place_http.h"

#include <stdio.h>

static const struct {
	long code;
	ntstatus status;
} answers[] = {
	{ 401, STATUS_ACCESS_DENIED },	       { 403, STATUS_ACCESS_DENIED },
	{ 404, STATUS_OBJECT_NAME_NOT_FOUND }, { 410, STATUS_OBJECT_NAME_NOT_FOUND },
	{ 405, STATUS_MEDIA_WRITE_PROTECTED }, { 409, STATUS_OBJECT_PATH_NOT_FOUND },
	{ 412, STATUS_OBJECT_NAME_COLLISION }, { 413, STATUS_FILE_TOO_LARGE },
	{ 501, STATUS_MEDIA_WRITE_PROTECTED }, { 507, STATUS_DISK_FULL },
	{ 429, STATUS_NETWORK_BUSY },	       { 502, STATUS_SERVER_UNAVAILABLE },
	{ 503, STATUS_SERVER_UNAVAILABLE },    { 504, STATUS_IO_TIMEOUT },
};

static bool is_good(enum place_verb verb, long code)
{
	/* What was made anew is 201 (RFC 9110 9.3.4). Anything else has not kept it, or not as a
	 * new file: what stands between and answers 200 to all it is asked has swallowed it. */
	if (verb == PLACE_PUT)
		return code == 201;
	return code == 200 || code == 206 || code == HTTP_ANSWER_NO_RANGE;
}

ntstatus http_status(enum place_verb verb, long code)
{
	if (is_good(verb, code))
		return STATUS_SUCCESS;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		if (answers[i].code == code)
			return answers[i].status;
	return STATUS_UNEXPECTED_NETWORK_ERROR;
}

void http_reason(char *reason, size_t size, long code)
{
	snprintf(reason, size, "HTTP status %ld%s", code,
		 code >= 300 && code < 400 ? ": redirections are not followed" : "");
}
