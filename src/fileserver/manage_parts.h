// SPDX-License-Identifier: Apache-2.0
/* What the files of the management interface share. */
#ifndef FILESERVER_MANAGE_PARTS_H
#define FILESERVER_MANAGE_PARTS_H

#include "scopes.h"

#include <fileserver/manage.h>

/* manage_fail - fills @error (which may be NULL) with @status and a sentence, and gives @status
 * back. */
ntstatus manage_fail(struct manage_error *error, ntstatus status, const char *format, ...)
	PRINTF_LIKE(3, 4);
/* manage_fail_store - the same for a call of the store that failed: its own sentence. */
ntstatus manage_fail_store(struct manage_error *error, int code, struct server *server);
/* manage_begin - STATUS_SUCCESS where @who may change @server now. */
ntstatus manage_begin(struct server *server, const struct token *who, const char *what,
		      struct manage_error *error) MUST_CHECK;
/* manage_changed - reload @server and tell whoever wants to know. */
ntstatus manage_changed(struct server *server, struct manage_error *error) MUST_CHECK;

#endif
